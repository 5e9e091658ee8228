# SPDX-License-Identifier: MIT
"""u1 * G + u2 * Q with formulas that have no exceptions, on big integers.

Slow, and rarely needed: only where the quick formulas met equal or opposite points. No tables, not
constant flow.
"""

from .constants import P

GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
_INFINITY = (1, 1, 0)


def _double(point):
    x, y, z = point
    square = y * y % P
    beta = x * square % P
    delta = z * z % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * square * square) % P, 2 * y * z % P


def _add(point, other):
    x1, y1, z1 = point
    x2, y2, z2 = other
    if not z1:
        return other
    if not z2:
        return point
    square1 = z1 * z1 % P
    square2 = z2 * z2 % P
    u1 = x1 * square2 % P
    s1 = y1 * z2 * square2 % P
    h = (x2 * square1 - u1) % P
    r = (y2 * z1 * square1 - s1) % P
    if not h:
        return _INFINITY if r else _double(point)
    square = h * h % P
    v = u1 * square % P
    cube = h * square % P
    x3 = (r * r - cube - 2 * v) % P
    return x3, (r * (v - x3) - s1 * cube) % P, z1 * z2 * h % P


def multiply(u1: int, u2: int = 0, x: int = GX, y: int = GY):
    """The affine (x, y) of u1 * G + u2 * (x, y) for u1, u2 below 2**256, or None for the infinite point."""
    base = (GX, GY, 1)
    other = (x, y, 1)
    entries = (_INFINITY, base, other, _add(base, other))
    total = _INFINITY
    for bit in range(255, -1, -1):
        total = _add(_double(total), entries[(u1 >> bit & 1) | (u2 >> bit & 1) << 1])
    if not total[2]:
        return None
    z = pow(total[2], P - 2, P)  # Fermat's inverse
    return total[0] * z * z % P, total[1] * z * z * z % P
