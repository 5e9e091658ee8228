# SPDX-License-Identifier: MIT
"""`farthing bench`: what this machine does, as ratios to what bounds it in the same run."""

import argparse

from farthing_cli.errors import UserError
from farthing_cli.output import Output, add_json

NAME = "bench"
HELP = "measure this machine, as ratios to what bounds it"
PARTS = ("gateway", "device")
LONGEST_S = 600


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", nargs="?", choices=PARTS, help="default: both")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time for each figure (default 1)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if not 0 < args.seconds <= LONGEST_S:
        raise UserError(f"{args.seconds} seconds are no time to measure", f"choose up to {LONGEST_S}")
    measures = {"gateway": _gateway, "device": _device}
    parts = [args.part] if args.part else PARTS
    args.out.result({part: measures[part](args.seconds, args.out) for part in parts})
    return 0


def _gateway(seconds: float, out: Output) -> dict[str, dict[str, float]]:
    from farthing_cli.bench import durable, verify

    report = {}
    for measure in (verify.vouchers, verify.ticks, durable.group_commit):
        figure = measure(seconds)
        report[figure.name] = {"rate": figure.rate, "ceiling": figure.ceiling, "ratio": figure.ratio}
        out.line(
            f"{figure.what}: {figure.rate:,.0f}/s = {figure.ratio:.2f} of "
            f"{figure.ceiling:,.0f}/s {figure.ceiling_name}"
        )
    return report


def _device(_seconds: float, out: Output) -> dict[str, object]:
    from farthing_cli.bench import device

    report = device.measure()
    for line in device.lines(report):
        out.line(line)
    return report
