# SPDX-License-Identifier: MIT
"""The MQTT client core against bytes written out by hand from the standard, on both runtimes.

No socket and no broker: tests/host/test_mqtt_conformance.py has those.
"""

from farthing import mqtt, mqtt_packet
from farthing.mqtt_packet import MqttError

CONNACK = b"\x20\x02\x00\x00"
CONNACK_KEPT = b"\x20\x02\x01\x00"


def receive(client, data, step=0):
    """Feed `data` in pieces of `step` bytes (0: as they fit); return what each event said, copied."""
    events = []
    at = 0
    while at < len(data):
        space = client.space()
        assert len(space), "no room although every event was taken"
        n = min(len(data) - at, len(space), step or len(data))
        space[:n] = data[at : at + n]
        client.filled(n)
        at += n
        event = client.next_event()
        while event:
            events.append(told(client, event))
            event = client.next_event()
    return events


def told(client, event):
    if event == mqtt.MESSAGE:
        return ("message", client.topic, bytes(client.payload), client.packet_id, client.retained, client.dup)
    if event == mqtt.ACKED:
        return ("acked", client.packet_id, client.tag)
    if event == mqtt.SUBSCRIBED:
        return ("subscribed", client.packet_id, bytes(client.payload))
    if event == mqtt.OVERSIZE:
        return ("oversize", client.size, client.packet_id)
    return (event,)


def flush(client):
    data = bytes(client.outgoing())
    client.sent(len(data))
    return data


def online(**settings):
    client = mqtt.Client("id", **settings)
    client.connect()
    flush(client)
    assert receive(client, CONNACK) == [(mqtt.CONNECTED,)]
    return client


def code_of(call, *args):
    try:
        call(*args)
    except MqttError as error:
        return error.code
    return None


def test_connect_is_byte_exact():
    plain = mqtt.Client("id", keepalive_s=30)
    plain.connect()
    assert flush(plain) == b"\x10\x0e\x00\x04MQTT\x04\x00\x00\x1e\x00\x02id"
    full = mqtt.Client("id", "me", b"pw", ("w/t", b"", 1, True), 300, True)
    full.connect()
    assert flush(full) == (
        b"\x10\x1d\x00\x04MQTT\x04\xee\x01\x2c\x00\x02id\x00\x03w/t\x00\x00\x00\x02me\x00\x02pw"
    )


def test_publish_is_byte_exact():
    client = online()
    assert client.publish("a/b", b"hi", 0) == -1
    assert client.publish("a/b", b"hi", 1, True) == 1
    assert flush(client) == b"\x30\x07\x00\x03a/bhi" + b"\x33\x09\x00\x03a/b\x00\x01hi"
    assert client.publish("t", bytes(200), 0) == -1
    assert flush(client)[:6] == b"\x30\xcb\x01\x00\x01t"


def test_control_packets_are_byte_exact():
    client = online()
    assert client.subscribe([("a/#", 1), ("b", 0)]) == 1
    assert client.unsubscribe(["a/#"]) == 2
    client.ping()
    client.disconnect()
    assert flush(client) == (
        b"\x82\x0c\x00\x01\x00\x03a/#\x01\x00\x01b\x00" + b"\xa2\x07\x00\x02\x00\x03a/#" + b"\xe0\x00\xc0\x00"
    )
    assert client.pinging
    answers = b"\x90\x04\x00\x01\x01\x80" + b"\xb0\x02\x00\x02" + b"\xd0\x00"
    assert receive(client, answers) == [
        ("subscribed", 1, b"\x01\x80"),
        (mqtt.UNSUBSCRIBED,),
        (mqtt.PONG,),
    ]
    assert not client.pinging


def test_messages_survive_any_split():
    stream = (
        b"\x31\x07\x00\x03a/bhi"
        b"\x3a\x09\x00\x03a/c\x12\x34yo"
        b"\x30\xcb\x01\x00\x01t" + bytes(200) + b"\x32\x05\x00\x01e\x00\x07"
    )
    wanted = [
        ("message", "a/b", b"hi", 0, True, False),
        ("message", "a/c", b"yo", 0x1234, False, True),
        ("message", "t", bytes(200), 0, False, False),
        ("message", "e", b"", 7, False, False),
    ]
    for step in range(len(stream) + 1):
        assert receive(online(rx_size=256), stream, step) == wanted


