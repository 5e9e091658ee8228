# SPDX-License-Identifier: MIT
"""Vectors of the two lowest layers: deterministic CBOR and the strict COSE_Sign1. No message of ours."""

from __future__ import annotations

import cbor2

from farthing.faults import BAD_COSE, BAD_SIGNATURE, HIGH_S, MALFORMED
from vector_kit import (
    CHANNEL,
    NO_CHANNEL,
    OTHER,
    PARTIES,
    PAYEE,
    PAYER,
    N,
    Row,
    aad,
    as_json,
    bad,
    cbor,
    digest,
    envelope,
    flip_s,
    pair,
)

_INTEGERS = (0, 1, 23, 24, 255, 256, 65535, 65536, 2**30, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**64 - 1)
_TEXTS = ("", "a", "Farthing", "\u00fc", "\u6c34", "\ud7ff\ue000", "\U00010000", "\U0010ffff", "x" * 24)


def _nested(depth: int) -> str:
    return "81" * (depth - 1) + "80"


def cbor_valid() -> list[Row]:
    values: list[tuple[str, object]] = [(f"integer {n}", n) for n in _INTEGERS]
    values += [(f"integer {-1 - n}", -1 - n) for n in _INTEGERS]
    values += [(f"text of {len(text.encode())} bytes", text) for text in _TEXTS]
    values += [(f"{size} bytes", bytes(size)) for size in (0, 1, 23, 24, 255, 256)]
    values += [
        ("array of 0", []),
        ("array of 3", [1, 2, 3]),
        ("array of 24", list(range(24))),
        ("nested arrays", [1, [2, 3], [4, [5, b"\x06"]]]),
        ("empty map", {}),
        ("map of integers", {1: 2, 3: 4}),
        ("map of texts", {"a": 1, "b": [2, 3]}),
        ("tag 4 decimal fraction", cbor2.CBORTag(4, [-2, 12345])),
        ("tag 65536", cbor2.CBORTag(65536, "t")),
        ("false, true, null", [False, True, None]),
    ]
    rows: list[Row] = []
    for name, value in values:
        rows.append({"name": name, "hex": cbor(value).hex(), "value": as_json(value)})
    # RFC 8949 4.2.1 sorts keys by their bytes: 10, 100, -1, "z", "aa". cbor2 writes RFC 7049 order instead.
    ordered = {10: 0, 100: 0, -1: 0, "z": 0, "aa": 0}
    order = bytes.fromhex("a5 0a00 186400 2000 617a00 62616100").hex()
    rows.append({"name": "key order of RFC 8949 4.2.1", "hex": order, "value": as_json(ordered)})
    rows.append({"name": "eight levels of arrays", "hex": _nested(8), "value": [[[[[[[[]]]]]]]]})
    return rows


