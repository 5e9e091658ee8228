# SPDX-License-Identifier: MIT
"""Every P-256 verification of Project Wycheproof in raw form, on both back-ends and both runtimes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from farthing import cose
from farthing_agent.p256.constants import N
from p256_runs import ask

VECTORS = json.loads(Path(__file__).with_name("wycheproof_p256.json").read_text(encoding="utf-8"))
CASES = [
    (bytes.fromhex(VECTORS["keys"][key]), bytes.fromhex(message), bytes.fromhex(signature), valid)
    for _, key, message, signature, valid in VECTORS["cases"]
]
HIGH_AND_VALID = 70


@pytest.mark.parametrize(
    ("runtime", "backend"), [("micropython", "best"), ("micropython", "int"), ("cpython", "int")]
)
@pytest.mark.parametrize("command", ["verify", "known"])
def test_all_262_verdicts_agree(runtime: str, backend: str, command: str) -> None:
    answers = ask(
        runtime, backend, [(command, key, sha256(message).digest(), s) for key, message, s, _ in CASES]
    )
    wrong = [
        number
        for (number, *_, valid), answer in zip(VECTORS["cases"], answers, strict=True)
        if answer != str(int(valid))
    ]
    assert len(answers) == 262
    assert not wrong


def test_the_strict_rule_refuses_exactly_the_valid_signatures_with_a_high_s() -> None:
    valid = [signature for *_, signature, is_valid in CASES if is_valid]
    refused = [signature for signature in valid if cose.is_high_s(signature)]
    assert refused == [signature for signature in valid if int.from_bytes(signature[32:], "big") > N // 2]
    assert len(refused) == HIGH_AND_VALID
