# SPDX-License-Identifier: MIT
"""Which source files run on a board; every gate asks here.

The gates themselves are in the scripts beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "protocol", ROOT / "firmware")
HOST_ONLY = "_cpython.py"  # the CPython twin of a device module; never deployed


class Finding(NamedTuple):
    """One line of a gate's output."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        shown = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{shown}:{self.line}: {self.reason}"


def device_files(named: Sequence[str | Path] = ()) -> list[Path]:
    """The Python files in the named files and folders, or in protocol/ and firmware/."""
    files: list[Path] = []
    for place in map(Path, named or FOLDERS):
        files += sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return [path for path in files if not path.name.endswith(HOST_ONLY)]


def report(findings: Sequence[Finding]) -> int:
    """Print one line each; the exit code is 1 if there are any."""
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if str(ROOT / "tools") not in sys.path:  # the gates run from a checkout that need not be installed
    sys.path[:0] = [str(ROOT / folder) for folder in ("protocol", "host", "tools")]
