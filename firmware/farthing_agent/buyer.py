# SPDX-License-Identifier: MIT
"""Buys one good: keeps the best offers it hears of, deals with the cheapest, and goes on when that fails.

Not here: how a deal goes (deal.py).
"""

import os

from farthing import cose, messages
from farthing._compat import const
from farthing.faults import OFFER_EXPIRED, SERVICE, WRONG_SENDER, Fault

from .deal import Deal
from .health import emit

_SELLERS = const(16)  # whose last epochs are kept
_OFFERS = const(6)  # candidates kept; the dearest gives way
_SETTLE_MS = const(1000)  # the retained offers come in a burst: choose after it
_SHUN_MS = const(120000)  # a seller that failed is not asked again so soon
_BUSY_MS = const(10000)  # one that only had no room


class Buyer:
    """A role of App. `patience_s`: how long a seller may be silent; `budget_micro`: the most to spend."""

    name = "buyer"
    kinds = ("offer", "opened", "rcpt", "data", "echo", "fault")
    broadcasts = ("offer",)

    def __init__(
        self,
        app,
        good: str,
        limit_micro: int,
        units: int,
        on_reading,
        patience_s: int = 30,
        budget_micro=None,
    ):
        self.app = app
        self.good = good
        self.limit_micro = limit_micro
        self.patience_ms = patience_s * 1000
        self.on_reading = on_reading
        self.budget_micro = units * limit_micro if budget_micro is None else budget_micro
        self.left = units
        self.units = self.micro = self.vouchers = self.gaps = 0
        self.unpaid_max = self.first_paid_ms = 0
        self.offers = {}  # sender -> Offer
        self.deal = None
        self._shunned = {}  # sender -> until when
        self._chosen_ms = 0
        self._finished = False
        record = app.journal.get(b"d")
        if record:
            from .resume_deal import restore  # only after a restart

            restore(self, record)

    def will(self):
        """A buyer leaves nothing behind."""

    def totals(self) -> dict:
        """For the health report."""
        return {"role": self.name, "units": self.units, "micro": self.micro, "left": self.left}

    async def greet(self) -> None:
        """After each connection nothing needs to be said again: the deal's own clock repeats."""

    # --- offers

    async def handle(self, kind: str, sender: str, data: bytes) -> None:
        """Act on one message for this board. Raises Fault."""
        if kind == "offer":
            await self._offer(sender, data)
        elif self.deal and data:
            await self.deal.handle(kind, sender, data)

    async def _offer(self, sender: str, data: bytes) -> None:
        if not data:
            self.offers.pop(sender, None)
            return
        parts = cose.parse(data)
        offer = messages.decode(messages.Offer, parts[0])
        if offer.good != self.good or not 0 < offer.price <= self.limit_micro:
            return
        if cose.key_id(offer.key).hex() != sender:
            raise Fault(WRONG_SENDER)
        if offer.valid_until_s < self.app.clock.now_s():
            raise Fault(OFFER_EXPIRED)
        worst = self._worst() if len(self.offers) >= _OFFERS and sender not in self.offers else ""
        if worst and (offer.price, sender) > (self.offers[worst].price, worst):
            return
        await self.app.verify(offer.key, cose.OFFER, parts)
        self.offers.pop(worst, None)
        self.offers[sender] = offer
        if not self._chosen_ms:
            self._chosen_ms = self.app.clock.ms() + _SETTLE_MS

    def _worst(self):
        found = None
        for sender in self.offers:
            if not found or (self.offers[sender].price, sender) > (self.offers[found].price, found):
                found = sender
        return found

    def has_choice(self, seller: str) -> bool:
        """Whether there is another offer than this seller's."""
        return self._best(seller) is not None

    def _best(self, but: str = ""):
        """The cheapest valid offer of a seller that did not just fail; ties by id."""
        now = self.app.clock.ms()
        found = None
        for sender in self.offers:
            offer = self.offers[sender]
            if offer.valid_until_s < self.app.clock.now_s() or sender in (but, self.app.id):
                continue
            if now < self._shunned.get(sender, 0):
                continue
            if not found or (offer.price, sender) < (found.price, cose.key_id(found.key).hex()):
                found = offer
        return found

    # --- deals

    async def tend(self) -> None:
        """Every half second: let the deal go on, or find one."""
        if self.deal:
            await self.deal.tend()
        elif self.left > 0 and self._chosen_ms and self.app.clock.ms() >= self._chosen_ms:
            offer = self._best()
            if offer:
                await self._begin(offer)

    async def _begin(self, offer) -> None:
        units = min(self.left, (self.budget_micro - self.micro) // offer.price)
        if units <= 0:
            return
        app = self.app
        terms = messages.Open(
            app.ledger,
            app.instance,
            app.keys.public,
            offer.key,
            app.unit,
            app.window_s,
            self._next_epoch(offer.key),
            units * offer.price,
        )
        channel = messages.channel_hash(terms)
        opening = await app.sign(cose.OPEN, messages.encode(terms), channel)
        take = messages.Take(channel[:4], offer.id, offer.seq, offer.price, units)
        record = messages.encode(take)
        self._keep_order(bytes((len(record),)) + record + opening)
        self.deal = Deal(self, terms, opening, take, True)
        await self.deal.tend()

    def _keep_order(self, deal: bytes = b"") -> None:
        """In one record, so that no cut counts a deal twice: what is left, what it cost so far, the deal."""
        order = self.left.to_bytes(4, "big") + self.micro.to_bytes(8, "big")
        self.app.journal.put(b"d", order + deal if self.left else b"")

    def _next_epoch(self, seller: bytes) -> int:
        """One more than the last with this seller; the first is random, lest an erased journal reuse one."""
        key = b"k" + cose.key_id(seller)[:8]
        known = self.app.journal.keys(b"k")
        if key not in known and len(known) >= _SELLERS:
            self.app.journal.put(known[0], b"")
        last = self.app.journal.get(key) or os.urandom(4)
        epoch = (int.from_bytes(last, "big") & 0x3FFFFFFF) + 1
        self.app.journal.put(key, epoch.to_bytes(4, "big"))
        return epoch

    # --- what a deal tells

    def watermarks(self, handle: bytes):
        """(micro-units, sequence number) up to which this channel may have been spent."""
        record = self.app.journal.get(b"w")
        if not record or record[:4] != handle:
            return 0, 0
        return int.from_bytes(record[4:12], "big"), int.from_bytes(record[12:], "big")

    def keep_watermarks(self, payer) -> None:
        """Make them durable, before anything above them is signed."""
        record = payer.handle + payer.watermark.to_bytes(8, "big") + payer.seq_watermark.to_bytes(4, "big")
        self.app.journal.put(b"w", record)

    def announce(self, deal) -> None:
        """The gateway confirmed the channel."""
        emit(
            "deal",
            channel=deal.hash[:4].hex(),
            peer=deal.seller,
            good=self.good,
            price=deal.take.price,
            units=deal.until(),
        )

    def received(self, body: bytes) -> None:
        """Hand a reading to the application; its trouble is its own, a body that is none is not paid."""
        from farthing.senml import decode

        reading = decode(body)
        try:
            self.on_reading(reading)
        except Exception as error:  # noqa: BLE001 - whatever the application does
            self.app.count(SERVICE, repr(error))

    def found(self, deal, units: int) -> None:
        """A deal turned out to have paid for so many units before the restart."""
        self.units += units
        self.micro += units * deal.take.price

    def paid(self, deal) -> None:
        """One more unit is received and paid."""
        self.found(deal, 1)
        self.unpaid_max = 1
        if not self.first_paid_ms:
            self.first_paid_ms = self.app.clock.ms()
        self.app.mark(self.units)
        if not self.units % 10 or deal.paid() >= deal.until():
            emit("paid", units=self.units, micro=self.micro)

    def closing(self, deal) -> None:
        """The gateway has the close: where the order is not complete, the next offer need not wait."""
        if deal.paid() < deal.until():
            self._end(deal)

    def closed(self, deal) -> None:
        """The gateway's receipt says that the channel is closed."""
        emit("closed", channel=deal.hash[:4].hex(), cum=deal.payer.cum if deal.payer else 0)
        self._end(deal)

    def _end(self, deal) -> None:
        if deal.paid() < deal.until():
            self._shunned[deal.seller] = self.app.clock.ms() + (_BUSY_MS if deal.busy else _SHUN_MS)
        self.app.keys.release(deal.terms.payee)
        self.left = max(self.left - deal.paid(), 0)
        self.deal = None
        self._keep_order()
        if not self.left and not self._finished:
            self._finished = True
            self._done()

    def _done(self) -> None:
        emit(
            "done",
            units=self.units,
            micro=self.micro,
            ticks=self.units,
            vouchers=self.vouchers,
            unpaid_max=self.unpaid_max,
            gaps=self.gaps,
            first_paid_ms=self.first_paid_ms,
            tx_bytes=self.app.link.tx_bytes,
            rx_bytes=self.app.link.rx_bytes,
        )
