# SPDX-License-Identifier: MIT
"""P-256 on both back-ends: RFC 6979's own vectors, malformed input, and the rare point additions."""

import sys
from binascii import unhexlify
from hashlib import sha256

import farthing_agent.p256 as p256
from farthing_agent.p256 import bigint, complete, curve, tables
from farthing_agent.p256.complete import GX, GY
from farthing_agent.p256.constants import B, N, P

PRIVATE = unhexlify("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
PUBLIC = unhexlify(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
DIGEST = sha256(b"sample").digest()
# RFC 6979, A.2.5, SHA-256: message, r, s. The first s is high.
VECTORS = (
    (
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        b"test",
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
)
# A point whose y is so small that 32 bytes hold it with the prime added.
SMALL_Y = 5
SMALL_Y_X = 0xD7325D7646CD60D80A92738CEB345F844CFFAF35841022CAB176F692DE8DE1D7
# The only k whose comb, unblinded, adds a point to itself in its last step.
MEETS_ITSELF = 0xFFFFF7FF00000000FF7FFFFFFFFFFFF7BCE6FAADA7171E84F3B9CAC2F4632551
SCALARS = (1, 2, 3, 15, 16, 2**26, 2**128, 2**255, (N - 1) // 2, (N + 1) // 2, N - 2, N - 1, MEETS_ITSELF)


def curves():
    """Each back-end that this interpreter has."""
    own = p256._curve
    return [own] if own.field.NAME == "int" else [own, curve.Curve(bigint)]


def octets(number):
    return number.to_bytes(32, "big")


def refuses(call, *arguments):
    try:
        call(*arguments)
    except ValueError:
        return True
    return False


def test_signatures_are_those_of_rfc_6979_with_the_lower_s():
    for engine in curves():
        for message, r, s in VECTORS:
            expected = octets(r) + octets(min(s, N - s))
            assert p256.sign(PRIVATE, sha256(message).digest(), engine) == expected


def test_public_key_is_that_of_rfc_6979():
    for engine in curves():
        assert p256.public_key(PRIVATE, engine) == PUBLIC


def test_multiples_of_the_base_point_are_right_at_the_edges():
    for engine in curves():
        for k in SCALARS:
            assert engine.multiply_base(k) == complete.multiply(k)


def test_blinding_changes_nothing():
    for engine in curves():
        expected = engine.multiply_base(PRIVATE[0] * N // 300)
        for noise in range(16):
            assert engine.multiply_base(PRIVATE[0] * N // 300, 2 + noise**40, noise) == expected


def test_a_comb_that_adds_a_point_to_itself_takes_the_complete_path():
    original = curve.passing
    asked = []
    curve.passing = lambda name: asked.append(name) or original(name)
    try:
        for engine in curves():
            engine.multiply_base(MEETS_ITSELF)
            asked.append(None)
            engine.multiply_base(MEETS_ITSELF + 1)
    finally:
        curve.passing = original
    assert asked == ["complete", None] * len(curves())


def test_sums_with_equal_and_opposite_points_are_right():
    for engine in curves():
        for x, y in ((GX, GY), (GX, P - GY)):
            table = tables.comb(engine, x, y)
            for u1 in (0, 1, 2, N - 1, MEETS_ITSELF):
                for u2 in (1, 2, N - 1):
                    total = complete.multiply(u1, u2, x, y)
                    r = 1 if total is None else total[0] % N
                    expected = total is not None
                    assert engine.matches(r, u1, u2, x, y) == expected
                    assert engine.matches(r, u1, u2, x, y, table) == expected
                    assert not engine.matches(r ^ 2, u1, u2, x, y)


def test_signatures_verify_with_a_table_and_without():
    signature = p256.sign(PRIVATE, DIGEST)
    peer = p256.Peer(PUBLIC)
    assert p256.verify(PUBLIC, DIGEST, signature)
    assert peer.verify(DIGEST, signature)
    high = signature[:32] + octets(N - int.from_bytes(signature[32:], "big"))
    assert p256.verify(PUBLIC, DIGEST, high)
    assert peer.verify(DIGEST, high)


def test_another_digest_key_or_signature_does_not_verify():
    signature = p256.sign(PRIVATE, DIGEST)
    other = p256.public_key(octets(2))
    assert not p256.verify(PUBLIC, signature[:32], signature)
    assert not p256.verify(other, DIGEST, signature)
    assert not p256.Peer(other).verify(DIGEST, signature)
    assert not p256.verify(PUBLIC, DIGEST, signature[32:] + signature[:32])


def test_malformed_signatures_are_false():
    peer = p256.Peer(PUBLIC)
    good = p256.sign(PRIVATE, DIGEST)
    bad = [
        b"",
        good[:63],
        good + b"\x00",
        bytes(64),
        b"\xff" * 64,
        octets(N) + octets(1),
        octets(1) + octets(N),
    ]
    bad += [good[:32] + bytes(32), bytes(32) + good[32:], octets(1) + octets(1), octets(N - 1) * 2]
    for signature in bad:
        assert not p256.verify(PUBLIC, DIGEST, signature)
        assert not peer.verify(DIGEST, signature)
    for digest in (b"", DIGEST[:31], DIGEST + b"\x00"):
        assert not p256.verify(PUBLIC, digest, good)
        assert not peer.verify(digest, good)


def test_keys_off_the_curve_are_refused():
    good = p256.sign(PRIVATE, DIGEST)
    x, y = PUBLIC[:32], PUBLIC[32:]
    bad = [
        b"",
        PUBLIC[:63],
        PUBLIC + b"\x00",
        bytes(64),
        b"\xff" * 64,
        x + y[:31] + bytes([y[31] ^ 1]),
        octets(P) + y,
    ]
    for public in bad:
        assert not p256.verify(public, DIGEST, good)
        assert refuses(p256.Peer, public)


def root(number):
    """A square root modulo P, or 0 where there is none; P is 3 modulo 4."""
    y = pow(number % P, (P + 1) // 4, P)
    return y if (y * y - number) % P == 0 else 0


def test_coordinates_are_below_the_prime():
    y = root(B)
    assert p256.Peer(bytes(32) + octets(y))
    assert refuses(p256.Peer, octets(P) + octets(y))
    assert p256.Peer(octets(SMALL_Y_X) + octets(SMALL_Y))
    assert refuses(p256.Peer, octets(SMALL_Y_X) + octets(SMALL_Y + P))


def test_an_x_above_the_order_counts_as_its_remainder_only():
    x = N
    while not root(x**3 - 3 * x + B):
        x += 1
    # key = (point - 3 G) / 5, so that the signature (x - N, s) leads back to the point
    u1 = N - 3 * bigint.inverse(5, N) % N
    key = octets_of(complete.multiply(u1, bigint.inverse(5, N), x, root(x**3 - 3 * x + B)))
    r = x - N
    s = r * bigint.inverse(5, N) % N
    digest = octets(3 * s % N)
    for engine in curves():
        assert p256.verify(key, digest, octets(r) + octets(s), engine)
        assert not p256.verify(key, digest, octets(x) + octets(s), engine)
        assert not p256.verify(key, digest, octets(r + 1) + octets(s), engine)


def octets_of(point):
    return octets(point[0]) + octets(point[1])


def test_private_keys_out_of_range_are_refused():
    for private in (b"", bytes(32), octets(N), b"\xff" * 32, PRIVATE[:31], PRIVATE + b"\x00"):
        assert refuses(p256.sign, private, DIGEST)
        assert refuses(p256.public_key, private)
    assert refuses(p256.sign, PRIVATE, DIGEST[:31])


def test_generate_takes_the_first_number_in_range():
    answers = [bytes(32), b"\xff" * 32, PRIVATE]
    assert p256.generate(lambda size: answers.pop(0)) == PRIVATE
    assert refuses(p256.generate, bytes)


def test_digits_add_up_to_their_scalar():
    for engine in curves():
        digits = bytearray(262)
        for k in SCALARS:
            scalar = curve.comb_scalar(k, 6)
            engine.field.comb_digits(scalar, digits)
            assert sum(comb_value(digits[n], n) for n in range(52)) % N == k
            engine.field.window_digits(k.to_bytes(35, "little"), digits)
            assert sum(window_value(digits[n]) << n for n in range(257)) == k


def comb_value(digit, n):
    """What a comb digit stands for, over the base point: five signed teeth, 52 bits apart."""
    assert (digit & 127) >> 4 == n & 1
    total = 1 << 208
    for tooth in range(4):
        total += (1 if digit >> tooth & 1 else -1) << 52 * tooth
    return (-total if digit & 128 else total) << (n >> 1) + 26 * (n & 1)


def window_value(digit):
    if digit == 64:
        return 0
    value = 2 * (digit & 127) + 1
    return -value if digit & 128 else value


def test_inverses_are_right_at_the_edges():
    for engine in curves():
        for k in SCALARS:
            assert engine.invert_scalar(k) * k % N == 1


def test_self_test_passes_and_notices_a_damaged_table():
    assert p256.self_test()
    damaged = curve.Curve(p256._curve.field)
    pieces = [bytearray(piece) for piece in damaged.base_table]
    pieces[0][5 * 64] ^= 1
    damaged.base_table = pieces
    assert not p256.self_test(damaged)


def test_a_passing_module_leaves_again():
    for _ in range(2):
        assert curve.passing("selftest").passes(p256._curve)
        assert "farthing_agent.p256.selftest" not in sys.modules
        assert not hasattr(p256, "selftest")
