# SPDX-License-Identifier: MIT
"""settings.json is read strictly, and the fault names the key."""

import json
import os

from farthing.faults import NO_SETTINGS, Fault
from farthing_agent.settings import load

NAME = "settings-test.json"
GOOD = {"net": "lab", "broker": {"host": "127.0.0.1", "port": 1883}, "gateway": "ab" * 64}


def with_text(text, check):
    with open(NAME, "w") as file:
        file.write(text)
    try:
        return check()
    finally:
        os.remove(NAME)


def culprit():
    try:
        load(NAME)
    except Fault as fault:
        assert fault.code == NO_SETTINGS
        return fault.detail
    return None


def changed(path, value):
    """The key that is named after one value is replaced, or removed for None."""
    found = json.loads(json.dumps(GOOD))
    place = found
    for key in path.split(".")[:-1]:
        place = place[key]
    key = path.split(".")[-1]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return with_text(json.dumps(found), culprit)


def test_good_settings():
    net, broker, gateway = with_text(json.dumps(GOOD), lambda: load(NAME))
    assert (net, broker["port"], gateway) == ("lab", 1883, b"\xab" * 64)


def test_every_option():
    assert changed("broker.user", "u") is None
    assert changed("broker.tls", {"ca": "ca.der", "name": "broker"}) is None


def test_missing_keys_are_named():
    for path in ("net", "broker", "gateway", "broker.host", "broker.port"):
        assert changed(path, None) == path


def test_unknown_keys_are_named():
    for path in ("nett", "broker.hosts", "heap"):
        assert changed(path, "x") == path
    assert changed("broker.tls", {"ca": "a", "cab": "b"}) == "broker.tls.cab"


def test_bad_values_are_named():
    bad = (
        ("net", "LAB"),
        ("net", 1),
        ("broker", []),
        ("broker.port", "1883"),
        ("broker.port", 0),
        ("gateway", "zz"),
    )
    for path, value in bad:
        assert changed(path, value) == path
    assert changed("gateway", "ab" * 63) == "gateway"
    assert changed("broker.port", 65536) == "broker.port"
    assert changed("broker.tls", {}) == "broker.tls.ca"


def test_no_file_and_no_json():
    assert culprit() == NAME
    assert with_text("{", culprit) == NAME
    assert with_text("[1]", culprit) == ""
