# SPDX-License-Identifier: MIT
"""Measurements as ratios to a ceiling taken in the same run, because machines differ and drift.

Not here: judgement. A figure says what was measured; budgets and goals live in the docs.
"""

import time
from collections.abc import Callable
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured rate: `rate` operations a second, beside the `ceiling` that bounds it in this run."""

    name: str
    what: str
    rate: float
    ceiling: float
    ceiling_name: str

    @property
    def ratio(self) -> float:
        return self.rate / self.ceiling if self.ceiling else 0.0


def rate_of(work: Callable[[], int], seconds: float) -> float:
    """Operations a second of CPU time; `work` is called for about `seconds` and returns how many it did."""
    work()
    done = 0
    start = time.process_time()
    spent = 0.0
    while spent < seconds:
        done += work()
        spent = time.process_time() - start
    return done / spent
