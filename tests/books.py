# SPDX-License-Identifier: MIT
"""Devices, channel terms and a small but complete ledger history for the tests of the gateway's durable side.

It holds no assertion.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from pathlib import Path

from farthing_gateway.ledger import LocalLedger
from farthing_gateway.settle import Settler
from farthing_gateway.store import ChannelTerms, ChannelUpdate, Store, save_updates

START_MS = 1_700_000_000_000
WINDOW_S = 60


class Clock:
    """A clock that the test moves."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def device(number: int) -> bytes:
    return sha256(b"device %d" % number).digest()[:16]


def terms(payer: int, payee: int, cap: int, epoch: int = 0) -> ChannelTerms:
    """Terms between two numbered devices; another epoch is another channel."""
    digest = sha256(b"channel %d %d %d" % (payer, payee, epoch)).digest()
    keys = bytes([payer]) * 64, bytes([payee]) * 64
    return ChannelTerms(digest, digest[:4], device(payer), device(payee), *keys, "EUR", WINDOW_S, epoch, cap)


def accept(store: Store, channel: bytes, cum: int, seq: int = 1) -> tuple[bytes, ...]:
    """Store a payment as the gateway does after it has verified it."""
    update = ChannelUpdate(channel, cum, seq, b"voucher %d" % cum, cum)
    return store.run(partial(save_updates, updates=[update]))


def live_a_life(path: Path) -> None:
    """Make a store with deposits, a top-up, three batches, a tombstone, a payout and unsettled payments."""
    clock = Clock()
    with Store.open(path, net="lab", clock=clock) as store:
        ledger = LocalLedger(store, clock)
        settler = Settler(store, ledger, clock)
        for number in (1, 2):
            ledger.deposit(device(number), 1_000_000, f"deposit {number}").result()
        first, second, third = terms(1, 3, 400_000), terms(2, 3, 500_000), terms(1, 4, 100_000)
        for each in (first, second, third):
            ledger.open(each).result()
        for step in (1, 2, 3):
            clock.now_ms += 1000
            accept(store, first.hash, 60_000 * step, step)
            accept(store, second.hash, 1000 * step, step)
            if step == 2:
                accept(store, third.hash, 99_999)
            settler.run().result()
        ledger.topup(second.hash, 7, "more").result()
        ledger.start_close(first.hash, device(3)).result()
        settler.run().result()
        ledger.withdraw(device(3), 100_000, "payout").result()
        accept(store, second.hash, 5000, 9)


def live_on(store: Store) -> None:
    """Settle what `live_a_life` left, and pay once more."""
    clock = Clock(START_MS + 10_000)
    ledger = LocalLedger(store, clock)
    Settler(store, ledger, clock).run().result()
    ledger.deposit(device(4), 5, "late").result()
