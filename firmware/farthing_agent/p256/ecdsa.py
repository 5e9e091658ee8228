# SPDX-License-Identifier: MIT
"""ECDSA over a Curve: deterministic signatures (RFC 6979) and their verification (FIPS 186-5, 6.4).

It hashes nothing and keeps no keys. Power and fault attacks are not covered.
"""

try:
    from os import urandom
except ImportError:  # a board without a random source signs the same bytes, unblinded
    urandom = None

from .constants import N
from .curve import on_curve
from .nonce import nonces


def scalar(private: bytes) -> int:
    """The private key as a number. Raises ValueError if it is not 32 bytes for 1 to N - 1."""
    number = int.from_bytes(private, "big")
    if len(private) != 32 or not 0 < number < N:
        raise ValueError
    return number


def point(public: bytes):
    """(x, y) of a 64-byte public key. Raises ValueError if it is no point of the curve."""
    x = int.from_bytes(public[:32], "big")
    y = int.from_bytes(public[32:], "big")
    if len(public) != 64 or not on_curve(x, y):
        raise ValueError
    return x, y


def pair(first: int, second: int) -> bytes:
    """Two numbers as 64 bytes, big end first."""
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


def blinds():
    """Three random numbers that blind a signature's way: Z, a factor modulo N, and 8 more bits."""
    if urandom is None:
        return 1, 1, 0
    noise = urandom(63)
    # 31 bytes are below P and N; the lowest bit keeps them from being 0
    return int.from_bytes(noise[:31], "big") | 1, int.from_bytes(noise[31:62], "big") | 1, noise[62]


def raw_signature(curve, private: bytes, digest: bytes):
    """(r, s) exactly as RFC 6979 gives them; s may be high. Raises ValueError for a bad key or digest."""
    key = scalar(private)
    if len(digest) != 32:
        raise ValueError
    z = int.from_bytes(digest, "big")
    candidates = nonces(private, digest)
    while True:
        k = next(candidates)
        scale, blind, noise = blinds()
        r = curve.multiply_base(k, scale, noise)[0] % N
        # b (z + r d) / (b k): neither the key nor the nonce meets a big-integer operation unblinded
        s = curve.field.invert_scalar(k * blind % N) * (blind * z + blind * r % N * key) % N
        if r and s:
            return r, s


def sign(curve, private: bytes, digest: bytes) -> bytes:
    """64 bytes r || s with the lower of the two s. Raises ValueError for a bad key or digest."""
    r, s = raw_signature(curve, private, digest)
    return pair(r, s if s <= N >> 1 else N - s)


def factors(curve, digest: bytes, signature: bytes):
    """(r, u1, u2) with which a valid signature has r = x(u1 * G + u2 * key), or None for a malformed one."""
    if len(digest) != 32 or len(signature) != 64:
        return None
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not 0 < r < N or not 0 < s < N:
        return None
    w = curve.field.invert_scalar(s)
    return r, int.from_bytes(digest, "big") * w % N, r * w % N


def public_key(curve, private: bytes) -> bytes:
    """x || y of a private key. Raises ValueError if that is out of range."""
    scale, _, noise = blinds()
    return pair(*curve.multiply_base(scalar(private), scale, noise))


def verify(curve, public: bytes, digest: bytes, signature: bytes) -> bool:
    """True for a valid signature by `public`; False for anything else."""
    try:
        x, y = point(public)
    except ValueError:
        return False
    known = factors(curve, digest, signature)
    return known is not None and curve.matches(*known, x, y)
