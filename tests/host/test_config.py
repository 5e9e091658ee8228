# SPDX-License-Identifier: MIT
"""gateway.toml: the schema's defaults, and one line with the next step for every way to get it wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from farthing_gateway.config import Config, ConfigError, load, options, read, template


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def error_of(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


def test_an_empty_file_is_every_default(file: Path):
    file.write_text("")
    assert load(file).in_data("x") == Config().in_data("x")


def test_the_template_shows_every_option_at_its_default():
    text = template()
    shown = tomllib.loads("\n".join(line.removeprefix("# ") for line in text.splitlines()[1:]))
    assert read(shown, "template") == Config()
    assert len(list(options())) == sum(len(v) if isinstance(v, dict) else 1 for v in shown.values())


def test_an_unknown_key_names_the_nearest(file: Path):
    assert error_of(file, "setle_s = 3") == "setle_s is no option: did you mean settle_s?"
    assert error_of(file, "[broker]\nprot = 3") == "broker.prot is no option: did you mean broker.port?"


def test_an_unknown_key_near_to_nothing_points_to_the_list(file: Path):
    assert "farthing gateway init" in error_of(file, "xyzzy = 1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('settle_s = "5"', "settle_s = '5' must be a whole number"),
        ("settle_s = 5.5", "settle_s = 5.5 must be a whole number"),
        ("settle_s = true", "settle_s = True must be a whole number"),
        ("net = 5", "net = 5 must be text in quotes"),
        ("broker = 5", "broker must be a table: write [broker]"),
        ("[net]", "net = {} must be text in quotes"),
    ],
)
def test_a_wrong_type_is_named(file: Path, text: str, words: str):
    assert error_of(file, text).startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("settle_s = 0", "settle_s = 0 is out of range: seconds between two settlements, 1 to 86400"),
        ("broker.port = 65536", "broker.port = 65536 is out of range"),
        ('enrol = "maybe"', "enrol = 'maybe' is out of range: choose open or closed"),
        ('net = "Demo"', "net = 'Demo' is out of range: name of the network"),
        ('net = "a/b"', "net = 'a/b' is out of range"),
        ("faucet_micro = 9223372036854775808", "faucet_micro = 9223372036854775808 is out of range"),
    ],
)
def test_a_value_out_of_range_says_the_range(file: Path, text: str, words: str):
    assert error_of(file, text).startswith(words)


def test_broken_toml_says_the_line(file: Path):
    assert "line 2" in error_of(file, 'net = "demo"\nsettle_s 5')


def test_a_missing_file_says_how_to_make_one(file: Path):
    with pytest.raises(ConfigError, match="farthing gateway init"):
        load(file)


def test_files_are_beside_the_configuration(file: Path):
    file.write_text('data = "state"\n[broker]\npassword_file = "secret"')
    (file.parent / "secret").write_text("tr0ub4dor\n")
    config = load(file)
    assert config.ledger_path == file.parent / "state" / "ledger.db"
    assert config.password().reveal() == "tr0ub4dor"


def test_a_password_is_in_no_text(file: Path):
    file.write_text('[broker]\npassword_file = "secret"')
    (file.parent / "secret").write_text("tr0ub4dor")
    config = load(file)
    secret = config.password()
    for text in (repr(config), str(secret), repr(secret), f"{secret}", f"{secret!r:>3}", f"{[secret]}"):
        assert "tr0ub4dor" not in text


def test_a_missing_password_file_is_one_line(file: Path):
    file.write_text('[broker]\npassword_file = "secret"')
    with pytest.raises(ConfigError, match=r"broker\.password_file .* cannot be read"):
        load(file).password()