def test_nothing_is_acknowledged_before_the_application_says_so():
    client = online()
    receive(
        client, b"\x32\x05\x00\x01a\x00\x05" + b"\x32\x05\x00\x01a\x00\x06" + b"\x32\x05\x00\x01a\x00\x07"
    )
    assert flush(client) == b""
    assert client.ack(6) and client.ack(5)
    assert flush(client) == b"\x40\x02\x00\x06" + b"\x40\x02\x00\x05"


def test_an_acknowledgement_waits_for_room():
    client = online(tx_size=32)
    assert all(client.ack(i + 1) for i in range(8))
    assert not client.ack(9)
    client.sent(4)
    assert client.ack(9)
    assert len(flush(client)) == 32


def test_acks_come_in_any_order_and_only_once():
    client = online()
    for word in ("one", "two", "six"):
        client.publish("t", b"x", 1, False, word)
    flush(client)
    assert receive(client, b"\x40\x02\x00\x03" + b"\x40\x02\x00\x03") == [("acked", 3, "six")]
    assert receive(client, b"\x40\x02\x00\x01" + b"\x40\x02\x00\x02") == [
        ("acked", 1, "one"),
        ("acked", 2, "two"),
    ]
    assert client.in_flight == 0


def test_the_window_bounds_what_is_in_flight():
    client = online(window=2)
    assert client.publish("t", b"1") == 1
    assert client.publish("t", b"2") == 2
    assert client.publish("t", b"3") == 0
    assert client.publish("t", b"3", 0) == -1
    flush(client)
    receive(client, b"\x40\x02\x00\x01")
    assert client.publish("t", b"3") == 3


def test_ids_wrap_and_skip_those_in_use():
    client = online(window=3)
    assert client.publish("t", b"stays") == 1
    assert client.subscribe([("a", 0)]) == 2
    for expected in range(3, 65536):
        assert client.publish("t", b"") == expected
        flush(client)
        receive(client, b"\x40\x02" + expected.to_bytes(2, "big"))
    assert client.publish("t", b"") == 3
    assert client.in_flight == 2


def resent_after(connack):
    client = mqtt.Client("id")
    assert client.publish("t", b"early", 1) == 1
    client.connect()
    assert flush(client)[0] == 0x10
    receive(client, CONNACK)
    assert flush(client) == b"\x32\x0a\x00\x01t\x00\x01early"
    client.publish("t", b"b", 1, True)
    flush(client)
    client.publish("t", b"c")
    client.disconnected()
    assert client.publish("t", b"q0", 0) == 0
    client.publish("t", b"d")
    client.connect()
    assert flush(client)[0] == 0x10
    receive(client, connack)
    return client


def test_unacknowledged_publishes_come_again_with_dup():
    for connack in (CONNACK, CONNACK_KEPT):
        client = resent_after(connack)
        assert client.session_present == (connack == CONNACK_KEPT)
        assert flush(client) == (
            b"\x3a\x0a\x00\x01t\x00\x01early"
            b"\x3b\x06\x00\x01t\x00\x02b"
            b"\x32\x06\x00\x01t\x00\x03c"
            b"\x32\x06\x00\x01t\x00\x04d"
        )
        for i in range(4):
            assert receive(client, bytes((0x40, 2, 0, i + 1))) == [("acked", i + 1, None)]


def test_a_full_send_buffer_delays_but_loses_nothing():
    client = online(tx_size=64, window=10)
    for i in range(10):
        assert client.publish("t", bytes([i]) * 20) == i + 1
    seen = b""
    while True:
        view = client.outgoing()
        assert len(view) <= 64
        if not len(view):
            break
        seen += bytes(view[:7])
        client.sent(min(7, len(view)))
    assert seen == b"".join([b"\x32\x19\x00\x01t\x00" + bytes([i + 1]) + bytes([i]) * 20 for i in range(10)])


def test_what_can_not_be_sent_is_refused():
    client = online(tx_size=64)
    assert code_of(client.publish, "t", bytes(58), 1) == mqtt_packet.TOO_LARGE
    assert client.publish("t", bytes(57), 1)
    for topic in ("", "a/#", "a/+/b", "nul\0", b"x" * 65536):
        assert code_of(client.publish, topic, b"") == mqtt_packet.BAD_TOPIC
    flush(client)
    assert code_of(client.subscribe, [("a" * 80, 1)]) == mqtt_packet.NO_ROOM
    try:
        client.publish("t", 5)
    except TypeError:
        return
    raise AssertionError("a payload that is no bytes was taken")


