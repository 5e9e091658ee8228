# SPDX-License-Identifier: MIT
"""A channel of the vectors' terms with both its ends, signed with a stand-in or the vectors' keys.

The stand-in signature is a hash: the machines never look at it, so what is tested here is all but the curve.
"""

from farthing import channel, cose, messages
from farthing._compat import sha256
from farthing.faults import BAD_SIGNATURE, Fault
from farthing.payer import Payer
from shared.check import value_of, vectors

CAP = 1000000
MASTER = bytes(range(32))


def terms(epoch=1):
    fields = value_of(vectors("channel")["valid"][0]["terms"])
    fields[6] = epoch
    return messages.Open(*(fields + [CAP]))


def stand_in(digest):
    """64 bytes that only this digest gives, with a low s."""
    half = sha256(digest + b"stand-in").digest()
    return half + b"\x00" + half[1:]


def sign(machine, payload):
    """The COSE_Sign1 of a voucher or commitment payload."""
    kind = cose.VOUCHER if len(payload) == messages.VOUCHER_SIZE else cose.COMMITMENT
    aad = cose.external_aad(machine.ledger, machine.hash, kind)
    return cose.sign1(payload, stand_in(cose.digest(aad, payload)))


def accept(payee, data):
    """check, verify, apply; returns the rise in micro-units, 0 for a repeat."""
    pending = payee.check(data)
    if pending is None:
        return 0
    if pending.signature != stand_in(pending.digest):
        raise Fault(BAD_SIGNATURE)
    return payee.apply(pending)


def feed(payee, data):
    """Every item of a pay or echo message; returns the rise."""
    rise = 0
    for item in channel.split_payments(data):
        if isinstance(item, messages.Tick):
            rise += payee.tick(item.index, item.word)
        else:
            rise += accept(payee, item)
    return rise


def tick(payer):
    buf = bytearray(45)
    return bytes(buf[: payer.tick_into(buf, 0)])


def pair(cap=CAP, epoch=1):
    """A payer with everything reserved, and its payee."""
    payer = Payer(terms(epoch), cap, MASTER)
    payer.reserve(cap, 1000)
    return payer, channel.Payee(terms(epoch), cap)


def resumed(payer, echo):
    """A payer that lost its memory but for its watermarks, resumed from `echo`."""
    seen = channel.Payee(terms(), payer.cap)
    seen.skip_cap = 65535
    feed(seen, echo)
    fresh = Payer(terms(), payer.cap, MASTER)
    fresh.watermark, fresh.seq_watermark = payer.watermark, payer.seq_watermark
    fresh.resume(seen)
    return fresh
