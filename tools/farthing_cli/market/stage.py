# SPDX-License-Identifier: MIT
"""Lays out the folder of a run: the gateway's configuration and each board's root folder.

Nothing is started here.
"""

import json
from pathlib import Path

from farthing_cli import bundle

from .scenario import Buyer, Scenario, Seller

NET = "demo"
UNIT = "EUR"
FAUCET_MICRO = 1_000_000_000
HEAP = "64wK"
MEMORY_MARKS = (50, 100)

_GATEWAY = """\
net = "{net}"
data = "gateway"
unit = "{unit}"
beacon_s = 2
settle_s = 2
health_s = 1
faucet_micro = {faucet}

[broker]
kind = "external"
host = "127.0.0.1"
port = {port}
"""

_SELLER = """\
from farthing_agent import App
from farthing_agent.services.sensor import Sensor, replay

app = App(mem_at={marks})
app.sell(Sensor({good!r}, {unit!r}, replay("readings.csv")), price_micro={price})
app.run()
"""

_BUYER = """\
from farthing_agent import App

app = App(mem_at={marks})
app.buy({good!r}, limit_micro={limit}, units={units})
app.run()
"""


def gateway_config(folder: Path, broker_port: int) -> Path:
    """Write gateway.toml for a broker on this machine."""
    path = folder / "gateway.toml"
    path.write_text(_GATEWAY.format(net=NET, unit=UNIT, faucet=FAUCET_MICRO, port=broker_port))
    return path


def boards(folder: Path, scenario: Scenario, gateway_key: str, broker_port: int) -> dict[str, Path]:
    """Write the root folder of every board: name -> folder. `gateway_key` is the public key in hex."""
    settings = {
        "net": NET,
        "broker": {"host": "127.0.0.1", "port": broker_port},
        "gateway": gateway_key,
    }
    common = {"settings.json": json.dumps(settings).encode()}
    roots = {}
    for seller in scenario.sellers:
        files = {**common, "readings.csv": bundle.data() / seller.good.file}
        roots[seller.name] = bundle.build(folder / "boards" / seller.name, seller_main(seller), files=files)
    for buyer in scenario.buyers:
        roots[buyer.name] = bundle.build(folder / "boards" / buyer.name, buyer_main(buyer), files=common)
    return roots


def seller_main(seller: Seller) -> str:
    """The main.py of a seller."""
    good = seller.good
    return _SELLER.format(good=good.name, unit=good.unit, price=seller.price_micro, marks=MEMORY_MARKS)


def buyer_main(buyer: Buyer) -> str:
    """The main.py of a buyer."""
    return _BUYER.format(good=buyer.good.name, limit=buyer.limit_micro, units=buyer.units, marks=MEMORY_MARKS)
