# SPDX-License-Identifier: MIT
"""Broken, ambiguous and oversized encodings against the running gateway: refused, and nobody is disturbed."""

from __future__ import annotations

import random

import pytest

from bystander import Bystander
from farthing import cose, faults, messages, topics
from farthing.cbor import dumps
from farthing.messages import Close, Hello, Offer, Open, Tick
from lab import Lab
from party import Deal


@pytest.fixture
def others(lab: Lab) -> Bystander:
    return Bystander(lab)


@pytest.fixture
def deal(lab: Lab) -> Deal:
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    deal.payer.forget()
    return deal


PREFIX = b"\xd2\x84\x43\xa1\x01\x26\xa0"

# How the COSE working group's sign-fail vectors break a good message, and a few ways of our own.
BREAKS = {
    "wrong tag": lambda data: b"\xd1" + data[1:],
    "no tag": lambda data: data[1:],
    "two tags": lambda data: b"\xd2" + data,
    "protected header a0": lambda data: data.replace(PREFIX, b"\xd2\x84\x41\xa0\xa0"),
    "empty protected header": lambda data: data.replace(PREFIX, b"\xd2\x84\x40\xa0"),
    "swapped algorithm ES384": lambda data: data.replace(PREFIX, b"\xd2\x84\x44\xa1\x01\x38\x22\xa0"),
    "swapped algorithm EdDSA": lambda data: data.replace(PREFIX, b"\xd2\x84\x43\xa1\x01\x27\xa0"),
    "algorithm not protected": lambda data: data.replace(PREFIX, b"\xd2\x84\x40\xa1\x01\x26"),
    "something unprotected": lambda data: data.replace(PREFIX, b"\xd2\x84\x43\xa1\x01\x26\xa1\x04\x41\x31"),
    "duplicate header": lambda data: data.replace(PREFIX, b"\xd2\x84\x45\xa2\x01\x26\x01\x26\xa0"),
    "payload detached": lambda data: PREFIX + b"\xf6" + data[-66:],
    "payload length not shortest": lambda data: PREFIX + b"\x58\x10" + data[8:],
    "indefinite length": lambda data: data.replace(PREFIX, b"\xd2\x9f\x43\xa1\x01\x26\xa0") + b"\xff",
    "signature cut": lambda data: data[:-1],
    "signature too long": lambda data: data[:-66] + b"\x58\x41" + data[-64:] + b"\0",
    "four items and one": lambda data: b"\xd2\x85" + data[2:] + b"\0",
}


@pytest.mark.parametrize("how", BREAKS)
def test_voucher_that_is_no_strict_cose_message(deal: Deal, others: Bystander, how: str):
    with others.see_no_change():
        deal.pay(BREAKS[how](deal.voucher(100)))
        assert deal.payer.fault() in {faults.BAD_COSE, faults.MALFORMED, faults.BAD_FIELD}


@pytest.mark.parametrize("tail", [b"\0", b"\xf6", b"\xff", b"\xd2"])
def test_trailing_bytes(deal: Deal, others: Bystander, tail: bytes):
    with others.see_no_change():
        deal.pay(deal.voucher(100) + tail)
        assert deal.payer.fault() in {faults.BAD_COSE, faults.MALFORMED, faults.BAD_FIELD}
        hello = messages.encode(Hello(deal.payer.key.public, "test", "again"))
        deal.payer.send("hello", deal.payer.sign(cose.HELLO, hello) + tail)
        assert deal.payer.fault() == faults.BAD_COSE


