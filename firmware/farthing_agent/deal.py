# SPDX-License-Identifier: MIT
"""One channel as its buyer lives through it: open, resume after a restart, pay unit by unit, close.

A state machine without tasks: `handle` for each message, `tend` for what time does. Nothing but this board's
own signature moves what it has paid. Not here: which offer to take.
"""

import os

from farthing import cose, messages, topics
from farthing._compat import const, sha256
from farthing.cbor import ARRAY, Reader
from farthing.faults import (
    BAD_FIELD,
    BUSY,
    HANDLE_TAKEN,
    PRICE_CHANGED,
    SOLD_OUT,
    STALE,
    TOMBSTONE,
    UNKNOWN_CHANNEL,
    UNKNOWN_DEVICE,
    UNKNOWN_OFFER,
    WRONG_LEDGER,
    Fault,
)
from farthing.limits import CHECKPOINT, TICK
from farthing.payer import Payer

OPENING = 0
RESUMING = 1  # confirmed, but what was paid before the restart is not known yet
TRADING = 2
CLOSING = 3
CLOSED = 4

_AHEAD = const(64)  # units reserved in one flash write: the most that a power loss can cost
_CHAIN = const(256)  # ticks in one chain
_RETRY_MS = const(2000)
_RETRY_MOST_MS = const(16000)
_WINDOW_MS = const(60000)  # after the gateway confirmed the close, ask this seldom
_ECHO_MS = const(4000)  # wait so long for an echo before everything reserved counts as spent
_DEAD = (TOMBSTONE, HANDLE_TAKEN, WRONG_LEDGER, UNKNOWN_DEVICE)  # of one side or the other
_REFUSALS = (UNKNOWN_OFFER, PRICE_CHANGED, SOLD_OUT)


