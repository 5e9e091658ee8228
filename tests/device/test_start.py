# SPDX-License-Identifier: MIT
"""A board that can't start says so in one line and ends; one that starts keeps its key and its journal."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from farthing.faults import JOURNAL, NO_KEY, NO_SETTINGS, WRONG_NET
from farthing_cli import bundle
from farthing_cli.fleet import Board, Fleet
from farthing_gateway.broker import Broker
from market import until
from runtimes import require_micropython

MAIN = """
from farthing_agent import App

app = App()
print("started", app.id)
"""
SETTINGS = {"net": "lab", "broker": {"host": "127.0.0.1", "port": 1}, "gateway": "ab" * 64}


@pytest.fixture
def fleet():
    require_micropython()
    with Fleet() as fleet:
        yield fleet


def started(fleet: Fleet, folder: Path, settings: object = SETTINGS, **files: bytes) -> Board:
    """A board with these settings that has run to its end."""
    given = {"settings.json": json.dumps(settings).encode(), **files}
    board = fleet.add("board", bundle.build(folder, MAIN, files=given))
    board.start()
    board.wait(20)
    return board


def one_line(board: Board) -> dict[str, object]:
    assert board.returncode == 1
    assert len(board.lines) == 1, list(board.lines)
    return json.loads(board.lines[0])


def test_a_settings_error_names_the_key(fleet: Fleet, tmp_path: Path):
    told = one_line(started(fleet, tmp_path, {**SETTINGS, "nett": "x"}))
    assert (told["ev"], told["code"], told["key"]) == ("fault", NO_SETTINGS, "nett")


def test_without_settings(fleet: Fleet, tmp_path: Path):
    board = fleet.add("board", bundle.build(tmp_path, MAIN))
    board.start()
    board.wait(20)
    assert one_line(board)["key"] == "settings.json"


def test_a_damaged_key_file(fleet: Fleet, tmp_path: Path):
    assert one_line(started(fleet, tmp_path, **{"key.bin": bytes(32)}))["code"] == NO_KEY


def test_damaged_journals(fleet: Fleet, tmp_path: Path):
    damaged = {"journal.0": os.urandom(300), "journal.1": os.urandom(300)}
    assert one_line(started(fleet, tmp_path, **damaged))["code"] == JOURNAL


def test_the_identity_stays(fleet: Fleet, tmp_path: Path):
    board = started(fleet, tmp_path)
    assert board.returncode == 0
    assert (tmp_path / "key.bin").stat().st_mode & 0o777 == 0o600
    board.start()
    board.wait(20)
    first, second = (line for line in board.lines if line.startswith("started"))
    assert first == second


def test_a_board_on_a_wrong_net_says_that_it_hears_no_gateway(
    fleet: Fleet, any_broker: Broker, tmp_path: Path
):
    broker = {"host": "127.0.0.1", "port": any_broker.port}
    files = {"settings.json": json.dumps({**SETTINGS, "net": "elsewhere", "broker": broker}).encode()}
    main = MAIN + 'app.buy("water-flow", limit_micro=1, units=1)\napp.run()\n'
    board = fleet.add("board", bundle.build(tmp_path / "board", main, files=files))
    board.start()
    until(lambda: any('"fault"' in line for line in list(board.lines)), 30)
    (told,) = [json.loads(line) for line in board.lines if '"fault"' in line]
    assert (told["code"], told["text"]) == (WRONG_NET, "no beacon on net elsewhere")
