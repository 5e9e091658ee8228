# SPDX-License-Identifier: MIT
"""The field back-end for boards with native code, in viper: packing, reduction, inversion, scalar digits.

Importing it fails where viper code can't run (ImportError, SyntaxError or ValueError). It knows no curve:
curve.py calls it, and bigint.py does the same on big integers. A work area is a bytearray of 32-bit words,
20 words (limbs of 13 bits, little end first) a slot; no word is ever negative, because x64 viper zero-extends
what it loads from a ptr32. Packed numbers are 32 bytes little-endian, read bytewise: an unaligned word faults
on a Cortex-M0+.
"""

# ruff: noqa: F821 - ptr8 and ptr32 are names of the viper compiler

import micropython

from .base_table import BASE_TABLE  # noqa: F401 - for curve.py, as run
from .constants import N, P
from .field_viper import run  # noqa: F401

NAME = "viper"


@micropython.viper
def unpack(source: ptr8, offset: int, words: ptr32, slot: int, count: int):
    """The `count` slots from `slot` on become the numbers packed at `source[offset:]`."""
    words = ptr32(int(words) + 80 * slot)
    source = ptr8(int(source) + offset)
    while count > 0:
        count -= 1
        bit = 0
        while bit < 247:
            at = ptr8(int(source) + (bit >> 3))
            words[0] = ((at[0] | (at[1] << 8) | (at[2] << 16)) >> (bit & 7)) & 8191
            words = ptr32(int(words) + 4)
            bit += 13
        words[0] = (source[30] | (source[31] << 8)) >> 7
        words = ptr32(int(words) + 4)
        source = ptr8(int(source) + 32)


@micropython.viper
def pack(words: ptr32, slot: int, count: int, modulus: int, target: ptr8, offset: int):
    """Packs `count` slots, each reduced to below slot `modulus`, into `target[offset:]`.

    No slot may be 4 times the modulus or more. Constant flow.
    """
    number = ptr32(int(words) + 80 * slot)
    modulo = ptr32(int(words) + 80 * modulus)
    target = ptr8(int(target) + offset)
    while count > 0:
        count -= 1
        times = 3
        while times > 0:
            times -= 1
            carry = 0
            i = 0
            while i < 20:
                carry = (carry + number[i] - modulo[i]) >> 13
                i += 1
            keep = -1 - carry
            carry = 0
            i = 0
            while i < 20:
                carry += number[i] - (modulo[i] & keep)
                number[i] = carry & 8191
                carry >>= 13
                i += 1
        carry = 0
        bits = 0
        i = 0
        while i < 20:
            carry |= number[i] << bits
            bits += 13
            while bits >= 8:
                target[0] = carry & 255
                target = ptr8(int(target) + 1)
                carry >>= 8
                bits -= 8
            i += 1
        number = ptr32(int(number) + 80)


