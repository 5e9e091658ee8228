# SPDX-License-Identifier: MIT
"""`farthing gateway` as a user starts it: one ready line, one line for whatever is wrong, a clean end."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli import COMMAND, environment, farthing
from farthing_gateway.audit import verify_journal
from party import Party

TIMEOUT_S = 30


@contextmanager
def gateway(*args: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, "gateway", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with an embedded broker on a free port."""
    path = tmp_path / "gateway.toml"
    path.write_text('data = "state"\nfaucet_micro = 1000\n[broker]\nport = 0\n')
    return path


def ready(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_says_ready_serves_settles_and_ends_with_its_counts(config: Path, how: signal.Signals):
    with gateway("--config", str(config), "--json") as process:
        said = ready(process)
        assert said["ready"] is True
        assert said["ledger"] == str(config.parent / "state" / "ledger.db")
        host, _, port = str(said["broker"]).partition(":")
        with Party((host, int(port)), "demo") as payer, Party((host, int(port)), "demo") as payee:
            for party in (payee, payer):
                assert party.meet().key.hex() == said["key"]
                party.hello()
            deal = payer.deal(payee, 1000)
            deal.paid(deal.commitment(100), deal.tick(), deal.voucher(50))
        process.send_signal(how)
        out, log = process.communicate(timeout=TIMEOUT_S)
    counts = json.loads(out)
    assert process.returncode == 0
    assert (counts["ticks"], counts["vouchers"], counts["commitments"]) == (1, 1, 1)
    assert (counts["voucher_bytes"], counts["tick_bytes"]) == (90, 41)
    assert counts["settled_micro"] == 150
    assert verify_journal(Path(str(said["ledger"]))).ok
    others = [line for line in log.splitlines() if not line[:4].isdigit()]
    assert len(others) == 1
    assert others[0].startswith("gateway ")


def test_without_json_it_prints_one_line_for_people(config: Path):
    with gateway("--config", str(config)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        rest, _ = process.communicate(timeout=TIMEOUT_S)
    assert line.startswith("gateway ")
    assert "ready: net demo, broker 127.0.0.1:" in line
    assert rest == ""


def refused(*args: str) -> str:
    """Run a gateway that cannot start; returns its one line."""
    done = farthing("gateway", *args)
    lines = [line for line in done.stderr.splitlines() if not line[:4].isdigit()]  # without the log
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(lines) == 1
    return lines[0]


def test_an_unknown_key_is_one_line(config: Path):
    config.write_text("setle_s = 5")
    assert refused("--config", str(config)) == (
        f"farthing: {config}: setle_s is no option: did you mean settle_s?"
    )


def test_a_busy_port_is_one_line(config: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(f'data = "state"\n[broker]\nport = {port}\n')
        assert f"port {port} is in use" in refused("--config", str(config))


def test_a_corrupt_database_is_one_line(config: Path):
    state = config.parent / "state"
    state.mkdir()
    (state / "ledger.db").write_bytes(b"no database, " * 1000)
    line = refused("--config", str(config))
    assert "ledger.db" in line
    assert "restore a backup" in line


def test_a_journal_cut_short_is_one_line(config: Path, tmp_path: Path):
    with gateway("--config", str(config), "--json") as process:
        ledger = str(ready(process)["ledger"])
        process.terminate()
        process.wait(TIMEOUT_S)
    with sqlite3.connect(ledger) as connection:
        connection.execute("DELETE FROM entry")
    connection.close()
    assert "the journal does not end at its recorded head" in refused("--config", str(config))


def test_a_second_gateway_on_the_same_folder_is_one_line(config: Path):
    with gateway("--config", str(config), "--json") as process:
        ready(process)
        assert "a gateway runs on" in refused("--config", str(config))
        process.kill()
        process.wait(TIMEOUT_S)
    with gateway("--config", str(config), "--json") as process:
        assert ready(process)["ready"]


def test_a_folder_that_cannot_be_made_is_one_line(config: Path):
    assert "/dev/null/x cannot be used" in refused("--data", "/dev/null/x")


def test_a_broker_that_is_not_there_is_one_line(config: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    line = refused("--config", str(config), "--broker", f"127.0.0.1:{port}")
    assert f"no broker at 127.0.0.1:{port}" in line
    assert "start the broker" in line


@pytest.mark.parametrize("text", ["1883", "host:", "host:port", "host:0", ":1883", "host:65536"])
def test_a_broker_address_that_is_none_is_one_line(text: str):
    assert "HOST:PORT" in refused("--broker", text)


def test_a_bad_net_is_one_line():
    assert refused("--net", "Demo!").startswith("farthing: --net: net = 'Demo!' is out of range")


def test_a_readable_key_is_one_line(config: Path):
    with gateway("--config", str(config), "--json") as process:
        ready(process)
    (config.parent / "state" / "gateway.pem").chmod(0o644)
    assert "chmod 600" in refused("--config", str(config))


def test_a_store_of_another_net_is_one_line(config: Path):
    with gateway("--config", str(config), "--json") as process:
        ready(process)
    assert "belongs to the net 'demo', not 'other'" in refused("--config", str(config), "--net", "other")


def test_init_writes_a_configuration_that_works_and_a_key(tmp_path: Path):
    folder = tmp_path / "new"
    said = json.loads(farthing("gateway", "--json", "init", str(folder)).stdout)
    (folder / "gateway.toml").open("a").write("\nport = 0\n")
    with gateway("--config", str(folder / "gateway.toml"), "--json") as process:
        assert ready(process)["key"] == said["key"]
    again = farthing("gateway", "init", str(folder))
    assert again.returncode == 2
    assert "exists" in again.stderr
