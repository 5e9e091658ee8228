# SPDX-License-Identifier: MIT
"""One byte changed anywhere in what the journal stores is found: through SQL, in the file, and in its log."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import books
from farthing_gateway.audit import verify_journal
from farthing_gateway.store import Store

JOURNAL = ("meta", "entry", "account", "batch", "batch_row")
Value = int | str | bytes


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "a.db"
    books.live_a_life(path)
    assert verify_journal(path).ok
    return path


def contents(path: Path) -> list[list[tuple]]:
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in JOURNAL]


def changed_values(value: Value) -> Iterator[Value]:
    """The value with one byte changed: each one of a text or blob, a low and a high one of an integer."""
    if isinstance(value, int):
        yield from (value ^ 1, value ^ 1 << 40)
    elif isinstance(value, str):
        yield from (value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value)))
    else:
        yield from (value[:at] + bytes([value[at] ^ 0x10]) + value[at + 1 :] for at in range(len(value)))


def cells(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str, Value]]:
    """Table, column, a WHERE clause and the value of every cell of the journal's tables."""
    for table in JOURNAL:
        keys = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for row in connection.execute(f"SELECT * FROM {table}").fetchall():
            values = dict(zip(names, row, strict=True))
            clause = " AND ".join(f"{key} = {literal(values[key])}" for key in keys)
            for name in names:
                yield table, name, clause, values[name]


def literal(value: Value) -> str:
    return f"x'{value.hex()}'" if isinstance(value, bytes) else repr(value)


def tampered(path: Path, raw: bytes, sql: str, parameters: tuple = ()) -> Path:
    """The sound file with one statement run on it, past every rule of its tables."""
    path.write_bytes(raw)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(sql, parameters).rowcount != 0
    return path


def test_every_byte_of_every_cell(sound: Path, tmp_path: Path) -> None:
    raw, path = sound.read_bytes(), tmp_path / "a.db"
    with closing(sqlite3.connect(sound)) as connection:
        every = list(cells(connection))
    tried = 0
    for table, name, clause, value in every:
        for changed in changed_values(value):
            tampered(path, raw, f"UPDATE OR REPLACE {table} SET {name} = ? WHERE {clause}", (changed,))
            assert verify_journal(path).damage, (table, name, clause, changed)
            tried += 1
    assert tried > 2000


REMOVALS = {
    "the last entry": "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
    "an entry in the middle": "DELETE FROM entry WHERE seq = 5",
    "every entry": "DELETE FROM entry",
    "the last batch": "DELETE FROM batch WHERE no = (SELECT max(no) FROM batch)",
    "a row of a batch": "DELETE FROM batch_row WHERE batch = 2 AND idx = 1",
    "an account": "DELETE FROM account WHERE name = 'world'",
    "a tombstone": "DELETE FROM channel WHERE state = 'CLOSED'",
    "the head": "DELETE FROM meta WHERE key = 'head_hash'",
    "the instance": "DELETE FROM meta WHERE key = 'instance'",
}
CHANGES = {
    "a channel's settled sum": "UPDATE channel SET settled = settled - 1 WHERE settled > 0",
    "a closed channel's settled sum": "UPDATE channel SET settled = settled - 1 WHERE state = 'CLOSED'",
    "a channel's cap": "UPDATE channel SET cap = cap + 1",
    "a closed channel opened": "UPDATE channel SET state = 'OPEN' WHERE state = 'CLOSED'",
    "two accounts, so that the sum is kept": """
        UPDATE account SET balance = balance + iif(name = 'world', -9, 9)
        WHERE name = 'world' OR name = (SELECT max(name) FROM account WHERE name LIKE 'device:%')""",
    "a rule of a table": "DROP INDEX batch_row_channel",
    "a foreign row in a batch": "INSERT INTO batch_row VALUES (9, 0, x'00', x'00')",
}


@pytest.mark.parametrize("what", [*REMOVALS, *CHANGES])
def test_removed_and_rewritten_rows(sound: Path, tmp_path: Path, what: str) -> None:
    path = tampered(tmp_path / "a.db", sound.read_bytes(), {**REMOVALS, **CHANGES}[what])
    assert verify_journal(path).damage


