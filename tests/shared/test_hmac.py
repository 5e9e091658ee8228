# SPDX-License-Identifier: MIT
"""HMAC-SHA256 with keys up to 64 bytes: RFC 4231's cases that have such keys, and the bound itself."""

from farthing.hmac import hmac_sha256

# RFC 4231, 4.2 to 4.5: key, data, HMAC-SHA-256
RFC_4231 = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
)


def test_rfc_4231():
    for key, data, tag in RFC_4231:
        assert hmac_sha256(key, data).hex() == tag


def test_parts_are_concatenated():
    key, data, tag = RFC_4231[1]
    assert hmac_sha256(key, data[:5], b"", data[5:]).hex() == tag


def test_longest_key():
    assert hmac_sha256(bytes(64), b"") == hmac_sha256(b"", b"")
    try:
        hmac_sha256(bytes(65), b"")
    except ValueError:
        return
    raise AssertionError("a key of 65 bytes was taken")
