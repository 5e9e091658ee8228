# SPDX-License-Identifier: MIT
"""Everything that a board does with P-256, once; what heap that needs is in tests/budgets.toml."""

import farthing_agent.p256 as p256

PRIVATE = bytes(range(1, 33))
DIGEST = bytes(range(32))

assert p256.self_test()
public = p256.public_key(PRIVATE)
peer = p256.Peer(public)
signature = p256.sign(PRIVATE, DIGEST)
assert peer.verify(DIGEST, signature)
assert p256.verify(public, DIGEST, signature)
