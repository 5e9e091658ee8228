# SPDX-License-Identifier: MIT
"""Payee and payer as state machines: what is taken, repeated and refused, step by step."""

from farthing import channel, cose, limits, messages
from farthing.faults import (
    BAD_FIELD,
    CHAIN_END,
    CHANNEL_CLOSED,
    EQUIVOCATION,
    NO_CHAIN,
    OVER_CAP,
    STALE,
    TOO_LARGE,
    UNKNOWN_CHANNEL,
)
from farthing.payer import Payer
from shared.check import raises, vectors
from shared.trade import CAP, accept, feed, pair, sign, terms, tick


def test_handle_is_the_head_of_the_channel_hash():
    payer, payee = pair()
    row = vectors("channel")["valid"][0]
    assert payee.hash == payer.hash == bytes.fromhex(row["hash"])
    assert payee.handle == payer.handle == bytes.fromhex(row["handle"])


def test_a_trade_of_ticks_and_a_checkpoint():
    payer, payee = pair()
    assert feed(payee, sign(payer, payer.next_chain(120, 256))) == 0
    for n in range(1, 65):
        assert feed(payee, tick(payer)) == 120
        assert payee.cum == payer.cum == n * 120
    assert feed(payee, sign(payer, payer.voucher_payload())) == 0
    assert feed(payee, tick(payer)) == 120
    assert (payee.cum, payee.seq, payee.index) == (65 * 120, 2, 65)
    assert payer.left() == 191


def test_several_updates_ride_in_one_message():
    payer, payee = pair()
    data = sign(payer, payer.next_chain(10, 8)) + tick(payer) + tick(payer)
    assert feed(payee, data + sign(payer, payer.voucher_payload())) == 20
    assert feed(payee, sign(payer, payer.voucher_payload())) == 0


def test_a_chain_ends_and_the_next_starts_on_top():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(7, 3)))
    for _ in range(3):
        feed(payee, tick(payer))
    raises(CHAIN_END, tick, payer)
    feed(payee, sign(payer, payer.next_chain(5, 2)))
    assert feed(payee, tick(payer)) == 5
    assert payee.cum == payer.cum == 26


def test_a_paid_voucher_ends_the_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 8)) + tick(payer))
    feed(payee, sign(payer, payer.voucher_payload(15)))
    assert payee.cum == payer.cum == 25
    assert payer.left() == 0
    raises(CHAIN_END, tick, payer)
    raises(CHAIN_END, payer.tick_again_into, bytearray(45), 0)


def test_a_voucher_of_an_unchanged_amount_is_the_last_one_again():
    payer, payee = pair()
    first = sign(payer, payer.voucher_payload(15))
    assert feed(payee, first) == 15
    assert sign(payer, payer.voucher_payload()) == first
    assert payer.seq == 1 and feed(payee, first) == 0


def test_p9_the_same_bytes_twice_change_nothing():
    payer, payee = pair()
    data = sign(payer, payer.next_chain(10, 8)) + tick(payer)
    feed(payee, data)
    before = (payee.cum, payee.seq, payee.index, payee.echo())
    assert feed(payee, data) == 0
    assert (payee.cum, payee.seq, payee.index, payee.echo()) == before
    buf = bytearray(45)
    assert feed(payee, bytes(buf[: payer.tick_again_into(buf, 0)])) == 0


def test_p9_apply_of_the_same_pending_twice():
    payer, payee = pair()
    data = sign(payer, payer.voucher_payload(5))
    first, second = payee.check(data), payee.check(data)
    assert payee.apply(first) == 5 and payee.apply(second) == 0


def test_equal_number_is_equivocation():
    payer, payee = pair()
    twin, _ = pair()
    accept(payee, sign(payer, payer.voucher_payload(5)))
    for amount in (4, 6):
        twin, _ = pair()
        raises(EQUIVOCATION, accept, payee, sign(twin, twin.voucher_payload(amount)))
    twin, _ = pair()
    raises(EQUIVOCATION, accept, payee, sign(twin, twin.next_chain(5, 2)))
    assert payee.cum == 5


def test_equivocation_between_two_that_were_checked_together():
    payer, payee = pair()
    twin, _ = pair()
    first = payee.check(sign(payer, payer.voucher_payload(5)))
    second = payee.check(sign(twin, twin.voucher_payload(6)))
    assert payee.apply(first) == 5
    raises(EQUIVOCATION, payee.apply, second)


def test_same_words_signed_anew_are_no_contradiction():
    payer, payee = pair()
    payload = payer.voucher_payload(5)
    accept(payee, sign(payer, payload))
    raises(STALE, payee.check, cose.sign1(payload, bytes(63) + b"\x01"))


def test_equal_amount_under_a_newer_number_unlocks_nothing():
    payer, payee = pair()
    accept(payee, sign(payer, payer.voucher_payload(5)))
    buf = bytearray(16)
    messages.voucher_payload_into(buf, 0, payer.handle, 5, 2)
    raises(STALE, accept, payee, sign(payer, bytes(buf)))
    assert (payee.cum, payee.seq) == (5, 1)


def test_out_of_order_the_highest_amount_wins():
    payer, payee = pair()
    data = [sign(payer, payer.voucher_payload(10)) for _ in range(3)]
    accept(payee, data[2])
    raises(STALE, accept, payee, data[0])
    raises(STALE, accept, payee, data[1])
    assert payee.cum == 30


