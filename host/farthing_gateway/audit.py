# SPDX-License-Identifier: MIT
"""`farthing ledger verify`: recomputes everything the journal claims, read-only.

Chain, bodies, sums, balances, head, batches with their roots, channels against what was paid on them, and
SQLite's own structure. It repairs nothing and checks no voucher's signature.
"""

import sqlite3
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import cbor2

from . import journal, merkle
from .batches import Row, batch_ref
from .journal import WORLD, Entry
from .ledger.book import settle_postings
from .store import CLOSED, StoreError, schema
from .store.channels import Channel
from .store.database import Identity, at_rest, connect_reader, known_version, read_identity
from .store.errors import explain
from .store.wal import log_damage

_MOST_LINES = 20  # damage is shown by its first lines; one broken page would fill screens
_LOG_TRIES = 5
_LOG_PAUSE_S = 0.05  # a gateway that writes meanwhile finishes its frame in that time


class Report(NamedTuple):
    """Result of a verification; `damage` has one line a finding, empty when `ok`."""

    ok: bool
    entries: int
    head: bytes
    batches: int
    accounts: int
    channels: int
    damage: tuple[str, ...]


class _Audit:
    """The findings and the running state of one verification."""

    def __init__(self, connection: sqlite3.Connection, anchor: bytes | None) -> None:
        self.connection = connection
        self.anchor = anchor
        self.entries: int = 0
        self.head: bytes = b""
        self.batches = 0
        self.channels = 0
        self.balances: dict[str, int] = {}
        self.settles: dict[int, Entry] = {}
        self.paid: dict[bytes, int] = {}

    def findings(self, identity: Identity) -> Iterator[str]:
        yield from self._structure()
        yield from self._chain(identity)
        yield from self._accounts()
        yield from self._batches()
        yield from self._channels()

    def _structure(self) -> Iterator[str]:
        for (line,) in self.connection.execute(f"PRAGMA integrity_check({_MOST_LINES})"):
            if line != "ok":
                yield f"file: {' '.join(str(line).split())}"
        if schema.definitions(self.connection) != schema.expected_definitions():
            yield "file: its tables are not those of this release"

    def _chain(self, identity: Identity) -> Iterator[str]:
        self.head = sha256(identity.instance).digest()
        for row in self.connection.execute("SELECT * FROM entry ORDER BY seq"):
            entry = Entry(*row)
            self.entries += 1
            fault = self._entry_fault(entry)
            if fault:
                yield f"entry {entry.seq}: {fault}"
            self.head = entry.hash
            if self.head == self.anchor:
                self.anchor = None
            if self.entries == 1 and entry.ref != journal.genesis_ref(*identity):
                yield "entry 1: it does not begin the ledger that this file names"
        if self.anchor is not None:
            yield f"head: the journal no longer contains {self.anchor.hex()}"
        recorded = journal.head(self.connection)
        if recorded != (self.entries, self.head):
            yield f"head: it was recorded at entry {recorded[0]}, the journal ends elsewhere ({self.entries})"

    def _entry_fault(self, entry: Entry) -> str:
        if entry.seq != self.entries:
            return f"it stands where entry {self.entries} should be"
        if entry.prev != self.head:
            return "it does not continue the entry before it"
        if not isinstance(entry.body, bytes) or journal.chain_hash(self.head, entry.body) != entry.hash:
            return "its hash is not that of its body"
        postings = _decode_body(entry)
        if postings is None:
            return "its columns are not those of its body"
        return self._book(entry, postings)

    def _book(self, entry: Entry, postings: tuple[journal.Posting, ...]) -> str:
        if sum(amount for _, amount in postings):
            return "its postings do not sum to zero"
        for account, amount in postings:
            self.balances[account] = self.balances.get(account, 0) + amount
            if self.balances[account] < 0 and account != WORLD:
                return f"it overdraws {account}"
        if entry.kind == "settle":
            self.settles[entry.seq] = entry
        return ""

    def _accounts(self) -> Iterator[str]:
        stored = journal.balances(self.connection)
        for account in sorted(stored.keys() | self.balances.keys(), key=str):
            have, due = stored.get(account), self.balances.get(account)
            if have != due:
                yield f"account {account}: it shows {have} micro, its entries give {due}"

    def _batches(self) -> Iterator[str]:
        for no, root, rows, entry_seq, time_ms in self.connection.execute("SELECT * FROM batch ORDER BY no"):
            self.batches += 1
            if no != self.batches:
                yield f"batch {no}: it stands where batch {self.batches} should be"
            fault = self._batch_fault(no, root, rows, self.settles.pop(entry_seq, None), time_ms)
            if fault:
                yield f"batch {no}: {fault}"
        for seq in self.settles:
            yield f"entry {seq}: its batch is missing"
        stray = "SELECT count(*) FROM batch_row WHERE batch NOT IN (SELECT no FROM batch)"
        if self.connection.execute(stray).fetchone()[0]:
            yield "batch rows: some belong to no batch"

    def _batch_fault(self, no: int, root: bytes, rows: int, entry: Entry | None, time_ms: int) -> str:
        query = "SELECT idx, channel, body FROM batch_row WHERE batch = ? ORDER BY idx"
        stored = self.connection.execute(query, (no,)).fetchall()
        if entry is None or entry.time_ms != time_ms or entry.ref != batch_ref(no, root):
            return "no entry of the journal has booked it so"
        if [index for index, _, _ in stored] != list(range(rows)):
            return f"it has not the {rows} rows it names"
        if merkle.root([bytes(body) for _, _, body in stored]) != root:
            return "its Merkle root is not that of its rows"
        decoded = [Row.decode(body) for _, _, body in stored]
        if [row.channel for row in decoded] != [channel for _, channel, _ in stored]:
            return "a row stands under another channel"
        if list(entry.postings) != settle_postings(decoded):
            return f"entry {entry.seq} does not pay its rows"
        return self._pay(decoded)

    def _pay(self, rows: list[Row]) -> str:
        for row in rows:
            paid = self.paid.get(row.channel, 0)
            if row.amount <= 0 or paid + row.amount != row.cum:
                return f"its row for channel {row.channel.hex()} does not continue the one before"
            self.paid[row.channel] = row.cum
        return ""

    def _channels(self) -> Iterator[str]:
        escrows = {bytes.fromhex(name[7:]) for name in self.balances if name.startswith("escrow:")}
        missing = escrows | set(self.paid)
        for row in self.connection.execute("SELECT * FROM channel ORDER BY hash"):
            channel = Channel(*row)
            self.channels += 1
            missing.discard(channel.hash)
            escrow = 0 if channel.state == CLOSED else channel.cap - channel.settled
            if channel.settled != self.paid.get(channel.hash, 0):
                yield f"channel {channel.hash.hex()}: its batches paid another sum than settled"
            if self.balances.get(journal.escrow_account(channel.hash)) != escrow:
                yield f"channel {channel.hash.hex()}: its escrow is not its cap less what was settled"
        for channel_hash in sorted(missing):
            yield f"channel {channel_hash.hex()}: it was funded and its row is missing"


