# SPDX-License-Identifier: MIT
"""A flash for the journal's tests that loses power at a chosen operation and tears the write it was in.

It has the functions of farthing_agent.hal.unix that a journal uses. It holds no assertion.
"""


class PowerCutError(BaseException):  # nothing that a board does may catch it
    """The board is off."""


class Flash:
    """Files in RAM. Operation number `cut_at` (appends and removals count) leaves `torn` of its bytes behind.

    `flip` turns the last of these bytes over, as a cell does that was half programmed.
    """

    def __init__(self, cut_at=None, torn=0, flip=False):
        self.files = {}
        self.operations = 0
        self.cut_at = cut_at
        self.torn = torn
        self.flip = flip
        self.full = False

    def size(self, name):
        return len(self.files.get(name, b""))

    def read(self, name, start, count):
        if name not in self.files:
            raise OSError(2)
        return bytes(self.files[name][start : start + count])

    def append(self, name, data):
        if self.full:
            self.files[name] = self.files.get(name, b"") + data[: len(data) // 2]
            raise OSError(28)
        self.operations += 1
        if self.operations == self.cut_at:
            left = bytearray(data[: min(self.torn, len(data))])
            if left and self.flip:
                left[-1] ^= 0xFF
            self.files[name] = self.files.get(name, b"") + bytes(left)
            raise PowerCutError
        self.files[name] = self.files.get(name, b"") + data

    def remove(self, name):
        self.operations += 1
        if self.operations == self.cut_at:
            raise PowerCutError
        self.files.pop(name, None)

    def powered(self):
        """The same cells after the next power-on."""
        flash = Flash()
        flash.files = dict(self.files)
        return flash
