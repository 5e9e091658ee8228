# SPDX-License-Identifier: MIT
"""The point formulas of farthing_agent.p256, and the assembler that makes byte programs of them.

It writes no file: gen_p256.py does.
"""

from __future__ import annotations

import re

# Slots of the work area. 1-3 hold the running point (Jacobian), 4-5 an affine point, 6-11 are free,
# 16-19 belong to the inversion, which leaves its result in 16, and 17-19 to the multiplication.
SLOTS = {
    "p": 0,
    "X": 1,
    "Y": 2,
    "Z": 3,
    "x": 4,
    "y": 5,
    "a": 6,
    "b": 7,
    "c": 8,
    "d": 9,
    "e": 10,
    "cube": 12,
    "unit": 13,
    "n": 14,
    "one": 15,
    "inverse": 16,
}

MULTIPLY, SQUARE, COMBINE = 1, 2, 3

# One operation a line, modulo p: a product of two slots, or a combination of two with small factors.
FORMULAS = {
    # (X, Y, Z) doubled; a = -3, "dbl-2001-b" of the Explicit-Formulas Database, 4M + 4S
    "DOUBLE": """
        a = Z * Z
        b = Y * Y
        c = X * b
        d = X - a
        a = 3 X + 3 a
        d = d * a
        Y = Y + Y
        Z = Y * Z
        X = d * d
        X = X - 8 c
        c = 4 c - X
        c = d * c
        b = b * b
        Y = c - 8 b
    """,
    # (X, Y, Z) + (x, y), mixed, 8M + 3S. Z becomes 0, and stays 0 for ever, when the two are equal or
    # opposite: the caller looks at Z at the end.
    "ADD": """
        a = Z * Z
        b = x * a
        a = a * Z
        a = y * a
        b = b - X
        a = {sign}1 a - Y
        Z = Z * b
        c = b * b
        d = b * c
        c = X * c
        X = a * a
        X = X - d
        X = X - 2 c
        c = c - X
        c = a * c
        d = Y * d
        Y = c - d
    """,
    # (X, Y, Z) = (x, y) in Jacobian form with the Z that is there
    "PLACE": """
        a = Z * Z
        X = x * a
        a = a * Z
        Y = y * a
        Y = {sign}1 Y + 0 Y
    """,
    # (x, y) = 2 (x, y), and (X, Y) = the old (x, y), both over Z (Meloni's co-Z doubling)
    "DOUBLE_SHARED": """
        a = x * x
        a = 3 a - 3 one
        b = y * y
        c = x * b
        b = b * b
        Z = y + y
        x = a * a
        x = x - 8 c
        X = 4 c + 0 c
        d = X - x
        d = a * d
        y = d - 8 b
        Y = 8 b + 0 b
    """,
    # (X, Y) += (x, y), both over Z, and (x, y) scaled to the new Z (Meloni's co-Z addition, 5M + 2S)
    "ADD_SHARED": """
        a = x - X
        b = y - Y
        Z = Z * a
        a = a * a
        x = x * a
        c = X * a
        a = b * b
        d = x - c
        y = y * d
        a = a - x
        X = a - c
        a = x - X
        a = b * a
        Y = a - y
    """,
    # (x, y) from plain numbers, where the field works on Montgomery forms
    "ENTER": """
        x = x * cube
        x = x * unit
        y = y * cube
        y = y * unit
    """,
    "Z_TO_E": """
        e = 1 Z + 0 Z
    """,
    # e = 1 / Z, once the inversion has left its raw result
    "INVERTED": """
        e = inverse * cube
    """,
    # (c, d) = the affine point as plain numbers, from (X, Y) and e = 1 / Z
    "AFFINE": """
        a = e * e
        c = X * a
        c = c * unit
        a = a * e
        d = Y * a
        d = d * unit
    """,
    # c = x Z**2 and d = X, both plain: equal if the plain number x is the affine x of the point
    "COMPARE": """
        a = Z * Z
        c = x * a
        d = X * unit
    """,
    # Montgomery's trick for many inversions at once: start, collect, and give back the last one
    "BATCH_START": """
        e = 1 one + 0 one
    """,
    "BATCH_COLLECT": """
        e = e * Z
    """,
    # x = product of the Z before this one, e = 1 / product up to this one; (c, d) = the affine point
    "BATCH_RELEASE": """
        a = e * x
        e = e * Z
        b = a * a
        c = X * b
        b = b * a
        d = Y * b
    """,
}

_PRODUCT = re.compile(r"(\w+) = (\w+) \* (\w+)")
_SUM = re.compile(r"(\w+) = (-?\d )?(\w+) ([+-]) (\d )?(\w+)")


def assemble(formula: str) -> bytes:
    """The byte program of a formula: 4 bytes a product, 6 a combination, and a 0 at the end."""
    program = bytearray()
    for line in filter(None, map(str.strip, formula.splitlines())):
        if found := _PRODUCT.fullmatch(line):
            d, a, b = (SLOTS[name] for name in found.groups())
            program += bytes([SQUARE if a == b else MULTIPLY, d, a, b])
        elif found := _SUM.fullmatch(line):
            d, factor_a, a, sign, factor_b, b = found.groups()
            factors = int(factor_a or 1), int(sign + (factor_b or "1"))
            program += bytes([COMBINE, SLOTS[d], SLOTS[a], SLOTS[b], *(64 + factor for factor in factors)])
        else:
            raise ValueError(f"not an operation: {line}")
    return bytes([*program, 0])


def programs() -> dict[str, bytes]:
    """Every byte program by its name; a formula with a sign gives a second one, for the opposite point."""
    made = {}
    for name, formula in FORMULAS.items():
        made[name] = assemble(formula.format(sign=""))
        if "{sign}" in formula:
            made[f"{name}_OPPOSITE"] = assemble(formula.format(sign="-"))
    return made
