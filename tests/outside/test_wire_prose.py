# SPDX-License-Identifier: MIT
"""protocol/spec/wire.md says what the code does: faults, kinds, types, sizes and the worked example."""

from __future__ import annotations

import re
from pathlib import Path

from farthing import cose, faults, limits, messages, routes
from farthing_gateway.keys import verify
from fuzz.strategies import party

PROSE = (Path(__file__).parents[2] / "protocol" / "spec" / "wire.md").read_text(encoding="utf-8")


def section(number: int) -> str:
    return PROSE.split(f"\n## {number}. ")[1].split("\n## ")[0]


def test_faults() -> None:
    told = {name: int(code) for code, name in re.findall(r"\| (\d+) \| ([A-Z_]+) ", section(11))}
    assert told == {name: value for name, value in vars(faults).items() if name.isupper()}


def test_kinds() -> None:
    told = re.findall(r"^\| ([a-z]+) \| (?:gateway|device|payer|payee)", section(4), re.MULTILINE)
    assert sorted(told) == sorted(routes.KINDS)


def test_message_types() -> None:
    rows = re.findall(r"\| (\d+) \| ([A-Z][a-z]+) \|", section(3))
    told = {name.upper(): int(number) for number, name in rows}
    assert len(told) == 11
    assert all(getattr(cose, name) == number for name, number in told.items())


def test_fields_of_every_message() -> None:
    """The sizes in section 5 in their order are the code's layouts."""
    for kind, layout in messages._LAYOUTS.items():
        text = re.search(rf"\*\*{kind.__name__}\*\*[^:]*: (.*)", section(5))
        assert text is not None, kind
        told = re.findall(r"\b([btu])(?:[01]\.\.)?(\d+)\b", text.group(1))
        sizes = [(letter.lower(), size) for letter, size in re.findall(r"([bBtu])(\d+)", layout)]
        if kind is messages.Opened:
            sizes = sizes[7:]
        assert told == sizes, kind


def test_example() -> None:
    text = re.sub(r"…|#.*", "", section(12))
    channel = bytes.fromhex(re.search(r"channel `([0-9a-f]{64})`", text)[1])
    payload = bytes.fromhex(re.search(r"payload +([0-9a-f ]+)\n", text)[1])
    digest = bytes.fromhex(re.search(r"digest +([0-9a-f]{64})", text)[1])
    signature = bytes.fromhex("".join(re.findall(r"\b[0-9a-f]{64}\b", text.split("5840")[1])))
    assert messages.payment(payload) == messages.Voucher(channel[:4], 24000, 9)
    assert cose.digest(cose.external_aad("local", channel, cose.VOUCHER), payload) == digest
    assert verify(party("payer").public, digest, signature)
    lines = text.split("message ")[1].splitlines()
    words = [word for line in lines for word in re.split(r"  +", line.strip())[:1]]
    assert bytes.fromhex("".join(words)) == cose.sign1(payload, signature)


def test_sizes() -> None:
    row = r"^\| (tick|voucher|commitment|offer|one MQTT payload) \| .* \| ([\d,]+) \|"
    most = dict(re.findall(row, section(13), re.MULTILINE))
    names = {"one MQTT payload": "MESSAGE"}
    assert len(most) == 5
    for name, size in most.items():
        assert getattr(limits, names.get(name, name.upper())) == int(size.replace(",", "")), name


def test_length() -> None:
    assert PROSE.count("\n") <= 250
