# SPDX-License-Identifier: MIT
"""One gateway on a data folder: a lock that ends with the process, however it ends.

It protects no file against other commands: `farthing ledger` may read and deposit while a gateway runs.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LockedError(Exception):
    """Another gateway is using the folder; one line with the next step."""


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Two gateways would answer from two memories. Raises LockedError."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "gateway.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LockedError(f"a gateway runs on {folder}: stop it, or use another --data") from error
        yield
