# SPDX-License-Identifier: MIT
"""Integer money in micro-units: range check and exact division. No float ever meets an amount.

Not here: text forms, which only the host needs.
"""

from .faults import BAD_FIELD, Fault
from .limits import MAX_MICRO


def check(amount: int) -> int:
    """Return `amount` (micro-units) if it is in 0..2**63-1, else raise Fault(BAD_FIELD)."""
    if not 0 <= amount <= MAX_MICRO:
        raise Fault(BAD_FIELD)
    return amount


def split(total: int, weights: list[int]) -> list[int]:
    """Divide `total` micro-units by largest remainder; the parts sum exactly, ties go to the smaller index.

    Raises Fault(BAD_FIELD) when there is no positive weight, or a negative one.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise Fault(BAD_FIELD)
    parts = [total * weight // whole for weight in weights]
    rest = total - sum(parts)
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[:rest]:
        parts[i] += 1
    return parts
