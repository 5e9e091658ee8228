# SPDX-License-Identifier: MIT
"""What shared tests need on both runtimes: a refusal with its code, and the frozen vectors.

No fixture, no pytest: MicroPython has neither.
"""

import json

from farthing.cbor_items import Tag
from farthing.faults import Fault


def raises(code, call, *args):
    """Assert that `call(*args)` raises Fault(code)."""
    try:
        result = call(*args)
    except Fault as fault:
        assert fault.code == code, f"fault {fault.code} instead of {code}"
        return
    raise AssertionError(f"not refused: {result!r}")


def refused(rows, call):
    """Assert that `call(row)` raises Fault(row["fault"]) for each of `rows`; a failure names the row."""
    assert rows
    for row in rows:
        try:
            raises(row["fault"], call, row)
        except AssertionError as error:
            raise AssertionError(f"{row.get('name')}: {error}") from None


def vectors(name):
    """protocol/spec/vectors/<name>.json."""
    root = __file__.rpartition("/tests/")[0]
    with open(root + "/protocol/spec/vectors/" + name + ".json", encoding="utf-8") as file:
        return json.load(file)


def raw(row):
    """The input bytes of a vector."""
    return bytes.fromhex(row["hex"])


def value_of(node):
    """The Python value of a vector's JSON: {"h": hex}, {"tag": n, "value": v} and {"map": pairs} unfolded."""
    if isinstance(node, list):
        return [value_of(item) for item in node]
    if isinstance(node, dict):
        if "h" in node:
            return bytes.fromhex(node["h"])
        if "tag" in node:
            return Tag(node["tag"], value_of(node["value"]))
        return {value_of(key): value_of(item) for key, item in node["map"]}
    return node


def key(name, part="public"):
    """A part (private, public, thumbprint, id) of the published test key `name`, as bytes."""
    for row in vectors("keys")["keys"]:
        if row["name"] == name:
            return bytes.fromhex(row[part])
    raise KeyError(name)
