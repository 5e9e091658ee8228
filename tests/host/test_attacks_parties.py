# SPDX-License-Identifier: MIT
"""Who speaks for whom: senders, networks, ledgers and terms that are not what they say; floods."""

from __future__ import annotations

import pytest

from bystander import Bystander
from farthing import cose, faults, messages, topics
from farthing.messages import Hello, Open
from farthing_gateway.intake import NOTICE_BURST
from lab import Lab
from party import Deal, LateError, Party


@pytest.fixture
def others(lab: Lab) -> Bystander:
    return Bystander(lab)


def opening(payer: Party, terms: Open) -> bytes:
    return payer.sign(cose.OPEN, messages.encode(terms), messages.channel_hash(terms))


def test_hello_in_another_devices_name(lab: Lab, others: Bystander):
    victim, thief = lab.party(), lab.party()
    hello = thief.sign(cose.HELLO, messages.encode(Hello(thief.key.public, "test", "x")))
    with others.see_no_change():
        thief.send("hello", hello, sender=victim.hex)
        assert victim.fault() == faults.WRONG_SENDER


def test_offer_in_another_devices_name(lab: Lab, others: Bystander):
    victim, thief = lab.party(), lab.party()
    offer = messages.Offer(b"12345678", thief.key.public, "good", "unit", 1, 1, 1, 0, 0, 1, 1)
    with others.see_no_change():
        thief.send("offer", thief.sign(cose.OFFER, messages.encode(offer)), topics.ALL, sender=victim.hex)
        assert victim.fault() == faults.WRONG_SENDER


def test_open_with_another_devices_money(lab: Lab, others: Bystander):
    victim, thief = lab.party(), lab.party()
    terms = victim.terms(thief, 1000)
    with others.see_no_change():
        thief.send("open", opening(thief, terms))
        assert thief.fault() == faults.WRONG_SENDER
        thief.send("open", opening(thief, terms), sender=victim.hex)
        assert victim.fault() == faults.BAD_SIGNATURE


def test_open_replayed_by_another_sender(lab: Lab, others: Bystander):
    victim, thief = lab.party(), lab.party()
    with others.see_no_change():
        thief.send("open", opening(victim, victim.terms(thief, 1000)))
        assert thief.fault() == faults.WRONG_SENDER


def test_voucher_replayed_by_another_sender(lab: Lab, others: Bystander):
    deal, thief = lab.deal(), lab.party()
    with others.see_no_change():
        thief.send("pay", deal.voucher(100), deal.payee.hex)
        assert thief.fault() == faults.UNKNOWN_CHANNEL


def test_close_replayed_by_another_sender(lab: Lab, others: Bystander):
    deal, thief = lab.deal(), lab.party()
    close = deal.payer.sign(cose.CLOSE, messages.encode(messages.Close(deal.handle, 0)), deal.hash)
    with others.see_no_change():
        thief.send("close", close)
        assert thief.fault() == faults.UNKNOWN_CHANNEL


def test_take_of_another_payer(lab: Lab, others: Bystander):
    deal, thief = lab.deal(), lab.party()
    take = messages.encode(messages.Take(deal.handle, b"12345678", 1, 1, 1))
    with others.see_no_change():
        deal.payee.send("take", deal.payee.sign(cose.TAKE, take, deal.hash))
        assert deal.payee.fault() == faults.UNKNOWN_CHANNEL
        thief.send("take", thief.sign(cose.TAKE, take, deal.hash), deal.payee.hex, sender=deal.payer.hex)
        assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_topic_of_another_net(lab: Lab, others: Bystander):
    deal = lab.deal()
    with others.see_no_change():
        name = topics.topic("other-net", deal.payer.hex, deal.payee.hex, "pay")
        deal.payer.raw(name, deal.voucher(100))
        with pytest.raises(LateError):
            deal.payer.acked(deal.handle, 100, 0.2)


def test_topic_of_a_wrong_shape(lab: Lab, others: Bystander):
    """The subscription filters let them through; there is nobody to be told."""
    device = others.deal.payer
    base = f"f1/{lab.net}"
    wrong = (
        f"{base}/00/{'Z' * 32}/gw/pay",
        f"{base}/00/{device.hex[:-1]}/gw/pay",
        f"{base}/{(int(device.hex[:2], 16) + 1) % 256:02x}/{device.hex}/gw/pay",
        f"{base}/{device.hex[:2]}/{device.hex.upper()}x/gw/hello",
    )
    before = lab.gateway.stats.refused["BAD_TOPIC"]
    with others.see_no_change():
        for name in wrong:
            device.raw(name, others.deal.voucher(0))
    assert lab.gateway.stats.refused["BAD_TOPIC"] == before + len(wrong)


