# SPDX-License-Identifier: MIT
"""What a user gets wrong on the whole market: one line with the next step, exit code 2, nothing left behind.

The gateway's own options are in tests/host/test_gateway_command.py, the ledger's in test_ledger_command.py.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from farthing_gateway.store import Store
from installed import Place
from runtimes import require_micropython


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def complaint(place: Place, *args: str, **extra: str) -> str:
    """The one line of a command that cannot do what it was told."""
    done = place.run(*args, timeout_s=30, **extra)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("farthing: ")
    assert done.stderr.count("\n") == 1
    assert place.left_behind() == []
    return done.stderr.removeprefix("farthing: ").rstrip()


def test_no_micropython(place: Place):
    assert complaint(place, "demo", FARTHING_MICROPYTHON="/nonexistent") == (
        "no MicroPython for virtual boards; name its unix port in FARTHING_MICROPYTHON"
    )


def test_a_micropython_that_is_none(place: Place):
    line = complaint(place, "demo", FARTHING_MICROPYTHON="/bin/true")
    assert line == "seller-1 ended: its program came to its end; `farthing demo --keep DIR` keeps the logs"


def test_no_broker(place: Place):
    line = complaint(place, "demo", FARTHING_BROKER="/nonexistent")
    assert line == "no broker program at /nonexistent: correct the path, or unset FARTHING_BROKER"


def test_a_broker_that_is_none(place: Place):
    assert "ended at once" in complaint(place, "demo", FARTHING_BROKER="/bin/true")


def test_a_heap_too_small_for_a_board(place: Place):
    require_micropython()
    line = complaint(place, "demo", "--heap", "20wK")
    assert "ended: MemoryError" in line
    assert line.endswith("`farthing demo --keep DIR` keeps the logs")


MISTAKES = [
    (["demo", "--heap", "much"], "a heap of much can't be made; write its size like 64wK"),
    (["demo", "--sellers", "0"], "0 sellers and 2 buyers make no market; choose "),
    (["demo", "--buyers", "500"], "2 sellers and 500 buyers make no market; choose "),
    (["demo", "--readings", "0", "--json"], "0 readings can't be ordered; choose "),
    (["demo", "--readings", "many"], "invalid int value: 'many'; see `farthing demo --help`"),
    (["demo", "--broker", "smoke"], "see `farthing demo --help`"),
    (["demo", "--keep", "/dev/null/x"], "/dev/null/x cannot be used (Not a directory); name another"),
    (["demo", "--keep", "gateway.toml"], "gateway.toml cannot be used (File exists); name another"),
    (["sim", "--devices", "1"], "0 sellers and 1 buyers make no market; choose "),
    (["sim", "--seconds", "nan"], "nan seconds can't be simulated; choose "),
    (
        ["sim", "--faults", "lightning"],
        "no fault is called lightning; choose from broker, gateway, power",
    ),
    (["bench", "--seconds", "-1"], "-1.0 seconds are no time to measure; choose "),
    (["bench", "moon"], "see `farthing bench --help`"),
    (["demo", "--fast"], "see `farthing --help`"),
    (["sell"], "see `farthing --help`"),
    (["gateway", "--config", "gateway.toml"], "gateway.toml: settle_s = 'soon' must be a whole number"),
]


@pytest.mark.parametrize(("words", "says"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_one_line_with_the_next_step(place: Place, words: list[str], says: str):
    (place.folder / "gateway.toml").write_text('settle_s = "soon"\n')
    assert says in complaint(place, *words)


# --- the store of a gateway that is started again


@pytest.fixture
def state(place: Place) -> Path:
    """A sound store, and the gateway.toml beside its folder."""
    (place.folder / "gateway.toml").write_text('data = "state"\n[broker]\nport = 0\n')
    (place.folder / "state").mkdir()
    path = place.folder / "state" / "ledger.db"
    Store.open(path, net="demo").close()
    return path


def flip(path: Path, offset: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 0xFF
    path.write_bytes(raw)


def header(path: Path) -> None:
    flip(path, 3)


def page(path: Path) -> None:
    connection = sqlite3.connect(path)
    number = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'channel'").fetchone()[0]
    connection.close()
    flip(path, (number - 1) * 4096)


def row(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entry SET hash = zeroblob(32)")
    connection.commit()
    connection.close()


def text(path: Path) -> None:
    path.write_text("a letter to somebody\n" * 500)


def nothing(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (header, "first page is damaged"),
        (page, "is damaged"),
        (row, "the journal does not end at its recorded head"),
        (text, "is no Farthing store"),
        (nothing, "is a folder"),
    ],
)
def test_a_damaged_store_is_not_opened_and_not_touched(place: Place, state: Path, damage, says: str):
    damage(state)
    before = state.read_bytes() if state.is_file() else b""
    line = complaint(place, "gateway", "--config", "gateway.toml")
    assert "state/ledger.db" in line
    assert says in line
    assert (state.read_bytes() if state.is_file() else b"") == before
