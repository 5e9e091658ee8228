# SPDX-License-Identifier: MIT
"""Stands in for a sensor: reads recorded values from a file, line by line, and starts over at its end.

The file: `# good unit exponent`, then lines `time_s,mantissa`. It is never in RAM as a whole.
"""


class Replay:
    """Call it for the next (time_s, mantissa, exponent); `good` and `unit` are those of the file."""

    def __init__(self, name: str):
        """Raises OSError without the file, ValueError for one of another kind."""
        self._file = open(name)
        mark, self.good, self.unit, exponent = self._file.readline().split()
        if mark != "#":
            raise ValueError
        self.exponent = int(exponent)

    def __call__(self):
        line = self._file.readline()
        if not line:
            self._file.seek(0)
            self._file.readline()
            line = self._file.readline()
        time_s, mantissa = line.split(",")
        return int(time_s), int(mantissa), self.exponent
