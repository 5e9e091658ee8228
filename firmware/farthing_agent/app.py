# SPDX-License-Identifier: MIT
"""Wires a board together: settings, key, journal, link and the roles that sell and buy.

Messages are handled one after the other by one task, so a role never meets itself half-way.
Not here: what a role does with a message. The broker is trusted with nothing: what counts is signed.
"""

import asyncio
import gc
import sys

from farthing import cose, messages, topics
from farthing.faults import BAD_SIGNATURE, MALFORMED, MEMORY, WRONG_NET, WRONG_SENDER, Fault

from .clock import Clock
from .hal import unix as files
from .health import allocated, emit, report
from .journal import Journal
from .keystore import Keystore, forget
from .link import Link

AGENT = "farthing/0.1"
_INBOX = 24  # messages waiting; more are dropped and come again, since every sender repeats
_GATEWAYS = ("beacon", "opened", "rcpt")
_TEND_S = 0.5
_WINDOW = 4  # messages not yet acknowledged
_TX_SIZE = 1024  # the longest that a board sends is a delivery with its head
_HEALTH_MS = 60000
_HELLO_MS = 10000  # a broker that dies may lose one that it acknowledged, and a stranger sells nothing
_LONELY_MS = 15000  # connected and no word of our gateway for so long: tell whoever set this board up
_BEACON_MS = 300000  # a later beacon is verified when the last good one is this old


def _settings():
    from .settings import load

    found = load()
    forget("farthing_agent", "settings")
    return found


