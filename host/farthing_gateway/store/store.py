# SPDX-License-Identifier: MIT
"""Store: operations in through one writer thread, reads through a connection for each thread.

An operation is a function of the connection. The store knows no table but meta.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from .database import Connect, Identity, connect_file, connect_reader, open_database
from .errors import StoreError, explain
from .writer import Done, Writer

T = TypeVar("T")
Clock = Callable[[], int]


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Counters(NamedTuple):
    """Since opening: commits, operations, those refused, groups that failed whole, broken callbacks."""

    groups: int
    operations: int
    refused: int
    failed_groups: int
    callback_errors: int
    largest_group: int


class Store:
    """The durable state of one gateway. Make it with `Store.open`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, identity: Identity) -> None:
        self.path = path
        self.ledger_id, self.instance, self.net = identity
        self._connection = connection
        self._writer = Writer(connection, path)
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._writer.start()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        net: str | None = "demo",
        create: bool = True,
        check: bool = True,
        clock: Clock = wall_clock_ms,
        connect: Connect = connect_file,
    ) -> Self:
        """Open the file, or make it with a new instance number; `net=None` accepts any net.

        `check` has SQLite check its structure first, which reads the whole file. Raises StoreError.
        """
        path = Path(path)
        connection, identity = open_database(
            path, net=net, create=create, check=check, now_ms=clock(), connect=connect
        )
        return cls(path, connection, identity)

    def submit(self, operation: Callable[[sqlite3.Connection], Any], done: Done) -> None:
        """Queue an operation; `done(result, error)` is called once, from the writer thread, after the commit.

        `error` is what the operation raised, or StoreError when its whole group failed, else None.
        """
        self._writer.submit(operation, done)

    def future(self, operation: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue an operation; the future is resolved after the commit, in the writer thread."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()

        def done(result: T, error: BaseException | None) -> None:
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self._writer.submit(operation, done)
        return future

    def run(self, operation: Callable[[sqlite3.Connection], T], timeout_s: float | None = None) -> T:
        """Run an operation and wait for its commit. Raises StoreError where it would wait for itself."""
        if threading.current_thread() is self._writer:
            raise StoreError("run() was called in the writer thread: use submit() or future() there")
        return self.future(operation).result(timeout_s)

    def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` on this thread's own read-only connection, within one snapshot."""
        try:
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return function(connection)
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def _reader(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self.path} is closed: open it again")
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect_reader(self.path)
            self._readers.append(connection)
        return connection

    def backlog(self) -> int:
        """Operations that wait for the next group."""
        return self._writer.backlog()

    @property
    def counters(self) -> Counters:
        return Counters(*(getattr(self._writer, name) for name in Counters._fields))

    def close(self) -> None:
        """Finish what is queued, fold the log into the file and close. Repeating it does nothing."""
        self._writer.stop()
        if self._closed:
            return
        self._closed = True
        for connection in self._readers:
            connection.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
