# SPDX-License-Identifier: MIT
"""What the user sees: progress on a terminal, plain lines in a pipe, one object with --json.

It decides where text goes, not what it says. Errors are not its job: main prints them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TextIO

PIPED_STEPS = 4  # a piped progress says so at every quarter
_CLEAR = "\r\x1b[K"


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give a command the --json option."""
    parser.add_argument("--json", action="store_true", help="print one final object on stdout")


class Output:
    """The one way for a command to print. Safe to use from several threads."""

    def __init__(
        self, *, json: bool = False, stdout: TextIO | None = None, stderr: TextIO | None = None
    ) -> None:
        self.json = json
        self._result_to = stdout or sys.stdout
        self._text_to = (stderr or sys.stderr) if json else self._result_to
        self._terminal = self._text_to.isatty()
        self._open = False  # an unfinished progress line is on the terminal
        self._steps: dict[str, int] = {}
        self._lock = threading.Lock()

    def line(self, text: str = "") -> None:
        """One line for the reader (to stderr under --json)."""
        with self._lock:
            self._end_progress()
            print(text, file=self._text_to, flush=True)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Aligned columns; those whose cells are all integers are aligned right."""
        cells = [list(head), *([str(cell) for cell in row] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        right = [bool(rows) and all(isinstance(row[i], int) for row in rows) for i in range(len(head))]
        for row in cells:
            padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True))
            self.line("  ".join(padded).rstrip())

    def progress(self, label: str, done: int, total: int) -> None:
        """`done` of `total`: one line rewritten on a terminal, a line each quarter in a pipe.

        A `total` of 0 is an open end: a pipe gets one line then.
        """
        with self._lock:
            text = f"{label}: {done} of {total}" if total > 0 else f"{label}: {done}"
            if self._terminal:
                width = shutil.get_terminal_size().columns - 1
                self._text_to.write(_CLEAR + text[:width])
                self._text_to.flush()
                self._open = True
            elif self._advances(label, done, total):
                print(text, file=self._text_to, flush=True)

    def result(self, value: Mapping[str, object]) -> None:
        """The final object: printed under --json, else nothing. Call it once, at the end."""
        with self._lock:
            self._end_progress()
            if self.json:
                print(json.dumps(value), file=self._result_to, flush=True)

    def _advances(self, label: str, done: int, total: int) -> bool:
        step = PIPED_STEPS if total <= 0 else PIPED_STEPS * done // total
        before = self._steps.get(label, 0)
        self._steps[label] = max(step, before)
        return step > before

    def _end_progress(self) -> None:
        if self._open:
            self._text_to.write(_CLEAR)
            self._open = False
