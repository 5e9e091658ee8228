# SPDX-License-Identifier: MIT
"""Everything the gateway says: opened, receipts, acks, notices, beacon, health.

It says what it is given; that this is durable is the caller's promise. Signatures are made here.
"""

from collections.abc import Iterable

from farthing import cbor, cose, messages, topics
from farthing.messages import Ack, Beacon, Notice, Opened, Proof

from .batches import RowProof
from .bus import Bus
from .keys import GatewayKey
from .sessions import Session
from .stats import Stats
from .store import Store

HANDLES_IN_ACK = 64  # acks in one message: about 1 KB


class Answers:
    """The gateway's voice on one network."""

    def __init__(self, bus: Bus, key: GatewayKey, store: Store, stats: Stats) -> None:
        self._bus = bus
        self._key = key
        self._net = store.net
        self._ledger = store.ledger_id
        self._instance = store.instance
        self._stats = stats
        self._me = key.id.hex()

    def opened(self, session: Session) -> None:
        """Tell both parties that the deposit is in escrow; the payee first, whom the payer then turns to."""
        terms = session.terms._replace(cap=session.payee.cap)
        data = self._sign(cose.OPENED, session.hash, messages.encode(Opened(*terms)))
        for party in (session.payee_id, session.payer):
            self._send(party.hex(), "opened", data, 1, session.handle)

    def receipt(self, session: Session, *, qos: int = 1, proof: RowProof | None = None) -> None:
        """The standing receipt to both parties; the payer's copy ends with its own best messages."""
        data = self._sign(cose.RECEIPT, session.hash, messages.encode(session.receipt()))
        if proof is not None:
            data += messages.encode(Proof(proof.body, proof.position, proof.rows, b"".join(proof.path)))
        self._send(session.payer.hex(), "rcpt", data + session.standing.echo, qos, session.handle)
        self._send(session.payee_id.hex(), "rcpt", data, qos, session.handle)

    def acks(self, sessions: Iterable[Session]) -> None:
        """Unsigned standing of many channels, combined for each party."""
        parties: dict[bytes, list[Ack]] = {}
        for session in sessions:
            for party in (session.payer, session.payee_id):
                parties.setdefault(party, []).append(session.ack())
        for party, found in parties.items():
            for start in range(0, len(found), HANDLES_IN_ACK):
                data = b"".join(messages.encode(ack) for ack in found[start : start + HANDLES_IN_ACK])
                self._send(party.hex(), "ack", data, 0)

    def notice(self, device: bytes, code: int, handle: bytes = b"") -> None:
        """Tell a device that its message was refused, and why."""
        self._send(device.hex(), "fault", messages.encode(Notice(code, handle, 0)), 0)

    def beacon(self, time_s: int, unit: str, window_s: int) -> None:
        """Who we are, our time and our terms, retained for everybody."""
        beacon = Beacon(self._key.public, time_s, self._ledger, self._instance, unit, window_s, time_s)
        data = self._sign(cose.BEACON, cose.NO_CHANNEL, messages.encode(beacon))
        name = topics.topic(self._net, self._me, topics.ALL, "beacon")
        self._publish(name, "beacon", data, 1, True)

    def health(self, values: dict[str, object]) -> None:
        """Our counters, for whoever watches."""
        name = topics.topic(self._net, self._me, topics.GATEWAY, "health")
        self._publish(name, "health", cbor.dumps(values), 0, False)

    def clear_opened(self, session: Session) -> None:
        """Take the retained `opened` of a closed channel off the broker."""
        for party in (session.payer, session.payee_id):
            self._send(party.hex(), "opened", b"", 1, session.handle)

    def clear_receipt(self, session: Session) -> None:
        """Take the retained receipts of a long closed channel off the broker."""
        for party in (session.payer, session.payee_id):
            self._send(party.hex(), "rcpt", b"", 1, session.handle)

    def _sign(self, kind: int, channel: bytes, payload: bytes) -> bytes:
        digest = cose.digest(cose.external_aad(self._ledger, channel, kind), payload)
        return cose.sign1(payload, self._key.sign(digest))

    def _send(self, to: str, kind: str, data: bytes, qos: int, handle: bytes = b"") -> None:
        """To one device; retained where the topic ends with a channel's handle."""
        name = topics.topic(self._net, self._me, to, kind, handle.hex())
        self._publish(name, kind, data, qos, bool(handle))

    def _publish(self, name: str, kind: str, data: bytes, qos: int, retain: bool) -> None:
        self._stats.sent[kind] += 1
        self._bus.publish(name, data, qos, retain)
