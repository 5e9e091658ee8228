# SPDX-License-Identifier: MIT
"""A power cut at any write or sync loses no acknowledged operation and leaves a sound journal.

The store is the real one; only its disk is simulated (tests/power.py).
"""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest

import books
from farthing_gateway import journal
from farthing_gateway.audit import verify_journal
from farthing_gateway.ledger import LocalLedger, book
from farthing_gateway.settle import Settler
from farthing_gateway.store import ChannelUpdate, Store, StoreError, find_channel, save_updates
from runtimes import unavailable

try:
    import power
except ImportError:
    power = None

TRIALS = 200
ROUNDS = 40
TERMS = books.terms(1, 2, 300_000)
# A checkpoint every few commits, so that the main file is cut too and not only the log.
OFTEN = {"PRAGMA wal_autocheckpoint = 4000": "PRAGMA wal_autocheckpoint = 12"}
NORMAL = {**OFTEN, "PRAGMA synchronous = FULL": "PRAGMA synchronous = NORMAL"}


class Trade:
    """Deposits, payments and settlements on a store, and what of them was acknowledged."""

    def __init__(self) -> None:
        self.refs: set[str] = set()
        self.cum = 0
        self.settled = 0

    def run(self, store: Store) -> None:
        ledger = LocalLedger(store, books.Clock())
        settler = Settler(store, ledger, books.Clock())
        for number in range(ROUNDS):
            for part in "abc":
                ref = f"deposit {number}{part}"
                move = partial(book.deposit, now_ms=number, device=books.device(1), amount=100_000, ref=ref)
                store.submit(move, partial(self.deposited, ref))
            if number == 3:
                ledger.open(TERMS).result()
            if number > 3:
                update = ChannelUpdate(TERMS.hash, 1000 * number, number, b"v" * 90, 1000 * number)
                store.submit(partial(save_updates, updates=[update]), partial(self.paid, update.cum))
            if number % 4 == 3:
                self.settle(settler)

    def settle(self, settler: Settler) -> None:
        for batch in settler.run().result().batches:
            self.settled = batch.rows[0].cum

    def deposited(self, ref: str, _: object, error: BaseException | None) -> None:
        if error is None:
            self.refs.add(ref)

    def paid(self, cum: int, refused: tuple[bytes, ...], error: BaseException | None) -> None:
        if error is None and not refused:
            self.cum = max(self.cum, cum)


def trade_until_the_cut(disk: power.Disk, pragmas: dict[str, str]) -> Trade:
    """Trade on a store on this disk; with no cut the trade ends and the store closes."""
    trade = Trade()
    connect = partial(power.Connection, disk=disk, replaced=pragmas)
    try:
        with Store.open(disk.live / "a.db", connect=connect) as store:
            trade.run(store)
    except StoreError:
        assert disk.dead
    return trade


def lost(disk: power.Disk, trade: Trade) -> bool:
    """True if anything acknowledged is missing after the power is back."""
    with Store.open(disk.durable / "a.db") as store:
        refs = {entry.ref for entry in store.read(lambda connection: list(journal.entries(connection)))}
        channel = store.read(partial(find_channel, channel=TERMS.hash))
    cum, settled = (channel.cum, channel.settled) if channel else (0, 0)
    return not trade.refs <= refs or cum < trade.cum or settled < trade.settled


def events_of_a_whole_trade(folder: Path) -> int:
    disk = power.Disk(folder, "whole")
    trade = trade_until_the_cut(disk, OFTEN)
    disk.unregister()
    assert len(trade.refs) == 3 * ROUNDS
    assert not lost(disk, trade)
    return disk.events


def cut_often(folder: Path, pragmas: dict[str, str]) -> tuple[int, int]:
    """Cut at TRIALS moments of a trade; returns how many acknowledged something, and lost some."""
    events = events_of_a_whole_trade(folder / "whole")
    chance = random.Random(1)
    acknowledged = losses = 0
    for trial in range(TRIALS):
        disk = power.Disk(folder / str(trial), f"cut{trial}", cut_at=chance.randrange(1, events), seed=trial)
        trade = trade_until_the_cut(disk, pragmas)
        disk.unregister()
        acknowledged += bool(trade.refs)
        losses += lost(disk, trade)
        assert verify_journal(disk.durable / "a.db").damage == ()
    return acknowledged, losses


@pytest.fixture(autouse=True)
def _apsw() -> None:
    if power is None:
        unavailable("no apsw, the SQLite binding that takes a simulated disk: pip install 'farthing[dev]'")


def test_no_acknowledged_operation_is_lost(tmp_path: Path) -> None:
    acknowledged, losses = cut_often(tmp_path, OFTEN)
    assert losses == 0
    assert acknowledged > TRIALS / 2


def test_the_simulated_disk_would_notice_a_weaker_setting(tmp_path: Path) -> None:
    _, losses = cut_often(tmp_path, NORMAL)
    assert losses > TRIALS / 20
