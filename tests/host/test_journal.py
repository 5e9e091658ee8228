# SPDX-License-Identifier: MIT
"""The journal's form and rules: chained from the instance, balanced, not overdrawn, one entry a reference."""

import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing import cbor
from farthing_gateway import journal
from farthing_gateway.journal import HOUSE, WORLD, JournalError
from farthing_gateway.store import Store

ALICE, BOB = journal.device_account(b"A" * 16), journal.device_account(b"B" * 16)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "a.db", net="lab", clock=lambda: 77) as opened:
        yield opened


def post(store: Store, kind: str, ref: str, *postings: tuple[str, int], time_ms: int = 5) -> journal.Entry:
    return store.run(lambda connection: journal.append(connection, time_ms, kind, ref, postings))


def refusal(store: Store, kind: str, ref: str, *postings: tuple[str, int]) -> str:
    before = store.read(snapshot)
    with pytest.raises(JournalError) as caught:
        post(store, kind, ref, *postings)
    assert store.read(snapshot) == before
    assert "\n" not in caught.value.sentence
    return caught.value.code


def snapshot(connection: sqlite3.Connection) -> tuple:
    return journal.balances(connection), journal.head(connection), list(journal.entries(connection))


def test_the_first_entry_begins_the_chain_and_names_the_ledger(store: Store) -> None:
    (first,) = store.read(lambda connection: list(journal.entries(connection)))
    assert first.prev == sha256(store.instance).digest()
    assert cbor2.loads(first.body) == [1, 77, "genesis", f"genesis:local:lab:{store.instance.hex()}", []]


def test_an_entry_is_the_hash_of_the_one_before_and_its_body(store: Store) -> None:
    first = post(store, "deposit", "one", (WORLD, -7), (ALICE, 7))
    second = post(store, "deposit", "two", (WORLD, -8), (ALICE, 8))
    assert second.prev == first.hash
    assert second.hash == sha256(first.hash + second.body).digest()
    assert cbor2.loads(second.body) == [3, 5, "deposit", "two", [[WORLD, -8], [ALICE, 8]]]
    assert store.read(journal.head) == (3, second.hash)
    assert store.read(journal.balances) == {ALICE: 15, WORLD: -15}


postings = st.lists(st.tuples(st.text(max_size=9), st.integers(-(2**63) + 1, 2**63 - 1)), max_size=9)


@given(st.integers(0, 2**60), st.integers(0, 2**50), postings)
def test_a_body_is_what_the_shared_codec_writes(seq: int, time_ms: int, lines: list) -> None:
    """Two encoders agree, so an auditor may use either."""
    body = journal.encode_body(seq, time_ms, "settle", "ref", lines)
    assert body == cbor.dumps([seq, time_ms, "settle", "ref", [list(each) for each in lines]])


def test_a_reference_is_booked_once(store: Store) -> None:
    """P9: same bytes twice, same answer, no change."""
    first = post(store, "deposit", "one", (WORLD, -7), (ALICE, 7))
    assert post(store, "deposit", "one", (WORLD, -7), (ALICE, 7), time_ms=99) == first
    assert store.read(journal.balances)[ALICE] == 7
    assert refusal(store, "deposit", "one", (WORLD, -8), (ALICE, 8)) == "ref_reused"
    assert refusal(store, "withdraw", "one", (WORLD, -7), (ALICE, 7)) == "ref_reused"


def test_only_the_world_may_be_negative(store: Store) -> None:
    post(store, "deposit", "one", (WORLD, -7), (ALICE, 7))
    assert refusal(store, "fee", "two", (ALICE, -8), (BOB, 8)) == "overdrawn"
    assert refusal(store, "fee", "two", (HOUSE, -1), (BOB, 1)) == "overdrawn"
    post(store, "fee", "two", (ALICE, -7), (HOUSE, 7))
    assert store.read(journal.balances) == {ALICE: 0, HOUSE: 7, WORLD: -7}


def test_what_does_not_sum_to_zero_is_refused(store: Store) -> None:
    assert refusal(store, "deposit", "one", (WORLD, -7), (ALICE, 8)) == "unbalanced"
    assert refusal(store, "deposit", "one", (ALICE, 8)) == "unbalanced"


@pytest.mark.parametrize(
    ("kind", "ref", "postings"),
    [
        ("deposit", "zero", ((WORLD, 0), (ALICE, 0))),
        ("deposit", "twice", ((WORLD, -2), (ALICE, 1), (ALICE, 1))),
        ("deposit", "name", ((WORLD, -1), ("device:xyz", 1))),
        ("deposit", "wide", ((WORLD, -(2**63)), (ALICE, 2**63))),
        ("deposit", "line\nbreak", ()),
        ("deposit", "", ()),
        ("deposit", "x" * 129, ()),
        ("Deposit!", "kind", ()),
    ],
)
def test_what_is_no_entry_is_refused(store: Store, kind: str, ref: str, postings: tuple) -> None:
    assert refusal(store, kind, ref, *postings) == "bad_posting"


def test_a_balance_stays_a_64_bit_amount(store: Store) -> None:
    most = journal.INT64_MAX
    post(store, "deposit", "all", (WORLD, -most), (ALICE, most))
    assert refusal(store, "deposit", "more", (WORLD, -1), (BOB, 1)) == "bad_posting"
    assert refusal(store, "deposit", "more", (WORLD, -1), (ALICE, 1)) == "bad_posting"
