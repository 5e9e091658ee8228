# SPDX-License-Identifier: MIT
"""A real board against a partner, or a broker, that breaks the rules; the partner is played by the test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from farthing import cose, messages, topics
from farthing.faults import BAD_SIGNATURE, PRICE_CHANGED, SERVICE, UNKNOWN_OFFER, WRONG_SENDER
from farthing.messages import Head, Offer, Receipt, Take
from farthing_gateway.keys import GatewayKey
from market import Market, until
from partners import BODY, PRICE, Shopper, Stall
from party import Deal, LateError
from peers import Peer


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    with Market(tmp_path) as running:
        try:
            yield running
        finally:
            running.tell()


@pytest.fixture
def shopper(market: Market) -> Iterator[Shopper]:
    seller = market.seller()
    seller.start()
    market.wait(seller, "boot")
    shopper = Shopper(market)
    yield shopper
    shopper.party.close()


def test_p7_a_buyer_that_stops_paying_gets_one_unit(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    first, data = shopper.delivery()
    assert first.count == 1
    for _ in range(3):
        shopper.take()
        assert shopper.delivery()[1] == data  # P9: the same bytes, not another reading
    shopper.pay(shopper.deal.tick())
    assert shopper.delivery()[0].count == 2
    with pytest.raises(LateError):
        shopper.delivery(2)


def test_without_a_payment_there_is_no_unit(market: Market, shopper: Shopper):
    shopper.take()
    with pytest.raises(LateError):
        shopper.delivery(2)


def test_repeated_and_reordered_ticks(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    shopper.delivery()
    ticks = [shopper.deal.tick() for _ in range(3)]
    shopper.pay(ticks[0])
    _, data = shopper.delivery()
    shopper.pay(ticks[0])
    assert shopper.delivery()[1] == data
    shopper.pay(ticks[2])  # it overtook the one before, which it covers
    assert shopper.delivery()[0].count == 4
    shopper.pay(ticks[1])
    echo = shopper.party.next("echo")
    assert ticks[2] in echo
    with pytest.raises(LateError):
        shopper.delivery(1)


def test_a_word_of_another_chain_buys_nothing(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    shopper.delivery()
    shopper.pay(messages.encode(messages.Tick(shopper.deal.handle, 1, os.urandom(32))))
    with pytest.raises(LateError):
        shopper.delivery(1)
    shopper.pay(shopper.deal.tick())
    assert shopper.delivery()[0].count == 2


def test_a_chain_of_another_price_buys_nothing(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE - 1))
    shopper.take()
    assert shopper.party.fault() == PRICE_CHANGED
    with pytest.raises(LateError):
        shopper.delivery(1)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"price": PRICE - 1}, PRICE_CHANGED),
        ({"offer_seq": 9}, PRICE_CHANGED),
        ({"offer": bytes(8)}, UNKNOWN_OFFER),
    ],
)
def test_a_take_of_another_offer_is_refused(
    market: Market, shopper: Shopper, changed: dict[str, object], code: int
):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take(**changed)
    assert shopper.party.fault() == code


def test_a_channel_that_the_gateway_did_not_confirm_buys_nothing(market: Market, shopper: Shopper):
    liar = Deal(shopper.party, shopper.party, shopper.terms._replace(epoch=7))
    payload = messages.encode(messages.Opened(*shopper.terms._replace(epoch=7)))
    signed = shopper.party.sign(cose.OPENED, payload, liar.hash)
    gateway = cose.key_id(shopper.party.beacon.key).hex()
    for sender, code in (("", WRONG_SENDER), (gateway, BAD_SIGNATURE)):
        shopper.party.send("opened", signed, shopper.seller, sender=sender)
        market.wait(market.fleet.boards["seller"], "fault", code=code)
    shopper.pay(liar.commitment(PRICE))
    with pytest.raises(LateError):
        shopper.delivery(1)


def test_a_forged_receipt_does_not_stop_a_sale(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    shopper.delivery()
    closed = Receipt(shopper.deal.handle, 0, 0, 0, 0, 0, b"", messages.CLOSED)
    forged = shopper.party.sign(cose.RECEIPT, messages.encode(closed), shopper.deal.hash)
    shopper.party.send("rcpt", forged, shopper.seller, sender=cose.key_id(shopper.party.beacon.key).hex())
    shopper.pay(shopper.deal.tick())
    assert shopper.delivery()[0].count == 2


def test_a_payer_that_closes_is_not_served_and_is_charged(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    for count in (1, 2, 3):
        assert shopper.delivery()[0].count == count
        shopper.pay(shopper.deal.tick())
    shopper.delivery()
    shopper.party.close_channel(shopper.deal.hash, 0)
    answer = shopper.party.answer(shopper.deal.hash, lambda receipt: receipt.state == messages.CLOSED, 10)
    assert answer.receipt.settled == 3 * PRICE
    shopper.pay(shopper.deal.tick())
    with pytest.raises(LateError):
        shopper.delivery(1)


def test_every_kind_of_rubbish_leaves_the_seller_at_work(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    shopper.delivery()
    for kind in ("take", "pay", "opened", "rcpt", "ack", "fault", "echo", "data", "hello", "nonsense"):
        for rubbish in (b"", b"\xff", os.urandom(40), os.urandom(900), b"\xd2" * 3000):
            shopper.party.raw(
                topics.topic("lab", shopper.party.hex, shopper.seller, "x")[:-1] + kind, rubbish
            )
    shopper.pay(shopper.deal.tick())
    assert shopper.delivery()[0].count == 2


def test_a_sensor_that_fails_costs_that_unit_only(market: Market):
    main = """
