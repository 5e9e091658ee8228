# SPDX-License-Identifier: MIT
"""The tree is RFC 6962's: known values of its reference log, a second construction, and proofs that bind."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing_gateway import merkle

# The leaves and tree heads of the reference implementation's own test (certificate-transparency, merkletree).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
HEADS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EMPTY_HEAD = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
# The path of the sixth of the eight leaves, from the same test.
PATH_6_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]

leaf_lists = st.lists(st.binary(max_size=40), min_size=1, max_size=40)


@pytest.mark.parametrize("size", range(1, 9))
def test_heads_of_the_reference_log(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == HEADS[size - 1]


def test_the_head_of_nothing() -> None:
    assert merkle.root([]).hex() == EMPTY_HEAD


def test_a_path_of_the_reference_log() -> None:
    assert [node.hex() for node in merkle.proof(LEAVES, 5)] == PATH_6_OF_8


def level_by_level(leaves: list[bytes]) -> bytes:
    """The same tree built from below: pair the nodes of a level, carry an odd one up."""
    level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + (level[-1:] if len(level) % 2 else [])
    return level[0]


@given(leaf_lists)
def test_the_head_is_the_one_of_another_construction(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == level_by_level(leaves)


@given(leaf_lists, st.data())
def test_every_leaf_has_a_proof(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.proof(leaves, index)
    assert merkle.verify_proof(leaves[index], index, len(leaves), path, merkle.root(leaves))


@given(leaf_lists, st.data())
def test_a_proof_holds_for_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    size, path, root = len(leaves), merkle.proof(leaves, index), merkle.root(leaves)
    assert not merkle.verify_proof(leaves[index] + b"x", index, size, path, root)
    assert not merkle.verify_proof(leaves[index], index, size, [*path, bytes(32)], root)
    assert not merkle.verify_proof(leaves[index], index, size, path, sha256(root).digest())
    if path:
        assert not merkle.verify_proof(leaves[index], index, size, path[:-1], root)
        assert not merkle.verify_proof(leaves[index], index, size, [bytes(32), *path[1:]], root)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 8, 13, 100])
def test_all_proofs_at_once_are_the_single_ones(size: int) -> None:
    leaves = [bytes([number]) for number in range(size)]
    assert merkle.proofs(leaves) == [merkle.proof(leaves, index) for index in range(size)]



@given(leaf_lists, st.integers(-3, 60))
def test_no_index_outside_the_tree(leaves: list[bytes], index: int) -> None:
    inside = 0 <= index < len(leaves)
    assert inside or not merkle.verify_proof(leaves[0], index, len(leaves), (), merkle.root(leaves))


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.root([left + right]) != merkle.root([b"a", b"b"])


def test_a_leaf_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(IndexError):
        merkle.proof([b"a"], 1)
