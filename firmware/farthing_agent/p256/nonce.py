# SPDX-License-Identifier: MIT
"""Deterministic nonces for P-256 with SHA-256 (RFC 6979, section 3.2).

It makes no signature, and reads no random source.
"""

from farthing.hmac import pads, tag

from .constants import N


def nonces(private: bytes, digest: bytes):
    """Yield the candidates 0 < k < N for a 32-byte private key and a 32-byte digest, in their order."""
    z = int.from_bytes(digest, "big")
    if z >= N:
        digest = (z - N).to_bytes(32, "big")
    value = b"\x01" * 32
    key = pads(bytes(32))
    for step in (b"\x00", b"\x01"):
        key = pads(tag(key, value, step, private, digest))
        value = tag(key, value)
    while True:
        value = tag(key, value)
        k = int.from_bytes(value, "big")
        if 0 < k < N:
            yield k
        key = pads(tag(key, value, b"\x00"))
        value = tag(key, value)
