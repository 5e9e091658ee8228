# SPDX-License-Identifier: MIT
"""Multiplication of P-256 points over a field back-end: combs for known points, a window for others.

It knows no signatures, and no limbs: a field back-end (viper.Field, bigint.Field) holds the numbers.
One Curve has one work area, so one multiplication at a time.
"""

from . import programs
from .constants import B, N, P

_ROWS = 26
_TEETH = 5
_ENTRIES = 16
_NO_DIGIT = 64


def comb_scalar(k: int, noise: int = 0) -> int:
    """The bits, read as +1 and -1, of an odd number congruent to `k`: k plus 0 to 15 times the order.

    Which multiple is three bits of `noise`, so that the same secret does not give the same digits.
    """
    k += (noise & 14 | ~k & 1) * N
    return (k + (1 << 260) - 1) >> 1


def on_curve(x: int, y: int) -> bool:
    """True for the affine coordinates of a point of the curve."""
    return x < P and y < P and (y * y - (x * x - 3) * x - B) % P == 0


def _complete(*factors):
    from .complete import multiply  # rarely needed, so it takes no room before

    return multiply(*factors)


class Curve:
    """The multiplications. A `row` is one doubling and the additions of one comb row."""

    def __init__(self, field):
        self.field = field
        self._base_digits = bytearray(2 * _ROWS)
        self._peer_digits = bytearray(262)
        self._packed = bytearray(64)

    def multiply_base(self, k: int, z: int = 1, noise: int = 0):
        """(x, y) of k * G for 0 < k < N. `z` (not 0) and `noise` blind the way, not the result."""
        field = self.field
        field.comb_digits(comb_scalar(k, noise), self._base_digits)
        field.clear(z)
        for row in range(_ROWS - 1, -1, -1):
            self._base_row(row)
        if self._infinite():
            return _complete(k)
        field.run(programs.Z_TO_E)
        field.invert_e()
        field.run(programs.AFFINE)
        return self._plain_pair()

    def matches_known(self, r: int, u1: int, u2: int, x: int, y: int, table: bytes) -> bool:
        """True if the x of u1 * G + u2 * (x, y) is `r` modulo the order; `table` is comb_table(x, y)."""
        field = self.field
        field.comb_digits(comb_scalar(u1), self._base_digits)
        field.comb_digits(comb_scalar(u2), self._peer_digits)
        field.clear(1)
        for row in range(_ROWS - 1, -1, -1):
            self._base_row(row)
            self._peer_row(row, table)
        return self._matches(r, u1, u2, x, y)

    def matches(self, r: int, u1: int, u2: int, x: int, y: int) -> bool:
        """The same for a point without a comb table."""
        field = self.field
        table = self.odd_multiples(x, y)
        field.comb_digits(comb_scalar(u1), self._base_digits)
        field.window_digits(u2, self._peer_digits)
        field.clear(1)
        for row in range(256, -1, -1):
            self._window_row(row, table)
        return self._matches(r, u1, u2, x, y)

    def _base_row(self, row):
        field = self.field
        field.double()
        field.add(field.base_table, self._base_digits[2 * row])
        field.add(field.base_table, self._base_digits[2 * row + 1])

    def _peer_row(self, row, table):
        self.field.add(table, self._peer_digits[2 * row])
        self.field.add(table, self._peer_digits[2 * row + 1])

    def _window_row(self, row, table):
        if row < _ROWS:
            self._base_row(row)
        else:
            self.field.double()
        if self._peer_digits[row] != _NO_DIGIT:
            self.field.add(table, self._peer_digits[row])

    def _infinite(self):
        # Z is 0 for the infinite point, and also where an addition met equal or opposite points.
        packed = self._packed
        self.field.save(3, 1, packed, 0)
        return not any(packed[:32])

    def _plain_pair(self):
        packed = self._packed
        self.field.save(8, 2, packed, 0)
        return int.from_bytes(packed[:32], "little"), int.from_bytes(packed[32:], "little")

    def _matches(self, r, u1, u2, x, y):
        if self._infinite():
            point = _complete(u1, u2, x, y)
            return point is not None and point[0] % N == r
        while r < P:
            self.field.put(4, r)
            self.field.run(programs.COMPARE)
            left, right = self._plain_pair()
            if left == right:
                return True
            r += N
        return False

    def odd_multiples(self, x: int, y: int) -> bytearray:
        """Table of 1, 3, ... 15 times the point."""
        field = self.field
        points = bytearray(8 * 96)
        self._enter(x, y)
        field.run(programs.DOUBLE_SHARED)
        for at in range(0, 8 * 96, 96):
            if at:
                field.run(programs.ADD_SHARED)
            field.save(1, 3, points, at)
        return self._affine(points, bytearray(8 * 64), 0)

    def comb_table(self, x: int, y: int) -> bytearray:
        """Signed comb of the point, as the base point has one: 2 tables of 16 entries of 64 bytes."""
        teeth = self._teeth(x, y)
        table = bytearray(2 * _ENTRIES * 64)
        self._affine(self._comb_half(teeth, 0), table, 0)
        return self._affine(self._comb_half(teeth, 2), table, _ENTRIES * 64)

    def _teeth(self, x, y):
        # Entries 2 m and 2 m + 1: 2**(26 m) times the point, and twice that.
        field = self.field
        points = bytearray(_TEETH * 4 * 96)
        self._enter(x, y)
        field.run(programs.UNSCALED)
        field.run(programs.PLACE)
        for at in range(0, len(points), 192):
            if at:
                for _ in range(_ROWS - 1):
                    field.run(programs.DOUBLE)
            field.save(1, 3, points, at)
            field.run(programs.DOUBLE)
            field.save(1, 3, points, at + 96)
        return self._affine(points, bytearray(_TEETH * 4 * 64), 0)

    def _comb_half(self, teeth, first):
        # Entry 0 has every lower tooth subtracted; adding a doubled tooth turns its sign.
        field = self.field
        points = bytearray(_ENTRIES * 96)
        field.clear(1)
        field.add(teeth, first + 16)
        for tooth in range(first, first + 16, 4):
            field.add(teeth, tooth | 128)
        field.save(1, 3, points, 0)
        for index in range(1, _ENTRIES):
            rest = index & (index - 1)
            tooth = (0, 0, 4, 0, 8, 0, 0, 0, 12)[index - rest]
            field.load(points, 96 * rest, 1, 3)
            field.add(teeth, first + tooth + 1)
            field.save(1, 3, points, 96 * index)
        return points

    def _enter(self, x, y):
        self.field.put(4, x)
        self.field.put(5, y)
        self.field.run(programs.ENTER)

    def _affine(self, points, table, offset):
        # Montgomery's trick: one inversion for all the points of 96 bytes. Until an entry is made, its
        # place holds the product of the Z before it.
        field = self.field
        count = len(points) // 96
        field.run(programs.BATCH_START)
        for i in range(count):
            field.save(10, 1, table, offset + 64 * i)
            field.load(points, 96 * i + 64, 3, 1)
            field.run(programs.BATCH_COLLECT)
        field.invert_e()
        for i in range(count - 1, -1, -1):
            field.load(points, 96 * i, 1, 3)
            field.load(table, offset + 64 * i, 4, 1)
            field.run(programs.BATCH_RELEASE)
            field.save(8, 2, table, offset + 64 * i)
        return table
