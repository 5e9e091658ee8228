# SPDX-License-Identifier: MIT
"""The gateway's and the broker's side of topics: strict parsing, a worker's filters, ACL patterns.

Not here: whether the sender in the topic is the one that signed.
"""

from collections import namedtuple

from .faults import BAD_TOPIC, WRONG_NET, Fault
from .topics import ALL, GATEWAY, inbox

KINDS = (
    "offer", "beacon", "hello", "open", "opened", "take", "pay",
    "data", "echo", "ack", "rcpt", "close", "fault", "health",
)

_ROOT = "f1"
_HEX = "0123456789abcdef"

Topic = namedtuple("Topic", "sender to kind handle")


def _is_hex(text: str, size: int) -> bool:
    return len(text) == size and all(c in _HEX for c in text)


def parse(net: str, name: str) -> Topic:
    """Split a topic strictly. Raises Fault(BAD_TOPIC), or Fault(WRONG_NET) for another network's topic."""
    parts = name.split("/")
    if len(parts) not in (6, 7) or parts[0] != _ROOT:
        raise Fault(BAD_TOPIC)
    if parts[1] != net:
        raise Fault(WRONG_NET)
    shard, sender, to, kind = parts[2:6]
    handle = parts[6] if len(parts) == 7 else ""
    if not _is_hex(sender, 32) or shard != sender[:2] or kind not in KINDS:
        raise Fault(BAD_TOPIC)
    if to not in (ALL, GATEWAY) and not _is_hex(to, 32):
        raise Fault(BAD_TOPIC)
    if len(parts) == 7 and not _is_hex(handle, 8):
        raise Fault(BAD_TOPIC)
    return Topic(sender, to, kind, handle)


def gateway_filters(net: str, shard: str = "+") -> tuple[str, ...]:
    """What a gateway worker reads of one shard: what is sent to it, every payment, acceptance and offer.

    What boards of other networks send to a gateway is read too: one with a wrong `net` gets noticed.
    """
    base = "/".join((_ROOT, net, shard, "+"))
    to_me = "/".join((_ROOT, "+", shard, "+", GATEWAY, "+"))
    return to_me, base + "/+/pay", base + "/+/take", base + "/" + ALL + "/offer"


def device_acl(net: str, device: str) -> tuple[str, tuple[str, str]]:
    """(write filter, read filters) of a device; `%u` as the device makes mosquitto's pattern for all."""
    write = "/".join((_ROOT, net, "+", device, "#"))
    return write, (inbox(net, device), "/".join((_ROOT, net, "+", "+", ALL, "#")))
