# SPDX-License-Identifier: MIT
"""Starts link_worker.py in real MicroPython (.mpy, a board's heap) or in CPython, and reads what it tells.

The checks are in test_link.py and test_link_tls.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any

from farthing_cli import interpreter
from runtimes import ROOT, compiled, device_path, require_micropython

RUNTIMES = ("micropython", "cpython")
HEAP = "64wK"
LIMIT_S = 60


class Worker:
    """A running link_worker.py; ends with its `with` block, or after a minute."""

    def __init__(self, runtime: str, heap: str = HEAP, **settings: Any):
        script = str(ROOT / "tests/device/link_worker.py")
        if runtime == "micropython":
            require_micropython()
            command = [*interpreter.command(), "-X", f"heapsize={heap}", script]
            paths = {"MICROPYPATH": f"{compiled()}:.frozen"}
        else:
            command = [sys.executable, script]
            paths = {"PYTHONPATH": device_path().removesuffix(":.frozen")}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, **paths},
        )
        self.timer = threading.Timer(LIMIT_S, self.process.kill)
        self.timer.start()
        assert self.process.stdin is not None
        # Not as an argument: above 255 bytes one ends the unix port with "uncaught NLR".
        self.process.stdin.write(json.dumps(settings) + "\n")
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        """The next line that it tells; fails with whatever it printed instead."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text.startswith("{"), f"the worker said: {text}{self.process.stdout.read()}"
        return json.loads(text)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.timer.cancel()
        self.process.kill()
        self.process.communicate()


def result(runtime: str, **settings: Any) -> dict[str, Any]:
    """Run a worker to its end; its last line."""
    with Worker(runtime, **settings) as worker:
        assert worker.line()["up"]
        return worker.line()
