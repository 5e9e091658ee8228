# SPDX-License-Identifier: MIT
"""The hash-chained double-entry journal: append, balances, reading back.

It knows no channel and no rule of settlement: `ledger.book` decides what may be posted, `audit` recomputes.

Body of an entry: deterministic CBOR array [seq, time_ms, kind, ref, [[account, amount], ...]]; hash =
SHA-256(prev || body); prev of the first = SHA-256(instance). Amounts are int64 micro-units and sum to zero.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

import cbor2

WORLD = "world"
HOUSE = "house"
GENESIS = "genesis"
INT64_MAX = 2**63 - 1

_ACCOUNT = re.compile(r"world|house|device:[0-9a-f]{32}|escrow:[0-9a-f]{64}")
_KIND = re.compile(r"[a-z_]{1,16}")
_REF = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")

Posting = tuple[str, int]


class JournalError(Exception):
    """An entry that must not be written; codes: overdrawn, unbalanced, ref_reused, bad_posting."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Entry(NamedTuple):
    """One row of the journal; `prev` and `hash` are 32 bytes."""

    seq: int
    time_ms: int
    kind: str
    ref: str
    body: bytes
    prev: bytes
    hash: bytes

    @property
    def postings(self) -> tuple[Posting, ...]:
        """(account, amount) pairs, decoded from the body."""
        return tuple((account, amount) for account, amount in cbor2.loads(self.body)[4])


def device_account(device: bytes) -> str:
    return f"device:{device.hex()}"


def escrow_account(channel: bytes) -> str:
    return f"escrow:{channel.hex()}"


def is_account(name: object) -> bool:
    return isinstance(name, str) and _ACCOUNT.fullmatch(name) is not None


def encode_body(seq: int, time_ms: int, kind: str, ref: str, postings: Sequence[Posting]) -> bytes:
    """The bytes that are hashed (RFC 8949 4.2.1)."""
    return cbor2.dumps([seq, time_ms, kind, ref, [list(posting) for posting in postings]], canonical=True)


def chain_hash(prev: bytes, body: bytes) -> bytes:
    return sha256(prev + body).digest()


def begin(connection: sqlite3.Connection, time_ms: int, identity: tuple[str, bytes, str]) -> Entry:
    """Write the first entry: ledger id, instance and net are under the chain from then on."""
    ledger_id, instance, net = identity
    _set_head(connection, 0, sha256(instance).digest())
    return append(connection, time_ms, GENESIS, genesis_ref(ledger_id, instance, net), ())


def genesis_ref(ledger_id: str, instance: bytes, net: str) -> str:
    return f"{GENESIS}:{ledger_id}:{net}:{instance.hex()}"


def append(
    connection: sqlite3.Connection, time_ms: int, kind: str, ref: str, postings: Sequence[Posting]
) -> Entry:
    """Post an entry in the caller's transaction. The same ref with the same content returns the first entry.

    Raises JournalError: unbalanced or bad_posting for the entry itself, overdrawn when an account other than
    `world` would fall below zero, ref_reused when the ref stands for another entry.
    """
    _check_entry(kind, ref, postings)
    first = find_ref(connection, ref)
    if first is not None:
        return _same(first, kind, postings)
    head_seq, prev = head(connection)
    body = encode_body(head_seq + 1, time_ms, kind, ref, postings)
    entry = Entry(head_seq + 1, time_ms, kind, ref, body, prev, chain_hash(prev, body))
    for account, amount in postings:
        _post(connection, account, amount)
    connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", entry)
    _set_head(connection, entry.seq, entry.hash)
    return entry


def _check_entry(kind: str, ref: str, postings: Sequence[Posting]) -> None:
    if not _KIND.fullmatch(kind) or not _REF.fullmatch(ref):
        raise JournalError("bad_posting", f"kind {kind!r} with ref {ref!r} is no entry: use printable ASCII")
    for account, amount in postings:
        if not is_account(account) or not 0 < abs(amount) <= INT64_MAX:
            raise JournalError("bad_posting", f"{amount} on {account!r} cannot be posted")
    if len({account for account, _ in postings}) != len(postings):
        raise JournalError("bad_posting", f"{ref} names an account twice: add its postings up first")
    if sum(amount for _, amount in postings):
        raise JournalError("unbalanced", f"the postings of {ref} do not sum to zero")


def _same(first: Entry, kind: str, postings: Sequence[Posting]) -> Entry:
    if first.kind != kind or first.postings != tuple(postings):
        raise JournalError("ref_reused", f"{first.ref} stands for another entry ({first.seq}): use a new ref")
    return first


def _post(connection: sqlite3.Connection, account: str, amount: int) -> None:
    after = balance(connection, account) + amount
    if after < 0 and account != WORLD:
        raise JournalError("overdrawn", f"{account} holds {after - amount} micro, {-amount} were asked for")
    if abs(after) > INT64_MAX:
        raise JournalError("bad_posting", f"{account} would leave the range of a 64-bit amount")
    connection.execute(
        "INSERT INTO account VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET balance = excluded.balance",
        (account, after),
    )


def head(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Number and hash of the last entry, as recorded in meta; a truncated journal no longer ends there."""
    rows = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('head_seq', 'head_hash')"))
    return rows.get("head_seq", 0), rows.get("head_hash", b"")


def _set_head(connection: sqlite3.Connection, seq: int, digest: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('head_seq', ?)", (seq,))
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('head_hash', ?)", (digest,))


def find_ref(connection: sqlite3.Connection, ref: str) -> Entry | None:
    row = connection.execute("SELECT * FROM entry WHERE ref = ?", (ref,)).fetchone()
    return Entry(*row) if row else None


def entries(connection: sqlite3.Connection, after: int = 0) -> Iterator[Entry]:
    """Entries with a number above `after`, in order."""
    for row in connection.execute("SELECT * FROM entry WHERE seq > ? ORDER BY seq", (after,)):
        yield Entry(*row)


def balance(connection: sqlite3.Connection, account: str) -> int:
    """Micro-units on an account; 0 for one never used."""
    row = connection.execute("SELECT balance FROM account WHERE name = ?", (account,)).fetchone()
    return row[0] if row else 0


def balances(connection: sqlite3.Connection) -> dict[str, int]:
    """Every account that was ever posted to."""
    return dict(connection.execute("SELECT name, balance FROM account ORDER BY name"))
