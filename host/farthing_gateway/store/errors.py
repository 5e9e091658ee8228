# SPDX-License-Identifier: MIT
"""StoreError, and the one sentence with the next step for each thing SQLite can report.

It decides nothing: which error fails one operation and which a whole group is the writer's business.
"""

import sqlite3
from pathlib import Path

PRIMARY = 0xFF  # extended result codes carry the primary one in their low byte (sqlite.org/rescode.html)

_SENTENCES = {
    sqlite3.SQLITE_FULL: "no space left on the disk of {path}: free some, then repeat",
    sqlite3.SQLITE_BUSY: "{path} is locked by another process: stop that process, or try again later",
    sqlite3.SQLITE_LOCKED: "{path} is locked by another process: stop that process, or try again later",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: check the permissions of the file and of its folder",
    sqlite3.SQLITE_PERM: "{path} cannot be written: check the permissions of the file and of its folder",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: check that its folder exists and may be written",
    sqlite3.SQLITE_IOERR: "the disk failed on {path} ({reason}): check the disk and its file system",
    sqlite3.SQLITE_NOTADB: "{path} is no Farthing store, or its first page is damaged: "
    "name another file, or restore a backup",
}
_DAMAGED = "{path} is damaged ({reason}): restore a backup, or run `farthing ledger verify {path}`"
_OTHER = "{path} refused the operation ({reason}): run `farthing ledger verify {path}`"


class StoreError(Exception):
    """The store cannot do it: one line with the next step. Nothing of its group is acknowledged."""


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, or -1 for an error made by the Python module itself."""
    code = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & PRIMARY


def damaged(path: Path, reason: str) -> StoreError:
    """The error for a file that is ours but broken."""
    return StoreError(_DAMAGED.format(path=path, reason=reason))


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """Translate what SQLite raised."""
    code = primary_code(error)
    if code == sqlite3.SQLITE_CORRUPT:
        return damaged(path, str(error))
    return StoreError(_SENTENCES.get(code, _OTHER).format(path=path, reason=error))
