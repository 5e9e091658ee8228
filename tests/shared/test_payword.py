# SPDX-License-Identifier: MIT
"""PayWord chains: every index in any order, and words that must not pass."""

from farthing import payword
from farthing._compat import sha256
from farthing.chain import Chain, chain_seed
from farthing.faults import BAD_FIELD, BAD_WORD
from shared.check import raises, raw, refused, vectors


def word(chain, index):
    found = chain.word(index)
    assert len(found) == 32
    return found


def test_vectors():
    for row in vectors("payword")["valid"]:
        seed = chain_seed(bytes.fromhex(row["master"]), bytes.fromhex(row["channel"]), row["number"])
        chain = Chain(seed, row["length"])
        assert chain.root == bytes.fromhex(row["root"]), row["name"]
        for index, expected in row["words"]:
            assert word(chain, index) == bytes.fromhex(expected), row["name"]
            payword.check_word(bytes.fromhex(expected), index, chain.root)


def test_wrong_words_are_refused():
    rows = vectors("payword")["invalid"]
    refused(rows, lambda row: payword.check_word(raw(row), row["steps"], bytes.fromhex(row["known"])))


def test_each_word_hashes_to_the_one_before_for_every_small_length():
    for length in (1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65):
        chain = Chain(bytes(32), length)
        known = chain.root
        for index in range(1, length + 1):
            new = word(chain, index)
            assert sha256(new).digest() == known, (length, index)
            known = new
        assert known == bytes(32)


def test_order_of_asking_does_not_matter():
    forward, backward = Chain(b"s" * 32, 50), Chain(b"s" * 32, 50)
    rising = [word(forward, index) for index in range(1, 51)]
    falling = [word(backward, index) for index in range(50, 0, -1)]
    assert rising == falling[::-1]
    assert word(forward, 7) == rising[6] and word(forward, 44) == rising[43]


def test_index_and_length_are_bounded():
    for length in (0, -1, 65536):
        raises(BAD_FIELD, Chain, bytes(32), length)
    chain = Chain(bytes(32), 5)
    for index in (0, -1, 6):
        raises(BAD_FIELD, chain.word, index)


def test_a_seed_is_of_one_master_channel_and_number():
    seeds = [
        chain_seed(bytes(32), bytes(32), 1),
        chain_seed(bytes(32), bytes(32), 2),
        chain_seed(bytes(32), bytes(32), 256),
        chain_seed(bytes(32), b"\x01" + bytes(31), 1),
        chain_seed(b"\x01" + bytes(31), bytes(32), 1),
    ]
    assert len(set(seeds)) == 5


def test_walk_of_nothing_is_the_word_itself():
    assert payword.walk(b"w" * 32, 0) == b"w" * 32
    raises(BAD_WORD, payword.check_word, b"w" * 32, 1, b"w" * 32)
