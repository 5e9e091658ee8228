# SPDX-License-Identifier: MIT
"""What the gateway spends on a voucher and on a tick before it stores them, on one core.

The ceilings are the raw P-256 verification and the raw SHA-256 that no design can avoid.
Not here: broker and disk; see durable.py.
"""

import hashlib
import itertools

from cryptography.hazmat.primitives.asymmetric import ec

from farthing import cose
from farthing.channel import Payee, split_payments
from farthing.messages import Open
from farthing.payer import Payer
from farthing_gateway import keys

from . import Figure, rate_of

_CHANNELS = 200
_VOUCHERS = 10
_TICKS = 4000


class _Party:
    """A payer with its channel, its vouchers signed beforehand."""

    def __init__(self, number: int, payee_key: bytes) -> None:
        self.key = keys.GatewayKey(ec.derive_private_key(number, ec.SECP256R1()))
        self.terms = Open("local", bytes(16), self.key.public, payee_key, "EUR", 3600, number, 10**9)
        self.payer = Payer(self.terms, 10**9, bytes(32))
        self.payer.reserve(10**9, 10**6)

    def sealed(self, payload: bytes, kind: int) -> bytes:
        aad = cose.external_aad("local", self.payer.hash, kind)
        return cose.sign1(payload, self.key.sign(cose.digest(aad, payload)))

    def voucher(self) -> bytes:
        return self.sealed(self.payer.voucher_payload(100), cose.VOUCHER)

    def ticks(self, count: int) -> list[bytes]:
        buf = bytearray(45)
        return [bytes(buf[: self.payer.tick_into(buf, 0)]) for _ in range(count)]


def vouchers(seconds: float) -> Figure:
    """One voucher a message, each from a different channel: parse, check, verify, apply."""
    payee = keys.GatewayKey(ec.derive_private_key(7, ec.SECP256R1()))
    parties = [_Party(1000 + i, payee.public) for i in range(_CHANNELS)]
    rounds = [[(party, party.voucher()) for party in parties] for _ in range(_VOUCHERS)]
    samples = []
    for party, data in rounds[0]:
        pending = Payee(party.terms, 10**9).check(data)
        assert pending is not None
        samples.append((party.key.public, pending.digest, pending.signature))

    def raw() -> int:
        return sum(keys.verify(*sample) for sample in samples)

    def pipeline() -> int:
        views = {party.payer.handle: Payee(party.terms, 10**9) for party in parties}
        accepted = 0
        for party, data in itertools.chain.from_iterable(rounds):
            view = views[party.payer.handle]
            for item in split_payments(data):
                pending = view.check(item)
                if pending and keys.verify(view.payer, pending.digest, pending.signature):
                    accepted += view.apply(pending) > 0
        return accepted

    ceiling = rate_of(raw, seconds)
    rate = rate_of(pipeline, seconds)
    return Figure("voucher_verify", "vouchers verified", rate, ceiling, "raw P-256 verifications")


def ticks(seconds: float) -> Figure:
    """One tick a message: parse and check against the last word of its chain."""
    party = _Party(99, bytes(range(64)))
    opening = party.sealed(party.payer.next_chain(1, _TICKS), cose.COMMITMENT)
    messages = party.ticks(_TICKS)
    word = bytes(32)

    def raw() -> int:
        for _ in range(_TICKS):
            hashlib.sha256(word).digest()
        return _TICKS

    def pipeline() -> int:
        view = Payee(party.terms, 10**9)
        view.restore(b"", opening, 0, b"")
        accepted = 0
        for data in messages:
            for tick in split_payments(data):
                accepted += view.tick(tick.index, tick.word) > 0
        return accepted

    ceiling = rate_of(raw, seconds)
    rate = rate_of(pipeline, seconds)
    return Figure("tick_verify", "ticks verified", rate, ceiling, "raw SHA-256")
