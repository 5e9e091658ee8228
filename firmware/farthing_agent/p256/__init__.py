# SPDX-License-Identifier: MIT
"""ECDSA on P-256 with SHA-256 digests (ES256) in pure MicroPython: keys, signatures, verification.

It hashes no messages and stores no keys. Keys are 64 bytes x || y, signatures 64 bytes r || s.
"""

from . import ecdsa
from .curve import Curve


def _field():
    # The quickest back-end this interpreter can load: viper raises ImportError on CPython, SyntaxError
    # where a .py can't be compiled to native code, ValueError where an .mpy is for another processor.
    try:
        from .viper import Field
    except (ImportError, SyntaxError, ValueError):
        from .bigint import Field
    return Field()


_curve = Curve(_field())


def backend() -> str:
    """Name of the field arithmetic in use: "viper" or "int"."""
    return _curve.field.name


def sign(private: bytes, digest: bytes) -> bytes:
    """Signature r || s of a 32-byte digest, deterministic (RFC 6979), always with the lower s.

    Raises ValueError for a private key out of range or a digest of another size.
    """
    return ecdsa.sign(_curve, private, digest)


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """True for a valid signature, of high s too; False for anything else, whatever its size."""
    return ecdsa.verify(_curve, public, digest, signature)


def public_key(private: bytes) -> bytes:
    """The 64-byte public key of a 32-byte private key. Raises ValueError if that is out of range."""
    return ecdsa.public_key(_curve, private)


def generate(urandom) -> bytes:
    """A new private key from `urandom(32)`. Raises ValueError if that gives no number in range in 8 tries."""
    for _ in range(8):
        private = urandom(32)
        try:
            ecdsa.scalar(private)
        except ValueError:
            continue
        return private
    raise ValueError


def self_test() -> bool:
    """Known-answer test of signing and verification, for boot time; about eight signatures' time."""
    from .selftest import passes

    return passes(_curve)


class Peer:
    """A public key that verifies often: a table of 2 KB makes that nearly as quick as signing."""

    def __init__(self, public: bytes):
        """Raises ValueError for bytes that are no point of the curve. Takes about four signatures' time."""
        self._x, self._y = ecdsa.point(public)
        self._table = _curve.comb_table(self._x, self._y)

    def verify(self, digest: bytes, signature: bytes) -> bool:
        """True for a valid signature, of high s too; False for anything else, whatever its size."""
        factors = ecdsa.factors(_curve, digest, signature)
        return factors is not None and _curve.matches_known(*factors, self._x, self._y, self._table)
