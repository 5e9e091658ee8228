# SPDX-License-Identifier: MIT
"""An MQTT 3.1.1 client without I/O: received bytes in and events out, calls in and bytes to send out.

No socket, clock, task or TLS, and never QoS 2: farthing_agent.link drives it on a board.
"""

from farthing import mqtt_packet as p
from farthing.mqtt_packet import MqttError

CONNECTED = 1  # `session_present` says whether the broker kept the session
MESSAGE = 2  # `topic`, `payload`, `qos`, `retained`, `dup`, `packet_id`
ACKED = 3  # `packet_id` and `tag` of a publish of ours
SUBSCRIBED = 4  # `packet_id`, `payload`: one granted QoS a filter, or 0x80
UNSUBSCRIBED = 5  # `packet_id`
PONG = 6
OVERSIZE = 7  # `size` bytes were skipped; `packet_id` wants an acknowledgement unless it is 0

_NO_FLAGS = (p.CONNACK, p.PUBACK, p.SUBACK, p.UNSUBACK, p.PINGRESP)


class Client:
    """One client session, over any number of connections.

    At most `window` QoS 1 publishes are in flight; they live through a lost connection and are sent again
    with DUP. Packets longer than `rx_size` bytes are skipped, packets longer than `tx_size` refused.
    Nothing received is acknowledged before the application calls `ack`.
    """

    def __init__(
        self,
        client_id: str,
        user=None,
        password=None,
        will=None,
        keepalive_s: int = 30,
        clean: bool = False,
        window: int = 10,
        rx_size: int = 2048,
        tx_size: int = 2048,
    ):
        self._hello = p.connect_packet(client_id, user, password, will, keepalive_s, clean)
        if len(self._hello) > tx_size:
            raise MqttError(p.TOO_LARGE)
        self._reader = p.Reader(rx_size)
        self._tx = memoryview(bytearray(tx_size))
        self._head = self._end = 0
        self._window = window
        self._flight = []  # of [packet id, topic, payload, retain, dup, tag], oldest first
        self._sent = 0  # how many of them are written on this connection
        self._asked = []  # packet ids of SUBSCRIBE and UNSUBSCRIBE without answer
        self._last_id = 0
        self.online = self.pinging = self._ping_due = False
        self.session_present = False
        self.topic = ""
        self.payload = self.tag = None
        self.packet_id = self.qos = self.size = 0
        self.retained = self.dup = False

    # Connection

    def connect(self) -> None:
        """Begin a new connection: CONNECT is sent first, and after CONNACK what is not acknowledged yet."""
        self.disconnected()
        self._put(self._hello)

    def disconnected(self) -> None:
        """The connection is gone: unsent bytes and half a packet are dropped, publishes in flight stay."""
        self._reader.reset()
        self._head = self._end = self._sent = 0
        self._asked.clear()
        self.online = self.pinging = self._ping_due = False

    def disconnect(self) -> None:
        """Send DISCONNECT: the broker will not send the will. Raises MqttError(NO_ROOM)."""
        self._put(b"\xe0\0")

    def ping(self) -> None:
        """Send PINGREQ as soon as there is room; `pinging` is True until the answer comes."""
        self._ping_due = self.pinging = True

    # Sending

    @property
    def in_flight(self) -> int:
        """QoS 1 publishes not yet acknowledged, sent or not."""
        return len(self._flight)

    def publish(self, topic, payload, qos: int = 1, retain: bool = False, tag=None) -> int:
        """Take a message to send; 0 means not now: full window, or for QoS 0 offline or a full buffer.

        Returns the packet id for QoS 1, and -1 for QoS 0. `payload` is bytes-like and must not change
        before ACKED returns `tag`. Raises MqttError(BAD_TOPIC) or (TOO_LARGE).
        """
        if not isinstance(payload, (bytes, bytearray, memoryview)):
            raise TypeError
        name = p.topic_bytes(topic)
        length = p.publish_length(name, payload, qos)
        size = 1 + p.length_size(length) + length
        if size > len(self._tx):
            raise MqttError(p.TOO_LARGE)
        if not qos:
            if not self.online or not self._room(size):
                return 0
            self._end = p.publish_into(self._tx, self._end, name, payload, 0, retain, False)
            return -1
        if len(self._flight) >= self._window:
            return 0
        packet_id = self._new_id()
        self._flight.append([packet_id, name, payload, retain, False, tag])
        return packet_id

    def ack(self, packet_id: int) -> bool:
        """Acknowledge a MESSAGE or OVERSIZE with PUBACK; False if the send buffer must be emptied first.

        Acknowledgements stand side by side in the send buffer, so many leave in one piece. After a lost
        connection an acknowledgement is void: the broker sends the message again.
        """
        if not self._room(4):
            return False
        end = p.header_into(self._tx, self._end, p.PUBACK << 4, 2)
        self._end = p.short_into(self._tx, end, packet_id)
        return True

    def subscribe(self, filters) -> int:
        """Subscribe to (filter, qos) pairs; returns the packet id. Raises MqttError(NO_ROOM)."""
        return self._ask(p.SUBSCRIBE, filters)

    def unsubscribe(self, filters) -> int:
        """Unsubscribe from filters; returns the packet id. Raises MqttError(NO_ROOM)."""
        return self._ask(p.UNSUBSCRIBE, filters)

    def outgoing(self):
        """A memoryview of the bytes to send now, empty if there are none. Good until the next call."""
        if self.online:
            if self._ping_due and self._room(2):
                self._put(b"\xc0\0")
                self._ping_due = False
            self._write_flight()
        return self._tx[self._head : self._end]

    def sent(self, n: int) -> None:
        """The first `n` bytes of `outgoing()` have left."""
        self._head += n
        if self._head == self._end:
            self._head = self._end = 0

    # Receiving

    def space(self):
        """A memoryview to receive into; call `next_event` until it returns 0 before asking again."""
        return self._reader.space()

    def filled(self, n: int) -> None:
        """`n` bytes were put into `space()`."""
        self._reader.filled(n)

    def next_event(self) -> int:
        """The next event, 0 if more bytes are needed; its attributes are good until the next call.

        `payload` is a memoryview into the receive buffer: copy what must last. Raises MqttError, after
        which the connection must be closed.
        """
        reader = self._reader
        while True:
            kind = reader.next()
            if not kind:
                return 0
            if self.online == (kind == p.CONNACK):
                raise MqttError(p.UNEXPECTED)
            if kind in _NO_FLAGS and reader.first & 15:
                raise MqttError(p.MALFORMED)
            event = self._event(kind)
            if event:
                return event

    def _event(self, kind: int) -> int:
        if kind == p.PUBLISH:
            return self._message()
        if kind == p.PUBACK:
            return self._acked()
        if kind == p.PINGRESP:
            self._expect(0)
            self.pinging = False
            return PONG
        if kind == p.CONNACK:
            return self._connected()
        if kind == p.SUBACK:
            return self._answered(SUBSCRIBED, 3)
        if kind == p.UNSUBACK:
            return self._answered(UNSUBSCRIBED, 2)
        if kind == p.OVERSIZE:
            self.packet_id = self._reader.packet_id
            self.size = self._reader.size
            return OVERSIZE
        raise MqttError(p.MALFORMED)

    def _connected(self) -> int:
        self._expect(2)
        reader = self._reader
        flags = reader.buf[reader.body]
        code = reader.buf[reader.body + 1]
        if flags > 1 or code > 5:
            raise MqttError(p.MALFORMED)
        if code:
            raise MqttError(p.REFUSED + code)
        self.session_present = flags == 1
        self.online = True
        return CONNECTED

    def _message(self) -> int:
        reader = self._reader
        flags = reader.first & 15
        self.qos = flags >> 1 & 3
        if self.qos > 1:
            raise MqttError(p.UNEXPECTED if self.qos == 2 else p.MALFORMED)
        at = reader.body + 2
        end = at + self._short(reader.body)
        if end == at or end + 2 * self.qos > reader.stop:
            raise MqttError(p.MALFORMED)
        try:
            self.topic = str(reader.view[at:end], "utf-8")
        except ValueError:
            raise MqttError(p.MALFORMED)
        self.packet_id = 0
        if self.qos:
            self.packet_id = self._id(end)
            end += 2
        self.retained = bool(flags & 1)
        self.dup = bool(flags & 8)
        self.payload = reader.view[end : reader.stop]
        return MESSAGE

    def _acked(self) -> int:
        self._expect(2)
        packet_id = self._id(self._reader.body)
        for i in range(self._sent):
            entry = self._flight[i]
            if entry[0] == packet_id:
                self._flight.pop(i)
                self._sent -= 1
                self.packet_id = packet_id
                self.tag = entry[5]
                return ACKED
        return 0  # of a connection or a session that is gone: nothing waits for it

    def _answered(self, event: int, least: int) -> int:
        reader = self._reader
        if reader.stop - reader.body < least or (event == UNSUBSCRIBED and reader.stop - reader.body > 2):
            raise MqttError(p.MALFORMED)
        self.packet_id = self._id(reader.body)
        if self.packet_id not in self._asked:
            raise MqttError(p.UNEXPECTED)
        self._asked.remove(self.packet_id)
        self.payload = reader.view[reader.body + 2 : reader.stop]
        return event

    def _expect(self, length: int) -> None:
        if self._reader.stop - self._reader.body != length:
            raise MqttError(p.MALFORMED)

    def _short(self, at: int) -> int:
        if at + 2 > self._reader.stop:
            raise MqttError(p.MALFORMED)
        return self._reader.buf[at] << 8 | self._reader.buf[at + 1]

    def _id(self, at: int) -> int:
        packet_id = self._short(at)
        if not packet_id:
            raise MqttError(p.MALFORMED)
        return packet_id

    # The send buffer and the flight

    def _room(self, n: int) -> bool:
        if self._end + n > len(self._tx) and self._head:
            rest = self._end - self._head
            self._tx[:rest] = self._tx[self._head : self._end]
            self._head = 0
            self._end = rest
        return self._end + n <= len(self._tx)

    def _put(self, packet: bytes) -> None:
        if not self._room(len(packet)):
            raise MqttError(p.NO_ROOM)
        self._tx[self._end : self._end + len(packet)] = packet
        self._end += len(packet)

    def _ask(self, kind: int, filters) -> int:
        packet_id = self._new_id()
        self._put(p.filters_packet(kind, packet_id, filters))
        self._asked.append(packet_id)
        return packet_id

    def _new_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65535 + 1
            used = self._last_id in self._asked
            for entry in self._flight:
                used |= entry[0] == self._last_id
            if not used:
                return self._last_id

    def _write_flight(self) -> None:
        while self._sent < len(self._flight):
            entry = self._flight[self._sent]
            length = p.publish_length(entry[1], entry[2], 1)
            if not self._room(1 + p.length_size(length) + length):
                return
            self._end = p.publish_into(self._tx, self._end, entry[1], entry[2], entry[0], entry[3], entry[4])
            entry[4] = True  # a second writing of it is a second attempt (3.3.1.1)
            self._sent += 1
