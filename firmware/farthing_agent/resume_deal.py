# SPDX-License-Identifier: MIT
"""What a buyer does only after a restart: take up its order and its deal, and find out what it has paid.

Nothing is believed without this board's own signature on it. Not here: the trade that goes on then (deal.py).
"""

from farthing import cose, messages
from farthing._compat import const
from farthing.channel import Payee, split_payments
from farthing.faults import BAD_SIGNATURE, Fault

from .deal import Deal

_ORDER = const(12)  # bytes of the order in its journal record; the deal follows


def restore(buyer, record: bytes) -> None:
    """What is left of the order, what it cost so far, and the deal that was under way."""
    left = int.from_bytes(record[:4], "big")
    buyer.units = buyer.left - left
    buyer.left = left
    buyer.micro = int.from_bytes(record[4:12], "big")
    if len(record) == _ORDER:
        return
    end = _ORDER + 1 + record[_ORDER]
    take = messages.decode(messages.Take, record[_ORDER + 1 : end])
    terms = messages.decode(messages.Open, cose.parse(record[end:])[0])
    buyer.deal = Deal(buyer, terms, record[end:], take, False)


async def learn(deal, echo: bytes) -> bool:
    """Go on from our own messages, echoed; False if they tell nothing new. Raises Fault.

    Each is checked against our own key first, so that a forged hint moves nothing.
    """
    keys = deal.app.keys
    seen = Payee(deal.terms, deal.cap)
    for item in split_payments(echo):
        if not isinstance(item, bytes):
            seen.tick(item.index, item.word)
            continue
        pending = seen.check(item)
        if not pending or not await keys.verify(keys.public, pending.digest, pending.signature):
            raise Fault(BAD_SIGNATURE)
        seen.apply(pending)
    if deal.is_trading() and seen.cum <= deal.payer.cum:
        return False
    before = deal.paid()
    deal.payer.resume(seen)
    deal.buyer.found(deal, deal.paid() - before)
    deal.commitment = deal.last = b""
    if deal.payer.chain:
        deal.commitment = seen.commitment_data
        if deal.payer.index:
            end = deal.payer.tick_again_into(deal.tick, 0)
            deal.last = bytes(memoryview(deal.tick)[:end])
    return True
