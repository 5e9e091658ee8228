# SPDX-License-Identifier: MIT
"""What README.md tells a newcomer to type works, shows what it says it shows; its links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from farthing_cli import bundle, interpreter
from farthing_gateway.config import load
from installed import Place
from market import Market
from runtimes import ROOT, require_micropython

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SCRIPT = ".venv/bin/farthing"
BOARD_S = 60


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


CONSOLE = blocks("console")


def snippet(word: str) -> str:
    """The one python block with that word in it."""
    (found,) = [block for block in blocks("python") if word in block]
    return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# --- commands


@pytest.mark.parametrize("block", CONSOLE, ids=[block.splitlines()[0] for block in CONSOLE])
def test_a_command_block_runs_as_it_stands(place: Place, block: str):
    require_micropython()
    for line in block.splitlines():
        program, *words = shlex.split(line)
        if program == "make":
            is_target(*words)
        elif words[:2] == ["gateway", "--config"]:
            serves_until_stopped(place, words)
        else:
            assert program == SCRIPT
            done = place.run(*words)
            assert done.returncode == 0, done.stderr
            assert done.stdout
    assert place.left_behind() == []


def is_target(name: str) -> None:
    """It is one of make's, and what it runs is run by the other tests."""
    assert re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)
    assert name in re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()


def serves_until_stopped(place: Place, words: list[str]) -> None:
    config = place.folder / words[2]
    assert load(config).broker.port == 1883
    with config.open("a", encoding="utf-8") as file:
        file.write("\nport = 0\n")  # its last table is [broker]; this machine's 1883 may be taken
    process = place.start(*words)
    try:
        assert process.stdout is not None
        assert " ready: net demo, broker 127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0


def shape(text: str) -> set[str]:
    """The lines without their numbers and widths, and without progress, whose lines depend on the machine."""
    lines = (re.sub(r"\d[\d.,]*\d|\d", "9", line) for line in text.splitlines())
    return {" ".join(line.split()) for line in lines if not line.startswith("readings paid: ")}


def test_the_statement_shown_is_what_is_printed(place: Place):
    require_micropython()
    assert re.search(r"^demo:.*\n\t\$\(BIN\)/farthing demo$", MAKEFILE, re.MULTILINE)
    (shown,) = [block for block in blocks("text") if block.startswith("Starting a broker")]
    done = place.run("demo")
    assert done.returncode == 0, done.stderr
    build = re.compile(r"MicroPython .*")
    assert shape(build.sub("", shown)) == shape(build.sub("", done.stdout))


# --- boards


@pytest.mark.parametrize("word", ["app.sell(", "app.buy("])
def test_a_board_program_compiles(word: str):
    require_micropython()
    assert bundle.compile_source(snippet(word).encode(), "main.py", interpreter.arch())


def test_the_two_board_programs_trade_with_each_other(tmp_path: Path):
    with Market(tmp_path) as market:
        seller = market.board("seller", snippet("app.sell("), {})
        buyer = market.board("buyer", snippet("app.buy("), {})
        for board in (seller, buyer):
            board.start()
        done = market.wait(buyer, "done", BOARD_S)
        assert (done["units"], done["micro"]) == (1000, 1000 * 120)
        assert any("room-temperature" in line and "217" in line for line in buyer.lines)
        settings = json.loads((buyer.root / "settings.json").read_text())
    (shown,) = blocks("json")
    assert names(json.loads(shown)) == names(settings)


def names(value: Any) -> Any:
    return {key: names(each) for key, each in value.items()} if isinstance(value, dict) else None


def test_a_board_program_is_about_twenty_lines():
    for word in ("app.sell(", "app.buy("):
        assert len(snippet(word).splitlines()) <= 22


# --- words


def test_each_link_and_each_file_that_is_named_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    files = re.findall(r"`((?:docs|tests|tools|protocol|firmware|host)/[\w./-]+)`", README)
    assert links
    assert [name for name in links + files if not (ROOT / name).exists()] == []
