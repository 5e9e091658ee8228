# SPDX-License-Identifier: MIT
"""Every message of protocol/spec/wire.cddl: field names, sizes, encoding and strict decoding.

Most payloads are CBOR arrays described by a one-line layout; `b64` is exactly 64 bytes, `B32` at most 32,
`t16` a text of 1 to 16 bytes, `u4` an unsigned integer below 256**4. Voucher and commitment payloads have a
fixed width instead, so that a contract can rebuild what was signed.
Not here: who may send what, and whether a signature is right.
"""

from collections import namedtuple

from ._compat import sha256
from .cbor import ARRAY, BSTR, Reader, dumps, put_be, put_bytes, put_head
from .cose import key_id
from .faults import BAD_FIELD, MALFORMED, TOO_LARGE, Fault
from .limits import CHAIN_LENGTH, HANDLE, HASH, MAX_MICRO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Signed payloads (COSE_Sign1)
Offer = namedtuple("Offer", "id key good unit price min max quality terms valid_until_s seq")
Hello = namedtuple("Hello", "key agent runtime")
Open = namedtuple("Open", "ledger instance payer payee unit window_s epoch amount")
Opened = namedtuple("Opened", "ledger instance payer payee unit window_s epoch cap")
Take = namedtuple("Take", "handle offer offer_seq price units")
Head = namedtuple("Head", "handle count head cum")
Receipt = namedtuple("Receipt", "handle cum seq index settled batch root state")
Close = namedtuple("Close", "handle cum")
Beacon = namedtuple("Beacon", "key time_s ledger instance unit window_s seq")
# Plain messages
Tick = namedtuple("Tick", "handle index word")
Delivery = namedtuple("Delivery", "handle count body")
Ack = namedtuple("Ack", "handle cum seq index")
Notice = namedtuple("Notice", "code handle detail")
Proof = namedtuple("Proof", "row index size path")
# Fixed width
Voucher = namedtuple("Voucher", "handle cum seq")
Commitment = namedtuple("Commitment", "handle cum seq root unit length")

_LAYOUTS = {
    Offer: "b8 b64 t16 t8 u8 u4 u4 u4 u4 u8 u4",
    Hello: "b64 t16 t96",
    Open: "t32 B32 b64 b64 t8 u4 u4 u8",
    Opened: "t32 B32 b64 b64 t8 u4 u4 u8",
    Take: "b4 b8 u4 u8 u4",
    Head: "b4 u4 b32 u8",
    Receipt: "b4 u8 u4 u4 u8 u4 B32 u1",
    Close: "b4 u8",
    Beacon: "b64 u8 t32 B32 t8 u4 u4",
    Tick: "b4 u4 b32",
    Delivery: "b4 u4 B512",
    Ack: "b4 u8 u4 u4",
    Notice: "u2 B4 u4",
    Proof: "B160 u4 u4 B1024",
}

# Receipt.state
OPEN = 0
CLOSING = 1
CLOSED = 2

VOUCHER_SIZE = 16
COMMITMENT_SIZE = 60


def encode(message) -> bytes:
    """The CBOR array of any message but voucher and commitment. Raises Fault(BAD_FIELD)."""
    data = dumps(list(message))
    decode(type(message), data)
    return data


def decode(kind, data: bytes):
    """Decode exactly one message of class `kind`. Raises Fault(MALFORMED) or Fault(BAD_FIELD)."""
    reader = Reader(data)
    message = read(kind, reader)
    reader.done()
    return message


def read(kind, reader: Reader):
    """`decode` for one item of a CBOR sequence."""
    layout = _LAYOUTS[kind].split()
    if reader.head(ARRAY) != len(layout):
        raise Fault(BAD_FIELD)
    return kind(*[_field(reader, spec) for spec in layout])


def _field(reader: Reader, spec: str):
    size = int(spec[1:])
    if spec[0] == "u":
        value = reader.uint(size)
        if value > MAX_MICRO:
            raise Fault(BAD_FIELD)
        return value
    if spec[0] == "t":
        return reader.tstr(1, size)
    return reader.bstr(size if spec[0] == "b" else 0, size)


def channel_hash(terms) -> bytes:
    """SHA-256 of the array [ledger, instance, payer, payee, unit, window_s, epoch] of an Open or Opened."""
    return sha256(dumps(list(terms[:7]))).digest()


def sender_of(message) -> bytes:
    """The 16-byte id of the key that a Hello, Offer or Beacon carries."""
    return key_id(message.key)


# --- payments


def voucher_payload_into(buf: bytearray, pos: int, handle: bytes, cum: int, seq: int) -> int:
    """Write handle(4) | cumulative(8) | seq(4), big-endian: 16 bytes."""
    buf[pos : pos + HANDLE] = handle
    pos = put_be(buf, pos + HANDLE, cum, 8)
    return put_be(buf, pos, seq, 4)


def commitment_payload(commitment: Commitment) -> bytes:
    """The voucher's 16 bytes, then root(32) | unit(8) | length(4)."""
    buf = bytearray(COMMITMENT_SIZE)
    pos = voucher_payload_into(buf, 0, commitment.handle, commitment.cum, commitment.seq)
    buf[pos : pos + HASH] = commitment.root
    pos = put_be(buf, pos + HASH, commitment.unit, 8)
    put_be(buf, pos, commitment.length, 4)
    return bytes(buf)


def payment(payload: bytes) -> "Any":
    """The Voucher or Commitment in a signed payload, told apart by its length (16 or 60 bytes).

    Raises Fault(MALFORMED), or Fault(BAD_FIELD) for sequence number 0, an amount over 2**63-1 (a chain's last
    word included), a unit of 0 or a length outside 1..65535.
    """
    if len(payload) == VOUCHER_SIZE:
        out = Voucher(payload[:4], _be(payload, 4, 12), _be(payload, 12, 16))
    elif len(payload) == COMMITMENT_SIZE:
        out = Commitment(
            payload[:4],
            _be(payload, 4, 12),
            _be(payload, 12, 16),
            payload[16:48],
            _be(payload, 48, 56),
            _be(payload, 56, 60),
        )
        if not out.unit or not 0 < out.length <= CHAIN_LENGTH:
            raise Fault(BAD_FIELD)
        if out.cum + out.unit * out.length > MAX_MICRO:
            raise Fault(BAD_FIELD)
    else:
        raise Fault(MALFORMED)
    if out.cum > MAX_MICRO or not out.seq:
        raise Fault(BAD_FIELD)
    return out


def _be(data: bytes, start: int, end: int) -> int:
    return int.from_bytes(data[start:end], "big")


def tick_into(buf: bytearray, pos: int, handle: bytes, index: int, word: bytes) -> int:
    """Write the tick [handle, index, word] (at most 45 bytes) without allocating."""
    pos = put_head(buf, pos, ARRAY, 3)
    pos = put_bytes(buf, pos, handle)
    pos = put_head(buf, pos, 0, index)
    return put_bytes(buf, pos, word, BSTR)


def check_size(data: bytes, most: int) -> None:
    """Raise Fault(TOO_LARGE) for a message of more than `most` bytes: the first and cheapest check."""
    if len(data) > most:
        raise Fault(TOO_LARGE)
