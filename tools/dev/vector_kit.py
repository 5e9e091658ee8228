# SPDX-License-Identifier: MIT
"""Keys, encodings and signatures for the frozen vectors, made without the code they are to check.

CBOR comes from cbor2, fixed widths from struct, signatures from `cryptography`; only the fault numbers are
the protocol's own. Not here: the vectors themselves.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
NO_CHANNEL = bytes(32)
TYPES = {
    "offer": 1, "hello": 2, "open": 3, "opened": 4, "take": 5, "voucher": 6,
    "commitment": 7, "head": 8, "receipt": 9, "close": 10, "beacon": 11,
}

Row = dict[str, Any]


def cbor(value: object) -> bytes:
    """Deterministic for the arrays and the small-keyed maps used here (RFC 7049 and 8949 order agree)."""
    return cbor2.dumps(value, canonical=True)


class Party:
    """A fixed key pair, from a private key that is published with the vectors."""

    def __init__(self, name: str):
        self.name = name
        self.private = hashlib.sha256(b"farthing test key " + name.encode()).digest()
        self._key = ec.derive_private_key(int.from_bytes(self.private, "big"), ec.SECP256R1())
        point = self._key.public_key().public_numbers()
        self.x = point.x.to_bytes(32, "big")
        self.y = point.y.to_bytes(32, "big")
        self.public = self.x + self.y
        self.thumbprint = hashlib.sha256(cbor({1: 2, -1: 1, -2: self.x, -3: self.y})).digest()
        self.id = self.thumbprint[:16]

    def sign(self, digest: bytes) -> bytes:
        """r || s by RFC 6979, low s."""
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
        r, s = utils.decode_dss_signature(self._key.sign(digest, algorithm))
        return pair(r, min(s, N - s))


def pair(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def flip_s(signature: bytes) -> bytes:
    """The other valid s of the same signature."""
    return signature[:32] + (N - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")


PAYER = Party("payer")
PAYEE = Party("payee")
GATEWAY = Party("gateway")
PARTIES = (PAYER, PAYEE, GATEWAY)


def aad(kind: str, channel: bytes = NO_CHANNEL, ledger: str = "local") -> bytes:
    return cbor(["farthing/1", ledger, channel, TYPES[kind]])


def digest(external: bytes, payload: bytes) -> bytes:
    """SHA-256 of the Sig_structure of RFC 9052 4.4."""
    return hashlib.sha256(cbor(["Signature1", b"\xa1\x01\x26", external, payload])).digest()


def envelope(payload: bytes, signature: bytes) -> bytes:
    return cbor(cbor2.CBORTag(18, [b"\xa1\x01\x26", {}, payload, signature]))


def signed(party: Party, kind: str, payload: bytes, channel: bytes = NO_CHANNEL) -> bytes:
    return envelope(payload, party.sign(digest(aad(kind, channel), payload)))


# --- the channel all vectors share, and its payments

INSTANCE = bytes(range(16))
WINDOW_S = 3600


def terms(epoch: int = 1) -> list[Any]:
    return ["local", INSTANCE, PAYER.public, PAYEE.public, "uEUR", WINDOW_S, epoch]


def channel_hash(values: list[Any]) -> bytes:
    return hashlib.sha256(cbor(values)).digest()


CHANNEL = channel_hash(terms())
HANDLE = CHANNEL[:4]
OTHER = channel_hash(terms(epoch=2))
CAP = 1_000_000
MASTER = hashlib.sha256(b"farthing test chain master").digest()


def voucher(cum: int, seq: int, handle: bytes = HANDLE) -> bytes:
    return struct.pack(">4sQI", handle, cum, seq)


def commitment(cum: int, seq: int, root: bytes, unit: int, length: int, handle: bytes = HANDLE) -> bytes:
    return voucher(cum, seq, handle) + struct.pack(">32sQI", root, unit, length)


def words(number: int, length: int) -> list[bytes]:
    """word[0] (the root) to word[length] of chain `number` of CHANNEL."""
    word = hmac.digest(MASTER, CHANNEL + struct.pack(">I", number), "sha256")
    chain = [word]
    for _ in range(length):
        word = hashlib.sha256(word).digest()
        chain.append(word)
    return chain[::-1]


def tick(index: int, word: bytes, handle: bytes = HANDLE) -> bytes:
    return cbor([handle, index, word])


# --- rows


def as_json(value: object) -> object:
    """Bytes become {"h": hex}, tags {"tag": n, "value": v}, maps {"map": [[key, value], …]}."""
    if isinstance(value, bytes):
        return {"h": value.hex()}
    if isinstance(value, cbor2.CBORTag):
        return {"tag": value.tag, "value": as_json(value.value)}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {"map": [[as_json(key), as_json(item)] for key, item in value.items()]}
    return value


def bad(name: str, data: bytes | str, fault: int, **more: object) -> Row:
    """One invalid vector: what it is, the input and the fault code that it must give."""
    raw = bytes.fromhex(data) if isinstance(data, str) else data
    return {"name": name, "hex": raw.hex(), **more, "fault": fault}
