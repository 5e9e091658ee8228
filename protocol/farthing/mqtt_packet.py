# SPDX-License-Identifier: MIT
"""MQTT 3.1.1 packets: encoders into the caller's buffer and an incremental reader.

No session, socket or clock, and never QoS 2. Section numbers are those of the OASIS standard of 2014.
"""

from farthing._compat import const

CONNECT = 1
CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBSCRIBE = 8
SUBACK = 9
UNSUBSCRIBE = 10
UNSUBACK = 11
PINGREQ = 12
PINGRESP = 13
DISCONNECT = 14
OVERSIZE = 16  # not a packet type: the reader's report of a packet it skipped

MALFORMED = 1  # a length, flag, field or type that the standard forbids
UNEXPECTED = 2  # a well-formed packet at the wrong time, or of QoS 2
BAD_TOPIC = 3  # to publish to: empty, too long, or with a wildcard or NUL in it
TOO_LARGE = 4  # to send: the packet does not fit the send buffer
NO_ROOM = 5  # the send buffer holds too much that has not been sent
SILENT = 6  # the other side did not answer in time
ENDED = 7  # the other side closed the connection
CLOSED = 8  # this side was closed for good
NOT_GRANTED = 9  # the broker refused a subscription
REFUSED = 64  # plus the CONNACK return code, 1 to 5 (3.2.2.3)

_RETAIN = const(1)
_DUP = const(8)


