# SPDX-License-Identifier: MIT
"""Answers P-256 questions, one line each, on whichever runtime starts it; argument: "best" or "int".

Started by tests/p256_runs.py, which says what the lines are; it checks nothing itself.
"""

import sys
from binascii import unhexlify

import farthing_agent.p256 as p256
from farthing_agent.p256 import bigint, curve

if sys.argv[1] == "int" or p256.backend() == "int":
    field = bigint
else:
    from farthing_agent.p256 import limbs as field
engine = curve.Curve(field)
peers = {}


def sign(private, digest):
    return p256.sign(private, digest, engine).hex()


def public(private):
    return p256.public_key(private, engine).hex()


def verify(key, digest, signature):
    return int(p256.verify(key, digest, signature, engine))


def known(key, digest, signature):
    """With a comb table, which is kept for the lines after this one."""
    if key not in peers:
        peers.clear()
        peers[key] = p256.Peer(key, engine)
    return int(peers[key].verify(digest, signature))


COMMANDS = {"sign": sign, "public": public, "verify": verify, "known": known}

print(field.NAME, p256.self_test())
for line in sys.stdin:
    words = line.strip("\n").split(",")
    print(COMMANDS[words[0]](*[unhexlify(word) for word in words[1:]]))
