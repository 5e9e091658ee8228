# SPDX-License-Identifier: MIT
"""Makes the tables of points other than the base point, for a Curve to multiply with.

It multiplies nothing by a scalar. Curve loads it for each table and lets it go again.
"""

from .curve import ROWS
from .data import (
    ADD_SHARED,
    BATCH_COLLECT,
    BATCH_RELEASE,
    BATCH_START,
    DOUBLE,
    DOUBLE_SHARED,
    ENTER,
    PLACE,
)

TEETH = 10
ENTRIES = 16


def window(curve, x: int, y: int):
    """Table of 1, 3, ... 15 times the point."""
    _enter(curve, x, y)
    curve.run(DOUBLE_SHARED)
    points = [_running(curve)]
    for _ in range(7):
        curve.run(ADD_SHARED)
        points.append(_running(curve))
    return _affine(curve, points)


def comb(curve, x: int, y: int):
    """Signed comb of the point: see gen_p256.comb_points."""
    teeth = _teeth(curve, x, y)
    return _affine(curve, _half(curve, teeth, 0)) + _affine(curve, _half(curve, teeth, 2))


def _teeth(curve, x, y):
    # Entries 2 m and 2 m + 1: 2**(26 m) times the point, and twice that.
    points = []
    _enter(curve, x, y)
    curve.clear(1)
    curve.run(PLACE)
    for tooth in range(TEETH):
        for _ in range(ROWS - 1 if tooth else 0):
            curve.run(DOUBLE)
        points.append(_running(curve))
        curve.run(DOUBLE)
        points.append(_running(curve))
    return _affine(curve, points)


def _half(curve, teeth, first):
    # Entry 0 has every lower tooth subtracted; adding a doubled tooth turns its sign.
    field = curve.field
    curve.clear(1)
    curve.add(teeth, first + 16)
    for tooth in range(first, first + 16, 4):
        curve.add(teeth, tooth | 128)
    points = [_running(curve)]
    for index in range(1, ENTRIES):
        rest = index & (index - 1)
        tooth = (0, 0, 4, 0, 8, 0, 0, 0, 12)[index - rest]
        field.unpack(points[rest], 0, field.words, 1, 3)
        curve.add(teeth, first + tooth + 1)
        points.append(_running(curve))
    return points


def _enter(curve, x, y):
    curve.put(4, x)
    curve.put(5, y)
    curve.run(ENTER)


def _running(curve):
    point = bytearray(96)
    curve.field.pack(curve.field.words, 1, 3, 0, point, 0)
    return point


def _affine(curve, points):
    # Montgomery's trick: one inversion for all the points. Until an entry is made, its place holds the
    # product of the Z before it.
    field = curve.field
    words = field.words
    table = [bytearray(512) for _ in range(0, len(points), 8)]
    curve.run(BATCH_START)
    for i, point in enumerate(points):
        field.pack(words, 10, 1, 0, table[i >> 3], (i & 7) << 6)
        field.unpack(point, 64, words, 3, 1)
        curve.run(BATCH_COLLECT)
    curve.invert_e()
    for i in range(len(points) - 1, -1, -1):
        entries = table[i >> 3]
        field.unpack(points[i], 0, words, 1, 3)
        field.unpack(entries, (i & 7) << 6, words, 4, 1)
        curve.run(BATCH_RELEASE)
        field.pack(words, 8, 2, 0, entries, (i & 7) << 6)
    return table
