# SPDX-License-Identifier: MIT
"""What a board tells about itself: JSON lines on its console, and a map on the network.

Every console line that begins with `{` is one object with "ev". Not here: any decision.
"""

import gc
import json
import sys

from farthing.cbor import MAP, dumps


def emit(ev: str, **values) -> None:
    """Print one event; `values` are numbers and short texts."""
    values["ev"] = ev
    print(json.dumps(values))


def allocated() -> int:
    """Bytes of live objects; 0 where the interpreter can't tell (CPython)."""
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def room() -> int:
    """Bytes of RAM that are free; very many where the interpreter can't tell."""
    gc.collect()
    return gc.mem_free() if hasattr(gc, "mem_free") else 1 << 29


def report(app) -> bytes:
    """The `health` message: a CBOR map with short keys."""
    values = {"up_s": app.clock.ms() // 1000, "mem_alloc": allocated(), "runtime": sys.version[:96]}
    values["mem_free"] = room()
    values["faults"] = sum(app.faults.values())
    values["dropped"] = app.dropped
    values["reconnects"] = app.link.reconnects
    values["tx_bytes"] = app.link.tx_bytes
    values["rx_bytes"] = app.link.rx_bytes
    for role in app.roles:
        values.update(role.totals())
    # A CBOR map by hand: its keys in the order of their encodings, shorter ones first.
    data = bytes((MAP | len(values),))
    for key in sorted(values, key=lambda key: (len(key), key)):
        data += dumps(key) + dumps(values[key])
    return data
