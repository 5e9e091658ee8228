# SPDX-License-Identifier: MIT
"""A small durable map from bytes to bytes: an append-only log in two slots, with a CRC on each record.

Only one slot is live. Compaction writes the live records to the other one and ends it with a seal; then the
old one goes. After a cut at any write the reader finds everything that `put` had returned for.
Not here: what the keys mean, and files, which `files` (farthing_agent.hal.unix) has.
"""

from binascii import crc32

from farthing._compat import const
from farthing.faults import JOURNAL, Fault

_HEAD = const(7)  # length of key and value (2), of the key (1), CRC-32 (4)
_MOST = const(1200)  # bytes in one record
_LIMIT = const(12288)  # bytes in a slot before it is compacted
_FIRST = const(18)  # a new journal: the start record with its generation (4), and the seal


class Journal:
    """Raises Fault(JOURNAL) where both slots are damaged, or the flash is full."""

    def __init__(self, files, name: str = "journal"):
        self._files = files
        self._index = {}  # key -> start of the value * 2048 + its size
        self._generation = 0
        self._end = 0
        self._clean = False
        self._name = name + ".0"
        self._other = name + ".1"
        self._open()

    def get(self, key: bytes):
        """The newest value of a key, or None."""
        place = self._index.get(key)
        return self._value(self._name, place) if place is not None else None

    def keys(self, prefix: bytes) -> list:
        """Every key that begins with `prefix`."""
        return [key for key in self._index if key.startswith(prefix)]

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key; durable when this returns. An empty value deletes. Raises Fault(JOURNAL)."""
        if not value and key not in self._index:
            return
        if not self._clean or self._end + _HEAD + len(key) + len(value) > _LIMIT:
            self._compact()
        self._append(key, value)

    def _open(self) -> None:
        slot, other = self._scan(self._name), self._scan(self._other)
        if other and (not slot or other[0] > slot[0]):
            self._name, self._other = self._other, self._name
            slot = other
        if slot:
            self._generation, self._index, self._end, self._clean = slot
        elif max(self._files.size(self._name), self._files.size(self._other)) > _FIRST:
            raise Fault(JOURNAL)

    def _scan(self, name: str):
        """(generation, index, end, clean) of a sealed slot, else None."""
        size = self._files.size(name)
        index = {}
        generation = at = 0
        sealed = False
        while at < size:
            record = self._record(name, at, generation)
            if not record:
                break
            key, start, count = record
            if key:
                if count:
                    index[key] = start << 11 | count
                else:
                    index.pop(key, None)
            elif not at and count == 4:
                generation = int.from_bytes(self._files.read(name, start, 4), "big")
            elif not count:
                sealed = True
            at = start + count
        if not generation or not sealed or self._is_damage(name, at, size):
            return None
        return generation, index, at, at == size

    def _is_damage(self, name: str, at: int, size: int) -> bool:
        """A torn record at the end was never promised to anybody; anything behind it means damage."""
        if size - at < _HEAD:
            return False
        head = self._files.read(name, at, 2)
        count = head[0] << 8 | head[1]
        return count > _MOST or at + _HEAD + count < size

    def _record(self, name: str, at: int, seed: int):
        """(key, start of the value, its size) of the record at `at`; None if it is torn or damaged."""
        head = self._files.read(name, at, _HEAD)
        if len(head) < _HEAD:
            return None
        count = head[0] << 8 | head[1]
        if count > _MOST or head[2] > count:
            return None
        data = self._files.read(name, at + _HEAD, count)
        if len(data) < count or crc32(data, crc32(head[:3], seed)) != int.from_bytes(head[3:], "big"):
            return None
        return data[: head[2]], at + _HEAD + head[2], count - head[2]

    def _append(self, key: bytes, value: bytes) -> None:
        data = key + value
        if len(data) > _MOST - _HEAD:
            raise Fault(JOURNAL)
        head = bytes((len(data) >> 8, len(data) & 0xFF, len(key)))
        # The generation is in the CRC, so that an old slot's leftovers can't pass for this one's.
        seed = self._generation if self._end else 0
        crc = crc32(data, crc32(head, seed))
        self._clean = False
        try:
            self._files.append(self._name, head + crc.to_bytes(4, "big") + data)
        except OSError:
            raise Fault(JOURNAL)
        self._clean = True
        start = self._end + _HEAD + len(key)
        self._end = start + len(value)
        if key and value:
            self._index[key] = start << 11 | len(value)
        else:
            self._index.pop(key, None)

    def _compact(self) -> None:
        before = self._name, self._other, self._index, self._end, self._generation
        self._files.remove(self._other)
        self._name, self._other = self._other, self._name
        self._index = {}
        self._end = 0
        self._generation += 1
        try:
            self._append(b"", self._generation.to_bytes(4, "big"))
            for key in before[2]:
                self._append(key, self._value(before[0], before[2][key]))
            self._append(b"", b"")
        except Fault:
            self._name, self._other, self._index, self._end, self._generation = before
            self._clean = False
            raise
        self._files.remove(self._other)

    def _value(self, name: str, place: int) -> bytes:
        try:
            return self._files.read(name, place >> 11, place & 2047)
        except OSError:
            raise Fault(JOURNAL)
