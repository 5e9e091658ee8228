# SPDX-License-Identifier: MIT
"""The recorded readings are what their notices say, small enough for a board, and integers throughout."""

from pathlib import Path

import pytest

import make_data
from farthing import senml
from farthing_cli import bundle

FILES = sorted(bundle.data().glob("*.csv"))
WATER = make_data.EXTRACTS[0]


def read(path: Path) -> tuple[list[str], list[tuple[int, int]]]:
    head, *lines = path.read_text(encoding="ascii").splitlines()
    rows = [(int(time_s), int(mantissa)) for time_s, mantissa in (line.split(",") for line in lines)]
    return head.split(), rows


def test_there_are_two_and_they_are_small() -> None:
    assert [path.stem for path in FILES] == ["sea_temperature", "water_flow"]
    assert sum(path.stat().st_size for path in FILES) < 150_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_times_rise_and_the_heading_names_the_unit(path: Path) -> None:
    (mark, name, unit, exponent), rows = read(path)
    assert (mark, name) == ("#", path.stem)
    assert unit in {"l/s", "Cel"}
    assert -18 <= int(exponent) < 0
    times = [time_s for time_s, _ in rows]
    assert len(rows) > 1000
    assert times == sorted(set(times))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_reading_survives_the_wire(path: Path) -> None:
    (_, name, unit, exponent), rows = read(path)
    for time_s, mantissa in rows:
        reading = senml.Reading(name, unit, time_s, mantissa, int(exponent))
        assert senml.decode(senml.encode(reading)) == reading


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_has_a_notice_with_source_and_terms(path: Path) -> None:
    notice = path.with_name(f"NOTICE-{path.stem}.txt").read_text(encoding="utf-8")
    for word in (path.name, "Source:", "What was changed:", "WARRANT"):
        assert word.lower() in notice.lower()


def test_known_readings() -> None:
    """The first rows as the sources print them: 100.59 l/s at 11:00+01:00 and 4.929 degrees at midnight."""
    sea, water = (read(path)[1][0] for path in FILES)
    assert water == (1_647_770_400, 10_059)
    assert sea == (1_455_494_400, 4_929)


def test_cutting_keeps_every_decimal() -> None:
    text = "Time,flow\n1970-01-01T01:00:00+01:00,0.5\n1970-01-01T00:00:07Z,-12.34\n"
    assert make_data.cut(WATER, text) == "# water_flow l/s -2\n0,50\n7,-1234\n"


def test_cutting_refuses_to_round() -> None:
    with pytest.raises(ValueError, match="more decimals"):
        make_data.cut(WATER, "Time,flow\n1970-01-01T00:00:00Z,0.125\n")
