# SPDX-License-Identifier: MIT
"""protocol/spec/wire.cddl by an independent validator: what we write fits, what we refuse does not."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from cddl_verifier import Validator

from farthing import cbor, cbor_items, cose, messages
from farthing.channel import split_payments
from farthing.faults import BAD_FIELD

SPEC = Path(__file__).parents[2] / "protocol" / "spec"
SCHEMA = Validator(SPEC / "wire.cddl")
MESSAGES = json.loads((SPEC / "vectors" / "messages.json").read_text(encoding="utf-8"))
COSE = json.loads((SPEC / "vectors" / "cose.json").read_text(encoding="utf-8"))
PAYMENTS = json.loads((SPEC / "vectors" / "payments.json").read_text(encoding="utf-8"))
KINDS = {
    kind: getattr(messages, kind.capitalize())
    for kind in (
        "offer", "hello", "open", "opened", "take", "head", "receipt", "close", "beacon",
        "tick", "delivery", "ack", "notice", "proof",
    )
}


def fits(rule: str, data: bytes) -> bool:
    return SCHEMA.validate(data, root_type=rule).valid


def wrong_fields() -> list[dict]:
    return [row for row in MESSAGES["invalid"] if row["fault"] == BAD_FIELD]


@pytest.mark.parametrize("row", MESSAGES["signed"], ids=lambda row: row["name"])
def test_signed_messages_our_code_writes(row: dict) -> None:
    kind = KINDS[row["kind"]]
    payload = messages.encode(messages.decode(kind, bytes.fromhex(row["payload"])))
    message = cose.sign1(payload, bytes(64))
    assert fits(row["kind"], payload)
    assert fits(f"{row['kind']}-msg", message)
    assert fits("wire", message)
    assert fits("external-aad", bytes.fromhex(row["aad"]))


@pytest.mark.parametrize("row", MESSAGES["plain"], ids=lambda row: row["name"])
def test_plain_messages_our_code_writes(row: dict) -> None:
    data = messages.encode(messages.decode(KINDS[row["kind"]], bytes.fromhex(row["hex"])))
    assert fits(row["kind"], data)


@pytest.mark.parametrize("row", PAYMENTS["valid"], ids=lambda row: row["name"])
def test_payments_our_code_writes(row: dict) -> None:
    payload, signature = cose.parse(bytes.fromhex(row["hex"]))
    assert fits(f"{row['kind']}-msg", cose.sign1(payload, signature))
    assert fits("pay-item", bytes.fromhex(row["hex"]))
    assert fits("external-aad", bytes.fromhex(row["aad"]))


@pytest.mark.parametrize("row", wrong_fields(), ids=lambda row: row["name"])
def test_spoilt_fields(row: dict) -> None:
    assert not fits(row["kind"], bytes.fromhex(row["hex"]))


def test_spoilt_envelopes() -> None:
    fitting = {row["name"] for row in COSE["invalid"] if fits("sign1-any", bytes.fromhex(row["hex"]))}
    # What CDDL cannot say: how a head is encoded, and the size of s.
    assert fitting == {
        "tag 18 in two bytes", "payload length in two bytes", "indefinite array", "payload above 2,048 bytes",
        "high s", "s one above n/2", "s of all ones",
    }


@pytest.mark.parametrize("row", PAYMENTS["invalid"], ids=lambda row: row["name"])
def test_payments_of_another_width(row: dict) -> None:
    message = cose.sign1(bytes.fromhex(row["hex"]), bytes(64))
    assert fits("pay-item", message) == (row["fault"] == BAD_FIELD)  # numbers inside are not CDDL's


def test_one_message_is_not_another() -> None:
    """No two signed kinds but open and opened have the same shape (their types differ in external_aad)."""
    for row in MESSAGES["signed"]:
        alike = {kind for kind in KINDS if fits(kind, bytes.fromhex(row["payload"]))}
        assert alike == ({"open", "opened"} if row["kind"].startswith("open") else {row["kind"]})


def test_every_kind_of_the_code_has_a_rule() -> None:
    text = (SPEC / "wire.cddl").read_text(encoding="utf-8")
    rules = set(re.findall(r"^([a-z-]+) = \[", text, re.MULTILINE))
    assert set(KINDS) <= rules
    assert set(KINDS.values()) == set(messages._LAYOUTS)


def test_message_types_are_the_codes() -> None:
    for number in range(13):
        aad = cose.external_aad("local", cose.NO_CHANNEL, number)
        assert fits("external-aad", aad) == (1 <= number <= 11)


def test_channel_terms_are_what_is_hashed() -> None:
    row = next(row for row in MESSAGES["signed"] if row["kind"] == "open")
    terms = cbor.dumps(cbor_items.loads(bytes.fromhex(row["payload"]))[:7])
    assert fits("channel-terms", terms)
    opened = messages.decode(messages.Open, bytes.fromhex(row["payload"]))
    assert messages.channel_hash(opened) == sha256(terms).digest()


def test_items_of_sequences() -> None:
    tick = messages.encode(messages.Tick(b"hndl", 1, bytes(32)))
    voucher = bytes.fromhex(PAYMENTS["valid"][0]["hex"])
    assert split_payments(voucher + tick) == [voucher, messages.Tick(b"hndl", 1, bytes(32))]
    assert all(fits("pay-item", item) for item in (voucher, tick))
    assert not fits("pay-item", messages.encode(messages.Ack(b"hndl", 1, 1, 1)))
    assert fits("health", cbor.dumps({"role": "seller", "mem_free": 20000, "up_s": 7}))
    assert not fits("health", cbor.dumps({1: "seller"}))
