# SPDX-License-Identifier: MIT
"""What a run of the market consists of: how many boards, what they sell, what they may pay.

Not here: processes and folders; stage.py lays them out.
"""

import random
from typing import NamedTuple

from farthing_cli.errors import UserError

MOST_BOARDS = 500


class Good(NamedTuple):
    """Something that a virtual sensor can replay: its offer's name and the data file behind it."""

    name: str
    unit: str
    file: str
    price_micro: int


GOODS = (
    Good("water-flow", "m3/s", "water_flow.csv", 120),
    Good("sea-temperature", "Cel", "sea_temperature.csv", 80),
)


class Seller(NamedTuple):
    """A board that offers one good at `price_micro` a reading."""

    name: str
    good: Good
    price_micro: int


class Buyer(NamedTuple):
    """A board that buys `units` readings of one good and pays at most `limit_micro` for each."""

    name: str
    good: Good
    limit_micro: int
    units: int


class Scenario(NamedTuple):
    """All boards of a run."""

    sellers: tuple[Seller, ...]
    buyers: tuple[Buyer, ...]

    @property
    def units(self) -> int:
        """Readings that the buyers order in all."""
        return sum(buyer.units for buyer in self.buyers)


def make(sellers: int, buyers: int, readings: int, seed: int) -> Scenario:
    """Goods in turn, prices within 10 % of the usual one. Raises UserError for an impossible market."""
    if sellers < 1 or buyers < 1 or sellers + buyers > MOST_BOARDS:
        raise UserError(
            f"{sellers} sellers and {buyers} buyers make no market",
            f"choose at least one of each and at most {MOST_BOARDS} boards",
        )
    if not 1 <= readings <= 1_000_000:
        raise UserError(f"{readings} readings can't be ordered", "choose 1 to 1,000,000")
    dice = random.Random(seed)
    sold = GOODS[:sellers]
    return Scenario(
        tuple(
            Seller(f"seller-{i + 1}", good, good.price_micro * dice.randint(90, 110) // 100)
            for i, good in enumerate(sold[i % len(sold)] for i in range(sellers))
        ),
        tuple(
            Buyer(f"buyer-{i + 1}", good, good.price_micro * 12 // 10, readings)
            for i, good in enumerate(sold[i % len(sold)] for i in range(buyers))
        ),
    )
