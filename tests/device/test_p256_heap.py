# SPDX-License-Identifier: MIT
"""P-256 works in a heap that long use has cut to pieces: after its import it needs no 1,200 bytes in one."""

from __future__ import annotations

from runtimes import run_device

IN_PIECES = """
import gc
import farthing_agent.p256 as p256

private, digest = bytes(range(1, 33)), bytes(range(32))
public = p256.public_key(private)

def fill(blocks, size):
    try:
        for i in range(len(blocks)):
            blocks[i] = bytearray(size)
    except MemoryError:
        return True

blocks, plugs = [None] * 256, [None] * 256
full = fill(blocks, 1024)
for i in range(0, 256, 2):
    blocks[i] = None
gc.collect()
# what is free side by side is taken again: only pieces of about 1 KB are left
print(full and fill(plugs, 1200), gc.mem_free() > 20000)
signature = p256.sign(private, digest)
print(p256.Peer(public).verify(digest, signature), p256.verify(public, digest, bytes(64)), p256.self_test())
"""


def test_a_peer_table_needs_no_large_block() -> None:
    done = run_device(IN_PIECES, heap="64wK", mpy=True)
    assert done.stdout.splitlines() == ["True True", "True False True"], done.stdout + done.stderr
