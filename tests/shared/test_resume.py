# SPDX-License-Identifier: MIT
"""After a power loss: a payer resumes from its own messages, a payee from what it kept."""

from farthing import channel, messages
from farthing.faults import BAD_SIGNATURE, CHAIN_END, SKIP_CAP, STALE
from farthing.payer import Payer
from shared.check import raises
from shared.trade import CAP, MASTER, accept, feed, pair, resumed, sign, terms, tick


def test_echo_of_nothing_is_nothing():
    _, payee = pair()
    assert payee.echo() == b""


def test_resume_continues_the_same_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 20)))
    for _ in range(7):
        feed(payee, tick(payer))
    fresh = resumed(payer, payee.echo())
    assert (fresh.cum, fresh.index, fresh.left()) == (70, 7, 13)
    assert fresh.seq == payer.seq_watermark and fresh.must_reserve(10)
    fresh.reserve(10)
    assert feed(payee, tick(fresh)) == 10


def test_resume_with_a_checkpoint_in_the_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 20)))
    for _ in range(7):
        feed(payee, tick(payer))
    feed(payee, sign(payer, payer.voucher_payload()))
    last = payer.last_voucher
    fresh = resumed(payer, payee.echo())
    assert (fresh.cum, fresh.index) == (70, 7) and fresh.last_voucher == last
    feed(payee, tick(payer))
    assert resumed(payer, payee.echo()).cum == 80


def test_echo_lists_the_voucher_before_a_newer_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.voucher_payload(35)))
    feed(payee, sign(payer, payer.next_chain(10, 20)))
    feed(payee, tick(payer))
    items = channel.split_payments(payee.echo())
    assert items[0] == payee.voucher and items[1] == payee.commitment_data
    assert resumed(payer, payee.echo()).cum == 45


def test_echo_holds_together_when_a_lost_voucher_comes_late():
    payer, payee = pair()
    lost = sign(payer, payer.voucher_payload(25))
    fresh = resumed(payer, payee.echo())
    fresh.reserve(CAP)
    feed(payee, sign(fresh, fresh.next_chain(10, 20)) + tick(fresh))
    feed(payee, lost)
    assert (payee.cum, payee.index) == (25, 1)
    again = resumed(fresh, payee.echo())
    assert again.cum == 25 and again.left() == 0
    again.reserve(10)
    assert feed(payee, sign(again, again.next_chain(10, 20)) + tick(again)) == 10


def test_resume_where_a_voucher_passed_the_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 20)) + tick(payer))
    feed(payee, sign(payer, payer.voucher_payload(13)))
    fresh = resumed(payer, payee.echo())
    assert fresh.cum == 23 and fresh.left() == 0
    raises(CHAIN_END, tick, fresh)
    fresh.reserve(10)
    feed(payee, sign(fresh, fresh.next_chain(10, 20)) + tick(fresh))
    assert payee.cum == fresh.cum == 33


def test_resume_at_the_end_of_a_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 2)) + tick(payer) + tick(payer))
    fresh = resumed(payer, payee.echo())
    assert fresh.cum == 20 and fresh.left() == 0


def test_a_long_chain_resumes_with_the_skip_cap_raised():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(1, 5000)))
    buf = bytearray(45)
    for _ in range(4500):
        end = payer.tick_into(buf, 0)
        if payer.index % 500 == 0:
            feed(payee, bytes(buf[:end]))
    raises(SKIP_CAP, feed, channel.Payee(terms(), CAP), payee.echo())
    assert resumed(payer, payee.echo()).index == 4500


def test_p14_no_number_is_used_twice_over_a_power_loss():
    payer, payee = pair()
    payer.seq_watermark = 3
    feed(payee, sign(payer, payer.next_chain(10, 5)))
    lost = sign(payer, payer.next_chain(10, 5))
    fresh = resumed(payer, payee.echo())
    fresh.reserve(100)
    again = messages.payment(fresh.next_chain(10, 5))
    assert again.seq == 4 and again.root != messages.payment(channel.cose.parse(lost)[0]).root


def test_a_rolled_back_journal_is_overruled_by_the_payers_own_messages():
    payer, payee = pair()
    for _ in range(5):
        feed(payee, sign(payer, payer.voucher_payload(10)))
    payer.watermark = payer.seq_watermark = 0
    fresh = resumed(payer, payee.echo())
    assert (fresh.cum, fresh.seq, fresh.watermark) == (50, 5, 50)


