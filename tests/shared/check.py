# SPDX-License-Identifier: MIT
"""What shared tests need on both runtimes: a refusal with its code, and the frozen vectors.

No fixture, no pytest: MicroPython has neither.
"""

import json

from farthing.cbor import Tag
from farthing.faults import Fault


def raises(code, call, *args):
    """Assert that `call(*args)` raises Fault(code)."""
    try:
        result = call(*args)
    except Fault as fault:
        assert fault.code == code, "fault %d instead of %d" % (fault.code, code)
        return
    raise AssertionError("not refused: %r" % (result,))


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