from farthing_agent import App
from farthing_agent.services.sensor import Sensor

calls = [0]

def read():
    calls[0] += 1
    if calls[0] % 5 == 3:
        raise OSError(5)
    return 1000 + calls[0], calls[0], 0

app = App()
app.sell(Sensor("water-flow", "l/s", read), price_micro=120)
app.run()
"""
    seller = market.board("seller", main, {})
    buyer = market.buyer(units=8, on_reading="lambda r: print('got', r.mantissa)")
    seller.start()
    buyer.start()
    assert market.wait(buyer, "done", 60)["units"] == 8
    assert [int(line.split()[1]) for line in buyer.lines if line.startswith("got")] == [
        1,
        2,
        4,
        5,
        6,
        7,
        9,
        10,
    ]
    market.wait(seller, "fault", code=SERVICE)


@pytest.fixture
def stall(market: Market) -> Iterator[Stall]:
    stall = Stall(market)
    yield stall
    stall.party.close()


def test_a_seller_that_never_delivers_is_left_for_the_next(market: Market, stall: Stall):
    honest = market.seller()
    honest.start()
    market.wait(honest, "boot")
    buyer = market.buyer(units=5, patience_s=3)
    buyer.start()
    assert market.wait(buyer, "deal")["peer"] == stall.party.hex
    done = market.wait(buyer, "done", 30)
    assert (done["units"], done["micro"]) == (5, 5 * PRICE)
    assert market.all(buyer, "deal")[-1]["price"] == PRICE


def test_a_seller_that_stops_has_what_it_delivered(market: Market, stall: Stall):
    honest = market.seller()
    honest.start()
    market.wait(honest, "boot")
    buyer = market.buyer(units=6, patience_s=3)
    buyer.start()
    to = stall.customer()
    for count in (1, 2):
        stall.deliver(to, count, BODY)
        stall.party.next("pay")
    done = market.wait(buyer, "done", 30)
    assert (done["units"], done["micro"]) == (6, 2 * stall.price + 4 * PRICE)


def test_a_forged_hint_moves_no_money(market: Market, stall: Stall):
    """mppx 260: a server's higher counter made the client sign away its deposit."""
    buyer = market.buyer(units=500, patience_s=60)
    buyer.start()
    to = stall.customer()
    stall.deliver(to, 1, BODY)
    stall.party.forget()
    stall.deliver(to, 300, BODY)  # "you paid me 299 already"
    handle = stall.hash[:4]
    voucher = messages.encode(messages.Tick(handle, 255, bytes(32)))
    payload = bytearray(16)
    messages.voucher_payload_into(payload, 0, handle, 299 * stall.price, 99)
    forged = stall.party.sign(cose.VOUCHER, bytes(payload), stall.hash)
    for echo in (forged, forged + voucher, voucher):
        stall.party.send("echo", echo, to)
    market.wait(buyer, "fault", code=BAD_SIGNATURE)
    stall.deliver(to, 2, BODY)
    until(lambda: stall.highest() == 2 * stall.price)