def test_an_oversized_packet_is_skipped_and_reported():
    big = b"\x32\xd8\x09\x00\x03a/b\x12\x34" + bytes(1233)  # remaining length 1240, QoS 1
    plain = b"\x30\xd8\x09\x00\x03a/b" + bytes(1235)
    topic = b"\x33\xd8\x09\x04\x00" + b"t" * 1024 + b"\x56\x78" + bytes(212)
    after = b"\x30\x05\x00\x01tok"
    wanted = [("oversize", 1243, 0x1234), ("oversize", 1243, 0), ("oversize", 1243, 0x5678)]
    wanted.append(("message", "t", b"ok", 0, False, False))
    for step in (0, 1, 2, 3, 5, 7, 63, 64, 1000):
        assert receive(online(rx_size=64), big + plain + topic + after, step) == wanted


def test_the_largest_packet_that_fits_is_delivered():
    client = online(rx_size=64)
    wanted = ("message", "t", bytes(59), 0, False, False)
    assert receive(client, (b"\x30\x3e\x00\x01t" + bytes(59)) * 3, 1) == [wanted] * 3
    assert receive(client, b"\x30\x3f\x00\x01t" + bytes(60), 1) == [("oversize", 65, 0)]


def test_malformed_packets_are_errors():
    for bad in (
        b"\x00\x00",  # reserved type
        b"\xf0\x00",  # reserved type
        b"\x10\x00",  # a client's packet
        b"\x82\x03\x00\x01\x00",
        b"\x30\xff\xff\xff\xff\x01",  # fifth length byte
        b"\x30\x00",  # no topic length
        b"\x30\x02\x00\x00",  # empty topic
        b"\x30\x03\x00\x02a",  # topic beyond the packet
        b"\x32\x03\x00\x01a",  # no packet id
        b"\x32\x05\x00\x01a\x00\x00",  # packet id 0
        b"\x36\x05\x00\x01a\x00\x01",  # QoS 3
        b"\x30\x04\x00\x02\xff\xfe",  # not UTF-8
        b"\x40\x03\x00\x01\x00",
        b"\x40\x01\x00",
        b"\x40\x02\x00\x00",
        b"\x41\x02\x00\x01",  # reserved flags
        b"\xd0\x01\x00",
        b"\x90\x02\x00\x01",  # no return code
        b"\x32\xff\x7f\xff\xff" + bytes(100),  # oversized, and its topic is longer still
    ):
        assert code_of(receive, online(rx_size=64), bad) == mqtt_packet.MALFORMED, bad


def test_packets_at_the_wrong_time_are_errors():
    for bad in (CONNACK, b"\x34\x05\x00\x01a\x00\x01", b"\x90\x03\x00\x01\x01", b"\xb0\x02\x00\x01"):
        assert code_of(receive, online(), bad) == mqtt_packet.UNEXPECTED, bad
    early = mqtt.Client("id")
    early.connect()
    assert code_of(receive, early, b"\x30\x05\x00\x01tok") == mqtt_packet.UNEXPECTED


def test_a_refused_connection_names_the_code():
    for code in range(1, 6):
        client = mqtt.Client("id")
        client.connect()
        assert code_of(receive, client, bytes((0x20, 2, 0, code))) == mqtt_packet.REFUSED + code
        assert not client.online
    for bad in (b"\x20\x02\x00\x06", b"\x20\x02\x02\x00", b"\x20\x03\x00\x00\x00"):
        client.connect()
        assert code_of(receive, client, bad) == mqtt_packet.MALFORMED


def test_half_a_packet_does_not_outlive_its_connection():
    client = online(rx_size=64)
    receive(client, b"\x32\xd8\x09\x00\x03a/b")
    client.connect()
    flush(client)
    assert receive(client, CONNACK_KEPT + b"\x30\x05\x00\x01tok") == [
        (mqtt.CONNECTED,),
        ("message", "t", b"ok", 0, False, False),
    ]
