# SPDX-License-Identifier: MIT
"""RFC 8949 appendix A: what the strict reader takes and refuses of it.

Taken are exactly the deterministic integers, strings, arrays, maps and tags, false, true and null.
Refused are floats, undefined, other simple values and indefinite lengths.
"""

from __future__ import annotations

import json
from pathlib import Path

import cbor2
import pytest

from farthing import cbor, cbor_items
from farthing.faults import MALFORMED, Fault

CASES = json.loads(Path(__file__).with_name("rfc8949_appendix_a.json").read_text(encoding="utf-8"))


def _has_tag(value: object) -> bool:
    if isinstance(value, list):
        return any(_has_tag(item) for item in value)
    return isinstance(value, cbor_items.Tag)


def test_all_82_are_here() -> None:
    assert len(set(CASES["accepted"])) == 44
    assert len(set(CASES["refused"])) == 38
    assert not set(CASES["accepted"]) & set(CASES["refused"])


@pytest.mark.parametrize("text", CASES["accepted"])
def test_accepted(text: str) -> None:
    data = bytes.fromhex(text)
    value = cbor_items.loads(data)
    assert cbor.dumps(value) == data
    if not _has_tag(value):  # cbor2 turns tags into dates, big integers and the like
        assert value == cbor2.loads(data)


@pytest.mark.parametrize("text", CASES["refused"])
def test_refused(text: str) -> None:
    with pytest.raises(Fault) as refusal:
        cbor_items.loads(bytes.fromhex(text))
    assert refusal.value.code == MALFORMED
