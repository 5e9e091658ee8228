# SPDX-License-Identifier: MIT
"""The gateway: bus -> decode -> verify -> sessions -> store -> answers -> PUBACK, in that one direction.

One thread does everything but the store's writing. The rules are in the rooms it wires together; here are the
loop, the order of things, and what happens when something fails.
"""

import logging
import time
from collections.abc import Callable
from functools import partial

from farthing import topics
from farthing.faults import BAD_SIGNATURE, BAD_TOPIC, EQUIVOCATION, Fault

from . import hints
from .answers import Answers
from .bus import Bus, Inbound
from .config import Config
from .decode import Message, decode, sender_of
from .devices import Devices
from .goods import Goods
from .keys import GatewayKey
from .ledger import LocalLedger
from .limiter import Limiter
from .openings import Openings
from .payments import Payments
from .rounds import Round, Rounds
from .sessions import Sessions
from .settle import Settler
from .settling import Settling
from .stats import Stats
from .store import Store, record_event, wall_clock_ms

_log = logging.getLogger(__name__)

RECORDED = frozenset({BAD_SIGNATURE, EQUIVOCATION})  # worth an event in the audit trail
NOTICE_BURST = 8
NOTICE_RATE = 1.0
PAUSE_S = 2.0  # after a failed commit: a full disk is not empty the next moment
DRAIN_S = 3.0
QUIET_S = 0.1
STOP_S = 10.0

Handler = Callable[[Message, Round], None]


