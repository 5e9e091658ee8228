# SPDX-License-Identifier: MIT
"""The codec against itself and against cbor2, on values and on hostile bytes."""

from __future__ import annotations

import cbor2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from farthing import cbor, cbor_items
from farthing.faults import BAD_FIELD, MALFORMED, Fault
from fuzz.strategies import plain_values, values, wire_bytes

many = settings(max_examples=1500, deadline=None)


def depth(value: object) -> int:
    if isinstance(value, cbor_items.Tag):
        return 1 + depth(value.value)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=1)
    return 1


def same(a: object, b: object) -> bool:
    """Equal in value and type: 1 is not True."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


def has_tag(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(has_tag, value.values()))
    return isinstance(value, cbor_items.Tag) or (isinstance(value, list) and any(map(has_tag, value)))


@given(values)
@many
def test_round_trip(value: object) -> None:
    data = cbor.dumps(value)
    if depth(value) > 8:
        return
    back = cbor_items.loads(data)
    assert back == value
    assert cbor.dumps(back) == data


@given(plain_values)
@many
def test_same_bytes_as_cbor2(value: object) -> None:
    assert cbor.dumps(value) == cbor2.dumps(value, canonical=True)


@given(wire_bytes)
@example(bytes.fromhex("a20000f500"))
@many
def test_what_the_strict_reader_takes_is_deterministic_and_cbor2_agrees(data: bytes) -> None:
    try:
        value = cbor_items.loads(data)
    except Fault as fault:
        assert fault.code == MALFORMED  # noqa: PT017 - a refusal is one of two right ends
        return
    assert cbor.dumps(value) == data
    if not has_tag(value):
        assert same(value, cbor2.loads(data))


@given(plain_values, st.data())
@many
def test_no_second_encoding_of_a_value_is_taken(value: object, data: st.DataObject) -> None:
    """Any other bytes that cbor2 reads as the same value are refused."""
    good = cbor.dumps(value)
    at = data.draw(st.integers(0, len(good) - 1))
    longer = {24: b"\x00", 25: b"\x00\x00", 26: bytes(4), 27: bytes(8)}
    info = data.draw(st.sampled_from(sorted(longer)))
    head = bytes([good[at] & 0xE0 | info]) + longer[info][1:] + bytes([good[at] & 0x1F])
    other = good[:at] + head + good[at + 1 :]
    try:
        if not same(cbor2.loads(other), value) or other == good:
            return
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, MemoryError):
        return
    try:
        taken = cbor_items.loads(other)
    except Fault:
        return
    raise AssertionError(f"{other.hex()} was taken as {taken!r}")


@given(st.integers(0, 2**64 - 1), st.sampled_from([cbor.UINT, cbor.NINT, cbor.BSTR, cbor.ARRAY, cbor.TAG]))
@many
def test_put_head_is_read_back(value: int, major: int) -> None:
    buf = bytearray(9)
    end = cbor.put_head(buf, 0, major, value)
    reader = cbor.Reader(bytes(buf[:end]))
    assert reader.head(major) == value
    reader.done()


@given(st.binary(max_size=80))
@many
def test_utf8_check_is_pythons(data: bytes) -> None:
    try:
        data.decode()
        valid = True
    except UnicodeDecodeError:
        valid = False
    assert cbor._is_utf8(memoryview(data)) is valid


@given(st.lists(st.sampled_from([0x7F, 0x80, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0x9F, 0xA0, 0xED, 0xEF, 0xF0, 0x8F,
                                 0x90, 0xF4, 0xF5, 0xFF]), max_size=8))
@many
def test_utf8_check_is_pythons_at_its_edges(parts: list[int]) -> None:
    test_utf8_check_is_pythons.hypothesis.inner_test(bytes(parts))


@given(wire_bytes, st.sampled_from(["uint", "bstr", "tstr", "item", "major"]))
@many
def test_every_reader_method_refuses_with_a_fault(data: bytes, method: str) -> None:
    reader = cbor.Reader(data)
    arguments = (0, 40) if method in {"bstr", "tstr"} else ()
    try:
        if method == "item":
            cbor_items.read_item(reader)
        else:
            getattr(reader, method)(*arguments)
    except Fault as fault:
        assert fault.code in {MALFORMED, BAD_FIELD}  # noqa: PT017
    assert 0 <= reader.pos <= reader.end
