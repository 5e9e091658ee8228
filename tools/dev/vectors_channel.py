# SPDX-License-Identifier: MIT
"""Vectors of a channel: its hash, vouchers, commitments, PayWord chains, and a payee fed step by step."""

from __future__ import annotations

from typing import Any

from farthing import faults
from vector_kit import (
    CAP,
    CHANNEL,
    HANDLE,
    MASTER,
    OTHER,
    PAYEE,
    PAYER,
    Row,
    aad,
    as_json,
    bad,
    channel_hash,
    commitment,
    digest,
    envelope,
    signed,
    terms,
    tick,
    voucher,
    words,
)

_MAX_MICRO = 2**63 - 1


def channel_valid() -> list[Row]:
    """One changed term is another channel."""
    changes: list[tuple[str, int, object]] = [
        ("ledger", 0, "evm:1"),
        ("instance", 1, bytes(16)),
        ("empty instance", 1, b""),
        ("payer", 2, PAYEE.public),
        ("payee", 3, PAYER.public),
        ("unit", 4, "uUSD"),
        ("window", 5, 3601),
        ("epoch", 6, 2),
        ("epoch of four bytes", 6, 2**32 - 1),
    ]
    rows = [("the shared channel", terms())]
    for name, at, value in changes:
        other = terms()
        other[at] = value
        rows.append((f"another {name}", other))
    return [
        {"name": name, "terms": as_json(values), "hash": channel_hash(values).hex(),
         "handle": channel_hash(values)[:4].hex()}
        for name, values in rows
    ]


def _payment(name: str, kind: str, payload: bytes, fields: list[object]) -> Row:
    external = aad(kind, CHANNEL)
    hashed = digest(external, payload)
    message = envelope(payload, PAYER.sign(hashed))
    return {"name": name, "kind": kind, "fields": as_json(fields), "payload": payload.hex(), "key": "payer",
            "aad": external.hex(), "digest": hashed.hex(), "hex": message.hex()}


def payments_valid() -> list[Row]:
    rows = []
    for cum, seq in ((1, 1), (120, 2), (24000, 9), (_MAX_MICRO, 2**32 - 1)):
        rows.append(_payment(f"voucher over {cum}", "voucher", voucher(cum, seq), [HANDLE, cum, seq]))
    chains = [(0, 1, 120, 256), (30720, 10, 120, 256), (0, 1, 1, 1), (0, 2, 1, 65535)]
    for cum, seq, unit, length in [*chains, (_MAX_MICRO - 1, 3, 1, 1)]:
        root = words(seq, min(length, 256))[0]
        payload = commitment(cum, seq, root, unit, length)
        fields: list[object] = [HANDLE, cum, seq, root, unit, length]
        rows.append(_payment(f"commitment on {cum}: {length} of {unit}", "commitment", payload, fields))
    return rows


def payments_invalid() -> list[Row]:
    """Payloads (not messages) that cannot be a voucher or commitment."""
    root = words(1, 256)[0]
    good = commitment(0, 1, root, 120, 256)
    field, form = faults.BAD_FIELD, faults.MALFORMED
    return [
        bad("empty", b"", form),
        bad("voucher of 15 bytes", voucher(1, 1)[:-1], form),
        bad("voucher of 17 bytes", voucher(1, 1) + b"\x00", form),
        bad("commitment of 59 bytes", good[:-1], form),
        bad("commitment of 61 bytes", good + b"\x00", form),
        bad("voucher above 2**63-1", voucher(2**63, 1), field),
        bad("voucher of 2**64-1", voucher(2**64 - 1, 1), field),
        bad("voucher with number 0", voucher(1, 0), field),
        bad("commitment above 2**63-1", commitment(2**63, 1, root, 1, 1), field),
        bad("commitment with number 0", commitment(0, 0, root, 120, 256), field),
        bad("commitment with unit 0", commitment(0, 1, root, 0, 256), field),
        bad("commitment with length 0", commitment(0, 1, root, 120, 0), field),
        bad("commitment with length 65536", commitment(0, 1, root, 1, 65536), field),
        bad("commitment whose last word passes 2**63-1", commitment(_MAX_MICRO, 1, root, 1, 1), field),
        bad("commitment with unit 2**64-1", commitment(0, 1, root, 2**64 - 1, 65535), field),
    ]


