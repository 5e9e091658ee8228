# SPDX-License-Identifier: MIT
"""The safety rules P1 to P15 of the design at the running gateway, by number.

What a rule asks of the boards is proved with the boards: P6 and P7 bound what is served and signed before an
answer, P9 and P10 bind their journals. Here is the gateway's half.
"""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest

from bystander import Bystander
from farthing import cose, faults, messages
from farthing.messages import Tick
from farthing_gateway.audit import verify_journal
from farthing_gateway.ledger import book
from farthing_gateway.store import wall_clock_ms
from lab import PURSE, Lab
from party import Deal, LateError

DAY_MS = 86_400_000


def closed(deal: Deal, cum: int) -> None:
    deal.payee.close_channel(deal.hash, cum)
    for party in (deal.payer, deal.payee):
        party.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)


def test_p1_only_the_payers_key_moves_the_amount(lab: Lab):
    deal, others = lab.deal(), Bystander(lab)
    deal.state.reserve(100)
    payload = deal.state.voucher_payload(100)
    for signer in (deal.payee, others.deal.payer):
        with others.see_no_change():
            deal.pay(signer.sign(cose.VOUCHER, payload, deal.hash))
            assert deal.payer.fault() == faults.BAD_SIGNATURE
    deal.paid(deal.payer.sign(cose.VOUCHER, payload, deal.hash))


def test_p2_a_voucher_is_good_in_one_channel_ledger_instance_epoch_and_type(lab: Lab):
    deal, others = lab.deal(), Bystander(lab)
    deal.state.reserve(100)
    payload = deal.state.voucher_payload(100)
    elsewhere = deal.terms._replace(instance=b"another instance")
    wrong = (
        deal.payer.sign(cose.VOUCHER, payload, messages.channel_hash(elsewhere)),
        deal.payer.sign(cose.VOUCHER, payload, messages.channel_hash(deal.terms._replace(epoch=1))),
        deal.payer.sign(cose.VOUCHER, payload, deal.hash, ledger="evm:1"),
        deal.payer.sign(cose.CLOSE, payload, deal.hash),
    )
    for data in wrong:
        with others.see_no_change():
            deal.pay(data)
            assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_p3_accepted_and_settled_never_fall(lab: Lab):
    deal = lab.deal()
    low = deal.voucher(100)
    deal.paid(deal.voucher(400))
    lab.stop()
    lab.start()
    row = lab.channel(deal)
    assert (row.cum, row.settled) == (500, 500)
    deal.payer.forget()
    deal.pay(low)
    assert deal.payer.answer(deal.hash).receipt.cum == 500
    assert lab.channel(deal) == row


def test_p4_settled_is_within_the_deposit(lab: Lab):
    deal = lab.deal(amount=1000)
    deal.paid(deal.voucher(1000))
    deal.state.cap = 5000
    deal.pay(deal.voucher(1))
    assert deal.payer.fault() == faults.OVER_CAP
    closed(deal, 1000)
    row = lab.channel(deal)
    assert row.settled == row.cap == 1000


def test_p5_nothing_appears_and_nothing_vanishes(lab: Lab):
    """A random crowd of good, bad, repeated and late messages; seeded, so that a failure can be repeated."""
    source = random.Random(5)
    parties = [lab.party() for _ in range(4)]
    deals = [payer.deal(payee, 5000) for payer in parties[:2] for payee in parties[2:]]
    sent: list[tuple[Deal, bytes]] = []
    for deal in deals:
        sent.append((deal, deal.commitment(7, 1000)))
        deal.pay(sent[-1][1])
    for _ in range(300):
        deal = source.choice(deals)
        what = source.choice(("tick", "tick", "voucher", "again", "bent"))
        if what == "tick":
            data = deal.tick() if deal.state.left() else deal.commitment(7, 1000)
        elif what == "voucher":
            data = deal.voucher()
        else:
            data = source.choice(sent)[1]
        if what == "bent":
            at = source.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1 << source.randrange(8)]) + data[at + 1 :]
        sent.append((deal, data))
        deal.pay(data)
    paid = {deal.hash: deal.paid(deal.voucher(1)).cum for deal in deals}
    for deal in deals:
        closed(deal, deal.state.cum)
    balances = lab.balances()
    assert sum(balances.values()) == 0
    assert {row.hash: row.settled for row in lab.channels()} == paid
    for party in parties:
        spent = sum(paid[deal.hash] for deal in deals if deal.payer is party)
        earned = sum(paid[deal.hash] for deal in deals if deal.payee is party)
        assert balances[f"device:{party.hex}"] == PURSE - spent + earned
    assert all(amount == 0 for name, amount in balances.items() if name.startswith("escrow:"))
    assert verify_journal(lab.config.ledger_path).ok


def test_p6_the_payer_loses_at_most_what_it_signed(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.voucher(300))
    closed(deal, 300)
    assert lab.balances()[f"device:{deal.payer.hex}"] == PURSE - 300


def test_p7_what_was_served_is_paid_whatever_the_payer_does_then(lab: Lab):
    """The last tick, without any voucher after it, is settled although the payer vanished."""
    deal = lab.deal()
    deal.paid(deal.commitment(100), deal.tick(), deal.tick(), deal.tick())
    deal.payer.close()
    deal.payee.close_channel(deal.hash, 300)
    deal.payee.answer(deal.hash, lambda receipt: receipt.settled == 300)
    assert lab.balances()[f"device:{deal.payee.hex}"] == PURSE + 300


