# SPDX-License-Identifier: MIT
"""Virtual boards are real processes: they print, obey their heap, and none outlives whoever started it."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import runtimes
from cli import environment
from farthing_cli.fleet import Board, Fleet

FOREVER = "import time\nprint('up')\nwhile True:\n    time.sleep(1)\n"
DEAF = """
import time
print("up")
while True:
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        pass
"""

# A parent that starts two boards, one process of another kind, and tells their ids.
PARENT = """
import sys, time
from pathlib import Path
from farthing_cli.fleet import Fleet
with Fleet() as fleet:
    for name in "ab":
        fleet.add(name, Path(sys.argv[1])).start()
    other = fleet.guard.popen(["/bin/sleep", "100"])
    print(*[board.pid for board in fleet.boards.values()], other.pid, flush=True)
    time.sleep(100)
"""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    runtimes.require_micropython()
    with Fleet() as made:
        yield made


def board(fleet: Fleet, root: Path, code: str, heap: str = "64wK") -> Board:
    """A board that runs `code`, not started."""
    (root / "main.py").write_text(code)
    return fleet.add("board", root, heap=heap)


def wait_for_line(board: Board, line: str, within_s: float = 10) -> None:
    """Until the board has printed `line`."""
    deadline = time.monotonic() + within_s
    while line not in board.lines:
        assert time.monotonic() < deadline, list(board.lines)
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie (a container may have nobody to collect those)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_is_micropython_in_its_own_folder(fleet: Fleet, tmp_path: Path) -> None:
    heard: list[str] = []
    (tmp_path / "main.py").write_text(
        "import os, sys\nprint(sys.implementation.name, os.getcwd(), os.getenv('HOME'), os.getenv('A'))\n"
    )
    one = fleet.add("one", tmp_path, env={"A": "b"}, on_line=lambda board, line: heard.append(line))
    one.start()
    assert one.wait(10) == 0
    assert heard == list(one.lines) == [f"micropython {tmp_path} {tmp_path} b"]
    assert one.failure() is None


def test_it_sees_no_secret_of_this_process(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_PASSWORD", "secret")
    one = board(fleet, tmp_path, "import os\nprint(os.getenv('A_PASSWORD'))\n")
    one.start()
    one.wait(10)
    assert list(one.lines) == ["None"]


def test_its_heap_is_limited_and_the_failure_says_so(fleet: Fleet, tmp_path: Path) -> None:
    code = "kept = []\nwhile True:\n    kept.append(bytearray(1000))\n"
    one = board(fleet, tmp_path, code, heap="32wK")
    one.start()
    assert one.wait(10) == 1
    assert (one.failure() or "").startswith("MemoryError: memory allocation failed")
    assert "Traceback (most recent call last):" in one.lines


def test_stop_lets_it_clean_up(fleet: Fleet, tmp_path: Path) -> None:
    one = board(fleet, tmp_path, f"try:\n{textwrap.indent(FOREVER, '    ')}finally:\n    print('clean')\n")
    one.start()
    wait_for_line(one, "up")
    assert one.stop() == 130
    assert "clean" in one.lines


def test_stop_kills_one_that_does_not_listen(fleet: Fleet, tmp_path: Path) -> None:
    one = board(fleet, tmp_path, DEAF)
    one.start()
    wait_for_line(one, "up")
    assert one.stop(grace_s=0.2) == -signal.SIGKILL
    assert one.failure() == "ended by signal 9"


def test_restart_is_a_power_cut(fleet: Fleet, tmp_path: Path) -> None:
    one = board(fleet, tmp_path, FOREVER)
    one.start()
    wait_for_line(one, "up")
    first = one.pid
    one.lines.clear()
    one.restart()
    wait_for_line(one, "up")
    assert (one.starts, one.running) == (2, True)
    assert one.pid != first
    assert first
    assert not alive(first)


def test_leaving_the_fleet_kills_them_all(tmp_path: Path) -> None:
    runtimes.require_micropython()
    (tmp_path / "main.py").write_text(FOREVER)
    with Fleet() as fleet:
        boards = [fleet.add(name, tmp_path) for name in "abc"]
        for one in boards:
            one.start()
        for one in boards:
            wait_for_line(one, "up")
    assert [one.returncode for one in boards] == [-signal.SIGKILL] * 3


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=["kill", "term", "int"]
)
def test_no_orphan_survives_the_parent(tmp_path: Path, number: int) -> None:
    runtimes.require_micropython()
    (tmp_path / "main.py").write_text(FOREVER)
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, env=environment(), stdout=-1, stderr=-1, text=True) as parent:
        assert parent.stdout
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 3
        assert all(alive(pid) for pid in children)
        parent.send_signal(number)
        parent.communicate(timeout=20)
    deadline = time.monotonic() + 10
    while left := [pid for pid in children if alive(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
