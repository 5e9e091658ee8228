# SPDX-License-Identifier: MIT
"""The bus against both brokers: nothing is acknowledged unasked, and what is not comes again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from farthing_gateway.broker import Broker
from farthing_gateway.bus import Bus, Inbound

TIMEOUT_S = 15.0


@pytest.fixture
def sender(broker: Broker) -> Iterator[Client]:
    client = Client(CallbackAPIVersion.VERSION2, "sender", protocol=MQTTProtocolVersion.MQTTv311)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


@contextmanager
def bus_at(broker: Broker) -> Iterator[Bus]:
    bus = Bus("127.0.0.1", broker.port, "gw-test-0", ["t/+"])
    wait(bus, lambda: bus.connected)
    bus.publish("t/ready", b"", 1)
    read(bus, 1)
    yield bus
    bus.close()


def wait(bus: Bus, condition: Callable[[], object]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end
        bus.poll(0.1)


def read(bus: Bus, count: int, *, ack: bool = True) -> list[Inbound]:
    """The next `count` messages, acknowledged if asked."""
    got: list[Inbound] = []

    def enough() -> bool:
        got.extend(bus.drain())
        return len(got) >= count

    wait(bus, enough)
    if ack:
        bus.ack([each.token for each in got])
        bus.flush(TIMEOUT_S)
    return got


def send(client: Client, *payloads: bytes, qos: int = 1) -> None:
    for payload in payloads:
        client.publish("t/a", payload, qos).wait_for_publish(TIMEOUT_S)


def test_messages_come_in_order_with_their_topic_and_bytes(broker: Broker, sender: Client):
    with bus_at(broker) as bus:
        send(sender, b"1", b"", bytes(1000))
        got = read(bus, 3)
        assert [each.payload for each in got] == [b"1", b"", bytes(1000)]
        assert {each.topic for each in got} == {"t/a"}


def test_what_is_not_acknowledged_is_delivered_again_after_a_drop(broker: Broker, sender: Client):
    with bus_at(broker) as bus:
        send(sender, b"1", b"2", b"3")
        read(bus, 3, ack=False)
        bus.drop(0.1)
        assert {each.payload for each in read(bus, 3)} == {b"1", b"2", b"3"}


def test_what_is_acknowledged_does_not_come_again(broker: Broker, sender: Client):
    with bus_at(broker) as bus:
        send(sender, b"1", b"2")
        read(bus, 2)
        bus.drop(0.1)
        wait(bus, lambda: bus.connected)
        send(sender, b"3")
        assert [each.payload for each in read(bus, 1)] == [b"3"]


def test_an_acknowledgement_waits_for_the_ones_before_it(broker: Broker, sender: Client):
    """MQTT 3.1.1 section 4.6: in the order of arrival. The second is done, only the first holds it up."""
    with bus_at(broker) as bus:
        send(sender, b"1", b"2")
        first, second = read(bus, 2, ack=False)
        bus.ack([second.token])
        bus.flush(TIMEOUT_S)
        bus.drop(0.1)
        again = read(bus, 2, ack=False)
        assert {each.payload for each in again} == {b"1", b"2"}
        bus.ack([first.token])  # of the old connection: must not acknowledge anything of the new one
        bus.ack([each.token for each in again])
        bus.flush(TIMEOUT_S)
        bus.drop(0.1)
        wait(bus, lambda: bus.connected)
        send(sender, b"3")
        assert [each.payload for each in read(bus, 1)] == [b"3"]


def test_what_waited_while_nobody_was_there_is_delivered(broker: Broker, sender: Client):
    with bus_at(broker):
        pass
    send(sender, b"1", b"2")
    bus = Bus("127.0.0.1", broker.port, "gw-test-0", ["t/+"])
    assert {each.payload for each in read(bus, 2)} == {b"1", b"2"}  # nats-server keeps no order here
    bus.close()


def test_it_comes_back_after_the_broker_was_killed(broker: Broker):
    with bus_at(broker) as bus:
        broker.kill()
        wait(bus, lambda: not bus.connected)
        broker.restart()
        wait(bus, lambda: bus.connected)
        bus.publish("t/a", b"again", 1)
        assert [each.payload for each in read(bus, 1)] == [b"again"]


def test_what_is_published_at_qos_1_without_a_connection_is_sent_later(broker: Broker):
    with bus_at(broker) as bus:
        bus.drop(0.2)
        bus.publish("t/a", b"late", 1)
        assert not bus.flush(0.05)
        assert [each.payload for each in read(bus, 1)] == [b"late"]
        assert bus.flush(TIMEOUT_S)


def test_another_thread_can_wake_it(broker: Broker):
    with bus_at(broker) as bus:
        threading.Timer(0.1, bus.wake).start()
        began = time.monotonic()
        while time.monotonic() - began < 0.05:
            bus.poll(0.01)
        bus.poll(5)
        assert time.monotonic() - began < 2


def test_a_broker_that_is_not_there_is_named(broker: Broker):
    broker.kill()
    bus = Bus("127.0.0.1", broker.port, "gw-test-0", [])
    bus.poll(0.1)
    assert not bus.connected
    assert f"no broker at 127.0.0.1:{broker.port}" in bus.error
    bus.close()


def test_qos_0_needs_no_acknowledgement(broker: Broker, sender: Client):
    with bus_at(broker) as bus:
        send(sender, b"1", qos=0)
        assert read(bus, 1)[0].token is None
