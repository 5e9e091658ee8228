# SPDX-License-Identifier: MIT
"""did:key, the text form of an identity that other systems can read.

It only writes them: the wire, the topics and the gateway use the 16-byte id.
"""

_MULTICODEC_P256 = b"\x80\x24"  # varint of 0x1200, p256-pub
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def did_key(key: bytes) -> str:
    """did:key of a P-256 public key of 64 bytes x || y: base58btc of multicodec and compressed point."""
    compressed = bytes([2 + (key[63] & 1)]) + key[:32]
    return "did:key:z" + _base58(_MULTICODEC_P256 + compressed)


def _base58(data: bytes) -> str:
    """Base58 in bitcoin's alphabet, for data that begins with no zero byte, as a multicodec does not."""
    number, out = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        out = _BASE58[digit] + out
    return out
