# SPDX-License-Identifier: MIT
"""The Farthing protocol: bytes in, bytes and state out. No socket, no clock, no file, no signature code.

One source for MicroPython and CPython. The wire is specified in protocol/spec.
"""

__version__ = "0.1.0"
