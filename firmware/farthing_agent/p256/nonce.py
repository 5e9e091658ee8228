# SPDX-License-Identifier: MIT
"""Deterministic nonces for P-256 with SHA-256 (RFC 6979, section 3.2).

It makes no signature, and reads no random source.
"""

from farthing.hmac import hmac_sha256

from .constants import N


def nonces(private: bytes, digest: bytes):
    """Yield the candidates 0 < k < N for a 32-byte private key and a 32-byte digest, in their order."""
    z = int.from_bytes(digest, "big")
    seed = private + (z - N if z >= N else z).to_bytes(32, "big")
    key = bytes(32)
    value = b"\x01" * 32
    for step in (b"\x00", b"\x01"):
        key = hmac_sha256(key, value, step, seed)
        value = hmac_sha256(key, value)
    while True:
        value = hmac_sha256(key, value)
        k = int.from_bytes(value, "big")
        if 0 < k < N:
            yield k
        key = hmac_sha256(key, value, b"\x00")
        value = hmac_sha256(key, value)
