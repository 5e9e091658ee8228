# SPDX-License-Identifier: MIT
"""Partners of a real board, played by a test: a buyer with an open channel, and the cheapest seller.

They follow no rule by themselves. No assertion is here.
"""

from __future__ import annotations

from farthing import cbor, cose, messages, topics
from farthing.channel import split_payments
from farthing.messages import Delivery, Offer, Open, Take
from market import Market
from party import Deal, LateError

PRICE = 120
BODY = bytes.fromhex("81a40064666c6f7701646d332f7302182a061a684ee180")


class Shopper:
    """A buyer played by the test, with an open channel to a board that sells."""

    def __init__(self, market: Market, units: int = 100):
        self.party = market.party()
        self.party._client.subscribe(topics.broadcasts("lab", "offer"), 1)
        payload, _ = cose.parse(self.party.next("offer"))
        self.offer = messages.decode(Offer, payload)
        self.seller = cose.key_id(self.offer.key).hex()
        self.units = units
        at = self.party.beacon
        self.terms = Open(
            at.ledger,
            at.instance,
            self.party.key.public,
            self.offer.key,
            at.unit,
            at.window_s,
            1,
            PRICE * units,
        )
        self.deal = Deal(self.party, self.party, self.terms)
        self.deal.open()
        self.party.opened(self.deal.handle)

    def take(self, **changed: object) -> None:
        take = Take(self.deal.handle, self.offer.id, self.offer.seq, PRICE, self.units)._replace(**changed)
        self.party.send(
            "take", self.party.sign(cose.TAKE, messages.encode(take), self.deal.hash), self.seller
        )

    def pay(self, *items: bytes) -> None:
        self.party.send("pay", b"".join(items), self.seller)

    def delivery(self, timeout_s: float = 5) -> tuple[Delivery, bytes]:
        """The next delivery and the whole message."""
        data = self.party.next("data", timeout_s)
        return messages.read(Delivery, cbor.Reader(data)), data


class Stall:
    """A seller played by the test that has the cheapest offer."""

    def __init__(self, market: Market, price: int = 10):
        self.party = market.party()
        self.price = price
        self.offer = self.party.offer("water-flow", price)

    def customer(self) -> str:
        """Wait for a take; the buyer's id."""
        self.opened = messages.decode(messages.Opened, cose.parse(self.party.next("opened", 10))[0])
        self.hash = messages.channel_hash(self.opened)
        self.party.next("take", 10)
        return cose.key_id(self.opened.payer).hex()

    def deliver(self, to: str, count: int, body: bytes, more: bytes = b"") -> None:
        self.party.send("data", messages.encode(Delivery(self.hash[:4], count, body)) + more, to)

    def highest(self) -> int:
        """The highest amount in the payments that have arrived (ticks of one price, from 0)."""
        highest = 0
        while True:
            try:
                data = self.party.next("pay", 0.2)
            except LateError:
                return highest
            for item in split_payments(data):
                if isinstance(item, bytes):
                    highest = max(highest, messages.payment(cose.parse(item)[0]).cum)
                else:
                    highest = max(highest, item.index * self.price)
