# SPDX-License-Identifier: MIT
"""The CBOR writers and the strict reader against the frozen vectors and at their edges."""

from farthing import cbor, cbor_items
from farthing.faults import BAD_FIELD, MALFORMED
from shared.check import raises, raw, refused, value_of, vectors


def test_valid_vectors_decode_to_their_value():
    for row in vectors("cbor")["valid"]:
        assert cbor_items.loads(raw(row)) == value_of(row["value"]), row["name"]


def test_valid_vectors_are_what_the_writer_writes():
    for row in vectors("cbor")["valid"]:
        assert cbor.dumps(value_of(row["value"])) == raw(row), row["name"]


def test_invalid_vectors_are_refused():
    refused(vectors("cbor")["invalid"], lambda row: cbor_items.loads(raw(row)))


def test_reader_takes_memoryview_and_bytearray():
    data = cbor.dumps([1, b"two", "three"])
    assert cbor_items.loads(memoryview(data)) == [1, b"two", "three"]
    assert cbor_items.loads(bytearray(data)) == [1, b"two", "three"]


def test_what_a_reader_returns_does_not_alias_its_buffer():
    buf = bytearray(cbor.dumps(b"secret"))
    value = cbor_items.loads(memoryview(buf))
    for i in range(len(buf)):
        buf[i] = 0
    assert value == b"secret"


def test_reader_bounds_integers_and_strings():
    raises(BAD_FIELD, cbor.Reader(b"\x19\x01\x00").uint, 1)
    assert cbor.Reader(b"\x18\xff").uint(1) == 255
    raises(BAD_FIELD, cbor.Reader(b"\x43abc").bstr, 4, 8)
    raises(BAD_FIELD, cbor.Reader(b"\x43abc").bstr, 0, 2)
    raises(BAD_FIELD, cbor.Reader(b"\x63abc").bstr, 0, 8)
    raises(MALFORMED, cbor.Reader(b"\x44abc").bstr, 0, 8)
    assert cbor.Reader(b"\x63abc").tstr(3, 3) == "abc"


def test_reader_walks_a_sequence():
    reader = cbor.Reader(b"\x01\x41\x02\x61a")
    assert reader.uint() == 1 and reader.bstr(1, 1) == b"\x02" and reader.more()
    raises(MALFORMED, reader.done)
    assert reader.tstr(1, 1) == "a" and not reader.more()
    raises(MALFORMED, reader.major)


def test_writer_refuses_what_has_no_encoding_here():
    for value in (1.5, 2**64, -(2**64) - 1, object(), {1.5: 1}, [set()]):
        raises(BAD_FIELD, cbor.dumps, value)


def test_put_functions_write_what_dumps_writes():
    buf = bytearray(40)
    for value in (0, 23, 24, 255, 256, 65535, 65536, 2**30, 2**32 - 1, 2**32, 2**64 - 1):
        end = cbor.put_head(buf, 3, cbor.UINT, value)
        assert bytes(buf[3:end]) == cbor.dumps(value), value
    for size in (0, 1, 23, 24):
        end = cbor.put_bytes(buf, 0, bytes(size))
        assert bytes(buf[:end]) == cbor.dumps(bytes(size)), size
    end = cbor.put_bytes(buf, 1, b"text", cbor.TSTR)
    assert bytes(buf[1:end]) == b"\x64text"


def test_put_functions_never_grow_a_buffer():
    buf = bytearray(4)
    for call in (
        lambda: cbor.put_head(buf, 0, cbor.UINT, 65536),
        lambda: cbor.put_bytes(buf, 0, b"four"),
        lambda: cbor.put_be(buf, 2, 0, 3),
        lambda: cbor.put_raw(buf, 1, b"four", 4),
    ):
        try:
            call()
        except IndexError:
            assert len(buf) == 4
        else:
            raise AssertionError("wrote past the end")


def test_duplicate_and_unsorted_keys_of_every_kind():
    for pairs in ("0000 0000", "4100 4100", "20 00 00 00", "6162 00 6161 00", "4101 00 00 00"):
        data = b"\xa2" + bytes.fromhex(pairs.replace(" ", ""))
        raises(MALFORMED, cbor_items.loads, data)
