# SPDX-License-Identifier: MIT
"""Writes the configuration of an MQTT broker that Farthing starts itself: mosquitto or nats-server.

It starts nothing and reads nothing: broker.py does.
"""

from __future__ import annotations

import getpass
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

KINDS = ("mosquitto", "nats")
LEVELS = ("lab",)


@dataclass(frozen=True)
class BrokerSettings:
    """What a configuration is made from. `directory` holds the broker's state; sizes are in bytes."""

    directory: Path
    port: int
    host: str = "127.0.0.1"
    level: str = "lab"
    max_packet_bytes: int = 65536
    max_queued_bytes: int = 64 << 20
    max_stored_bytes: int = 1 << 30


def configuration(kind: str, settings: BrokerSettings) -> str:
    """The configuration file's text. Raises ValueError for an unknown kind or security level."""
    if settings.level not in LEVELS:
        raise ValueError(f"security level {settings.level!r} is not one of: {', '.join(LEVELS)}")
    if kind not in KINDS:
        raise ValueError(f"broker {kind!r} is not one of: {', '.join(KINDS)}")
    return _WRITERS[kind](settings)


def _mosquitto(settings: BrokerSettings) -> str:
    lines = [
        f"listener {settings.port} {settings.host}",
        *_MOSQUITTO_SECURITY[settings.level],
        # Started by root it would change to its own account, which can't write into our directory.
        f"user {getpass.getuser()}",
        # The defaults (20 in flight, 1,000 queued) silently drop messages that were acknowledged: 78 % of
        # them with an ordinary subscriber. No count limits, a limit in bytes.
        "max_inflight_messages 0",
        "max_queued_messages 0",
        f"max_queued_bytes {settings.max_queued_bytes}",
        f"max_packet_size {settings.max_packet_bytes}",
        "set_tcp_nodelay true",
        # Retained messages and sessions; on SIGTERM they are always saved, after a crash up to 5 s are lost.
        "persistence true",
        f"persistence_location {settings.directory}/",
        "autosave_interval 5",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
    ]
    return "\n".join(lines) + "\n"


def _nats(settings: BrokerSettings) -> str:
    auth, mqtt_auth = _NATS_SECURITY[settings.level]()
    return f"""\
server_name: farthing
host: {json.dumps(settings.host)}
port: -1 # its own protocol can't be switched off: a free port, and nobody may log in there
max_payload: {settings.max_packet_bytes}
{auth}
jetstream {{
  store_dir: {json.dumps(str(settings.directory))}
  max_memory_store: {settings.max_queued_bytes}
  max_file_store: {settings.max_stored_bytes}
  # From 2.15 on a stream has 1,000 consumers at the most, and a QoS 1 subscription is one (2 with a '#').
  limits {{ default_max_consumers: -1 }}
}}
mqtt {{
  host: {json.dumps(settings.host)}
  port: {settings.port}
  {mqtt_auth}
  # Times the QoS 1 subscriptions of one session (a '#' counts twice) this may not exceed 65,535, or the
  # broker refuses the subscription.
  max_ack_pending: 1024
  # What a client took and did not acknowledge comes again after this time, not when it reconnects; with
  # the default of 30 s a gateway that was killed would wait so long for what it owes an answer to.
  ack_wait: "5s"
}}
"""


def _nats_lab() -> tuple[str, str]:
    """Anonymous, but by MQTT only: a user who may log in no other way, with a password nobody learns."""
    user = f'{{ user: lab, password: "{secrets.token_hex(16)}", allowed_connection_types: ["MQTT"] }}'
    return f"authorization {{ users: [ {user} ] }}", "no_auth_user: lab"


_WRITERS: dict[str, Callable[[BrokerSettings], str]] = {"mosquitto": _mosquitto, "nats": _nats}
# One entry for each level: what follows the listener (mosquitto), and (authorization, mqtt block) for nats.
_MOSQUITTO_SECURITY = {"lab": ("allow_anonymous true",)}
_NATS_SECURITY = {"lab": _nats_lab}
