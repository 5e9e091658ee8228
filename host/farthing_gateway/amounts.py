# SPDX-License-Identifier: MIT
"""Money as text: micro-units to exact decimals of the whole unit and back. No float anywhere.

The integer rules themselves are in `farthing.money`.
"""

import re

from farthing.limits import MAX_MICRO

MICRO = 1_000_000
_DECIMAL = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,6}))?")


def format_micro(amount: int) -> str:
    """`-1500000` as "-1.500000": always six places, so columns align and nothing is rounded."""
    whole, part = divmod(abs(amount), MICRO)
    return f"{'-' if amount < 0 else ''}{whole}.{part:06d}"


def parse_micro(text: str) -> int:
    """The micro-units of a non-negative decimal with at most six places. Raises ValueError."""
    match = _DECIMAL.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no amount: write it like 12 or 0.000250, six places at the most")
    amount = int(match[1]) * MICRO + int((match[2] or "").ljust(6, "0"))
    if amount > MAX_MICRO:
        raise ValueError(f"{text!r} is above the largest amount, {format_micro(MAX_MICRO)}")
    return amount
