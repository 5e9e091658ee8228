# SPDX-License-Identifier: MIT
"""The gateway: bus -> decode -> verify -> sessions -> store -> answers -> PUBACK, in that one direction.

One thread does everything but the store's writing. The rules are in the rooms it wires together; here are the
loop, the order of things, and what happens when something fails.
"""

import logging
import time
from collections.abc import Callable

from farthing import routes

from .answers import Answers
from .bus import Bus
from .config import Config
from .decode import Message
from .devices import Devices
from .goods import Goods
from .intake import Handler, Intake
from .keys import GatewayKey
from .ledger import LocalLedger
from .openings import Openings
from .payments import Payments
from .rounds import Round, Rounds
from .sessions import Sessions
from .settle import Settler
from .settling import Settling
from .stats import Stats
from .store import Store, StoreError, wall_clock_ms

_log = logging.getLogger(__name__)

PAUSE_S = 2.0  # after a failed commit: a full disk is not empty the next moment
DRAIN_S = 3.0
QUIET_S = 0.05
STOP_S = 10.0


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
            routes.gateway_filters(store.net),
            user=config.broker.user,
            password=config.password().reveal(),
        )
        self._rounds = Rounds(store, self.bus.wake)
        self.sessions = Sessions(store)
        self.devices = Devices(
            store, clock, is_open=config.enrol == "open", faucet_micro=config.faucet_micro
        )
        self._answers = Answers(self.bus, key, store, self.stats)
        settler = Settler(store, LocalLedger(store, clock), clock)
        self._settling = Settling(
            settler, self._rounds, self.sessions, self._answers, self.stats, config.settle_s
        )
        self._intake = self._make_intake()
        self._next_beacon_s = 0.0
        self._next_health_s = 0.0
        self._stalled = False
        self.stopping = False

    def _make_intake(self) -> Intake:
        goods = Goods(self._store, self.sessions, self.stats, self._clock)
        openings = Openings(self.config, self._store, self.devices, self.sessions, self._clock)
        handlers: dict[str, Handler] = {
            "hello": self.devices.hello,
            "open": openings.open,
            "close": openings.close,
            "offer": goods.offer,
            "take": goods.take,
            "health": _only_counted,
            "fault": _only_counted,
        }
        payments = Payments(self.sessions, self.stats)
        most = self.config.max_payload
        return Intake(self._store.net, self.key.id, most, payments, handlers, self.stats, self._clock)

    # --- life

    def start(self, timeout_s: float) -> bool:
        """Load the state and connect; False if that took too long: see `bus.error`. Raises StoreError."""
        self._load()
        deadline = time.monotonic() + timeout_s
        while not self.bus.connected:
            if time.monotonic() > deadline or self.stopping:
                return False
            self.bus.poll(0.1)
        self._tell_time(time.monotonic())
        return self.bus.flush(max(1.0, deadline - time.monotonic())) and not self.bus.error

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
            self._collect()
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
        self._collect()
        if self._stalled:
            self._recover()
        inbox = self.bus.drain()
        if inbox and not self._stalled:
            self._rounds.submit(self._intake.round_of(inbox), self._finish)
        self._keep_time()

    # --- after the commit

    def _collect(self) -> None:
        for outcome in self._rounds.outcomes():
            try:
                outcome()
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - the supervisor: it is durable, so the others must be answered
                self.stats.defects += 1
                _log.exception("an answer was dropped because of a defect")

    def _finish(self, round_: Round, refused: tuple[bytes, ...], error: BaseException | None) -> None:
        """All of the round is durable: say so. Or nothing of it is: say nothing and begin again."""
        if error is not None or round_.failed:
            self._stall(error)
            return
        for session, ahead in round_.ahead.items():
            if session.hash not in refused:
                session.stored(ahead)
        try:
            self._answer(round_)
        finally:
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
        """Once nothing is under way, go on from what is durable; the broker delivers the rest again."""
        if not self._rounds.in_flight:
            self._load()
            self._stalled = False

    def _load(self) -> None:
        self.devices.load()
        self.sessions.load()

    # --- time

    def _wait_s(self) -> float:
        if self._stalled:
            return QUIET_S
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
