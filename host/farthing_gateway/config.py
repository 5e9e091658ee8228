# SPDX-License-Identifier: MIT
"""The gateway's configuration: one schema that owns every default, read from TOML.

Nothing is started or created here. Every error is one line with the file, the dotted key and the next step.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from farthing.limits import MAX_MICRO, MESSAGE


class ConfigError(Exception):
    """A configuration that cannot be used; one line."""


class Secret:
    """A password that no log, traceback or repr shows."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"


def _option(default: object, doc: str, **rules: object) -> Any:
    """A field: default, line of documentation, and its rules (`low` and `high`, `choices`, or `pattern`)."""
    return field(default=default, metadata={"doc": doc, **rules})


@dataclass(frozen=True)
class BrokerConfig:
    """Table [broker]."""

    kind: str = _option("embedded", "embedded: start one on 127.0.0.1", choices=("embedded", "external"))
    program: str = _option("auto", "which one to embed", choices=("auto", "mosquitto", "nats"))
    host: str = _option("127.0.0.1", "where an external broker is", pattern=r"\S{1,253}")
    port: int = _option(1883, "its port, or the embedded one's; 0 embeds on a free port", low=0, high=65535)
    user: str = _option("", "user name at an external broker; empty for none", pattern=r"\S{0,64}")
    password_file: str = _option("", "file whose first line is the password", pattern=r".{0,1024}")


@dataclass(frozen=True)
class Config:
    """Everything a gateway can be told; times in seconds, money in micro-units."""

    net: str = _option("demo", "name of the network: a-z, 0-9 and -", pattern=r"[a-z0-9-]{1,16}")
    data: str = _option("farthing-data", "folder of the gateway's own files", pattern=r".{1,1024}")
    ledger: str = _option("ledger.db", "the store, in the data folder", pattern=r".{1,1024}")
    key: str = _option("gateway.pem", "the private key, in the data folder", pattern=r".{1,1024}")
    unit: str = _option("EUR", "unit of money, of 1,000,000 micro-units", pattern=r"[A-Z][A-Za-z0-9]{0,7}")
    window_s: int = _option(3600, "shortest closing window of a channel", low=0, high=31_536_000)
    beacon_s: int = _option(10, "seconds between two beacons", low=1, high=3600)
    settle_s: int = _option(5, "seconds between two settlements", low=1, high=86_400)
    health_s: int = _option(5, "seconds between two health messages", low=1, high=3600)
    enrol: str = _option("open", "open: any device; closed: known ones", choices=("open", "closed"))
    faucet_micro: int = _option(0, "lab only: play money for each new device", low=0, high=MAX_MICRO)
    max_payload: int = _option(MESSAGE, "longest MQTT payload that is read", low=256, high=65_536)
    broker: BrokerConfig = field(default_factory=BrokerConfig)

    @property
    def ledger_path(self) -> Path:
        return Path(self.data) / self.ledger

    @property
    def key_path(self) -> Path:
        return Path(self.data) / self.key

    def password(self) -> Secret:
        """The broker's password, empty where no file is named. Raises ConfigError."""
        if not self.broker.password_file:
            return Secret("")
        try:
            text = Path(self.broker.password_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            named = f"broker.password_file = {self.broker.password_file!r}"
            raise ConfigError(f"{named} cannot be read ({error}): name the file with the password") from error
        return Secret(text.partition("\n")[0].strip())

    def in_data(self, folder: str | Path) -> "Config":
        """The same with another data folder."""
        return replace(self, data=str(folder))


def load(path: Path) -> Config:
    """Read a TOML file; `data` and `password_file` are relative to its folder. Raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror
        raise ConfigError(f"{path} cannot be read ({reason}): `farthing gateway init` makes one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}; correct that line") from error
    config = read(table, str(path))
    broker = config.broker
    if broker.password_file:
        broker = replace(broker, password_file=str(path.parent / broker.password_file))
    return replace(config, data=str(path.parent / config.data), broker=broker)


def read(table: Mapping[str, object], source: str) -> Config:
    """A Config of a parsed table; `source` is named in errors. Raises ConfigError."""
    return _read(Config, table, source, "")


def _read(kind: type, table: Mapping[str, object], source: str, prefix: str) -> Any:
    known = {each.name: each for each in fields(kind)}
    values: dict[str, object] = {}
    for name, value in table.items():
        dotted = prefix + name
        if name not in known:
            raise ConfigError(f"{source}: {dotted} is no option{_nearest(dotted)}")
        values[name] = _value(known[name], value, source, dotted)
    return kind(**values)


def _value(option: Field[Any], value: object, source: str, dotted: str) -> object:
    if is_dataclass(option.type):
        if not isinstance(value, dict):
            raise ConfigError(f"{source}: {dotted} must be a table: write [{dotted}]")
        return _read(option.type, value, source, dotted + ".")  # type: ignore[arg-type]
    if type(value) is not option.type:
        raise ConfigError(f"{source}: {dotted} = {value!r} must be {_TYPES[option.type]}: {_rule(option)}")
    if not _allowed(option, value):
        raise ConfigError(f"{source}: {dotted} = {value!r} is out of range: {_rule(option)}")
    return value


_TYPES = {str: "text in quotes", int: "a whole number"}


def _allowed(option: Field[Any], value: Any) -> bool:
    rules = option.metadata
    if "choices" in rules:
        return value in rules["choices"]
    if "pattern" in rules:
        return re.fullmatch(rules["pattern"], value) is not None
    return rules["low"] <= value <= rules["high"]


def _rule(option: Field[Any]) -> str:
    rules = option.metadata
    if "choices" in rules:
        return "choose " + " or ".join(rules["choices"])
    if "pattern" in rules:
        return f"{rules['doc']}, matching {rules['pattern']}"
    return f"{rules['doc']}, {rules['low']} to {rules['high']}"


def _nearest(dotted: str) -> str:
    close = difflib.get_close_matches(dotted, list(options()), 1, 0.5)
    return f": did you mean {close[0]}?" if close else ": remove it, `farthing gateway init` lists them all"


def options(kind: type = Config, prefix: str = "") -> Iterator[str]:
    """The dotted name of every option."""
    for each in fields(kind):
        if is_dataclass(each.type):
            yield from options(each.type, f"{prefix}{each.name}.")  # type: ignore[arg-type]
        else:
            yield prefix + each.name


def template(kind: type = Config) -> str:
    """A commented TOML file with every option at its default."""
    lines = ["# farthing gateway --config THIS_FILE. Every line shows the default."] if kind is Config else []
    for each in fields(kind):
        if is_dataclass(each.type):
            lines += ["", f"[{each.name}]", template(each.type)]  # type: ignore[arg-type]
        else:
            value = f'"{each.default}"' if each.type is str else each.default
            lines.append(f"# {each.name} = {value}  # {each.metadata['doc']}")
    return "\n".join(lines)
