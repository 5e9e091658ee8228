# SPDX-License-Identifier: MIT
"""Answers P-256 questions, one line each, on whichever runtime starts it; argument: "best" or "int".

Started by tests/p256_runs.py, which says what the lines are; it checks nothing itself.
"""

import sys
from binascii import unhexlify

import farthing_agent.p256 as p256
from farthing_agent.p256 import bigint, curve, ecdsa

if sys.argv[1] == "int" or p256.backend() == "int":
    field = bigint.Field()
else:
    from farthing_agent.p256.viper import Field

    field = Field()
engine = curve.Curve(field)
peers = {}


def sign(private, digest):
    return ecdsa.sign(engine, private, digest).hex()


def public(private):
    return ecdsa.public_key(engine, private).hex()


def verify(key, digest, signature):
    return int(ecdsa.verify(engine, key, digest, signature))


def known(key, digest, signature):
    """With a comb table, which is kept for the lines after this one."""
    if key not in peers:
        peers.clear()
        x, y = ecdsa.point(key)
        peers[key] = x, y, engine.comb_table(x, y)
    factors = ecdsa.factors(engine, digest, signature)
    return int(factors is not None and engine.matches_known(*factors, *peers[key]))


COMMANDS = {"sign": sign, "public": public, "verify": verify, "known": known}

print(field.name, p256.self_test())
for line in sys.stdin:
    words = line.strip("\n").split(",")
    print(COMMANDS[words[0]](*[unhexlify(word) for word in words[1:]]))
