# SPDX-License-Identifier: MIT
"""The board's MQTT link in a real MicroPython process, and in CPython, against real brokers."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from farthing import mqtt_packet
from farthing_gateway.broker import Broker
from link_runs import RUNTIMES, Worker, result
from peers import ForgetfulBroker, Peer, until

pytestmark = pytest.mark.parametrize("runtime", RUNTIMES)


def payloads(peer: Peer) -> list[int]:
    return [int(payload) for _, payload, _ in peer.messages]


def test_a_thousand_messages_are_acknowledged_by_event_and_nothing_grows(runtime: str, broker: Broker):
    ear = Peer(broker.port, "ear")
    ear.subscribe("f1/x")
    told = result(runtime, port=broker.port, topic="f1/x", count=2000)
    assert told["acked"] == 2000
    assert told["growth"] == 0
    # A client that polls for its acknowledgements every 100 ms reaches 100/s with ten in flight.
    assert 2000 / told["spent_ms"] * 1000 > 1000
    until(lambda: len(ear.messages) == 2000)
    assert sorted(payloads(ear)) == sorted(list(range(500)) * 4)
    ear.leave()


def test_one_message_at_a_time_waits_for_no_timer(runtime: str, broker: Broker):
    # 43 ms a message without TCP_NODELAY, 100 ms with polling.
    told = result(runtime, port=broker.port, topic="f1/x", count=200, lanes=1)
    assert told["acked"] == 200
    assert told["spent_ms"] < 200 * 10


def test_messages_come_in_at_the_rate_they_go_out(runtime: str, broker: Broker):
    told = result(
        runtime, port=broker.port, topic="f1/x", subscribe=["f1/#"], count=1000, keep=False, linger_s=0.5
    )
    assert told["acked"] == 1000
    assert abs(told["growth"]) <= 128  # a message that is just coming in; a leak would be 500 times as much
    assert told["rx_bytes"] > 1000 * 10


def test_every_message_arrives_although_the_broker_restarts(runtime: str, broker: Broker):
    ear = Peer(broker.port, "ear", clean=False)
    ear.subscribe("f1/x")
    with Worker(runtime, port=broker.port, topic="f1/x", count=800, lanes=4, pause_ms=5) as worker:
        assert worker.line()["up"]
        until(lambda: len(ear.messages) > 150)
        broker.restart()
        told = worker.line()
    assert told["acked"] == 800
    assert told["reconnects"] >= 1
    until(lambda: sorted(set(payloads(ear))) == list(range(200)) and len(ear.messages) >= 800)
    ear.leave()


def test_every_publish_returns_although_the_broker_is_killed_twice(runtime: str, broker: Broker):
    ear = Peer(broker.port, "ear", clean=True)
    ear.subscribe("f1/x")
    with Worker(runtime, port=broker.port, topic="f1/x", count=2000, lanes=4, pause_ms=5) as worker:
        assert worker.line()["up"]
        for _ in range(2):
            time.sleep(1)  # longer than the longest pause before a reconnect
            broker.kill()
            time.sleep(0.2)
            broker.restart()
        told = worker.line()
    assert told["acked"] == 2000
    assert told["reconnects"] >= 2
    ear.leave()


def test_a_broker_that_goes_silent_is_left(runtime: str, any_broker: Broker):
    settings = {"topic": "f1/x", "count": 400, "lanes": 2, "pause_ms": 10, "keepalive_s": 1}
    with Worker(runtime, port=any_broker.port, **settings) as worker:
        assert worker.line()["up"]
        assert any_broker.pid is not None
        os.kill(any_broker.pid, signal.SIGSTOP)  # without a deadline it would just go on after SIGCONT
        time.sleep(2)
        os.kill(any_broker.pid, signal.SIGCONT)
        told = worker.line()
    assert told["acked"] == 400
    assert told["reconnects"] >= 1


def test_a_broker_that_answers_pings_but_acknowledges_nothing_is_left(runtime: str):
    broker = ForgetfulBroker()
    serving = threading.Thread(target=broker.serve, args=(2,))
    serving.start()
    told = result(runtime, port=broker.port, topic="f1/x", count=4, lanes=1, keepalive_s=1)
    serving.join()
    assert told["acked"] == 4
    assert told["reconnects"] == 1
    assert broker.publishes == [[0x32], [0x3A, 0x32, 0x32, 0x32]]


def test_messages_published_before_the_broker_is_there_are_sent_when_it_comes(
    runtime: str, any_broker: Broker
):
    any_broker.kill()
    with Worker(runtime, port=any_broker.port, topic="f1/x", count=40) as worker:
        time.sleep(0.5)
        any_broker.restart()
        assert worker.line()["up"]
        assert worker.line()["acked"] == 40


def test_retained_messages_arrive_again_after_a_reconnect(runtime: str, broker: Broker):
    peer = Peer(broker.port, "peer")
    peer.publish("f1/beacon", b"one", retain=True)
    with Worker(runtime, port=broker.port, topic="f1/x", subscribe=["f1/beacon"], linger_s=3) as worker:
        assert worker.line()["up"]
        broker.restart()
        until(peer.client.is_connected)
        told = worker.line()
    assert told["received"][0] == ["f1/beacon", "one", True]
    assert told["received"].count(["f1/beacon", "one", True]) >= 2
    peer.leave()


def test_a_failing_callback_is_counted_and_harmless(runtime: str, any_broker: Broker):
    told = result(
        runtime,
        port=any_broker.port,
        topic="f1/x",
        subscribe=["f1/x"],
        count=40,
        fail_in_callback=True,
        linger_s=0.5,
    )
    assert told["callback_errors"] == 40
    assert told["reconnects"] == 0


def test_an_oversized_message_is_skipped_and_counted(runtime: str, broker: Broker):
    peer = Peer(broker.port, "peer")
    settings = {"port": broker.port, "topic": "f1/x", "subscribe": ["f1/in"], "rx_size": 256, "linger_s": 0.5}
    with Worker(runtime, **settings) as worker:
        assert worker.line()["up"]
        peer.publish("f1/in", bytes(60_000))
        peer.publish("f1/in", b"fits")
        told = worker.line()
    assert told["oversize"] == 1
    assert told["received"] == [["f1/in", "fits", False]]
    assert result(runtime, **settings)["oversize"] == 0  # it was acknowledged, so it does not come back
    peer.leave()


def test_quality_0_returns_without_acknowledgement(runtime: str, any_broker: Broker):
    ear = Peer(any_broker.port, "ear")
    ear.subscribe("f1/x")
    told = result(runtime, port=any_broker.port, topic="f1/x", count=400, qos=0)
    assert told["acked"] == 0
    until(lambda: len(ear.messages) == 400)
    ear.leave()


def test_a_vanished_board_is_announced_by_its_will_and_a_closed_one_is_not(runtime: str, broker: Broker):
    peer = Peer(broker.port, "peer")
    peer.subscribe("f1/offer")
    settings = {"port": broker.port, "topic": "f1/x", "offer": "f1/offer", "will": ["f1/offer", "", 1, True]}
    told = result(runtime, **settings)
    assert told["late"] == mqtt_packet.CLOSED
    until(lambda: len(peer.messages) > 0)
    with Worker(runtime, **settings, linger_s=30) as worker:
        assert worker.line()["up"]
        until(lambda: len(peer.messages) > 1)
        assert [payload for _, payload, _ in peer.messages] == [b"for sale", b"for sale"]
        worker.process.kill()
        until(lambda: len(peer.messages) > 2)
    assert peer.messages[2][1] == b""
    peer.leave()
