# SPDX-License-Identifier: MIT
"""Deterministic CBOR (RFC 8949 4.2.1): writers into the caller's buffer and a strict reader.

`put_*` write at `pos` of a kept buffer, return the next position and allocate nothing for small integers;
a buffer that is too small raises IndexError from the store itself.
The reader refuses what is not deterministic: longer heads than needed, indefinite lengths, unsorted or
duplicate keys, bad UTF-8, trailing bytes. Map keys are integers or strings (True would meet 1 in a dict).
Not here: floats, because no number of this protocol is one, and items of any type (cbor_items).
"""

from .faults import BAD_FIELD, MALFORMED, Fault

UINT = 0x00
NINT = 0x20
BSTR = 0x40
TSTR = 0x60
ARRAY = 0x80
MAP = 0xA0
TAG = 0xC0


# --- writing


def put_be(buf: bytearray, pos: int, value: int, size: int) -> int:
    """Write `value` as `size` bytes, most significant first."""
    end = pos + size
    at = end
    while at > pos:
        at -= 1
        buf[at] = value & 0xFF
        value >>= 8
    return end


def put_head(buf: bytearray, pos: int, major: int, value: int) -> int:
    """Write the initial byte and argument (1, 2, 3, 5 or 9 bytes), `value` in 0..2**64-1."""
    if value < 24:
        buf[pos] = major | value
        return pos + 1
    if value < 0x100:
        buf[pos] = major | 24
        return put_be(buf, pos + 1, value, 1)
    if value < 0x10000:
        buf[pos] = major | 25
        return put_be(buf, pos + 1, value, 2)
    if value >> 16 < 0x10000:
        buf[pos] = major | 26
        return put_be(buf, pos + 1, value, 4)
    buf[pos] = major | 27
    return put_be(buf, pos + 1, value, 8)


def put_bytes(buf: bytearray, pos: int, data: bytes, major: int = BSTR) -> int:
    """Write a byte string (or, with `major=TSTR`, a text string given as UTF-8 bytes)."""
    size = len(data)
    pos = put_head(buf, pos, major, size)
    return put_raw(buf, pos, data, size)


def put_raw(buf: bytearray, pos: int, data: bytes, size: int) -> int:
    """Copy `size` bytes of `data`; a short buffer is refused instead of grown."""
    end = pos + size
    if end > len(buf):
        raise IndexError
    buf[pos:end] = data
    return end


def dumps(value: object) -> bytes:
    """Encode None, bool, int, bytes-like, str, list, tuple, dict and Tag; for cold paths, it allocates."""
    out = bytearray()
    append(out, value)
    return bytes(out)


def append_head(out: bytearray, major: int, value: int) -> None:
    if value >> 64:
        raise Fault(BAD_FIELD)
    if value < 24:
        out.append(major | value)
        return
    head = bytearray(9)  # not one for all: the host has threads
    out.extend(memoryview(head)[: put_head(head, 0, major, value)])


def append(out: bytearray, value) -> None:
    if value is None:
        out.append(0xF6)
    elif value is True:
        out.append(0xF5)
    elif value is False:
        out.append(0xF4)
    elif isinstance(value, int):
        append_head(out, UINT if value >= 0 else NINT, value if value >= 0 else -1 - value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        append_head(out, BSTR, len(value))
        out.extend(value)
    elif isinstance(value, str):
        data = value.encode()
        append_head(out, TSTR, len(data))
        out.extend(data)
    elif type(value) in (list, tuple):
        append_head(out, ARRAY, len(value))
        for item in value:
            append(out, item)
    else:
        from .cbor_items import append_other

        append_other(out, value)


# --- reading


class Reader:
    """A strict cursor over one CBOR sequence (RFC 8742). Every method raises Fault(MALFORMED) or
    Fault(BAD_FIELD) and reads no byte outside `data`."""

    def __init__(self, data: bytes):
        self.data = data
        self.pos = 0
        self.end = len(data)

    def more(self) -> bool:
        return self.pos < self.end

    def done(self) -> None:
        """Refuse trailing bytes."""
        if self.pos != self.end:
            raise Fault(MALFORMED)

    def major(self) -> int:
        """The major type of the next item (UINT, NINT, …), not consumed."""
        if self.pos >= self.end:
            raise Fault(MALFORMED)
        return self.data[self.pos] & 0xE0

    def head(self, major: int) -> int:
        """Consume an item head of exactly this major type and return its argument."""
        if self.major() != major:
            raise Fault(BAD_FIELD)
        info = self.data[self.pos] & 0x1F
        self.pos += 1
        if info < 24:
            return info
        if info > 27:
            raise Fault(MALFORMED)
        size = 1 << (info - 24)
        value = self._be(size)
        if value < 24 or (size > 1 and not value >> (4 * size)):
            raise Fault(MALFORMED)
        return value

    def _be(self, size: int) -> int:
        end = self.pos + size
        if end > self.end:
            raise Fault(MALFORMED)
        value = 0
        while self.pos < end:
            value = value << 8 | self.data[self.pos]
            self.pos += 1
        return value

    def skip(self, size: int) -> int:
        """Step over `size` bytes and return where they began."""
        start = self.pos
        if size > self.end - start:
            raise Fault(MALFORMED)
        self.pos = start + size
        return start

    def uint(self, size: int = 8) -> int:
        """An unsigned integer below 256**size."""
        value = self.head(UINT)
        if value >> 8 * size:
            raise Fault(BAD_FIELD)
        return value

    def bstr(self, least: int, most: int) -> bytes:
        """A byte string of `least` to `most` bytes."""
        return bytes(self._span(BSTR, least, most))

    def tstr(self, least: int, most: int) -> str:
        """A text string of `least` to `most` bytes of valid UTF-8."""
        data = self._span(TSTR, least, most)
        if not _is_utf8(data):
            raise Fault(MALFORMED)
        return str(bytes(data), "utf-8")

    def _span(self, major: int, least: int, most: int) -> memoryview:
        size = self.head(major)
        start = self.skip(size)
        if not least <= size <= most:
            raise Fault(BAD_FIELD)
        return memoryview(self.data)[start : self.pos]


def _is_utf8(data: memoryview) -> bool:
    """RFC 3629: no overlong form, no surrogate, at most U+10FFFF. MicroPython's own check is laxer."""
    at = 0
    end = len(data)
    while at < end:
        lead = data[at]
        at += 1
        if lead < 0x80:
            continue
        if not 0xC2 <= lead <= 0xF4:
            return False
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if at + more > end:
            return False
        low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
        high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
        if not low <= data[at] <= high:
            return False
        for _ in range(more - 1):
            at += 1
            if data[at] & 0xC0 != 0x80:
                return False
        at += 1
    return True
