# SPDX-License-Identifier: MIT
"""RFC 9679, section 6: the example key and its SHA-256 thumbprint."""

from farthing import cose

X = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
Y = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"
THUMBPRINT = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


def test_example_of_the_rfc() -> None:
    key = bytes.fromhex(X + Y)
    assert cose.thumbprint(key).hex() == THUMBPRINT
    assert cose.key_id(key).hex() == THUMBPRINT[:32]
