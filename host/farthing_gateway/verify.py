# SPDX-License-Identifier: MIT
"""Signed messages: size, COSE shape and fields first; the signature as a second step, when all else holds.

Who may say what is the business of the rooms that call this.
"""

from typing import Any, NamedTuple

from farthing import cose, messages
from farthing.faults import BAD_SIGNATURE, Fault
from farthing.limits import OFFER
from farthing.messages import check_size

from . import keys

# Class: (COSE type bound into the signature, most bytes of the whole message)
_RULES: dict[type, tuple[int, int]] = {
    messages.Offer: (cose.OFFER, OFFER),
    messages.Hello: (cose.HELLO, 320),
    messages.Open: (cose.OPEN, 320),
    messages.Take: (cose.TAKE, 128),
    messages.Close: (cose.CLOSE, 128),
}


class Signed(NamedTuple):
    """A decoded message whose signature is still to be verified."""

    message: Any
    payload: bytes
    signature: bytes


def unwrap(kind: type, data: bytes) -> Signed:
    """The cheap half. Raises Fault with TOO_LARGE, BAD_COSE, HIGH_S, MALFORMED or BAD_FIELD."""
    check_size(data, _RULES[kind][1])
    payload, signature = cose.parse(data)
    return Signed(messages.decode(kind, payload), payload, signature)


def require_signature(signed: Signed, key: bytes, ledger: str, channel: bytes = cose.NO_CHANNEL) -> None:
    """The dear half: Fault(BAD_SIGNATURE) unless `key` signed it for this ledger, channel and type."""
    kind = _RULES[type(signed.message)][0]
    digest = cose.digest(cose.external_aad(ledger, channel, kind), signed.payload)
    if not keys.verify(key, digest, signed.signature):
        raise Fault(BAD_SIGNATURE)
