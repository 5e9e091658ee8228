# SPDX-License-Identifier: MIT
"""Time and garbage of the device's cryptography, run by the real MicroPython from the .mpy bundle.

The ceiling here is the bare SHA-256 of the same interpreter: the one primitive that is C on every board.
Not here: cycles of a real chip; a time on this machine is only worth its ratio.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from farthing_cli import bundle, fleet
from farthing_cli.errors import UserError

_SCRIPT = """
import gc, json, sys, time
from hashlib import sha256
from farthing import channel, messages, payword
from farthing.payer import Payer
from farthing_agent import p256

def timed(work, count):
    gc.collect()
    start = time.ticks_us()
    for _ in range(count):
        work()
    return time.ticks_diff(time.ticks_us(), start) / count

def garbage(work):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work()
    spent = gc.mem_alloc() - before
    gc.enable()
    return spent

private = bytes(range(1, 33))
digest = sha256(b"bench").digest()
public = p256.public_key(private)
signature = p256.sign(private, digest)
peer = p256.Peer(public)
terms = messages.Open("local", bytes(16), public, public, "EUR", 3600, 1, 1 << 28)
payer = Payer(terms, 1 << 28, private)
payer.reserve(1 << 28)
payer.next_chain(1, 4096)
buf = bytearray(45)
word = bytearray(32)
sign = lambda: p256.sign(private, digest)
print(json.dumps({
    "runtime": sys.version,
    "backend": p256.backend(),
    "sha256_us": timed(lambda: sha256(word).digest(), 2000),
    "tick_pay_us": timed(lambda: payer.tick_into(buf, 0), 2000),
    "tick_check_us": timed(lambda: payword.walk(word, 1), 2000),
    "sign_us": timed(sign, 20),
    "verify_known_us": timed(lambda: peer.verify(digest, signature), 20),
    "verify_unknown_us": timed(lambda: p256.verify(public, digest, signature), 10),
    "sign_garbage_bytes": garbage(sign),
}))
"""


def measure() -> dict[str, Any]:
    """Run the script on a virtual board; times in microseconds, garbage in bytes of a 64-bit heap.

    Raises UserError where there is no MicroPython, or where the script fails on it.
    """
    with tempfile.TemporaryDirectory() as folder, fleet.Fleet() as boards:
        board = boards.add("bench", bundle.build(Path(folder), _SCRIPT), heap="128wK")
        board.start()
        board.wait()
        if board.failure() or not board.lines:
            raise UserError(f"the bench's board ended with {board.failure()}", "see its lines with --debug")
        report = json.loads(board.lines[-1])
    report["signature_per_tick"] = report["sign_us"] / report["tick_check_us"]
    return report


def lines(report: dict[str, Any]) -> list[str]:
    """The report as plain lines."""
    out = [f"device back-end {report['backend']} on {report['runtime']}"]
    for name in ("tick_pay_us", "tick_check_us", "sign_us", "verify_known_us", "verify_unknown_us"):
        times = report[name] / report["sha256_us"]
        out.append(f"{name.removesuffix('_us')}: {report[name]:,.0f} us = {times:,.1f} bare SHA-256")
    out.append(f"one signature costs {report['signature_per_tick']:,.0f} tick checks")
    out.append(f"garbage of a signature: {report['sign_garbage_bytes']:,} bytes")
    return out
