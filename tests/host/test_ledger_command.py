# SPDX-License-Identifier: MIT
"""`farthing ledger` as a user meets it: exit codes, one line for each mistake, JSON for programs."""

import json
import subprocess
from pathlib import Path

import pytest

from books import device, live_a_life
from cli import farthing

ALICE = device(1).hex()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.db"
    live_a_life(made)
    return made


def ledger(*args: object) -> subprocess.CompletedProcess[str]:
    return farthing("ledger", *map(str, args))


def complaint(*args: object) -> str:
    """The one line on stderr of a command that the user got wrong."""
    done = ledger(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_verify_says_that_a_store_is_sound_and_leaves_no_file(path: Path) -> None:
    done = ledger("verify", path)
    assert done.returncode == 0
    assert "is sound: 12 entries, 3 batches, 3 channels, head " in done.stdout
    assert list(path.parent.iterdir()) == [path]


def test_verify_fails_after_one_byte_of_the_journal_was_changed(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"deposit 2") + 8] ^= 1
    path.write_bytes(raw)
    done = ledger("verify", path)
    assert done.returncode == 1
    assert "damage: entry 3: " in done.stdout
    assert "restore a backup" in done.stdout
    as_json = ledger("verify", path, "--json")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["ok"] is False


def test_verify_with_a_head_noted_earlier(path: Path) -> None:
    head = json.loads(ledger("verify", path, "--json").stdout)["head"]
    assert ledger("verify", path, "--head", head).returncode == 0
    assert ledger("deposit", path, ALICE, "1").returncode == 0
    assert ledger("verify", path, "--head", head).returncode == 0
    assert ledger("verify", path, "--head", "00" * 32).returncode == 1


def test_balances_add_up(path: Path) -> None:
    held = json.loads(ledger("balances", path, "--json").stdout)
    assert sum(held.values()) == 0
    assert held["world"] == -1_900_000
    lines = ledger("balances", path).stdout.splitlines()
    assert lines[-1].split() == ["world", "-1.900000"]


def test_a_deposit_is_credited_once_for_its_reference(path: Path) -> None:
    for _ in range(2):
        done = ledger("deposit", path, ALICE, "2.5", "--ref", "till 7")
        assert done.returncode == 0
        assert f"(till 7): {ALICE} now holds " in done.stdout
    assert json.loads(ledger("balances", path, "--json").stdout)["world"] == -4_400_000
    assert ledger("verify", path).returncode == 0


def test_export_to_a_file_and_to_a_pipe(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    assert ledger("export", path, "--format", "csv", "--output", file).returncode == 0
    piped = ledger("export", path, "--format", "csv")
    assert piped.stdout.splitlines() == file.read_text().splitlines()
    assert ledger("export", path).stdout.startswith('option "title"')


def test_each_mistake_gives_one_line_with_the_next_step(path: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 99)
    nowhere = tmp_path / "no" / "out"
    assert "does not exist: name the store" in complaint("balances", tmp_path / "no.db")
    assert "does not exist: name the store" in complaint("deposit", tmp_path / "no.db", ALICE, "1")
    assert "is no Farthing store" in complaint("export", text)
    assert "is not 32 hex digits" in complaint("deposit", path, "alice", "1")
    assert "six places at the most" in complaint("deposit", path, ALICE, "1e9")
    assert "is no amount" in complaint("deposit", path, ALICE, "0")
    assert "use printable ASCII" in complaint("deposit", path, ALICE, "1", "--ref", "tab\t")
    assert "is not 64 hex digits" in complaint("verify", path, "--head", "12")
    assert "no commodity name" in complaint("export", path, "--commodity", "eur")
    assert "name another file" in complaint("export", path, "--output", nowhere)


@pytest.mark.parametrize("missing", ["no.db", "."])
def test_verify_of_what_is_no_store(tmp_path: Path, missing: str) -> None:
    done = ledger("verify", tmp_path / missing)
    assert done.returncode == 1
    assert "name the store of a gateway" in done.stdout


def test_a_damaged_store_is_named_by_every_action(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[:100] = bytes(100)
    path.write_bytes(raw)
    assert "first page is damaged" in complaint("balances", path)
    assert "first page is damaged" in complaint("export", path)
    assert "first page is damaged" in complaint("deposit", path, ALICE, "1")
    assert "first page is damaged" in ledger("verify", path).stdout
