# SPDX-License-Identifier: MIT
"""Vectors of topics, of money division and of SenML-CBOR readings."""

from __future__ import annotations

import cbor2

from farthing.faults import BAD_FIELD, BAD_TOPIC, MALFORMED, WRONG_NET
from vector_kit import HANDLE, PAYEE, PAYER, Row, bad, cbor

_A = PAYER.id.hex()
_B = PAYEE.id.hex()


def topics_valid() -> list[Row]:
    rows = [
        ("demo", _A, _B, "pay", ""),
        ("demo", _A, "gw", "open", ""),
        ("demo", _B, "all", "offer", ""),
        ("a", _B, _A, "rcpt", HANDLE.hex()),
        ("farm-42-north-ab", _B, _A, "opened", "00000000"),
    ]
    return [
        {"topic": f"f1/{net}/{sender[:2]}/{sender}/{to}/{kind}" + (f"/{handle}" if handle else ""),
         "net": net, "sender": sender, "to": to, "kind": kind, "handle": handle}
        for net, sender, to, kind, handle in rows
    ]


def topics_invalid() -> list[Row]:
    good = f"f1/demo/{_A[:2]}/{_A}/{_B}/pay"
    other = f"{int(_A[:2], 16) ^ 1:02x}"
    rows = [
        ("empty", "", BAD_TOPIC),
        ("another root", "f2" + good[2:], BAD_TOPIC),
        ("another net", good.replace("demo", "demo2"), WRONG_NET),
        ("five levels", good.rpartition("/")[0], BAD_TOPIC),
        ("eight levels", good + "/00000000/x", BAD_TOPIC),
        ("leading slash", "/" + good, BAD_TOPIC),
        ("trailing slash", good + "/", BAD_TOPIC),
        ("the shard of another sender", good.replace(f"/{_A[:2]}/", f"/{other}/"), BAD_TOPIC),
        ("sender of 31 digits", good.replace(_A, _A[:31]), BAD_TOPIC),
        ("sender in capitals", good.replace(_A, "AB" * 16).replace(f"/{_A[:2]}/", "/AB/"), BAD_TOPIC),
        ("sender with a letter g", good.replace(_A, _A[:31] + "g"), BAD_TOPIC),
        ("sender gw", good.replace(f"/{_A[:2]}/{_A}/", "/gw/gw/"), BAD_TOPIC),
        ("receiver of 33 digits", good.replace(_B, _B + "0"), BAD_TOPIC),
        ("receiver unknown word", good.replace(_B, "any"), BAD_TOPIC),
        ("kind unknown", good.replace("/pay", "/pays"), BAD_TOPIC),
        ("kind empty", good.replace("/pay", "/"), BAD_TOPIC),
        ("handle of 7 digits", good + "/0000000", BAD_TOPIC),
        ("handle with a wildcard", good + "/+", BAD_TOPIC),
        ("a space at the end", good + " ", BAD_TOPIC),
    ]
    return [{"name": name, "topic": topic, "net": "demo", "fault": fault} for name, topic, fault in rows]


def split() -> list[Row]:
    """Worked by hand: floor shares first, then one micro-unit each by the largest remainder."""
    return [
        {"total": 10, "weights": [1, 1, 1], "parts": [4, 3, 3]},
        {"total": 11, "weights": [1, 1, 1], "parts": [4, 4, 3]},
        {"total": 1, "weights": [1, 3], "parts": [0, 1]},
        {"total": 7, "weights": [0, 2, 5, 0], "parts": [0, 2, 5, 0]},
        {"total": 100, "weights": [1, 2, 4], "parts": [14, 29, 57]},
        {"total": 0, "weights": [5, 1], "parts": [0, 0]},
        {"total": 2**63 - 1, "weights": [1, 1], "parts": [2**62, 2**62 - 1]},
        {"total": 5, "weights": [], "fault": BAD_FIELD},
        {"total": 5, "weights": [0, 0], "fault": BAD_FIELD},
        {"total": 5, "weights": [3, -1], "fault": BAD_FIELD},
    ]


_TIME_S = 1_750_000_000


def _pack(value: object, name: object = "flow", time_s: object = _TIME_S) -> bytes:
    return cbor([{0: name, 1: "m3/s", 2: value, 6: time_s}])


def senml_valid() -> list[Row]:
    rows = [(12345, -2), (-5, -1), (42, 0), (0, 0), (7, 3), (2**40, -18)]
    return [
        {"hex": _pack(cbor2.CBORTag(4, [exponent, mantissa]) if exponent else mantissa).hex(), "name": "flow",
         "unit": "m3/s", "time_s": _TIME_S, "mantissa": mantissa, "exponent": exponent}
        for mantissa, exponent in rows
    ]


def senml_invalid() -> list[Row]:
    good = _pack(1)
    return [
        bad("an exponent that would fill the memory", _pack(cbor2.CBORTag(4, [2**40, 1])), BAD_FIELD),
        bad("exponent 19", _pack(cbor2.CBORTag(4, [19, 1])), BAD_FIELD),
        bad("value as a float", _pack(1.5), MALFORMED),
        bad("value as text", _pack("1"), BAD_FIELD),
        bad("value as true", _pack(True), BAD_FIELD),
        bad("value of three parts", _pack(cbor2.CBORTag(4, [0, 1, 2])), BAD_FIELD),
        bad("value with another tag", _pack(cbor2.CBORTag(5, [0, 1])), BAD_FIELD),
        bad("time as true", _pack(1, time_s=True), BAD_FIELD),
        bad("name as bytes", _pack(1, name=b"flow"), BAD_FIELD),
        bad("no unit", cbor([{0: "flow", 2: 1, 6: 0}]), BAD_FIELD),
        bad("two records", b"\x82" + good[1:] * 2, BAD_FIELD),
        bad("no record", cbor([]), BAD_FIELD),
        bad("not an array", cbor(1), BAD_FIELD),
        bad("trailing byte", good + b"\x00", MALFORMED),
    ]
