# SPDX-License-Identifier: MIT
"""The frozen stories of a payee and the frozen signatures, verified by the device's own P-256."""

from farthing import channel, cose, messages
from farthing.faults import BAD_SIGNATURE, Fault
from farthing_agent.p256 import public_key, sign, verify
from shared.check import key, raw, value_of, vectors


def terms():
    return messages.Open(*(value_of(vectors("channel")["valid"][0]["terms"]) + [0]))


def take(payee, data, payer):
    """What one step does: the rise in micro-units, or Fault."""
    (item,) = channel.split_payments(data)
    if isinstance(item, messages.Tick):
        return payee.tick(item.index, item.word)
    pending = payee.check(item)
    if pending is None:
        return 0
    if not verify(payer, pending.digest, pending.signature):
        raise Fault(BAD_SIGNATURE)
    return payee.apply(pending)


def outcome(payee, step, payer):
    if "close" in step:
        payee.closed = True
        return {}
    try:
        return {"rise": take(payee, raw(step), payer)}
    except Fault as fault:
        return {"fault": fault.code}


def tell(story):
    payee = channel.Payee(terms(), story["cap"])
    payer = key("payer")
    for step in story["steps"]:
        got = outcome(payee, step, payer)
        for name in got:
            assert got[name] == step.get(name), f"{story['name']}, {step['name']}: {got}"
        assert [payee.cum, payee.seq, payee.index] == step["state"], f"{story['name']}, {step['name']}"


def test_story_of_vouchers():
    tell(vectors("payee")["stories"][0])


def test_story_of_ticks():
    tell(vectors("payee")["stories"][1])


def test_story_of_limits():
    tell(vectors("payee")["stories"][2])


def test_valid_signatures_verify():
    for row in vectors("cose")["valid"]:
        _, signature = cose.parse(raw(row))
        assert verify(key(row["key"]), bytes.fromhex(row["digest"]), signature), row["name"]
    for row in vectors("messages")["signed"]:
        _, signature = cose.parse(raw(row))
        assert verify(key(row["key"]), bytes.fromhex(row["digest"]), signature), row["name"]


def test_wrong_signatures_do_not():
    for row in vectors("cose")["unverified"]:
        assert row["fault"] == BAD_SIGNATURE
        _, signature = cose.parse(raw(row))
        assert not verify(key(row["key"]), bytes.fromhex(row["digest"]), signature), row["name"]


def test_signing_gives_the_vectors_bytes():
    for row in vectors("payments")["valid"]:
        payload = bytes.fromhex(row["payload"])
        signature = sign(key(row["key"], "private"), bytes.fromhex(row["digest"]))
        assert cose.sign1(payload, signature) == raw(row), row["name"]


def test_p15_types_are_not_interchangeable():
    row = vectors("payments")["valid"][0]
    payload, signature = cose.parse(raw(row))
    channel_hash = bytes.fromhex(vectors("channel")["valid"][0]["hash"])
    public = key("payer")
    for number in range(1, 12):
        digest = cose.digest(cose.external_aad("local", channel_hash, number), payload)
        assert verify(public, digest, signature) == (number == cose.VOUCHER)


def test_keys_are_pairs():
    for name in ("payer", "payee", "gateway"):
        assert public_key(key(name, "private")) == key(name)
