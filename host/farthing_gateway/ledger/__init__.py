# SPDX-License-Identifier: MIT
"""Where money finally is: the Ledger interface and its embedded SQLite form.

Chains and PostgreSQL implement the same interface.
"""

from .base import (
    BROADCAST,
    FINAL,
    INCLUDED,
    PREPARED,
    UNKNOWN,
    Caps,
    Ledger,
    LedgerError,
    LedgerEvent,
    Prepared,
    Quote,
)
from .local import LocalLedger

__all__ = [
    "BROADCAST",
    "FINAL",
    "INCLUDED",
    "PREPARED",
    "UNKNOWN",
    "Caps",
    "Ledger",
    "LedgerError",
    "LedgerEvent",
    "LocalLedger",
    "Prepared",
    "Quote",
]
