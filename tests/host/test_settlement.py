# SPDX-License-Identifier: MIT
"""Batches: every unpaid channel once, exact sums, a proof for each party, no row that blocks another."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cbor2
import pytest

from books import Clock, accept, device, live_a_life, terms
from farthing_gateway import journal, settle
from farthing_gateway.audit import verify_journal
from farthing_gateway.batches import Row, batch_root
from farthing_gateway.ledger import LocalLedger, local
from farthing_gateway.ledger.book import settle_rows
from farthing_gateway.settle import Settler, latest_proof, proof_for
from farthing_gateway.store import ChannelUpdate, Store, events_after, find_channel, save_updates

CHANNELS = 7


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with CHANNELS channels of one payer, the last two of them to the same payee."""
    with Store.open(tmp_path / "a.db") as opened:
        ledger = LocalLedger(opened, Clock())
        ledger.deposit(device(0), 10**6, "start").result()
        for each in ALL:
            ledger.open(each).result()
        yield opened
    assert verify_journal(tmp_path / "a.db").damage == ()


ALL = [terms(0, min(payee, CHANNELS - 1), 1000, payee) for payee in range(1, CHANNELS + 1)]


def run(store: Store) -> settle.Settlement:
    return Settler(store, LocalLedger(store, Clock()), Clock()).run().result()


def test_every_unpaid_channel_is_paid_once(store: Store) -> None:
    for number, each in enumerate(ALL):
        accept(store, each.hash, 10 * number, number)
    (batch,) = run(store).batches
    assert sorted(row.channel for row in batch.rows) == sorted(each.hash for each in ALL[1:])
    assert sum(row.amount for row in batch.rows) == 210
    assert run(store).batches == ()
    balances = store.read(journal.balances)
    assert balances[journal.device_account(device(CHANNELS - 1))] == 50 + 60
    assert balances[journal.device_account(device(2))] == 10


def test_the_next_batch_pays_the_difference(store: Store) -> None:
    accept(store, ALL[0].hash, 100, 1)
    run(store)
    accept(store, ALL[0].hash, 130, 2)
    (batch,) = run(store).batches
    assert batch.no == 2
    assert batch.rows == (Row(ALL[0].hash, device(0), device(1), 30, 130, 2),)


def test_each_party_can_check_its_row_with_its_proof_alone(store: Store) -> None:
    for number, each in enumerate(ALL):
        accept(store, each.hash, 5 + number)
    (batch,) = run(store).batches
    for row in batch.rows:
        proof = store.read(partial(proof_for, batch_no=batch.no, channel=row.channel))
        assert proof is not None
        assert proof.holds()
        assert proof.root == batch.root
        assert cbor2.loads(proof.body) == list(row)
        assert not proof._replace(body=row._replace(amount=row.amount + 1).encode()).holds()
    assert store.read(partial(proof_for, batch_no=batch.no, channel=b"?" * 32)) is None
    assert store.read(partial(proof_for, batch_no=99, channel=ALL[0].hash)) is None
    assert store.read(partial(latest_proof, channel=b"?" * 32)) is None


def test_the_journal_entry_names_the_root(store: Store) -> None:
    accept(store, ALL[0].hash, 5)
    (batch,) = run(store).batches
    (entry,) = store.read(lambda connection: list(journal.entries(connection, batch.entry_seq - 1)))
    assert entry.ref == f"batch:1:{batch_root(batch.rows).hex()}"


def test_a_bad_row_is_skipped_with_an_event_and_the_others_are_paid(store: Store) -> None:
    """P12; one bad channel reverted the whole batch elsewhere."""
    for each in ALL:
        accept(store, each.hash, 100)
    good = [Row(each.hash, each.payer, each.payee, 100, 100, 1) for each in ALL]
    bad = {
        "unknown_channel": good[0]._replace(channel=b"?" * 32),
        "over_cap": good[1]._replace(amount=1001, cum=1001),
        "not_accepted": good[2]._replace(amount=101, cum=101),
        "not_party": good[3]._replace(payee=device(9)),
        "bad_amount": good[4]._replace(amount=99),
        "not_advancing": good[5]._replace(cum=0, amount=0),
    }
    mixed = [row for pair in zip(good, bad.values(), strict=False) for row in reversed(pair)] + good[6:]
    batch = store.run(partial(settle_rows, now_ms=1, rows=mixed))
    assert batch is not None
    assert list(batch.rows) == good
    events = store.read(partial(events_after, cursor=0))
    assert [(event.code, event.detail) for event in events] == [("row_skipped", reason) for reason in bad]


def test_the_same_row_twice_in_a_batch_is_paid_once(store: Store) -> None:
    accept(store, ALL[0].hash, 100)
    row = Row(ALL[0].hash, ALL[0].payer, ALL[0].payee, 100, 100, 1)
    batch = store.run(partial(settle_rows, now_ms=1, rows=[row, row]))
    assert batch is not None
    assert batch.rows == (row,)


def test_a_batch_of_bad_rows_only_is_no_batch(store: Store) -> None:
    assert store.run(partial(settle_rows, now_ms=1, rows=[Row(b"?" * 32, b"", b"", 1, 1, 1)])) is None
    assert store.read(lambda connection: connection.execute("SELECT count(*) FROM batch").fetchone()[0]) == 0


class Reluctant(LocalLedger):
    """A ledger that refuses every row for now, as a chain may."""

    def prepare(self, *_: object) -> None:
        return None


def test_a_close_waits_for_its_refused_row_and_stops_no_other(store: Store) -> None:
    """P7 and P12."""
    ledger = Reluctant(store, Clock())
    accept(store, ALL[0].hash, 100)
    for each in ALL[:2]:
        ledger.start_close(each.hash, each.payee).result()
    waiting = Settler(store, ledger, Clock()).run().result()
    assert [channel.hash for channel in waiting.closed] == [ALL[1].hash]
    assert [channel.hash for channel in run(store).closed] == [ALL[0].hash]


def test_many_channels_are_paid_in_batches_of_the_ledgers_size(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "MAX_ROWS", 3)
    store.run(partial(save_updates, updates=[ChannelUpdate(each.hash, 1, 1) for each in ALL]))
    settlement = run(store)
    assert [len(batch.rows) for batch in settlement.batches] == [3, 3, 1]
    assert [batch.no for batch in settlement.batches] == [1, 2, 3]
    channels = [store.read(partial(find_channel, channel=each.hash)) for each in ALL]
    assert [channel.settled for channel in channels if channel] == [1] * CHANNELS


def test_a_settlement_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between its steps is a rolled-back transaction: done wholly or not begun."""
    accept(store, ALL[0].hash, 100)
    before = store.read(journal.head)

    def fail(*_: object) -> None:
        raise RuntimeError("power")

    with monkeypatch.context() as broken:
        broken.setattr(settle, "_finish_due", fail)
        with pytest.raises(RuntimeError):
            run(store)
    assert store.read(journal.head) == before
    assert store.read(partial(find_channel, channel=ALL[0].hash)).settled == 0
    assert run(store).batches[0].no == 1


def test_a_restarted_gateway_settles_what_was_accepted_before(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    live_a_life(path)
    with Store.open(path, net=None) as store:
        (batch,) = run(store).batches
        assert [row.amount for row in batch.rows] == [2000]
        assert run(store).batches == ()
    assert verify_journal(path).ok
