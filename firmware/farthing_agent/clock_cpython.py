# SPDX-License-Identifier: MIT
"""MicroPython's millisecond counter for CPython, so that tests can run the agent there. Not put on boards."""

from time import monotonic


def ticks_ms():
    """Milliseconds from an arbitrary start; this one never wraps."""
    return int(monotonic() * 1000)


def ticks_diff(end, start):
    """Milliseconds from `start` to `end`."""
    return end - start