def test_p8_the_payer_gets_the_rest_after_the_window_with_nobodys_help(
    lab_address: tuple[str, int], tmp_path: Path
):
    with Lab(lab_address, tmp_path, window_s=1, settle_s=1) as lab:
        deal = lab.deal()
        deal.paid(deal.voucher(300))
        deal.payee.close()
        deal.payer.close_channel(deal.hash, 300)
        deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
        assert lab.balances()[f"device:{deal.payer.hex}"] == PURSE - 300
        row = lab.channel(deal)
        assert row.closed_ms >= row.closing_deadline_ms > 0


def test_p9_the_same_bytes_twice_get_the_same_answer_and_change_nothing(lab: Lab):
    deal, others = lab.deal(), Bystander(lab)
    items = [deal.voucher(100), deal.commitment(10), deal.tick()]
    deal.paid(*items)
    first = deal.payer.answer(deal.hash, lambda receipt: receipt.cum == 110)
    for _ in range(3):
        deal.payer.forget()
        with others.see_no_change():
            deal.pay(items[0], items[1])
            assert deal.payer.answer(deal.hash) == first
            deal.pay(items[2])
            assert deal.payer.acked(deal.handle, 110).cum == 110
    with pytest.raises(LateError):
        deal.payer.fault(0.1)


def test_p10_what_was_acknowledged_is_in_the_file(lab: Lab):
    """Read back through a connection of its own at the moment of the ack; test_gateway_failures.py has the
    case where the file cannot be written, tests/e2e the one where the process dies."""
    deal = lab.deal()
    deal.pay(deal.commitment(10))
    for _ in range(50):
        cum = deal.paid(deal.tick()).cum
        assert lab.channel(deal).cum >= cum


def test_p11_a_closed_channel_never_comes_back(lab: Lab):
    deal, others = lab.deal(), Bystander(lab)
    last = deal.voucher(300)
    deal.paid(last)
    closed(deal, 300)
    for again in ("now", "after a restart"):
        with others.see_no_change():
            deal.payer.forget()
            deal.open()
            assert deal.payer.fault() == faults.TOMBSTONE, again
            deal.pay(last)
            assert deal.payer.fault() == faults.CHANNEL_CLOSED, again
        if again == "now":
            lab.stop()
            lab.start()


def test_p11_a_payment_that_meets_a_close_in_the_store_is_not_acknowledged(lab: Lab):
    """The session does not know yet that the row is closed; only the store does."""
    deal, others = lab.deal(), Bystander(lab)
    deal.paid(deal.voucher(300))
    deal.payer.forget()
    for move in (book.start_close, book.finish_close):
        lab.store.run(lambda connection: connection.execute("UPDATE channel SET settled = cum"))
        more = {"by": deal.payee.id} if move is book.start_close else {}
        lab.store.run(partial(move, now_ms=wall_clock_ms(), channel=deal.hash, **more))
    deal.pay(deal.voucher(100))
    others.deal.paid(others.deal.voucher(1))
    assert deal.payer.answer(deal.hash).receipt.cum == 300
    with pytest.raises(LateError):
        deal.payer.acked(deal.handle, 400, 0.1)
    assert lab.channel(deal).cum == 300


def test_p12_a_message_about_one_channel_changes_no_other(lab: Lab):
    """Nor does a bad row stop a batch: test_settlement.py."""
    first, second = lab.deal(), lab.deal()
    second.paid(second.voucher(100))
    before = lab.channel(second)
    first.pay(first.voucher(10), messages.encode(Tick(second.handle, 1, bytes(32))))
    assert first.payer.fault() == faults.UNKNOWN_CHANNEL
    assert first.payer.acked(first.handle, 10).cum == 10
    assert lab.channel(second) == before


@pytest.mark.parametrize("skew_ms", [-3650 * DAY_MS, 3650 * DAY_MS])
def test_p13_safety_does_not_depend_on_a_clock(lab_address: tuple[str, int], tmp_path: Path, skew_ms: int):
    """The gateway is ten years off; nobody's time is in anything that is checked."""
    with Lab(lab_address, tmp_path, clock=lambda: wall_clock_ms() + skew_ms) as lab:
        deal = lab.deal()
        deal.paid(deal.voucher(100), deal.commitment(10), deal.tick())
        assert abs(deal.payer.beacon.time_s - (wall_clock_ms() + skew_ms) // 1000) < 60
        closed(deal, 110)
        assert lab.channel(deal).settled == 110


def test_p14_a_tick_proves_its_index(lab: Lab):
    deal, others = lab.deal(), Bystander(lab)
    deal.paid(deal.commitment(10), deal.tick(), deal.tick())
    word = deal.tick()[-32:]
    for index in (4, 5, 100):
        with others.see_no_change():
            deal.pay(messages.encode(Tick(deal.handle, index, word)))
            assert deal.payer.fault() == faults.BAD_WORD
    deal.pay(messages.encode(Tick(deal.handle, 3, word)))
    assert deal.payer.acked(deal.handle, 30).index == 3


def test_p15_types_are_not_interchangeable(lab: Lab):
    """Close and Head begin alike; test_attacks_encoding.py has every pair of types."""
    deal, others = lab.deal(), Bystander(lab)
    close = messages.encode(messages.Close(deal.handle, 0))
    with others.see_no_change():
        deal.payer.send("close", deal.payer.sign(cose.HEAD, close, deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE
