# SPDX-License-Identifier: MIT
"""A seller, a buyer and a gateway in one process, whose boards lose power at a chosen flash write.

The roles, the channel and the journal are the real ones; network, clock, gateway and signatures are as small
as can be. It holds no assertion but that no message is left undelivered for ever.
"""

import asyncio

from farthing import cose, messages, topics
from farthing._compat import sha256
from farthing.channel import Payee, split_payments
from farthing.faults import EQUIVOCATION, Fault
from farthing_agent.app import App
from farthing_agent.journal import Journal
from shared.flash import Flash, PowerCutError

PRICE = 120
LEDGER = "local"
TURNS = 3000
LATE = 40


class Keys:
    """Signatures that anybody could make, of the right size and with a low s."""

    def __init__(self, name):
        self.public = sha256(name + b"x").digest() + sha256(name + b"y").digest()
        self.id = cose.key_id(self.public)
        self.name = name

    def master(self):
        return sha256(self.name).digest()

    def make(self, digest):
        return bytes(32) + b"\x00" + sha256(self.public + digest).digest()[1:]

    async def sign(self, digest):
        return self.make(digest)

    async def verify(self, key, digest, signature):
        return signature == bytes(32) + b"\x00" + sha256(key + digest).digest()[1:]

    def hold(self, key):
        return None

    release = hold


class Clock:
    def __init__(self, world):
        self.world = world

    def ms(self):
        return self.world.now_ms

    def now_s(self):
        return 1700000000 + self.world.now_ms // 1000


class Link:
    """Puts what a board publishes into the world's queue."""

    tx_bytes = rx_bytes = reconnects = 0

    def __init__(self, world):
        self.world = world

    async def publish(self, topic, payload, qos=1, retain=False):
        self.world.queue.append((topic, bytes(payload)))


class Board(App):
    """An App on a flash, without files and without tasks."""

    def __init__(self, world, name, flash, gateway):
        self.clock = Clock(world)
        self.keys = Keys(name)
        self.id = self.keys.id.hex()
        self.link = Link(world)
        self.flash = flash
        self.journal = Journal(flash, "j")
        self.net, self.ledger, self.instance = "lab", LEDGER, b"i" * 16
        self.unit, self.window_s, self.gateway = "EUR", 60, gateway.public
        self.roles, self.faults, self.mem_at = [], {}, ()


class Shop:
    """The service that is sold: a number that grows."""

    good, unit = "flow", "l/s"
    served = 0

    def serve(self):
        Shop.served += 1
        return bytes.fromhex("81a40064666c6f7701636c2f730200061a684ee180")


class Gateway:
    """Confirms every channel, keeps the best payments, and closes when the payee agrees."""

    def __init__(self, world):
        self.world = world
        self.keys = Keys(b"gateway")
        self.channels = {}  # handle -> [terms, Payee, state]
        self.equivocations = 0

    def handle(self, kind, sender, data):
        if kind == "open":
            terms = messages.decode(messages.Open, cose.parse(data)[0])
            payee = Payee(terms, terms.amount)
            entry = self.channels.setdefault(payee.handle, [terms, payee, messages.OPEN])
            self.tell(entry, "opened", cose.OPENED, messages.encode(messages.Opened(*terms)))
            self.receipt(entry)
        elif kind == "pay":
            for item in split_payments(data):
                self.pay(item)
        elif kind == "close":
            close = messages.decode(messages.Close, cose.parse(data)[0])
            entry = self.channels[close.handle]
            by_payee = sender == cose.key_id(entry[0].payee).hex()
            if entry[2] != messages.CLOSED and (not by_payee or close.cum <= entry[1].cum):
                entry[2] = messages.CLOSED if by_payee else messages.CLOSING
            self.receipt(entry)

    def pay(self, item):
        handle = item.handle if not isinstance(item, bytes) else cose.parse(item)[0][:4]
        entry = self.channels[handle]
        payee = entry[1]
        try:
            if not isinstance(item, bytes):
                payee.tick(item.index, item.word)
            else:
                pending = payee.check(item)
                if pending:
                    payee.apply(pending)
                    self.receipt(entry)
        except Fault as fault:
            self.equivocations += fault.code == EQUIVOCATION

    def receipt(self, entry):
        _, payee, state = entry
        receipt = messages.Receipt(payee.handle, payee.cum, payee.seq, payee.index, payee.cum, 0, b"", state)
        self.tell(entry, "rcpt", cose.RECEIPT, messages.encode(receipt), payee.echo())

    def tell(self, entry, kind, signed_as, payload, echo=b""):
        terms, payee, _ = entry
        digest = cose.digest(cose.external_aad(LEDGER, payee.hash, signed_as), payload)
        data = cose.sign1(payload, self.keys.make(digest))
        for key, more in ((terms.payer, echo), (terms.payee, b"")):
            name = topics.topic("lab", self.keys.id.hex(), cose.key_id(key).hex(), kind)
            self.world.queue.append((name, data + more))


class World:
    """`cuts` is {"seller" or "buyer": (flash operation, bytes of it that get through)}, each once.

    `late`: this payment of the buyer is on its way when its power is cut, and arrives LATE messages later.
    `deaf`: the gateway gets no payment from the buyer.
    """

    def __init__(self, units, cuts, late=0, deaf=False):
        self.now_ms = 0
        self.queue = []
        self.offer = None
        self.units = units
        self.gateway = Gateway(self)
        self.late, self.deaf = late, deaf
        self.payments = self.delivered = 0
        self.held = None  # (when to deliver it, message)
        self.gone = ()  # boards that never come back
        self.restarts = 0
        self.unpaid_max = 0
        self.boards = {}
        for name in ("seller", "buyer"):
            self.power_on(name, Flash(*cuts.get(name, ())))

    def power_on(self, name, flash):
        """Start a board on its flash; a cut that comes at once means another start."""
        while True:
            try:
                board = Board(self, name.encode(), flash, self.gateway.keys)
                if name == "seller":
                    board.sell(Shop(), PRICE)
                else:
                    board.buy("flow", 150, self.units, lambda reading: None)
                break
            except PowerCutError:
                flash = flash.powered()
                self.restarts += 1
        self.boards[name] = board
        if name == "buyer" and self.offer:
            self.queue.append(self.offer)

    async def act(self, name, work, *args):
        """Let a board do something; when its power is cut in it, switch it on again."""
        board = self.boards[name]
        try:
            await board._guard(work, *args)
        except PowerCutError:
            self.restarts += 1
            self.power_on(name, board.flash.powered())

    def restart(self, name):
        """Cut a board's power between two of its acts."""
        self.restarts += 1
        self.power_on(name, self.boards[name].flash.powered())

    def is_held(self, topic, data):
        """Whether this payment stays on its way while the buyer loses power."""
        if not topic.endswith("/pay") or self.boards["buyer"].id not in topic:
            return False
        self.payments += 1
        if self.payments != self.late:
            return False
        self.held = self.delivered + LATE, topic, data
        self.restart("buyer")
        return True

    async def step(self):
        """Deliver what is under way, then let some time pass."""
        while self.queue:
            self.delivered += 1
            message = self.queue.pop(0)
            if not self.is_held(*message):
                await self.deliver(*message)
            if self.held and self.delivered >= self.held[0]:
                message, self.held = self.held[1:], None
                await self.deliver(*message)
        self.now_ms += 500
        for name in ("seller", "buyer"):
            if name not in self.gone:
                await self.act(name, self.boards[name].roles[0].tend)

    async def deliver(self, topic, data):
        parts = topic.split("/")
        sender, to, kind = parts[3:6]
        if kind == "offer":
            self.offer = (topic, data)
        if kind in ("pay", "open", "close") and not (self.deaf and kind == "pay" and to != "gw"):
            self.gateway.handle(kind, sender, data)
        for name in ("seller", "buyer"):
            board = self.boards[name]
            if to in (board.id, "all") and name not in self.gone:
                for role in board.roles:
                    if kind in role.kinds:
                        await self.act(name, role.handle, kind, sender, data)
        self.unpaid_max = max(self.unpaid_max, self.boards["seller"].roles[0].unpaid_max)

    async def live(self):
        """Run until the buyer has what it ordered and the seller knows of no open channel."""
        await self.boards["seller"].roles[0].greet()
        for _ in range(TURNS):
            await self.step()
            bought = self.boards["buyer"].roles[0]._finished or "buyer" in self.gone
            if bought and not self.queue and not self.boards["seller"].roles[0].sales:
                return
        raise RuntimeError("no end")


def lived(units=150, late=0, **cuts):
    """A world at the end of its trade."""
    world = World(units, cuts, late)
    asyncio.run(world.live())
    return world
