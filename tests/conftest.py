# SPDX-License-Identifier: MIT
"""Gives each test of a folder named `shared` two items: CPython's own and one that runs in MicroPython.

The CPython item is pytest's; only the second is made here. One process serves a whole file.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import runtimes

# Shared tests are compiled on the interpreter itself, which is what needs the room; how little RAM the
# modules need is measured from .mpy by tools/dev/heap.py.
SHARED_HEAP = "512wK"
SHARED_TIMEOUT_S = 300


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    if file_path.parent.name == "shared" and file_path.match("test_*.py"):
        return MicroPythonFile.from_parent(parent, path=file_path)
    return None


class MicroPythonFile(pytest.File):
    """The MicroPython side of one shared test file."""

    def collect(self) -> Iterator[pytest.Item]:
        for node in ast.parse(self.path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield MicroPythonItem.from_parent(self, name=f"{node.name}[micropython]")


class DeviceError(Exception):
    """Text that the device printed for a failed test."""


class MicroPythonItem(pytest.Item):
    """One test, as one verdict line of the file's MicroPython process."""

    def runtest(self) -> None:
        runtimes.require_micropython()
        verdicts, log = _run_file(self.path)
        test = self.name.partition("[")[0]
        if test not in verdicts:
            raise DeviceError(f"the interpreter ended before {test}:\n{log}")
        passed, text = verdicts[test]
        if not passed:
            raise DeviceError(text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, DeviceError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


@cache
def _run_file(path: Path) -> tuple[dict[str, tuple[bool, str]], str]:
    """Verdict and text of each test in `path`, and the whole log for the ones that never ran."""
    runner = runtimes.ROOT / "tests" / "mp_runner.py"
    try:
        done = runtimes.run_device(runner, heap=SHARED_HEAP, args=[str(path)], timeout=SHARED_TIMEOUT_S)
    except subprocess.TimeoutExpired as late:
        printed = (late.stdout or b"").decode(errors="replace")
        return _verdicts(printed), f"{printed}\nno end after {SHARED_TIMEOUT_S} s"
    return _verdicts(done.stdout), f"{done.stdout}{done.stderr}\nexit code {done.returncode}"


def _verdicts(printed: str) -> dict[str, tuple[bool, str]]:
    verdicts: dict[str, tuple[bool, str]] = {}
    lines: list[str] = []
    for line in printed.splitlines():
        verdict, _, test = line.partition(" ")
        if verdict in {"::PASS", "::FAIL"}:
            verdicts[test] = (verdict == "::PASS", "\n".join(lines))
            lines = []
        else:
            lines.append(line)
    return verdicts
