# SPDX-License-Identifier: MIT
"""A token bucket for each key, so that one noisy sender costs bounded work. It knows no clock of its own."""

from collections import OrderedDict
from collections.abc import Hashable

_KEPT = 10_000


class Limiter:
    """`burst` at once, then `rate` a second, for each key; the keys used least recently are forgotten."""

    def __init__(self, burst: int, rate: float) -> None:
        self._burst = burst
        self._rate = rate
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def allow(self, key: Hashable, now_s: float) -> bool:
        """Take one token of `key`; False when there is none."""
        level, then_s = self._buckets.pop(key, (float(self._burst), now_s))
        level = min(self._burst, level + (now_s - then_s) * self._rate)
        allowed = level >= 1
        self._buckets[key] = (level - 1 if allowed else level, now_s)
        if len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        return allowed
