# SPDX-License-Identifier: MIT
"""The field back-end for any interpreter: what limbs.py does, on big integers.

Not constant flow: what it is given of a secret must be blinded. It knows no curve: curve.py calls it.
"""

from .constants import N, P
from .data import BASE_TABLE as _SCALED

NAME = "int"
_LAST_TOOTH = (208, 234)
NO_DIGIT = 64

# 20 slots of one integer below P each, none in Montgomery form: so its factors, 12, 13 and 15, are 1.
words = [0] * 20
words[12] = words[13] = words[15] = 1


def inverse(number: int, modulus: int) -> int:
    """1 / number modulo a prime, 0 for 0. (pow(number, -1, modulus) is 0 on MicroPython.)"""
    u, v, rest = 1, 0, modulus
    number %= modulus
    while number:
        quotient = rest // number
        rest, number = number, rest - quotient * number
        v, u = u, v - quotient * u
    return v % modulus if rest == 1 else 0


def run(slots: list, at: int, program: bytes):
    """Run the byte program that starts at `program[at]`."""
    while program[at]:
        a = slots[program[at + 2]]
        b = slots[program[at + 3]]
        if program[at] < 3:
            slots[program[at + 1]] = a * b % P
            at += 4
        else:
            slots[program[at + 1]] = ((program[at + 4] - 64) * a + (program[at + 5] - 64) * b) % P
            at += 6


def unpack(source: bytes, offset: int, slots: list, slot: int, count: int):
    """See limbs.unpack."""
    for i in range(slot, slot + count):
        slots[i] = int.from_bytes(source[offset : offset + 32], "little")
        offset += 32


def pack(slots: list, slot: int, count: int, modulus: int, target: bytearray, offset: int):
    """See limbs.pack; here no slot needs to be reduced first."""
    for i in range(slot, slot + count):
        target[offset : offset + 32] = slots[i].to_bytes(32, "little")
        offset += 32


def invert(slots: list, x: int, modulus: int, modulus_inverse: int):
    """Slot 16 becomes 1 / slot `x` modulo the order (`modulus` is 14) or the prime (0)."""
    slots[16] = inverse(slots[x], N if modulus else P)


def comb_digits(scalar: bytes, digits: bytearray):
    """See limbs.comb_digits."""
    number = int.from_bytes(scalar, "little")
    for n in range(52):
        digit = 0
        for bit in range((n >> 1) + _LAST_TOOTH[n & 1], -1, -52):
            digit = digit << 1 | number >> bit & 1
        digits[n] = (digit & 15 if digit > 15 else digit ^ 15 | 128) + 16 * (n & 1)


def window_digits(scalar: bytes, digits: bytearray):
    """See limbs.window_digits."""
    number = int.from_bytes(scalar, "little")
    for n in range(257):
        digits[n] = NO_DIGIT
        if number & 1:
            value = number & 31
            if value > 16:
                value -= 32
            number -= value
            digits[n] = value >> 1 if value > 0 else -value >> 1 | 128
        number >>= 1


def _plain(piece):
    # Entries of the base-point table without their Montgomery factor.
    factor = inverse(1 << 260, P)
    out = bytearray(piece)
    for at in range(0, len(piece), 32):
        number = int.from_bytes(piece[at : at + 32], "little") * factor % P
        out[at : at + 32] = number.to_bytes(32, "little")
    return out


BASE_TABLE = tuple(_plain(piece) for piece in _SCALED)
