# SPDX-License-Identifier: MIT
"""Multiplication of P-256 points over a field back-end: combs for known points, a window for others.

It knows no signatures, and no limbs. A field back-end (limbs, bigint) is a module with one work area of 20
slots, so there is one multiplication at a time. A table is a sequence of pieces of 8 affine points, 64 bytes
each: a heap in use has no room of 2 KB in one.
"""

import sys

from .constants import N, P
from .data import (
    ADD,
    ADD_OPPOSITE,
    AFFINE,
    COMPARE,
    DOUBLE,
    INVERTED,
    PLACE,
    PLACE_OPPOSITE,
    PROGRAMS,
    Z_TO_E,
)

ROWS = 26
DIGITS = 52
PEER_DIGITS = 262
NO_DIGIT = 64
_SIGNED = (ADD, ADD_OPPOSITE, PLACE, PLACE_OPPOSITE)
# N**-1 and P**-1 mod 2**13, for the inversion.
N_INVERSE = 945
P_INVERSE = 8191


def passing(name: str):
    """A module of this package that leaves RAM with its last user; it is loaded anew when needed."""
    package = __name__[: __name__.rindex(".")]
    module = __import__(package + "." + name, None, None, (name,))
    del sys.modules[package + "." + name]
    delattr(sys.modules[package], name)
    return module


def comb_scalar(k: int, noise: int = 0) -> bytes:
    """The bits, read as +1 and -1, of an odd number congruent to `k`: k plus 0 to 15 times the order.

    Which multiple is three bits of `noise`, so that the same secret does not give the same digits.
    """
    k += (noise & 14 | ~k & 1) * N
    return ((k + (1 << 260) - 1) >> 1).to_bytes(33, "little")


class Curve:
    """The multiplications. A `row` is one doubling and the additions of one comb row."""

    def __init__(self, field):
        self.field = field
        self.base_table = field.BASE_TABLE
        self._empty = 2
        self._digits = bytearray(DIGITS)
        self._packed = bytearray(64)

    def multiply_base(self, k: int, z: int = 1, noise: int = 0):
        """(x, y) of k * G for 0 < k < N. `z` (not 0) and `noise` blind the way, not the result."""
        self.field.comb_digits(comb_scalar(k, noise), self._digits)
        self.clear(z)
        if not self._add_rows(ROWS):
            return passing("complete").multiply(k)
        self.run(Z_TO_E)
        self.invert_e()
        self.run(AFFINE)
        return self._plain_pair()

    def matches(self, r: int, u1: int, u2: int, x: int, y: int, table=None) -> bool:
        """True if the x of u1 * G + u2 * (x, y) is `r` modulo the order; `table`: None or tables.comb."""
        field = self.field
        field.comb_digits(comb_scalar(u1), self._digits)
        rows = ROWS
        digits = bytearray(PEER_DIGITS)
        if table:
            field.comb_digits(comb_scalar(u2), digits)
        else:
            rows = 257
            table = passing("tables").window(self, x, y)
            field.window_digits(u2.to_bytes(35, "little"), digits)
        self.clear(1)
        if not self._add_rows(rows, table, digits):
            point = passing("complete").multiply(u1, u2, x, y)
            return point is not None and point[0] % N == r
        while r < P:
            self.put(4, r)
            self.run(COMPARE)
            left, right = self._plain_pair()
            if left == right:
                return True
            r += N
        return False

    def put(self, slot: int, number: int):
        """Put a plain number below 2**256 into a slot."""
        field = self.field
        field.unpack(number.to_bytes(32, "little"), 0, field.words, slot, 1)

    def run(self, program: int):
        """Run the point formula at that place of PROGRAMS."""
        field = self.field
        field.run(field.words, program, PROGRAMS)

    def clear(self, z: int):
        """Forget the running point; the next one added is scaled by the number `z`, which is not 0."""
        self._empty = 2
        self.put(3, z)

    def add(self, table, digit: int):
        """Add entry `digit & 127` of a table, or its opposite if `digit` has bit 7."""
        field = self.field
        words = field.words
        field.unpack(table[digit >> 3 & 15], (digit & 7) << 6, words, 4, 2)
        field.run(words, _SIGNED[self._empty + (digit >> 7)], PROGRAMS)
        self._empty = 0

    def invert_e(self):
        """Slot e becomes its own inverse, in constant flow with viper."""
        field = self.field
        field.pack(field.words, 10, 1, 0, self._packed, 0)  # which reduces it
        field.invert(field.words, 10, 0, P_INVERSE)
        self.run(INVERTED)

    def invert_scalar(self, number: int) -> int:
        """1 / number modulo the order, in constant flow with viper. The number must be below the order."""
        field = self.field
        self.put(10, number)
        field.invert(field.words, 10, 14, N_INVERSE)
        field.pack(field.words, 16, 1, 14, self._packed, 0)
        return int.from_bytes(self._packed[:32], "little")

    def _add_rows(self, rows, table=None, digits=None):
        # 26 rows add two digits of `table` each; of the 257 of a window, only the last 26 have base digits.
        # False for the infinite point (Z is 0), and where an addition met equal or opposite points.
        add = self.add
        run = self.run
        base = self.base_table
        for row in range(rows - 1, -1, -1):
            if not self._empty:
                run(DOUBLE)
            if row < ROWS:
                add(base, self._digits[2 * row])
                add(base, self._digits[2 * row + 1])
            if rows > ROWS:
                if digits[row] != NO_DIGIT:
                    add(table, digits[row])
            elif table:
                add(table, digits[2 * row])
                add(table, digits[2 * row + 1])
        self.field.pack(self.field.words, 3, 1, 0, self._packed, 0)
        return any(self._packed[:32])

    def _plain_pair(self):
        packed = self._packed
        self.field.pack(self.field.words, 8, 2, 0, packed, 0)
        return int.from_bytes(packed[:32], "little"), int.from_bytes(packed[32:], "little")
