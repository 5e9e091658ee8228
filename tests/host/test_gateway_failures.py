# SPDX-License-Identifier: MIT
"""When the gateway's disk or broker fails, nothing is said that is not durable, and it goes on afterwards."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from farthing_gateway.audit import verify_journal
from farthing_gateway.broker import Broker
from lab import Lab
from party import TIMEOUT_S, LateError


@contextmanager
def disk_that_cannot_be_written(lab: Lab) -> Iterator[None]:
    """Another connection holds the file's write lock, so that every commit fails, as on a full disk."""
    lab.store.run(lambda connection: connection.execute("PRAGMA busy_timeout = 20").fetchone())
    other = sqlite3.connect(lab.config.ledger_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_nothing_is_acknowledged_that_is_not_durable(lab: Lab):
    """P10. The broker delivers it again, and then it counts, once."""
    deal = lab.deal()
    deal.payer.forget()
    with disk_that_cannot_be_written(lab):
        deal.pay(deal.voucher(500), deal.commitment(100), deal.tick())
        for kind in ("ack", "rcpt"):
            with pytest.raises(LateError):
                deal.payer.next(kind, 0.3)
        assert lab.channel(deal).cum == 0
        assert lab.gateway.stats.failed_commits > 0
    assert deal.payer.acked(deal.handle, 600, 3 * TIMEOUT_S).cum == 600
    assert lab.channel(deal).cum == 600


def test_what_was_accepted_in_memory_is_forgotten_when_it_was_not_stored(lab: Lab):
    """Else a repeat of the lost payment would be answered from memory, and be lost with the next crash."""
    deal = lab.deal()
    deal.payer.forget()
    voucher = deal.voucher(500)
    with disk_that_cannot_be_written(lab):
        deal.pay(voucher)
        lab.wait(lambda: lab.gateway.stats.failed_commits)
        session = lab.gateway.sessions.get(deal.hash)
        lab.wait(lambda: lab.gateway.sessions.get(deal.hash) not in (session, None))
        again = lab.gateway.sessions.get(deal.hash)
        assert again is not None
        assert again.payee.cum == 0


def test_an_opening_that_is_not_stored_is_not_confirmed(lab: Lab):
    payer, payee = lab.party(), lab.party()
    with disk_that_cannot_be_written(lab), pytest.raises(LateError):
        deal = payer.deal(payee, 1000)
    deal = payer.deal(payee, 1000)
    assert lab.channel(deal).cap == 1000
    assert verify_journal(lab.config.ledger_path).ok


def test_settlement_is_tried_again(lab_address: tuple[str, int], tmp_path: Path):
    with Lab(lab_address, tmp_path, settle_s=1) as lab:
        deal = lab.deal()
        deal.paid(deal.voucher(500))
        with disk_that_cannot_be_written(lab):
            time.sleep(1.2)
        assert deal.payee.answer(deal.hash, lambda receipt: receipt.settled == 500, 3 * TIMEOUT_S)


def test_a_broker_that_restarts_loses_no_acknowledged_payment(broker: Broker, tmp_path: Path):
    with Lab(("127.0.0.1", broker.port), tmp_path / "lab") as lab:
        deal = lab.deal()
        deal.paid(deal.voucher(500))
        broker.restart()
        lab.wait(lambda: lab.gateway.bus.connected and lab.gateway.bus.reconnects == 2, 3 * TIMEOUT_S)
        again = type(deal.payer)(lab.address, lab.net, deal.payer.key)
        again.meet()
        deal.payer.close()
        deal.payer = again
        deal.paid(deal.voucher(100))
        assert lab.channel(deal).cum == 600
        again.close()


def test_a_defect_in_one_message_stops_nothing_else(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """The supervisor: a defect is logged and counted, its message is done with, the others go on."""
    deal, victim = lab.deal(), lab.party()

    def defect(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("farthing_gateway.goods.sender_of", defect)
    victim.offer("good", 1)
    deal.paid(deal.voucher(500))
    assert lab.gateway.stats.defects == 1
