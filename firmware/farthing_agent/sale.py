# SPDX-License-Identifier: MIT
"""One channel as its seller serves it: what is paid, the one unit that may be out unpaid, and the evidence.

Not here: which channels there are, offers, and signatures other than the head's.
"""

from farthing import cose, messages
from farthing._compat import sha256
from farthing.channel import Payee
from farthing.faults import BAD_SIGNATURE, PRICE_CHANGED, SERVICE, Fault

EVERY = 16  # units between two signed heads, and between two writes of the evidence


class Sale:
    """A channel whose `opened` the gateway signed."""

    def __init__(self, app, terms, price_micro: int):
        self.app = app
        self.terms = terms
        self.payee = Payee(terms, terms.cap)
        self.buyer = cose.key_id(terms.payer).hex()
        self.price_micro = price_micro
        self.until = 0  # serve up to this unit; 0: nothing taken yet
        self.take = b""
        self.count = 0  # number of the unit that is out
        self.pending = b""  # its delivery message
        self.head = self.payee.hash  # the buyer counts the gap that a restart leaves in the head chain
        self.saved = 0  # units that the journal's evidence covers
        self.receipt_cum = 0
        self.closing = False
        self.active_ms = app.clock.ms()
        self.claim_ms = self.claims = 0  # when to try to close again, after how many tries

    # --- the journal

    def key(self, kind: bytes) -> bytes:
        """The journal key of this channel's `kind` (b"c": confirmed terms, b"e": evidence)."""
        return kind + self.payee.hash[:16]

    def save(self) -> None:
        """Make the best evidence durable (P10: before more is served on it)."""
        self.app.journal.put(self.key(b"e"), self.payee.echo())
        self.saved = self.paid()

    # --- payments

    def paid(self) -> int:
        """Units paid for: a channel keeps one price for its whole life."""
        return self.payee.cum // self.price_micro

    async def accept(self, item) -> int:
        """Verify one item of a `pay` message; returns by how much `cum` rose. Raises Fault."""
        if not isinstance(item, bytes):
            return self.payee.tick(item.index, item.word)
        pending = self.payee.check(item)
        if pending is None:
            return 0
        is_chain = isinstance(pending.update, messages.Commitment)
        if is_chain and pending.update.unit != self.price_micro:
            raise Fault(PRICE_CHANGED)
        if not await self.app.keys.verify(self.terms.payer, pending.digest, pending.signature):
            raise Fault(BAD_SIGNATURE)
        rise = self.payee.apply(pending)
        if is_chain:
            self.save()
        return rise

    # --- deliveries

    def may_serve(self) -> bool:
        """True when a unit is wanted that is paid for up to the one before, and that the deposit covers."""
        payee = self.payee
        wanted = not self.closing and payee.commitment and self.paid() < self.until
        return bool(wanted) and payee.cum + self.price_micro <= payee.cap

    async def serve(self, service) -> bytes:
        """The delivery of the next unit; the very same message while that unit is unpaid (P9).

        Raises Fault(SERVICE) where the service fails and Fault(JOURNAL) where evidence can't be kept.
        """
        count = self.paid() + 1
        if self.pending and count == self.count:
            return self.pending
        if count - 1 - self.saved >= EVERY:
            self.save()
        try:
            body = service.serve()
        except Exception:  # noqa: BLE001 - a sensor's trouble, whatever it is, costs this unit only
            raise Fault(SERVICE)
        state = sha256(self.head)
        state.update(body)
        self.head = state.digest()
        data = messages.encode(messages.Delivery(self.payee.handle, count, body))
        if not count % EVERY or count == self.until:
            head = messages.Head(self.payee.handle, count, self.head, self.payee.cum)
            data += await self.app.sign(cose.HEAD, messages.encode(head), self.payee.hash)
        self.count = count
        self.pending = data
        return data

    def unpaid(self) -> int:
        """Units delivered and not paid for: 0 or 1."""
        return max(self.count - self.paid(), 0)

    # --- the close

    async def close(self) -> bytes:
        """This seller's signed agreement to close at what it holds."""
        message = messages.Close(self.payee.handle, self.payee.cum)
        return await self.app.sign(cose.CLOSE, messages.encode(message), self.payee.hash)
