# SPDX-License-Identifier: MIT
"""`farthing gateway`: serve one network until Ctrl-C or SIGTERM; `farthing gateway init` makes its files.

The work is done by farthing_gateway; here are options, the broker's start, signals and the lines people read.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..output import Output, add_json

if TYPE_CHECKING:
    from farthing_gateway.config import Config
    from farthing_gateway.gateway import Gateway
    from farthing_gateway.keys import GatewayKey

NAME = "gateway"
HELP = "run the gateway of one network: verify, store, settle"

CONNECT_S = 10.0
CONFIG_NAME = "gateway.toml"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="a gateway.toml (default: the defaults)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of key and store")
    parser.add_argument("--net", help="name of the network (default: the file's)")
    parser.add_argument("--broker", metavar="HOST:PORT", help="use this broker instead of starting one")
    add_json(parser)
    actions = parser.add_subparsers(dest="action", metavar="init")
    init = actions.add_parser("init", help="write a commented gateway.toml and a key into a folder")
    init.add_argument("folder", type=Path, metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Raises UserError for what the user can put right."""
    from farthing_gateway.broker import BrokerError
    from farthing_gateway.config import ConfigError
    from farthing_gateway.keys import KeyFileError
    from farthing_gateway.lock import LockedError, exclusive
    from farthing_gateway.store import StoreError

    try:
        if args.action == "init":
            return _init(args.folder, args.out)
        config = _configured(args)
        with exclusive(Path(config.data)):
            return _serve(config, args.out)
    except (BrokerError, ConfigError, KeyFileError, LockedError, StoreError) as error:
        raise UserError(str(error)) from error
    except OSError as error:
        reason = f"{error.filename} cannot be used ({error.strerror})"
        raise UserError(reason, "name another --data") from error


def _init(folder: Path, out: Output) -> int:
    from farthing_gateway.config import Config, template
    from farthing_gateway.keys import GatewayKey

    path = folder / CONFIG_NAME
    if path.exists():
        raise UserError(f"{path} exists", "name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(template() + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})", "name another folder") from error
    key = GatewayKey.load_or_create(Config().in_data(folder / Config.data).key_path)
    out.line(f"wrote {path}; the gateway's public key is {key.public.hex()}")
    out.result({"config": str(path), "id": key.id.hex(), "key": key.public.hex()})
    return 0


def _configured(args: argparse.Namespace) -> Config:
    from farthing_gateway import config

    found = config.load(args.config) if args.config else config.Config()
    if args.data:
        found = found.in_data(args.data)
    if args.net:
        found = replace(found, net=config.read({"net": args.net}, "--net").net)
    if args.broker:
        host, _, port = args.broker.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise UserError(f"--broker {args.broker} is no HOST:PORT", "write it like 127.0.0.1:1883")
        found = replace(found, broker=replace(found.broker, kind="external", host=host, port=int(port)))
    return found


def _serve(config: Config, out: Output) -> int:
    from farthing_gateway.gateway import Gateway
    from farthing_gateway.keys import GatewayKey
    from farthing_gateway.store import Store

    _log_to_stderr()
    key = GatewayKey.load_or_create(config.key_path)
    with Store.open(config.ledger_path, net=config.net) as store, _broker(config) as address:
        gateway = Gateway(config, key, store, address)
        _stop_on_signals(gateway)
        if not gateway.start(CONNECT_S):
            if gateway.stopping:
                return 0
            host, port = address
            reason = gateway.bus.error or f"no answer from the broker at {host}:{port}"
            raise UserError(reason, "start the broker, or name another with --broker HOST:PORT")
        _say_ready(config, key, address, out)
        gateway.run()
        gateway.finish()
        out.result(gateway.stats.as_dict())
    return 0


@contextlib.contextmanager
def _broker(config: Config) -> Iterator[tuple[str, int]]:
    """Address of the broker, which is started and stopped here unless it is the user's own."""
    from farthing_gateway.broker import Broker

    options = config.broker
    if options.kind == "external":
        yield options.host, options.port
        return
    with Broker.start(options.program, Path(config.data) / "broker", options.port) as broker:
        yield "127.0.0.1", broker.port


def _say_ready(config: Config, key: GatewayKey, address: tuple[str, int], out: Output) -> None:
    broker = f"{address[0]}:{address[1]}"
    if config.faucet_micro:
        logging.getLogger(__name__).warning("faucet_micro is set: every new device gets play money")
    out.line(
        f"gateway {key.id.hex()} ready: net {config.net}, broker {broker}, ledger {config.ledger_path}, "
        f"public key {key.public.hex()}"
    )
    out.result(
        {
            "ready": True,
            "id": key.id.hex(),
            "key": key.public.hex(),
            "net": config.net,
            "broker": broker,
            "ledger": str(config.ledger_path),
        }
    )


def _stop_on_signals(gateway: Gateway) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: gateway.stop())


def _log_to_stderr() -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
