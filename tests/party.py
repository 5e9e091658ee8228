# SPDX-License-Identifier: MIT
"""A device played by a test: real MQTT, real keys, `farthing.channel` state; every step is the script's own.

It follows no rule by itself, so that a test can break each one. It holds no assertion.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from farthing import cbor, cose, messages, routes, topics
from farthing.limits import TICK
from farthing.messages import Ack, Beacon, Close, Hello, Notice, Offer, Open, Opened, Proof, Receipt, Take
from farthing.payer import Payer
from farthing_gateway.keys import GatewayKey, N, verify

TIMEOUT_S = float(os.environ.get("FARTHING_TEST_TIMEOUT_S", "5"))
RUNTIME = "a test"


class LateError(Exception):
    """What was waited for did not come."""


class Answer(NamedTuple):
    """A rcpt message taken apart; the gateway's signature on it was verified."""

    receipt: Receipt
    proof: Proof | None
    echo: bytes


class Party:
    """One device on a network. A context manager."""

    def __init__(self, address: tuple[str, int], net: str, key: GatewayKey | None = None) -> None:
        self.key = key or GatewayKey.create()
        self.net = net
        self.hex = self.key.id.hex()
        self.id = self.key.id
        self.beacon: Beacon = Beacon(b"", 0, "", b"", "", 0, 0)
        self._inboxes: dict[str, queue.Queue[bytes]] = {kind: queue.Queue() for kind in routes.KINDS}
        self._subscribed = threading.Event()
        self._client = self._make_client()
        self._client.connect(*address)
        self._client.loop_start()
        if not self._subscribed.wait(TIMEOUT_S):
            raise LateError("no SUBACK")

    def _make_client(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, f"t-{self.hex}", protocol=MQTTProtocolVersion.MQTTv311)
        filters = [(topics.inbox(self.net, self.hex), 1), (topics.broadcasts(self.net, "beacon"), 1)]
        # Else each second small packet waits 40 ms for a delayed acknowledgement.
        client.on_socket_open = lambda _c, _d, to: to.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.on_connect = lambda *_: client.subscribe(filters)
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_message = lambda _c, _d, got: self._inboxes[got.topic.split("/")[5]].put(got.payload)
        return client

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Party:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- reading

    def next(self, kind: str, timeout_s: float = TIMEOUT_S) -> bytes:
        """The next message of a kind. Raises LateError."""
        try:
            return self._inboxes[kind].get(timeout=timeout_s)
        except queue.Empty:
            raise LateError(f"no {kind} in {timeout_s} s") from None

    def forget(self) -> None:
        """Drop everything that has arrived and was not read."""
        for inbox in self._inboxes.values():
            while not inbox.empty():
                inbox.get()

    def until(self, kind: str, wanted: Callable[[bytes], Any], timeout_s: float = TIMEOUT_S) -> Any:
        """The first true `wanted(payload)` of the messages of a kind. Raises LateError."""
        end = time.monotonic() + timeout_s
        while True:
            found = wanted(self.next(kind, max(0.0, end - time.monotonic())))
            if found:
                return found

    def meet(self, timeout_s: float = TIMEOUT_S) -> Beacon:
        """Read a beacon, verify it, and keep it."""
        payload, signature = cose.parse(self.next("beacon", timeout_s))
        self.beacon = messages.decode(Beacon, payload)
        digest = cose.digest(cose.external_aad(self.beacon.ledger, cose.NO_CHANNEL, cose.BEACON), payload)
        if not verify(self.beacon.key, digest, signature):
            raise LateError("a beacon with a bad signature")
        return self.beacon

    def fault(self, timeout_s: float = TIMEOUT_S) -> int:
        """Code of the next notice."""
        return messages.decode(Notice, self.next("fault", timeout_s)).code

    def opened(self, handle: bytes, timeout_s: float = TIMEOUT_S) -> Opened:
        """The gateway's word that a channel is open, its signature verified."""

        def read(data: bytes) -> Opened | None:
            if not data:
                return None
            payload, signature = cose.parse(data)
            opened = messages.decode(Opened, payload)
            channel = messages.channel_hash(opened)
            self._check_gateway(cose.OPENED, channel, payload, signature)
            return opened if channel[:4] == handle else None

        return self.until("opened", read, timeout_s)

    def answer(
        self, channel: bytes, wanted: Callable[[Receipt], bool] = lambda _: True, timeout_s: float = TIMEOUT_S
    ) -> Answer:
        """The next receipt of a channel that fits, its signature verified."""

        def read(data: bytes) -> Answer | None:
            answer = self._open_answer(channel, data)
            return answer if answer and wanted(answer.receipt) else None

        return self.until("rcpt", read, timeout_s)

    def _open_answer(self, channel: bytes, data: bytes) -> Answer | None:
        if not data:
            return None
        reader = cbor.Reader(data)
        payload, signature = cose.read(reader)
        receipt = messages.decode(Receipt, payload)
        if receipt.handle != channel[:4]:
            return None
        self._check_gateway(cose.RECEIPT, channel, payload, signature)
        proof, start = None, reader.pos
        if reader.more() and reader.data[reader.pos] == 0x84:  # an array of four: a proof, and no tick
            proof = messages.read(Proof, reader)
            start = reader.pos
        return Answer(receipt, proof, data[start:])

    def acked(self, handle: bytes, cum: int, timeout_s: float = TIMEOUT_S) -> Ack:
        """The ack that covers `cum` micro-units of a channel."""

        def read(data: bytes) -> Ack | None:
            reader = cbor.Reader(data)
            found = None
            while reader.more():
                ack = messages.read(Ack, reader)
                if ack.handle == handle and ack.cum >= cum:
                    found = ack
            return found

        return self.until("ack", read, timeout_s)

    def _check_gateway(self, kind: int, channel: bytes, payload: bytes, signature: bytes) -> None:
        digest = cose.digest(cose.external_aad(self.beacon.ledger, channel, kind), payload)
        if not verify(self.beacon.key, digest, signature):
            raise LateError("a bad signature in the gateway's name")

    # --- writing

    def send(
        self, kind: str, payload: bytes, to: str = topics.GATEWAY, *, sender: str = "", retain: bool = False
    ) -> None:
        """Publish at QoS 1 and wait for the broker; `sender` writes in another device's name."""
        name = topics.topic(self.net, sender or self.hex, to, kind)
        self._client.publish(name, payload, 1, retain).wait_for_publish(TIMEOUT_S)

    def raw(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, 1).wait_for_publish(TIMEOUT_S)

    def sign(
        self,
        kind: int,
        payload: bytes,
        channel: bytes = cose.NO_CHANNEL,
        *,
        ledger: str = "",
        high_s: bool = False,
    ) -> bytes:
        """A COSE_Sign1 by this device."""
        digest = cose.digest(cose.external_aad(ledger or self.beacon.ledger, channel, kind), payload)
        signature = self.key.sign(digest)
        return cose.sign1(payload, twin(signature) if high_s else signature)

    def hello(self) -> None:
        """Enrol. A device the gateway cannot answer in any way but by serving it afterwards."""
        self.send("hello", self.sign(cose.HELLO, messages.encode(Hello(self.key.public, "test", RUNTIME))))

    def offer(self, good: str, price: int, seq: int = 1) -> Offer:
        offer = Offer(
            self.id[:8], self.key.public, good, "unit", price, 1, 1000, 0, 0, self.beacon.time_s + 3600, seq
        )
        self.send("offer", self.sign(cose.OFFER, messages.encode(offer)), topics.ALL, retain=True)
        return offer

    def terms(self, payee: Party, amount: int, epoch: int = 0) -> Open:
        at = self.beacon
        return Open(
            at.ledger, at.instance, self.key.public, payee.key.public, at.unit, at.window_s, epoch, amount
        )

    def deal(self, payee: Party, amount: int, epoch: int = 0) -> Deal:
        """A channel to `payee`, opened and confirmed."""
        deal = Deal(self, payee, self.terms(payee, amount, epoch))
        deal.open()
        self.opened(deal.handle)
        self.answer(deal.hash)
        return deal

    def close_channel(self, channel: bytes, cum: int) -> None:
        self.send("close", self.sign(cose.CLOSE, messages.encode(Close(channel[:4], cum)), channel))


