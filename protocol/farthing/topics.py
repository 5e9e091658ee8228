# SPDX-License-Identifier: MIT
"""MQTT topics `f1/<net>/<shard>/<from>/<to>/<kind>[/<handle>]`, subscription filters and ACL patterns.

The shard is the first byte of `from`, so that gateway worker i of n owns whole senders. A retained message
of one channel adds the channel's handle. No `.` and no space anywhere (NATS maps topics to subjects).
Not here: whether the sender in the topic is the one that signed.
"""

from collections import namedtuple

from ._compat import const
from .faults import BAD_TOPIC, WRONG_NET, Fault

ALL = "all"
GATEWAY = "gw"
KINDS = (
    "offer", "beacon", "hello", "open", "opened", "take", "pay",
    "data", "echo", "ack", "rcpt", "close", "fault", "health",
)

_ROOT = "f1"
_HEX = "0123456789abcdef"
_NET = _HEX + "ghijklmnopqrstuvwxyz-"
_NET_MAX = const(16)

Topic = namedtuple("Topic", "sender to kind handle")


def _is_hex(text: str, size: int) -> bool:
    return len(text) == size and all(c in _HEX for c in text)


def check_net(net: str) -> str:
    """Return a network name of 1 to 16 of a-z, 0-9 and '-'. Raises Fault(BAD_TOPIC)."""
    if not 1 <= len(net) <= _NET_MAX or not all(c in _NET for c in net):
        raise Fault(BAD_TOPIC)
    return net


def topic(net: str, sender: str, to: str, kind: str, handle: str = "") -> str:
    """The topic on which device `sender` (32 hex digits) writes `kind` to `to` (32 hex digits, all or gw)."""
    path = "/".join((_ROOT, net, sender[:2], sender, to, kind))
    return path + "/" + handle if handle else path


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


def inbox(net: str, device: str) -> str:
    """The filter of everything that is written to one device."""
    return "/".join((_ROOT, net, "+", "+", device, "#"))


def broadcasts(net: str, kind: str) -> str:
    """The filter of one kind (offer, beacon) that is written to all."""
    return "/".join((_ROOT, net, "+", "+", ALL, kind))


def gateway_filters(net: str, shard: str = "+") -> tuple[str, ...]:
    """What a gateway worker reads of one shard: what is sent to it, every payment, acceptance and offer."""
    base = "/".join((_ROOT, net, shard, "+"))
    return base + "/" + GATEWAY + "/+", base + "/+/pay", base + "/+/take", base + "/" + ALL + "/offer"


def device_acl(net: str, device: str) -> tuple[str, tuple[str, str]]:
    """(write filter, read filters) of a device; `%u` as the device makes mosquitto's pattern for all."""
    write = "/".join((_ROOT, net, "+", device, "#"))
    return write, (inbox(net, device), "/".join((_ROOT, net, "+", "+", ALL, "#")))