class MqttError(Exception):
    """The connection can't go on, or the call can't be served; `code` is one of this module's."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


def length_size(length: int) -> int:
    """Bytes that the remaining-length field takes (2.2.3)."""
    return 1 if length < 128 else 2 if length < 16384 else 3 if length < 2097152 else 4


def header_into(buf, at: int, first: int, length: int) -> int:
    """Write the fixed header (2.2): the type and flags byte, then the remaining length. Return the end."""
    buf[at] = first
    at += 1
    while length > 127:
        buf[at] = length & 127 | 128
        length >>= 7
        at += 1
    buf[at] = length
    return at + 1


def short_into(buf, at: int, value: int) -> int:
    """Write 16 bits, big-endian; return the end."""
    buf[at] = value >> 8
    buf[at + 1] = value & 255
    return at + 2


def field_into(buf, at: int, data: bytes) -> int:
    """Write a field with its 16-bit length before it (1.5.3); return the end. Needs the room to be there."""
    n = len(data)
    if n > 65535:
        raise MqttError(TOO_LARGE)
    at = short_into(buf, at, n)
    buf[at : at + n] = data
    return at + n


def encoded(text) -> bytes:
    """UTF-8 of a str; bytes as they are."""
    return text.encode() if isinstance(text, str) else text


def topic_bytes(topic) -> bytes:
    """A topic name as bytes. Raises MqttError(BAD_TOPIC) for one that nobody may publish to (4.7)."""
    data = encoded(topic)
    if not 0 < len(data) <= 65535 or b"#" in data or b"+" in data or b"\0" in data:
        raise MqttError(BAD_TOPIC)
    return data


def publish_length(topic: bytes, payload, qos: int) -> int:
    """Remaining length of a PUBLISH (3.3)."""
    return 2 + len(topic) + 2 * qos + len(payload)


def publish_into(buf, at: int, topic: bytes, payload, packet_id: int, retain: bool, dup: bool) -> int:
    """Write a PUBLISH (3.3), QoS 1 if `packet_id` is not 0; return the end. `payload` is bytes-like."""
    qos = 1 if packet_id else 0
    first = PUBLISH << 4 | qos << 1 | (_RETAIN if retain else 0) | (_DUP if dup else 0)
    at = header_into(buf, at, first, publish_length(topic, payload, qos))
    at = field_into(buf, at, topic)
    if qos:
        at = short_into(buf, at, packet_id)
    end = at + len(payload)
    buf[at:end] = payload
    return end


def filters_packet(kind: int, packet_id: int, filters) -> bytes:
    """A SUBSCRIBE (3.8) of (filter, qos) pairs, or an UNSUBSCRIBE (3.10) of filters. Rare, so not kept."""
    body = bytearray(packet_id.to_bytes(2, "big"))
    for item in filters:
        data = encoded(item[0] if kind == SUBSCRIBE else item)
        body += len(data).to_bytes(2, "big") + data
        if kind == SUBSCRIBE:
            body.append(item[1])
    return _packet(kind << 4 | 2, body)


def connect_packet(client_id: str, user, password, will, keepalive_s: int, clean: bool) -> bytes:
    """A CONNECT (3.1); `will` is None or (topic, payload, qos, retain). Once a connection, so not kept."""
    fields = [client_id]
    flags = 2 if clean else 0
    if will:
        flags |= 4 | will[2] << 3 | (32 if will[3] else 0)
        fields += [topic_bytes(will[0]), will[1]]
    if user is not None:
        flags |= 128
        fields.append(user)
        if password is not None:
            flags |= 64
            fields.append(password)
    body = bytearray(b"\0\4MQTT\4") + bytes((flags, keepalive_s >> 8, keepalive_s & 255))
    for field in fields:
        data = encoded(field)
        body += len(data).to_bytes(2, "big") + data
    return _packet(CONNECT << 4, body)


def _packet(first: int, body) -> bytes:
    head = bytearray(1 + length_size(len(body)))
    header_into(head, 0, first, len(body))
    return bytes(head + body)


class Reader:
    """Cuts a byte stream into packets within one kept buffer of `size` bytes (16 at the least).

    Put bytes into `space()`, say how many with `filled(n)`, call `next()` until it returns 0. A packet
    longer than `size` is dropped as its bytes come and reported as OVERSIZE, so it costs no memory.
    """

    def __init__(self, size: int):
        self.buf = bytearray(size)
        self.view = memoryview(self.buf)
        self.reset()

    def reset(self) -> None:
        """Forget what has come: for a new connection."""
        self._start = self._end = 0
        self._skip = 0  # bytes still to be dropped
        self._tail = -1  # what follows the packet id of the packet being dropped; -1: no id is due
        self.first = self.body = self.stop = 0
        self.packet_id = self.size = 0

    def space(self):
        """A memoryview to put received bytes into; never empty once `next()` has returned 0."""
        start = self._start
        n = self._end - start
        if start:
            if n:
                self.view[:n] = self.view[start : self._end]
            self._start = 0
            self._end = n
        return self.view[n:]

    def filled(self, n: int) -> None:
        """The first `n` bytes of the last `space()` are new."""
        self._end += n

    def next(self) -> int:
        """The next packet's type, OVERSIZE for one that was too long, 0 if more bytes are needed.

        Sets `first` (type and flags), `size` (whole packet) and the bounds `body` and `stop` in `buf`,
        good until the next `space()`. After OVERSIZE `packet_id` is what wants a PUBACK, or 0. Raises
        MqttError(MALFORMED), after which only `reset()` helps.
        """
        if self._skip and not self._drop():
            return 0
        if self._tail >= 0:
            return self._oversize_id()
        start = self._start
        at = start + 1
        length = shift = 0
        more = 128
        while more:
            if at >= self._end:
                return 0
            if shift > 21:
                raise MqttError(MALFORMED)
            byte = self.buf[at]
            more = byte & 128
            length |= (byte & 127) << shift
            shift += 7
            at += 1
        self.first = self.buf[start]
        if self.first < CONNECT << 4:
            raise MqttError(MALFORMED)
        self.size = at - start + length
        if self.size > len(self.buf):
            return self._oversize(at, length)
        if at + length > self._end:
            return 0
        self.body = at
        self.stop = self._start = at + length
        return self.first >> 4

    def _drop(self) -> bool:
        n = min(self._skip, self._end - self._start)
        self._start += n
        self._skip -= n
        return not self._skip

    def _oversize(self, at: int, length: int) -> int:
        # A QoS 1 message that is never acknowledged comes back with every connection and holds a place
        # in the broker's window, so its packet id is fished out from behind a topic of any length.
        if self.first & 0xF6 != PUBLISH << 4 | 2:
            self._start = at
            self._skip = length
            self.packet_id = 0
            return OVERSIZE
        if at + 2 > self._end:
            return 0
        topic = self.buf[at] << 8 | self.buf[at + 1]
        if topic + 4 > length:
            raise MqttError(MALFORMED)
        self._start = at + 2
        self._skip = topic
        self._tail = length - topic - 4
        return self.next()

    def _oversize_id(self) -> int:
        at = self._start
        if at + 2 > self._end:
            return 0
        self.packet_id = self.buf[at] << 8 | self.buf[at + 1]
        self._start = at + 2
        self._skip = self._tail
        self._tail = -1
        return OVERSIZE
