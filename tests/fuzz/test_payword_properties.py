# SPDX-License-Identifier: MIT
"""PayWord and money for all lengths, orders and weights."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farthing import money, payword
from farthing.chain import Chain
from farthing.faults import BAD_WORD, Fault

many = settings(max_examples=150, deadline=None)
seeds = st.binary(min_size=32, max_size=32)


def all_words(seed: bytes, length: int) -> list[bytes]:
    chain = [seed]
    for _ in range(length):
        chain.append(sha256(chain[-1]).digest())
    return chain[::-1]


def word(chain: Chain, index: int) -> bytes:
    return chain.word(index)


@given(seeds, st.integers(1, 5000), st.data())
@many
def test_any_index_in_any_order(seed: bytes, length: int, data: st.DataObject) -> None:
    expected = all_words(seed, length)
    chain = Chain(seed, length)
    assert chain.root == expected[0]
    for index in data.draw(st.lists(st.integers(1, length), min_size=1, max_size=20)):
        assert word(chain, index) == expected[index]


@given(seeds, st.integers(1, 300))
@many
def test_in_order_each_word_is_one_hash_from_the_last(seed: bytes, length: int) -> None:
    chain = Chain(seed, length)
    known = chain.root
    for index in range(1, length + 1):
        payword.check_word(word(chain, index), 1, known)
        known = word(chain, index)
    assert known == seed


@given(seeds, st.integers(2, 400), st.data())
@many
def test_a_word_proves_its_own_index_only(seed: bytes, length: int, data: st.DataObject) -> None:
    words = all_words(seed, length)
    true = data.draw(st.integers(1, length))
    claimed = data.draw(st.integers(1, length).filter(lambda index: index != true))
    payword.check_word(words[true], true, words[0])
    with pytest.raises(Fault) as refusal:
        payword.check_word(words[true], claimed, words[0])
    assert refusal.value.code == BAD_WORD


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(0, 2**40), min_size=1, max_size=30).filter(any))
@settings(max_examples=500, deadline=None)
def test_split_sums_exactly_and_is_fair(total: int, weights: list[int]) -> None:
    parts = money.split(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert total * weight // whole <= part <= -(-total * weight // whole)
    remainders = [total * weight % whole for weight in weights]
    raised = [part - total * weight // whole for part, weight in zip(parts, weights, strict=True)]
    lucky = [(-remainders[i], i) for i, more in enumerate(raised) if more]
    others = [(-remainders[i], i) for i, more in enumerate(raised) if not more]
    assert not lucky or not others or max(lucky) < min(others)
