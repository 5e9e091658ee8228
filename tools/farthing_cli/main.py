# SPDX-License-Identifier: MIT
"""The command table: finds the command's module, parses its options, turns errors into one line.

What a command does is in `commands/`, one module each; only the one that was asked for is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import pkgutil
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn, Protocol, cast

from farthing_cli import __version__, commands
from farthing_cli.errors import Terminated, UserError
from farthing_cli.output import Output

EXIT_DEFECT = 1
EXIT_USER = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class Command(Protocol):
    """What every module in `commands/` offers."""

    NAME: str
    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit code. `args.out` is the Output to talk through."""
        ...


class Parser(argparse.ArgumentParser):
    """argparse whose complaint is one line with the next step, not a usage text."""

    def error(self, message: str) -> NoReturn:
        raise UserError(message, f"see `{self.prog} --help`")


def names() -> list[str]:
    """The commands there are, by module name."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def load(name: str) -> Command:
    """Import one command's module."""
    return cast("Command", importlib.import_module(f"{commands.__name__}.{name}"))


def make_parser(argv: Sequence[str]) -> Parser:
    """A parser that knows the command named in `argv`, or all of them where none is (for --help)."""
    parser = Parser(prog="farthing", description="Paid messages for microcontrollers, over MQTT.")
    parser.add_argument("--version", action="version", version=f"farthing {__version__}")
    table = parser.add_subparsers(dest="command", metavar="command", required=True)
    asked = [word for word in argv if not word.startswith("-")][:1]
    for name in names():
        if asked and asked[0] in names() and name != asked[0]:
            continue
        command = load(name)
        options = table.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        options.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
        options.set_defaults(run=command.run, json=False)
        command.configure(options)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the process's exit code and never raises an ordinary error."""
    argv = list(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        args = make_parser(argv).parse_args(argv)
        args.out = Output(json=args.json)
        return args.run(args)
    except UserError as error:
        return _say(str(error), EXIT_USER)
    except KeyboardInterrupt:
        return _say("interrupted; everything that was started has been stopped", EXIT_INTERRUPTED)
    except Terminated:
        return EXIT_TERMINATED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:  # noqa: BLE001 - the supervisor: a defect becomes one line, --debug shows it
        return _defect(error, "--debug" in argv)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _say(text: str, code: int) -> int:
    print("farthing:", " ".join(text.split()), file=sys.stderr)
    return code


def _defect(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    hint = "" if debug else "; run it again with --debug for the traceback"
    return _say(f"unexpected {type(error).__name__}: {error}{hint}", EXIT_DEFECT)


def _reader_gone() -> int:
    """Whoever read our output has closed it (`farthing ... | head`): no error of ours."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
