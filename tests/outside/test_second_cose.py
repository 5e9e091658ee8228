# SPDX-License-Identifier: MIT
"""A second COSE implementation (cwt) and ours take each other's COSE_Sign1 with external_aad."""

from __future__ import annotations

import json
from pathlib import Path

import cbor2
import pytest
from cwt import COSE, COSEKey
from cwt.exceptions import VerifyError

from farthing import cose
from farthing.faults import HIGH_S, Fault
from farthing_gateway.keys import N, verify

VECTORS = Path(__file__).parents[2] / "protocol" / "spec" / "vectors"
KEYS = {row["name"]: row for row in json.loads((VECTORS / "keys.json").read_text())["keys"]}
ROWS = json.loads((VECTORS / "messages.json").read_text())["signed"]
ROWS += json.loads((VECTORS / "payments.json").read_text())["valid"]
WRONG = json.loads((VECTORS / "cose.json").read_text())["unverified"]


def _key(name: str, private: bool = False) -> COSEKey:
    public = bytes.fromhex(KEYS[name]["public"])
    parts = {1: 2, -1: 1, -2: public[:32], -3: public[32:], 3: -7, 2: name.encode()}
    if private:
        parts[-4] = bytes.fromhex(KEYS[name]["private"])
    return COSEKey.new(parts)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_it_verifies_ours(row: dict) -> None:
    payload = COSE.new().decode(
        bytes.fromhex(row["hex"]), _key(row["key"]), external_aad=bytes.fromhex(row["aad"])
    )
    assert payload == bytes.fromhex(row["payload"])


@pytest.mark.parametrize("row", WRONG, ids=lambda row: row["name"])
def test_it_refuses_what_ours_refuses(row: dict) -> None:
    with pytest.raises(VerifyError):
        COSE.new().decode(bytes.fromhex(row["hex"]), _key(row["key"]), external_aad=bytes.fromhex(row["aad"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_ours_takes_what_it_signs(row: dict) -> None:
    """But for its high s, every other time, which strict mode refuses and its lower twin repairs."""
    aad, payload = bytes.fromhex(row["aad"]), bytes.fromhex(row["payload"])
    signer = COSE.new(alg_auto_inclusion=False, kid_auto_inclusion=False)
    key = _key(row["key"], private=True)
    for _ in range(12):
        data = signer.encode(payload, key, protected={1: -7}, unprotected={}, external_aad=aad)
        if cose.is_high_s(data[-64:]):
            with pytest.raises(Fault) as refusal:
                cose.parse(data)
            assert refusal.value.code == HIGH_S
            data = data[:-32] + (N - int.from_bytes(data[-32:], "big")).to_bytes(32, "big")
        got, signature = cose.parse(data)
        assert got == payload
        assert verify(bytes.fromhex(KEYS[row["key"]]["public"]), cose.digest(aad, payload), signature)


def test_both_agree_on_the_shape() -> None:
    row = ROWS[0]
    tag = cbor2.loads(bytes.fromhex(row["hex"]))
    assert tag.tag == 18
    assert tag.value[:2] == [b"\xa1\x01\x26", {}]
