# SPDX-License-Identifier: MIT
"""Vectors of every message that is a CBOR array, signed and plain, and of what must be refused in each."""

from __future__ import annotations

import hashlib

from farthing.faults import BAD_FIELD, MALFORMED, TOO_LARGE
from vector_kit import (
    CAP,
    CHANNEL,
    GATEWAY,
    HANDLE,
    INSTANCE,
    NO_CHANNEL,
    PAYEE,
    PAYER,
    WINDOW_S,
    Party,
    Row,
    aad,
    as_json,
    bad,
    cbor,
    digest,
    envelope,
    terms,
    words,
)

_OFFER_ID = b"flow-001"
_NOW_S = 1_750_000_000
_MAX_MICRO = 2**63 - 1
_MAX_COUNT = 2**32 - 1
_ROOT = hashlib.sha256(b"farthing test batch").digest()
_WORDS = words(1, 256)

# kind -> (signer, bound to the channel, fields)
SIGNED: dict[str, tuple[Party, bool, list[object]]] = {
    "offer": (PAYEE, False, [
        _OFFER_ID, PAYEE.public, "water-flow", "m3/s", 120, 1, 1000, 0, 0, _NOW_S + 600, 7,
    ]),
    "hello": (PAYEE, False, [PAYEE.public, "farthing/0.1.0", "3.4.0; MicroPython v1.28.0"]),
    "open": (PAYER, True, [*terms(), CAP]),
    "opened": (GATEWAY, True, [*terms(), CAP]),
    "take": (PAYER, True, [HANDLE, _OFFER_ID, 7, 120, 200]),
    "head": (PAYEE, True, [HANDLE, 16, hashlib.sha256(b"sixteen bodies").digest(), 1920]),
    "receipt": (GATEWAY, True, [HANDLE, 24000, 9, 8, 24000, 3, _ROOT, 2]),
    "close": (PAYER, True, [HANDLE, 24000]),
    "beacon": (GATEWAY, False, [GATEWAY.public, _NOW_S, "local", INSTANCE, "uEUR", WINDOW_S, 41]),
}
PLAIN: dict[str, list[object]] = {
    "tick": [HANDLE, 3, _WORDS[3]],
    "delivery": [HANDLE, 4, bytes.fromhex("81a30068") + b"flow" + bytes(8)],
    "ack": [HANDLE, 24000, 9, 8],
    "notice": [23, HANDLE, 24000],
    "proof": [bytes(160), 1, 3, bytes(64)],
}
_EDGES: dict[str, list[list[object]]] = {
    "offer": [[bytes(8), PAYEE.public, "g", "u", 0, 0, 0, 0, 0, 0, 0]],
    "open": [
        ["l" * 32, bytes(32), PAYER.public, PAYEE.public, "u" * 8, _MAX_COUNT, _MAX_COUNT, _MAX_MICRO],
        ["l", b"", PAYER.public, PAYEE.public, "u", 0, 0, 0],
    ],
    "receipt": [[HANDLE, 0, 0, 0, 0, 0, b"", 0]],
    "tick": [[HANDLE, _MAX_COUNT, bytes(32)]],
    "delivery": [[HANDLE, 1, b""], [HANDLE, 1, bytes(512)]],
    "ack": [[HANDLE, _MAX_MICRO, _MAX_COUNT, _MAX_COUNT]],
    "notice": [[65535, b"", 0]],
    "proof": [[b"", 0, 1, b""], [bytes(160), 0, _MAX_COUNT, bytes(1024)]],
    "hello": [[PAYEE.public, "a", "\u6c34" * 32]],
}


def _signed(kind: str) -> Row:
    party, bound, fields = SIGNED[kind]
    payload = cbor(fields)
    external = aad(kind, CHANNEL if bound else NO_CHANNEL)
    signature = party.sign(digest(external, payload))
    return {
        "name": f"{kind} by the {party.name}", "kind": kind, "fields": as_json(fields),
        "payload": payload.hex(), "key": party.name, "aad": external.hex(),
        "digest": digest(external, payload).hex(), "hex": envelope(payload, signature).hex(),
    }


def signed_valid() -> list[Row]:
    return [_signed(kind) for kind in SIGNED]


def plain_valid() -> list[Row]:
    """Arrays without an envelope: the plain messages, and payloads with fields at their limits."""
    rows = [(kind, kind, fields) for kind, fields in PLAIN.items()]
    rows += [(f"{kind} at its limits", kind, fields) for kind, edges in _EDGES.items() for fields in edges]
    return [
        {"name": name, "kind": kind, "fields": as_json(fields), "hex": cbor(fields).hex()}
        for name, kind, fields in rows
    ]


def _changed(kind: str, at: int, value: object) -> bytes:
    fields = list(PLAIN[kind] if kind in PLAIN else SIGNED[kind][2])
    fields[at] = value
    return cbor(fields)


