# SPDX-License-Identifier: MIT
"""P-256 works in a heap that long use has cut to pieces: nothing it does needs 2 KB in one."""

from __future__ import annotations

from runtimes import run_device

IN_PIECES = """
import gc
import farthing_agent.p256 as p256

private, digest = bytes(range(1, 33)), bytes(range(32))
public = p256.public_key(private)
blocks = [None] * 256
try:
    for i in range(256):
        blocks[i] = bytearray(1024)
except MemoryError:
    pass
for i in range(0, 256, 2):
    blocks[i] = None
gc.collect()
try:
    bytearray(2048)
except MemoryError:
    print("in pieces")
signature = p256.sign(private, digest)
print(p256.Peer(public).verify(digest, signature), p256.verify(public, digest, bytes(64)), p256.self_test())
"""


def test_a_peer_table_needs_no_large_block() -> None:
    done = run_device(IN_PIECES, heap="64wK", mpy=True)
    assert done.stdout.splitlines() == ["in pieces", "True False True"], done.stdout + done.stderr
