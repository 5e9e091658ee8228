# SPDX-License-Identifier: MIT
"""A unidirectional payment channel as its payee sees it, and the items of a payment message.

`Payee` is what a seller, and the gateway beside it, knows and accepts; `Payer` (payer.py) may sign next.
Verification has two phases: `check` does every cheap check and returns a `Pending` with the digest to verify,
the caller verifies the payer's signature, then `apply` changes the state. A tick needs no signature.
Not here: signatures, persistence, delivery. The callers must persist before they acknowledge or send (P10).
"""

from collections import namedtuple

from . import cose
from .cbor import TAG, Reader
from .faults import (
    CHAIN_END,
    CHANNEL_CLOSED,
    EQUIVOCATION,
    NO_CHAIN,
    OVER_CAP,
    STALE,
    UNKNOWN_CHANNEL,
    Fault,
)
from .faults import SKIP_CAP as FAULT_SKIP_CAP
from .limits import COMMITMENT as COMMITMENT_LIMIT
from .limits import HANDLE, MESSAGE, SKIP_CAP, TICK
from .messages import (
    Commitment,
    Tick,
    channel_hash,
    check_size,
    payment,
    read,
    tick_into,
)
from .payword import check_word

# A signed update that passed the cheap checks. `twin` marks one that contradicts an accepted one.
Pending = namedtuple("Pending", "update data digest signature twin")