def invalid() -> list[Row]:
    """Payloads (for the signed kinds) and whole messages (for the plain ones) that decoding must refuse."""
    rows = []
    for kind in (*SIGNED, *PLAIN):
        fields = PLAIN[kind] if kind in PLAIN else SIGNED[kind][2]
        good = cbor(fields)
        long_head = b"\x98" + bytes([len(fields)])
        rows += [
            bad(f"{kind}: one field less", cbor(fields[:-1]), BAD_FIELD, kind=kind),
            bad(f"{kind}: one field more", cbor([*fields, 0]), BAD_FIELD, kind=kind),
            bad(f"{kind}: trailing byte", good + b"\x00", MALFORMED, kind=kind),
            bad(f"{kind}: cut short", good[:-1], MALFORMED, kind=kind),
            bad(f"{kind}: array length in two bytes", long_head + good[1:], MALFORMED, kind=kind),
            bad(f"{kind}: indefinite array", b"\x9f" + good[1:] + b"\xff", MALFORMED, kind=kind),
            bad(f"{kind}: a map", cbor({1: 2}), BAD_FIELD, kind=kind),
            bad(f"{kind}: nothing", b"", MALFORMED, kind=kind),
            bad(f"{kind}: first field null", cbor([None, *fields[1:]]), BAD_FIELD, kind=kind),
        ]
    changes: list[tuple[str, str, int, object]] = [
        ("id of 7 bytes", "offer", 0, bytes(7)),
        ("key of 63 bytes", "offer", 1, bytes(63)),
        ("key of 65 bytes", "offer", 1, bytes(65)),
        ("good of no bytes", "offer", 2, ""),
        ("good of 17 bytes", "offer", 2, "g" * 17),
        ("good of 6 letters in 18 bytes", "offer", 2, "\u6c34" * 6),
        ("good as bytes", "offer", 2, b"water-flow"),
        ("unit of 9 bytes", "offer", 3, "123456789"),
        ("price above 2**63-1", "offer", 4, 2**63),
        ("price 2**64-1", "offer", 4, 2**64 - 1),
        ("negative price", "offer", 4, -1),
        ("price as true", "offer", 4, True),
        ("price as text", "offer", 4, "120"),
        ("price as a float", "offer", 4, 1.5),
        ("price as a bignum", "offer", 4, 2**64),
        ("minimum of five bytes", "offer", 5, 2**32),
        ("runtime of 97 bytes", "hello", 2, "r" * 97),
        ("ledger of 33 bytes", "open", 0, "l" * 33),
        ("instance of 33 bytes", "open", 1, bytes(33)),
        ("payer key of 32 bytes", "open", 2, bytes(32)),
        ("window of five bytes", "open", 5, 2**32),
        ("amount above 2**63-1", "open", 7, 2**63),
        ("cap above 2**63-1", "opened", 7, 2**63),
        ("handle of 3 bytes", "take", 0, bytes(3)),
        ("handle of 5 bytes", "take", 0, bytes(5)),
        ("units negative", "take", 4, -1),
        ("head of 31 bytes", "head", 2, bytes(31)),
        ("root of 33 bytes", "receipt", 6, bytes(33)),
        ("state 256", "receipt", 7, 256),
        ("cum above 2**63-1", "close", 1, 2**63),
        ("time above 2**63-1", "beacon", 1, 2**63),
        ("word of 31 bytes", "tick", 2, bytes(31)),
        ("word of 33 bytes", "tick", 2, bytes(33)),
        ("word as text", "tick", 2, "w" * 32),
        ("index of five bytes", "tick", 1, 2**32),
        ("index negative", "tick", 1, -1),
        ("body of 513 bytes", "delivery", 2, bytes(513)),
        ("body as text", "delivery", 2, "body"),
        ("code of three bytes", "notice", 0, 65536),
        ("handle of 5 bytes", "notice", 1, bytes(5)),
        ("path of 1,025 bytes", "proof", 3, bytes(1025)),
    ]
    rows += [bad(f"{kind}: {name}", _changed(kind, at, value), BAD_FIELD, kind=kind)
             for name, kind, at, value in changes]
    respelled = [
        ("price in nine bytes", "offer", b"\x18\x78", b"\x1b" + bytes(7) + b"\x78"),
        ("good is not UTF-8", "offer", b"water-flow", b"water-flo\xff"),
        ("good in pieces", "offer", b"\x6awater-flow", b"\x7f\x6awater-flow\xff"),
        ("index in two bytes", "tick", b"\x03\x58\x20", b"\x18\x03\x58\x20"),
    ]
    for name, kind, old, new in respelled:
        good = cbor(PLAIN[kind] if kind in PLAIN else SIGNED[kind][2])
        rows.append(bad(f"{kind}: {name}", good.replace(old, new), MALFORMED, kind=kind))
    return rows


def too_large() -> list[Row]:
    """Longer than the type may be: refused before anything is parsed."""
    fields: list[object] = [bytes(8), PAYEE.public, "g" * 16, "u" * 8, *[2**32 - 1] * 7]
    offer = envelope(cbor(fields), bytes(64))
    return [bad("offer of 212 bytes", offer, TOO_LARGE, limit="OFFER")]