class Gateway:
    """One gateway worker on one network; make it, `start`, then `run` until `stop`."""

    def __init__(
        self,
        config: Config,
        key: GatewayKey,
        store: Store,
        address: tuple[str, int],
        clock: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self.config = config
        self.key = key
        self.stats = Stats()
        self._store = store
        self._clock = clock
        self.bus = Bus(
            *address,
            f"gw-{store.net}-0",
            topics.gateway_filters(store.net),
            user=config.broker.user,
            password=config.password().reveal(),
        )
        self._rounds = Rounds(store, self.bus.wake)
        self.sessions = Sessions(store)
        self.devices = Devices(
            store, clock, is_open=config.enrol == "open", faucet_micro=config.faucet_micro
        )
        self._payments = Payments(self.sessions, self.stats)
        self._answers = Answers(self.bus, key, store, self.stats)
        settler = Settler(store, LocalLedger(store, clock), clock)
        self._settling = Settling(
            settler, self._rounds, self.sessions, self._answers, self.stats, config.settle_s
        )
        self._limiter = Limiter(NOTICE_BURST, NOTICE_RATE)
        self._handlers = self._make_handlers()
        self._next_beacon_s = 0.0
        self._next_health_s = 0.0
        self._stalled = False
        self.stopping = False

    def _make_handlers(self) -> dict[str, Handler]:
        goods = Goods(self._store, self.sessions, self.stats, self._clock)
        openings = Openings(self.config, self._store, self.devices, self.sessions, self._clock)
        return {
            "pay": self._payments.read,
            "hello": self.devices.hello,
            "open": openings.open,
            "close": openings.close,
            "offer": goods.offer,
            "take": goods.take,
            "health": _only_counted,
            "fault": _only_counted,
        }

    # --- life

    def start(self, timeout_s: float) -> bool:
        """Load the state and connect; False if the broker could not be reached in time. Raises StoreError."""
        self._load()
        deadline = time.monotonic() + timeout_s
        while not self.bus.connected:
            if time.monotonic() > deadline or self.stopping:
                return False
            self.bus.poll(0.1)
        self._tell_time(time.monotonic())
        return self.bus.flush(max(1.0, deadline - time.monotonic()))

    def run(self) -> None:
        """Serve until `stop`. Raises StoreError if the store cannot be read or written any more."""
        while not self.stopping:
            self.step(self._wait_s())

    def stop(self) -> None:
        """Make `run` return; from any thread or a signal handler."""
        self.stopping = True
        self.bus.wake()

    def finish(self) -> None:
        """After `run`: take in what has already arrived, settle it, tell everybody, disconnect."""
        end = time.monotonic() + DRAIN_S
        while self._busy() and time.monotonic() < end:
            self.step(QUIET_S)
        self._settling.run()
        end = time.monotonic() + STOP_S
        while self._rounds.in_flight and time.monotonic() < end:
            self.bus.poll(QUIET_S)
            self._rounds.collect()
        self._answers.health(self.stats.as_dict())
        self.bus.flush(STOP_S)
        self.bus.close()

    def _busy(self) -> bool:
        """Whether a look at the bus finds something, or the disk has not answered yet."""
        self.bus.poll(QUIET_S)
        return bool(self.bus.waiting() or self._rounds.in_flight)

    def step(self, timeout_s: float) -> None:
        """One turn of the loop."""
        self.bus.poll(timeout_s)
        self._rounds.collect()
        if self._stalled:
            self._recover()
        inbox = self.bus.drain()
        if inbox and not self._stalled:
            self._serve(inbox)
        self._keep_time()

    # --- one round

    def _serve(self, inbox: list[Inbound]) -> None:
        round_ = Round(inbound.token for inbound in inbox)
        later: list[Message] = []
        for inbound in inbox:
            self._guard(partial(self._read, inbound, later, round_), inbound.topic, round_)
        self._guard(partial(self._payments.process, round_), "", round_)
        # After the payments: a close in the same round is compared with what they say.
        for message in later:
            self._guard(partial(self._handlers[message.kind], message, round_), message, round_)
        self._refuse(round_)
        self._rounds.submit(round_, self._finish)

    def _read(self, inbound: Inbound, later: list[Message], round_: Round) -> None:
        message = decode(self._store.net, inbound, self.config.max_payload)
        if message.sender == self.key.id:
            return
        if message.kind not in self._handlers:
            raise Fault(BAD_TOPIC)
        self.stats.read(message.kind, len(message.payload))
        if message.kind == "pay":
            self._payments.read(message, round_)
        else:
            later.append(message)

    def _guard(self, work: Callable[[], None], source: str | Message, round_: Round) -> None:
        """Whatever one message does, the others of the round go on (P12)."""
        try:
            work()
        except Fault as fault:
            sender = sender_of(self._store.net, source) if isinstance(source, str) else source.sender
            round_.refuse(sender, fault.code)
        except Exception:  # noqa: BLE001 - the supervisor: a defect must not stop the others; it logs and counts
            self.stats.defects += 1
            _log.exception("a message was dropped because of a defect topic=%s", source)

    def _refuse(self, round_: Round) -> None:
        """Count refusals, keep the ones a sender is told of, and put the grave ones into the audit trail."""
        told = []
        now_s = time.monotonic()
        for refusal in round_.refusals:
            self.stats.refuse(refusal.code)
            if not self._limiter.allow((refusal.sender, refusal.code), now_s):
                continue
            told.append(refusal)
            _log.info("refused device=%s %s", refusal.sender.hex(), hints.explain(refusal.code))
            if refusal.code in RECORDED:
                channel = refusal.session.hash if refusal.session is not None else b""
                name = hints.name(refusal.code)
                round_.record(
                    partial(record_event, time_ms=self._clock(), code=name, device=refusal.sender, channel=channel)
                )
        round_.refusals = told

    def _finish(self, round_: Round, refused: tuple[bytes, ...], error: BaseException | None) -> None:
        """All of the round is durable: say so. Or nothing of it is: say nothing and begin again."""
        if error is not None or round_.failed:
            self._stall(error)
            return
        for session, ahead in round_.ahead.items():
            if session.hash not in refused:
                session.stored(ahead)
        self._answer(round_)
        self.bus.ack(round_.tokens)

    def _answer(self, round_: Round) -> None:
        for session in round_.opened:
            self._answers.opened(session)
        for session, qos in round_.receipts.items():
            self._answers.receipt(session, qos=qos)
        self._answers.acks(round_.acks)
        for refusal in round_.refusals:
            if refusal.sender:
                handle = refusal.session.handle if refusal.session is not None else b""
                self._answers.notice(refusal.sender, refusal.code, handle)
        if round_.settle_soon:
            self._settling.soon(time.monotonic())

    # --- failure

    def _stall(self, error: BaseException | None) -> None:
        """A commit failed: what is in memory is ahead of the disk for good, so drop it and the connection."""
        self.stats.failed_commits += 1
        _log.error("nothing was acknowledged: %s", error or "an earlier part of the round was not stored")
        if not self._stalled:
            self._stalled = True
            self.bus.drop(PAUSE_S)

    def _recover(self) -> None:
        """Once nothing is under way any more, go on from what is durable; the broker delivers the rest again."""
        if not self._rounds.in_flight:
            self._load()
            self._stalled = False

    def _load(self) -> None:
        self.devices.load()
        self.sessions.load()

    # --- time

    def _wait_s(self) -> float:
        now_s = time.monotonic()
        dates = (self._next_beacon_s, self._next_health_s, now_s + self._settling.wait_s(now_s))
        return max(0.0, min(dates) - now_s)

    def _keep_time(self) -> None:
        now_s = time.monotonic()
        if not self._stalled:
            self._settling.run_if_due(now_s)
        if now_s >= self._next_beacon_s:
            self._tell_time(now_s)
        if now_s >= self._next_health_s:
            self._next_health_s = now_s + self.config.health_s
            self._answers.health(self.stats.as_dict())

    def _tell_time(self, now_s: float) -> None:
        self._next_beacon_s = now_s + self.config.beacon_s
        self._answers.beacon(self._clock() // 1000, self.config.unit, self.config.window_s)


def _only_counted(_message: Message, _round: Round) -> None:
    """A board's health and faults are for people; the gateway counts them."""
