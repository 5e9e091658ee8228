# SPDX-License-Identifier: MIT
"""The gateway's MQTT connection: what arrived since the last look, acknowledged only when asked to.

paho-mqtt 2.2, MQTT 3.1.1, a fixed client id and a persistent session, driven by one thread that calls `poll`.
Another thread may only `wake` it. Nothing here reads a payload.
"""

import contextlib
import logging
import os
import random
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

_log = logging.getLogger(__name__)

_BACK_OFF_S = (0.2, 10.0)
_CONNECT_S = 3.0
_KEEPALIVE_S = 30
_IN_FLIGHT = 200  # our own QoS 1 messages without a PUBACK; the rest waits in paho
_BURST = 2000  # messages in one drain: bounds how long the others wait


class Token:
    """Stands for one delivery; only its identity and `done` matter outside."""

    __slots__ = ("done", "mid")

    def __init__(self, mid: int) -> None:
        self.mid = mid
        self.done = False


class Inbound(NamedTuple):
    """One message; `token` is None where there is nothing to acknowledge (QoS 0)."""

    topic: str
    payload: bytes
    retained: bool
    token: Token | None


class Bus:
    """A connection that comes back by itself. PUBACKs leave in the order of arrival (MQTT 3.1.1 4.6)."""

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        filters: Sequence[str],
        *,
        user: str = "",
        password: str = "",
    ) -> None:
        self.address = f"{host}:{port}"
        self.connected = False
        self.reconnects = 0
        self.error = ""
        self._filters = [(name, 1) for name in filters]
        self._inbox: list[Inbound] = []
        self._unacknowledged: deque[Token] = deque()
        self._unpublished: set[int] = set()
        self._deaf = False
        self._delay_s = _BACK_OFF_S[0]
        self._retry_at = 0.0
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._client = self._make_client(client_id, user, password)
        self._client.connect_async(host, port, _KEEPALIVE_S)

    def _make_client(self, client_id: str, user: str, password: str) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if user:
            client.username_pw_set(user, password)
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = _without_delay
        # With this set paho queues what it sends, and `poll` writes it, also from inside callbacks.
        client.on_socket_register_write = _written_by_poll
        return client

    # --- the caller's side

    def poll(self, timeout_s: float) -> None:
        """Serve the connection until something arrived, somebody woke us, or the time is over."""
        self._reconnect_if_due()
        self._write()
        connection = self._client.socket()
        if self._wait(connection, self._bounded(timeout_s)) and connection is not None:
            self._read()
        self._client.loop_misc()
        self._write()

    def drain(self) -> list[Inbound]:
        """Everything that has arrived, oldest first."""
        inbox, self._inbox = self._inbox, []
        return inbox

    def waiting(self) -> int:
        """How many messages the next `drain` gives."""
        return len(self._inbox)

    def ack(self, tokens: Iterable[Token | None]) -> None:
        """Mark deliveries as dealt with; those of a connection that ended since are simply redelivered."""
        for token in tokens:
            if token is not None:
                token.done = True
        waiting = self._unacknowledged
        while waiting and waiting[0].done:
            self._client.ack(waiting.popleft().mid, 1)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send; QoS 1 outlives a reconnection, QoS 0 is lost while there is no connection."""
        info = self._client.publish(topic, payload, qos, retain)
        if qos:
            self._unpublished.add(info.mid)

    def wake(self) -> None:
        """Make `poll` return; from any thread, or a signal handler."""
        with contextlib.suppress(BlockingIOError):  # full of earlier calls: it will return anyway
            os.write(self._wake_write, b"\0")

    def drop(self, pause_s: float) -> None:
        """Give the connection up for a while: whatever is not acknowledged, the broker delivers again."""
        self._deaf = True
        self._inbox.clear()
        self._client.disconnect()
        self._write()
        self._lost("dropped on purpose")
        self._retry_at = time.monotonic() + pause_s

    def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has what was published at QoS 1; False if the time was over first."""
        deadline = time.monotonic() + timeout_s
        while self._unpublished or self._client.want_write():
            if time.monotonic() > deadline:
                return False
            self.poll(0.05)
        return True

    def close(self) -> None:
        """Disconnect; the session stays at the broker, which keeps what arrives for the next start."""
        self.connected = False
        self._deaf = True
        self._client.disconnect()
        self._write()
        connection = self._client.socket()
        if connection is not None:
            connection.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # --- the connection

    def _reconnect_if_due(self) -> None:
        if self.connected or time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + self._delay_s * random.uniform(0.7, 1.3) + _CONNECT_S
        self._delay_s = min(_BACK_OFF_S[1], self._delay_s * 2)
        self._deaf = False
        try:
            self._client.reconnect()
        except OSError as error:
            self._failed(f"no broker at {self.address} ({error})")

    def _failed(self, text: str) -> None:
        if text != self.error:
            _log.warning("%s; trying again", text)
        self.error = text
        self._retry_at = time.monotonic() + self._delay_s * random.uniform(0.7, 1.3)

    def _bounded(self, timeout_s: float) -> float:
        if self._inbox:
            return 0
        if not self.connected:
            timeout_s = min(timeout_s, max(0.0, self._retry_at - time.monotonic()))
        return timeout_s

    def _wait(self, connection: Any, timeout_s: float) -> bool:
        """Wait for either file; True when the connection can be read."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if connection is not None:
            poll.register(connection, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        ready = dict(poll.poll(timeout_s * 1000))
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        return connection is not None and bool(ready.get(connection.fileno(), 0) & ~select.POLLOUT)

    def _read(self) -> None:
        """Take what the socket holds: paho reads one packet a call."""
        while len(self._inbox) < _BURST:
            before = len(self._inbox)
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or len(self._inbox) == before:
                return

    def _write(self) -> None:
        if self._client.want_write() and self._client.socket() is not None:
            self._client.loop_write()

    def _lost(self, why: str) -> None:
        if self.connected:
            _log.warning("connection to %s lost: %s", self.address, why)
        self.connected = False
        self._unacknowledged.clear()

    # --- paho's callbacks, all on the thread that polls

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _: Any) -> None:
        if reason.is_failure:
            self._failed(f"{self.address} refused us ({reason}): check broker.user and its password file")
            return
        self.connected = True
        self.error = ""
        self._delay_s = _BACK_OFF_S[0]
        self.reconnects += 1
        client.subscribe(self._filters)

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, all_: list[ReasonCode], _: Any) -> None:
        if any(reason.is_failure for reason in all_):
            self.error = f"{self.address} refused a subscription: allow the gateway to read its net"
            _log.error("%s", self.error)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _: Any) -> None:
        self._lost(str(reason))

    def _on_publish(self, _client: Client, _data: Any, mid: int, _reason: Any, _: Any) -> None:
        self._unpublished.discard(mid)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if self._deaf:
            return
        token = None
        if message.qos:
            token = Token(message.mid)
            self._unacknowledged.append(token)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic of ours: it is refused with the rest
        self._inbox.append(Inbound(topic, bytes(message.payload), bool(message.retain), token))


def _without_delay(_client: Client, _data: Any, connection: Any) -> None:
    """Else each small packet waits for the peer's delayed acknowledgement, 40 ms."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _written_by_poll(_client: Client, _data: Any, _connection: Any) -> None:
    """Nothing to register: `poll` asks `want_write`."""
