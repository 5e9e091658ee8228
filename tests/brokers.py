# SPDX-License-Identifier: MIT
"""Fixtures with real MQTT brokers: `broker` runs a test once with each kind that Farthing can start.

A folder takes them in its conftest.py. No client is here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from farthing_gateway import broker as launcher
from runtimes import unavailable

KINDS = ("mosquitto", "nats")


def started(kind: str, directory: Path, port: int = 0) -> launcher.Broker:
    """A running broker of that kind; skips the test where it is not installed, fails it under CI=true."""
    program = launcher.find_mosquitto() if kind == "mosquitto" else launcher.find_nats()
    if program is None:
        unavailable(f"no {kind} broker on this machine")
    return launcher.Broker.start(kind, directory, port, executable=program)


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[launcher.Broker]:
    """A fresh broker, once of each kind."""
    with started(request.param, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def any_broker(tmp_path: Path) -> Iterator[launcher.Broker]:
    """A fresh broker of the kind that a user's machine would choose."""
    kind = "mosquitto" if launcher.find_mosquitto() else "nats"
    with started(kind, tmp_path / "broker") as running:
        yield running


def alive(pid: int) -> bool:
    """Whether that process still runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
