# SPDX-License-Identifier: MIT
"""Finds damage in SQLite's write-ahead log that SQLite itself takes for the log's end.

A broken frame makes SQLite drop it and all after it without a word, and with them acknowledged commits.
Format: sqlite.org/fileformat2.html#walformat. It changes nothing and decodes no page.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682  # the last bit says whether checksums read the log as big-endian words
_VERSION = 3007000
# A frame torn by a power cut looks the same; it was never acknowledged, and opening the store drops it.
_BROKEN = "frame {} of its log is damaged; if the power has just failed, start the gateway once and repeat"

Sum = tuple[int, int]


def log_path(database: Path) -> Path:
    """Where SQLite keeps the log of a database."""
    return database.with_name(database.name + "-wal")


def log_damage(database: Path) -> str:
    """What is wrong with the log beside `database`, empty if nothing is (or if there is none)."""
    path = log_path(database)
    data = path.read_bytes() if path.exists() else b""
    if not data:
        return ""
    if len(data) < _HEADER.size:
        return "the header of its log is cut short"
    magic, version, page_size, _, salt1, salt2, sum1, sum2 = _HEADER.unpack_from(data)
    order = ">" if magic & 1 else "<"
    if magic & ~1 != _MAGIC or version != _VERSION or _checksum(data[:24], (0, 0), order) != (sum1, sum2):
        return "the header of its log is damaged"
    return _frames_damage(data, page_size, (salt1, salt2), (sum1, sum2), order)


def _frames_damage(data: bytes, page_size: int, salts: tuple[int, int], running: Sum, order: str) -> str:
    """Frames of an older round of the log have both salts different; one that differs in one is damaged."""
    ended = False
    for number, header, page in _frames(data, page_size):
        _, _, salt1, salt2, sum1, sum2 = _FRAME.unpack(header)
        same = (salt1 == salts[0]) + (salt2 == salts[1])
        if same == 1 or (same == 2 and ended):
            return _BROKEN.format(number)
        ended = ended or same == 0
        if not ended:
            running = _checksum(page, _checksum(header[:8], running, order), order)
            if running != (sum1, sum2):
                return _BROKEN.format(number)
    return ""


def _frames(data: bytes, page_size: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Whole frames with their number from 1; a cut frame at the end is a commit that never was."""
    size = _FRAME.size + page_size
    for number, start in enumerate(range(_HEADER.size, len(data) - size + 1, size), 1):
        middle = start + _FRAME.size
        yield number, data[start:middle], data[middle : start + size]


def _checksum(data: bytes, start: Sum, order: str) -> Sum:
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for at in range(0, len(words), 2):
        first = (first + words[at] + second) & 0xFFFFFFFF
        second = (second + words[at + 1] + first) & 0xFFFFFFFF
    return first, second
