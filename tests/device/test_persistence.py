# SPDX-License-Identifier: MIT
"""P10 on real boards: what they have in flash at the moment the partner sees their message.

What a power cut in the middle of a write leaves is in tests/shared/test_journal.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from farthing import channel, cose, messages
from farthing.faults import Fault
from farthing.limits import CHECKPOINT
from farthing_agent.hal import unix
from farthing_agent.journal import Journal
from market import Market
from partners import BODY, PRICE, Shopper, Stall


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    with Market(tmp_path) as running:
        yield running


class Files:
    """The files of a board, to be read only."""

    def __init__(self, root: Path):
        self.root = root

    def size(self, name: str) -> int:
        return unix.size(str(self.root / name))

    def read(self, name: str, start: int, count: int) -> bytes:
        return unix.read(str(self.root / name), start, count)


def flash(board_root: Path) -> Journal:
    """What the board has in flash now; read again where it was just being compacted."""
    for _ in range(5):
        try:
            return Journal(Files(board_root))
        except (Fault, OSError):
            continue
    raise AssertionError("the journal can't be read")


def test_the_payer_persists_before_it_sends(market: Market):
    stall = Stall(market)
    buyer = market.buyer(units=3 * CHECKPOINT, patience_s=60, on_reading="lambda r: None")
    buyer.start()
    to = stall.customer()
    paid = 0
    for count in range(1, 2 * CHECKPOINT + 10):
        stall.deliver(to, count, BODY)
        while paid < count * stall.price:
            for item in channel.split_payments(stall.party.next("pay")):
                if isinstance(item, bytes):
                    update = messages.payment(cose.parse(item)[0])
                    paid, seq = max(paid, update.cum), update.seq
                else:
                    paid, seq = max(paid, item.index * stall.price), 0
                record = flash(buyer.root).get(b"w")
                assert record is not None
                assert record[:4] == stall.hash[:4]
                assert int.from_bytes(record[4:12], "big") >= paid
                assert int.from_bytes(record[12:], "big") >= seq
    stall.party.close()


def test_the_payee_persists_before_it_serves(market: Market):
    seller = market.seller()
    seller.start()
    market.wait(seller, "boot")
    shopper = Shopper(market)
    shopper.pay(shopper.deal.commitment(PRICE))
    shopper.take()
    for count in range(1, 60):
        assert shopper.delivery()[0].count == count
        journal = flash(seller.root)
        assert journal.keys(b"c")
        (key,) = journal.keys(b"e")
        evidence = channel.split_payments(journal.get(key))
        ticks = [item.index for item in evidence if not isinstance(item, bytes)]
        assert isinstance(evidence[0], bytes)
        assert count - 1 - max(ticks, default=0) < 16
        shopper.pay(shopper.deal.tick())
    shopper.party.close()


def test_a_closed_channel_leaves_nothing_in_flash(market: Market):
    seller, buyer = market.seller(), market.buyer(units=20)
    seller.start()
    buyer.start()
    market.wait(buyer, "done")
    market.wait(seller, "closed")
    assert flash(seller.root).keys(b"c") == flash(seller.root).keys(b"e") == []
    assert flash(buyer.root).get(b"d") is None
    assert len(flash(buyer.root).keys(b"k")) == 1  # the epoch, so that the hash is never used again