class App:
    """One board. Give it a role with `sell` or `buy`, then `run` it.

    `mem_at`: numbers of units at which the live memory is printed.
    """

    def __init__(self, mem_at=()):
        self.clock = Clock()
        self.mem_at = mem_at
        self.roles = []
        self.faults = {}  # code -> count
        self.dropped = 0
        self.link = None
        self.ledger = self.unit = ""
        self.instance = b""
        self.window_s = self._beacon_seq = 0
        self._beacon_ms = self._health_ms = self._hello_ms = 0
        self._greeted = self._marked = 0
        self._due = False
        self._waiting = []
        self._early = []  # what came before the first beacon, without which no signature can be checked
        self._wake = asyncio.Event()
        try:
            self.net, self._broker, self.gateway = _settings()
            self._gateway_id = cose.key_id(self.gateway).hex()
            self.keys = Keystore(files)
            self.journal = Journal(files)
        except Fault as fault:
            emit("fault", code=fault.code, key=getattr(fault, "detail", ""))
            sys.exit(1)
        self.id = self.keys.id.hex()

    def sell(self, service, price_micro: int, **options) -> None:
        """Offer one service (services.sensor.Sensor, say) at `price_micro` micro-units a delivery."""
        from .seller import Seller

        self.roles.append(Seller(self, service, price_micro, **options))

    def buy(self, good: str, limit_micro: int, units: int, on_reading=print, **options) -> None:
        """Buy `units` deliveries of a good at no more than `limit_micro` micro-units each."""
        from .buyer import Buyer

        self.roles.append(Buyer(self, good, limit_micro, units, on_reading, **options))

    def run(self) -> None:
        """Serve until the power goes (or Ctrl-C)."""
        asyncio.run(self.main())

    async def main(self) -> None:
        """`run` for a program that has tasks of its own."""
        emit(
            "boot",
            role="+".join([role.name for role in self.roles]),
            id=self.id,
            runtime=sys.version,
            backend=self.keys.backend,
        )
        self._connect()
        tasks = [asyncio.create_task(self.link.run()), asyncio.create_task(self._beat())]
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._serve()
        finally:
            for task in tasks:
                task.cancel()

    def _connect(self) -> None:
        net = self.net
        subscriptions = [(topics.inbox(net, self.id), 1), (topics.broadcasts(net, "beacon"), 1)]
        will = None
        for role in self.roles:
            for kind in role.broadcasts:
                subscriptions.append((topics.broadcasts(net, kind), 1))
            will = role.will() or will
        broker = self._broker
        self.link = Link(
            broker["host"],
            broker["port"],
            self.id,
            broker.get("user"),
            broker.get("password"),
            broker.get("tls"),
            will=will,
            on_message=self._on_message,
            subscriptions=subscriptions,
            window=_WINDOW,
            tx_size=_TX_SIZE,
        )

    # --- sending

    def topic(self, to: str, kind: str) -> str:
        """The topic on which this board writes `kind` to `to`."""
        return topics.topic(self.net, self.id, to, kind)

    async def send(self, to: str, kind: str, data: bytes, qos: int = 1) -> None:
        """Publish to one device or the gateway; returns when the broker has it (QoS 1)."""
        await self.link.publish(self.topic(to, kind), data, qos)

    async def sign(self, kind: int, payload: bytes, channel: bytes = cose.NO_CHANNEL) -> bytes:
        """The signed message around a payload; `kind` is one of farthing.cose's message types."""
        aad = cose.external_aad(self.ledger, channel, kind)
        return cose.sign1(payload, await self.keys.sign(cose.digest(aad, payload)))

    async def verify(
        self, key: bytes, kind: int, parts, channel: bytes = cose.NO_CHANNEL, ledger: str = ""
    ) -> None:
        """Check the (payload, signature) of a signed message. Raises Fault(BAD_SIGNATURE)."""
        aad = cose.external_aad(ledger or self.ledger, channel, kind)
        if not await self.keys.verify(key, cose.digest(aad, parts[0]), parts[1]):
            raise Fault(BAD_SIGNATURE)

    # --- receiving

    def _on_message(self, topic: str, payload, retained: bool) -> None:
        parts = topic.split("/")
        # Offers come in bursts and one of many will do, so they leave room for the rest.
        if len(parts) < 6 or len(self._waiting) >= (_INBOX // 2 if parts[5] == "offer" else _INBOX):
            self.dropped += 1
            return
        try:
            self._waiting.append((parts[5], parts[3], bytes(payload)))
        except MemoryError:
            self.dropped += 1
        self._wake.set()

    async def _beat(self) -> None:
        while True:
            try:
                await asyncio.sleep(_TEND_S)
            except MemoryError:
                gc.collect()
            self._due = True
            self._wake.set()

    async def _serve(self) -> None:
        while self._waiting:
            await self._guard(self._handle, *self._waiting.pop(0))
        if self._marked:
            emit("mem", units=self._marked, alloc=allocated())
            self._marked = 0
        if self._due:
            self._due = False
            await self._guard(self._tend)

    async def _guard(self, work, *args) -> None:
        """Do one piece of work; whatever it raises costs that piece only, and is counted."""
        try:
            await work(*args)
        except Fault as fault:
            self.count(fault.code)
        except MemoryError:
            gc.collect()
            self.count(MEMORY)
        except Exception as error:  # noqa: BLE001 - the supervisor: a board has nobody to restart it
            self.count(MALFORMED, repr(error))

    def count(self, code: int, text: str = "") -> None:
        """Count a fault; the first of each code is printed."""
        self.faults[code] = self.faults.get(code, 0) + 1
        if self.faults[code] > 1:
            return
        try:
            emit("fault", code=code, text=text)
        except MemoryError:
            gc.collect()  # it is counted, and the health report will tell

    async def _handle(self, kind: str, sender: str, data: bytes) -> None:
        if kind in _GATEWAYS and sender != self._gateway_id:
            raise Fault(WRONG_SENDER)  # a broker with rules lets nobody write there; signatures decide
        if kind == "beacon":
            await self._beacon(data)
        elif not self.ledger:
            if len(self._early) < _INBOX // 2:
                self._early.append((kind, sender, data))
        else:
            for role in self.roles:
                if kind in role.kinds:
                    await role.handle(kind, sender, data)

    async def _beacon(self, data: bytes) -> None:
        parts = cose.parse(data)
        beacon = messages.decode(messages.Beacon, parts[0])
        if beacon.key != self.gateway:
            raise Fault(WRONG_SENDER)
        now = self.clock.ms()
        known = (beacon.ledger, beacon.instance) == (self.ledger, self.instance)
        if beacon.seq <= self._beacon_seq or (known and now - self._beacon_ms < _BEACON_MS):
            return
        await self.verify(beacon.key, cose.BEACON, parts, ledger=beacon.ledger)
        self.ledger = beacon.ledger
        self.instance = beacon.instance
        self.unit = beacon.unit
        self.window_s = beacon.window_s
        self._beacon_seq = beacon.seq
        self._beacon_ms = now
        self.clock.set(beacon.time_s)
        self._waiting.extend(self._early)
        self._early = []

    async def _tend(self) -> None:
        if not self.link.up.is_set():
            return
        if not self.ledger:
            if self.clock.ms() > _LONELY_MS and WRONG_NET not in self.faults:
                self.count(WRONG_NET, "no beacon on net " + self.net)
            return
        if self._greeted != self.link.connects:
            greeting = self.link.connects
            await self.hello()
            for role in self.roles:
                await role.greet()
            self._greeted = greeting
        for role in self.roles:
            await role.tend()
        now = self.clock.ms()
        if now - self._hello_ms >= _HELLO_MS:
            await self.hello()
        if now - self._health_ms >= _HEALTH_MS or not self._health_ms:
            self._health_ms = now
            await self.send(topics.GATEWAY, "health", report(self), 0)

    async def hello(self) -> None:
        """Introduce this board to the gateway; again is harmless."""
        self._hello_ms = self.clock.ms()
        message = messages.Hello(self.keys.public, AGENT, sys.version[:96])
        await self.send(topics.GATEWAY, "hello", await self.sign(cose.HELLO, messages.encode(message)))

    def mark(self, units: int) -> None:
        """Print the live memory at the chosen numbers of units, when nothing waits to be handled."""
        if units in self.mem_at:
            self._marked = units
