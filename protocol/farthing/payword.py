# SPDX-License-Identifier: MIT
"""PayWord hash chains (Rivest and Shamir 1996): one SHA-256 pre-image is one paid unit.

word[0] is the root that the payer signs, word[i-1] = SHA-256(word[i]), word[length] comes from a seed.
Not here: which channel, price or payee a chain belongs to; the signed commitment says that (channel.py).
"""

from ._compat import sha256
from .cbor import put_be
from .faults import BAD_FIELD, BAD_WORD, Fault
from .hmac import hmac_sha256
from .limits import CHAIN_LENGTH, HASH


def chain_seed(master: bytes, channel_hash: bytes, number: int) -> bytes:
    """The last word of chain `number` of a channel: HMAC-SHA256(master, channel hash | number(4))."""
    tail = bytearray(4)
    put_be(tail, 0, number, 4)
    return hmac_sha256(master, channel_hash, tail)


def walk(word: bytes, steps: int) -> bytes:
    """Hash `word` `steps` times (steps >= 0)."""
    while steps:
        word = sha256(word).digest()
        steps -= 1
    return bytes(word)


def check_word(word: bytes, steps: int, known: bytes) -> None:
    """Raise Fault(BAD_WORD) unless `word` hashes to `known` in exactly `steps` (>= 1) steps."""
    if walk(word, steps) != known:
        raise Fault(BAD_WORD)


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
        self._segment = bytearray(HASH * stride)
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

    def word_into(self, index: int, buf: bytearray, pos: int) -> int:
        """Write word `index` (1..length) at `pos`; returns the next position. Raises Fault(BAD_FIELD)."""
        if not 1 <= index <= self.length:
            raise Fault(BAD_FIELD)
        first = (index - 1) // self._stride * self._stride + 1
        if first != self._first:
            self._load(first)
        at = (index - first) * HASH
        buf[pos : pos + HASH] = memoryview(self._segment)[at : at + HASH]
        return pos + HASH

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
            at = (index - first) * HASH
            self._segment[at : at + HASH] = word
            if index > first:
                word = sha256(word).digest()
        self._first = first
