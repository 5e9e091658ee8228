# SPDX-License-Identifier: MIT
"""HMAC-SHA256 (RFC 2104) for keys of at most 64 bytes; MicroPython has no hmac module."""

from ._compat import const, sha256

_BLOCK = const(64)


def _keyed(key: bytes, fill: int):
    block = bytearray(_BLOCK)
    for i in range(_BLOCK):
        block[i] = fill ^ (key[i] if i < len(key) else 0)
    return sha256(block)


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    """The 32-byte tag of the concatenated `parts`. Raises ValueError for a key over 64 bytes."""
    if len(key) > _BLOCK:
        raise ValueError
    inner = _keyed(key, 0x36)
    for part in parts:
        inner.update(part)
    outer = _keyed(key, 0x5C)
    outer.update(inner.digest())
    return outer.digest()