def _decode_body(entry: Entry) -> tuple[journal.Posting, ...] | None:
    """The postings, or None when the body is not exactly what these columns encode to."""
    try:
        *columns, postings = cbor2.loads(entry.body)
        pairs = tuple((account, amount) for account, amount in postings)
        again = journal.encode_body(entry.seq, entry.time_ms, entry.kind, entry.ref, pairs)
    except (ValueError, TypeError, EOFError):
        return None
    sound = all(journal.is_account(account) and type(amount) is int for account, amount in pairs)
    return pairs if sound and again == entry.body and columns == list(entry[:4]) else None


def verify_journal(path: str | Path, anchor: bytes | None = None) -> Report:
    """Verify a store's journal without changing the file. Damage is reported, never raised.

    `anchor` is a head noted earlier: whoever rewrites the file can rewrite its record of the head, not this.
    """
    path = Path(path)
    if not path.is_file():
        return _report(None, [f"{path} does not exist: name the store of a gateway"])
    immutable = at_rest(path)
    report = _open_and_verify(path, anchor, immutable)
    if immutable and not at_rest(path):
        return _open_and_verify(path, anchor, immutable=False)  # a gateway has started meanwhile
    return report


def _open_and_verify(path: Path, anchor: bytes | None, immutable: bool) -> Report:
    try:
        connection = connect_reader(path, immutable=immutable)
    except sqlite3.Error as error:
        return _report(None, [str(explain(error, path))])
    # A byte changed inside a text must reach the comparison, not stop the reading.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        return _verify(connection, path, anchor)
    finally:
        connection.close()


def _verify(connection: sqlite3.Connection, path: Path, anchor: bytes | None) -> Report:
    audit = _Audit(connection, anchor)
    lines: list[str] = []
    try:
        connection.execute("BEGIN")
        if not known_version(connection, path):
            return _report(None, [f"{path} is empty: name the store of a gateway"])
        identity = read_identity(connection, path)
        for line in audit.findings(identity):
            lines.append(line)
            if len(lines) >= _MOST_LINES:
                break
    except StoreError as error:
        lines.append(str(error))
    except sqlite3.Error as error:
        lines.append(str(explain(error, path)))
    except (ValueError, TypeError, AttributeError, EOFError) as error:
        lines.append(f"{path}: a value has the wrong form ({error}): restore a backup")
    log = _log_damage(path)
    return _report(audit, [*lines, f"file: {log}"] if log else lines)


def _log_damage(path: Path) -> str:
    """Look more than once: a running gateway may be in the middle of a frame."""
    damage = log_damage(path)
    for _ in range(_LOG_TRIES):
        if not damage:
            break
        time.sleep(_LOG_PAUSE_S)
        damage = log_damage(path)
    return damage


def _report(audit: _Audit | None, damage: list[str]) -> Report:
    if audit is None:
        return Report(not damage, 0, b"", 0, 0, 0, tuple(damage))
    counts = (audit.entries, audit.head, audit.batches, len(audit.balances), audit.channels)
    return Report(not damage, *counts, tuple(damage))
