# SPDX-License-Identifier: MIT
"""`farthing ledger verify`: recomputes everything the journal claims, read-only.

Chain, bodies, sums, balances, head, batches with their roots, channels against what was paid on them,
SQLite's own structure and its log. It repairs nothing and checks no voucher's signature.
"""

import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

from .recount import MOST_LINES, Recount
from .store import StoreError
from .store.database import at_rest, connect_reader, known_version, read_identity
from .store.errors import explain
from .store.wal import log_damage

_LOG_TRIES = 3
_LOG_PAUSE_S = 0.02  # a gateway that writes meanwhile finishes its frame in that time


class Report(NamedTuple):
    """Result of a verification; `damage` has one line a finding, empty when `ok`."""

    ok: bool
    entries: int
    head: bytes
    batches: int
    accounts: int
    channels: int
    damage: tuple[str, ...]


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
    recount = Recount(connection, anchor)
    lines: list[str] = []
    try:
        connection.execute("BEGIN")
        if not known_version(connection, path):
            return _report(None, [f"{path} is empty: name the store of a gateway"])
        identity = read_identity(connection, path)
        for line in recount.findings(identity):
            lines.append(line)
            if len(lines) >= MOST_LINES:
                break
    except StoreError as error:
        lines.append(str(error))
    except sqlite3.Error as error:
        lines.append(str(explain(error, path)))
    except (ValueError, TypeError, AttributeError, EOFError) as error:
        lines.append(f"{path}: a value has the wrong form ({error}): restore a backup")
    log = _log_damage(path)
    return _report(recount, [*lines, f"file: {log}"] if log else lines)


def _log_damage(path: Path) -> str:
    """Look more than once: a running gateway may be in the middle of a frame."""
    damage = log_damage(path)
    for _ in range(_LOG_TRIES):
        if not damage:
            break
        time.sleep(_LOG_PAUSE_S)
        damage = log_damage(path)
    return damage


def _report(recount: Recount | None, damage: list[str]) -> Report:
    if recount is None:
        return Report(not damage, 0, b"", 0, 0, 0, tuple(damage))
    counts = (recount.entries, recount.head, recount.batches, len(recount.balances), recount.channels)
    return Report(not damage, *counts, tuple(damage))
