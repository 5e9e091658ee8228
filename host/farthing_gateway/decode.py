# SPDX-License-Identifier: MIT
"""From an MQTT topic to the kind, the sender and the addressee of a message.

No payload is looked at here, and nobody has proved yet that the sender is the author.
"""

from typing import NamedTuple

from farthing import routes

from .bus import Inbound


class Message(NamedTuple):
    """A message with a plausible topic; `sender` is 16 bytes, `to` is hex, "gw" or "all"."""

    sender: bytes
    to: str
    kind: str
    payload: bytes


def decode(net: str, inbound: Inbound) -> Message:
    """Raises Fault with BAD_TOPIC or WRONG_NET."""
    topic = routes.parse(net, inbound.topic)
    return Message(bytes.fromhex(topic.sender), topic.to, topic.kind, inbound.payload)