class Deal:
    """`terms` is the Open, `opening` its signed bytes; `take` has price, offer id, offer_seq and units.

    `fresh`: nothing was ever signed on this channel.
    """

    def __init__(self, buyer, terms, opening: bytes, take, fresh: bool):
        self.app = buyer.app
        self.buyer = buyer
        self.terms = terms
        self.opening = opening
        self.take = take
        self.hash = messages.channel_hash(terms)
        self.seller = cose.key_id(terms.payee).hex()
        self.state = OPENING
        self.payer = None
        self.cap = self.receipt_cum = 0
        self.commitment = b""
        self.last = b""  # the last tick, with its voucher
        self.head = self.hash if fresh else b""
        self.behind = not fresh
        self.busy = False  # the seller had no room for us
        self.served = False  # this seller delivered since we started
        self.early = b""  # a receipt that came before `opened`
        self.tries = 0
        now = self.app.clock.ms()
        self.since_ms = self.next_ms = self.reopen_ms = now
        self.tick = bytearray(TICK)

    # --- where we are

    def paid(self) -> int:
        """Units paid on this channel: it keeps one price for its whole life."""
        return max(self.payer.cum if self.payer else 0, self.receipt_cum) // self.take.price

    def until(self) -> int:
        """The unit after which the deal is done."""
        return min(self.take.units, self.cap // self.take.price) if self.payer else self.take.units

    def is_trading(self) -> bool:
        """Whether units are being paid, and not only looked for."""
        return self.state == TRADING

    def _moved(self) -> None:
        self.tries = 0
        self.since_ms = self.app.clock.ms()
        self._schedule()

    def _schedule(self) -> None:
        wait_ms = min(_RETRY_MS << min(self.tries, 4), _RETRY_MOST_MS)
        self.next_ms = self.app.clock.ms() + wait_ms - wait_ms * os.urandom(1)[0] // 1024

    # --- time

    async def tend(self) -> None:
        """Repeat what got no answer; give a silent seller up."""
        now = self.app.clock.ms()
        if now < self.next_ms or self.state == CLOSED:
            return
        if self.state == RESUMING and now - self.since_ms > _ECHO_MS:
            self.payer.resume_blind()
            self.buyer.found(self, self.paid())
            await self._trade()
        elif self.state == TRADING and now - self.since_ms > self.buyer.patience_ms:
            await self.close()
        else:
            await self._repeat()
            self.tries += 1
        self._schedule()

    async def _repeat(self) -> None:
        if self.state == CLOSING:
            await self._send_close()
        elif self.state == TRADING:
            await self.app.send(self.seller, "pay", self.commitment + self.last)
            if not self.served or self.tries:
                await self._send_take()
        else:
            await self.app.send(topics.GATEWAY, "open", self.opening)
            if self.state == RESUMING:
                await self._send_take()  # a seller answers a repeated take with an echo

    # --- messages

    async def handle(self, kind: str, sender: str, data: bytes) -> None:
        """Act on one message. Raises Fault for what does not hold."""
        if kind == "opened" and self.state == OPENING:
            await self._opened(data)
        elif kind == "rcpt":
            await self._receipt(data)
        elif kind == "data" and self.state == TRADING and sender == self.seller:
            await self._data(data)
        elif kind == "echo" and self.behind and self.state in (RESUMING, TRADING):
            if await self._learn(data):
                await self._trade()
        elif kind == "fault":
            await self._notice(sender, data)

    async def _notice(self, sender: str, data: bytes) -> None:
        """A refusal. It is not signed, so it may hurry us, and never costs more than this deal."""
        notice = messages.decode(messages.Notice, data)
        if sender != self.seller:
            if notice.code == UNKNOWN_DEVICE:
                await self.app.hello()
            elif notice.code != STALE:
                self.app.count(notice.code)
            waited_ms = self.app.clock.ms() - self.since_ms
            if notice.code in _DEAD and self.state == OPENING and waited_ms > self.buyer.patience_ms:
                self.state = CLOSED
                self.buyer.closed(self)
        elif self.state == TRADING and notice.handle == self.hash[:4]:
            await self._refused(notice.code)

    async def _refused(self, code: int) -> None:
        """The seller has no room for us, does not know of the channel, or wants other terms."""
        if code in _REFUSALS:
            await self.close()
        elif code == BUSY and self.buyer.has_choice(self.seller):
            self.busy = True
            await self.close()
        elif code in (BUSY, UNKNOWN_CHANNEL) and self.app.clock.ms() >= self.reopen_ms:
            # The gateway tells it once more; the next repetition of what we sent may find it ready.
            self.reopen_ms = self.app.clock.ms() + _RETRY_MS
            if code == BUSY:
                self.since_ms = self.app.clock.ms()
            await self.app.send(topics.GATEWAY, "open", self.opening)

    async def _opened(self, data: bytes) -> None:
        parts = cose.parse(data)
        opened = messages.decode(messages.Opened, parts[0])
        if messages.channel_hash(opened) != self.hash:
            return
        await self.app.verify(self.app.gateway, cose.OPENED, parts, self.hash)
        self.cap = opened.cap
        self.payer = Payer(opened, opened.cap, self.app.keys.master())
        self.payer.watermark, self.payer.seq_watermark = self.buyer.watermarks(self.payer.handle)
        self.app.keys.hold(opened.payee)
        self.buyer.announce(self)
        self._moved()
        if not self.payer.seq_watermark:
            await self._trade()
            return
        self.state = RESUMING
        if self.early:
            await self._receipt(self.early)

    async def _receipt(self, data: bytes) -> None:
        reader = Reader(data)
        parts = cose.read(reader)
        receipt = messages.decode(messages.Receipt, parts[0])
        if receipt.handle != self.hash[:4]:
            return
        if receipt.state == messages.OPEN and self.state != RESUMING:
            self.early = data if self.state == OPENING else b""
            return
        await self.app.verify(self.app.gateway, cose.RECEIPT, parts, self.hash)
        if receipt.state == messages.CLOSED:
            before = self.paid()
            self.receipt_cum = receipt.cum  # it may know of more after a restart; it counts, and pays nothing
            self.buyer.found(self, self.paid() - before)
            self.state = CLOSED
            self.buyer.closed(self)
        elif receipt.state == messages.CLOSING:
            if self.state < CLOSING:
                await self.close()
            self.next_ms = self.app.clock.ms() + _WINDOW_MS
            self.buyer.closing(self)
        else:
            await self._resume(receipt, data, reader)

    async def _resume(self, receipt, data: bytes, reader: Reader) -> None:
        if reader.more() and reader.major() == ARRAY:
            messages.read(messages.Proof, reader)
        echo = data[reader.pos :]
        # Nothing held is an answer, too: what a seller may hold beyond it, its own echo will show.
        if (echo or not receipt.cum) and await self._learn(echo):
            await self._trade()

    async def _learn(self, echo: bytes) -> bool:
        """Resume from our own messages; True if they told something."""
        from .resume_deal import learn  # rarely needed, so it takes no room before

        if not await learn(self, echo):
            return False
        self.behind = False
        self._moved()
        return True

    # --- paying

    async def _trade(self) -> None:
        """Begin to trade, or go on: show what is paid and ask for the next unit."""
        self.state = TRADING
        if self.paid() >= self.until():
            await self.close()
            return
        if not self.payer.left():
            await self._commit()
            self.last = b""
        self._schedule()
        await self.app.send(self.seller, "pay", self.commitment + self.last)
        await self._send_take()

    def _reserve(self) -> None:
        """P10: what the next message may spend is durable before it is signed."""
        if self.payer.must_reserve(self.take.price):
            self.payer.reserve(_AHEAD * self.take.price)
            self.buyer.keep_watermarks(self.payer)

    async def _commit(self) -> None:
        self._reserve()
        length = min(_CHAIN, self.until() - self.paid())
        payload = self.payer.next_chain(self.take.price, length)
        self.commitment = await self.app.sign(cose.COMMITMENT, payload, self.hash)

    async def _send_take(self) -> None:
        data = await self.app.sign(cose.TAKE, messages.encode(self.take), self.hash)
        await self.app.send(self.seller, "take", data)

    async def _data(self, data: bytes) -> None:
        reader = Reader(data)
        delivery = messages.read(messages.Delivery, reader)
        if delivery.handle != self.hash[:4]:
            return
        ahead = delivery.count - self.paid()
        if ahead > 1:
            self.behind = True  # the seller has payments of ours that we forgot: its echo will show them
        if ahead != 1:
            return  # a repetition; if the seller misses our last tick, the timer repeats that
        self.buyer.received(delivery.body)
        self.served = True
        if self.head:
            state = sha256(self.head)
            state.update(delivery.body)
            self.head = state.digest()
        await self._pay()
        if reader.more():
            await self._check_head(reader, delivery.count)

    async def _pay(self) -> None:
        data = b""
        if not self.payer.left():
            await self._commit()
            data = self.commitment
        self._reserve()
        end = self.payer.tick_into(self.tick, 0)
        self.last = bytes(memoryview(self.tick)[:end])
        paid = self.paid()
        done = paid >= self.until()
        # The first one after half the distance, so that a young channel has a voucher to redeem, too.
        if done or paid % CHECKPOINT == CHECKPOINT // 2:
            payload = self.payer.voucher_payload()
            self.last += await self.app.sign(cose.VOUCHER, payload, self.hash)
            self.buyer.vouchers += 1
        self._moved()
        await self.app.send(self.seller, "pay", data + self.last)
        self.buyer.paid(self)
        if done:
            await self.close()

    async def _check_head(self, reader: Reader, count: int) -> None:
        """The seller's signature over everything it delivered so far."""
        parts = cose.read(reader)
        head = messages.decode(messages.Head, parts[0])
        if head.count != count or head.handle != self.hash[:4]:
            raise Fault(BAD_FIELD)
        await self.app.verify(self.terms.payee, cose.HEAD, parts, self.hash)
        if self.head and head.head != self.head:
            self.buyer.gaps += 1  # a restart of the seller leaves one; many are a reason to distrust it
        self.head = head.head

    # --- the close

    async def close(self) -> None:
        """Ask the gateway to close; the seller agrees, or the window passes."""
        self.state = CLOSING
        self.commitment = self.last = b""
        self._moved()
        await self._send_close()

    async def _send_close(self) -> None:
        message = messages.Close(self.hash[:4], self.payer.cum if self.payer else 0)
        data = await self.app.sign(cose.CLOSE, messages.encode(message), self.hash)
        await self.app.send(topics.GATEWAY, "close", data)
