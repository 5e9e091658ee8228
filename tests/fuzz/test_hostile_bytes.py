# SPDX-License-Identifier: MIT
"""Whatever bytes or topic arrive, the protocol answers with a value or a Fault, never with another error."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farthing import channel, cose, messages, routes, senml, topics
from farthing.faults import Fault
from fuzz.strategies import party, spoilt, vectors, wire_bytes

PAYMENTS = [bytes.fromhex(row["hex"]) for row in vectors("payments")["valid"]]
PAYER, PAYEE = party("payer").public, party("payee").public
TERMS = messages.Open("local", bytes(range(16)), PAYER, PAYEE, "uEUR", 3600, 1, 0)
many = settings(max_examples=800, deadline=None)


def answer(call: Callable, *arguments: object) -> object:
    try:
        return call(*arguments)
    except Fault as fault:
        assert 1 <= fault.code <= 40, "a fault of the parser or the channel"  # noqa: PT017
        return fault


@pytest.mark.parametrize("kind", list(messages._LAYOUTS), ids=lambda kind: kind.__name__)
@given(data=wire_bytes)
@settings(max_examples=200, deadline=None)
def test_decode(kind: type, data: bytes) -> None:
    message = answer(messages.decode, kind, data)
    if not isinstance(message, Fault):
        assert messages.encode(message) == data


@given(wire_bytes)
@many
def test_cose(data: bytes) -> None:
    parts = answer(cose.parse, data)
    if not isinstance(parts, Fault):
        assert cose.sign1(*parts) == data


@given(wire_bytes)
@many
def test_split_payments(data: bytes) -> None:
    items = answer(channel.split_payments, data)
    if not isinstance(items, Fault):
        written = [item if isinstance(item, bytes) else messages.encode(item) for item in items]
        assert b"".join(written) == data


@given(st.one_of(st.binary(min_size=16, max_size=16), st.binary(min_size=60, max_size=60), wire_bytes))
@many
def test_payment(payload: bytes) -> None:
    update = answer(messages.payment, payload)
    if isinstance(update, messages.Commitment):
        assert messages.commitment_payload(update) == payload
        assert 0 < update.unit * update.length + update.cum < 2**63


@given(wire_bytes)
@many
def test_senml(data: bytes) -> None:
    reading = answer(senml.decode, data)
    if not isinstance(reading, Fault):
        assert senml.decode(senml.encode(reading)) == reading


@given(spoilt("payments"))
@many
def test_payee_check_moves_nothing(data: bytes) -> None:
    payee = channel.Payee(TERMS, 10**6)
    before = vars(payee).copy()
    pending = answer(payee.check, data)
    assert vars(payee) == before
    if not isinstance(pending, Fault):
        assert pending.update.handle == payee.handle
        assert pending.update.cum <= payee.cap


@given(st.integers(-(2**33), 2**33), st.binary(max_size=40))
@many
def test_payee_tick_moves_nothing(index: int, word: bytes) -> None:
    payee = channel.Payee(TERMS, 10**6)
    payee.restore(b"", PAYMENTS[4], 0, b"")
    before = vars(payee).copy()
    assert isinstance(answer(payee.tick, index, word), Fault)
    assert vars(payee) == before


levels = st.sampled_from(
    ["f1", "f2", "demo", "ab", "ab" * 16, "cd" * 16, "gw", "all", "pay", "rcpt", "01234567", "", "+"]
)


@given(st.one_of(st.text(max_size=120), st.lists(levels, max_size=9).map("/".join)))
@many
def test_topics(name: str) -> None:
    parsed = answer(routes.parse, "demo", name)
    if not isinstance(parsed, Fault):
        assert topics.topic("demo", *parsed) == name
