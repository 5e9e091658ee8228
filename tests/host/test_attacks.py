# SPDX-License-Identifier: MIT
"""Every attack and fault that live peers of this project had, against the running gateway, one test each.

Each ends the same way: the right fault code, nothing changed, and a bystander is served as before. Here are
payments and closes; test_attacks_encoding.py and test_attacks_parties.py have the rest.
"""

from __future__ import annotations

import pytest

from bystander import Bystander
from farthing import cose, faults, messages
from farthing.limits import SKIP_CAP
from farthing.messages import Commitment, commitment_payload, voucher_payload_into
from lab import Lab
from party import Deal, LateError


@pytest.fixture
def others(lab: Lab) -> Bystander:
    return Bystander(lab)


@pytest.fixture
def deal(lab: Lab) -> Deal:
    """A channel with 500 micro paid by voucher, then a chain of 100 a tick with two ticks paid: 700."""
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    deal.paid(deal.commitment(100), deal.tick(), deal.tick())
    deal.payer.forget()
    return deal


def voucher(deal: Deal, cum: int, seq: int, *, handle: bytes = b"") -> bytes:
    """The payload of any voucher, not signed."""
    buf = bytearray(16)
    voucher_payload_into(buf, 0, handle or deal.handle, cum, seq)
    return bytes(buf)


def signed(deal: Deal, cum: int, seq: int, **how: object) -> bytes:
    return deal.payer.sign(cose.VOUCHER, voucher(deal, cum, seq), deal.hash, **how)  # type: ignore[arg-type]


