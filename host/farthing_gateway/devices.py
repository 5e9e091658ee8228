# SPDX-License-Identifier: MIT
"""Who is known: enrolment by a signed hello, or only of devices that are in the store already.

A device's balance and channels are not here.
"""

import logging
import sqlite3
from collections.abc import Callable
from functools import partial

from farthing.faults import UNKNOWN_DEVICE, WRONG_SENDER, Fault
from farthing.messages import Hello, sender_of

from . import store as tables
from .decode import Message
from .ledger import book
from .rounds import Round
from .store import Store
from .verify import require_signature, unwrap

_log = logging.getLogger(__name__)


class Devices:
    """Ids and keys of the enrolled devices."""

    def __init__(self, store: Store, clock: Callable[[], int], *, is_open: bool, faucet_micro: int) -> None:
        self._store = store
        self._clock = clock
        self._is_open = is_open
        self._faucet_micro = faucet_micro
        self._keys: dict[bytes, bytes] = {}

    def load(self) -> None:
        """Forget everything and read it from the store. Raises StoreError."""
        self._keys = {device.id: device.key for device in self._store.read(tables.list_devices)}

    def knows(self, device: bytes) -> bool:
        return device in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def hello(self, message: Message, round_: Round) -> None:
        """Enrol or refresh the sender. Raises Fault with UNKNOWN_DEVICE where enrolment is closed."""
        signed = unwrap(Hello, message.payload)
        hello: Hello = signed.message
        if sender_of(hello) != message.sender:
            raise Fault(WRONG_SENDER)
        if not self._is_open and message.sender not in self._keys:
            raise Fault(UNKNOWN_DEVICE)
        require_signature(signed, hello.key, self._store.ledger_id)
        self._keys[message.sender] = hello.key
        now_ms = self._clock()
        device = tables.Device(message.sender, hello.key, hello.agent, hello.runtime, now_ms, now_ms)
        round_.step(partial(_enrol, device=device, faucet_micro=self._faucet_micro), _enrolled)


def _enrol(connection: sqlite3.Connection, device: tables.Device, faucet_micro: int) -> tables.Device | None:
    """Store it; a new device gets the play money, once. Returns the device if it was new."""
    is_new = tables.find_device(connection, device.id) is None
    tables.enroll(connection, device)
    if is_new and faucet_micro:
        book.deposit(connection, device.seen_ms, device.id, faucet_micro, f"faucet:{device.id.hex()}")
    return device if is_new else None


def _enrolled(device: tables.Device | None, error: BaseException | None) -> None:
    if error is not None:
        _log.error("hello not stored error=%r", error)
    elif device is not None:
        _log.info("enrolled device=%s agent=%s runtime=%r", device.id.hex(), device.role, device.runtime)
