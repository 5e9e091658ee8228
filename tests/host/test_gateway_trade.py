# SPDX-License-Identifier: MIT
"""A whole trade through the gateway: enrolment, offer, channel, payments, settlement, statement, restart."""

from __future__ import annotations

from farthing import faults, messages
from farthing.channel import Payee, split_payments
from farthing.payer import Payer
from farthing_gateway.audit import verify_journal
from farthing_gateway.keys import verify
from farthing_gateway.merkle import verify_proof
from farthing_gateway.statement import Line, statement
from farthing_gateway.store.database import read_file
from lab import PURSE, Lab
from party import Answer, Deal, LateError


def test_a_new_device_gets_the_play_money_once(lab: Lab):
    party = lab.party()
    party.hello()
    party.hello()
    deal = party.deal(lab.party(), 1)
    assert lab.balances()[f"device:{party.hex}"] == PURSE - 1
    assert lab.channel(deal).state == "OPEN"


def test_opening_moves_the_deposit_and_tells_both(lab: Lab):
    deal = lab.deal(amount=7000)
    at_payee = deal.payee.opened(deal.handle)
    assert at_payee.cap == 7000
    assert messages.channel_hash(at_payee) == deal.hash
    assert lab.balances()[f"escrow:{deal.hash.hex()}"] == 7000


def test_the_same_open_again_is_answered_alike_and_moves_nothing(lab: Lab):
    deal = lab.deal()
    before = lab.balances()
    deal.open()
    assert deal.payer.opened(deal.handle).cap == 100_000
    assert lab.balances() == before


def test_payments_are_acknowledged_to_both_when_they_are_in_the_store(lab: Lab):
    deal = lab.deal()
    ack = deal.paid(deal.commitment(unit=100), deal.tick(), deal.tick())
    assert (ack.cum, ack.index) == (200, 2)
    assert deal.payee.acked(deal.handle, 200).cum == 200
    row = lab.channel(deal)
    assert (row.cum, row.tick_index) == (200, 2)


def test_a_voucher_is_answered_with_a_signed_receipt_that_ends_with_its_own_bytes(lab: Lab):
    deal = lab.deal()
    voucher = deal.voucher(500)
    deal.pay(voucher)
    answer = deal.payer.answer(deal.hash, lambda receipt: receipt.cum == 500)
    assert answer.echo == voucher
    at_payee = deal.payee.answer(deal.hash, lambda receipt: receipt.cum == 500)
    assert at_payee.receipt == answer.receipt
    assert at_payee.echo == b""


def test_settlement_pays_the_payee_and_proves_it(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    answer = _closed(deal, 500)
    assert answer.receipt.settled == 500
    assert answer.receipt.batch == 1
    proof = answer.proof
    assert proof is not None
    path = [proof.path[at : at + 32] for at in range(0, len(proof.path), 32)]
    assert verify_proof(proof.row, proof.index, proof.size, path, answer.receipt.root)
    balances = lab.balances()
    assert balances[f"device:{deal.payee.hex}"] == PURSE + 500
    assert balances[f"device:{deal.payer.hex}"] == PURSE - 500
    assert balances[f"escrow:{deal.hash.hex()}"] == 0


def test_the_payer_alone_gets_the_rest_after_the_window(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    deal.payer.close_channel(deal.hash, 500)
    receipt = deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSING).receipt
    assert receipt.cum == 500
    assert lab.channel(deal).closing_deadline_ms > 0
    assert lab.balances()[f"device:{deal.payer.hex}"] == PURSE - 100_000


def test_the_payee_agrees_and_the_channel_is_closed_at_once(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    deal.payer.close_channel(deal.hash, 500)
    assert _closed(deal, 500).receipt.state == messages.CLOSED
    assert lab.balances()[f"device:{deal.payer.hex}"] == PURSE - 500


def test_a_payee_that_knows_more_is_not_closed_below_it(lab: Lab):
    deal = lab.deal()
    evidence = deal.voucher(900)
    deal.payee.close_channel(deal.hash, 900)
    assert deal.payee.fault() == faults.STALE
    assert deal.payee.answer(deal.hash).receipt.cum == 0
    assert lab.channel(deal).state == "OPEN"
    deal.payee.send("pay", evidence)
    assert deal.payee.acked(deal.handle, 900)
    assert _closed(deal, 900).receipt.settled == 900


def test_the_statement_names_good_price_and_units(lab: Lab):
    payer, payee = lab.party(), lab.party()
    offer = payee.offer("water-flow", 120)
    deal = payer.deal(payee, 100_000)
    deal.take(offer, 3)
    deal.paid(deal.commitment(120), deal.tick(), deal.tick(), deal.tick())
    lab.stop()
    line = next(line for line in _statement(lab) if line.channel == deal.hash)
    assert (line.good, line.price, line.units, line.paid, line.settled) == ("water-flow", 120, 3, 360, 360)
    assert (line.payer, line.payee, line.cap, line.state) == (payer.id, payee.id, 100_000, "OPEN")


def test_a_restarted_gateway_goes_on_from_what_is_durable(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.commitment(100), deal.tick(), deal.tick())
    lab.stop()
    lab.start()
    deal.payer.forget()
    deal.paid(deal.tick())
    assert lab.channel(deal).cum == 300
    assert verify_journal(lab.store.path).ok


def test_a_buyer_that_lost_everything_resumes_from_the_echo(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.commitment(100), deal.tick(), deal.tick(), deal.voucher())
    deal.payer.forget()
    deal.open()
    answer = deal.payer.answer(deal.hash, lambda receipt: receipt.cum == 200)
    seen = Payee(deal.terms, deal.terms.amount)
    for item in split_payments(answer.echo):
        if isinstance(item, bytes):
            pending = seen.check(item)
            assert verify(deal.payer.key.public, pending.digest, pending.signature)
            seen.apply(pending)
        else:
            seen.tick(item.index, item.word)
    deal.state = Payer(deal.terms, deal.terms.amount, b"m" * 32)
    deal.state.resume(seen)
    assert deal.state.cum == 200
    assert deal.paid(deal.tick()).cum == 300


def test_what_waited_at_the_broker_while_the_gateway_was_away_counts(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.commitment(100), deal.tick())
    lab.stop()
    deal.pay(deal.tick())
    deal.pay(deal.tick())
    lab.start()
    assert deal.payer.acked(deal.handle, 300)


def test_open_enrolment_is_off_where_it_is_closed(lab_address: tuple[str, int], tmp_path):
    with Lab(lab_address, tmp_path, enrol="closed") as lab:
        stranger = lab.party(hello=False)
        stranger.hello()
        assert stranger.fault() == faults.UNKNOWN_DEVICE
        assert len(lab.gateway.devices) == 0


def test_nobody_hears_of_a_payment_twice_in_a_quiet_network(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    try:
        late = deal.payer.next("ack", 0.3)
    except LateError:
        late = b""
    assert late == b""


def _closed(deal: Deal, cum: int) -> Answer:
    deal.payee.close_channel(deal.hash, cum)
    deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
    return deal.payee.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)


def _statement(lab: Lab) -> list[Line]:
    return read_file(lab.config.ledger_path, statement)
