# SPDX-License-Identifier: MIT
"""Puts P-256 questions to p256_worker.py in MicroPython or CPython, many in one run.

A question is a command and its bytes: sign (private, digest), public (private), verify and known
(public, digest, signature). The checks are in the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable

from runtimes import ROOT, device_path, run_device

WORKER = ROOT / "tests" / "device" / "p256_worker.py"
Question = tuple[str, *tuple[bytes, ...]]


def ask(runtime: str, backend: str, questions: Iterable[Question], heap: str = "64wK") -> list[str]:
    """One answer a question. `runtime`: "micropython" (device modules as .mpy) or "cpython"."""
    lines = "".join(f"{','.join([name, *(part.hex() for part in parts)])}\n" for name, *parts in questions)
    if runtime == "micropython":
        done = run_device(WORKER, args=[backend], stdin=lines, heap=heap, mpy=True, timeout=300)
    else:
        done = _run_cpython(backend, lines)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    greeting, *answers = done.stdout.splitlines()
    expected = "viper" if runtime == "micropython" and backend == "best" else "int"
    assert greeting == f"{expected} True", greeting
    return answers


def _run_cpython(backend: str, lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(WORKER), backend],
        input=lines,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": device_path().removesuffix(":.frozen")},
        check=False,
    )
