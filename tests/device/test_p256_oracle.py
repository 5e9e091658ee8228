# SPDX-License-Identifier: MIT
"""3,000 deterministic signatures, byte for byte against `cryptography`, in both directions."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from farthing_agent.p256.constants import N
from p256_runs import Question, ask

# The ends of the range, and scalars with long runs of equal bits, where recoding errors would sit.
# (MEETS_ITSELF is the k whose comb adds a point to itself, see test_p256.py.)
MEETS_ITSELF = 0xFFFFF7FF00000000FF7FFFFFFFFFFFF7BCE6FAADA7171E84F3B9CAC2F4632551
EDGES = [
    1,
    2,
    3,
    4,
    15,
    16,
    N - 1,
    N - 2,
    N - 3,
    (N + 1) // 2,
    (N - 1) // 2,
    2**255,
    2**224 - 1,
    2**128,
    2**26,
    2**52,
    MEETS_ITSELF,
]
# A digest is a number too: 0, and some that are not below the order.
DIGESTS = [bytes(32), b"\xff" * 32, *(number.to_bytes(32, "big") for number in (1, N - 1, N, N + 1))]
PLAIN = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
DETERMINISTIC = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)


@dataclass
class Case:
    """What `cryptography` makes of one key and one message."""

    private: bytes
    public: bytes
    digest: bytes
    raw: bytes
    low: bytes
    key: ec.EllipticCurvePublicKey


def cases(count: int) -> list[Case]:
    seed = secrets.randbits(32)
    print("seed", seed)
    rng = random.Random(seed)
    numbers = EDGES + [rng.randrange(1, N) for _ in range(count - len(EDGES))]
    digests = DIGESTS + [
        sha256(rng.randbytes(rng.randrange(80))).digest() for _ in range(count - len(DIGESTS))
    ]
    return [_case(number, digest) for number, digest in zip(numbers, digests, strict=True)]


def _case(number: int, digest: bytes) -> Case:
    private = ec.derive_private_key(number, ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    r, s = utils.decode_dss_signature(private.sign(digest, DETERMINISTIC))
    return Case(
        number.to_bytes(32, "big"),
        numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"),
        digest,
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big"),
        private.public_key(),
    )


@pytest.mark.parametrize(
    ("runtime", "backend", "count"),
    [("micropython", "best", 3000), ("micropython", "int", 100), ("cpython", "int", 500)],
)
def test_keys_and_signatures_are_those_of_cryptography(runtime: str, backend: str, count: int) -> None:
    known = cases(count)
    questions: list[Question] = []
    for case in known:
        questions += [("sign", case.private, case.digest), ("public", case.private)]
    answers = ask(runtime, backend, questions)
    assert answers[::2] == [case.low.hex() for case in known]
    assert answers[1::2] == [case.public.hex() for case in known]
    for case, answer in zip(known, answers[::2], strict=True):
        r, s = int(answer[:64], 16), int(answer[64:], 16)
        case.key.verify(utils.encode_dss_signature(r, s), case.digest, PLAIN)


@pytest.mark.parametrize(
    ("runtime", "backend", "count"),
    [("micropython", "best", 3000), ("micropython", "int", 40), ("cpython", "int", 200)],
)
@pytest.mark.parametrize("command", ["verify", "known"])
def test_signatures_of_cryptography_verify_and_altered_ones_do_not(
    runtime: str, backend: str, count: int, command: str
) -> None:
    known = cases(count)
    rng = random.Random(count)
    questions: list[Question] = []
    for case in known:
        questions.append((command, case.public, case.digest, case.raw))
        questions.append((command, case.public, *_altered(case, rng)))
    answers = ask(runtime, backend, questions)
    assert answers == ["1", "0"] * count


def _altered(case: Case, rng: random.Random) -> tuple[bytes, bytes]:
    """One bit of the digest or of the signature turned."""
    both = bytearray(case.digest + case.raw)
    both[rng.randrange(96)] ^= 1 << rng.randrange(8)
    return bytes(both[:32]), bytes(both[32:])
