# SPDX-License-Identifier: MIT
"""Merkle tree of RFC 6962 section 2.1: root, audit path of one leaf, and its check.

A leaf hash starts with 0x00 and a node hash with 0x01, so no node passes for a leaf. It encodes no row.
"""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The 32-byte tree head; SHA-256 of nothing for no leaves."""
    return _tree([leaf_hash(leaf) for leaf in leaves])


def proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Audit path of leaf `index`, lowest sibling first (RFC 6962 2.1.1). Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of {len(leaves)}")
    return tuple(_path([leaf_hash(leaf) for leaf in leaves], index))


def proofs(leaves: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """Audit paths of all leaves, in n log n where one after the other costs n squared."""
    return [tuple(path) for path in _all_paths([leaf_hash(leaf) for leaf in leaves])[1]] if leaves else []


def verify_proof(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """True when `leaf` is number `index` of the `size` leaves under the root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, digest = index, size - 1, leaf_hash(leaf)
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and digest == expected_root


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _tree(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"").digest()
    middle = _split(len(hashes))
    return node_hash(_tree(hashes[:middle]), _tree(hashes[middle:]))


def _path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    if len(hashes) < 2:
        return []
    middle = _split(len(hashes))
    if index < middle:
        return [*_path(hashes[:middle], index), _tree(hashes[middle:])]
    return [*_path(hashes[middle:], index - middle), _tree(hashes[:middle])]


def _all_paths(hashes: Sequence[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Root of at least one leaf, and the path of each."""
    if len(hashes) == 1:
        return hashes[0], [[]]
    middle = _split(len(hashes))
    left, left_paths = _all_paths(hashes[:middle])
    right, right_paths = _all_paths(hashes[middle:])
    paths = [[*path, right] for path in left_paths] + [[*path, left] for path in right_paths]
    return node_hash(left, right), paths