_CBOR_BAD = {
    "nothing at all": "",
    "0 in two bytes": "1800",
    "23 in two bytes": "1817",
    "255 in three bytes": "1900ff",
    "0 in three bytes": "190000",
    "65535 in five bytes": "1a0000ffff",
    "2**32-1 in nine bytes": "1b00000000ffffffff",
    "-1 in two bytes": "3800",
    "byte string length in two bytes": "580100",
    "text length in three bytes": "79000161",
    "array length in two bytes": "980100",
    "map length in two bytes": "b8010000",
    "tag number in two bytes": "d81200",
    "reserved additional information 28": "1c",
    "reserved additional information 30": "5e",
    "indefinite byte string": "5f4100ff",
    "indefinite text": "7f6161ff",
    "indefinite array": "9f00ff",
    "indefinite map": "bf0000ff",
    "break alone": "ff",
    "argument cut short": "1901",
    "byte string cut short": "4200",
    "array cut short": "8200",
    "map without its last value": "a100",
    "tag without content": "c4",
    "trailing byte": "0000",
    "trailing empty array": "8080",
    "duplicate key": "a200010002",
    "duplicate text key": "a2616100616101",
    "keys out of order": "a202000100",
    "text key before integer key": "a2 616100 0000",
    "longer key first": "a2 62616100 617a00",
    "array as key": "a18000",
    "null as key": "a1f600",
    "true as key": "a1f500",
    "half float": "f93c00",
    "single float": "fa47c35000",
    "double float": "fb3ff199999999999a",
    "undefined": "f7",
    "simple value 16": "f0",
    "simple value 255": "f8ff",
    "simple value 24 in two bytes": "f818",
    "false in two bytes": "f814",
    "text: lone continuation byte": "6180",
    "text: cut short": "61c3",
    "text: overlong /": "62c0af",
    "text: overlong in three bytes": "63e0809f",
    "text: surrogate": "63eda080",
    "text: above U+10FFFF": "64f4908080",
    "text: overlong in four bytes": "64f08080af",
    "text: lead byte f5": "64f5808080",
    "text: byte ff": "61ff",
    "nine levels of arrays": _nested(9),
    "an array that claims 2**32-1 items": "9affffffff",
    "a byte string that claims 2**64-1 bytes": "5bffffffffffffffff",
    "a map that claims 2**64-1 pairs": "bbffffffffffffffff",
}


def cbor_invalid() -> list[Row]:
    return [bad(name, text, MALFORMED) for name, text in _CBOR_BAD.items()]


# --- COSE_Sign1

_PAYLOAD = bytes(range(16))
_AAD = aad("voucher", CHANNEL)
_SIGNATURE = PAYER.sign(digest(_AAD, _PAYLOAD))
_GOOD = envelope(_PAYLOAD, _SIGNATURE)
_PROTECTED = b"\xa1\x01\x26"


def cose_valid() -> list[Row]:
    rows = []
    for party in PARTIES:
        for kind, payload in (("voucher", _PAYLOAD), ("hello", bytes(200)), ("offer", b"")):
            external = aad(kind, CHANNEL if kind == "voucher" else NO_CHANNEL)
            signature = party.sign(digest(external, payload))
            rows.append({
                "name": f"{party.name} signs {len(payload)} bytes as {kind}",
                "hex": envelope(payload, signature).hex(), "key": party.name,
                "aad": external.hex(), "payload": payload.hex(),
                "digest": digest(external, payload).hex(), "signature": signature.hex(),
            })
    return rows


def _shape(*items: object, tag: int | None = 18) -> bytes:
    return cbor(list(items) if tag is None else cbor2.CBORTag(tag, list(items)))


