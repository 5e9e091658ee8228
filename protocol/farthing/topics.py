# SPDX-License-Identifier: MIT
"""MQTT topics `f1/<net>/<shard>/<from>/<to>/<kind>[/<handle>]`, and a device's subscriptions.

The shard is the first byte of `from`, so that gateway worker i of n owns whole senders. A retained message
of one channel adds the channel's handle. No `.` and no space anywhere (NATS maps topics to subjects).
Not here: reading a topic strictly, and the gateway's side (routes.py).
"""

from ._compat import const
from .faults import BAD_TOPIC, Fault

ALL = "all"
GATEWAY = "gw"
_ROOT = "f1"
_NET = "0123456789abcdefghijklmnopqrstuvwxyz-"
_NET_MAX = const(16)


def check_net(net: str) -> str:
    """Return a network name of 1 to 16 of a-z, 0-9 and '-'. Raises Fault(BAD_TOPIC)."""
    if not 1 <= len(net) <= _NET_MAX or not all(c in _NET for c in net):
        raise Fault(BAD_TOPIC)
    return net


def topic(net: str, sender: str, to: str, kind: str, handle: str = "") -> str:
    """The topic on which device `sender` (32 hex digits) writes `kind` to `to` (32 hex digits, all or gw)."""
    path = "/".join((_ROOT, net, sender[:2], sender, to, kind))
    return path + "/" + handle if handle else path


def inbox(net: str, device: str) -> str:
    """The filter of everything that is written to one device."""
    return "/".join((_ROOT, net, "+", "+", device, "#"))


def broadcasts(net: str, kind: str) -> str:
    """The filter of one kind (offer, beacon) that is written to all."""
    return "/".join((_ROOT, net, "+", "+", ALL, kind))
