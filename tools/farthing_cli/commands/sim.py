# SPDX-License-Identifier: MIT
"""`farthing sim`: a fleet of virtual boards trades for a while, with or without faults, and is audited."""

import argparse
import tempfile
from pathlib import Path

from farthing_cli.errors import UserError
from farthing_cli.market.run import Progress
from farthing_cli.output import Output, add_json

NAME = "sim"
HELP = "let a fleet of virtual boards trade for some seconds, with faults if you like, and audit it"
ENDLESS = 1_000_000
LONGEST_S = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--devices", type=int, default=10, help="boards, half of them sellers (default 10)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long they trade (default 10)")
    parser.add_argument("--faults", default="", help="kinds to inject, as in power,broker,gateway")
    parser.add_argument("--seed", type=int, default=1, help="sets prices and faults (default 1)")
    parser.add_argument("--heap", default="64wK", help="heap of a board, as for micropython -X")
    parser.add_argument("--broker", choices=("auto", "mosquitto", "nats"), default="auto")
    add_json(parser)


def _progress(out: Output) -> Progress:
    return lambda done, _total: out.progress("readings paid", done, 0)


def run(args: argparse.Namespace) -> int:
    from farthing_cli.market import report, scenario
    from farthing_cli.market.faults import Faults, parse
    from farthing_cli.market.run import market

    if not 0 < args.seconds < LONGEST_S:
        raise UserError(f"{args.seconds} seconds can't be simulated", f"choose 1 to {LONGEST_S}")
    kinds = parse(args.faults)
    sellers = args.devices // 2
    plan = scenario.make(sellers, args.devices - sellers, ENDLESS, args.seed)
    with tempfile.TemporaryDirectory(prefix="farthing-") as folder:
        args.out.line(f"Starting a broker, a gateway and {args.devices} virtual boards ...")
        with market(plan, Path(folder), args.broker, args.heap) as running:
            faults = Faults(kinds, args.seed, running)
            running.trade(_progress(args.out), args.seconds, faults.step)
            running.finish()
            account = report.Account(running.ledger)
            found = report.figures(running, account)
    found["devices"] = args.devices
    found["faults_injected"] = faults.injected.total()
    found["faults"] = dict(faults.injected)
    found["payments"] = account.units
    args.out.line(
        f"{account.units} readings were paid; {faults.injected.total()} faults; money is "
        f"{'conserved' if account.conserved else 'NOT conserved'} and the journal "
        f"{'verifies' if account.report.ok else 'does NOT verify: ' + account.report.damage[0]}."
    )
    args.out.result(found)
    if not (account.conserved and account.report.ok and account.paid_micro == account.settled_micro):
        raise UserError("the fleet's books do not agree", "run the same --seed again and compare")
    return 0