def test_a_rewritten_journal_with_a_consistent_head_is_found_by_a_head_noted_before(
    sound: Path, tmp_path: Path
) -> None:
    noted = verify_journal(sound).head
    other = tmp_path / "other.db"
    books.live_a_life(other)
    assert verify_journal(sound, noted).ok
    assert verify_journal(other).ok
    assert any(noted.hex() in line for line in verify_journal(other, noted).damage)


def test_damage_names_the_entry(sound: Path, tmp_path: Path) -> None:
    sql = "UPDATE entry SET time_ms = time_ms + 1 WHERE seq = 6"
    path = tampered(tmp_path / "a.db", sound.read_bytes(), sql)
    assert verify_journal(path).damage == ("entry 6: its columns are not those of its body",)


def assert_found_or_harmless(path: Path, good: list[list[tuple]], read: Callable[[Path], object]) -> bool:
    """A changed byte must be reported, unless it lies where nothing of the journal is stored."""
    report = verify_journal(path)
    assert not report.ok or read(path) == good
    return not report.ok


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte_of_the_file(sound: Path, tmp_path: Path, data: st.DataObject) -> None:
    raw = sound.read_bytes()
    path = tmp_path / "a.db"
    changed = bytearray(raw)
    changed[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    assert_found_or_harmless(path, contents(sound), contents)


def test_every_byte_of_the_entries_in_the_file(sound: Path, tmp_path: Path) -> None:
    """All of them, not a sample: this is what an auditor pays for."""
    path = Path(shutil.copy(sound, tmp_path))
    raw = path.read_bytes()
    with closing(sqlite3.connect(sound)) as connection:
        rows = connection.execute("SELECT body, prev, hash FROM entry").fetchall()
    found = 0
    with path.open("r+b", buffering=0) as file:
        for blob in (blob for row in rows for blob in row):
            start = raw.index(blob)
            for at in range(start, start + len(blob)):
                overwrite(file, at, raw[at] ^ 0x04)
                assert not verify_journal(path).ok
                overwrite(file, at, raw[at])
                found += 1
    assert found > 2000


def overwrite(file: FileIO, at: int, value: int) -> None:
    file.seek(at)
    file.write(bytes([value]))


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as a killed gateway leaves it: everything is still in the log."""
    folder = tmp_path_factory.mktemp("unfinished")
    live = folder / "live.db"
    books.live_a_life(live)
    with Store.open(live, net="lab") as store:
        books.accept(store, books.terms(2, 3, 0).hash, 6000, 11)
        books.live_on(store)
        for suffix in ("", "-wal"):
            shutil.copy(f"{live}{suffix}", f"{folder / 'a.db'}{suffix}")
    return folder / "a.db"


def copied_with_log(source: Path, folder: Path) -> Path:
    for old in folder.glob("a.db*"):
        old.unlink()
    shutil.copy(f"{source}-wal", folder)
    return Path(shutil.copy(source, folder))


def test_a_store_that_was_killed_is_sound(unfinished: Path, tmp_path: Path) -> None:
    path = copied_with_log(unfinished, tmp_path)
    assert Path(f"{path}-wal").stat().st_size > 4096
    assert verify_journal(path).ok


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte_of_the_log(unfinished: Path, tmp_path: Path, data: st.DataObject) -> None:
    good = contents(copied_with_log(unfinished, tmp_path))
    path = copied_with_log(unfinished, tmp_path)
    log = Path(f"{path}-wal")
    changed = bytearray(log.read_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    log.write_bytes(changed)
    assert_found_or_harmless(path, good, contents)


@pytest.mark.parametrize("place", ["header", "first frame", "last frame"])
def test_every_byte_of_the_logs_own_headers(unfinished: Path, tmp_path: Path, place: str) -> None:
    path = copied_with_log(unfinished, tmp_path)
    log = Path(f"{path}-wal")
    size = log.stat().st_size
    start, length = {"header": (0, 32), "first frame": (32, 24), "last frame": (size - 4096 - 24, 24)}[place]
    raw = log.read_bytes()
    with log.open("r+b", buffering=0) as file:
        for at in range(start, start + length):
            overwrite(file, at, raw[at] ^ 0x20)
            assert not verify_journal(path).ok, at
            overwrite(file, at, raw[at])
