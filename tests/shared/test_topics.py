# SPDX-License-Identifier: MIT
"""Topics: strict parsing, filters and ACL patterns, matched by MQTT's own rule (3.1.1, 4.7)."""

from farthing import routes, topics
from farthing.faults import BAD_TOPIC
from shared.check import key, raises, refused, vectors


def matches(pattern, name):
    """MQTT 3.1.1 4.7.1, for patterns whose `#` is last."""
    levels, parts = pattern.split("/"), name.split("/")
    if levels[-1] == "#":
        levels.pop()
        parts = parts[: len(levels)]
    return len(levels) == len(parts) and all(a in ("+", b) for a, b in zip(levels, parts))


def device(name):
    return key(name, "id").hex()


def test_vectors_both_ways():
    for row in vectors("text")["topics"]:
        fields = (row["sender"], row["to"], row["kind"], row["handle"])
        assert topics.topic(row["net"], *fields) == row["topic"]
        assert tuple(routes.parse(row["net"], row["topic"])) == fields


def test_invalid_vectors_are_refused():
    refused(vectors("text")["bad_topics"], lambda row: routes.parse(row["net"], row["topic"]))


def test_every_kind_parses():
    for kind in routes.KINDS:
        name = topics.topic("demo", device("payer"), topics.GATEWAY, kind)
        assert routes.parse("demo", name).kind == kind


def test_net_names():
    for net in ("a", "demo", "farm-42-north-ab"):
        assert topics.check_net(net) == net
    for net in ("", "a" * 17, "Demo", "a b", "a.b", "a/b", "+", "#", "\u00e9"):
        raises(BAD_TOPIC, topics.check_net, net)


def test_inbox_takes_what_is_written_to_the_device_and_no_more():
    me, other = device("payer"), device("payee")
    pattern = topics.inbox("demo", me)
    assert matches(pattern, topics.topic("demo", other, me, "data"))
    assert matches(pattern, topics.topic("demo", other, me, "rcpt", "01234567"))
    assert not matches(pattern, topics.topic("demo", me, other, "data"))
    assert not matches(pattern, topics.topic("other", other, me, "data"))
    assert not matches(pattern, topics.topic("demo", other, topics.ALL, "offer"))


def test_broadcasts():
    pattern = topics.broadcasts("demo", "offer")
    assert matches(pattern, topics.topic("demo", device("payee"), topics.ALL, "offer"))
    assert not matches(pattern, topics.topic("demo", device("payee"), topics.ALL, "beacon"))


def test_gateway_filters_take_each_topic_once():
    a, b = device("payer"), device("payee")
    mine = (
        topics.topic("demo", a, topics.GATEWAY, "hello"),
        topics.topic("demo", a, b, "pay"),
        topics.topic("demo", a, b, "take"),
        topics.topic("demo", b, topics.ALL, "offer"),
    )
    filters = routes.gateway_filters("demo", a[:2]) + routes.gateway_filters("demo", b[:2])
    for name in mine:
        assert sum(matches(pattern, name) for pattern in filters) == 1, name
    assert not any(matches(pattern, topics.topic("demo", b, a, "data")) for pattern in filters)
    assert not any(matches(pattern, mine[0]) for pattern in routes.gateway_filters("demo", "ff"))


def test_acl_lets_a_device_write_as_itself_only():
    me, other = device("payer"), device("payee")
    write, read = routes.device_acl("demo", me)
    assert matches(write, topics.topic("demo", me, other, "pay"))
    assert matches(write, topics.topic("demo", me, topics.GATEWAY, "open"))
    assert not matches(write, topics.topic("demo", other, me, "pay"))
    assert not matches(write, topics.topic("other", me, other, "pay"))
    readable = [topics.topic("demo", other, me, "data"), topics.topic("demo", other, topics.ALL, "offer")]
    for name in readable:
        assert any(matches(pattern, name) for pattern in read)
    assert not any(matches(pattern, topics.topic("demo", me, other, "pay")) for pattern in read)


def test_no_dot_and_no_space_in_any_topic():
    for row in vectors("text")["topics"]:
        assert "." not in row["topic"] and " " not in row["topic"]
