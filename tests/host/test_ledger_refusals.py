# SPDX-License-Identifier: MIT
"""Each refusal of the local ledger by its code, and that it changed nothing; repeats get the first answer."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

import books
from books import WINDOW_S, Clock, accept, device, terms
from farthing_gateway import journal
from farthing_gateway.audit import verify_journal
from farthing_gateway.journal import device_account, escrow_account
from farthing_gateway.ledger import FINAL, UNKNOWN, LedgerError, LocalLedger
from farthing_gateway.settle import Settler
from farthing_gateway.store import CLOSED, CLOSING, Store, find_channel

TERMS = terms(1, 2, 600)


class Books(NamedTuple):
    store: Store
    ledger: LocalLedger
    clock: Clock


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Books]:
    clock = Clock()
    with Store.open(tmp_path / "a.db", clock=clock) as store:
        ledger = LocalLedger(store, clock)
        ledger.deposit(device(1), 1000, "start").result()
        yield Books(store, ledger, clock)
    assert verify_journal(tmp_path / "a.db").damage == ()


def balance(kept: Books, account: str) -> int:
    return kept.store.read(partial(journal.balance, account=account))


def state(kept: Books) -> tuple:
    channel = kept.store.read(partial(find_channel, channel=TERMS.hash))
    return kept.store.read(journal.head), kept.store.read(journal.balances), channel


def refusal(kept: Books, movement: Callable[[], Future]) -> str:
    """The code of the refusal, after a check that nothing moved."""
    before = state(kept)
    with pytest.raises(LedgerError) as caught:
        movement().result()
    assert state(kept) == before
    assert "\n" not in caught.value.sentence
    return caught.value.code


def test_an_open_moves_the_deposit_into_escrow(kept: Books) -> None:
    channel = kept.ledger.open(TERMS).result()
    assert tuple(channel[:10]) == tuple(TERMS)
    assert balance(kept, device_account(device(1))) == 400
    assert balance(kept, escrow_account(TERMS.hash)) == 600


def test_no_open_above_the_free_balance(kept: Books) -> None:
    assert refusal(kept, lambda: kept.ledger.open(TERMS._replace(cap=1001))) == "insufficient"
    kept.ledger.open(TERMS).result()
    assert refusal(kept, lambda: kept.ledger.open(terms(1, 3, 401))) == "insufficient"


def test_no_open_without_any_deposit(kept: Books) -> None:
    assert refusal(kept, lambda: kept.ledger.open(terms(7, 2, 1))) == "insufficient"


def test_the_same_open_again_is_the_standing_channel(kept: Books) -> None:
    """P9; a device resends its open until it hears the answer."""
    first = kept.ledger.open(TERMS).result()
    assert kept.ledger.open(TERMS).result() == first
    accept(kept.store, TERMS.hash, 50)
    kept.ledger.topup(TERMS.hash, 5, "more").result()
    again = kept.ledger.open(TERMS).result()
    assert (again.cum, again.cap) == (50, 605)
    assert balance(kept, device_account(device(1))) == 395


@pytest.mark.parametrize(
    "change", [{"cap": 599}, {"unit": "USD"}, {"window_s": 1}, {"payee": device(9)}, {"epoch": 4}]
)
def test_other_terms_under_the_same_hash(kept: Books, change: dict) -> None:
    kept.ledger.open(TERMS).result()
    assert refusal(kept, lambda: kept.ledger.open(TERMS._replace(**change))) == "terms_differ"


def test_a_handle_names_one_channel_of_a_payer(kept: Books) -> None:
    kept.ledger.open(TERMS).result()
    clash = terms(1, 3, 10)._replace(handle=TERMS.handle)
    assert refusal(kept, lambda: kept.ledger.open(clash)) == "handle_taken"


@pytest.mark.parametrize(
    "change",
    [{"payee": TERMS.payer}, {"hash": b"short"}, {"payer_key": b""}, {"window_s": -1}, {"handle": b""}],
)
def test_terms_that_are_none(kept: Books, change: dict) -> None:
    assert refusal(kept, lambda: kept.ledger.open(TERMS._replace(**change))) == "bad_terms"


@pytest.mark.parametrize("amount", [0, -1, 2**63])
def test_amounts_that_are_none(kept: Books, amount: int) -> None:
    kept.ledger.open(TERMS).result()
    assert refusal(kept, lambda: kept.ledger.deposit(device(1), amount, "x")) == "bad_amount"
    assert refusal(kept, lambda: kept.ledger.withdraw(device(1), amount, "x")) == "bad_amount"
    assert refusal(kept, lambda: kept.ledger.topup(TERMS.hash, amount, "x")) == "bad_amount"
    assert refusal(kept, lambda: kept.ledger.open(terms(1, 3, amount))) == "bad_amount"


def test_a_deposit_beyond_64_bits(kept: Books) -> None:
    assert refusal(kept, lambda: kept.ledger.deposit(device(5), 2**63 - 1, "x")) == "bad_posting"


def test_a_movement_is_made_once_for_its_reference(kept: Books) -> None:
    kept.ledger.open(TERMS).result()
    for _ in range(2):
        kept.ledger.deposit(device(3), 50, "in").result()
        kept.ledger.withdraw(device(3), 50, "out").result()
        kept.ledger.topup(TERMS.hash, 400, "more").result()
    assert balance(kept, device_account(device(3))) == 0
    assert balance(kept, escrow_account(TERMS.hash)) == 1000
    assert refusal(kept, lambda: kept.ledger.deposit(device(3), 51, "in")) == "ref_reused"
    assert refusal(kept, lambda: kept.ledger.deposit(device(4), 50, "in")) == "ref_reused"
    assert refusal(kept, lambda: kept.ledger.topup(TERMS.hash, 401, "more")) == "ref_reused"


def test_what_is_in_escrow_cannot_be_withdrawn(kept: Books) -> None:
    kept.ledger.open(TERMS).result()
    assert refusal(kept, lambda: kept.ledger.withdraw(device(1), 401, "out")) == "insufficient"
    kept.ledger.withdraw(device(1), 400, "out").result()


def test_a_topup_needs_the_money_and_an_open_channel(kept: Books) -> None:
    assert refusal(kept, lambda: kept.ledger.topup(TERMS.hash, 1, "a")) == "unknown_channel"
    kept.ledger.open(TERMS).result()
    assert refusal(kept, lambda: kept.ledger.topup(TERMS.hash, 401, "a")) == "insufficient"
    kept.ledger.start_close(TERMS.hash, device(1)).result()
    assert refusal(kept, lambda: kept.ledger.topup(TERMS.hash, 1, "a")) == "closed"


def test_a_close_is_for_the_parties(kept: Books) -> None:
    assert refusal(kept, lambda: kept.ledger.start_close(TERMS.hash, device(1))) == "unknown_channel"
    kept.ledger.open(TERMS).result()
    assert refusal(kept, lambda: kept.ledger.finish_close(TERMS.hash)) == "not_closing"
    assert refusal(kept, lambda: kept.ledger.start_close(TERMS.hash, device(3))) == "not_party"


def test_the_payer_waits_for_the_window_and_then_gets_the_rest(kept: Books) -> None:
    """P8."""
    kept.ledger.open(TERMS).result()
    closing = kept.ledger.start_close(TERMS.hash, device(1)).result()
    assert (closing.state, closing.closing_deadline_ms) == (CLOSING, kept.clock.now_ms + WINDOW_S * 1000)
    kept.clock.now_ms += WINDOW_S * 1000 - 1
    assert refusal(kept, lambda: kept.ledger.finish_close(TERMS.hash)) == "window_open"
    assert kept.ledger.start_close(TERMS.hash, device(1)).result() == closing, "time was added"
    kept.clock.now_ms += 1
    assert kept.ledger.finish_close(TERMS.hash).result().state == CLOSED
    assert balance(kept, device_account(device(1))) == 1000


def test_the_payee_may_end_the_window_at_once(kept: Books) -> None:
    kept.ledger.open(TERMS).result()
    kept.ledger.start_close(TERMS.hash, device(1)).result()
    kept.ledger.start_close(TERMS.hash, device(2)).result()
    kept.ledger.finish_close(TERMS.hash).result()
    assert balance(kept, device_account(device(1))) == 1000


def test_nothing_is_returned_before_what_was_accepted_is_paid(kept: Books) -> None:
    """P7: payments that arrive within the window count."""
    kept.ledger.open(TERMS).result()
    kept.ledger.start_close(TERMS.hash, device(1)).result()
    accept(kept.store, TERMS.hash, 250)
    kept.clock.now_ms += WINDOW_S * 1000
    assert refusal(kept, lambda: kept.ledger.finish_close(TERMS.hash)) == "unsettled"
    settlement = Settler(kept.store, kept.ledger, kept.clock).run().result()
    assert [channel.hash for channel in settlement.closed] == [TERMS.hash]
    assert balance(kept, device_account(device(2))) == 250
    assert balance(kept, device_account(device(1))) == 750


def test_a_closed_channel_is_never_revived(kept: Books) -> None:
    """P11."""
    kept.ledger.open(TERMS).result()
    kept.ledger.start_close(TERMS.hash, device(2)).result()
    tombstone = kept.ledger.finish_close(TERMS.hash).result()
    assert refusal(kept, lambda: kept.ledger.open(TERMS)) == "tombstoned"
    assert refusal(kept, lambda: kept.ledger.open(TERMS._replace(epoch=5))) == "tombstoned"
    assert kept.ledger.finish_close(TERMS.hash).result() == tombstone
    assert kept.ledger.start_close(TERMS.hash, device(1)).result() == tombstone


def test_what_the_ledger_tells_of_itself(kept: Books) -> None:
    kept.ledger.preflight()
    assert kept.ledger.caps().instant
    kept.ledger.open(TERMS).result()
    accept(kept.store, TERMS.hash, 30)
    (prepared,) = Settler(kept.store, kept.ledger, kept.clock).run().result().prepared
    assert kept.ledger.quote(prepared.batch.rows) == (30, 0)
    assert {kept.ledger.broadcast(prepared), kept.ledger.bump(prepared), kept.ledger.status(1)} == {FINAL}
    assert kept.ledger.status(2) == UNKNOWN
    assert kept.ledger.settled(TERMS.hash) == 30
    with pytest.raises(LedgerError):
        kept.ledger.settled(books.terms(8, 9, 1).hash)
    kinds = [event.kind for event in kept.ledger.events(0)]
    assert kinds == ["genesis", "deposit", "open", "settle"]
    assert [event.cursor for event in kept.ledger.events(3)] == [4]
