# SPDX-License-Identifier: MIT
"""Property tests of the MQTT parser: any bytes, in any pieces, give events or MqttError and nothing else."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from farthing import mqtt, mqtt_packet
from farthing.mqtt_packet import MqttError

RX_SIZE = 96
CODES = {0, mqtt_packet.MALFORMED, mqtt_packet.UNEXPECTED}

topics = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
messages = st.tuples(topics, st.binary(max_size=120), st.integers(0, 65535), st.booleans(), st.booleans())
changes = st.lists(st.tuples(st.integers(0), st.integers(0, 255)))
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=200)


def packet(first: int, body: bytes) -> bytes:
    """An MQTT packet, by the standard's own pseudo-code (2.2.3)."""
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length.append(digit | 128 if rest else digit)
        if not rest:
            return bytes([first]) + bytes(length) + body


def publish(topic: str, payload: bytes, packet_id: int, retain: bool, dup: bool) -> bytes:
    name = topic.encode()
    body = (
        struct.pack(">H", len(name)) + name + (struct.pack(">H", packet_id) if packet_id else b"") + payload
    )
    return packet(0x30 | (2 | dup << 3 if packet_id else 0) | retain, body)


def online() -> mqtt.Client:
    client = mqtt.Client("id", rx_size=RX_SIZE)
    client.connect()
    client.space()[:4] = b"\x20\x02\x00\x00"
    client.filled(4)
    assert client.next_event() == mqtt.CONNECTED
    return client


def receive(client: mqtt.Client, data: bytes, pieces: list[int]) -> list[tuple[object, ...]]:
    seen: list[tuple[object, ...]] = []
    turn = 0
    while data:
        space = client.space()
        assert len(space) > 0
        n = min(len(data), len(space), pieces[turn % len(pieces)])
        turn += 1
        space[:n] = data[:n]
        client.filled(n)
        data = data[n:]
        while event := client.next_event():
            if event == mqtt.MESSAGE:
                text = (client.topic, bytes(client.payload), client.packet_id, client.retained, client.dup)
                seen.append(text)
            else:
                seen.append((event, client.size, client.packet_id))
    return seen


def fault(client: mqtt.Client, data: bytes, pieces: list[int]) -> int:
    """The code of the MqttError that `data` causes, 0 if it is taken; any other error passes through."""
    try:
        receive(client, data, pieces)
    except MqttError as error:
        return error.code
    return 0


@given(st.lists(messages, max_size=12), cuts)
def test_messages_come_out_as_they_went_in(sent, pieces):
    stream, wanted = b"", []
    for message in sent:
        data = publish(*message)
        stream += data
        topic, payload, packet_id, retain, dup = message
        if len(data) > RX_SIZE:
            wanted.append((mqtt.OVERSIZE, len(data), packet_id))
        else:
            wanted.append((topic, payload, packet_id, retain, dup and packet_id > 0))
    assert receive(online(), stream, pieces) == wanted


@given(st.binary(max_size=400), cuts)
def test_random_bytes_are_events_or_an_error(data, pieces):
    assert fault(online(), data, pieces) in CODES


@given(st.lists(messages, min_size=1, max_size=6), cuts, changes)
def test_mutated_packets_are_events_or_an_error(sent, pieces, altered):
    stream = bytearray(b"".join(publish(*message) for message in sent) + b"\xd0\x00\x40\x02\x00\x01")
    for where, value in altered:
        stream[where % len(stream)] = value
    client = online()
    assert fault(client, bytes(stream), pieces) in CODES
    client.connect()
    client.space()[:4] = b"\x20\x02\x01\x00"
    client.filled(4)
    assert client.next_event() == mqtt.CONNECTED, "a bad connection must not spoil the next one"


@given(st.binary(max_size=60), cuts)
def test_random_bytes_instead_of_connack(data, pieces):
    client = mqtt.Client("id", rx_size=RX_SIZE)
    client.connect()
    code = fault(client, data, pieces)
    assert code in CODES or 1 <= code - mqtt_packet.REFUSED <= 5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 120)), max_size=60), st.integers(1, 8))
def test_every_publish_is_sent_and_acknowledged_once_whatever_the_order_of_events(steps, window):
    """A random walk of publish, send, acknowledge and lose; what is in flight comes again, nothing else."""
    client = mqtt.Client("id", window=window, tx_size=160)
    acked: list[int] = []
    taken = 0

    def up() -> None:
        client.connect()
        client.sent(len(client.outgoing()))
        client.space()[:4] = b"\x20\x02\x00\x00"
        client.filled(4)
        assert client.next_event() == mqtt.CONNECTED

    def settle() -> None:
        pending = bytearray()
        while len(view := client.outgoing()):
            pending += view
            client.sent(len(view))
        for packet_id in ids_of(bytes(pending)):
            client.space()[:4] = b"\x40\x02" + struct.pack(">H", packet_id)
            client.filled(4)
            if client.next_event():
                acked.append(client.tag)

    up()
    for action, size in steps:
        if action == 0:
            up()
        elif action == 1:
            settle()
        elif client.publish("t", bytes(size), 1, False, taken):
            taken += 1
    up()
    settle()
    assert acked == list(range(taken))
    assert client.in_flight == 0


def ids_of(stream: bytes) -> list[int]:
    """Packet ids of the QoS 1 publishes in a stream, read by a second, plain parser."""
    found, at = [], 0
    while at < len(stream):
        length = shift = 0
        head = at + 1
        while True:
            length |= (stream[head] & 127) << shift
            shift += 7
            head += 1
            if stream[head - 1] < 128:
                break
        assert stream[at] & 0xF7 == 0x32
        topic = struct.unpack_from(">H", stream, head)[0]
        found.append(struct.unpack_from(">H", stream, head + 2 + topic)[0])
        at = head + length
    return found
