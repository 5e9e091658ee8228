# SPDX-License-Identifier: MIT
"""The MQTT core on a plain socket against both real brokers, with paho as the other party."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from farthing import mqtt
from farthing.mqtt_packet import REFUSED, MqttError
from farthing_gateway.broker import Broker
from peers import Peer, until


class Wire:
    """The core with a blocking socket under it; messages and acknowledged tags arrive in lists."""

    def __init__(self, port: int, name: str, **settings: Any):
        self.port = port
        self.client = mqtt.Client(name, **settings)
        self.messages: list[tuple[str, bytes, bool]] = []
        self.dups: list[bytes] = []
        self.acked: list[object] = []
        self.granted: list[int] = []
        self.oversize: list[int] = []
        self.auto_ack = True
        self.socket = socket.socket()

    def connect(self) -> bool:
        """Open a connection; whether the broker had kept the session."""
        self.socket.close()
        self.socket = socket.create_connection(("127.0.0.1", self.port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.connect()
        self.until(lambda: self.client.online)
        return self.client.session_present

    def subscribe(self, topic: str, qos: int = 1) -> None:
        self.granted.clear()
        self.client.subscribe([(topic, qos)])
        self.until(lambda: self.granted == [qos])

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        assert self.client.publish(topic, payload, qos, retain, payload)
        self.until(lambda: not qos or payload in self.acked)

    def until(self, done: Callable[[], bool], seconds: float = 10.0) -> None:
        """Send and receive until `done()`."""
        deadline = time.monotonic() + seconds
        self.send()
        while not done():
            assert time.monotonic() < deadline, "it did not happen in time"
            self.turn()
            self.send()

    def send(self) -> None:
        view = self.client.outgoing()
        self.socket.sendall(view)
        self.client.sent(len(view))

    def turn(self) -> None:
        self.socket.settimeout(0.05)
        try:
            n = self.socket.recv_into(self.client.space())
        except TimeoutError:
            return
        if not n:
            raise ConnectionResetError
        self.client.filled(n)
        while event := self.client.next_event():
            self.note(event)

    def note(self, event: int) -> None:
        client = self.client
        if event == mqtt.MESSAGE:
            payload = bytes(client.payload)
            self.messages.append((client.topic, payload, client.retained))
            if client.dup:
                self.dups.append(payload)
            if client.packet_id and self.auto_ack:
                assert client.ack(client.packet_id)
        elif event == mqtt.OVERSIZE:
            self.oversize.append(client.size)
            assert client.packet_id
            assert client.ack(client.packet_id)
        elif event == mqtt.ACKED:
            self.acked.append(client.tag)
        elif event == mqtt.SUBSCRIBED:
            self.granted += client.payload

    def drop(self) -> None:
        """Lose the connection without a word."""
        self.socket.close()
        self.client.disconnected()

    def leave(self) -> None:
        self.client.disconnect()
        self.send()
        self.socket.close()


@pytest.fixture
def core(broker: Broker) -> Iterator[Wire]:
    wire = Wire(broker.port, "core")
    wire.connect()
    yield wire
    wire.socket.close()


@pytest.fixture
def peer(broker: Broker) -> Iterator[Peer]:
    peer = Peer(broker.port, "peer")
    yield peer
    peer.leave()


@pytest.mark.parametrize("qos", [0, 1])
def test_messages_arrive_both_ways(core: Wire, peer: Peer, qos: int):
    peer.subscribe("f1/out/+")
    core.subscribe("f1/in/#", qos)
    sizes = (0, 1, 90, 127, 128, 1000, 2030)
    for i, size in enumerate(sizes):
        core.publish(f"f1/out/{i}", bytes([i]) * size, qos)
        peer.client.publish(f"f1/in/{i}", bytes([i]) * size, qos)
    core.until(lambda: len(core.messages) == len(sizes))
    until(lambda: len(peer.messages) == len(sizes))
    assert core.messages == [(f"f1/in/{i}", bytes([i]) * size, False) for i, size in enumerate(sizes)]
    assert peer.messages == [(f"f1/out/{i}", bytes([i]) * size, False) for i, size in enumerate(sizes)]


def test_retained_messages_are_kept_marked_and_cleared(core: Wire, peer: Peer, broker: Broker):
    core.publish("f1/offer/a", b"mine", retain=True)
    peer.publish("f1/offer/b", b"theirs", retain=True)
    core.subscribe("f1/offer/+")
    core.until(lambda: len(core.messages) == 2)
    assert sorted(core.messages) == [("f1/offer/a", b"mine", True), ("f1/offer/b", b"theirs", True)]
    core.publish("f1/offer/a", b"", retain=True)
    late = Wire(broker.port, "late")
    late.connect()
    late.subscribe("f1/offer/+")
    late.until(lambda: late.messages == [("f1/offer/b", b"theirs", True)])
    late.publish("f1/offer/x", b"live")
    late.until(lambda: len(late.messages) == 2)
    assert late.messages[1] == ("f1/offer/x", b"live", False)
    late.leave()


def test_a_will_clears_the_offer_of_a_seller_that_vanished(peer: Peer, broker: Broker):
    seller = Wire(broker.port, "seller", will=("f1/offer/s", b"", 1, True))
    seller.connect()
    seller.publish("f1/offer/s", b"for sale", retain=True)
    peer.subscribe("f1/offer/+")
    until(lambda: peer.messages == [("f1/offer/s", b"for sale", True)])
    seller.drop()
    until(lambda: peer.messages[1:] == [("f1/offer/s", b"", False)])
    newcomer = Wire(broker.port, "newcomer")
    newcomer.connect()
    newcomer.subscribe("f1/offer/+")
    newcomer.publish("f1/offer/z", b"end")
    newcomer.until(lambda: len(newcomer.messages) > 0)
    assert newcomer.messages == [("f1/offer/z", b"end", False)]
    newcomer.leave()


def test_disconnect_sends_no_will(peer: Peer, broker: Broker):
    peer.subscribe("f1/#")
    seller = Wire(broker.port, "seller", will=("f1/offer/s", b"gone", 1, False))
    seller.connect()
    seller.leave()
    peer.publish("f1/end", b"end")
    until(lambda: len(peer.messages) > 0)
    assert peer.messages == [("f1/end", b"end", False)]


def test_a_session_keeps_what_came_meanwhile(core: Wire, peer: Peer):
    core.subscribe("f1/in/#")
    core.drop()
    for i in range(20):
        peer.publish("f1/in/x", b"%d" % i)
    assert core.connect()
    # A message that went into the dying connection comes again, on nats-server behind the others.
    core.until(lambda: {payload for _, payload, _ in core.messages} == {b"%d" % i for i in range(20)})


def test_a_clean_session_keeps_nothing(peer: Peer, broker: Broker):
    forgetful = Wire(broker.port, "forgetful", clean=True)
    forgetful.connect()
    forgetful.subscribe("f1/in/#")
    forgetful.drop()
    peer.publish("f1/in/x", b"lost")
    assert not forgetful.connect()
    forgetful.publish("f1/in/x", b"nobody")
    assert forgetful.messages == []
    forgetful.leave()


def test_what_was_not_acknowledged_comes_again(core: Wire, peer: Peer):
    core.subscribe("f1/in/#")
    core.auto_ack = False
    for i in range(30):
        peer.publish("f1/in/x", b"%d" % i)
    core.until(lambda: len(core.messages) == 30)
    core.drop()
    core.messages.clear()
    core.auto_ack = True
    assert core.connect()
    core.until(lambda: len(core.messages) == 30)
    assert {payload for _, payload, _ in core.messages} == {b"%d" % i for i in range(30)}
    assert len(core.dups) == 30


def test_publishes_without_acknowledgement_are_sent_again(core: Wire, peer: Peer):
    peer.subscribe("f1/out")
    for i in range(10):
        core.client.publish("f1/out", b"%d" % i, 1, False, i)
    core.send()
    core.drop()
    core.connect()
    core.until(lambda: core.client.in_flight == 0)
    assert core.acked == list(range(10))
    until(lambda: {payload for _, payload, _ in peer.messages} == {b"%d" % i for i in range(10)})
    assert len(peer.messages) <= 20


def test_publishes_survive_a_broker_restart(core: Wire, broker: Broker):
    core.publish("f1/out", b"before")
    broker.kill()
    for i in range(5):
        core.client.publish("f1/out", b"%d" % i, 1, False, i)
    broker.restart()
    core.connect()
    core.until(lambda: core.client.in_flight == 0)
    assert core.acked == [b"before", 0, 1, 2, 3, 4]


def test_a_second_client_of_the_same_id_takes_the_session_over(core: Wire, broker: Broker):
    core.subscribe("f1/in/#")
    second = Wire(broker.port, "core")
    assert second.connect()
    with pytest.raises(ConnectionResetError):
        core.until(lambda: False, 5)
    second.publish("f1/in/x", b"mine now")
    second.until(lambda: second.messages == [("f1/in/x", b"mine now", False)])
    second.leave()


def test_an_oversized_message_is_skipped_acknowledged_and_does_not_come_back(peer: Peer, broker: Broker):
    small = Wire(broker.port, "small", rx_size=256)
    small.connect()
    small.subscribe("f1/#")
    peer.publish("f1/big", bytes(5000))
    peer.publish("f1/" + "long" * 100, b"small payload, large topic")
    peer.publish("f1/ok", b"fits")
    small.until(lambda: small.messages == [("f1/ok", b"fits", False)])
    assert len(small.oversize) == 2
    assert small.oversize[0] > 5000
    small.publish("f1/end", b"end")
    small.until(lambda: len(small.messages) == 2)
    small.drop()
    assert small.connect()
    peer.publish("f1/ok", b"after")
    small.until(lambda: ("f1/ok", b"after", False) in small.messages)
    assert len(small.oversize) == 2
    small.leave()


def test_unsubscribe_ends_the_delivery(core: Wire, peer: Peer):
    core.subscribe("f1/a")
    core.subscribe("f1/b")
    core.client.unsubscribe(["f1/a"])
    core.publish("f1/sync", b"unsubscribed by now")
    peer.publish("f1/a", b"no")
    peer.publish("f1/b", b"yes")
    core.until(lambda: len(core.messages) > 0)
    assert core.messages == [("f1/b", b"yes", False)]


def test_ping_is_answered(core: Wire):
    core.client.ping()
    core.until(lambda: not core.client.pinging)


def test_a_full_window_of_many_sizes_is_acknowledged(core: Wire, peer: Peer):
    peer.subscribe("f1/out")
    sent = acked = 0
    while acked < 500:
        while sent < 500 and core.client.publish("f1/out", b"%d" % sent * (1 + sent % 90), 1, False, sent):
            sent += 1
        core.until(lambda before=acked: len(core.acked) > before)
        acked = len(core.acked)
    assert sorted(core.acked) == list(range(500))
    until(lambda: len(peer.messages) == 500)


def test_a_refused_client_is_told_so(broker: Broker):
    nobody = Wire(broker.port, "", clean=False)  # 3.1.3.1: no id and no clean session is refused with 2
    with pytest.raises(MqttError) as told:
        nobody.connect()
    assert told.value.code == REFUSED + 2
