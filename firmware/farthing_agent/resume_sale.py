# SPDX-License-Identifier: MIT
"""What a seller does only after a restart: take up the channels that its journal has.

Not here: the trade that goes on then (sale.py).
"""

from farthing import cose, messages
from farthing.channel import split_payments

from .sale import Sale


def restore(seller) -> None:
    """Every channel that was open, with the evidence that was written last."""
    journal = seller.app.journal
    for key in sorted(journal.keys(b"c")):
        terms = messages.decode(messages.Opened, journal.get(key))
        sale = Sale(seller.app, terms, seller.price_micro)
        evidence = journal.get(sale.key(b"e"))
        if evidence:
            _load(sale.payee, evidence)
            if sale.payee.commitment and sale.payee.commitment.unit == sale.price_micro:
                sale.until = sale.payee.cap // sale.price_micro
            sale.saved = sale.paid()
        seller.add(sale)


def _load(payee, evidence: bytes) -> None:
    """What this board itself had verified and written; no signature is checked again."""
    voucher = commitment = word = b""
    index = 0
    for item in split_payments(evidence):
        if not isinstance(item, bytes):
            index, word = item.index, item.word
        elif len(cose.parse(item)[0]) == messages.VOUCHER_SIZE:
            voucher = item
        else:
            commitment = item
    payee.restore(voucher, commitment, index, word)
