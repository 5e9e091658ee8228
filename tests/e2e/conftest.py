# SPDX-License-Identifier: MIT
"""Makes the broker fixtures known to the tests of this folder."""

from brokers import any_broker, broker

__all__ = ("any_broker", "broker")
