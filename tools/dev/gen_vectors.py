# SPDX-License-Identifier: MIT
"""Writes protocol/spec/vectors/*.json, or with --check compares them with what it would write.

    python tools/dev/gen_vectors.py [--check]

The same input gives the same files on every machine. What the vectors are is in the vectors_* modules.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import vectors_channel
import vectors_encoding
import vectors_messages
import vectors_text
from vector_kit import PARTIES, TYPES, Row

FOLDER = Path(__file__).resolve().parents[2] / "protocol" / "spec" / "vectors"


def keys() -> Row:
    return {
        "about": "P-256 keys of all vectors; private keys are published, never use them",
        "keys": [
            {"name": party.name, "private": party.private.hex(), "public": party.public.hex(),
             "thumbprint": party.thumbprint.hex(), "id": party.id.hex()}
            for party in PARTIES
        ],
        "types": TYPES,
    }


def files() -> dict[str, Row]:
    """File name -> content."""
    return {
        "keys": keys(),
        "cbor": {
            "about": "RFC 8949 4.2.1; valid ones re-encode to the same bytes",
            "valid": vectors_encoding.cbor_valid(), "invalid": vectors_encoding.cbor_invalid(),
        },
        "cose": {
            "about": "COSE_Sign1; unverified ones are well-formed and signed wrongly",
            "valid": vectors_encoding.cose_valid(), "invalid": vectors_encoding.cose_invalid(),
            "unverified": vectors_encoding.cose_unverified(),
        },
        "messages": {
            "about": "signed: hex is the message, payload its array; others: hex is the array",
            "signed": vectors_messages.signed_valid(), "plain": vectors_messages.plain_valid(),
            "invalid": vectors_messages.invalid(), "too_large": vectors_messages.too_large(),
        },
        "channel": {"about": "channel terms and their hash", "valid": vectors_channel.channel_valid()},
        "payments": {
            "about": "vouchers and commitments; invalid: hex is the payload",
            "valid": vectors_channel.payments_valid(), "invalid": vectors_channel.payments_invalid(),
        },
        "payword": {
            "about": "chains; invalid: hex is a word that must not reach `known` in `steps` hashes",
            "valid": vectors_channel.payword_valid(), "invalid": vectors_channel.payword_invalid(),
        },
        "payee": {
            "about": "a payee of the shared channel, fed step by step; state is [cum, seq, index] after it",
            "stories": vectors_channel.stories(),
        },
        "text": {
            "about": "topics, money and readings",
            "topics": vectors_text.topics_valid(), "bad_topics": vectors_text.topics_invalid(),
            "split": vectors_text.split(), "senml": vectors_text.senml_valid(),
            "bad_senml": vectors_text.senml_invalid(),
        },
    }


def main(arguments: list[str]) -> int:
    check = arguments == ["--check"]
    if arguments and not check:
        print("usage: gen_vectors.py [--check]", file=sys.stderr)
        return 2
    stale = []
    for name, content in files().items():
        path = FOLDER / f"{name}.json"
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(path.name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        names = ", ".join(stale)
        print(f"not what the generator writes: {names}; run tools/dev/gen_vectors.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
