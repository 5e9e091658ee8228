# SPDX-License-Identifier: MIT
"""`farthing demo` as a newcomer runs it: its final object, its lines, a clean end, the books it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from brokers import KINDS
from farthing_gateway import broker as launcher
from installed import Place
from runtimes import require_micropython, unavailable

WITHIN_S = 60


@pytest.fixture(autouse=True)
def _has_boards() -> None:
    require_micropython()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def only_object(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def installed_kind(kind: str) -> str:
    if not (launcher.find_mosquitto() if kind == "mosquitto" else launcher.find_nats()):
        unavailable(f"no {kind} broker on this machine")
    return kind


@pytest.mark.parametrize("kind", KINDS)
def test_three_by_three_two_hundred_each(place: Place, kind: str):
    words = ("demo", "--sellers", "3", "--buyers", "3", "--readings", "200", "--json")
    found = only_object(place.run(*words, "--broker", installed_kind(kind)))
    assert found["readings_delivered"] == {f"buyer-{number}": 200 for number in (1, 2, 3)}
    assert found["ticks"] == 600
    assert found["vouchers"] >= 3 * (200 // 64)
    assert found["paid_micro"] == found["settled_micro"] > 0
    assert found["batches"] >= 1
    assert found["unpaid_units_max"] <= 1
    assert found["conserved"] is True
    assert found["journal_ok"] is True
    assert 0 < found["voucher_bytes"] <= 96
    assert 0 < found["tick_bytes"] <= 45
    assert found["wire_bytes"] > 600 * found["tick_bytes"]
    assert 0 < found["first_paid_reading_s"] < WITHIN_S
    assert "MicroPython" in found["runtime"]
    assert found["gateway_restarts"] == 0
    assert place.left_behind() == []


def test_no_board_grows_between_reading_50_and_100(place: Place):
    found = only_object(place.run("demo", "--json"))
    assert set(found["memory"]) == {"seller-1", "seller-2", "buyer-1", "buyer-2"}
    for board, alloc in found["memory"].items():
        assert 0 < alloc["100"] <= alloc["50"], board


def test_a_pipe_gets_plain_lines_and_a_statement(place: Place):
    done = place.run("demo", "--sellers", "1", "--buyers", "1", "--readings", "40")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.isascii()
    assert done.stdout.replace("\n", " ").isprintable()
    lines = done.stdout.splitlines()
    assert lines[0] == "Starting a broker, a gateway and 2 virtual boards ..."
    assert "readings paid: 40 of 40" in lines
    row = next(line.split() for line in lines if line.startswith("seller-1"))
    assert row[1:4] == ["water-flow", "buyer-1", "40"]
    assert row[5] == row[6]
    text = " ".join(lines)
    assert "40 readings delivered for " in text
    assert "entries verified; money is conserved to the last micro-unit." in text


def test_a_terminal_gets_one_line_of_progress(place: Place):
    ours, theirs = pty.openpty()
    process = place.start("demo", "--sellers", "1", "--buyers", "1", "--readings", "300", stdout=theirs)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal says that it is at its end
        while more := os.read(ours, 4096):
            seen += more
    os.close(ours)
    _, errors = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, errors) == (0, "")
    rewritten, _, rest = seen.decode().rpartition("\r\x1b[K")
    assert "\r\x1b[Kreadings paid: 300 of 300" in rewritten
    assert rewritten.count("\n") == 1
    assert "300 readings delivered for " in rest


def trading(place: Place) -> bool:
    """Whether a board has been paid."""
    logs = place.temporary.glob("farthing-*/boards/*/console.log")
    return any('"paid"' in log.read_text() for log in logs)


def starting(place: Place) -> bool:
    """Whether some of the processes are there."""
    return len(place.processes()) > 2


ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("how", ENDS, ids=lambda number: number.name)
@pytest.mark.parametrize("moment", [starting, trading])
def test_a_signal_leaves_nothing_behind(place: Place, how: signal.Signals, moment: Any):
    if not Path("/proc/self/environ").exists():
        pytest.skip("processes can't be told apart without /proc")
    process = place.start("demo", "--readings", "100000")
    end = time.monotonic() + WITHIN_S
    while not moment(place):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(how)
    _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == ENDS[how]
    assert errors.count("\n") == (1 if how == signal.SIGINT else 0)
    assert place.left_behind() == []


def test_kill_9_leaves_no_process_behind(place: Place):
    process = place.start("demo", "--readings", "100000")
    end = time.monotonic() + WITHIN_S
    while not trading(place):
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=WITHIN_S)
    assert place.left_behind() == [str(folder) for folder in place.temporary.glob("farthing-*")]


# --- the ledger that is kept


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a demo that has ended."""
    require_micropython()
    place = Place(tmp_path_factory.mktemp("kept"))
    done = place.run("demo", "--sellers", "1", "--buyers", "2", "--readings", "30", "--keep", "market")
    assert done.returncode == 0, done.stderr
    assert place.left_behind() == []
    return place.folder / "market" / "gateway" / "ledger.db"


def test_a_folder_with_something_in_it_is_refused(kept: Path, place: Place):
    done = place.run("demo", "--keep", str(kept.parent))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"farthing: {kept.parent} is not empty; name another folder for --keep\n"


def test_the_ledger_verifies_and_adds_up(kept: Path, place: Place):
    done = place.run("ledger", "verify", str(kept))
    assert done.returncode == 0, done.stdout
    assert "is sound: " in done.stdout
    held = json.loads(place.run("ledger", "balances", str(kept), "--json").stdout)
    assert sum(held.values()) == 0
    assert all(amount == 0 for account, amount in held.items() if account.startswith("escrow:"))
    assert len([account for account in held if account.startswith("device:")]) == 3


def test_beancounts_own_checker_accepts_the_export(kept: Path, place: Place):
    out = place.folder / "books.beancount"
    done = place.run("ledger", "export", str(kept), "--format", "beancount")
    assert (done.returncode, done.stderr) == (0, "")
    out.write_text(done.stdout)
    checker = Path(sys.executable).with_name("bean-check")
    if not checker.exists():
        unavailable("no bean-check beside this Python")
    check = subprocess.run([checker, out], capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert (check.returncode, check.stdout + check.stderr) == (0, "")
    assert done.stdout.count("\n20") >= 7  # three deposits, two openings, a settlement, closings


@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_one_byte_changed_in_the_journal_is_found(kept: Path, place: Place, where: str):
    with sqlite3.connect(kept) as connection:
        bodies = [body for (body,) in connection.execute("SELECT body FROM entry ORDER BY seq")]
    connection.close()
    number = {"first": 0, "middle": len(bodies) // 2, "last": len(bodies) - 1}[where]
    raw = bytearray(kept.read_bytes())
    body = bodies[number]
    raw[raw.index(body) + len(body) // 2] ^= 0x01
    damaged = place.folder / "ledger.db"
    damaged.write_bytes(raw)
    done = place.run("ledger", "verify", str(damaged))
    assert done.returncode == 1
    assert f"damage: entry {number + 1}: " in done.stdout
    assert "is not sound: stop the gateway and restore a backup" in done.stdout
