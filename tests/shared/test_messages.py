# SPDX-License-Identifier: MIT
"""Every message: the same bytes both ways, and each spoilt field refused with its code."""

from farthing import cose, limits, messages
from farthing.cbor import Reader
from farthing.faults import BAD_FIELD, MALFORMED, TOO_LARGE
from shared.check import raises, raw, refused, value_of, vectors

KINDS = {
    "offer": messages.Offer,
    "hello": messages.Hello,
    "open": messages.Open,
    "opened": messages.Opened,
    "take": messages.Take,
    "head": messages.Head,
    "receipt": messages.Receipt,
    "close": messages.Close,
    "beacon": messages.Beacon,
    "tick": messages.Tick,
    "delivery": messages.Delivery,
    "ack": messages.Ack,
    "notice": messages.Notice,
    "proof": messages.Proof,
}


def test_every_message_has_a_vector():
    rows = vectors("messages")
    assert set(row["kind"] for row in rows["signed"] + rows["plain"]) == set(KINDS)


def test_signed_vectors():
    for row in vectors("messages")["signed"]:
        payload, _ = cose.parse(raw(row))
        assert payload == bytes.fromhex(row["payload"]), row["name"]
        message = messages.decode(KINDS[row["kind"]], payload)
        assert list(message) == value_of(row["fields"]), row["name"]
        assert messages.encode(message) == payload, row["name"]
        assert cose.digest(bytes.fromhex(row["aad"]), payload) == bytes.fromhex(row["digest"]), row["name"]


def test_plain_vectors():
    for row in vectors("messages")["plain"]:
        message = messages.decode(KINDS[row["kind"]], raw(row))
        assert list(message) == value_of(row["fields"]), row["name"]
        assert messages.encode(message) == raw(row), row["name"]


def test_invalid_vectors_are_refused():
    refused(vectors("messages")["invalid"], lambda row: messages.decode(KINDS[row["kind"]], raw(row)))


def test_an_invalid_message_is_not_encoded_either():
    raises(BAD_FIELD, messages.encode, messages.Tick(b"four", -1, bytes(32)))
    raises(BAD_FIELD, messages.encode, messages.Close(b"four", 2**63))
    raises(BAD_FIELD, messages.encode, messages.Close(b"four", None))
    raises(BAD_FIELD, messages.encode, messages.Hello(bytes(64), "", "runtime"))


def test_sizes_on_the_wire():
    for row in vectors("messages")["signed"]:
        if row["kind"] == "offer":
            assert len(raw(row)) <= limits.OFFER
    for row in vectors("messages")["too_large"]:
        raises(TOO_LARGE, messages.check_size, raw(row), getattr(limits, row["limit"]))
        cose.parse(raw(row))
    for row in vectors("messages")["plain"]:
        if row["kind"] == "tick":
            assert len(raw(row)) <= limits.TICK
    for row in vectors("payments")["valid"]:
        most = limits.VOUCHER if row["kind"] == "voucher" else limits.COMMITMENT
        assert len(raw(row)) <= most, row["name"]


def test_check_size_allows_exactly_the_limit():
    messages.check_size(bytes(96), 96)
    raises(TOO_LARGE, messages.check_size, bytes(97), 96)


def test_payments_have_the_vectors_fields_and_bytes():
    for row in vectors("payments")["valid"]:
        payload, _ = cose.parse(raw(row))
        update = messages.payment(payload)
        assert list(update) == value_of(row["fields"]), row["name"]
        if row["kind"] == "commitment":
            assert isinstance(update, messages.Commitment)
            assert messages.commitment_payload(update) == payload, row["name"]
        else:
            buf = bytearray(20)
            assert messages.voucher_payload_into(buf, 2, update.handle, update.cum, update.seq) == 18
            assert bytes(buf) == bytes(2) + payload + bytes(2), row["name"]


def test_invalid_payments_are_refused():
    refused(vectors("payments")["invalid"], lambda row: messages.payment(raw(row)))


def test_tick_into_writes_what_encode_writes():
    buf = bytearray(50)
    for index in (0, 1, 23, 24, 255, 256, 65535):
        end = messages.tick_into(buf, 4, b"hndl", index, bytes(range(32)))
        assert bytes(buf[4:end]) == messages.encode(messages.Tick(b"hndl", index, bytes(range(32))))
        assert end - 4 <= limits.TICK


def test_read_leaves_the_rest_of_a_sequence():
    tick = messages.encode(messages.Tick(b"hndl", 1, bytes(32)))
    reader = Reader(tick + tick)
    assert messages.read(messages.Tick, reader) == messages.read(messages.Tick, reader)
    assert not reader.more()


def test_message_of_another_kind_is_refused():
    close = messages.encode(messages.Close(b"hndl", 1))
    raises(BAD_FIELD, messages.decode, messages.Tick, close)
    raises(BAD_FIELD, messages.decode, messages.Ack, close)
    raises(MALFORMED, messages.decode, messages.Close, close + close)


def test_sender_of_is_the_keys_id():
    for row in vectors("keys")["keys"]:
        hello = messages.Hello(bytes.fromhex(row["public"]), "agent", "runtime")
        assert messages.sender_of(hello) == bytes.fromhex(row["id"])


