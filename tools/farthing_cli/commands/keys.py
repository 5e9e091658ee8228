# SPDX-License-Identifier: MIT
"""`farthing keys`: make and name the P-256 key of a gateway.

A board's key is made on the board and never leaves it; this command has nothing to do with those.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from farthing_cli import output
from farthing_cli.errors import UserError

NAME = "keys"
HELP = "make a gateway's key and print the names it goes by"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, summary in (
        ("new", "make a key; refuses to overwrite a file"),
        ("show", "print the id, public key and did:key of a key"),
        ("id", "print the id only"),
    ):
        options = actions.add_parser(action, help=summary, description=summary)
        options.add_argument("file", type=Path, metavar="FILE", help="PKCS #8 in PEM, mode 0600")
        output.add_json(options)


def run(args: argparse.Namespace) -> int:
    """Do the action. Raises UserError."""
    from farthing_cli.did import did_key
    from farthing_gateway.keys import GatewayKey, KeyFileError

    try:
        key = GatewayKey.create(args.file) if args.action == "new" else GatewayKey.load(args.file)
    except KeyFileError as error:
        raise UserError(str(error)) from error
    names = {"id": key.id.hex(), "public_key": key.public.hex(), "did": did_key(key.public)}
    if args.json:
        args.out.result(names)
    elif args.action == "id":
        args.out.line(names["id"])
    else:
        for label, text in names.items():
            args.out.line(f"{label.replace('_', ' '):<11}{text}")
    return 0
