# SPDX-License-Identifier: MIT
"""Sells one service: keeps its offer published, serves several buyers at once, and sees channels closed.

At most one unit of a channel is out unpaid. Not here: what a unit is (the service), and how a channel's
state moves (sale.py).
"""

from farthing import cose, messages, topics
from farthing._compat import const
from farthing.cbor import Reader
from farthing.channel import split_payments
from farthing.faults import (
    BUSY,
    PRICE_CHANGED,
    STALE,
    UNKNOWN_CHANNEL,
    UNKNOWN_OFFER,
    Fault,
)
from farthing.limits import HANDLE

from .health import emit, room
from .sale import Sale

_ROOM = const(10240)  # bytes of RAM that a channel needs, with what serving it takes for a moment
_VALID_S = const(600)  # an offer is renewed when half of this is over
_RECLAIM_MS = const(5000)  # between two tries to close, doubled each time
_CLAIM_MOST_MS = const(300000)
_LAG_UNITS = const(128)  # two checkpoints without a receipt: the gateway gets our evidence


class Seller:
    """A role of App. `buyers`: channels served at once, RAM permitting; one idle for `idle_s` is closed.

    Raises ValueError where the service's `good` has not 1 to 16 bytes, or its `unit` 1 to 8.
    """

    name = "seller"
    kinds = ("take", "pay", "opened", "rcpt")
    broadcasts = ()

    def __init__(self, app, service, price_micro: int, buyers: int = 8, idle_s: int = 120):
        if not 1 <= len(service.good.encode()) <= 16 or not 1 <= len(service.unit.encode()) <= 8:
            raise ValueError
        self.app = app
        self.service = service
        self.price_micro = price_micro
        self.buyers = buyers
        self.idle_ms = idle_s * 1000
        self.units = self.micro = self.unpaid_max = 0
        self._renew_s = 0
        self._next_ms = 0
        self._offer_id = cose.sha256(service.good.encode()).digest()[:8]
        self._offer_seq = self._number_offer()
        self.sales = []
        if app.journal.keys(b"c"):
            from .resume_sale import restore  # only after a restart

            restore(self)

    def will(self):
        """What the broker publishes when this board is lost: the offer is gone."""
        return (self.app.topic(topics.ALL, "offer"), b"", 1, True)

    def totals(self) -> dict:
        """For the health report."""
        return {"role": self.name, "units": self.units, "micro": self.micro, "sales": len(self.sales)}

    # --- the offer

    def _number_offer(self) -> int:
        """The sequence number goes up when the terms change, not when the same offer is renewed."""
        terms = self.price_micro.to_bytes(8, "big") + self._offer_id
        last = self.app.journal.get(b"s") or bytes(20)
        seq = int.from_bytes(last[:4], "big")
        if last[4:] != terms:
            seq += 1
            self.app.journal.put(b"s", seq.to_bytes(4, "big") + terms)
        return seq

    async def greet(self) -> None:
        """After each connection: publish the offer again, since the will may have cleared it."""
        now_s = self.app.clock.now_s()
        service = self.service
        offer = messages.Offer(
            self._offer_id,
            self.app.keys.public,
            service.good,
            service.unit,
            self.price_micro,
            1,
            0xFFFFFFFF,
            0,
            0,
            now_s + _VALID_S,
            self._offer_seq,
        )
        data = await self.app.sign(cose.OFFER, messages.encode(offer))
        await self.app.link.publish(self.app.topic(topics.ALL, "offer"), data, 1, True)
        self._renew_s = now_s + _VALID_S // 2

    async def tend(self) -> None:
        """Every half second: renew the offer, and see that what is owed gets claimed."""
        if self.app.clock.now_s() >= self._renew_s:
            await self.greet()
        now = self.app.clock.ms()
        if now < self._next_ms:
            return
        self._next_ms = now + _RECLAIM_MS
        for sale in list(self.sales):
            if sale.closing or now - sale.active_ms > self.idle_ms:
                if now >= sale.claim_ms:
                    await self._claim(sale)
            elif sale.payee.cum - sale.receipt_cum > _LAG_UNITS * self.price_micro:
                await self._show_evidence(sale)

    # --- messages

    async def handle(self, kind: str, sender: str, data: bytes) -> None:
        """Act on one message for this board. Raises Fault."""
        if kind == "pay":
            await self._pay(sender, data)
        elif kind == "take":
            await self._take(sender, data)
        elif not data:
            return  # the gateway cleared a retained message
        elif kind == "opened":
            await self._opened(data)
        else:
            await self._receipt(data)

    async def _served(self, handle: bytes, sender: str):
        """The sale of a buyer that asks for it. Raises Fault(UNKNOWN_CHANNEL) or Fault(BUSY), and says so."""
        for sale in self.sales:
            if sale.payee.handle == handle and sale.buyer == sender:
                return sale
        code = BUSY if self._is_full() else UNKNOWN_CHANNEL
        await self._refuse(sender, code, handle)
        raise Fault(code)

    async def _opened(self, data: bytes) -> None:
        reader = Reader(data)
        parts = cose.read(reader)
        terms = messages.decode(messages.Opened, parts[0])
        if terms.payee != self.app.keys.public:
            return  # this board is the payer
        channel = messages.channel_hash(terms)
        old = None
        for sale in self.sales:
            if sale.payee.hash == channel:
                old = sale
        if old and old.payee.cap >= terms.cap:
            return
        await self.app.verify(self.app.gateway, cose.OPENED, parts, channel)
        if old:
            old.payee.cap = terms.cap
            return
        if not self._make_room():
            raise Fault(BUSY)  # its buyer hears of it when it asks to be served
        sale = Sale(self.app, terms, self.price_micro)
        self.app.journal.put(sale.key(b"c"), parts[0])
        self.add(sale)

    def add(self, sale) -> None:
        """Serve one more channel."""
        self.sales.append(sale)
        self.app.keys.hold(sale.terms.payer)

    def _is_full(self) -> bool:
        return bool(self.sales) and (len(self.sales) >= self.buyers or room() < _ROOM)

    def _make_room(self) -> bool:
        """Whether one more channel can be served; drops one that nobody uses if that is what it takes."""
        if not self._is_full():
            return True
        for sale in self.sales:
            unused = not sale.payee.cum and not sale.take
            if unused or sale.terms.instance != self.app.instance:
                self._forget(sale)
                return True
        return False

    def _forget(self, sale) -> None:
        self.sales.remove(sale)
        self.app.keys.release(sale.terms.payer)
        self.app.journal.put(sale.key(b"e"), b"")
        self.app.journal.put(sale.key(b"c"), b"")

    async def _refuse(self, buyer: str, code: int, handle: bytes) -> None:
        notice = messages.Notice(code, handle, 0)
        await self.app.send(buyer, "fault", messages.encode(notice), 0)

    async def _take(self, sender: str, data: bytes) -> None:
        parts = cose.parse(data)
        take = messages.decode(messages.Take, parts[0])
        sale = await self._served(take.handle, sender)
        if data != sale.take:
            code = self._why_not(take)
            if code:
                await self._refuse(sender, code, take.handle)
                raise Fault(code)
            await self.app.verify(sale.terms.payer, cose.TAKE, parts, sale.payee.hash)
            sale.take = data
            sale.until = take.units
            sale.active_ms = self.app.clock.ms()
            emit(
                "deal",
                channel=take.handle.hex(),
                peer=sender,
                good=self.service.good,
                price=take.price,
                units=take.units,
            )
        elif sale.payee.cum:
            await self.app.send(sender, "echo", sale.payee.echo(), 0)  # it asks again: it may have restarted
        await self._serve(sale)

    def _why_not(self, take) -> int:
        if take.offer != self._offer_id:
            return UNKNOWN_OFFER
        if take.price != self.price_micro or take.offer_seq != self._offer_seq:
            return PRICE_CHANGED
        return 0

    async def _pay(self, sender: str, data: bytes) -> None:
        sale = None
        for item in split_payments(data):
            handle = cose.parse(item)[0][:HANDLE] if isinstance(item, bytes) else item.handle
            sale = await self._served(handle, sender)
            before = sale.paid()
            try:
                await sale.accept(item)
            except Fault as fault:
                if fault.code == STALE:
                    await self.app.send(sender, "echo", sale.payee.echo(), 0)
                else:
                    await self._refuse(sender, fault.code, handle)
                raise
            self._book(sale, sale.paid() - before)
        if sale:
            await self._serve(sale)

    def _book(self, sale, units: int) -> None:
        if not units:
            return
        sale.active_ms = self.app.clock.ms()
        before = self.units
        self.units += units
        self.micro += units * self.price_micro
        self.app.mark(self.units)
        if before // 10 != self.units // 10 or sale.paid() == sale.until:
            emit("sold", units=self.units, micro=self.micro, unpaid_max=self.unpaid_max)

    async def _serve(self, sale) -> None:
        if not sale.may_serve():
            if not sale.unpaid():
                sale.pending = b""  # nobody will ask for it again
            return
        data = await sale.serve(self.service)
        self.unpaid_max = max(self.unpaid_max, sale.unpaid())
        await self.app.send(sale.buyer, "data", data, 0)

    # --- receipts and the close

    async def _receipt(self, data: bytes) -> None:
        parts = cose.read(Reader(data))
        receipt = messages.decode(messages.Receipt, parts[0])
        for sale in list(self.sales):
            news = receipt.cum > sale.receipt_cum or receipt.state != messages.OPEN
            if news and sale.payee.handle == receipt.handle:
                await self._confirmed(sale, receipt, parts)

    async def _confirmed(self, sale, receipt, parts) -> None:
        try:
            await self.app.verify(self.app.gateway, cose.RECEIPT, parts, sale.payee.hash)
        except Fault as fault:
            self.app.count(fault.code)  # forged, or of another channel with the same handle
            return
        sale.receipt_cum = max(sale.receipt_cum, receipt.cum)
        if receipt.state == messages.CLOSED:
            self._forget(sale)
            emit("closed", channel=receipt.handle.hex(), cum=receipt.settled)
        elif receipt.state == messages.CLOSING and not sale.closing:
            sale.closing = True  # nothing is served any more, and what is owed is claimed at once
            await self._claim(sale)

    async def _show_evidence(self, sale) -> None:
        await self.app.send(topics.GATEWAY, "pay", sale.payee.echo())

    async def _claim(self, sale) -> None:
        """Close: first show the gateway what it has not confirmed yet, since it refuses a higher amount."""
        sale.closing = True
        sale.claim_ms = self.app.clock.ms() + min(_RECLAIM_MS << sale.claims, _CLAIM_MOST_MS)
        sale.claims = min(sale.claims + 1, 8)
        if sale.receipt_cum < sale.payee.cum:
            await self._show_evidence(sale)
        await self.app.send(topics.GATEWAY, "close", await sale.close())
