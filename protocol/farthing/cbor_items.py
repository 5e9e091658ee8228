# SPDX-License-Identifier: MIT
"""Deterministic CBOR items of any type, as Python values: maps, tags, and what no layout foretells.

Not here: the strict cursor under it, and floats (cbor.py).
"""

from collections import namedtuple

from ._compat import const
from .cbor import ARRAY, BSTR, MAP, NINT, TAG, TSTR, UINT, Reader, append, append_head, dumps
from .faults import BAD_FIELD, MALFORMED, Fault

_SIMPLE = const(0xE0)
_DEPTH = const(8)

Tag = namedtuple("Tag", ("number", "value"))


def append_other(out: bytearray, value) -> None:
    """Encode a dict or a Tag. Raises Fault(BAD_FIELD) for anything else."""
    if isinstance(value, Tag):
        append_head(out, TAG, value.number)
        append(out, value.value)
        return
    if not isinstance(value, dict):
        raise Fault(BAD_FIELD)
    append_head(out, MAP, len(value))
    pairs = [(dumps(key), value[key]) for key in value]
    pairs.sort(key=lambda pair: pair[0])
    for key, item in pairs:
        out.extend(key)
        append(out, item)


def loads(data: bytes) -> object:
    """Decode exactly one data item. Raises Fault(MALFORMED)."""
    reader = Reader(data)
    try:
        value = read_item(reader)
    except Fault as fault:
        raise Fault(MALFORMED) if fault.code == BAD_FIELD else fault
    reader.done()
    return value


def read_item(reader: Reader, depth: int = _DEPTH) -> object:
    """Any one data item of a sequence; arrays become lists. Raises Fault(MALFORMED) or Fault(BAD_FIELD)."""
    if not depth:
        raise Fault(MALFORMED)
    major = reader.major()
    if major == BSTR:
        return reader.bstr(0, reader.end)
    if major == TSTR:
        return reader.tstr(0, reader.end)
    if major == _SIMPLE:
        return _simple(reader)
    value = reader.head(major)
    if major == UINT:
        return value
    if major == NINT:
        return -1 - value
    if major == TAG:
        return Tag(value, read_item(reader, depth - 1))
    if value > reader.end - reader.pos:
        raise Fault(MALFORMED)
    if major == ARRAY:
        return [read_item(reader, depth - 1) for _ in range(value)]
    return _map(reader, value, depth - 1)


def _simple(reader: Reader):
    byte = reader.data[reader.skip(1)]
    if byte == 0xF6:
        return None
    if byte == 0xF5:
        return True
    if byte == 0xF4:
        return False
    raise Fault(MALFORMED)


def _map(reader: Reader, count: int, depth: int) -> dict:
    out = {}
    last = b""
    for _ in range(count):
        start = reader.pos
        if reader.major() > TSTR:
            raise Fault(BAD_FIELD)
        key = read_item(reader, depth)
        raw = bytes(memoryview(reader.data)[start : reader.pos])
        if raw <= last:
            raise Fault(MALFORMED)
        last = raw
        out[key] = read_item(reader, depth)
    return out
