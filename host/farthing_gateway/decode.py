# SPDX-License-Identifier: MIT
"""From an MQTT message to its kind, sender and payload, refusing what is not addressed or sized right.

No signature is checked and no state is known here.
"""

from typing import NamedTuple

from farthing import topics
from farthing.messages import check_size

from .bus import Inbound


class Message(NamedTuple):
    """A message with a plausible topic; `sender` is 16 bytes, nobody has proved yet that it is its author."""

    sender: bytes
    to: str
    kind: str
    payload: bytes


def sender_of(net: str, topic: str) -> bytes:
    """The device that a topic names, empty bytes for a topic that is not ours."""
    try:
        return bytes.fromhex(topics.parse(net, topic).sender)
    except topics.Fault:
        return b""


def decode(net: str, inbound: Inbound, most: int) -> Message:
    """Raises Fault with BAD_TOPIC, WRONG_NET or TOO_LARGE."""
    topic = topics.parse(net, inbound.topic)
    check_size(inbound.payload, most)
    return Message(bytes.fromhex(topic.sender), topic.to, topic.kind, inbound.payload)
