# SPDX-License-Identifier: MIT
"""The other party in MQTT tests: a paho client, and the wait for what it should see.

Nothing of ours is in it, so that it can't share our mistakes.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from paho.mqtt import client as paho


class ForgetfulBroker:
    """No broker: answers CONNECT and PINGREQ, but acknowledges a PUBLISH on later connections only.

    Real brokers don't do that on demand. Takes packets below 128 bytes; `publishes` are their first bytes.
    """

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.publishes: list[list[int]] = []

    def serve(self, connections: int) -> None:
        """Serve that many connections, one after the other, until each is closed."""
        for number in range(connections):
            connection, _ = self._server.accept()
            self.publishes.append([])
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(2):
                    body = stream.read(head[1])
                    connection.sendall(self._answer(head[0], body, acknowledge=number > 0))
        self._server.close()

    def _answer(self, first: int, body: bytes, acknowledge: bool) -> bytes:
        if first == 0x10:
            return b"\x20\x02\x00\x00"
        if first == 0xC0:
            return b"\xd0\x00"
        if first >> 4 == 3:
            self.publishes[-1].append(first)
            after_topic = 2 + int.from_bytes(body[:2], "big")
            return b"\x40\x02" + body[after_topic : after_topic + 2] if acknowledge else b""
        return b""


class Peer:
    """A paho client whose messages arrive in a list."""

    def __init__(self, port: int, name: str, clean: bool = True):
        self.messages: list[tuple[str, bytes, bool]] = []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, name, clean_session=clean)
        self.client.on_message = lambda _c, _u, m: self.messages.append((m.topic, m.payload, m.retain))
        self.granted: list[int] = []
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.extend(c.value for c in codes)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def subscribe(self, topic: str) -> None:
        """Subscribe at QoS 1; returns when that is granted."""
        self.granted.clear()
        self.client.subscribe(topic, 1)
        until(lambda: self.granted == [1])

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish at QoS 1; returns when that is acknowledged."""
        self.client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def leave(self) -> None:
        """Disconnect in good order."""
        self.client.disconnect()
        self.client.loop_stop()


def until(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once `done()`, fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
