# SPDX-License-Identifier: MIT
"""COSE_Sign1 (RFC 9052 4.2) with ES256, in the one strict shape this protocol has.

Tag 18, protected header exactly {1: -7}, empty unprotected header, payload inside, s <= n/2. What a signature
is for (ledger, channel, message type) is bound by external_aad and costs no byte on the wire.
Not here: the signature itself. `digest` is what a signer signs and a verifier verifies.
"""

from ._compat import const, sha256
from .cbor import BSTR, Reader, dumps, put_bytes, put_head, put_raw
from .faults import BAD_COSE, HIGH_S, Fault
from .limits import HASH, ID, MESSAGE, SIGNATURE

NO_CHANNEL = bytes(HASH)  # the channel hash of a message that belongs to none

# Message types, bound into every signature (rule P15: types are not interchangeable).
OFFER = 1
HELLO = 2
OPEN = 3
OPENED = 4
TAKE = 5
VOUCHER = 6
COMMITMENT = 7
HEAD = 8
RECEIPT = 9
CLOSE = 10
BEACON = 11

_PREFIX = b"\xd2\x84\x43\xa1\x01\x26\xa0"  # tag 18, array of 4, protected {1: -7}, unprotected {}
_SIG_STRUCTURE = b"\x84\x6aSignature1\x43\xa1\x01\x26"
_PREFIX_SIZE = const(7)
_OVERHEAD = const(76)  # prefix 7, payload head at most 3, signature 2 + 64
HALF_N = (
    b"\x7f\xff\xff\xff\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"
    b"\xde\x73\x7d\x56\xd3\x8b\xcf\x42\x79\xdc\xe5\x61\x7e\x31\x92\xa8"
)


def external_aad(ledger: str, channel_hash: bytes, kind: int) -> bytes:
    """Deterministic CBOR of ["farthing/1", ledger id, 32-byte channel hash, message type]."""
    return dumps(["farthing/1", ledger, channel_hash, kind])


def digest(aad: bytes, payload: bytes) -> bytes:
    """SHA-256 of the Sig_structure (RFC 9052 4.4): the 32 bytes that ES256 signs."""
    head = bytearray(9)
    state = sha256(_SIG_STRUCTURE)
    for part in (aad, payload):
        size = put_head(head, 0, BSTR, len(part))
        state.update(memoryview(head)[:size])
        state.update(part)
    return state.digest()


def sign1_into(buf: bytearray, pos: int, payload: bytes, signature: bytes) -> int:
    """Write the whole COSE_Sign1 at `pos`; returns the next position."""
    pos = put_raw(buf, pos, _PREFIX, 7)
    pos = put_bytes(buf, pos, payload)
    return put_bytes(buf, pos, signature)


def sign1(payload: bytes, signature: bytes) -> bytes:
    """The whole COSE_Sign1 as bytes."""
    buf = bytearray(len(payload) + _OVERHEAD)
    return bytes(memoryview(buf)[: sign1_into(buf, 0, payload, signature)])


def read(reader: Reader) -> tuple[bytes, bytes]:
    """Consume one strict COSE_Sign1 of a CBOR sequence; returns (payload, signature).

    Raises Fault(BAD_COSE) for any other shape, Fault(HIGH_S) for a malleable signature.
    The signature is *not* verified here.
    """
    try:
        start = reader.skip(_PREFIX_SIZE)
        if bytes(memoryview(reader.data)[start : reader.pos]) != _PREFIX:
            raise Fault(BAD_COSE)
        payload = reader.bstr(0, MESSAGE)
        signature = reader.bstr(SIGNATURE, SIGNATURE)
    except Fault:
        raise Fault(BAD_COSE)
    if is_high_s(signature):
        raise Fault(HIGH_S)
    return payload, signature


def parse(data: bytes) -> tuple[bytes, bytes]:
    """`read` for one message on its own: trailing bytes are Fault(BAD_COSE) too."""
    reader = Reader(data)
    parts = read(reader)
    if reader.more():
        raise Fault(BAD_COSE)
    return parts


def is_high_s(signature: bytes) -> bool:
    """True for s > n/2, which strict verification refuses."""
    return signature[HASH:] > HALF_N


def thumbprint(key: bytes) -> bytes:
    """RFC 9679 COSE key thumbprint (SHA-256, 32 bytes) of a P-256 public key of 64 bytes x || y."""
    state = sha256(b"\xa4\x01\x02\x20\x01\x21\x58\x20")  # {1: 2, -1: 1, -2: x, -3: y}
    state.update(key[:HASH])
    state.update(b"\x22\x58\x20")
    state.update(key[HASH:])
    return state.digest()


def key_id(key: bytes) -> bytes:
    """The 16-byte device id of a public key."""
    return thumbprint(key)[:ID]
