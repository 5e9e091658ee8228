# SPDX-License-Identifier: MIT
"""The gateway's durable state: one SQLite file, one writer thread, group commit.

Not here: money movements (`farthing_gateway.ledger`) and the chain of entries (`farthing_gateway.journal`).
"""

from .channels import (
    CLOSED,
    CLOSING,
    OPEN,
    Channel,
    ChannelTerms,
    ChannelUpdate,
    find_by_handle,
    find_channel,
    list_channels,
    save_updates,
)
from .devices import Device, enroll, find_device, list_devices
from .errors import StoreError
from .events import Event, events_after, record_event
from .store import Counters, Store, wall_clock_ms
from .takes import Take, find_take, save_take

__all__ = [
    "CLOSED",
    "CLOSING",
    "OPEN",
    "Channel",
    "ChannelTerms",
    "ChannelUpdate",
    "Counters",
    "Device",
    "Event",
    "Store",
    "StoreError",
    "Take",
    "enroll",
    "events_after",
    "find_by_handle",
    "find_channel",
    "find_device",
    "find_take",
    "list_channels",
    "list_devices",
    "record_event",
    "save_take",
    "save_updates",
    "wall_clock_ms",
]
