# SPDX-License-Identifier: MIT
"""Small files that are durable when the call returns.

A module with these functions is what Journal takes as `files`. Not here: formats, and any retry.
"""

import os

# MicroPython's flush() is an fsync on the unix port, a commit on littlefs; CPython's only empties a buffer.
_fsync = getattr(os, "fsync", None)


def size(name: str) -> int:
    """Bytes in a file; 0 if it isn't there."""
    try:
        return os.stat(name)[6]
    except OSError:
        return 0


def read(name: str, start: int, count: int) -> bytes:
    """At most `count` bytes from `start`. Raises OSError."""
    with open(name, "rb") as file:
        file.seek(start)
        return file.read(count)


def append(name: str, data: bytes) -> None:
    """Write at the end and make it durable. Raises OSError."""
    with open(name, "ab") as file:
        file.write(data)
        file.flush()
        if _fsync:
            _fsync(file.fileno())


def remove(name: str) -> None:
    """Delete a file, if it is there."""
    try:
        os.remove(name)
    except OSError:
        return


def write_secret(name: str, data: bytes) -> None:
    """Make a file that only its owner can read, where the port knows owners; all of it or nothing."""
    fresh = name + ".new"
    remove(fresh)
    if hasattr(os, "system") and "'" not in name:
        os.system("umask 077; : > '" + fresh + "'")  # born private: a later chmod would leave a gap
    append(fresh, data)
    os.rename(fresh, name)
