# SPDX-License-Identifier: MIT
"""How fast accepted payments become durable: group commit against one transaction of everything at once.

CPU time does not see a disk that waits, so this one is in wall-clock time. Not here: verification, broker.
"""

import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from farthing_gateway.ledger import book
from farthing_gateway.store import ChannelTerms, ChannelUpdate, Store, save_updates

from . import Figure

_CHANNELS = 500
_IN_FLIGHT = 100


def _fill(store: Store) -> list[bytes]:
    """Open channels that are funded by one deposit; returns their hashes."""
    payer, payee = bytes(16), b"\x01" * 16
    hashes = [i.to_bytes(4, "big") * 8 for i in range(1, _CHANNELS + 1)]
    store.run(partial(book.deposit, now_ms=0, device=payer, amount=_CHANNELS * 10**9, ref="bench"))
    for each in hashes:
        terms = ChannelTerms(each, each[:4], payer, payee, bytes(64), bytes(64), "EUR", 3600, 1, 10**9)
        store.run(partial(book.open_channel, now_ms=0, terms=terms))
    return hashes


class _Producers:
    """`_IN_FLIGHT` payments always wait for their acknowledgement, as that many devices would."""

    def __init__(self, store: Store, hashes: list[bytes], seconds: float) -> None:
        self.store, self.hashes = store, hashes
        self.end = time.perf_counter() + seconds
        self.acked = self.sent = self.waiting = 0
        self.done = threading.Event()

    def send(self) -> None:
        self.sent += 1
        update = ChannelUpdate(self.hashes[self.sent % _CHANNELS], self.sent, self.sent)
        self.store.submit(partial(save_updates, updates=[update]), self.acknowledged)

    def acknowledged(self, result: object, error: BaseException | None) -> None:
        if error is None:
            self.acked += 1
        if time.perf_counter() < self.end:
            self.send()
        else:
            self.waiting -= 1
            if not self.waiting:
                self.done.set()

    def run(self) -> int:
        self.waiting = _IN_FLIGHT
        for _ in range(_IN_FLIGHT):
            self.send()
        self.done.wait()
        return self.acked


def group_commit(seconds: float) -> Figure:
    """Single payments of 100 devices in flight, each acknowledged after its fsync."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.db") as store:
        hashes = _fill(store)
        start = time.perf_counter()
        acked = _Producers(store, hashes, seconds).run()
        rate = acked / (time.perf_counter() - start)
        batch = [ChannelUpdate(each, 10**8 + i, 10**8 + i) for i, each in enumerate(hashes)] * 20
        start = time.perf_counter()
        store.run(partial(save_updates, updates=batch))
        ceiling = len(batch) / (time.perf_counter() - start)
    return Figure("durable_acks", "payments durable, 100 in flight", rate, ceiling, "rows in one transaction")
