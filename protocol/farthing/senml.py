# SPDX-License-Identifier: MIT
"""One sensor reading as a SenML-CBOR pack (RFC 8428 6): [{n, u, t, v}] with integers only.

A value is mantissa * 10**exponent, written as an integer or a decimal fraction (tag 4), so no float is made
on a board whose floats have 22 bits. Not here: base fields and the many record types we never send.
"""

from collections import namedtuple

from .cbor import Tag, dumps, loads
from .faults import BAD_FIELD, Fault

Reading = namedtuple("Reading", "name unit time_s mantissa exponent")

_NAME = 0
_UNIT = 1
_VALUE = 2
_TIME = 6
_DECIMAL = 4
_EXPONENT = 18  # a reader computes 10**exponent, so a sender must not choose its size


def encode(reading: Reading) -> bytes:
    """The pack of one Reading, exponent -18..18; about 30 bytes."""
    value = reading.mantissa if not reading.exponent else Tag(_DECIMAL, (reading.exponent, reading.mantissa))
    record = {_NAME: reading.name, _UNIT: reading.unit, _VALUE: value, _TIME: reading.time_s}
    return dumps([record])


def decode(data: bytes) -> Reading:
    """Raises Fault(MALFORMED) or Fault(BAD_FIELD)."""
    pack = loads(data)
    if not isinstance(pack, list) or len(pack) != 1 or not isinstance(pack[0], dict):
        raise Fault(BAD_FIELD)
    record = pack[0]
    mantissa, exponent = _number(record.get(_VALUE))
    out = Reading(record.get(_NAME), record.get(_UNIT), record.get(_TIME), mantissa, exponent)
    if not isinstance(out.name, str) or not isinstance(out.unit, str) or not _is_int(out.time_s):
        raise Fault(BAD_FIELD)
    return out


def _is_int(value) -> bool:
    return isinstance(value, int) and value is not True and value is not False


def _number(value) -> tuple[int, int]:
    if _is_int(value):
        return value, 0
    if isinstance(value, Tag) and value.number == _DECIMAL and isinstance(value.value, list):
        parts = value.value
        if len(parts) == 2 and _is_int(parts[0]) and _is_int(parts[1]) and abs(parts[0]) <= _EXPONENT:
            return parts[1], parts[0]
    raise Fault(BAD_FIELD)
