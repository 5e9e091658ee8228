# SPDX-License-Identifier: MIT
"""`farthing ledger`: verify, balances, export and deposit on a gateway's store.

The work is done by farthing_gateway's audit, export and ledger; here are arguments and printing.
"""

import argparse
import secrets
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from farthing_cli import output
from farthing_cli.errors import UserError
from farthing_gateway import export, journal
from farthing_gateway.amounts import format_micro, parse_micro
from farthing_gateway.audit import verify_journal
from farthing_gateway.ledger import LedgerError, LocalLedger
from farthing_gateway.store import Store, StoreError
from farthing_gateway.store.database import read_file

NAME = "ledger"
HELP = "verify, show or export the money in a gateway's store"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add one sub-parser for each action."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    verify = _action(actions, "verify", "recompute the journal; exit 1 if anything was changed", _verify)
    verify.add_argument("--head", metavar="HEX", help="a head noted earlier that must still be in it")
    output.add_json(verify)

    balances = _action(actions, "balances", "list every account", _balances)
    output.add_json(balances)

    out = _action(actions, "export", "write the journal for auditors", _export)
    out.add_argument("--format", choices=("beancount", "csv"), default="beancount")
    out.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    out.add_argument(
        "--commodity", default=export.COMMODITY, help="name of the unit in beancount (%(default)s)"
    )

    deposit = _action(actions, "deposit", "credit a device from outside", _deposit)
    deposit.add_argument("device", metavar="DEVICE", help="its id, 32 hex digits")
    deposit.add_argument("amount", metavar="AMOUNT", help="in units, at most six decimals, like 2.5")
    deposit.add_argument("--ref", help="the same reference never credits twice (default: a new one)")


def run(args: argparse.Namespace) -> int:
    """Run the chosen action and return the exit code. Raises UserError."""
    try:
        return args.handler(args)
    except (StoreError, LedgerError, ValueError) as error:
        raise UserError(str(error)) from error


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    handler: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary)
    parser.add_argument("db", type=Path, metavar="DB", help="the gateway's store, an SQLite file")
    parser.set_defaults(handler=handler)
    return parser


def _verify(args: argparse.Namespace) -> int:
    report = verify_journal(args.db, _hex(args.head, 32) if args.head else None)
    for line in report.damage:
        args.out.line(f"damage: {line}")
    if report.ok:
        counts = f"{report.entries} entries, {report.batches} batches, {report.channels} channels"
        args.out.line(f"{args.db} is sound: {counts}, head {report.head.hex()}")
    else:
        args.out.line(f"{args.db} is not sound: stop the gateway and restore a backup")
    args.out.result({**report._asdict(), "head": report.head.hex()})
    return 0 if report.ok else 1


def _balances(args: argparse.Namespace) -> int:
    held = read_file(args.db, journal.balances)
    width = max(map(len, held), default=0)
    for name, amount in held.items():
        args.out.line(f"{name:<{width}}  {format_micro(amount):>20}")
    args.out.result(held)
    return 0


def _export(args: argparse.Namespace) -> int:
    read_file(args.db, lambda connection: _export_to(args, connection))
    return 0


def _export_to(args: argparse.Namespace, connection: sqlite3.Connection) -> None:
    if args.output is None:
        _write(connection, args, sys.stdout)
        return
    try:
        with args.output.open("w", encoding="utf-8", newline="") as stream:
            _write(connection, args, stream)
    except OSError as error:
        raise UserError(f"{args.output} cannot be written ({error.strerror})", "name another file") from error


def _write(connection: sqlite3.Connection, args: argparse.Namespace, stream: TextIO) -> None:
    if args.format == "csv":
        export.write_csv(connection, stream)
        return
    for line in export.beancount_lines(connection, args.commodity):
        stream.write(line + "\n")


def _deposit(args: argparse.Namespace) -> int:
    device, amount = _hex(args.device, 16), parse_micro(args.amount)
    with Store.open(args.db, net=None, create=False, check=False) as store:
        ref = args.ref or f"deposit:{secrets.token_hex(8)}"
        entry = LocalLedger(store).deposit(device, amount, ref).result()
        held = store.read(lambda connection: journal.balance(connection, journal.device_account(device)))
    args.out.line(f"entry {entry.seq} ({entry.ref}): {device.hex()} now holds {format_micro(held)}")
    return 0


def _hex(text: str, size: int) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != size:
        raise UserError(f"{text!r} is not {2 * size} hex digits", "copy it whole")
    return value
