# SPDX-License-Identifier: MIT
"""What is sold: the sellers' newest offers, and which of them each channel's payments are for.

No payment depends on it: it is for the statement. Prices are the two parties' own business.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from farthing import topics
from farthing.faults import BAD_TOPIC, UNKNOWN_CHANNEL, WRONG_SENDER, Fault
from farthing.messages import Offer, Take, sender_of

from . import store as tables
from .decode import Message
from .rounds import Round
from .sessions import Sessions
from .stats import Stats
from .store import Store
from .verify import require_signature, unwrap

KEPT_OFFERS = 10_000


class Goods:
    """Offers by (seller, offer id), the newest of each; a withdrawn one is kept for takes under way."""

    def __init__(self, store: Store, sessions: Sessions, stats: Stats, clock: Callable[[], int]) -> None:
        self._store = store
        self._sessions = sessions
        self._stats = stats
        self._clock = clock
        self._offers: OrderedDict[tuple[bytes, bytes], Offer] = OrderedDict()

    def offer(self, message: Message, _round: Round) -> None:
        """Raises Fault with WRONG_SENDER or BAD_SIGNATURE. An empty payload withdraws: nothing to do here."""
        if not message.payload:
            return
        signed = unwrap(Offer, message.payload)
        offer: Offer = signed.message
        if sender_of(offer) != message.sender:
            raise Fault(WRONG_SENDER)
        at = (message.sender, offer.id)
        known = self._offers.get(at)
        if known is not None and known.seq >= offer.seq:
            return
        require_signature(signed, offer.key, self._store.ledger_id)
        self._offers[at] = offer
        self._offers.move_to_end(at)
        self._stats.saw("offer", len(message.payload))
        if len(self._offers) > KEPT_OFFERS:
            self._offers.popitem(last=False)

    def take(self, message: Message, round_: Round) -> None:
        """Raises Fault with UNKNOWN_CHANNEL, BAD_TOPIC or BAD_SIGNATURE."""
        signed = unwrap(Take, message.payload)
        take: Take = signed.message
        refused = Fault(UNKNOWN_CHANNEL)
        for session in self._sessions.find(message.sender, take.handle):
            if session.payer != message.sender:
                continue
            if message.to not in (session.payee_id.hex(), topics.GATEWAY):
                refused = Fault(BAD_TOPIC)
                continue
            require_signature(signed, session.terms.payer, self._store.ledger_id, session.hash)
            offer = self._offers.get((session.payee_id, take.offer))
            good = offer.good if offer is not None else ""
            row = tables.Take(session.hash, take.offer, good, take.price, take.units, self._clock())
            round_.record(partial(tables.save_take, take=row))
            return
        raise refused
