# SPDX-License-Identifier: MIT
"""A disk that forgets what was not synced: an SQLite VFS for simulated power cuts.

Every file has a live copy, which the process sees, and a durable one, which takes over the live one's writes
at each sync. At the cut an arbitrary part of the waiting 512-byte sectors reaches the durable copy, in any
order, and all later writes fail. kill -9 can't show this: the kernel keeps what a dead process wrote.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw

SECTOR = 512
Write = tuple[int, bytes | None]


class Disk(apsw.VFS):
    """One simulated disk under `folder`; use it with `connect`, look at what survived under `durable`."""

    def __init__(self, folder: Path, name: str, cut_at: int | None = None, seed: int = 0) -> None:
        self.live, self.durable = folder / "live", folder / "durable"
        for part in (self.live, self.durable):
            part.mkdir(parents=True)
        self.vfs_name = name
        self.cut_at = cut_at
        self.events = 0
        self.dead = False
        self.waiting: dict[str, list[Write]] = {}
        self._random = random.Random(seed)
        self._unlinked: list[Path] = []
        super().__init__(name, base="")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        if self.dead:
            return  # SQLite deletes while it closes, where an error could only be printed
        self.step()
        super().xDelete(filename, syncdir)
        self.waiting.pop(Path(filename).name, None)
        self._unlinked.append(self.durable / Path(filename).name)
        if syncdir:
            self._unlink()

    def step(self) -> None:
        """Count one write, sync or delete; at the chosen one the power goes."""
        self.events += 1
        if self.cut_at is not None and self.events >= self.cut_at:
            if not self.dead:
                self.dead = True
                self._tear()
            raise apsw.exception_for(apsw.SQLITE_IOERR_WRITE)

    def sync(self, name: str) -> None:
        """Make a file's waiting writes durable, and the unlinks before: a file system has one journal."""
        self._unlink()
        self._apply(name, self.waiting.pop(name, []))

    def _unlink(self) -> None:
        for path in self._unlinked:
            path.unlink(missing_ok=True)
        self._unlinked = []

    def _tear(self) -> None:
        for name, writes in self.waiting.items():
            sectors = [part for write in writes for part in _sectors(write)]
            survivors = [part for part in sectors if self._random.random() < 0.5]
            self._random.shuffle(survivors)
            self._apply(name, survivors)

    def _apply(self, name: str, writes: list[Write]) -> None:
        path = self.durable / name
        path.touch()
        with path.open("r+b") as file:
            for offset, data in writes:
                if data is None:
                    file.truncate(offset)
                else:
                    file.seek(offset)
                    file.write(data)


def _sectors(write: Write) -> Iterator[Write]:
    offset, data = write
    if data is None:
        yield write
        return
    for start in range(0, len(data), SECTOR):
        yield offset + start, data[start : start + SECTOR]


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        plain = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(plain).name if plain else ""
        super().__init__("", name, flags)

    def _keep(self, write: Write) -> None:
        self._disk.step()
        if self._name:
            self._disk.waiting.setdefault(self._name, []).append(write)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._keep((offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._keep((newsize, None))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.step()
        if self._name:
            self._disk.sync(self._name)


class Rows(list):
    """A finished statement, with the attributes of an sqlite3 cursor that the store uses."""

    rowcount = -1
    lastrowid = 0

    def fetchone(self) -> tuple | None:
        return self[0] if self else None

    def fetchall(self) -> list[tuple]:
        return list(self)


class Connection:
    """An apsw connection with the interface of sqlite3.Connection, as far as the store uses it."""

    def __init__(self, path: Path, disk: Disk, replaced: dict[str, str]) -> None:
        self._connection = apsw.Connection(str(disk.live / path.name), vfs=disk.vfs_name)
        self._replaced = replaced

    def execute(self, sql: str, parameters: tuple = ()) -> Rows:
        try:
            rows = Rows(self._connection.execute(self._replaced.get(sql, sql), parameters))
        except apsw.Error as error:
            raise _translated(error) from error
        rows.rowcount = self._connection.changes()
        rows.lastrowid = self._connection.last_insert_rowid()
        return rows

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def close(self) -> None:
        with suppress(apsw.Error):  # like sqlite3, which does not report a checkpoint that fails at the end
            self._connection.close()


def _translated(error: apsw.Error) -> sqlite3.Error:
    kind = sqlite3.IntegrityError if isinstance(error, apsw.ConstraintError) else sqlite3.OperationalError
    made = kind(str(error))
    made.sqlite_errorcode = error.result
    return made
