# SPDX-License-Identifier: MIT
"""The viper source on 32 bits: no overflow, bad index or negative word in anything a signature does."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import check_int32
import farthing_agent.p256 as package
from farthing_agent.p256 import curve, selftest
from farthing_agent.p256.constants import N, P

FOLDER = Path(package.__file__).parent
R = 1 << 260
# all 20 limbs at their maximum: more than any value in use
WORST = R - 1


@pytest.fixture(scope="module")
def checked() -> tuple[ModuleType, check_int32.Memory]:
    """limbs.py with every operation of its viper functions checked, and the memory they work in."""
    names, memory = check_int32.load(FOLDER / "limbs.py", package.__name__)
    module = ModuleType("limbs")
    module.__dict__.update(names)
    return module, memory


@pytest.fixture
def field(checked: tuple[ModuleType, check_int32.Memory]) -> ModuleType:
    return checked[0]


def write(field, slot: int, number: int) -> None:
    words = memoryview(field.words).cast("i")
    for i in range(20):
        words[20 * slot + i] = number >> 13 * i & 8191


def read(field, slot: int) -> int:
    words = memoryview(field.words).cast("i")
    return sum(words[20 * slot + i] << 13 * i for i in range(20))


def test_a_signature_and_its_verification(field) -> None:
    assert package.self_test(curve.Curve(field))


def test_a_peer_table(field) -> None:
    peer = package.Peer(selftest._PUBLIC, curve.Curve(field))
    assert peer.verify(selftest._DIGEST, selftest._SIGNATURE)


@pytest.mark.parametrize("a", [0, 1, P - 1, P, 2 * P, 1 << 256, WORST])
@pytest.mark.parametrize("b", [0, 1, P + 1, 1 << 257])
def test_products_of_the_largest_values(field, a: int, b: int) -> None:
    write(field, 1, a)
    write(field, 2, b)
    field.run(field.words, 0, b"\x01\x06\x01\x02\x00")
    assert read(field, 6) * R % P == a * b % P
    assert read(field, 6) <= a * b // R + P


@pytest.mark.parametrize("factors", [(1, -1), (1, -8), (4, -1), (3, 3), (8, 0), (-1, 0), (-1, -1)])
@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 21 * P // 10), (21 * P // 10, 0), (P, P), (2 * P - 1, 1)])
def test_combinations_of_the_largest_values(field, factors: tuple[int, int], a: int, b: int) -> None:
    write(field, 1, a)
    write(field, 2, b)
    field.run(field.words, 0, bytes([3, 6, 1, 2, 64 + factors[0], 64 + factors[1], 0]))
    result = read(field, 6)
    assert (result - factors[0] * a - factors[1] * b) % P == 0
    assert 9 * P // 10 < result < 21 * P // 10


@pytest.mark.parametrize("modulus", [P, N])
def test_inverses_of_the_extremes(field, modulus: int) -> None:
    engine = curve.Curve(field)
    for number in (1, 2, modulus - 1, modulus - 2, modulus >> 1, 1 << 255, (1 << 255) - 1):
        if modulus == N:
            assert engine.invert_scalar(number) * number % N == 1
        else:
            write(field, 10, number)
            engine.invert_e()
            assert read(field, 10) * number % P == R * R % P
            # Montgomery forms: number is z R, the result is R / z


def test_the_largest_column_sum_fits(field, checked: tuple[ModuleType, check_int32.Memory]) -> None:
    checked[1].largest = 0
    write(field, 1, WORST)
    field.run(field.words, 0, b"\x02\x06\x01\x01\x00")
    assert 20 * 8191**2 < checked[1].largest < 2**31


UNSAFE = """
import micropython

@micropython.viper
def {name}(w: ptr32, n: int):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("w[0] = n * n", "more than 32 bits"),
        ("w[0] = n << 20", "more than 32 bits"),
        ("n += 2147483000", "more than 32 bits"),
        ("w[0] = 0 - n", "another number"),
        ("w[4] = 1", "outside the buffer"),
        ("n = w[0 - 1]", "outside the buffer"),
        ("n = ptr32(int(w) + 2)[0]", "misaligned"),
    ],
)
def test_the_checker_finds(tmp_path: Path, body: str, reason: str) -> None:
    path = tmp_path / "unsafe.py"
    path.write_text(UNSAFE.format(name="unsafe", body=body), encoding="utf-8")
    names, _ = check_int32.load(path)
    with pytest.raises(check_int32.UnsafeError, match=reason):
        names["unsafe"](bytearray(16), 70_000)
