# SPDX-License-Identifier: MIT
"""The strict COSE_Sign1 against the frozen vectors. Whether a signature is right: test_signatures.py."""

from farthing import cose
from farthing.cbor import Reader
from farthing.faults import BAD_COSE, HIGH_S
from shared.check import key, raises, raw, refused, vectors

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def test_valid_vectors_split_into_payload_and_signature():
    for row in vectors("cose")["valid"]:
        payload, signature = cose.parse(raw(row))
        assert payload == bytes.fromhex(row["payload"]), row["name"]
        assert signature == bytes.fromhex(row["signature"]), row["name"]


def test_valid_vectors_are_what_sign1_writes():
    for row in vectors("cose")["valid"]:
        payload, signature = bytes.fromhex(row["payload"]), bytes.fromhex(row["signature"])
        assert cose.sign1(payload, signature) == raw(row), row["name"]
        buf = bytearray(len(raw(row)) + 5)
        end = cose.sign1_into(buf, 5, payload, signature)
        assert bytes(buf[5:end]) == raw(row), row["name"]


def test_digest_is_sha256_of_the_sig_structure():
    rows = vectors("cose")
    for row in rows["valid"]:
        digest = cose.digest(bytes.fromhex(row["aad"]), bytes.fromhex(row["payload"]))
        assert digest == bytes.fromhex(row["digest"]), row["name"]
    for row in rows["unverified"]:
        payload, _ = cose.parse(raw(row))
        assert cose.digest(bytes.fromhex(row["aad"]), payload) == bytes.fromhex(row["digest"]), row["name"]


def test_invalid_vectors_are_refused():
    refused(vectors("cose")["invalid"], lambda row: cose.parse(raw(row)))


def test_read_stops_behind_the_message_in_a_sequence():
    row = raw(vectors("cose")["valid"][0])
    reader = Reader(row + b"\x01")
    cose.read(reader)
    assert reader.pos == len(row) and reader.uint() == 1
    raises(BAD_COSE, cose.parse, row + b"\x01")


def test_half_of_n_is_the_last_low_s():
    row = vectors("cose")["valid"][0]
    payload, r = bytes.fromhex(row["payload"]), bytes.fromhex(row["signature"])[:32]
    assert int.from_bytes(cose.HALF_N, "big") == N // 2
    low = cose.sign1(payload, r + (N // 2).to_bytes(32, "big"))
    assert cose.parse(low)[1][32:] == cose.HALF_N
    raises(HIGH_S, cose.parse, cose.sign1(payload, r + (N // 2 + 1).to_bytes(32, "big")))


def test_external_aad_binds_ledger_channel_and_type():
    base = cose.external_aad("local", bytes(32), cose.VOUCHER)
    others = (
        cose.external_aad("loca", bytes(32), cose.VOUCHER),
        cose.external_aad("local", b"\x01" + bytes(31), cose.VOUCHER),
        cose.external_aad("local", bytes(32), cose.COMMITMENT),
    )
    digests = [cose.digest(aad, b"payload") for aad in (base,) + others]
    for i in range(4):
        for j in range(i):
            assert digests[i] != digests[j]


def test_message_types_are_distinct_and_frozen():
    for name, number in vectors("keys")["types"].items():
        assert getattr(cose, name.upper()) == number
    assert len(set(vectors("keys")["types"].values())) == 11


def test_key_thumbprint_of_rfc_9679():
    for row in vectors("keys")["keys"]:
        public = bytes.fromhex(row["public"])
        assert cose.thumbprint(public) == bytes.fromhex(row["thumbprint"])
        assert cose.key_id(public) == key(row["name"], "id")