class Deal:
    """A channel as its payer plays it: makes payments, sends them or hands them out."""

    def __init__(self, payer: Party, payee: Party, terms: Open) -> None:
        self.payer = payer
        self.payee = payee
        self.terms = terms
        self.state = Payer(terms, terms.amount, b"m" * 32)
        self.state._word = bytearray(32)  # boards share one for all payers, but a test has threads
        self.hash = self.state.hash
        self.handle = self.state.handle

    def open(self) -> None:
        self.payer.send("open", self.payer.sign(cose.OPEN, messages.encode(self.terms), self.hash))

    def voucher(self, amount: int = 0) -> bytes:
        """The next voucher, over `amount` micro-units more."""
        self.state.reserve(amount, 1 << 20)
        return self.payer.sign(cose.VOUCHER, self.state.voucher_payload(amount), self.hash)

    def commitment(self, unit: int, length: int = 100) -> bytes:
        self.state.reserve(0, 1 << 20)
        return self.payer.sign(cose.COMMITMENT, self.state.next_chain(unit, length), self.hash)

    def tick(self) -> bytes:
        self.state.reserve(self.state.commitment.unit, 1 << 20)
        buf = bytearray(TICK)
        return bytes(buf[: self.state.tick_into(buf, 0)])

    def pay(self, *items: bytes) -> None:
        """Publish payments to the payee, where the gateway reads them too."""
        self.payer.send("pay", b"".join(items), self.payee.hex)

    def paid(self, *items: bytes) -> Ack:
        """`pay`, and wait until the gateway has acknowledged all of it."""
        self.pay(*items)
        return self.payer.acked(self.handle, self.state.cum)

    def take(self, offer: Offer, units: int) -> None:
        take = Take(self.handle, offer.id, offer.seq, offer.price, units)
        self.payer.send("take", self.payer.sign(cose.TAKE, messages.encode(take), self.hash), self.payee.hex)


def twin(signature: bytes) -> bytes:
    """The malleable twin of a signature: s becomes n - s."""
    return signature[:32] + (N - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
