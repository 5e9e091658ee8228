# SPDX-License-Identifier: MIT
"""`farthing demo`: a whole market on this machine, from the first offer to the settled ledger."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from farthing_cli.errors import UserError
from farthing_cli.output import add_json

NAME = "demo"
HELP = "sell real readings between virtual boards, pay for each one and settle"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sellers", type=int, default=2, help="boards that sell (default 2)")
    parser.add_argument("--buyers", type=int, default=2, help="boards that buy (default 2)")
    parser.add_argument("--readings", type=int, default=100, help="readings for each buyer (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="sets the sellers' prices (default 1)")
    parser.add_argument("--heap", default="64wK", help="heap of a board, as for micropython -X")
    parser.add_argument("--broker", choices=("auto", "mosquitto", "nats"), default="auto")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep ledger, logs and boards in this folder"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from farthing_cli.market import report, scenario
    from farthing_cli.market.run import market

    plan = scenario.make(args.sellers, args.buyers, args.readings, args.seed)
    out = args.out
    with ExitStack() as stack:
        folder = _folder(args.keep, stack)
        out.line(f"Starting a broker, a gateway and {args.sellers + args.buyers} virtual boards ...")
        running = stack.enter_context(market(plan, folder, args.broker, args.heap))
        running.trade(lambda done, total: out.progress("readings paid", done, total))
        running.finish()
        account = report.Account(running.ledger)
        found = report.figures(running, account)
        report.write(out, running, account)
        if args.keep:
            out.line(f"Kept in {args.keep}: `farthing ledger verify {running.ledger}` checks it again.")
        out.result(found)
    wrong = report.problems(found, args.readings)
    if wrong:
        raise UserError(
            "the demo did not end as it should: " + ", ".join(wrong),
            "run it with --keep DIR and read the logs",
        )
    return 0


def _folder(keep: Path | None, stack: ExitStack) -> Path:
    if keep is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farthing-")))
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise UserError(f"{keep} is not empty", "name another folder for --keep")
    except OSError as error:
        reason = f"{keep} cannot be used ({error.strerror})"
        raise UserError(reason, "name another folder for --keep") from error
    return keep.resolve()