class Payee:
    """One channel as its payee sees it. `cum` (micro-units) never falls, whatever order updates come in."""

    def __init__(self, terms, cap: int):
        """`terms`: an Open or Opened; `cap`: the deposit behind the channel, micro-units."""
        self.hash = channel_hash(terms)
        self.handle = self.hash[:HANDLE]
        self.payer = terms.payer
        self.payee = terms.payee
        self.ledger = terms.ledger
        self.cap = cap
        self.skip_cap = SKIP_CAP  # hashes one tick may cost; a payer reading its own echo may raise it
        self.closed = False
        self.cum = 0
        self.seq = 0
        self.signed_cum = 0
        self.last_voucher = None
        self.voucher = b""
        self.commitment = None
        self.commitment_data = b""
        self.index = 0
        self.word = b""

    def check(self, data: bytes):
        """Cheap checks of a signed update, in the order of cost.

        Returns None for the very bytes that were verified before (P9), else a Pending. Raises Fault with
        TOO_LARGE, BAD_COSE, HIGH_S, BAD_FIELD, UNKNOWN_CHANNEL, CHANNEL_CLOSED, OVER_CAP or STALE.
        """
        check_size(data, COMMITMENT_LIMIT)
        data = bytes(data)  # it is kept, and a view of a receive buffer would change under us
        payload, signature = cose.parse(data)
        update = payment(payload)
        is_chain = isinstance(update, Commitment)
        if update.handle != self.handle:
            raise Fault(UNKNOWN_CHANNEL)
        if self.closed:
            raise Fault(CHANNEL_CLOSED)
        if update.cum > self.cap:
            raise Fault(OVER_CAP)
        if self._is_known(data):
            return None
        twin = self._is_twin(update)
        if not twin and not self._advances(update, is_chain):
            raise Fault(STALE)
        kind = cose.COMMITMENT if is_chain else cose.VOUCHER
        digest = cose.digest(cose.external_aad(self.ledger, self.hash, kind), payload)
        return Pending(update, data, digest, signature, twin)

    def _advances(self, update, is_chain: bool) -> bool:
        if is_chain:  # a chain may start where the last one ended, but never below
            return update.seq > self.seq and update.cum >= self.cum
        return update.cum > self.signed_cum

    def _is_known(self, data: bytes) -> bool:
        return data in (self.voucher, self.commitment_data)

    def _is_twin(self, update) -> bool:
        """The payer said something else under this sequence number. The same words signed anew, or a newer
        number with the same amount, contradict nothing: they do not advance, and that is all."""
        for last in (self.last_voucher, self.commitment):
            if last and update.seq == last.seq:
                return update != last
        return False

    def apply(self, pending: Pending) -> int:
        """Take over an update whose signature the caller verified; returns by how much `cum` rose.

        The state may have moved since `check`, so everything that depends on it is asked again. Raises Fault
        with CHANNEL_CLOSED, EQUIVOCATION (a proven contradiction) or STALE.
        """
        update = pending.update
        if self.closed:
            raise Fault(CHANNEL_CLOSED)
        if self._is_known(pending.data):
            return 0
        if pending.twin or self._is_twin(update):
            raise Fault(EQUIVOCATION)
        is_chain = isinstance(update, Commitment)
        if not self._advances(update, is_chain):
            raise Fault(STALE)
        if is_chain:
            self.commitment = update
            self.commitment_data = pending.data
            self.index = 0
            self.word = update.root
        else:
            self.last_voucher = update
            self.voucher = pending.data
        self.signed_cum = update.cum
        self.seq = max(self.seq, update.seq)
        return self._raise_to(update.cum)

    def tick(self, index: int, word: bytes) -> int:
        """Verify and take over one tick; returns by how much `cum` rose (0 for the same tick again).

        Costs at most `skip_cap` hashes. Raises Fault with CHANNEL_CLOSED, NO_CHAIN, STALE, CHAIN_END,
        OVER_CAP, SKIP_CAP or BAD_WORD.
        """
        chain = self.commitment
        if self.closed:
            raise Fault(CHANNEL_CLOSED)
        if chain is None:
            raise Fault(NO_CHAIN)
        if index <= self.index:
            if index and index == self.index and word == self.word:
                return 0
            raise Fault(STALE)
        if index > chain.length:
            raise Fault(CHAIN_END)
        cum = chain.cum + index * chain.unit
        if cum > self.cap:
            raise Fault(OVER_CAP)
        if index - self.index > self.skip_cap:
            raise Fault(FAULT_SKIP_CAP)
        check_word(word, index - self.index, self.word)
        self.index = index
        self.word = word
        return self._raise_to(cum)

    def _raise_to(self, cum: int) -> int:
        if cum <= self.cum:
            return 0
        rise = cum - self.cum
        self.cum = cum
        return rise

    def restore(self, voucher: bytes, commitment: bytes, index: int, word: bytes) -> None:
        """Load what this party itself had verified and persisted (empty bytes for what there was not)."""
        if commitment:
            self.commitment = payment(cose.parse(commitment)[0])
            self.commitment_data = commitment
            self._restore_signed(self.commitment)
            self.index = index
            self.word = word if index else self.commitment.root
            self._raise_to(self.commitment.cum + index * self.commitment.unit)
        if voucher:
            self.last_voucher = payment(cose.parse(voucher)[0])
            self.voucher = voucher
            self._restore_signed(self.last_voucher)

    def _restore_signed(self, update) -> None:
        self.signed_cum = max(self.signed_cum, update.cum)
        self.seq = max(self.seq, update.seq)
        self._raise_to(update.cum)

    def echo(self) -> bytes:
        """The payer's own best messages as a CBOR sequence: what a payer resumes from.

        The lower amount goes first, so that a new Payee takes them all. Numbers do not tell: a voucher sent
        before a power loss may arrive after a newer chain that starts below it.
        """
        out = self.commitment_data + self.voucher
        if self.last_voucher and self.commitment and self.last_voucher.cum <= self.commitment.cum:
            out = self.voucher + self.commitment_data
        if self.index:
            buf = bytearray(TICK)
            out += bytes(memoryview(buf)[: tick_into(buf, 0, self.handle, self.index, self.word)])
        return out


def split_payments(data: bytes) -> list:
    """The items of a `pay` or `echo` message: Tick tuples, and bytes for every signed update.

    Raises Fault(MALFORMED), Fault(BAD_FIELD), Fault(BAD_COSE) or Fault(TOO_LARGE).
    """
    check_size(data, MESSAGE)
    reader = Reader(data)
    items = []
    while reader.more():
        start = reader.pos
        if reader.major() == TAG:
            cose.read(reader)
            items.append(bytes(memoryview(data)[start : reader.pos]))
        else:
            items.append(read(Tick, reader))
    return items
