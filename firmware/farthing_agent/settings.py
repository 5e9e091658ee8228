# SPDX-License-Identifier: MIT
"""Reads settings.json: net, broker (host, port, and user, password, tls if wanted), gateway (its key in hex).

Strict: a key that is missing, unknown or of the wrong kind stops the board. Only functions are here, so that
the module can leave RAM after the start. Not here: the private key, and options of the application.
"""

import json

from farthing.faults import NO_SETTINGS, Fault
from farthing.topics import check_net

_TOP = {"net": str, "broker": dict, "gateway": str}
_BROKER = {"host": str, "port": int}
_BROKER_MORE = {"user": str, "password": str, "tls": dict}
_TLS = {"ca": str}
_TLS_MORE = {"cert": str, "key": str, "name": str}


def load(name: str = "settings.json"):
    """(net, broker, the gateway's public key). Raises Fault(NO_SETTINGS), whose `detail` names the key."""
    try:
        with open(name) as file:
            found = json.load(file)
    except (OSError, ValueError):
        raise _bad(name)
    _check(found, "", _TOP, {})
    broker = found["broker"]
    _check(broker, "broker.", _BROKER, _BROKER_MORE)
    if "tls" in broker:
        _check(broker["tls"], "broker.tls.", _TLS, _TLS_MORE)
    if not 0 < broker["port"] < 65536:
        raise _bad("broker.port")
    try:
        check_net(found["net"])
    except Fault:
        raise _bad("net")
    try:
        gateway = bytes.fromhex(found["gateway"])
    except ValueError:
        raise _bad("gateway")
    if len(gateway) != 64:
        raise _bad("gateway")
    return found["net"], broker, gateway


def _bad(key: str) -> Fault:
    fault = Fault(NO_SETTINGS)
    fault.detail = key
    return fault


def _check(found, path: str, needed: dict, more: dict) -> None:
    if not isinstance(found, dict):
        raise _bad(path)
    for key in needed:
        if key not in found:
            raise _bad(path + key)
    for key in found:
        kind = needed.get(key) or more.get(key)
        if not kind or not isinstance(found[key], kind):
            raise _bad(path + key)