@pytest.mark.parametrize("kind", ["opened", "rcpt", "ack", "beacon", "data", "echo"])
def test_kinds_that_a_gateway_does_not_read(lab: Lab, others: Bystander, kind: str):
    device = lab.party()
    with others.see_no_change():
        device.send(kind, b"\0")
        assert device.fault() == faults.BAD_TOPIC


def test_nobody_speaks_for_the_gateway(lab: Lab, others: Bystander):
    """What comes in under the gateway's own id is not read at all."""
    deal = lab.deal()
    close = deal.payee.sign(cose.CLOSE, messages.encode(messages.Close(deal.handle, 0)), deal.hash)
    with others.see_no_change():
        deal.payee.send("close", close, sender=lab.key.id.hex())


WRONG_TERMS = {
    "ledger": {"ledger": "evm:1"},
    "instance": {"instance": bytes(16)},
    "unit": {"unit": "USD"},
    "window": {"window_s": 59},
}


@pytest.mark.parametrize("what", WRONG_TERMS)
def test_open_on_terms_of_another_ledger(lab: Lab, others: Bystander, what: str):
    payer, payee = lab.party(), lab.party()
    with others.see_no_change():
        payer.send("open", opening(payer, payer.terms(payee, 1000)._replace(**WRONG_TERMS[what])))
        assert payer.fault() == faults.WRONG_LEDGER


def test_open_on_terms_that_differ_from_the_standing_ones(lab: Lab, others: Bystander):
    """The amount is not under the channel hash, so it must be compared."""
    deal = lab.deal(amount=1000)
    with others.see_no_change():
        deal.payer.send("open", opening(deal.payer, deal.terms._replace(amount=2000)))
        assert deal.payer.fault() == faults.WRONG_LEDGER


def test_open_to_oneself_or_for_nothing(lab: Lab, others: Bystander):
    payer, payee = lab.party(), lab.party()
    with others.see_no_change():
        payer.send("open", opening(payer, payer.terms(payer, 1000)))
        assert payer.fault() == faults.BAD_FIELD
        payer.send("open", opening(payer, payer.terms(payee, 0)))
        assert payer.fault() == faults.BAD_FIELD


def test_open_with_an_unknown_payee(lab: Lab, others: Bystander):
    payer, payee = lab.party(), lab.party(hello=False)
    with others.see_no_change():
        payer.send("open", opening(payer, payer.terms(payee, 1000)))
        assert payer.fault() == faults.UNKNOWN_DEVICE


def test_payment_on_a_channel_nobody_opened(lab: Lab, others: Bystander):
    payer, payee = lab.party(), lab.party()
    deal = Deal(payer, payee, payer.terms(payee, 1000))
    with others.see_no_change():
        deal.pay(deal.voucher(1), deal.commitment(1), deal.tick())
        assert [payer.fault() for _ in range(3)] == [faults.UNKNOWN_CHANNEL] * 3


def test_flood_of_bad_messages_is_answered_a_few_times_and_delays_nobody(lab: Lab, others: Bystander):
    noisy = lab.party()
    with others.see_no_change():
        for _ in range(200):
            noisy.send("hello", b"\x80")
    told = 0
    while told <= NOTICE_BURST + 4:
        try:
            noisy.fault(0.1)
        except LateError:
            break
        told += 1
    assert NOTICE_BURST <= told <= NOTICE_BURST + 3
    assert lab.gateway.stats.refused["BAD_COSE"] == 200


def test_events_of_a_flood_are_bounded(lab: Lab, others: Bystander):
    deal = lab.deal()
    with others.see_no_change():
        for number in range(50):
            payload = messages.encode(messages.Close(deal.handle, number))
            deal.payer.send("close", deal.payee.sign(cose.CLOSE, payload, deal.hash))
    assert NOTICE_BURST <= len(lab.events()) <= NOTICE_BURST + 3


def test_board_with_a_wrong_net_is_noticed_once(
    lab: Lab, others: Bystander, caplog: pytest.LogCaptureFixture
):
    deal = lab.deal()
    with others.see_no_change(), caplog.at_level("INFO"):
        for _ in range(3):
            deal.payer.raw(topics.topic("other-net", deal.payer.hex, topics.GATEWAY, "hello"), b"\x80")
        lab.wait(lambda: lab.gateway.stats.refused["WRONG_NET"] >= 3)
    lines = [record.message for record in caplog.records if "another network" in record.message]
    assert len(lines) == 1
    assert "set the same net" in lines[0]
