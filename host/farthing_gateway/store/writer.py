# SPDX-License-Identifier: MIT
"""The writer thread: whatever queued during the last fsync is the next group, one commit for all of it.

No linger: waiting 2 ms for company made it five times slower. It knows no table.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import StoreError, explain, primary_code

Operation = Callable[[sqlite3.Connection], Any]
Done = Callable[[Any, BaseException | None], None]

_log = logging.getLogger(__name__)

# After these nothing that this transaction wrote can be trusted, whichever operation met the error.
_FATAL_TO_GROUP = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_INTERRUPT,
    }
)


class Writer(threading.Thread):
    """Runs operations in order of submission and reports each once, after the commit that holds it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(name=f"store {path.name}", daemon=True)
        self._connection = connection
        self._path = path
        self._queue: queue.SimpleQueue[tuple[Operation, Done] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self.groups = 0
        self.operations = 0
        self.refused = 0
        self.failed_groups = 0
        self.callback_errors = 0
        self.largest_group = 0

    def submit(self, operation: Operation, done: Done) -> None:
        """Queue it. Raises StoreError after `stop`."""
        with self._gate:
            if self._closed:
                raise StoreError(f"{self._path} is closed: open it again")
            self._queue.put((operation, done))

    def backlog(self) -> int:
        return self._queue.qsize()

    def stop(self) -> None:
        """Run what is queued, then end. Repeating it does nothing."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self.join()

    def run(self) -> None:
        last = False
        while not last:
            group, last = self._next_group()
            if group:
                self._commit(group)

    def _next_group(self) -> tuple[list[tuple[Operation, Done]], bool]:
        items = [self._queue.get()]
        items += [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        group = [item for item in items if item is not None]
        return group, len(group) < len(items)

    def _commit(self, group: list[tuple[Operation, Done]]) -> None:
        outcomes: list[tuple[Any, BaseException | None]]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(operation) for operation, _ in group]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            self.failed_groups += 1
            outcomes = [(None, explain(error, self._path))] * len(group)
        self.groups += 1
        self.operations += len(group)
        self.largest_group = max(self.largest_group, len(group))
        for (_, done), (result, error) in zip(group, outcomes, strict=True):
            self._report(done, result, error)

    def _attempt(self, operation: Operation) -> tuple[Any, BaseException | None]:
        """Run one operation in its own savepoint. An error that spoils the whole group is raised on."""
        self._connection.execute("SAVEPOINT one")
        try:
            result = operation(self._connection)
        except Exception as error:  # it goes to the submitter; the others of the group go on
            if isinstance(error, sqlite3.Error) and primary_code(error) in _FATAL_TO_GROUP:
                raise
            self._connection.execute("ROLLBACK TO one")
            self._connection.execute("RELEASE one")
            self.refused += 1
            return None, error
        self._connection.execute("RELEASE one")
        return result, None

    def _roll_back(self) -> None:
        if not self._connection.in_transaction:
            return  # SQLite has already done it, as it does for a full disk
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            _log.exception("rollback of %s", self._path)

    def _report(self, done: Done, result: Any, error: BaseException | None) -> None:
        try:
            done(result, error)
        except Exception:  # noqa: BLE001 - supervisor: a failing callback must not end the writer
            self.callback_errors += 1
            _log.exception("a callback of the store failed")
