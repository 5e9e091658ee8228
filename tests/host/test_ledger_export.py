# SPDX-License-Identifier: MIT
"""What auditors get: beancount's own checker accepts it and would notice one wrong micro; CSV adds up."""

import csv
import io
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books import live_a_life
from farthing_gateway import export, journal
from farthing_gateway.amounts import format_micro, parse_micro
from farthing_gateway.store.database import read_file
from runtimes import unavailable


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("life") / "a.db"
    live_a_life(made)
    return made


def bean_check(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).with_name("bean-check")
    tool = str(beside) if beside.exists() else shutil.which("bean-check")
    if tool is None:
        unavailable("no bean-check: pip install beancount")
    file = folder / "ledger.beancount"
    file.write_text(text, encoding="utf-8")
    return subprocess.run([tool, str(file)], capture_output=True, text=True, timeout=60, check=False)


def beancount_text(path: Path, commodity: str = export.COMMODITY) -> str:
    return read_file(path, lambda connection: "\n".join(export.beancount_lines(connection, commodity)) + "\n")


def test_beancount_accepts_it(path: Path, tmp_path: Path) -> None:
    checked = bean_check(tmp_path, beancount_text(path, "EUR"))
    assert (checked.returncode, checked.stderr) == (0, "")


def test_beancount_would_notice_one_micro(path: Path, tmp_path: Path) -> None:
    text = beancount_text(path)
    held = read_file(path, journal.balances)["world"]
    assert f" {format_micro(held)} ~ 0 " in text
    assert bean_check(tmp_path, text.replace(format_micro(held), format_micro(held - 1), 1)).returncode != 0


def test_beancount_has_every_entry_and_account(path: Path) -> None:
    lines = beancount_text(path).splitlines()
    assert sum(" * " in line for line in lines) == read_file(path, journal.head)[0]
    assert sum(" open " in line for line in lines) == len(read_file(path, journal.balances))


def test_text_from_outside_is_quoted(tmp_path: Path) -> None:
    """The reference of a deposit comes from an operator's command line."""
    from farthing_gateway.ledger import LocalLedger
    from farthing_gateway.store import Store

    with Store.open(tmp_path / "a.db") as store:
        LocalLedger(store).deposit(bytes(16), 5, '"; \\ drop " \\').result()
    assert bean_check(tmp_path, beancount_text(tmp_path / "a.db")).returncode == 0


@pytest.mark.parametrize("commodity", ["", "eur", "E", "1EUR", "EUR USD", "E" * 25, "EUR\n"])
def test_a_name_beancount_would_refuse(path: Path, commodity: str) -> None:
    with pytest.raises(ValueError, match="no commodity name"):
        beancount_text(path, commodity)


def test_csv_adds_up_to_the_balances(path: Path) -> None:
    stream = io.StringIO()
    read_file(path, lambda connection: export.write_csv(connection, stream))
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert tuple(rows[0]) == export.CSV_HEADER
    sums: Counter[str] = Counter()
    for row in rows:
        if row["account"]:
            sums[row["account"]] += int(row["amount_micro"])
    assert dict(sums) == read_file(path, journal.balances)
    head_seq, head_hash = read_file(path, journal.head)
    assert (int(rows[-1]["seq"]), rows[-1]["hash"]) == (head_seq, head_hash.hex())
    assert rows[0]["time"] == "2023-11-14T22:13:20.000+00:00"


@given(st.integers(0, 2**63 - 1))
def test_amounts_survive_text(amount: int) -> None:
    assert parse_micro(format_micro(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"), [("12", 12_000_000), ("0.000250", 250), ("0.5", 500_000), ("007", 7_000_000)]
)
def test_amounts_as_people_write_them(text: str, amount: int) -> None:
    assert parse_micro(text) == amount


@pytest.mark.parametrize(
    "text", ["", "-1", "1.", ".5", "1e3", "0.0000001", "1,5", "٣", "9223372036854.775808"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        parse_micro(text)


def test_a_negative_amount_is_shown_exactly() -> None:
    assert format_micro(-1) == "-0.000001"
    assert format_micro(-1_500_000) == "-1.500000"
