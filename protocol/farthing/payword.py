# SPDX-License-Identifier: MIT
"""PayWord hash chains (Rivest and Shamir 1996): one SHA-256 pre-image is one paid unit.

word[0] is the root that the payer signs, word[i-1] = SHA-256(word[i]), word[length] comes from a seed.
Here is the verifier's side; chain.py has the payer's. Not here: which channel, price or payee a chain belongs
to; the signed commitment says that (channel.py).
"""

from ._compat import sha256
from .faults import BAD_WORD, Fault


def walk(word: bytes, steps: int) -> bytes:
    """Hash `word` `steps` times (steps >= 0)."""
    while steps:
        word = sha256(word).digest()
        steps -= 1
    return bytes(word)


def check_word(word: bytes, steps: int, known: bytes) -> None:
    """Raise Fault(BAD_WORD) unless `word` hashes to `known` in exactly `steps` (>= 1) steps."""
    if walk(word, steps) != known:
        raise Fault(BAD_WORD)