def test_readings_that_are_none_are_not_paid(market: Market, stall: Stall):
    buyer = market.buyer(units=5, patience_s=3)
    buyer.start()
    to = stall.customer()
    for body in (b"", b"\xff" * 20, os.urandom(512)):
        stall.deliver(to, 1, body)
    assert stall.highest() == 0


def test_a_head_over_something_else_is_counted_not_believed(market: Market, stall: Stall):
    buyer = market.buyer(units=3, patience_s=60)
    buyer.start()
    to = stall.customer()
    for count, signer in ((1, stall.party), (2, market.party()), (3, stall.party)):
        message = messages.encode(Head(stall.hash[:4], count, bytes(32), 0))
        stall.deliver(to, count, BODY, signer.sign(cose.HEAD, message, stall.hash))
        until(lambda count=count: stall.highest() == count * stall.price, 5)
    stall.party.close_channel(stall.hash, 3 * stall.price)
    assert market.wait(buyer, "fault")["code"] == BAD_SIGNATURE
    assert market.wait(buyer, "done")["gaps"] == 2


@pytest.mark.parametrize("changed", [{"price": 1}, {"key": bytes(64)}, {"valid_until_s": 1}])
def test_an_offer_that_does_not_hold_is_not_taken(market: Market, changed: dict[str, object]):
    liar, other = market.party(), market.party()
    good = Offer(
        b"12345678", liar.key.public, "water-flow", "l/s", 10, 1, 100, 0, 0, liar.beacon.time_s + 600, 1
    )
    signed = liar.sign(cose.OFFER, messages.encode(good))
    if "price" in changed:  # the price is another than was signed
        _, signature = cose.parse(signed)
        signed = cose.sign1(messages.encode(good._replace(**changed)), signature)
    else:
        signed = other.sign(cose.OFFER, messages.encode(good._replace(**changed)))
    liar.send("offer", signed, topics.ALL, retain=True)
    seller = market.seller()
    seller.start()
    market.wait(seller, "boot")
    buyer = market.buyer(units=5)
    buyer.start()
    assert market.wait(buyer, "deal")["price"] == PRICE
    market.wait(buyer, "done")


def test_a_beacon_of_another_key_is_not_believed(market: Market):
    liar = market.party()
    gateway = cose.key_id(liar.beacon.key).hex()
    market.kill_gateway()  # it would clear the forged beacon away with its next one
    seller = market.seller()
    seller.start()
    market.wait(seller, "boot")
    own = liar.beacon._replace(key=liar.key.public, seq=liar.beacon.seq + 1000, ledger="mine")
    stolen = liar.beacon._replace(seq=liar.beacon.seq + 1000, ledger="mine")
    for beacon, code in ((own, WRONG_SENDER), (stolen, BAD_SIGNATURE)):
        signed = liar.sign(cose.BEACON, messages.encode(beacon), ledger="mine")
        liar.send("beacon", signed, topics.ALL, sender=gateway, retain=True)
        market.wait(seller, "fault", code=code)
    buyer = market.buyer(units=5)
    buyer.start()
    market.start_gateway()
    assert market.wait(buyer, "done")["units"] == 5


def test_a_forged_opened_is_not_paid_on(market: Market, stall: Stall):
    gateway = cose.key_id(stall.party.beacon.key).hex()
    market.kill_gateway()
    buyer = market.buyer(units=5)
    buyer.start()
    name = market.wait(buyer, "boot")["id"]
    ear = Peer(market.broker.port, "ear")
    ear.subscribe(f"f1/lab/+/{name}/gw/open")
    until(lambda: ear.messages)
    terms = messages.decode(messages.Open, cose.parse(ear.messages[0][1])[0])
    payload = messages.encode(messages.Opened(*terms))
    signed = stall.party.sign(cose.OPENED, payload, messages.channel_hash(terms))
    stall.party.send("opened", signed, name, sender=gateway)
    market.wait(buyer, "fault", code=BAD_SIGNATURE)
    with pytest.raises(LateError):
        stall.party.next("take", 1)
    market.start_gateway()
    stall.party.next("take", 20)
    ear.leave()