def test_resume_with_another_master_starts_a_new_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 20)) + tick(payer))
    seen = channel.Payee(terms(), CAP)
    feed(seen, payee.echo())
    fresh = Payer(terms(), CAP, bytes(32))
    fresh.resume(seen)
    assert fresh.cum == 10 and fresh.left() == 0


def test_resume_where_a_voucher_passed_the_end_of_the_chain():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 2)) + tick(payer))
    feed(payee, sign(payer, payer.voucher_payload(30)))
    fresh = resumed(payer, payee.echo())
    assert fresh.cum == 40 and fresh.left() == 0


def test_an_echo_never_lowers_a_running_payer():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 20)) + tick(payer))
    feed(payee, sign(payer, payer.voucher_payload()))
    seen = channel.Payee(terms(), CAP)
    feed(seen, payee.echo())
    tick(payer)
    newer = payer.voucher_payload()
    payer.resume(seen)
    assert (payer.cum, payer.index) == (20, 2)
    assert payer.voucher_payload() == newer


def test_a_stale_echo_costs_nothing_but_another_echo():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 20)) + tick(payer))
    old = payee.echo()
    feed(payee, tick(payer) + tick(payer))
    fresh = resumed(payer, old)
    fresh.reserve(100)
    raises(STALE, feed, payee, sign(fresh, fresh.next_chain(10, 20)))
    seen = channel.Payee(terms(), CAP)
    feed(seen, payee.echo())
    fresh.resume(seen)
    fresh.reserve(100)
    assert feed(payee, tick(fresh)) == 10 and payee.cum == fresh.cum == 40


def test_a_forged_hint_moves_nothing():
    payer, _ = pair()
    forged = bytearray(sign(payer, payer.voucher_payload(500)))
    forged[-1] ^= 1
    raises(BAD_SIGNATURE, feed, channel.Payee(terms(), CAP), bytes(forged))


def test_blind_resume_loses_at_most_the_reserve():
    _, payee = pair()
    lean = Payer(terms(), CAP, MASTER)
    watermark, seq_watermark = lean.reserve(100, 4)
    feed(payee, sign(lean, lean.next_chain(10, 20)) + tick(lean) + tick(lean))
    fresh = Payer(terms(), CAP, MASTER)
    fresh.watermark, fresh.seq_watermark = watermark, seq_watermark
    fresh.resume_blind()
    assert fresh.cum - payee.cum <= 100 and fresh.seq == 4 and fresh.must_reserve(0)
    fresh.reserve(50)
    assert feed(payee, sign(fresh, fresh.next_chain(10, 3)) + tick(fresh)) == 110 - 20


def test_payee_restores_what_it_persisted():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 20)) + tick(payer) + tick(payer))
    feed(payee, sign(payer, payer.voucher_payload()) + tick(payer))
    fresh = channel.Payee(terms(), CAP)
    fresh.restore(payee.voucher, payee.commitment_data, payee.index, payee.word)
    assert (fresh.cum, fresh.seq, fresh.index) == (payee.cum, payee.seq, payee.index)
    assert fresh.echo() == payee.echo()
    assert feed(fresh, tick(payer)) == 10
    assert accept(fresh, payee.voucher) == 0


def test_payee_restores_from_either_half():
    payer, payee = pair()
    feed(payee, sign(payer, payer.voucher_payload(35)))
    fresh = channel.Payee(terms(), CAP)
    fresh.restore(payee.voucher, b"", 0, b"")
    assert (fresh.cum, fresh.seq) == (35, 1)
    feed(payee, sign(payer, payer.next_chain(10, 20)))
    fresh = channel.Payee(terms(), CAP)
    fresh.restore(b"", payee.commitment_data, 0, b"")
    assert (fresh.cum, fresh.seq, fresh.index) == (35, 2, 0)
    assert feed(fresh, tick(payer)) == 10


def test_a_restored_payee_refuses_what_it_refused_before():
    payer, payee = pair()
    old = sign(payer, payer.voucher_payload(10))
    feed(payee, sign(payer, payer.voucher_payload(10)))
    raises(STALE, feed, payee, old)
    fresh = channel.Payee(terms(), CAP)
    fresh.restore(payee.voucher, b"", 0, b"")
    raises(STALE, feed, fresh, old)


def test_a_payee_that_lost_ticks_takes_the_next_one():
    payer, payee = pair()
    feed(payee, sign(payer, payer.next_chain(10, 50)))
    kept = (payee.voucher, payee.commitment_data, payee.index, payee.word)
    for _ in range(16):
        feed(payee, tick(payer))
    fresh = channel.Payee(terms(), CAP)
    fresh.restore(*kept)
    assert feed(fresh, tick(payer)) == 170
