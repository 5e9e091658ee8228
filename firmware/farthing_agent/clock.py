# SPDX-License-Identifier: MIT
"""Time since boot, and the gateway's time as its beacon told it.

Not here: safety. No rule that guards money asks a clock; offers and time stamps do.
"""

try:
    from time import ticks_diff, ticks_ms  # pyright: ignore[reportAssignmentType] - overloads of the stub
except ImportError:
    from .clock_cpython import ticks_diff, ticks_ms


class Clock:
    """Ask at least once in six days: a board's tick counter wraps after twelve."""

    def __init__(self):
        self._last = ticks_ms()
        self._ms = 0
        self._offset_s = 0  # gateway time at boot; 0: not known

    def ms(self) -> int:
        """Milliseconds since boot."""
        now = ticks_ms()
        self._ms += ticks_diff(now, self._last)
        self._last = now
        return self._ms

    def set(self, time_s: int) -> None:
        """Take over the gateway's time, seconds since 1970."""
        self._offset_s = time_s - self.ms() // 1000

    def now_s(self) -> int:
        """The gateway's time; 0 before its first beacon."""
        return self._offset_s + self.ms() // 1000 if self._offset_s else 0
