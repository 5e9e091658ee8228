# SPDX-License-Identifier: MIT
"""The field back-end for any interpreter: the same slots and programs on big integers.

Not constant flow: what it is given of a secret must be blinded. It knows no curve: curve.py calls it.
"""

from . import programs
from .base_table import BASE_TABLE
from .constants import N, P

_SIGNED = (programs.ADD, programs.ADD_OPPOSITE, programs.PLACE, programs.PLACE_OPPOSITE)
_LAST_TOOTH = (208, 234)
_NO_DIGIT = 64


def inverse(number: int, modulus: int) -> int:
    """1 / number modulo a prime, 0 for 0. (pow(number, -1, modulus) is 0 on MicroPython.)"""
    u, v, rest = 1, 0, modulus
    number %= modulus
    while number:
        quotient = rest // number
        rest, number = number, rest - quotient * number
        v, u = u, v - quotient * u
    return v % modulus if rest == 1 else 0


class Field:
    """20 slots of one integer below P each, none in Montgomery form."""

    name = "int"

    def __init__(self):
        self._slots = [0] * 20
        self._slots[12] = self._slots[13] = self._slots[15] = 1
        self._empty = 2
        self._base_table = None

    @property
    def base_table(self) -> bytes:
        """The base-point table without its Montgomery factor, made on first use."""
        if self._base_table is None:
            out = 1 << 260
            factor = inverse(out, P)
            table = bytearray(BASE_TABLE)
            for at in range(0, len(table), 32):
                number = int.from_bytes(BASE_TABLE[at : at + 32], "little") * factor % P
                table[at : at + 32] = number.to_bytes(32, "little")
            self._base_table = table
        return self._base_table

    def put(self, slot: int, number: int):
        """Put a plain number into a slot."""
        self._slots[slot] = number

    def load(self, source: bytes, offset: int, slot: int, count: int):
        """Fill `count` slots from packed numbers of 32 bytes."""
        for i in range(slot, slot + count):
            self._slots[i] = int.from_bytes(source[offset : offset + 32], "little")
            offset += 32

    def save(self, slot: int, count: int, target: bytearray, offset: int):
        """Pack `count` slots, each fully reduced, into `target`."""
        for i in range(slot, slot + count):
            target[offset : offset + 32] = self._slots[i].to_bytes(32, "little")
            offset += 32

    def run(self, program: bytes):
        """Run one byte program."""
        slots = self._slots
        at = 0
        while program[at]:
            a = slots[program[at + 2]]
            b = slots[program[at + 3]]
            if program[at] < 3:
                slots[program[at + 1]] = a * b % P
                at += 4
            else:
                slots[program[at + 1]] = ((program[at + 4] - 64) * a + (program[at + 5] - 64) * b) % P
                at += 6

    def clear(self, z: int):
        """Forget the running point; the next one added is scaled by the number `z` (1: not scaled)."""
        self._empty = 2
        self._slots[3] = z

    def double(self):
        """Double the running point."""
        if not self._empty:
            self.run(programs.DOUBLE)

    def add(self, table: bytes, digit: int):
        """Add entry `digit & 127` of a table of affine points, or its opposite if `digit` has bit 7."""
        self.load(table, (digit & 127) << 6, 4, 2)
        self.run(_SIGNED[self._empty + (digit >> 7)])
        self._empty = 0

    def invert_e(self):
        """Slot e becomes its own inverse."""
        self._slots[10] = inverse(self._slots[10], P)

    def invert_scalar(self, number: int) -> int:
        """1 / number modulo the order."""
        return inverse(number, N)

    def comb_digits(self, scalar: int, digits: bytearray):
        """See limbs.comb_digits."""
        for n in range(52):
            digit = 0
            for bit in range((n >> 1) + _LAST_TOOTH[n & 1], -1, -52):
                digit = digit << 1 | scalar >> bit & 1
            digits[n] = (digit & 15 if digit > 15 else digit ^ 15 | 128) + 16 * (n & 1)

    def window_digits(self, scalar: int, digits: bytearray):
        """See limbs.window_digits."""
        for n in range(257):
            digits[n] = _NO_DIGIT
            if scalar & 1:
                value = scalar & 31
                if value > 16:
                    value -= 32
                scalar -= value
                digits[n] = value >> 1 if value > 0 else -value >> 1 | 128
            scalar >>= 1
