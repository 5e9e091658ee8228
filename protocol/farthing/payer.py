# SPDX-License-Identifier: MIT
"""A unidirectional payment channel as its payer sees it: what may be signed next.

Not here: signatures, and making the watermarks durable before anything is sent (P10); the caller does both.
"""

from .chain import Chain, chain_seed
from .faults import BAD_FIELD, CHAIN_END, OVER_CAP, Fault
from .limits import HANDLE, MAX_SEQ
from .messages import (
    Commitment,
    Voucher,
    channel_hash,
    commitment_payload,
    payment,
    tick_into,
    voucher_payload_into,
)


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
        return tick_into(buf, pos, self.handle, self.index, self.chain.word(self.index))

    def resume(self, seen) -> None:
        """After a power loss: go on from `seen`, a Payee fed with this payer's own messages as the gateway or
        the payee echoed them, each verified against the payer's own key; nothing else moves the state."""
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
