# SPDX-License-Identifier: MIT
"""What the gateway counted since it started: messages, bytes, refusals, batches.

Nothing is decided by a count, and money is the ledger's: these are for people and benches.
"""

from collections import Counter

from . import hints


class Stats:
    """Counters of one gateway process; only its own thread writes them."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()  # by kind, as read from the broker
        self.bytes: Counter[str] = Counter()
        self.largest: Counter[str] = Counter()  # bytes of the largest one of its type on the wire
        self.sent: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()  # ticks (in units), vouchers, commitments
        self.settled: Counter[str] = Counter()  # batches, rows, micro, closed
        self.defects = 0
        self.failed_commits = 0

    def read(self, kind: str, size: int) -> None:
        """One message of `size` payload bytes arrived."""
        self.messages[kind] += 1
        self.bytes[kind] += size

    def saw(self, type_name: str, size: int) -> None:
        """One accepted item of a payment, or an offer, took `size` bytes."""
        self.largest[type_name] = max(self.largest[type_name], size)

    def refuse(self, code: int) -> None:
        self.refused[hints.name(code)] += 1

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON and CBOR; sizes in bytes are of MQTT payloads and of the largest item."""
        return {
            "ticks": self.accepted["ticks"],
            "vouchers": self.accepted["vouchers"],
            "commitments": self.accepted["commitments"],
            "tick_bytes": self.largest["tick"],
            "voucher_bytes": self.largest["voucher"],
            "commitment_bytes": self.largest["commitment"],
            "offer_bytes": self.largest["offer"],
            "batches": self.settled["batches"],
            "settled_micro": self.settled["micro"],
            "closed": self.settled["closed"],
            "wire_bytes": self.bytes.total(),
            "bytes": dict(sorted(self.bytes.items())),
            "messages": dict(sorted(self.messages.items())),
            "sent": dict(sorted(self.sent.items())),
            "refused": dict(sorted(self.refused.items())),
            "defects": self.defects,
            "failed_commits": self.failed_commits,
        }