def test_a_chain_under_an_older_number_is_refused():
    payer, payee = pair()
    other, _ = pair()
    accept(payee, sign(payer, payer.voucher_payload(10)))
    accept(payee, sign(payer, payer.voucher_payload(10)))
    late = sign(other, messages.commitment_payload(messages.Commitment(payer.handle, 50, 1, bytes(32), 1, 5)))
    raises(STALE, accept, payee, late)
    assert (payee.cum, payee.seq) == (20, 2)


def test_a_newer_update_between_check_and_apply():
    payer, payee = pair()
    old = payee.check(sign(payer, payer.voucher_payload(10)))
    accept(payee, sign(payer, payer.voucher_payload(10)))
    raises(STALE, payee.apply, old)
    assert payee.cum == 20


def test_p11_nothing_moves_a_closed_channel():
    payer, payee = pair()
    data = sign(payer, payer.next_chain(10, 8))
    accept(payee, data)
    late = payee.check(sign(payer, payer.voucher_payload(10)))
    payee.closed = True
    raises(CHANNEL_CLOSED, payee.apply, late)
    raises(CHANNEL_CLOSED, payee.check, data)
    raises(CHANNEL_CLOSED, payee.tick, 1, bytes(32))
    assert payee.cum == 0


def test_p4_the_cap_holds_for_every_form():
    _, payee = pair(cap=100)
    greedy, _ = pair(cap=1000)
    raises(OVER_CAP, payee.check, sign(greedy, greedy.voucher_payload(101)))
    raises(OVER_CAP, payee.check, sign(greedy, greedy.next_chain(1, 1)))
    greedy, payee = pair(cap=1000)[0], channel.Payee(terms(), 100)
    accept(payee, sign(greedy, greedy.next_chain(60, 2)))
    feed(payee, tick(greedy))
    raises(OVER_CAP, feed, payee, tick(greedy))
    assert payee.cum == 60


def test_p2_another_epoch_is_another_channel():
    payer, _ = pair(epoch=2)
    _, payee = pair(epoch=1)
    raises(UNKNOWN_CHANNEL, payee.check, sign(payer, payer.voucher_payload(5)))


def test_tick_without_a_chain():
    _, payee = pair()
    raises(NO_CHAIN, payee.tick, 1, bytes(32))


def test_size_is_checked_first():
    _, payee = pair()
    raises(TOO_LARGE, payee.check, bytes(limits.COMMITMENT + 1))
    raises(TOO_LARGE, channel.split_payments, bytes(limits.MESSAGE + 1))


def test_a_payee_keeps_no_view_of_the_callers_buffer():
    payer, payee = pair()
    buf = bytearray(sign(payer, payer.voucher_payload(5)))
    copy = bytes(buf)
    payee.apply(payee.check(memoryview(buf)))
    for i in range(len(buf)):
        buf[i] = 0
    assert payee.voucher == copy and payee.echo() == copy


def test_payer_signs_nothing_above_what_it_reserved():
    payer = Payer(terms(), CAP, bytes(32))
    assert payer.must_reserve(0)
    raises(BAD_FIELD, payer.voucher_payload, 0)
    assert payer.reserve(100, 3) == (100, 3)
    assert not payer.must_reserve(100) and payer.must_reserve(101)
    raises(BAD_FIELD, payer.voucher_payload, 101)
    payer.next_chain(60, 2)
    tick(payer)
    raises(BAD_FIELD, tick, payer)
    payer.voucher_payload()
    payer.voucher_payload(40)
    assert payer.cum == 100 and payer.seq == 3 and payer.must_reserve(0)
    payer.reserve(100, 0)
    raises(BAD_FIELD, payer.voucher_payload, 1)
    assert payer.cum == 100 and payer.seq == 3


def test_payer_never_passes_the_cap():
    payer, _ = pair(cap=100)
    assert payer.reserve(10**9) == (100, 1000)
    raises(OVER_CAP, payer.voucher_payload, 101)
    payer.next_chain(60, 5)
    tick(payer)
    raises(OVER_CAP, tick, payer)
    assert payer.cum == 60


def test_payer_numbers_never_wrap():
    payer, _ = pair()
    payer.seq = payer.seq_watermark = limits.MAX_SEQ - 1
    assert payer.reserve(1, 16)[1] == limits.MAX_SEQ
    payer.voucher_payload(1)
    payer.reserve(1, 16)
    raises(BAD_FIELD, payer.voucher_payload, 1)


def test_payer_starts_no_chain_that_a_payee_would_refuse():
    payer, _ = pair()
    for unit, length in ((0, 5), (1, 0), (1, 65536), (2**63, 1)):
        raises(BAD_FIELD, payer.next_chain, unit, length)
        raises(CHAIN_END, tick, payer)
    payer.next_chain(1, 5)
    assert payer.seq == 5


def test_p14_a_chain_pays_one_channel_only():
    payer, payee = pair()
    other, _ = pair(epoch=2)
    one, two = payer.next_chain(1, 4), other.next_chain(1, 4)
    assert messages.payment(one).root != messages.payment(two).root
    accept(payee, sign(payer, one))
    data = tick(other)
    item = messages.decode(messages.Tick, data)
    raises(26, payee.tick, item.index, item.word)


def test_split_payments_refuses_what_is_neither_signed_nor_a_tick():
    payer, _ = pair()
    good = sign(payer, payer.voucher_payload(1))
    assert channel.split_payments(b"") == []
    assert channel.split_payments(good) == [good]
    raises(BAD_FIELD, channel.split_payments, good + b"\x00")
    raises(4, channel.split_payments, good[:-1])
    raises(4, channel.split_payments, b"\xd3" + good[1:])
