# SPDX-License-Identifier: MIT
"""The board's MQTT link over TLS with certificates on both sides, in MicroPython and in CPython."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from farthing_gateway.broker import Broker
from link_runs import RUNTIMES, Worker
from tls_front import Authority, tls_front

pytestmark = pytest.mark.parametrize("runtime", RUNTIMES)
HEAP = "256wK"  # mbedTLS takes its 32 KB of record buffers from the heap


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca")


@pytest.fixture
def port(any_broker: Broker, authority: Authority) -> Iterator[int]:
    with tls_front(any_broker.port, authority.issue("server"), authority.path) as port:
        yield port


def settings(
    runtime: str, port: int, ca: Path, cert: tuple[str, str] | None, name: str = "localhost"
) -> dict[str, Any]:
    files = {"ca": str(ca)} | ({"cert": cert[0], "key": cert[1]} if cert else {})
    if runtime == "micropython":
        files = {use: f"{path}.der" for use, path in files.items()}
    tls = files | {"name": name}
    wanted = {"port": port, "topic": "f1/x", "subscribe": ["f1/x"], "count": 400, "keep": False}
    return wanted | {"tls": tls, "announce": True}


def test_messages_go_both_ways_over_mutual_tls(runtime: str, port: int, authority: Authority):
    with Worker(runtime, HEAP, **settings(runtime, port, authority.path, authority.issue("board"))) as worker:
        assert worker.line() == {"online": True, "error": "None"}
        assert worker.line()["up"]
        told = worker.line()
    assert told["acked"] == 400
    assert told["reconnects"] == 0
    assert told["growth"] == 0


def test_one_message_at_a_time_does_not_stall_under_tls(runtime: str, port: int, authority: Authority):
    wanted = settings(runtime, port, authority.path, authority.issue("board")) | {"lanes": 1, "count": 100}
    with Worker(runtime, HEAP, **wanted) as worker:
        assert worker.line()["online"]
        assert worker.line()["up"]
        assert worker.line()["spent_ms"] < 100 * 20


def test_a_server_of_another_authority_is_refused(
    runtime: str, port: int, authority: Authority, tmp_path: Path
):
    stranger = Authority(tmp_path, "stranger")
    with Worker(runtime, HEAP, **settings(runtime, port, stranger.path, authority.issue("board"))) as worker:
        told = worker.line()
    assert not told["online"]
    assert "cert" in told["error"].lower()


def test_a_server_of_another_name_is_refused(runtime: str, port: int, authority: Authority):
    cert = authority.issue("board")
    with Worker(
        runtime, HEAP, **settings(runtime, port, authority.path, cert, "elsewhere.example")
    ) as worker:
        told = worker.line()
    assert not told["online"]
    assert "cert" in told["error"].lower()


def test_a_board_without_a_certificate_is_not_served(runtime: str, port: int, authority: Authority):
    with Worker(runtime, HEAP, **settings(runtime, port, authority.path, None)) as worker:
        assert not worker.line()["online"]
