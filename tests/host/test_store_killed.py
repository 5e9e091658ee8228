# SPDX-License-Identifier: MIT
"""kill -9 amid traffic: every acknowledged deposit is there, none twice, and the journal is sound."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from farthing_gateway import journal
from farthing_gateway.audit import verify_journal
from farthing_gateway.store import Store
from runtimes import ROOT

WRITER = """
import os, sys
from functools import partial
from farthing_gateway.ledger import book
from farthing_gateway.store import Store

store = Store.open(sys.argv[1])
start = int(sys.argv[2])
device = bytes(16)


def done(number, _, error):
    if error is None:
        os.write(1, b"%d\\n" % number)


for number in range(start, start + 100_000):
    while store.backlog() > 50:
        pass
    move = partial(book.deposit, now_ms=number, device=device, amount=number + 1, ref=f"payment {number}")
    store.submit(move, partial(done, number))
"""


def killed_while_writing(path: Path, start: int, after_s: float) -> list[int]:
    """Run the writer, kill it `after_s` seconds after its first acknowledgement, return all of them."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "host"), str(ROOT / "protocol")))}
    command = [sys.executable, "-c", WRITER, str(path), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        said = first + process.stdout.read()
        process.wait()
    return [int(line) for line in said.splitlines(keepends=True) if line.endswith(b"\n")]


@pytest.mark.parametrize("after_s", [0.02, 0.15, 0.4])
def test_every_acknowledged_deposit_survives_and_none_is_there_twice(tmp_path: Path, after_s: float) -> None:
    path = tmp_path / "a.db"
    acknowledged = killed_while_writing(path, 0, after_s)
    acknowledged += killed_while_writing(path, 1_000_000, after_s)
    assert verify_journal(path).damage == ()
    with Store.open(path) as store:
        found = store.read(lambda connection: list(journal.entries(connection)))
        held = store.read(lambda connection: journal.balance(connection, journal.device_account(bytes(16))))
    booked = [int(entry.ref.removeprefix("payment ")) for entry in found if entry.kind == "deposit"]
    assert len(acknowledged) >= 2, "each run must have acknowledged something"
    assert set(acknowledged) <= set(booked)
    assert len(booked) == len(set(booked))
    assert held == sum(number + 1 for number in booked)
    assert verify_journal(path).damage == ()
