# SPDX-License-Identifier: MIT
"""What is not a sound store of ours is refused in one line that names the next step, and left as it was."""

import sqlite3
from pathlib import Path

import pytest

from farthing_gateway.store import Store, StoreError, schema


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.db"
    Store.open(made, net="lab").close()
    return made


def refusal(path: Path, **options: object) -> str:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError) as caught:
        Store.open(path, **options)
    assert before is None or path.read_bytes() == before
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def flip(path: Path, offset: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 0xFF
    path.write_bytes(raw)


def test_identity_is_made_once_and_stays(path: Path) -> None:
    with Store.open(path, net="lab") as first:
        identity = (first.ledger_id, first.instance, first.net)
    with Store.open(path, net=None) as again:
        assert (again.ledger_id, again.instance, again.net) == identity
    assert identity[0] == "local"
    assert len(identity[1]) == 16
    assert identity[2] == "lab"


def test_two_ledgers_differ_in_their_instance(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as first, Store.open(tmp_path / "b.db") as second:
        assert first.instance != second.instance


def test_a_store_of_another_net(path: Path) -> None:
    assert "belongs to the net 'lab'" in refusal(path, net="field")


def test_a_missing_file_is_not_made_unasked(tmp_path: Path) -> None:
    missing = tmp_path / "no.db"
    assert "does not exist" in refusal(missing, create=False)
    assert not missing.exists()


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "check that its folder exists" in refusal(tmp_path / "no" / "a.db")


def test_a_text_file(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 100)
    assert "is no Farthing store" in refusal(text)


def test_the_database_of_another_program(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE meta(key, value)")
    connection.close()
    assert "another program" in refusal(other)


def test_a_newer_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'schema'")
    connection.commit()
    connection.close()
    assert "install a newer farthing" in refusal(path)


def test_a_damaged_file_header(path: Path) -> None:
    flip(path, 3)
    assert "first page is damaged" in refusal(path)


def test_a_damaged_page(path: Path) -> None:
    connection = sqlite3.connect(path)
    page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'channel'").fetchone()[0]
    connection.close()
    flip(path, (page - 1) * 4096)
    assert f"{path} is damaged" in refusal(path)


def test_a_journal_that_lost_its_last_entry(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM entry")
    connection.commit()
    connection.close()
    assert "does not end at its recorded head" in refusal(path)


def test_a_file_cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])
    assert "is damaged" in refusal(path)


def test_an_sqlite_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(StoreError, match=r"3\.37 or newer"):
        Store.open(tmp_path / "a.db")


def test_an_older_schema_is_taken_to_the_newest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addition = ("ALTER TABLE device ADD COLUMN note TEXT NOT NULL DEFAULT ''",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, addition))
    monkeypatch.setattr(schema, "VERSION", 2)
    with Store.open(path, net="lab") as store:
        assert store.read(schema.version_of) == 2
        assert store.read(schema.definitions) == schema.expected_definitions()
    monkeypatch.undo()
    assert "has schema 2" in refusal(path)
