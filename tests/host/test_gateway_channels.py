# SPDX-License-Identifier: MIT
"""Rare states of channels: two under one handle, and those closed so long ago that memory forgets them."""

from __future__ import annotations

from hashlib import sha256

import pytest

from farthing import faults, messages
from farthing.cbor import dumps
from farthing_gateway import sessions
from lab import Lab
from party import Deal, LateError, Party

FIRST_EPOCH = 1 << 20  # encoded as 1a and four bytes, so only those differ from epoch to epoch
EPOCHS = 1 << 18


def handles(payer: Party, payee: Party) -> dict[bytes, int]:
    """Epochs by the handle that a channel of that epoch would have."""
    start = dumps(list(payer.terms(payee, 1, FIRST_EPOCH)[:7]))[:-4]
    state = sha256(start)
    found = {}
    for epoch in range(FIRST_EPOCH, FIRST_EPOCH + EPOCHS):
        one = state.copy()
        one.update(epoch.to_bytes(4, "big"))
        found[one.digest()[:4]] = epoch
    return found


@pytest.fixture
def pair(lab: Lab) -> tuple[Deal, Deal]:
    """Two payers of one payee whose channels have the same handle: a payer can search for that."""
    first, second, payee = lab.party(), lab.party(), lab.party()
    ours, theirs = handles(first, payee), handles(second, payee)
    common = next(iter(ours.keys() & theirs.keys()))
    return first.deal(payee, 5000, ours[common]), second.deal(payee, 5000, theirs[common])


def test_evidence_of_a_payee_finds_its_channel_among_two_with_one_handle(lab: Lab, pair: tuple[Deal, Deal]):
    first, second = pair
    assert first.handle == second.handle
    payee = first.payee
    items = [second.voucher(200), first.voucher(100), second.commitment(10), second.tick()]
    payee.send("pay", b"".join(items))
    second.payer.acked(second.handle, 210)
    first.payer.acked(first.handle, 100)
    assert (lab.channel(first).cum, lab.channel(second).cum) == (100, 210)


def test_forged_evidence_under_a_shared_handle_is_refused(lab: Lab, pair: tuple[Deal, Deal]):
    first, second = pair
    deal = Deal(first.payee, first.payee, first.terms)
    first.payee.send("pay", deal.voucher(300))
    assert first.payee.fault() == faults.BAD_SIGNATURE
    assert (lab.channel(first).cum, lab.channel(second).cum) == (0, 0)


def test_a_payee_closes_the_one_it_signed_for(lab: Lab, pair: tuple[Deal, Deal]):
    first, second = pair
    first.payee.close_channel(second.hash, 0)
    second.payer.answer(second.hash, lambda receipt: receipt.state == messages.CLOSED)
    assert (lab.channel(first).state, lab.channel(second).state) == ("OPEN", "CLOSED")
    first.paid(first.voucher(100))


def test_receipts_of_channels_closed_long_ago_leave_the_broker(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """With room for one in place of a thousand."""
    monkeypatch.setattr(sessions, "KEPT_CLOSED", 1)
    deals = [lab.deal() for _ in range(2)]
    for deal in deals:
        deal.payee.close_channel(deal.hash, 0)
        deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
    for deal, kept in zip(deals, (False, True), strict=True):
        with Party(lab.address, lab.net, deal.payer.key) as again:
            again.meet()
            if kept:
                assert again.answer(deal.hash).receipt.state == messages.CLOSED
            else:
                with pytest.raises(LateError):
                    again.answer(deal.hash, timeout_s=0.3)
            deal.payer = again
            again.send("pay", deal.voucher(1))
            assert again.fault() == (faults.CHANNEL_CLOSED if kept else faults.UNKNOWN_CHANNEL)


def test_the_retained_opened_of_a_closed_channel_leaves_the_broker(lab: Lab):
    deal = lab.deal()
    deal.payee.close_channel(deal.hash, 0)
    deal.payer.answer(deal.hash, lambda receipt: receipt.state == messages.CLOSED)
    with Party(lab.address, lab.net, deal.payer.key) as again:
        again.meet()
        assert again.answer(deal.hash).receipt.state == messages.CLOSED
        with pytest.raises(LateError):
            again.next("opened", 0.2)


def test_a_receipt_after_a_restart_still_names_its_batch(lab: Lab):
    deal = lab.deal()
    deal.paid(deal.voucher(500))
    lab.stop()
    lab.start()
    deal.payer.forget()
    deal.open()
    receipt = deal.payer.answer(deal.hash).receipt
    assert (receipt.settled, receipt.batch, len(receipt.root)) == (500, 1, 32)
