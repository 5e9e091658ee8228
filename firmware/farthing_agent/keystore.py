# SPDX-License-Identifier: MIT
"""The board's one private key: made here on first use, never leaving; signs, and verifies for others.

`sign` and `verify` are awaited, so that an agent stays live where they take long.
Not here: what is signed. Power and fault attacks on the arithmetic are not covered.
"""

import os
import sys

from farthing._compat import const
from farthing.cose import key_id
from farthing.faults import NO_KEY, SELF_TEST, Fault
from farthing.hmac import hmac_sha256

from . import p256
from .health import room

_PEERS = const(2)  # tables of known keys, 2 KB each
_PEER_ROOM = const(24576)  # to make one takes 10 KB for a moment, and trading needs the same again


def forget(package: str, module: str) -> None:
    """Take a module that only the start needs out of RAM."""
    if sys.modules.pop(package + "." + module, None):
        delattr(sys.modules[package], module)


class Keystore:
    """Raises Fault(SELF_TEST) for arithmetic with wrong answers, Fault(NO_KEY) for a bad key file."""

    def __init__(self, files, name: str = "key.bin"):
        if not p256.self_test():
            raise Fault(SELF_TEST)
        forget("farthing_agent.p256", "selftest")
        if not files.size(name):
            files.write_secret(name, p256.generate(os.urandom))
        self._private = files.read(name, 0, 33)
        try:
            self.public = p256.public_key(self._private)
        except ValueError:
            raise Fault(NO_KEY)
        self.id = key_id(self.public)
        self.backend = p256.backend()
        self._peers = {}  # key -> its table

    def master(self) -> bytes:
        """The secret that PayWord chains grow from."""
        return hmac_sha256(self._private, b"farthing payword")

    async def sign(self, digest: bytes) -> bytes:
        """The 64-byte signature of a 32-byte digest; the same digest gives the same bytes."""
        return p256.sign(self._private, digest)

    async def verify(self, key: bytes, digest: bytes, signature: bytes) -> bool:
        """True for a valid signature; about three times as quick for a key that is held."""
        peer = self._peers.get(key)
        return peer.verify(digest, signature) if peer else p256.verify(key, digest, signature)

    def hold(self, key: bytes) -> None:
        """Make a table for a key that will sign often, while there is room for one more."""
        if key in self._peers or len(self._peers) >= _PEERS:
            return
        if room() < _PEER_ROOM:
            return
        try:
            self._peers[key] = p256.Peer(key)
        except ValueError:
            return  # no point of the curve: what it signs is refused, one by one

    def release(self, key: bytes) -> None:
        """Give the room of a held key back."""
        self._peers.pop(key, None)
