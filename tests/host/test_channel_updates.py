# SPDX-License-Identifier: MIT
"""Accepted payments merge by maximum: in any order the row is the same and never falls (P3)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import books
from farthing_gateway.ledger import LocalLedger
from farthing_gateway.store import (
    Channel,
    ChannelUpdate,
    Store,
    find_by_handle,
    find_channel,
    list_channels,
    save_updates,
)

TERMS = books.terms(1, 2, 10_000)
OTHER = books.terms(1, 3, 10_000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "a.db") as opened:
        ledger = LocalLedger(opened, books.Clock())
        ledger.deposit(TERMS.payer, 10**12, "start").result()
        ledger.open(TERMS).result()
        ledger.open(OTHER).result()
        yield opened


def row(store: Store, channel: bytes = TERMS.hash) -> Channel:
    found = store.read(partial(find_channel, channel=channel))
    assert found is not None
    return found


def save(store: Store, *updates: ChannelUpdate) -> tuple[bytes, ...]:
    return store.run(partial(save_updates, updates=updates))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, int, bytes, int, bytes, int, int, bytes]]:
    """Updates as a gateway makes them: amounts rise; a voucher or a tick of the newest chain proves each."""
    made, cum, chain, index = [], 0, 0, 0
    for seq in range(1, draw(st.integers(2, 12))):
        cum += draw(st.integers(0, 300))
        voucher = (b"voucher %d" % cum, cum) if draw(st.booleans()) else (b"", 0)
        if draw(st.integers(0, 3)) == 0:
            chain, index = seq, 0
        index += draw(st.integers(0, 2))
        ticks = (b"commitment %d" % chain, chain, index, b"word %d-%d" % (chain, index)) if chain else ()
        made.append((cum, seq, *voucher, *ticks))
    return made


@given(history=histories(), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_gives_the_row_of_the_right_order(store: Store, history: list, data: st.DataObject) -> None:
    epoch = data.draw(st.integers(0, 2**40))
    straight, mixed = (books.terms(1, payee, 10_000, epoch) for payee in (4, 5))
    ledger = LocalLedger(store, books.Clock())
    for terms in (straight, mixed):
        ledger.open(terms).result()
    for update in history:
        save(store, ChannelUpdate(straight.hash, *update))
    for update in data.draw(st.permutations(history)):
        save(store, ChannelUpdate(mixed.hash, *update))
    parties = len(books.terms(1, 4, 1)) - 1
    assert row(store, mixed.hash)[parties:] == row(store, straight.hash)[parties:]


def test_an_older_amount_changes_nothing(store: Store) -> None:
    best = ChannelUpdate(TERMS.hash, 900, 9, b"best", 900, b"chain", 2, 7, b"word")
    save(store, best)
    before = row(store)
    assert save(store, ChannelUpdate(TERMS.hash, 800, 8, b"old", 800, b"older chain", 1, 90, b"other")) == ()
    assert save(store, best) == ()
    assert row(store) == before


def test_a_new_chain_starts_its_ticks_again(store: Store) -> None:
    save(
        store,
        ChannelUpdate(TERMS.hash, 100, 1, commitment=b"c1", commitment_seq=1, tick_index=9, tick_word=b"w9"),
    )
    save(store, ChannelUpdate(TERMS.hash, 100, 2, commitment=b"c2", commitment_seq=2))
    found = row(store)
    assert (found.commitment, found.tick_index, found.tick_word, found.cum) == (b"c2", 0, b"", 100)


def test_bad_rows_of_a_group_are_named_and_the_others_kept(store: Store) -> None:
    """P12: a message about one channel never changes another."""
    unknown = b"?" * 32
    refused = save(
        store,
        ChannelUpdate(TERMS.hash, 10_001, 1),
        ChannelUpdate(unknown, 1, 1),
        ChannelUpdate(OTHER.hash, 10_000, 1),
    )
    assert refused == (TERMS.hash, unknown)
    assert row(store).cum == 0
    assert row(store, OTHER.hash).cum == 10_000


def test_a_closed_channel_takes_nothing(store: Store) -> None:
    """P11."""
    ledger = LocalLedger(store, books.Clock())
    ledger.start_close(TERMS.hash, TERMS.payee).result()
    assert save(store, ChannelUpdate(TERMS.hash, 0, 1)) == ()
    ledger.finish_close(TERMS.hash).result()
    assert save(store, ChannelUpdate(TERMS.hash, 5, 2)) == (TERMS.hash,)
    assert row(store).cum == 0


def test_channels_are_found_by_hash_handle_and_state(store: Store) -> None:
    assert row(store).handle == TERMS.handle
    found = store.read(partial(find_by_handle, payer=TERMS.payer, handle=TERMS.handle))
    assert found == row(store)
    assert store.read(partial(find_by_handle, payer=TERMS.payee, handle=TERMS.handle)) is None
    assert {each.hash for each in store.read(list_channels)} == {TERMS.hash, OTHER.hash}
    assert store.read(partial(list_channels, states=("CLOSED",))) == []
