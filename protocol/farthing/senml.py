# SPDX-License-Identifier: MIT
"""One sensor reading as a SenML-CBOR pack (RFC 8428 6): [{n, u, v, t}] with integers only.

A value is mantissa * 10**exponent, written as an integer or a decimal fraction (tag 4), so no float is made
on a board whose floats have 22 bits. Not here: base fields and the many record types we never send.
"""

from collections import namedtuple

from ._compat import const
from .cbor import ARRAY, MAP, NINT, TAG, UINT, Reader, dumps
from .faults import BAD_FIELD, MALFORMED, Fault

Reading = namedtuple("Reading", "name unit time_s mantissa exponent")

# What stands between the values: one record of four fields, in the order of their labels.
_NAME = b"\x81\xa4\x00"
_UNIT = b"\x01"
_VALUE = b"\x02"
_TIME = b"\x06"
_DECIMAL = b"\xc4"
_EXPONENT = const(18)  # a reader computes 10**exponent, so a sender must not choose its size
_TEXT = const(64)


def encode(reading: Reading) -> bytes:
    """The pack of one Reading, exponent -18..18; about 30 bytes. Raises Fault(BAD_FIELD)."""
    data = _NAME + dumps(reading.name) + _UNIT + dumps(reading.unit) + _VALUE
    if reading.exponent:
        data += _DECIMAL + dumps((reading.exponent, reading.mantissa))
    else:
        data += dumps(reading.mantissa)
    return data + _TIME + dumps(reading.time_s)


def decode(data: bytes) -> Reading:
    """Exactly what `encode` writes. Raises Fault(MALFORMED) or Fault(BAD_FIELD)."""
    reader = Reader(data)
    if reader.head(ARRAY) != 1 or reader.head(MAP) != 4:
        raise Fault(BAD_FIELD)
    _label(reader, _NAME)
    name = reader.tstr(0, _TEXT)
    _label(reader, _UNIT)
    unit = reader.tstr(0, _TEXT)
    _label(reader, _VALUE)
    exponent = 0
    if reader.major() == TAG:
        if reader.head(TAG) != 4 or reader.head(ARRAY) != 2:
            raise Fault(BAD_FIELD)
        exponent = _integer(reader)
        if not -_EXPONENT <= exponent <= _EXPONENT:
            raise Fault(BAD_FIELD)
    mantissa = _integer(reader)
    _label(reader, _TIME)
    time_s = _integer(reader)
    reader.done()
    return Reading(name, unit, time_s, mantissa, exponent)


def _label(reader: Reader, label: bytes) -> None:
    if reader.uint() != label[-1]:
        raise Fault(BAD_FIELD)


def _integer(reader: Reader) -> int:
    major = reader.major()
    if major == NINT:
        return -1 - reader.head(NINT)
    if reader.data[reader.pos] > 0xF7:  # a float, or a simple value that isn't one
        raise Fault(MALFORMED)
    return reader.head(UINT)
