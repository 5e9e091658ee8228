# SPDX-License-Identifier: MIT
"""Sells readings of a sensor as SenML-CBOR, one record a delivery.

Not here: the sensor. `read()` returns (time_s, mantissa, exponent): the value is mantissa * 10**exponent.
"""

from farthing.senml import Reading, encode


class Sensor:
    """A service: `good` is its name in offers (at most 16 bytes), `unit` the SenML unit (at most 8)."""

    def __init__(self, good: str, unit: str, read):
        self.good = good
        self.unit = unit
        self._read = read

    def serve(self) -> bytes:
        """The body of one delivery; raises what `read` raises."""
        time_s, mantissa, exponent = self._read()
        return encode(Reading(self.good, self.unit, time_s, mantissa, exponent))


def replay(name: str):
    """A `read` that takes recorded values from a file (services.replay). Raises OSError or ValueError."""
    from .replay import Replay

    return Replay(name)
