# SPDX-License-Identifier: MIT
"""What the fuzz tests draw from: CBOR values, spoilt copies of the frozen vectors, and fixed keys."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import strategies as st

from farthing.cbor_items import Tag
from farthing_gateway.keys import GatewayKey

VECTORS = Path(__file__).parents[2] / "protocol" / "spec" / "vectors"


def vectors(name: str) -> dict:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def party(name: str) -> GatewayKey:
    """The published test key `name`."""
    (private,) = (row["private"] for row in vectors("keys")["keys"] if row["name"] == name)
    return GatewayKey(ec.derive_private_key(int(private, 16), ec.SECP256R1()))


integers = st.one_of(
    st.integers(-(2**64), 2**64 - 1),
    st.sampled_from([edge + step for edge in (0, 24, 256, 65536, 2**32, 2**63) for step in (-1, 0, 1)]),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = st.one_of(st.none(), st.booleans(), integers, st.binary(max_size=30), texts)
# No maps and no tags: where cbor2 and RFC 8949 agree byte for byte.
plain_values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5), max_leaves=20)
keys = st.one_of(integers, st.binary(max_size=6), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.builds(Tag, st.integers(0, 2**64 - 1), inner),
    ),
    max_leaves=12,
)


@cache
def inputs(*names: str) -> list[bytes]:
    """Every hex input of these vector files, valid and invalid."""
    found: list[bytes] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("hex"), str):
                found.append(bytes.fromhex(node["hex"]))
            for item in node.values():
                walk(item)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    for name in names:
        walk(vectors(name))
    return found


@st.composite
def spoilt(draw: st.DrawFn, *names: str) -> bytes:
    """An input of these vector files with up to three bytes changed, put in or taken out, cut, or doubled."""
    data = bytearray(draw(st.sampled_from(inputs(*names))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        how = draw(st.sampled_from(["change", "insert", "remove", "cut", "double"]))
        if how == "change" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif how == "insert":
            data.insert(at, draw(st.integers(0, 255)))
        elif how == "remove":
            del data[at : at + 1]
        elif how == "cut":
            del data[at:]
        elif how == "double" and len(data) < 4096:
            data = data * 2
    return bytes(data)


wire_bytes = st.one_of(
    st.binary(max_size=200), spoilt("cbor", "cose", "messages", "payments", "payee", "payword", "text")
)
