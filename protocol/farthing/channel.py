# SPDX-License-Identifier: MIT
"""The two ends of a unidirectional payment channel as state machines.

`Payee` is what a seller, and the gateway beside it, knows and accepts; `Payer` is what a buyer may sign next.
Verification has two phases: `check` does every cheap check and returns a `Pending` with the digest to verify,
the caller verifies the payer's signature, then `apply` changes the state. A tick needs no signature.
Not here: signatures, persistence, delivery. The callers must persist before they acknowledge or send (P10).
"""

from collections import namedtuple

from . import cose
from .cbor import TAG, Reader
from .faults import (
    BAD_FIELD,
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
from .limits import HANDLE, MAX_SEQ, MESSAGE, SKIP_CAP, TICK, VOUCHER
from .messages import (
    Commitment,
    Tick,
    Voucher,
    channel_hash,
    check_size,
    commitment_payload,
    payment,
    read,
    tick_into,
    voucher_payload_into,
)
from .payword import Chain, chain_seed, check_word

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
        if not is_chain:
            check_size(data, VOUCHER)
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
        """The payer's own best messages as a CBOR sequence, oldest first: what a payer resumes from."""
        out = self.commitment_data + self.voucher
        if self.last_voucher and self.commitment and self.last_voucher.seq < self.commitment.seq:
            out = self.voucher + self.commitment_data
        if self.index:
            buf = bytearray(TICK)
            out += bytes(memoryview(buf)[: tick_into(buf, 0, self.handle, self.index, self.word)])
        return out


class Payer:
    """One channel as its payer sees it: what may be signed next, never past the persisted watermark.

    `watermark` (micro-units) and `seq_watermark` bound what was ever released; the caller persists higher
    ones with `reserve` before anything above them is signed (reserve-ahead: one flash write per reserve).
    """

    def __init__(self, terms, cap: int, master: bytes):
        self.hash = channel_hash(terms)
        self.handle = self.hash[:HANDLE]
        self.ledger = terms.ledger
        self.cap = cap
        self.master = master
        self.cum = 0
        self.seq = 0
        self.watermark = 0
        self.seq_watermark = 0
        self.last_voucher = None
        self.commitment = None
        self.chain = None
        self.index = 0

    def must_reserve(self, amount: int) -> bool:
        """True when `amount` micro-units more, or one more signature, is above what was persisted."""
        return self.cum + amount > self.watermark or self.seq >= self.seq_watermark

    def reserve(self, amount: int, signatures: int = 16) -> tuple[int, int]:
        """Raise the watermarks; the caller makes (watermark, seq_watermark) durable before it pays."""
        self.watermark = max(self.watermark, min(self.cap, self.cum + amount))
        self.seq_watermark = max(self.seq_watermark, min(MAX_SEQ, self.seq + signatures))
        return self.watermark, self.seq_watermark

    def _check(self, cum: int) -> None:
        if cum > self.cap:
            raise Fault(OVER_CAP)
        if cum > self.watermark:
            raise Fault(BAD_FIELD)  # a programming error that must not become a double use

    def _next_seq(self) -> int:
        if self.seq >= self.seq_watermark:
            raise Fault(BAD_FIELD)  # the same
        self.seq += 1
        return self.seq

    def voucher_payload(self, amount: int = 0) -> bytes:
        """The next voucher's 16 bytes: everything paid so far plus `amount` micro-units.

        Where the last voucher says the same amount, it is that one again, so no amount has two numbers.
        A paid amount ends the chain: its next words would stand for money that the voucher already paid.
        """
        self._check(self.cum + amount)
        if not self.last_voucher or self.last_voucher.cum != self.cum + amount:
            self.last_voucher = Voucher(self.handle, self.cum + amount, self._next_seq())
        self.cum += amount
        if amount:
            self.chain = None
        buf = bytearray(16)
        voucher_payload_into(buf, 0, self.handle, self.cum, self.last_voucher.seq)
        return bytes(buf)

    def next_chain(self, unit: int, length: int) -> bytes:
        """Start a new PayWord chain on top of what is paid; returns the commitment payload (60 bytes).

        The chain is numbered by its commitment's sequence number, which is reserved before it is used, so no
        chain ever serves two commitments (P14). Raises Fault(BAD_FIELD) for what no payee would accept.
        """
        self._check(self.cum)
        seq = self._next_seq()
        chain = self._make_chain(seq, length)
        payload = commitment_payload(Commitment(self.handle, self.cum, seq, chain.root, unit, length))
        self.commitment = payment(payload)
        self.chain = chain
        self.index = 0
        return payload

    def _make_chain(self, number: int, length: int) -> Chain:
        return Chain(chain_seed(self.master, self.hash, number), length)

    def left(self) -> int:
        """How many ticks the chain still has."""
        return self.commitment.length - self.index if self.chain else 0

    def tick_into(self, buf: bytearray, pos: int) -> int:
        """Pay one unit: write the next tick (at most 45 bytes) and return the next position."""
        if not self.left():
            raise Fault(CHAIN_END)
        self._check(self.cum + self.commitment.unit)
        self.index += 1
        self.cum += self.commitment.unit
        return self.tick_again_into(buf, pos)

    def tick_again_into(self, buf: bytearray, pos: int) -> int:
        """Write the last tick once more, byte for byte. Raises Fault when there is none."""
        if self.chain is None:
            raise Fault(CHAIN_END)
        word = self._word
        self.chain.word_into(self.index, word, 0)
        return tick_into(buf, pos, self.handle, self.index, word)

    _word = bytearray(32)

    def resume(self, seen: Payee) -> None:
        """After a power loss: go on from `seen`, this payer's own messages as the gateway or the payee echoed
        them, each verified against the payer's own key; nothing else moves the state."""
        self.cum = max(self.cum, seen.cum)
        self.seq = max(self.seq, self.seq_watermark, seen.seq)
        self.watermark = max(self.watermark, self.cum)
        if seen.last_voucher and (not self.last_voucher or self.last_voucher.seq < seen.last_voucher.seq):
            self.last_voucher = seen.last_voucher
        self.chain = None
        last = seen.commitment
        if not last or (self.cum - last.cum) % last.unit:
            return
        index = (self.cum - last.cum) // last.unit
        if index <= last.length:
            chain = self._make_chain(last.seq, last.length)
            if chain.root == last.root:
                self.commitment = last
                self.chain = chain
                self.index = index

    def resume_blind(self) -> None:
        """After a power loss without any echo: everything reserved counts as spent (at most one reserve)."""
        self.cum = self.watermark
        self.seq = self.seq_watermark
        self.chain = None


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
