# SPDX-License-Identifier: MIT
"""The statement: one line for each channel, who paid whom how much for what.

Read from the store alone; nothing is summed up that a line does not show.
"""

import sqlite3
from typing import NamedTuple


class Line(NamedTuple):
    """A channel. `units` is what `paid` buys at `price` micro-units (0 where no acceptance was seen)."""

    channel: bytes
    payer: bytes
    payee: bytes
    good: str
    units: int
    price: int
    cap: int
    paid: int
    settled: int
    state: str


_QUERY = """SELECT c.hash, c.payer, c.payee, ifnull(t.good, ''),
    iif(ifnull(t.price, 0) > 0, c.cum / t.price, 0), ifnull(t.price, 0), c.cap, c.cum, c.settled, c.state
FROM channel c LEFT JOIN take t ON t.channel = c.hash ORDER BY c.opened_ms, c.hash"""


def statement(connection: sqlite3.Connection) -> list[Line]:
    """Every channel of the store, in the order of opening; amounts in micro-units."""
    return [Line(*row) for row in connection.execute(_QUERY)]
