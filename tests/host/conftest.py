# SPDX-License-Identifier: MIT
"""Makes the fixtures with brokers and gateways known to the tests of this folder."""

from brokers import any_broker, broker
from lab import lab, lab_address

__all__ = ("any_broker", "broker", "lab", "lab_address")
