# SPDX-License-Identifier: MIT
"""Reads what the boards print on their consoles and keeps the newest figures of each.

One JSON object a line, `ev` names the event. Not here: what the figures mean; report.py says that.
"""

import json
import threading
import time
from typing import Any

from farthing_cli.fleet import Board


class Console:
    """The figures of all boards, filled from their reader threads."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.figures: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[str]] = {}
        self.first_paid_s: float | None = None
        self._lock = threading.Lock()

    def line(self, board: Board, text: str) -> None:
        """Take over one line, and keep it in the board's console.log; only a JSON object is an event."""
        with (board.root / "console.log").open("a", encoding="utf-8") as log:
            print(f"{time.monotonic() - self.began:8.2f} {text}", file=log)
        if not text.startswith("{"):
            return
        try:
            event = json.loads(text)
        except ValueError:
            return
        name = event.pop("ev", "")
        with self._lock:
            if name == "paid" and self.first_paid_s is None:
                self.first_paid_s = time.monotonic() - self.began
            self.events.setdefault(board.name, []).append(name)
            mine = self.figures.setdefault(board.name, {})
            if name == "mem":
                mine.setdefault("mem", {})[event["units"]] = event["alloc"]
            elif name != "deal":  # its `units` are ordered, not delivered
                mine.update(event)

    def of(self, board: str) -> dict[str, Any]:
        """A copy of one board's figures."""
        with self._lock:
            return dict(self.figures.get(board, {}))

    def total(self, boards: list[str], key: str) -> int:
        """The sum of one figure over some boards."""
        return sum(int(self.of(board).get(key, 0)) for board in boards)

    def has(self, board: str, event: str) -> bool:
        """Whether a board has reported an event."""
        with self._lock:
            return event in self.events.get(board, ())