@micropython.viper
def invert(t: ptr32, x: int, modulus: int, modulus_inverse: int):
    """Slot 16 becomes 1 / slot `x` modulo the odd number in slot `modulus`, plus 0 to 3 times that number.

    Slot `x` must be below the modulus, and 0 gives a multiple of it; `modulus_inverse` is the modulus'
    own inverse mod 2**13. Constant flow: 46 times 13 steps of Bernstein and Yang's safegcd with a half
    delta, which needs 590 (https://eprint.iacr.org/2019/266). Slots 16 to 19 are d, e, f and g of that
    paper. They are signed, so each is kept as itself + 2**260, which is 8192 in its top limb.
    """
    # The first two names live in processor registers, so they are used again for the inner loops.
    w = int(t)
    m = ptr32(w + 80 * modulus)
    k = ptr32(w + 80 * x)
    t = ptr32(w + 1280)
    x = 0
    while x < 20:
        t[x] = 0
        t[20 + x] = 0
        t[40 + x] = m[x]
        t[60 + x] = k[x]
        x += 1
    t[20] = 1
    while x < 100:
        t[x - 1] = t[x - 1] + 8192
        x += 20
    zeta = -1
    rounds = 46
    while rounds > 0:
        rounds -= 1
        t = ptr32(w + 1440)
        f = t[0] | (t[1] << 13)
        x = t[20] | (t[21] << 13)
        u = 1
        v = 0
        q = 0
        r = 1
        y = 13
        while y > 0:
            y -= 1
            odd = 0 - (x & 1)
            swap = zeta >> 31
            x += ((f ^ swap) - swap) & odd
            q += ((u ^ swap) - swap) & odd
            r += ((v ^ swap) - swap) & odd
            swap &= odd
            zeta = (zeta ^ swap) - 1
            f += x & swap
            u = (u + (q & swap)) << 1
            v = (v + (r & swap)) << 1
            x >>= 1
        # (d, e) = (u d + v e, q d + r e) / 2**13, with as many moduli (swap, odd) added as make that
        # exact and keep it in (-2 m, m); then the same for (f, g), which needs none
        t = ptr32(w + 1280)
        x = (t[19] - 8192) >> 31
        y = (t[39] - 8192) >> 31
        swap = (u & x) + (v & y)
        odd = (q & x) + (r & y)
        swap -= (modulus_inverse * ((u * t[0] + v * t[20]) & 8191) + swap) & 8191
        odd -= (modulus_inverse * ((q * t[0] + r * t[20]) & 8191) + odd) & 8191
        while int(t) < w + 1600:
            k = m
            x = (u * t[0] + v * t[20] + swap * k[0]) >> 13
            y = (q * t[0] + r * t[20] + odd * k[0]) >> 13
            n = int(t) + 76
            while int(t) < n:
                k = ptr32(int(k) + 4)
                x += u * t[1] + v * t[21] + swap * k[0]
                y += q * t[1] + r * t[21] + odd * k[0]
                t[0] = x & 8191
                t[20] = y & 8191
                x >>= 13
                y >>= 13
                t = ptr32(int(t) + 4)
            t[0] = x - u - v + 8192
            t[20] = y - q - r + 8192
            t = ptr32(int(t) + 84)
            swap = 0
            odd = 0
    # f is 1 or -1 and the inverse d / f, in (-2 m, 2 m): add 2 m. The 2**260 falls off the top.
    t = ptr32(w + 1280)
    swap = (t[59] - 8192) >> 31
    x = 0
    n = int(t) + 80
    while int(t) < n:
        x += ((t[0] ^ swap) - swap) + (m[0] << 1)
        t[0] = x & 8191
        x >>= 13
        t = ptr32(int(t) + 4)
        m = ptr32(int(m) + 4)


@micropython.viper
def comb_digits(scalar: ptr8, digits: ptr8):
    """The 52 digits of a 260-bit comb scalar, as `digits[2 * row + table]`.

    A digit is the index of the entry in the whole table (16 a table), and 128 more where the entry is
    to be subtracted. Bits are read as +1 and -1: see curve.comb_scalar.
    """
    n = 0
    while n < 52:
        digit = 0
        bit = (n >> 1) + 26 * (n & 1) + 208
        while bit >= 0:
            digit = digit + digit + ((scalar[bit >> 3] >> (bit & 7)) & 1)
            bit -= 52
        if digit > 15:
            digit &= 15
        else:
            digit = (digit ^ 15) | 128
        digits[n] = digit + 16 * (n & 1)
        n += 1


@micropython.viper
def window_digits(scalar: ptr8, digits: ptr8):
    """The 257 digits (of 262 bytes) of the width-5 non-adjacent form of a 256-bit number; 64 is none.

    A digit +-(2 i + 1) is i, and 128 more where it is negative. `scalar` has 35 bytes. Not constant
    flow: for public numbers.
    """
    carry = 0
    n = 0
    while n < 257:
        digits[n] = 64
        at = n >> 3
        value = (scalar[at] | (scalar[at + 1] << 8)) >> (n & 7)
        if (value & 1) == carry:
            n += 1
        else:
            value = (value & 31) + carry
            carry = 0
            if value > 16:
                value = 32 - value
                carry = 1
            digits[n] = (value >> 1) | (carry << 7)
            at = n + 5
            while n < at - 1:
                n += 1
                digits[n] = 64
            n += 1


# 20 slots, every number in them in Montgomery form (times 2**260) but where curve.py says plain.
words = bytearray(80 * 20)
for _slot, _number in ((0, P), (12, (1 << 780) % P), (13, 1), (14, N), (15, (1 << 260) % P)):
    unpack(_number.to_bytes(32, "little"), 0, words, _slot, 1)
