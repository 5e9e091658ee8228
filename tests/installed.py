# SPDX-License-Identifier: MIT
"""The installed `farthing` script as a user runs it, and what it leaves behind.

tests/cli.py runs the same command from the sources; here nothing of the checkout is on the path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from runtimes import unavailable

TIMEOUT_S = 120


def script() -> str:
    """Path of the `farthing` beside this Python; skips the test (in CI fails it) where there is none."""
    found = shutil.which("farthing", path=str(Path(sys.executable).parent))
    if found is None:
        unavailable("no farthing script beside this Python: run the tests with `make test`")
    return found


class Place:
    """A folder in which commands run, with their temporary files and their traces inside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()

    def environment(self, **extra: str) -> dict[str, str]:
        """That of a user: no PYTHONPATH, and every process that comes of it can be told by its TMPDIR."""
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return {**kept, "TMPDIR": str(self.temporary), **extra}

    def run(self, *args: str, timeout_s: float = TIMEOUT_S, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run one command line of the script to its end; `extra` goes into the environment."""
        return subprocess.run(
            [script(), *args],
            cwd=self.folder,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def start(self, *args: str, stdout: int = subprocess.PIPE, **extra: str) -> subprocess.Popen[str]:
        """Start one command line; the caller ends it."""
        return subprocess.Popen(
            [script(), *args],
            cwd=self.folder,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[str]:
        """The command lines of all living processes that came of a command here. Needs /proc."""
        mark = f"TMPDIR={self.temporary}".encode()
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and mark in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:  # it ended meanwhile, or is another user's
                continue
        return found

    def left_behind(self) -> list[str]:
        """Processes that are still there after a second, and temporary files. Empty is as it should be."""
        if not Path("/proc/self/environ").exists():
            return []
        end = time.monotonic() + 1
        while self.processes() and time.monotonic() < end:
            time.sleep(0.02)
        return [*self.processes(), *map(str, self.temporary.iterdir())]
