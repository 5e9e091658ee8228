# SPDX-License-Identifier: MIT
"""A payer, a seller and a gateway with real P-256 signatures; a network that replays, reorders and spoils.

Both ends lose power at any time. What must hold whatever happens is in the invariants at the end.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from farthing import cose, messages
from farthing.channel import Payee, split_payments
from farthing.faults import BAD_SIGNATURE, STALE, UNKNOWN_CHANNEL, Fault
from farthing.payer import Payer
from farthing_gateway.keys import GatewayKey, verify
from fuzz.strategies import party

CAP = 5000
PAYER, PAYEE = party("payer"), party("payee")
TERMS = messages.Open("local", bytes(range(16)), PAYER.public, PAYEE.public, "uEUR", 3600, 1, CAP)
MASTER = bytes(range(32))


@cache
def sign(key: GatewayKey, payload: bytes, kind: int, channel: bytes, ledger: str = "local") -> bytes:
    return cose.sign1(payload, key.sign(cose.digest(cose.external_aad(ledger, channel, kind), payload)))


def accept(payee: Payee, data: bytes) -> None:
    """One message of a network, as a seller or a gateway takes it."""
    for item in split_payments(data):
        if isinstance(item, messages.Tick):
            if item.handle != payee.handle:
                raise Fault(UNKNOWN_CHANNEL)
            payee.tick(item.index, item.word)
            continue
        pending = payee.check(item)
        if pending is None:
            continue
        if not verify(payee.payer, pending.digest, pending.signature):
            raise Fault(BAD_SIGNATURE)
        payee.apply(pending)


def state(payee: Payee) -> tuple:
    return payee.cum, payee.seq, payee.index, payee.word, payee.echo()


class Channel(RuleBasedStateMachine):
    """`sent` is all the network ever saw; `released` the most that any of it says."""

    @initialize()
    def start(self) -> None:
        self.gateway, self.seller = Payee(TERMS, CAP), Payee(TERMS, CAP)
        self.kept: tuple = (b"", b"", 0, b"")
        self.payer = Payer(TERMS, CAP, MASTER)
        self.durable = (0, 0)
        self.sent: list[bytes] = []
        self.echoes = [b""]
        self.released = 0
        self.numbers: dict[int, bytes] = {}
        self.reserved = 0
        self.before = 0

    # --- the payer

    @rule(amount=st.integers(0, 600), signatures=st.integers(0, 5))
    def reserve(self, amount: int, signatures: int) -> None:
        self.reserved = max(self.reserved, amount)
        self.durable = self.payer.reserve(amount, signatures)

    @rule(amount=st.integers(0, 300), send=st.booleans())
    def voucher(self, amount: int, send: bool) -> None:
        covered = not self.payer.must_reserve(amount)
        try:
            payload = self.payer.voucher_payload(amount)
        except Fault:
            assert not covered
            return
        self._release(payload, cose.VOUCHER, send)

    @rule(unit=st.integers(1, 60), length=st.integers(1, 40), send=st.booleans())
    def chain(self, unit: int, length: int, send: bool) -> None:
        covered = not self.payer.must_reserve(0)
        used = set(self.numbers)
        try:
            payload = self.payer.next_chain(unit, length)
        except Fault:
            assert not covered
            return
        assert messages.payment(payload).seq not in used, "a chain number was used before"
        self._release(payload, cose.COMMITMENT, send)

    def _release(self, payload: bytes, kind: int, send: bool) -> None:
        update = messages.payment(payload)
        assert self.numbers.setdefault(update.seq, payload) == payload, "two messages under one number"
        assert update.seq <= self.durable[1]
        self._note(update.cum)
        data = sign(PAYER, payload, kind, self.payer.hash)
        self.sent.append(data)
        if send:
            self._deliver(data)

    def _note(self, cum: int) -> None:
        assert cum == self.payer.cum <= self.durable[0], "released above the durable watermark"
        self.released = max(self.released, cum)

    @rule(times=st.integers(1, 12), send=st.booleans())
    def ticks(self, times: int, send: bool) -> None:
        buf = bytearray(45)
        for _ in range(times):
            try:
                end = self.payer.tick_into(buf, 0)
            except Fault:
                return
            self._note(self.payer.cum)
            self.sent.append(bytes(buf[:end]))
            if send:
                self._deliver(self.sent[-1])

    # --- the network

    def _deliver(self, data: bytes) -> None:
        for payee in (self.gateway, self.seller):
            before = state(payee)
            try:
                accept(payee, data)
            except Fault:
                assert state(payee) == before, "a refused message changed the state"
                continue
            after = state(payee)
            accept(payee, data)
            assert state(payee) == after, "the same bytes twice changed the state"

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        self._deliver(data.draw(st.sampled_from(self.sent)))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def spoil(self, data: st.DataObject) -> None:
        good = bytearray(data.draw(st.sampled_from(self.sent)))
        good[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        for payee in (self.gateway, self.seller):
            before = state(payee)
            with suppress(Fault):
                accept(payee, bytes(good))
            assert state(payee) == before

    @rule(amount=st.integers(1, CAP), how=st.sampled_from(["payee", "kind", "channel", "ledger"]))
    def forge(self, amount: int, how: str) -> None:
        """A voucher that is right in all but one respect."""
        buf = bytearray(16)
        messages.voucher_payload_into(buf, 0, self.gateway.handle, amount, 2**32 - 1)
        data = sign(
            PAYEE if how == "payee" else PAYER,
            bytes(buf),
            cose.CLOSE if how == "kind" else cose.VOUCHER,
            bytes(32) if how == "channel" else self.gateway.hash,
            "other" if how == "ledger" else "local",
        )
        for payee in (self.gateway, self.seller):
            before = state(payee)
            try:
                accept(payee, data)
            except Fault as fault:
                assert fault.code in {BAD_SIGNATURE, STALE}  # noqa: PT017
            else:
                raise AssertionError("a forged voucher was taken")
            assert state(payee) == before

    # --- power

    @rule()
    def keep_seller(self) -> None:
        self.kept = (self.seller.voucher, self.seller.commitment_data, self.seller.index, self.seller.word)

    @rule()
    def seller_loses_power(self) -> None:
        self.seller = Payee(TERMS, CAP)
        self.seller.restore(*self.kept)

    @rule()
    def keep_echo(self) -> None:
        self.echoes.append(self.gateway.echo())

    def _restart(self) -> Payer:
        payer = Payer(TERMS, CAP, MASTER)
        payer.watermark, payer.seq_watermark = self.durable
        return payer

    def _resume(self, payer: Payer, echo: bytes) -> None:
        seen = Payee(TERMS, CAP)
        accept(seen, echo)
        payer.resume(seen)
        assert payer.cum >= seen.cum
        assert payer.must_reserve(0), "a number must be reserved anew"

    @rule()
    def payer_loses_power(self) -> None:
        """And resumes from the gateway's echo: where that had everything, nothing at all is lost."""
        old, complete = self.payer, self.gateway.cum == self.payer.cum
        self.payer = self._restart()
        self._resume(self.payer, self.gateway.echo())
        assert self.payer.cum == self.gateway.cum
        if complete:
            assert self.payer.cum == old.cum
            if old.left() and self.gateway.commitment == old.commitment:
                assert (self.payer.commitment, self.payer.index) == (old.commitment, old.index)

    @rule(data=st.data())
    def payer_resumes_from_an_old_echo(self, data: st.DataObject) -> None:
        self.payer = self._restart()
        self._resume(self.payer, data.draw(st.sampled_from(self.echoes)))

    @rule()
    def payer_asks_again_while_running(self) -> None:
        cum = self.payer.cum
        self._resume(self.payer, self.gateway.echo())
        assert self.payer.cum == max(cum, self.gateway.cum)

    @rule()
    def payer_resumes_blind(self) -> None:
        released = self.released
        self.payer = self._restart()
        self.payer.resume_blind()
        assert released <= self.payer.cum <= max(released, self.durable[0])
        assert self.payer.left() == 0

    # --- always

    @invariant()
    def amounts_hold(self) -> None:
        if not hasattr(self, "gateway"):
            return
        assert self.before <= self.gateway.cum, "an accepted amount fell"
        self.before = self.gateway.cum
        for payee in (self.gateway, self.seller):
            assert payee.cum <= self.released <= self.durable[0] <= CAP
            assert payee.seq <= self.durable[1]

    @invariant()
    def evidence_redeems_the_amount(self) -> None:
        if not hasattr(self, "gateway"):
            return
        for payee in (self.gateway, self.seller):
            fresh = Payee(TERMS, CAP)
            accept(fresh, payee.echo())
            assert fresh.cum == payee.cum, "what is kept does not prove what is claimed"


Channel.TestCase.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)
TestChannel = Channel.TestCase
