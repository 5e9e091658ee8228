# SPDX-License-Identifier: MIT
"""HMAC-SHA256 (RFC 2104) for keys of at most 64 bytes; MicroPython has no hmac module."""

from ._compat import const, sha256

_BLOCK = const(64)
_INNER = int.from_bytes(b"\x36" * _BLOCK, "big")
_OUTER = int.from_bytes(b"\x5c" * _BLOCK, "big")


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer block of a key, to tag more than once with it. ValueError for over 64 bytes."""
    if len(key) > _BLOCK:
        raise ValueError
    # big integers: a loop over 64 bytes takes a board as long as 30 blocks of SHA-256
    number = int.from_bytes(key, "big") << 8 * (_BLOCK - len(key))
    return (number ^ _INNER).to_bytes(_BLOCK, "big"), (number ^ _OUTER).to_bytes(_BLOCK, "big")


def tag(blocks: tuple[bytes, bytes], *parts: bytes) -> bytes:
    """The 32-byte tag of the concatenated `parts` under the key of `blocks`."""
    state = sha256(blocks[0])
    for part in parts:
        state.update(part)
    digest = state.digest()
    state = sha256(blocks[1])
    state.update(digest)
    return state.digest()


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    """The 32-byte tag of the concatenated `parts`. Raises ValueError for a key over 64 bytes."""
    return tag(pads(key), *parts)
