# SPDX-License-Identifier: MIT
"""The field back-end for boards with native code: limbs in one work area, programs run by viper.

Importing it fails where viper code can't run (ImportError, SyntaxError or ValueError). It knows no
curve: curve.py calls it, and bigint.Field does the same on big integers.
"""

from . import programs
from .base_table import BASE_TABLE
from .constants import N, P
from .field_viper import run
from .limbs import comb_digits, invert, pack, reduce, unpack, window_digits

# N**-1 and P**-1 mod 2**13, for the inversion.
_N_INVERSE = 945
_P_INVERSE = 8191
_SLOTS = 20
_SIGNED = (programs.ADD, programs.ADD_OPPOSITE, programs.PLACE, programs.PLACE_OPPOSITE)


class Field:
    """20 slots of 20 limbs; every number in Montgomery form (times 2**260) but where it says plain."""

    name = "viper"
    base_table = BASE_TABLE

    def __init__(self):
        self._words = bytearray(80 * _SLOTS)
        self._empty = 2
        one = (1 << 260) % P
        for slot, number in ((0, P), (12, one * one * one % P), (13, 1), (14, N), (15, one)):
            self.put(slot, number)

    def put(self, slot: int, number: int):
        """Put a plain number below 2**256 into a slot."""
        unpack(number.to_bytes(32, "little"), 0, self._words, slot, 1)

    def load(self, source: bytes, offset: int, slot: int, count: int):
        """Fill `count` slots from packed numbers of 32 bytes."""
        unpack(source, offset, self._words, slot, count)

    def save(self, slot: int, count: int, target: bytearray, offset: int):
        """Pack `count` slots, each fully reduced, into `target`."""
        words = self._words
        for i in range(slot, slot + count):
            reduce(words, i, 0, 2)
            pack(words, i, target, offset)
            offset += 32

    def run(self, program: bytes):
        """Run one byte program."""
        run(self._words, 0, program)

    def clear(self, z: int):
        """Forget the running point; the next one added is scaled by the number `z` (1: not scaled)."""
        self._empty = 2
        if z == 1:
            run(self._words, 0, programs.UNSCALED)
        else:
            self.put(3, z)

    def double(self):
        """Double the running point."""
        if not self._empty:
            run(self._words, 0, programs.DOUBLE)

    def add(self, table: bytes, digit: int):
        """Add entry `digit & 127` of a table of affine points, or its opposite if `digit` has bit 7."""
        words = self._words
        unpack(table, (digit & 127) << 6, words, 4, 2)
        run(words, 0, _SIGNED[self._empty + (digit >> 7)])
        self._empty = 0

    def invert_e(self):
        """Slot e becomes its own inverse, in constant flow."""
        words = self._words
        reduce(words, 10, 0, 2)
        invert(words, 10, 0, _P_INVERSE)
        run(words, 0, programs.INVERTED)

    def invert_scalar(self, number: int) -> int:
        """1 / number modulo the order, in constant flow. The number must be below the order."""
        words = self._words
        packed = bytearray(32)
        self.put(10, number)
        invert(words, 10, 14, _N_INVERSE)
        reduce(words, 16, 14, 3)
        pack(words, 16, packed, 0)
        return int.from_bytes(packed, "little")

    def comb_digits(self, scalar: int, digits: bytearray):
        """See limbs.comb_digits."""
        comb_digits(scalar.to_bytes(33, "little"), digits)

    def window_digits(self, scalar: int, digits: bytearray):
        """See limbs.window_digits."""
        window_digits(scalar.to_bytes(35, "little"), digits)
