# SPDX-License-Identifier: MIT
"""The account of a run: who sold what to whom, what it cost, and whether the ledger agrees.

Every figure is read from the boards' consoles, the gateway's final figures or the database; none is assumed.
"""

import sqlite3
from pathlib import Path
from typing import Any

from farthing_cli.output import Output
from farthing_gateway import audit, journal
from farthing_gateway.amounts import format_micro
from farthing_gateway.statement import Line, statement
from farthing_gateway.store import Store

from .run import Market
from .stage import UNIT


class Account:
    """What the books say after the gateway has ended."""

    def __init__(self, ledger: Path) -> None:
        self.report = audit.verify_journal(ledger)
        with Store.open(ledger, net=None, create=False) as store:
            self.lines: list[Line] = store.read(statement)
            self.conserved: bool = store.read(_is_conserved)

    @property
    def paid_micro(self) -> int:
        """Accepted payments of all channels, micro-units."""
        return sum(line.paid for line in self.lines)

    @property
    def units(self) -> int:
        """Readings that the accepted payments buy."""
        return sum(line.units for line in self.lines)

    @property
    def settled_micro(self) -> int:
        """What the ledger has moved to the sellers, micro-units."""
        return sum(line.settled for line in self.lines)


def _is_conserved(connection: sqlite3.Connection) -> bool:
    """All accounts, the outside world's included, sum to zero, and none but the world's is negative."""
    held = journal.balances(connection)
    return sum(held.values()) == 0 and all(held[name] >= 0 for name in held if name != journal.WORLD)


def figures(market: Market, account: Account) -> dict[str, Any]:
    """The final object of `farthing demo --json`."""
    console = market.console
    gateway = market.final
    buyers = [buyer.name for buyer in market.scenario.buyers]
    sellers = [seller.name for seller in market.scenario.sellers]
    everyone = buyers + sellers
    return {
        "runtime": console.of(buyers[0]).get("runtime", ""),
        "sellers": len(sellers),
        "buyers": len(buyers),
        "readings_delivered": {name: console.of(name).get("units", 0) for name in buyers},
        "ticks": console.total(buyers, "ticks"),
        "vouchers": console.total(buyers, "vouchers"),
        "paid_micro": account.paid_micro,
        "settled_micro": account.settled_micro,
        "batches": account.report.batches,
        "unpaid_units_max": max(int(console.of(name).get("unpaid_max", 0)) for name in everyone),
        "conserved": account.conserved,
        "journal_ok": account.report.ok,
        "journal_entries": account.report.entries,
        "voucher_bytes": gateway.get("voucher_bytes", 0),
        "tick_bytes": gateway.get("tick_bytes", 0),
        "wire_bytes": console.total(everyone, "tx_bytes") + console.total(everyone, "rx_bytes"),
        "first_paid_reading_s": round(console.first_paid_s or 0.0, 2),
        "gateway_restarts": market.gateway.restarts,
        "memory": {name: console.of(name).get("mem", {}) for name in everyone},
    }


def write(out: Output, market: Market, account: Account) -> None:
    """The statement that a newcomer reads at the end of a run."""
    found = figures(market, account)
    names = {market.console.of(name).get("id", ""): name for name in market.fleet.boards}

    def named(party: bytes) -> str:
        return names.get(party.hex(), party.hex()[:8])

    out.line()
    rows = [
        (
            named(line.payee),
            line.good,
            named(line.payer),
            line.units,
            format_micro(line.price),
            format_micro(line.paid),
            format_micro(line.settled),
        )
        for line in account.lines
    ]
    out.table(("seller", "sold", "to", "readings", f"{UNIT} each", "paid", "settled"), rows)
    out.line()
    for text in _sentences(found, account):
        out.line(text)


def _sentences(found: dict[str, Any], account: Account) -> list[str]:
    units = sum(found["readings_delivered"].values())
    check = f"{found['journal_entries']} entries verified" if account.report.ok else account.report.damage[0]
    money = "conserved to the last micro-unit" if found["conserved"] else "NOT conserved"
    paid, settled = format_micro(found["paid_micro"]), format_micro(found["settled_micro"])
    return [
        f"{units} readings delivered for {paid} {UNIT}; {settled} settled. Batches: {found['batches']}.",
        f"Ticks: {found['ticks']}, at most {found['tick_bytes']} bytes each.",
        f"Vouchers: {found['vouchers']}, at most {found['voucher_bytes']} bytes each.",
        f"MQTT at the boards: {found['wire_bytes']:,} bytes, acknowledgements and keep-alives included.",
        f"Unpaid at any moment: at most {found['unpaid_units_max']} reading a channel.",
        f"First reading paid {found['first_paid_reading_s']} s after the start.",
        f"The boards ran MicroPython {found['runtime']}.",
        f"Ledger: {check}; money is {money}.",
    ]


def problems(found: dict[str, Any], readings: int) -> list[str]:
    """What of a finished run is not as promised; empty when all is well."""
    wrong = [
        f"{name} got {units} of {readings} readings"
        for name, units in found["readings_delivered"].items()
        if units != readings
    ]
    if found["paid_micro"] != found["settled_micro"]:
        wrong.append(f"{found['paid_micro']} micro-units were paid and {found['settled_micro']} settled")
    if not found["conserved"]:
        wrong.append("money is not conserved")
    if not found["journal_ok"]:
        wrong.append("the journal does not verify")
    if found["unpaid_units_max"] > 1:
        wrong.append(f"{found['unpaid_units_max']} readings were unpaid at once")
    return wrong