def test_a_forged_receipt_does_not_end_a_deal(market: Market, stall: Stall):
    buyer = market.buyer(units=3, patience_s=60)
    buyer.start()
    to = stall.customer()
    stall.deliver(to, 1, BODY)
    gateway = cose.key_id(stall.party.beacon.key).hex()
    for state in (messages.CLOSING, messages.CLOSED):
        receipt = messages.encode(Receipt(stall.hash[:4], 9, 9, 9, 9, 9, b"", state))
        stall.party.send("rcpt", stall.party.sign(cose.RECEIPT, receipt, stall.hash), to, sender=gateway)
    market.wait(buyer, "fault", code=BAD_SIGNATURE)
    for count in (2, 3):
        stall.deliver(to, count, BODY)
        until(lambda count=count: stall.highest() == count * stall.price)
    stall.party.close_channel(stall.hash, 3 * stall.price)
    assert market.wait(buyer, "done")["units"] == 3


def test_nothing_is_served_on_a_channel_that_is_closing(market: Market, shopper: Shopper):
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    shopper.delivery()
    market.kill_gateway()  # the test goes on in its name, so that the channel stays in this state
    key = GatewayKey.load_or_create(market.folder / "gateway" / "gateway.pem")
    receipt = messages.encode(Receipt(shopper.deal.handle, 0, 0, 0, 0, 0, b"", messages.CLOSING))
    aad = cose.external_aad(shopper.party.beacon.ledger, shopper.deal.hash, cose.RECEIPT)
    signed = cose.sign1(receipt, key.sign(cose.digest(aad, receipt)))
    shopper.party.send("rcpt", signed, shopper.seller, sender=key.id.hex())
    shopper.pay(shopper.deal.tick())
    with pytest.raises(LateError):
        shopper.delivery(2)


def test_close_names_what_was_paid(market: Market, stall: Stall):
    buyer = market.buyer(units=2, patience_s=60)
    buyer.start()
    to = stall.customer()
    for count in (1, 2):
        stall.deliver(to, count, BODY)
        stall.party.next("pay")
    market.wait(buyer, "paid", units=2)
    stall.party.close_channel(stall.hash, 2 * stall.price)
    closed = market.wait(buyer, "closed", 10)
    assert closed["cum"] == 2 * stall.price
    assert closed["channel"] == stall.hash[:4].hex()


def test_a_payment_of_another_key_buys_nothing(market: Market, shopper: Shopper):
    thief = market.party()
    honest = shopper.deal.commitment(PRICE)
    forged = thief.sign(cose.COMMITMENT, cose.parse(honest)[0], shopper.deal.hash)
    shopper.pay(forged)
    assert shopper.party.fault() == BAD_SIGNATURE
    shopper.take()
    with pytest.raises(LateError):
        shopper.delivery(1)
    shopper.pay(honest)
    assert shopper.delivery()[0].count == 1
    forged = thief.sign(cose.VOUCHER, cose.parse(shopper.deal.voucher(5 * PRICE))[0], shopper.deal.hash)
    shopper.pay(forged)
    assert shopper.party.fault() == BAD_SIGNATURE
    with pytest.raises(LateError):
        shopper.delivery(1)


def test_a_take_of_another_key_is_refused(market: Market, shopper: Shopper):
    thief = market.party()
    shopper.pay(shopper.deal.commitment(PRICE))
    take = Take(shopper.deal.handle, shopper.offer.id, shopper.offer.seq, PRICE, 100)
    signed = thief.sign(cose.TAKE, messages.encode(take), shopper.deal.hash)
    shopper.party.send("take", signed, shopper.seller)
    market.wait(market.fleet.boards["seller"], "fault", code=BAD_SIGNATURE)
    with pytest.raises(LateError):
        shopper.delivery(1)
