# SPDX-License-Identifier: MIT
"""The examples that the README shows run as they are: a board sells its sensor's readings to another."""

from __future__ import annotations

import re
from pathlib import Path

from market import Market
from runtimes import ROOT

EXAMPLES = ROOT / "firmware" / "examples"
MACHINE = b"""
class ADC:
    def __init__(self, pin):
        self.level = 26000

    def read_u16(self):
        self.level += 10
        return self.level
"""


def test_examples_trade_with_each_other(tmp_path: Path):
    with Market(tmp_path) as market:
        seller = market.board("seller", (EXAMPLES / "seller.py").read_text(), {"machine.py": MACHINE})
        buyer = market.board("buyer", (EXAMPLES / "buyer.py").read_text(), {})
        seller.start()
        buyer.start()
        assert market.wait(buyer, "done")["micro"] == 20 * 80
        readings = [line for line in buyer.lines if re.fullmatch(r"1\d{9} 1\d{3} -3 V", line)]
        assert len(readings) == 20


def test_each_is_about_twenty_lines():
    for name in ("seller.py", "buyer.py"):
        assert len((EXAMPLES / name).read_text().splitlines()) <= 22
