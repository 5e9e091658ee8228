# SPDX-License-Identifier: MIT
"""Recomputes a journal from its first entry and yields a line for each rule that its rows break.

It opens no file: `audit` does, and says what to do about the lines.
"""

import sqlite3
from collections.abc import Iterator
from hashlib import sha256

import cbor2

from . import journal, merkle
from .batches import Row, batch_ref
from .journal import WORLD, Entry
from .ledger.book import settle_postings
from .store import CLOSED, schema
from .store.channels import Channel
from .store.database import Identity

MOST_LINES = 20  # damage is shown by its first lines; one broken page would fill screens


class Recount:
    """The running state of one verification, and its findings."""

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
        for (line,) in self.connection.execute(f"PRAGMA integrity_check({MOST_LINES})"):
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
        if entry.prev != self.head:
            return "it does not continue the entry before it"
        if not isinstance(entry.body, bytes) or journal.chain_hash(self.head, entry.body) != entry.hash:
            return "its hash is not that of its body"
        decoded = _decode_body(entry.body)
        if decoded is None:
            return "its body is no entry"
        columns, postings = decoded
        fault = self._book(entry, postings)
        return fault if columns == list(entry[:4]) else "its columns are not those of its body"

    def _book(self, entry: Entry, postings: tuple[journal.Posting, ...]) -> str:
        for account, amount in postings:
            self.balances[account] = self.balances.get(account, 0) + amount
        if entry.kind == "settle":
            self.settles[entry.seq] = entry
        if sum(amount for _, amount in postings):
            return "its postings do not sum to zero"
        overdrawn = [name for name, _ in postings if self.balances[name] < 0 and name != WORLD]
        return f"it overdraws {overdrawn[0]}" if overdrawn else ""

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
        numbered = all(index == place for place, (index, _, _) in enumerate(stored))
        if len(stored) != rows or not numbered or not all(type(body) is bytes for _, _, body in stored):
            return f"it has not the {rows} rows it names"
        if merkle.root([body for _, _, body in stored]) != root:
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


def _decode_body(body: bytes) -> tuple[list[object], tuple[journal.Posting, ...]] | None:
    """Columns and postings, or None for bytes that `journal.encode_body` would not have written."""
    try:
        seq, time_ms, kind, ref, postings = cbor2.loads(body)
        pairs = tuple((account, amount) for account, amount in postings)
        again = journal.encode_body(seq, time_ms, kind, ref, pairs)
    except (ValueError, TypeError, EOFError):
        return None
    sound = all(journal.is_account(account) and type(amount) is int for account, amount in pairs)
    return ([seq, time_ms, kind, ref], pairs) if sound and again == body else None
