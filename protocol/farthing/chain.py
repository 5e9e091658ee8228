# SPDX-License-Identifier: MIT
"""The payer's side of a PayWord chain: its seed, and its words in the order they are paid.

Not here: how a word is verified; payword.py does that.
"""

from ._compat import sha256
from .cbor import put_be
from .faults import BAD_FIELD, Fault
from .hmac import hmac_sha256
from .limits import CHAIN_LENGTH, HASH


def chain_seed(master: bytes, channel_hash: bytes, number: int) -> bytes:
    """The last word of chain `number` of a channel: HMAC-SHA256(master, channel hash | number(4))."""
    tail = bytearray(4)
    put_be(tail, 0, number, 4)
    return hmac_sha256(master, channel_hash, tail)


class Chain:
    """The payer's chain: any word in about two hashes when asked in order.

    Keeps every `stride`-th word and the words of one stride, `2 * 32 * sqrt(length)` bytes in all
    (2 KB for 1,024 words), instead of 32 * length.
    """

    def __init__(self, seed: bytes, length: int):
        if not 1 <= length <= CHAIN_LENGTH:
            raise Fault(BAD_FIELD)
        self.length = length
        stride = 1
        while stride * stride < length:
            stride += 1
        self._stride = stride
        self._marks = bytearray(HASH * (length // stride + 1))
        self._segment = [b""] * stride  # words as they are sent, so that a tick copies and allocates nothing
        self._first = -1
        self.root = self._fill(seed)

    def _fill(self, word: bytes) -> bytes:
        """Walk from the seed to the root; mark the words at multiples of the stride."""
        self._last = word
        for index in range(self.length, 0, -1):
            if index % self._stride == 0:
                at = index // self._stride * HASH
                self._marks[at : at + HASH] = word
            word = sha256(word).digest()
        return word

    def word(self, index: int) -> bytes:
        """Word `index` (1..length), 32 bytes that are kept here anyway. Raises Fault(BAD_FIELD)."""
        if not 1 <= index <= self.length:
            raise Fault(BAD_FIELD)
        first = (index - 1) // self._stride * self._stride + 1
        if first != self._first:
            self._load(first)
        return self._segment[index - first]

    def _load(self, first: int) -> None:
        """Fill the segment with the words first .. first+stride-1 (or the end of the chain)."""
        last = first + self._stride - 1
        if last >= self.length:
            last = self.length
            word = self._last
        else:
            at = last // self._stride * HASH
            word = bytes(memoryview(self._marks)[at : at + HASH])
        for index in range(last, first - 1, -1):
            self._segment[index - first] = word
            if index > first:
                word = sha256(word).digest()
        self._first = first