def cose_invalid() -> list[Row]:
    p, s = _PAYLOAD, _SIGNATURE
    der = bytes.fromhex("3045022100") + s[:32] + bytes.fromhex("0220") + s[32:]
    shapes = {
        "untagged": _shape(_PROTECTED, {}, p, s, tag=None),
        "tag 17 (COSE_Mac0)": _shape(_PROTECTED, {}, p, s, tag=17),
        "tag 98 (COSE_Sign)": _shape(_PROTECTED, {}, p, s, tag=98),
        "tag 998": _shape(_PROTECTED, {}, p, s, tag=998),
        "tag 18 in two bytes": b"\xd8\x12" + _GOOD[1:],
        "tag 18 twice": b"\xd2" + _GOOD,
        "tag 55799 in front": b"\xd9\xd9\xf7" + _GOOD,
        "protected header a0 in a byte string": _shape(b"\xa0", {}, p, s),
        "protected header empty": _shape(b"", {}, p, s),
        "algorithm ES384": _shape(b"\xa1\x01\x38\x22", {}, p, s),
        "algorithm ES512": _shape(b"\xa1\x01\x38\x23", {}, p, s),
        "algorithm EdDSA": _shape(b"\xa1\x01\x27", {}, p, s),
        "algorithm unknown": _shape(b"\xa1\x01\x39\x03\xe6", {}, p, s),
        "algorithm in the unprotected header": _shape(b"\xa0", {1: -7}, p, s),
        "algorithm in both headers": _shape(_PROTECTED, {1: -7}, p, s),
        "algorithm key in two bytes": _shape(b"\xa1\x18\x01\x26", {}, p, s),
        "protected header twice the same key": _shape(b"\xa2\x01\x26\x01\x26", {}, p, s),
        "protected content type": _shape(b"\xa2\x01\x26\x03\x00", {}, p, s),
        "protected header as a map": _shape({1: -7}, {}, p, s),
        "key id in the unprotected header": _shape(_PROTECTED, {4: b"11"}, p, s),
        "unprotected header null": _shape(_PROTECTED, None, p, s),
        "detached payload": _shape(_PROTECTED, {}, None, s),
        "payload as text": _shape(_PROTECTED, {}, "payload", s),
        "payload length in two bytes": _GOOD[:7] + b"\x58\x10" + _GOOD[8:],
        "payload above 2,048 bytes": _shape(_PROTECTED, {}, bytes(2049), s),
        "three items": _shape(_PROTECTED, {}, p),
        "five items": _shape(_PROTECTED, {}, p, s, 0),
        "indefinite array": b"\xd2\x9f" + _GOOD[2:] + b"\xff",
        "signature of 63 bytes": _shape(_PROTECTED, {}, p, s[:63]),
        "signature of 65 bytes": _shape(_PROTECTED, {}, p, s + b"\x00"),
        "signature in DER": _shape(_PROTECTED, {}, p, der),
        "signature as text": _shape(_PROTECTED, {}, p, "s" * 64),
        "no signature": _shape(_PROTECTED, {}, p, b""),
        "cut short": _GOOD[:-1],
        "trailing byte": _GOOD + b"\x00",
        "twice in a row": _GOOD + _GOOD,
        "nothing": b"",
    }
    rows = [bad(name, data, BAD_COSE) for name, data in shapes.items()]
    rows.append(bad("high s", envelope(p, flip_s(s)), HIGH_S))
    rows.append(bad("s one above n/2", envelope(p, pair(1, N // 2 + 1)), HIGH_S))
    rows.append(bad("s of all ones", envelope(p, b"\xff" * 64), HIGH_S))
    return rows


def cose_unverified() -> list[Row]:
    """Well-formed, and wrong: each passes the strict reader and must fail the signature check."""
    p, s = _PAYLOAD, _SIGNATURE
    flipped = s[:31] + bytes([s[31] ^ 1]) + s[32:]

    def wrong(name: str, signature: bytes, payload: bytes = p, external: bytes = _AAD) -> Row:
        more = {"key": "payer", "aad": external.hex(), "digest": digest(external, payload).hex()}
        return bad(name, envelope(payload, signature), BAD_SIGNATURE, **more)

    def made_for(external: bytes) -> bytes:
        return PAYER.sign(digest(external, p))

    return [
        wrong("signed as a commitment", made_for(aad("commitment", CHANNEL))),
        wrong("signed as a close", made_for(aad("close", CHANNEL))),
        wrong("signed for another channel", made_for(aad("voucher", OTHER))),
        wrong("signed for no channel", made_for(aad("voucher"))),
        wrong("signed for another ledger", made_for(aad("voucher", CHANNEL, "evm:1"))),
        wrong("signed for another version", made_for(cbor(["farthing/2", "local", CHANNEL, 6]))),
        wrong("signed without external_aad", made_for(b"")),
        wrong("signed by another key", PAYEE.sign(digest(_AAD, p))),
        wrong("payload changed in one bit", s, payload=bytes([p[0] ^ 1]) + p[1:]),
        wrong("signature changed in one bit", flipped),
        wrong("r and s are 1", pair(1, 1)),
        wrong("r is 0", bytes(32) + s[32:]),
        wrong("s is 0", s[:32] + bytes(32)),
        wrong("r is n", N.to_bytes(32, "big") + s[32:]),
        wrong("r is 2**256-1", b"\xff" * 32 + s[32:]),
    ]
