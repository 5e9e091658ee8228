# SPDX-License-Identifier: MIT
"""ECDSA on P-256 with SHA-256 digests (ES256) in pure MicroPython: keys, signatures, verification.

It hashes no messages and stores no keys. Power and fault attacks are not covered.
Private keys and digests are 32 bytes, public keys 64 bytes x || y, signatures 64 bytes r || s.
`curve` is the arithmetic to use: left out, the quickest that this interpreter can load.
"""

try:
    from os import urandom
except ImportError:  # a board without a random source signs the same bytes, unblinded
    urandom = None

from farthing.hmac import pads, tag

from .constants import B, N, P
from .curve import Curve, passing

# The quickest back-end this interpreter can load: viper raises ImportError on CPython, SyntaxError
# where a .py can't be compiled to native code, ValueError where an .mpy is for another processor.
try:
    from . import limbs as _field
except (ImportError, SyntaxError, ValueError):
    from . import bigint as _field

_curve = Curve(_field)
passing("data")  # only what was taken of it stays


def backend() -> str:
    """Name of the field arithmetic in use: "viper" or "int"."""
    return _field.NAME


def generate(urandom) -> bytes:
    """A new private key from `urandom(32)`. Raises ValueError if that gives no number in range in 8 tries."""
    for _ in range(8):
        private = urandom(32)
        try:
            _scalar(private)
        except ValueError:
            continue
        return private
    raise ValueError


def public_key(private: bytes, curve=_curve) -> bytes:
    """The public key of a private one. Raises ValueError if that is out of range."""
    scale, _, noise = _blinds()
    return _pair(*curve.multiply_base(_scalar(private), scale, noise))


def sign(private: bytes, digest: bytes, curve=_curve) -> bytes:
    """Signature of a digest, deterministic (RFC 6979), always with the lower of the two s.

    Raises ValueError for a private key out of range or a digest of another size.
    """
    key = _scalar(private)
    if len(digest) != 32:
        raise ValueError
    r = s = 0
    candidates = _nonces(private, digest)
    while not (r and s):
        k = next(candidates)
        scale, blind, noise = _blinds()
        r = curve.multiply_base(k, scale, noise)[0] % N
        # b (z + r d) / (b k): neither the key nor the nonce meets a big-integer operation unblinded
        s = blind * int.from_bytes(digest, "big") + blind * r % N * key
        s = curve.invert_scalar(k * blind % N) * s % N
    return _pair(r, s if s <= N >> 1 else N - s)


def verify(public: bytes, digest: bytes, signature: bytes, curve=_curve) -> bool:
    """True for a valid signature (FIPS 186-5, 6.4), of high s too; False for all else, whatever its size."""
    try:
        x, y = _point(public)
    except ValueError:
        return False
    return _verify(curve, digest, signature, x, y, None)


class Peer:
    """A public key that verifies often: a table of 2 KB makes that nearly as quick as signing."""

    def __init__(self, public: bytes, curve=_curve):
        """Raises ValueError for bytes that are no point of the curve. Takes about four signatures' time."""
        x, y = _point(public)
        self._known = x, y, passing("tables").comb(curve, x, y)
        self._curve = curve

    def verify(self, digest: bytes, signature: bytes) -> bool:
        """True for a valid signature, of high s too; False for anything else, whatever its size."""
        return _verify(self._curve, digest, signature, *self._known)


def self_test(curve=_curve) -> bool:
    """Known-answer test of signing and verification, for boot time; about eight signatures' time."""
    return passing("selftest").passes(curve)


def _scalar(private):
    number = int.from_bytes(private, "big")
    if len(private) != 32 or not 0 < number < N:
        raise ValueError
    return number


def _point(public):
    x = int.from_bytes(public[:32], "big")
    y = int.from_bytes(public[32:], "big")
    if len(public) != 64 or x >= P or y >= P or (y * y - (x * x - 3) * x - B) % P:
        raise ValueError
    return x, y


def _pair(first, second):
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


def _blinds():
    # Three random numbers that blind a signature's way: Z, a factor modulo N, and 8 more bits.
    if urandom is None:
        return 1, 1, 0
    noise = urandom(63)
    # 31 bytes are below P and N; the lowest bit keeps them from being 0
    return int.from_bytes(noise[:31], "big") | 1, int.from_bytes(noise[31:62], "big") | 1, noise[62]


def _nonces(private, digest):
    # The candidates 0 < k < N of RFC 6979, section 3.2, in their order.
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


def _verify(curve, digest, signature, x, y, table):
    if len(digest) != 32 or len(signature) != 64:
        return False
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not 0 < r < N or not 0 < s < N:
        return False
    w = curve.invert_scalar(s)
    return curve.matches(r, int.from_bytes(digest, "big") * w % N, r * w % N, x, y, table)
