# SPDX-License-Identifier: MIT
"""The COSE working group's COSE_Sign1 examples against the strict profile.

Each carries a key id in its unprotected header, which the profile has no room for, so as published none is
taken. That header is not signed: without it each example must end as the table says.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import cbor2
import pytest

from farthing import cose
from farthing.faults import BAD_COSE, HIGH_S, Fault
from farthing_gateway.keys import verify

FILE = json.loads(Path(__file__).with_name("cose_wg_sign1.json").read_text(encoding="utf-8"))
KEY = bytes.fromhex(FILE["key"]["x"] + FILE["key"]["y"])
CASES = {case["name"]: case for case in FILE["cases"]}
# name -> what becomes of it without its key id: a fault code, or whether the signature holds
VERDICTS = {
    "sign-pass-01": BAD_COSE,  # protected header a0, algorithm unprotected
    "sign-pass-02": True,  # with external_aad
    "sign-pass-03": BAD_COSE,  # untagged
    "sign-fail-01": BAD_COSE,  # tag 998
    "sign-fail-02": False,  # payload changed
    "sign-fail-03": BAD_COSE,  # algorithm -999
    "sign-fail-04": BAD_COSE,  # algorithm as text
    "sign-fail-06": BAD_COSE,  # protected header with a content type added
    "sign-fail-07": HIGH_S,  # protected attribute removed; its s is high as well
    "Appendix_C_2_1": True,
    "ecdsa-sig-01": BAD_COSE,  # protected header with a content type
    "ecdsa-sig-04": BAD_COSE,  # ES512
}


def _without_key_id(data: bytes) -> bytes:
    kid = bytes.fromhex("a104423131")
    assert data.count(kid) == 1 or b"\xa2\x01\x26\x04\x42\x31\x31" in data
    return data.replace(kid, b"\xa0")


def test_every_case_has_a_verdict() -> None:
    assert set(VERDICTS) == set(CASES)


@pytest.mark.parametrize("name", VERDICTS)
def test_as_published_none_is_taken(name: str) -> None:
    with pytest.raises(Fault) as refusal:
        cose.parse(bytes.fromhex(CASES[name]["cbor"]))
    assert refusal.value.code == BAD_COSE


@pytest.mark.parametrize("name", VERDICTS)
def test_without_its_key_id(name: str) -> None:
    case = CASES[name]
    data = _without_key_id(bytes.fromhex(case["cbor"]))
    verdict = VERDICTS[name]
    if not isinstance(verdict, bool):
        with pytest.raises(Fault) as refusal:
            cose.parse(data)
        assert refusal.value.code == verdict
        return
    payload, signature = cose.parse(data)
    assert verify(KEY, cose.digest(bytes.fromhex(case["external"]), payload), signature) is verdict


@pytest.mark.parametrize("name", ["sign-pass-02", "sign-pass-03", "Appendix_C_2_1"])
def test_digest_is_of_the_published_sig_structure(name: str) -> None:
    case = CASES[name]
    payload = cbor2.loads(bytes.fromhex(case["cbor"]))
    payload = payload.value[2] if isinstance(payload, cbor2.CBORTag) else payload[2]
    digest = cose.digest(bytes.fromhex(case["external"]), payload)
    assert digest == sha256(bytes.fromhex(case["tbs"])).digest()
