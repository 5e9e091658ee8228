# SPDX-License-Identifier: MIT
"""Opens the SQLite file: identity, pragmas, creation, migration and the checks before first use.

It holds no thread and no queue; `writer` and `store` do. Raises StoreError with the next step.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from .. import journal
from . import schema
from .errors import StoreError, damaged, explain
from .wal import log_path

T = TypeVar("T")
Connect = Callable[[Path], sqlite3.Connection]

LEDGER_ID = "local"
INSTANCE_BYTES = 16
SQLITE_NEEDED = (3, 37)  # STRICT tables
_BUSY_MS = 5000
_CHECKPOINT_PAGES = 4000  # 16 MB of log: a checkpoint syncs twice more, so not at every few commits


class Identity(NamedTuple):
    """What makes this ledger unlike any other; all of it is under every channel hash."""

    ledger_id: str
    instance: bytes
    net: str


def connect_file(path: Path) -> sqlite3.Connection:
    """A plain connection in autocommit mode; any thread may use it, one at a time."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)


def prepare_writer(connection: sqlite3.Connection) -> None:
    """WAL and synchronous=FULL: NORMAL lost acknowledged rows in 39 of 40 simulated power cuts, FULL none."""
    for pragma in (
        f"busy_timeout = {_BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "fullfsync = ON",
        f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        "trusted_schema = OFF",
        "cell_size_check = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def connect_reader(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """A read-only connection; it raises sqlite3.OperationalError when the file is missing.

    `immutable` makes no file beside it and reads in a folder that cannot be written, but is only right for a
    store that nobody has open.
    """
    uri = f"{path.resolve().as_uri()}?{'immutable=1' if immutable else 'mode=ro'}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    return connection


def at_rest(path: Path) -> bool:
    """True when the store was closed in order: a gateway that runs, or died, leaves its log."""
    return not log_path(path).exists()


def read_file(path: Path, function: Callable[[sqlite3.Connection], T]) -> T:
    """Call `function` on one snapshot of a store that this process has not opened. Raises StoreError."""
    if not path.is_file():
        raise StoreError(f"{path} does not exist: name the store of a gateway")
    try:
        connection = connect_reader(path, immutable=at_rest(path))
        try:
            connection.execute("BEGIN")
            if not known_version(connection, path):
                raise StoreError(f"{path} is empty: name the store of a gateway")
            return function(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise explain(error, path) from error


def open_database(
    path: Path, *, net: str | None, create: bool, check: bool, now_ms: int, connect: Connect = connect_file
) -> tuple[sqlite3.Connection, Identity]:
    """The writer's connection and the ledger's identity, with the schema at its newest version."""
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        raise StoreError(f"this Python brings SQLite {sqlite3.sqlite_version}: use one with 3.37 or newer")
    if not create and not path.exists():
        raise StoreError(f"{path} does not exist: name the store of a gateway, or start one to make it")
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file in it")
    try:
        connection = connect(path)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        return connection, _ready(connection, path, net, check, now_ms)
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path) from error
    except StoreError:
        connection.close()
        raise


def _ready(connection: sqlite3.Connection, path: Path, net: str | None, check: bool, now_ms: int) -> Identity:
    version = known_version(connection, path)
    prepare_writer(connection)
    connection.execute("BEGIN IMMEDIATE")
    if version < schema.VERSION:
        schema.migrate(connection, version)
    if not version:
        _create(connection, net or "demo", now_ms)
    connection.execute("COMMIT")
    if check:
        _check(connection, path)
    identity = read_identity(connection, path)
    if net is not None and identity.net != net:
        raise StoreError(f"{path} belongs to the net {identity.net!r}, not {net!r}: name another file or net")
    return identity


def known_version(connection: sqlite3.Connection, path: Path) -> int:
    """Schema version, 0 for an empty file. Raises StoreError for a file that is not ours or newer than us."""
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not tables:
        return 0
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        raise StoreError(
            f"{path} is the database of another program, or its header is damaged: name another file"
        )
    version = schema.version_of(connection)
    if version > schema.VERSION:
        raise StoreError(
            f"{path} has schema {version}, this release knows {schema.VERSION}: install a newer farthing"
        )
    if version < 1:
        raise damaged(path, "it names no schema")
    return version


def _create(connection: sqlite3.Connection, net: str, now_ms: int) -> None:
    instance = os.urandom(INSTANCE_BYTES)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    rows = (("ledger", LEDGER_ID), ("instance", instance), ("net", net))
    for row in rows:
        connection.execute("INSERT INTO meta VALUES (?, ?)", row)
    journal.begin(connection, now_ms, Identity(LEDGER_ID, instance, net))


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """SQLite's own structure check and the end of the chain; the whole chain is the auditor's work."""
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise damaged(path, verdict.replace("\n", " "))
    last = connection.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
    if last is None or tuple(last) != journal.head(connection):
        raise damaged(path, "the journal does not end at its recorded head")


def read_identity(connection: sqlite3.Connection, path: Path) -> Identity:
    rows = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('ledger', 'instance', 'net')"))
    if rows.keys() != {"ledger", "instance", "net"} or len(rows["instance"]) != INSTANCE_BYTES:
        raise damaged(path, "its identity is missing")
    return Identity(rows["ledger"], rows["instance"], rows["net"])