def payword_valid() -> list[Row]:
    rows = []
    for number, length in ((1, 1), (1, 256), (7, 100), (2**32 - 1, 17), (3, 1024)):
        chain = words(number, length)
        picked = sorted({1, length // 3 or 1, length - 1 or 1, length})
        rows.append({"name": f"chain {number} of {length}", "master": MASTER.hex(), "channel": CHANNEL.hex(),
                     "number": number, "length": length, "root": chain[0].hex(),
                     "words": [[index, chain[index].hex()] for index in picked]})
    return rows


def payword_invalid() -> list[Row]:
    chain, other = words(1, 256), words(2, 256)

    def wrong(name: str, word: bytes, steps: int, known: bytes) -> Row:
        return bad(name, word, faults.BAD_WORD, steps=steps, known=known.hex())

    return [
        wrong("the word before", chain[2], 1, chain[2]),
        wrong("one step too few", chain[5], 1, chain[3]),
        wrong("one step too many", chain[5], 3, chain[3]),
        wrong("a word of another chain", other[1], 1, chain[0]),
        wrong("backwards", chain[3], 1, chain[4]),
        wrong("zeros", bytes(32), 1, chain[0]),
    ]


# --- a payee, step by step


class _Story:
    """Steps with what each must do; `state` is cum, seq, index after it."""

    def __init__(self, name: str, about: str, cap: int = CAP):
        self.row: Row = {"name": name, "about": about, "cap": cap, "steps": []}
        self._state = [0, 0, 0]

    def _step(self, name: str, data: bytes, **result: Any) -> _Story:
        self.row["steps"].append({"name": name, "hex": data.hex(), **result, "state": list(self._state)})
        return self

    def taken(self, name: str, data: bytes, cum: int, seq: int, index: int) -> _Story:
        rise = cum - self._state[0]
        self._state = [cum, seq, index]
        return self._step(name, data, rise=rise)

    def repeated(self, name: str, data: bytes) -> _Story:
        return self._step(name, data, rise=0)

    def refused(self, name: str, data: bytes, fault: int) -> _Story:
        return self._step(name, data, fault=fault)

    def closed(self) -> _Story:
        return self._step("the channel is closed", b"", close=True)


def _pay(
    cum: int, seq: int, channel: bytes = CHANNEL, handle: bytes = HANDLE, kind: str = "voucher"
) -> bytes:
    return signed(PAYER, kind, voucher(cum, seq, handle), channel)


def _chain(cum: int, seq: int, unit: int = 100, length: int = 256) -> bytes:
    return signed(PAYER, "commitment", commitment(cum, seq, words(seq, length)[0], unit, length), CHANNEL)


def _vouchers() -> Row:
    story = _Story("vouchers", "the highest amount wins; nothing else moves the state")
    story.taken("first", _pay(100, 1), 100, 1, 0)
    story.repeated("the very same bytes", _pay(100, 1))
    story.taken("third, the second was lost", _pay(300, 3), 300, 3, 0)
    story.refused("the second comes late", _pay(200, 2), faults.STALE)
    story.refused("the first once more", _pay(100, 1), faults.STALE)
    story.refused("same amount, newer number", _pay(300, 4), faults.STALE)
    story.refused("same number, more money", _pay(400, 3), faults.EQUIVOCATION)
    story.refused("same number, less money", _pay(250, 3), faults.EQUIVOCATION)
    story.refused("above the deposit", _pay(CAP + 1, 5), faults.OVER_CAP)
    forged = PAYEE.sign(digest(aad("voucher", CHANNEL), voucher(500, 6)))
    story.refused("by the payee", envelope(voucher(500, 6), forged), faults.BAD_SIGNATURE)
    other = _pay(500, 6, channel=OTHER, handle=OTHER[:4])
    story.refused("for the other epoch", other, faults.UNKNOWN_CHANNEL)
    story.refused("for the other epoch under this handle", _pay(500, 6, channel=OTHER), faults.BAD_SIGNATURE)
    story.refused("a close in the shape of a voucher", _pay(500, 6, kind="close"), faults.BAD_SIGNATURE)
    story.taken("up to the last micro-unit", _pay(CAP, 7), CAP, 7, 0)
    return story.row


def _ticks() -> Row:
    w = words(1, 256)
    story = _Story("ticks", "a word pays its index, once")
    story.refused("a tick before any commitment", tick(1, w[1]), faults.NO_CHAIN)
    story.taken("commitment", _chain(0, 1), 0, 1, 0)
    story.repeated("the commitment again", _chain(0, 1))
    story.refused("index 0", tick(0, w[0]), faults.STALE)
    story.taken("tick 1", tick(1, w[1]), 100, 1, 1)
    story.repeated("tick 1 again", tick(1, w[1]))
    story.refused("tick 1 with another word", tick(1, w[2]), faults.STALE)
    story.taken("tick 5, three were lost", tick(5, w[5]), 500, 1, 5)
    story.refused("tick 3 comes late", tick(3, w[3]), faults.STALE)
    story.refused("the word of 6 for 7", tick(7, w[6]), faults.BAD_WORD)
    story.refused("a word of another chain", tick(6, words(2, 256)[6]), faults.BAD_WORD)
    story.refused("beyond the end", tick(257, w[256]), faults.CHAIN_END)
    story.taken("a checkpoint voucher", _pay(500, 2), 500, 2, 5)
    story.taken("tick 6", tick(6, w[6]), 600, 2, 6)
    story.refused("a chain below what is paid", _chain(500, 3), faults.STALE)
    story.taken("a chain on top", _chain(600, 3), 600, 3, 0)
    story.refused("a tick of the old chain", tick(7, w[7]), faults.BAD_WORD)
    story.taken("tick 1 of the new chain", tick(1, words(3, 256)[1]), 700, 3, 1)
    story.refused("the old commitment", _chain(0, 1), faults.STALE)
    return story.row


def _limits() -> Row:
    story = _Story("limits", "the deposit, and the hashes one tick may cost", cap=500_000)
    long = words(1, 65535)
    story.taken("a chain of 65,535", _chain(0, 1, length=65535), 0, 1, 0)
    story.refused("4,097 ahead", tick(4097, long[4097]), faults.SKIP_CAP)
    story.taken("4,096 ahead", tick(4096, long[4096]), 409_600, 1, 4096)
    story.taken("to the deposit", tick(5000, long[5000]), 500_000, 1, 5000)
    story.refused("one above the deposit", tick(5001, long[5001]), faults.OVER_CAP)
    story.closed()
    story.refused("a tick after the close", tick(5000, long[5000]), faults.CHANNEL_CLOSED)
    story.refused("a voucher after the close", _pay(500_000, 2), faults.CHANNEL_CLOSED)
    return story.row


def stories() -> list[Row]:
    return [_vouchers(), _ticks(), _limits()]
