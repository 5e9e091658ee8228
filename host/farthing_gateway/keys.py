# SPDX-License-Identifier: MIT
"""The gateway's own P-256 key, and verification of everybody's signatures with OpenSSL.

What is signed is `farthing.cose`'s business. Public keys are 64 bytes x || y, signatures 64 bytes r || s.
"""

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from farthing.cose import key_id

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_CURVE = ec.SECP256R1()
_VERIFYING = ec.ECDSA(Prehashed(SHA256()))
_SIGNING = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)  # RFC 6979
_KEPT_KEYS = 16384


class KeyFileError(Exception):
    """The key file cannot be used; one line with the next step."""


class GatewayKey:
    """A private key. `public` is 64 bytes, `id` the 16-byte device id of its thumbprint."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = point[1:]
        self.id = key_id(self.public)

    @classmethod
    def create(cls, path: Path | None = None) -> Self:
        """A new key, written to `path` as PKCS #8 PEM that only its owner can read. Raises KeyFileError."""
        private = ec.generate_private_key(_CURVE)
        if path is not None:
            _write(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return cls(private)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a PEM file. Raises KeyFileError for one that is missing, open to others, or no P-256 key."""
        try:
            mode = path.stat().st_mode
            data = path.read_bytes()
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read ({error.strerror}): name the key file") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFileError(f"{path} can be read by others: run `chmod 600 {path}`")
        try:
            private = load_pem_private_key(data, None)
        except (ValueError, TypeError) as error:
            raise KeyFileError(f"{path} is no unencrypted PEM key: restore a backup of it") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != _CURVE.name:
            raise KeyFileError(f"{path} is no P-256 key: restore a backup of it")
        return cls(private)

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """The key in `path`, made at the first start. Raises KeyFileError."""
        return cls.load(path) if path.exists() else cls.create(path)

    def sign(self, digest: bytes) -> bytes:
        """Deterministic ES256 of a 32-byte digest, low s: 64 bytes."""
        r, s = decode_dss_signature(self._private.sign(digest, _SIGNING))
        return r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written ({error.strerror}): name another file") from error


@lru_cache(maxsize=_KEPT_KEYS)
def _public(key: bytes) -> ec.EllipticCurvePublicKey | None:
    """The key object, None for a point that is not on the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x04" + key)
    except ValueError:
        return None


def verify(key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature over the 32-byte digest is the key's; False for a key off the curve.

    A high s passes here: `farthing.cose` refuses it before anything is verified.
    """
    public = _public(key)
    if public is None:
        return False
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        public.verify(der, digest, _VERIFYING)
    except InvalidSignature:
        return False
    return True
