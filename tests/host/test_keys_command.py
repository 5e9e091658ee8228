# SPDX-License-Identifier: MIT
"""`farthing keys`: the file is private and never overwritten, and the names it prints are the standards'."""

import hashlib
import json
import stat
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cli import farthing
from farthing_cli.did import did_key

# did:key method specification, section "P-256": the second of its test vectors, and its decompressed point.
SPEC_DID = "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.pem"
    assert farthing("keys", "new", str(path)).returncode == 0
    return path


def test_the_file_is_its_owners_and_pkcs8(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_it_never_overwrites(key_file: Path) -> None:
    before = key_file.read_bytes()
    again = farthing("keys", "new", str(key_file))
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert key_file.read_bytes() == before


def test_the_id_is_the_cose_key_thumbprint(key_file: Path) -> None:
    """RFC 9679 recomputed with another CBOR encoder and another key parser."""
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    numbers = key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    thumbprint = hashlib.sha256(cbor2.dumps({1: 2, -1: 1, -2: x, -3: y}, canonical=True)).hexdigest()

    shown = json.loads(farthing("keys", "show", "--json", str(key_file)).stdout)
    assert shown["id"] == thumbprint[:32]
    assert shown["public_key"] == (x + y).hex()
    assert farthing("keys", "id", str(key_file)).stdout == thumbprint[:32] + "\n"


def test_did_key_gives_the_specification_s_text() -> None:
    number = 0
    for digit in SPEC_DID.removeprefix("did:key:z"):
        number = number * 58 + BASE58.index(digit)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    assert data[:2] == b"\x80\x24"
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data[2:]).public_numbers()
    assert did_key(point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")) == SPEC_DID


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"-----BEGIN PRIVATE KEY-----\nAA==\n"])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    done = farthing("keys", "show", str(path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert str(path) in done.stderr