def test_voucher_replayed_across_channels(lab: Lab, deal: Deal, others: Bystander):
    """Filecoin specs-actors #612."""
    second = deal.payer.deal(deal.payee, 100_000, epoch=1)
    with others.see_no_change():
        deal.pay(deal.payer.sign(cose.VOUCHER, voucher(deal, 900, 9, handle=second.handle), deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_voucher_replayed_across_ledgers(deal: Deal, others: Bystander):
    """microRaiden has no chain id."""
    with others.see_no_change():
        deal.pay(signed(deal, 900, 9, ledger="evm:1"))
        assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_voucher_replayed_across_epochs(lab: Lab, deal: Deal, others: Bystander):
    """x402: funding a channel again under the same id revived its old vouchers."""
    old = deal.voucher(300)
    deal.payee.close_channel(deal.hash, 700)
    deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
    again = deal.payer.deal(deal.payee, 100_000, epoch=1)
    with others.see_no_change():
        again.pay(old)
        assert deal.payer.fault() == faults.CHANNEL_CLOSED
        again.pay(deal.payer.sign(cose.VOUCHER, voucher(deal, 900, 9, handle=again.handle), deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_closed_channel_opened_again_is_a_tombstone(deal: Deal, others: Bystander):
    deal.payee.close_channel(deal.hash, 700)
    deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
    with others.see_no_change():
        deal.open()
        assert deal.payer.fault() == faults.TOMBSTONE


def test_equal_amount_twice_counts_once(lab: Lab, others: Bystander):
    """Filecoin #660. Honest payers sign an unchanged amount anew, so it is no proof of anything."""
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    deal.payer.forget()
    with others.see_no_change():
        deal.pay(signed(deal, 500, 2))
        assert deal.payer.fault() == faults.STALE
        assert deal.payer.answer(deal.hash).receipt.cum == 500


@pytest.mark.parametrize("cum", [400, 600])
def test_equal_number_with_another_amount_is_an_equivocation(lab: Lab, others: Bystander, cum: int):
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    with others.see_no_change():
        deal.pay(signed(deal, cum, 1))
        assert deal.payer.fault() == faults.EQUIVOCATION
    assert [event.code for event in lab.events() if event.channel == deal.hash] == ["EQUIVOCATION"]


def test_forged_equivocation_is_not_held_against_the_payer(lab: Lab, others: Bystander):
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    with others.see_no_change():
        deal.pay(deal.payee.sign(cose.VOUCHER, voucher(deal, 600, 1), deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_same_bytes_again_get_the_same_answer_and_change_nothing(lab: Lab, others: Bystander):
    deal = lab.deal()
    data = deal.voucher(500)
    deal.pay(data)
    first = deal.payer.answer(deal.hash, lambda receipt: receipt.cum == 500)
    with others.see_no_change():
        deal.pay(data)
        assert deal.payer.answer(deal.hash) == first
        deal.pay(data)
        assert deal.payer.answer(deal.hash) == first
    with pytest.raises(LateError):
        deal.payer.fault(0.1)


def test_unverified_bytes_do_not_pass_for_a_repeat(lab: Lab, others: Bystander):
    """Named by MPP: the signature check skipped on the idempotent short-cut."""
    deal = lab.deal()
    deal.pay(deal.voucher(500))
    deal.payer.answer(deal.hash, lambda receipt: receipt.cum == 500)
    forged = cose.sign1(voucher(deal, 500, 1), b"\x01" * 64)
    with others.see_no_change():
        deal.pay(forged)
        assert deal.payer.fault() == faults.STALE


def test_malleable_signature(deal: Deal, others: Bystander):
    """microRaiden; the P-256 precompile of the EVM takes s and n - s alike."""
    with others.see_no_change():
        deal.pay(signed(deal, 900, 9, high_s=True))
        assert deal.payer.fault() == faults.HIGH_S


def test_forged_voucher(deal: Deal, others: Bystander):
    with others.see_no_change():
        deal.pay(deal.payee.sign(cose.VOUCHER, voucher(deal, 900, 9), deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE
    assert [event.code for event in others.lab.events()] == ["BAD_SIGNATURE"]


def test_forged_commitment(deal: Deal, others: Bystander):
    payload = commitment_payload(Commitment(deal.handle, 700, 9, bytes(32), 1000, 50))
    with others.see_no_change():
        deal.pay(deal.payee.sign(cose.COMMITMENT, payload, deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE


def test_payee_cannot_move_the_amount(deal: Deal, others: Bystander):
    """P1: only the payer's key does."""
    with others.see_no_change():
        deal.payee.send("pay", deal.payee.sign(cose.VOUCHER, voucher(deal, 900, 9), deal.hash))
        assert deal.payee.fault() == faults.BAD_SIGNATURE


def test_stale_voucher_gets_the_standing_receipt(deal: Deal, others: Bystander):
    """Livepeer #2098: what comes late is no error, the highest amount wins."""
    with others.see_no_change():
        deal.pay(signed(deal, 400, 9))
        assert deal.payer.fault() == faults.STALE
        assert deal.payer.answer(deal.hash).receipt.cum == 700


def test_stale_tick_gets_the_standing_ack(deal: Deal, others: Bystander):
    with others.see_no_change():
        deal.pay(messages.encode(messages.Tick(deal.handle, 1, bytes(32))))
        assert deal.payer.fault() == faults.STALE
        assert deal.payer.acked(deal.handle, 0).cum == 700


def test_voucher_over_the_deposit(deal: Deal, others: Bystander):
    with others.see_no_change():
        deal.pay(signed(deal, 100_001, 9))
        assert deal.payer.fault() == faults.OVER_CAP


def test_tick_over_the_deposit(lab: Lab, others: Bystander):
    deal = lab.deal(amount=250)
    deal.paid(deal.commitment(100), deal.tick(), deal.tick())
    deal.state.cap = 1000
    with others.see_no_change():
        deal.pay(deal.tick())
        assert deal.payer.fault() == faults.OVER_CAP


def test_unconfirmed_deposit_does_not_count(lab: Lab, others: Bystander):
    """x402 #2559."""
    payer, payee = lab.party(), lab.party()
    deal = Deal(payer, payee, payer.terms(payee, 1_000_001))
    with others.see_no_change():
        deal.open()
        assert payer.fault() == faults.NO_DEPOSIT
        deal.pay(deal.voucher(1))
        assert payer.fault() == faults.UNKNOWN_CHANNEL


def test_deposit_is_not_counted_twice(lab: Lab, others: Bystander):
    payer, payee = lab.party(), lab.party()
    payer.deal(payee, 600_000)
    second = Deal(payer, payee, payer.terms(payee, 600_000, epoch=1))
    with others.see_no_change():
        second.open()
        assert payer.fault() == faults.NO_DEPOSIT


def test_payment_still_counts_while_the_payer_closes(lab: Lab, deal: Deal):
    """x402 #3464, one order: the close first, then the payment that was served."""
    deal.payer.close_channel(deal.hash, 0)
    deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSING)
    assert deal.paid(deal.voucher(100)).cum == 800


def test_payer_cannot_take_back_what_is_signed_by_closing_low(lab: Lab, deal: Deal):
    """x402 #3464, the other order: payments first, then a close that denies them."""
    deal.payer.close_channel(deal.hash, 0)
    deal.payee.close_channel(deal.hash, 700)
    answer = deal.payee.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
    assert answer.receipt.settled == 700


def test_payment_on_a_closed_channel(deal: Deal, others: Bystander):
    deal.payee.close_channel(deal.hash, 700)
    deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
    with others.see_no_change():
        deal.pay(deal.voucher(100))
        assert deal.payer.fault() == faults.CHANNEL_CLOSED


def test_repeated_close_does_not_move_the_deadline(lab: Lab, deal: Deal, others: Bystander):
    deal.payer.close_channel(deal.hash, 700)
    deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSING)
    first = lab.channel(deal).closing_deadline_ms
    with others.see_no_change():
        deal.payer.close_channel(deal.hash, 700)
        deal.payer.answer(deal.hash)
    assert lab.channel(deal).closing_deadline_ms == first


def test_stranger_cannot_close(lab: Lab, deal: Deal, others: Bystander):
    stranger = lab.party()
    with others.see_no_change():
        stranger.close_channel(deal.hash, 700)
        assert stranger.fault() == faults.UNKNOWN_CHANNEL


def test_close_forged_in_the_payees_name(lab: Lab, deal: Deal, others: Bystander):
    close = messages.encode(messages.Close(deal.handle, 0))
    with others.see_no_change():
        deal.payer.send("close", deal.payer.sign(cose.CLOSE, close, deal.hash), sender=deal.payee.hex)
        assert deal.payee.fault() == faults.BAD_SIGNATURE


def test_tick_far_ahead_costs_no_endless_hashing(lab: Lab, others: Bystander):
    deal = lab.deal(amount=1_000_000)
    deal.paid(deal.commitment(1, length=2 * SKIP_CAP), deal.tick())
    deal.state.index += SKIP_CAP
    deal.state.cum += SKIP_CAP
    with others.see_no_change():
        deal.pay(deal.tick())
        assert deal.payer.fault() == faults.SKIP_CAP
    assert deal.paid(deal.voucher()).cum == SKIP_CAP + 2


def test_tick_with_a_wrong_word(deal: Deal, others: Bystander):
    with others.see_no_change():
        deal.pay(messages.encode(messages.Tick(deal.handle, 3, b"\x07" * 32)))
        assert deal.payer.fault() == faults.BAD_WORD


def test_tick_beyond_the_committed_length(lab: Lab, others: Bystander):
    deal = lab.deal()
    deal.paid(deal.commitment(100, length=2), deal.tick(), deal.tick())
    with others.see_no_change():
        deal.pay(messages.encode(messages.Tick(deal.handle, 3, b"\x07" * 32)))
        assert deal.payer.fault() == faults.CHAIN_END


def test_hash_chain_is_spendable_by_one_payee(lab: Lab, deal: Deal, others: Bystander):
    """P14: the root is inside a commitment that is signed with the channel hash."""
    second = deal.payer.deal(lab.party(), 100_000)
    chain = deal.state.commitment
    stolen = commitment_payload(Commitment(second.handle, 0, 1, chain.root, chain.unit, chain.length))
    with others.see_no_change():
        second.pay(deal.payer.sign(cose.COMMITMENT, stolen, deal.hash))
        assert deal.payer.fault() == faults.BAD_SIGNATURE
        word = deal.tick()[-32:]
        second.pay(messages.encode(messages.Tick(second.handle, 3, word)))
        assert deal.payer.fault() == faults.NO_CHAIN


def test_commitment_below_what_is_paid(deal: Deal, others: Bystander):
    """A new chain must not make the payee forget the ticks of the old one."""
    payload = commitment_payload(Commitment(deal.handle, 600, 9, bytes(32), 100, 50))
    with others.see_no_change():
        deal.pay(deal.payer.sign(cose.COMMITMENT, payload, deal.hash))
        assert deal.payer.fault() == faults.STALE


def test_new_chain_in_one_message_with_the_end_of_the_old_one(lab: Lab, deal: Deal):
    ticks = [deal.tick() for _ in range(3)]
    deal.paid(*ticks, deal.commitment(10), deal.tick(), deal.voucher(), deal.tick())
    row = lab.channel(deal)
    assert row.cum == deal.state.cum == 700 + 300 + 20


def test_new_chain_that_denies_the_ticks_sent_with_it(lab: Lab, deal: Deal):
    """Taken in first, it would make the old chain's last ticks unprovable: the payee would lose them."""
    denying = commitment_payload(Commitment(deal.handle, 700, 9, bytes(32), 100, 50))
    deal.pay(deal.tick(), deal.tick(), deal.payer.sign(cose.COMMITMENT, denying, deal.hash))
    assert deal.payer.fault() == faults.STALE
    assert lab.channel(deal).cum == 900


def test_payments_out_of_order_in_one_message(lab: Lab, deal: Deal):
    """Livepeer #2614."""
    items = [deal.voucher(100), deal.voucher(100), deal.voucher(100)]
    deal.paid(items[2], items[0], items[1])
    assert lab.channel(deal).cum == 1000


def test_bad_newest_payment_falls_back_to_the_good_one_before_it(lab: Lab, deal: Deal, others: Bystander):
    good = deal.voucher(100)
    deal.pay(good, deal.payee.sign(cose.VOUCHER, voucher(deal, 5000, 99), deal.hash))
    assert deal.payer.fault() == faults.BAD_SIGNATURE
    assert deal.payer.acked(deal.handle, 800).cum == 800


def test_payment_to_a_stranger_is_refused(lab: Lab, deal: Deal, others: Bystander):
    """The addressee in the topic is the channel's payee, who would not see it otherwise."""
    stranger = lab.party()
    with others.see_no_change():
        deal.payer.send("pay", deal.voucher(100), stranger.hex)
        assert deal.payer.fault() == faults.BAD_TOPIC


def test_lost_answer_is_retained(lab: Lab, deal: Deal):
    """pay-kit #301, Mysterium #2985: a party that missed the receipt gets it on its next connection."""
    deal.pay(deal.voucher(100))
    deal.payer.answer(deal.hash, lambda receipt: receipt.cum == 800)
    deal.payer.close()
    with type(deal.payer)(lab.address, lab.net, deal.payer.key) as again:
        again.meet()
        assert again.answer(deal.hash).receipt.cum == 800
