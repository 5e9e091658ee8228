# SPDX-License-Identifier: MIT
"""Whatever is done in whatever order: P3, P4, P5, P11 and P12 hold after each step, and the journal verifies.

The model is a few numbers that must come out; the ledger under test is the real one on a real file.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from books import WINDOW_S, Clock, device, terms
from farthing_gateway import journal
from farthing_gateway.audit import verify_journal
from farthing_gateway.ledger import LedgerError, LocalLedger
from farthing_gateway.ledger.book import settle_rows
from farthing_gateway.settle import Row, Settler, latest_proof
from farthing_gateway.store import CLOSED, Channel, ChannelUpdate, Store, list_channels, save_updates

DEVICES = st.integers(1, 3)
AMOUNTS = st.integers(1, 1000)
EVERY_STATE = ("OPEN", "CLOSING", "CLOSED")


class LedgerMachine(RuleBasedStateMachine):
    """Random life of a ledger with three devices."""

    channels = Bundle("channels")

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.store = Store.open(self.folder / "a.db", clock=self.clock)
        self.ledger = LocalLedger(self.store, self.clock)
        self.settler = Settler(self.store, self.ledger, self.clock)
        self.refs = 0
        self.put_in = 0
        self.seen: dict[bytes, Channel] = {}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            assert verify_journal(self.folder / "a.db").damage == ()
            shutil.rmtree(self.folder)

    def ref(self) -> str:
        self.refs += 1
        return f"ref {self.refs}"

    def try_to(self, movement: object) -> object | None:
        try:
            return movement.result()
        except LedgerError:
            return None

    @rule(who=DEVICES, amount=AMOUNTS)
    def deposit(self, who: int, amount: int) -> None:
        ref = self.ref()
        for _ in range(2):
            self.ledger.deposit(device(who), amount, ref).result()
        self.put_in += amount

    @rule(who=DEVICES, amount=AMOUNTS)
    def withdraw(self, who: int, amount: int) -> None:
        if self.try_to(self.ledger.withdraw(device(who), amount, self.ref())):
            self.put_in -= amount

    @rule(target=channels, payer=DEVICES, payee=DEVICES, cap=AMOUNTS, epoch=st.integers(0, 2))
    def open(self, payer: int, payee: int, cap: int, epoch: int) -> bytes:
        wanted = terms(payer, payee, cap, epoch)
        was = self.seen.get(wanted.hash)
        opened = self.try_to(self.ledger.open(wanted))
        assert not (opened and was and was.state == CLOSED), "P11: a closed channel was opened"
        return wanted.hash

    @rule(channel=channels, amount=AMOUNTS)
    def topup(self, channel: bytes, amount: int) -> None:
        self.try_to(self.ledger.topup(channel, amount, self.ref()))

    @rule(channel=channels, cum=st.integers(0, 1500), seq=st.integers(0, 99))
    def accept(self, channel: bytes, cum: int, seq: int) -> None:
        update = ChannelUpdate(channel, cum, seq, b"voucher", cum)
        refused = self.store.run(partial(save_updates, updates=[update]))
        was = self.seen.get(channel)
        assert bool(refused) == (was is None or was.state == CLOSED or cum > was.cap)

    @rule()
    def settle(self) -> None:
        self.settler.run().result()
        for channel in self.now().values():
            assert channel.cum == channel.settled
            proof = self.store.read(partial(latest_proof, channel=channel.hash))
            assert (proof is None and not channel.settled) or proof.holds()

    @rule(channel=channels, cum=st.integers(0, 1500), amount=st.integers(-10, 1500), swap=st.booleans())
    def settle_a_bad_row(self, channel: bytes, cum: int, amount: int, swap: bool) -> None:
        """P12: rows that nobody accepted are left out, whatever they claim, and move nothing."""
        was = self.seen.get(channel)
        parties = (was.payer, was.payee) if was else (device(1), device(2))
        row = Row(channel, *(reversed(parties) if swap else parties), amount, cum, 1)
        good = was is not None and was.state != CLOSED and not swap and was.settled < cum <= was.cum
        batch = self.store.run(partial(settle_rows, now_ms=self.clock(), rows=[row]))
        assert (batch is not None) == (good and amount == cum - was.settled)

    @rule(channel=channels, by_payee=st.booleans())
    def start_close(self, channel: bytes, by_payee: bool) -> None:
        was = self.seen.get(channel)
        if was is not None:
            self.ledger.start_close(channel, was.payee if by_payee else was.payer).result()

    @rule(channel=channels)
    def finish_close(self, channel: bytes) -> None:
        was = self.seen.get(channel)
        free = self.balance(journal.device_account(was.payer)) if was else 0
        closed = self.try_to(self.ledger.finish_close(channel))
        if closed and was.state != CLOSED:
            rest = was.cap - was.settled
            assert self.balance(journal.device_account(was.payer)) == free + rest, "P8"

    @rule(seconds=st.integers(1, WINDOW_S))
    def wait(self, seconds: int) -> None:
        self.clock.now_ms += seconds * 1000

    def balance(self, account: str) -> int:
        return self.store.read(partial(journal.balance, account=account))

    def now(self) -> dict[bytes, Channel]:
        found = self.store.read(partial(list_channels, states=EVERY_STATE))
        return {channel.hash: channel for channel in found}

    @invariant()
    def every_rule_holds(self) -> None:
        if not hasattr(self, "store"):
            return
        balances = self.store.read(journal.balances)
        assert sum(balances.values()) == 0, "P5"
        assert -balances.get(journal.WORLD, 0) == self.put_in, (
            "P5: only deposits and withdrawals pass the border"
        )
        assert all(amount >= 0 for name, amount in balances.items() if name != journal.WORLD)
        found = self.now()
        assert found.keys() >= self.seen.keys(), "P11: tombstones stay"
        for channel in found.values():
            self.check(channel, balances)
        self.seen = found

    def check(self, channel: Channel, balances: dict[str, int]) -> None:
        was = self.seen.get(channel.hash)
        assert 0 <= channel.settled <= channel.cum <= channel.cap, "P4"
        escrow = 0 if channel.state == CLOSED else channel.cap - channel.settled
        assert balances[journal.escrow_account(channel.hash)] == escrow, "P4, P5"
        if was is not None:
            assert channel.cum >= was.cum, "P3"
            assert channel.settled >= was.settled, "P3"
            assert was.state != CLOSED or channel == was, "P11"


LedgerMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLedger = LedgerMachine.TestCase
