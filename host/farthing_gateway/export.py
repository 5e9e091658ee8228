# SPDX-License-Identifier: MIT
"""The journal for auditors: beancount text (beancount.github.io/docs/beancount_language_syntax.html) and CSV.

It trusts the journal as it stands; `audit` verifies. Signs are the journal's own: `world` is negative by what
it put in, so it is Equity, and what devices, escrows and the house hold are Assets.
"""

import csv
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TextIO

from . import journal
from .amounts import format_micro
from .journal import Entry

COMMODITY = "FARTHING"
CSV_HEADER = ("seq", "time", "kind", "ref", "account", "amount_micro", "hash")

_COMMODITY = re.compile(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]")
_PREFIX = {"device": "Assets:Device", "escrow": "Assets:Escrow"}
_PLAIN = {journal.WORLD: "Equity:World", journal.HOUSE: "Assets:House"}


def beancount_account(account: str) -> str:
    """A component must begin with a capital or a digit, so ids become upper-case hex."""
    kind, _, name = account.partition(":")
    return f"{_PREFIX[kind]}:{name.upper()}" if name else _PLAIN[account]


def beancount_lines(connection: sqlite3.Connection, commodity: str = COMMODITY) -> Iterator[str]:
    """Open directives, one transaction an entry, and a balance assertion for each account after the last day.

    Amounts are exact decimals of the micro-unit and the assertions allow no tolerance. Raises ValueError for
    a commodity name that beancount would refuse.
    """
    if not _COMMODITY.fullmatch(commodity):
        raise ValueError(f"{commodity!r} is no commodity name: take 2 to 24 capitals and digits, like EUR")
    first, last = _days(connection)
    balances = journal.balances(connection)
    yield f'option "title" "Farthing ledger, head {journal.head(connection)[1].hex()}"'
    yield f"{first} commodity {commodity}"
    for account in balances:
        yield f"{first} open {beancount_account(account)} {commodity}"
    for entry in journal.entries(connection):
        yield ""
        yield from _transaction(entry, commodity)
    yield ""
    for account, amount in balances.items():
        held = format_micro(amount)
        yield f"{last + timedelta(days=1)} balance {beancount_account(account)} {held} ~ 0 {commodity}"


def _days(connection: sqlite3.Connection) -> tuple[date, date]:
    low, high = connection.execute("SELECT min(time_ms), max(time_ms) FROM entry").fetchone()
    return _utc(low or 0).date(), _utc(high or 0).date()


def _transaction(entry: Entry, commodity: str) -> Iterator[str]:
    yield f'{_utc(entry.time_ms).date()} * "{_quoted(entry.kind)}" "{_quoted(entry.ref)}"'
    yield f"  seq: {entry.seq}"
    yield f'  time: "{_iso(entry.time_ms)}"'
    yield f'  hash: "{entry.hash.hex()}"'
    for account, amount in entry.postings:
        yield f"  {beancount_account(account)}  {format_micro(amount)} {commodity}"


def write_csv(connection: sqlite3.Connection, stream: TextIO) -> None:
    """One line a posting under CSV_HEADER (RFC 4180); an entry without postings has one line with none."""
    out = csv.writer(stream)
    out.writerow(CSV_HEADER)
    for entry in journal.entries(connection):
        head = (entry.seq, _iso(entry.time_ms), entry.kind, entry.ref)
        for account, amount in entry.postings or (("", ""),):
            out.writerow((*head, account, amount, entry.hash.hex()))


def _utc(time_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)


def _iso(time_ms: int) -> str:
    return _utc(time_ms).isoformat(timespec="milliseconds")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
