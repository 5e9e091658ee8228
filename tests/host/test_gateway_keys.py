# SPDX-License-Identifier: MIT
"""The gateway's key file and OpenSSL's verdict on signatures."""

from __future__ import annotations

import stat
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from farthing import cose
from farthing_gateway.keys import GatewayKey, KeyFileError, verify
from party import twin

DIGEST = sha256(b"sample").digest()


def test_a_new_key_is_pkcs8_and_its_owners_alone(tmp_path: Path):
    path = tmp_path / "new" / "gateway.pem"
    key = GatewayKey.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert GatewayKey.load(path).public == key.public
    assert key.id == cose.key_id(key.public)


def test_an_existing_key_is_never_overwritten(tmp_path: Path):
    path = tmp_path / "gateway.pem"
    key = GatewayKey.load_or_create(path)
    assert GatewayKey.load_or_create(path).public == key.public
    with pytest.raises(KeyFileError, match="cannot be written"):
        GatewayKey.create(path)
    assert GatewayKey.load(path).public == key.public


def test_signatures_are_those_of_rfc_6979_with_low_s():
    """A.2.5, P-256 with SHA-256, message "sample"; its s is high, so ours is n - s."""
    private = ec.derive_private_key(
        0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
    )
    r = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    s = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    signature = GatewayKey(private).sign(DIGEST)
    assert signature == twin(bytes.fromhex(r + s))
    assert not cose.is_high_s(signature)


def test_each_signature_verifies_with_low_s():
    key = GatewayKey.create()
    for number in range(50):
        digest = sha256(bytes([number])).digest()
        signature = key.sign(digest)
        assert verify(key.public, digest, signature)
        assert not cose.is_high_s(signature)
        assert not verify(key.public, DIGEST, signature)


@pytest.mark.parametrize("key", [bytes(64), b"\x01" * 64, b"\xff" * 64])
def test_a_key_that_is_no_point_verifies_nothing(key: bytes):
    assert not verify(key, DIGEST, GatewayKey.create().sign(DIGEST))


ZERO, ONE, MOST = bytes(32), b"\x01" * 32, b"\xff" * 32


@pytest.mark.parametrize("signature", [ZERO + ZERO, MOST + MOST, ZERO + ONE, ONE + ZERO])
def test_numbers_out_of_range_verify_nothing(signature: bytes):
    assert not verify(GatewayKey.create().public, DIGEST, signature)


Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def write(path: Path, key: Private, *, password: bytes = b"") -> Path:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
    path.chmod(0o600)
    return path


def test_unusable_files_are_named_with_the_next_step(tmp_path: Path):
    path = tmp_path / "k.pem"
    good = ec.generate_private_key(ec.SECP256R1())
    cases = (
        (lambda: None, "cannot be read"),
        (lambda: write(path, ec.generate_private_key(ec.SECP384R1())), "is no P-256 key"),
        (lambda: write(path, ed25519.Ed25519PrivateKey.generate()), "is no P-256 key"),
        (lambda: write(path, good, password=b"x"), "is no unencrypted PEM key"),
        (lambda: path.write_bytes(b"garbage"), "is no unencrypted PEM key"),
        (lambda: write(path, good).chmod(0o640), f"chmod 600 {path}"),
    )
    for prepare, words in cases:
        prepare()
        with pytest.raises(KeyFileError) as caught:
            GatewayKey.load(path)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
