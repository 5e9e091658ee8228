# SPDX-License-Identifier: MIT
"""Integer money: range and exact division."""

from farthing import money
from farthing.faults import BAD_FIELD
from farthing.limits import MAX_MICRO
from shared.check import raises, refused, vectors


def test_split_vectors():
    rows = vectors("text")["split"]
    for row in rows:
        if "parts" in row:
            assert money.split(row["total"], row["weights"]) == row["parts"], row
    refused([row for row in rows if "fault" in row], lambda row: money.split(row["total"], row["weights"]))


def test_split_sums_exactly():
    for total in (0, 1, 9, 10**6 + 1, MAX_MICRO):
        for weights in ([1], [1, 1, 1], [3, 1, 4, 1, 5], [0, 7, 0], [10**12, 1]):
            parts = money.split(total, weights)
            assert sum(parts) == total and min(parts) >= 0
            for part, weight in zip(parts, weights):
                floor = total * weight // sum(weights)
                assert part in (floor, floor + 1)


def test_check_is_the_signed_64_bit_range():
    for amount in (0, 1, 2**30, MAX_MICRO):
        assert money.check(amount) == amount
    for amount in (-1, MAX_MICRO + 1, 2**64):
        raises(BAD_FIELD, money.check, amount)
