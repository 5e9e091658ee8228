# SPDX-License-Identifier: MIT
"""Listens to everything that passes a broker, and says what of the money was to be seen on the wire.

It verifies no signature: it is told nothing but the truth by the parts under test, which verify them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from farthing import cose, messages
from farthing.cbor import Reader
from farthing.channel import split_payments
from farthing.faults import Fault
from farthing.messages import Ack, Commitment, Delivery


class Heard(NamedTuple):
    """One message, in the broker's order."""

    topic: str
    payload: bytes
    retained: bool

    @property
    def kind(self) -> str:
        """The sixth level of its topic; empty where there is none."""
        return self.topic.split("/")[5] if self.topic.count("/") >= 5 else ""


class Channel:
    """What the wire shows of one channel, by its handle; amounts in micro-units."""

    def __init__(self) -> None:
        self.paid = 0  # the highest amount that the payer has sent
        self.acked = 0  # the highest amount that the gateway has acknowledged
        self.delivered = 0  # the number of the last unit
        self.unpaid_max = 0
        self._base = self._unit = 0

    def pay(self, update: object) -> None:
        """Take in a voucher, a commitment or a tick that has passed."""
        if isinstance(update, Commitment):
            self._base, self._unit = update.cum, update.unit
            self.paid = max(self.paid, update.cum)
        elif isinstance(update, messages.Voucher):
            self.paid = max(self.paid, update.cum)
        elif isinstance(update, messages.Tick):
            self.paid = max(self.paid, self._base + update.index * self._unit)

    def deliver(self, count: int) -> None:
        """Take in a delivery; what is unpaid at this moment is what the seller risks."""
        self.delivered = max(self.delivered, count)
        if self._unit:
            self.unpaid_max = max(self.unpaid_max, count - self.paid // self._unit)


class Tap:
    """A context manager. `heard` grows while it is open; publish with `client`.

    `hook` is called at once for each message, in the client's thread.
    """

    def __init__(self, port: int, *, client_id: str = "tap") -> None:
        self.heard: list[Heard] = []
        self.hook: Callable[[Heard], None] = lambda heard: None
        self._ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv311)
        self.client.on_connect = lambda *_: self.client.subscribe("#")
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        heard = Heard(message.topic, message.payload, message.retain)
        self.heard.append(heard)
        self.hook(heard)

    def __enter__(self) -> Self:
        self.client.loop_start()
        if not self._ready.wait(10):
            raise TimeoutError("the broker did not answer")
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def channels(self) -> dict[bytes, Channel]:
        """What was heard so far, by channel."""
        found: dict[bytes, Channel] = {}
        for message in list(self.heard):
            try:
                _take_in(found, message)
            except Fault:  # rubbish, which some tests make
                continue
        return found


def _take_in(found: dict[bytes, Channel], message: Heard) -> None:
    if message.kind == "pay":
        for item in split_payments(message.payload):
            update = messages.payment(cose.parse(item)[0]) if isinstance(item, bytes) else item
            found.setdefault(update.handle, Channel()).pay(update)
    elif message.kind == "data":
        delivery = messages.read(Delivery, Reader(message.payload))
        found.setdefault(delivery.handle, Channel()).deliver(delivery.count)
    elif message.kind == "ack":
        reader = Reader(message.payload)
        while reader.more():
            ack = messages.read(Ack, reader)
            channel = found.setdefault(ack.handle, Channel())
            channel.acked = max(channel.acked, ack.cum)