PAYLOADS = {
    "not the shortest length": lambda data: b"\x98\x02" + data[1:],
    "indefinite array": lambda data: b"\x9f" + data[1:] + b"\xff",
    "a map with a duplicate key": lambda _: b"\xa2\x01\x02\x01\x03",
    "a map": lambda _: dumps({0: b"1234", 1: 500}),
    "one field too many": lambda _: dumps([b"1234", 500, 0]),
    "one field too few": lambda _: dumps([b"1234"]),
    "trailing byte": lambda data: data + b"\0",
    "negative amount": lambda _: dumps([b"1234", -1]),
    "amount of a bignum": lambda _: b"\x82\x441234\xc2\x49\x01\0\0\0\0\0\0\0\0",
    "amount above 2^63": lambda _: dumps([b"1234", 1 << 63]),
    "text for bytes": lambda _: dumps(["1234", 500]),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("how", PAYLOADS)
def test_signed_payload_not_deterministic_or_of_wrong_fields(deal: Deal, others: Bystander, how: str):
    """A valid signature over it does not help."""
    payload = PAYLOADS[how](messages.encode(Close(deal.handle, 500)))
    with others.see_no_change():
        deal.payer.send("close", deal.payer.sign(cose.CLOSE, payload, deal.hash))
        assert deal.payer.fault() in {faults.MALFORMED, faults.BAD_FIELD}


TYPES = {name: value for name, value in vars(cose).items() if name.isupper() and type(value) is int}


@pytest.mark.parametrize("name", sorted(TYPES.keys() - {"CLOSE"}))
def test_signature_of_another_type_is_no_close(deal: Deal, others: Bystander, name: str):
    """P15: types are not interchangeable."""
    payload = messages.encode(Close(deal.handle, 500))
    with others.see_no_change():
        deal.payer.send("close", deal.payer.sign(TYPES[name], payload, deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE


@pytest.mark.parametrize("name", sorted(TYPES.keys() - {"VOUCHER"}))
def test_signature_of_another_type_is_no_voucher(deal: Deal, others: Bystander, name: str):
    deal.state.reserve(100)
    payload = deal.state.voucher_payload(100)
    with others.see_no_change():
        deal.pay(deal.payer.sign(TYPES[name], payload, deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_opened_does_not_open(lab: Lab, others: Bystander):
    """Open and Opened have the same fields, so only the type bound into the signature tells them apart."""
    payer, payee = lab.party(), lab.party()
    deal = Deal(payer, payee, payer.terms(payee, 1000))
    with others.see_no_change():
        payer.send("open", payer.sign(cose.OPENED, messages.encode(deal.terms), deal.hash))
        assert payer.fault() == faults.BAD_SIGNATURE


def test_open_signed_without_its_channel(lab: Lab, others: Bystander):
    payer, payee = lab.party(), lab.party()
    with others.see_no_change():
        payer.send("open", payer.sign(cose.OPEN, messages.encode(payer.terms(payee, 1000))))
        assert payer.fault() == faults.BAD_SIGNATURE


def test_message_of_another_kind_in_the_topic(lab: Lab, deal: Deal, others: Bystander):
    close = deal.payer.sign(cose.CLOSE, messages.encode(Close(deal.handle, 500)), deal.hash)
    for kind in ("hello", "open", "take", "pay"):
        with others.see_no_change():
            deal.payer.send(kind, close)
            assert deal.payer.fault() in {faults.BAD_FIELD, faults.MALFORMED, faults.UNKNOWN_CHANNEL}


def test_random_bytes(deal: Deal, others: Bystander):
    source = random.Random(1)
    for kind in ("hello", "open", "close", "take", "pay", "health"):
        with others.see_no_change():
            for _ in range(20):
                deal.payer.send(kind, source.randbytes(source.randrange(1, 300)))


def test_cut_messages(deal: Deal, others: Bystander):
    """Every prefix of a good message is refused, none counts."""
    data = deal.voucher(100)
    with others.see_no_change():
        for size in range(1, len(data)):
            deal.pay(data[:size])


def test_oversized_payload(lab: Lab, deal: Deal, others: Bystander):
    with others.see_no_change():
        deal.pay(bytes(lab.config.max_payload + 1))
        assert deal.payer.fault() == faults.TOO_LARGE


def test_oversized_message_of_its_kind(deal: Deal, others: Bystander):
    with others.see_no_change():
        for kind, size in (("hello", 321), ("open", 321), ("close", 129), ("take", 129)):
            deal.payer.send(kind, bytes(size))
            assert deal.payer.fault() == faults.TOO_LARGE


def test_oversized_offer(lab: Lab, others: Bystander):
    seller = lab.party()
    with others.see_no_change():
        seller.send("offer", bytes(201), topics.ALL)
        assert seller.fault() == faults.TOO_LARGE


def test_tick_of_a_wrong_shape(deal: Deal, others: Bystander):
    tick = messages.encode(Tick(deal.handle, 1, bytes(32)))
    broken = (
        tick.replace(b"\x58\x20", b"\x59\x00\x20"),  # length not shortest
        tick.replace(b"\x58\x20", b"\x58\x1f")[:-1],  # a word of 31 bytes
        dumps([deal.handle, -1, bytes(32)]),
        dumps([deal.handle, 1 << 32, bytes(32)]),
        dumps([deal.handle, 1]),
    )
    for data in broken:
        with others.see_no_change():
            deal.pay(data)
            assert deal.payer.fault() in {faults.MALFORMED, faults.BAD_FIELD}


def test_offer_of_another_ledgers_words(lab: Lab, others: Bystander):
    seller = lab.party()
    offer = Offer(b"12345678", seller.key.public, "good", "unit", 1, 1, 1, 0, 0, 1, 1)
    with others.see_no_change():
        seller.send("offer", seller.sign(cose.OFFER, messages.encode(offer), ledger="evm:1"), topics.ALL)
        assert seller.fault() == faults.BAD_SIGNATURE


def test_key_that_is_no_point_of_the_curve(lab: Lab, others: Bystander):
    """Its thumbprint is a proper id, so the topic fits; only the arithmetic does not."""
    key = b"\x01" * 64
    device = lab.party()
    with others.see_no_change():
        device.send(
            "hello",
            cose.sign1(messages.encode(Hello(key, "test", "none")), b"\x01" * 64),
            sender=cose.key_id(key).hex(),
        )
    assert not lab.gateway.devices.knows(cose.key_id(key))


def test_open_whose_channel_payee_is_no_point_of_the_curve(lab: Lab, others: Bystander):
    payer = lab.party()
    terms = Open(*payer.terms(payer, 1000))._replace(payee=b"\x01" * 64)
    with others.see_no_change():
        payer.send("open", payer.sign(cose.OPEN, messages.encode(terms), messages.channel_hash(terms)))
        assert payer.fault() == faults.UNKNOWN_DEVICE
