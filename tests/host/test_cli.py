# SPDX-License-Identifier: MIT
"""The command's frame: the table, the one-line errors, the exit codes, and what a pipe and --json get."""

import io
import json
import signal
import subprocess
from pathlib import Path

import pytest

from cli import COMMAND, environment, farthing
from farthing_cli import __version__, main
from farthing_cli.output import Output

# A command that other commands are not: it does what its argument says.
PROBE = """
import time
NAME = "zz_probe"
HELP = "probe"
def configure(parser):
    parser.add_argument("what")
def run(args):
    if args.what == "wait":
        args.out.line("waiting")
        time.sleep(60)
    if args.what == "defect":
        raise KeyError("of all things")
    for _ in range(100000):
        args.out.line("a line for a reader that went away")
    return 0
"""


@pytest.fixture
def probe(tmp_path: Path) -> dict[str, str]:
    """Environment in which `farthing` has one command more."""
    (tmp_path / "zz_probe.py").write_text(PROBE)
    (tmp_path / "sitecustomize.py").write_text(
        f"import farthing_cli.commands as c\nc.__path__.append({str(tmp_path)!r})\n"
    )
    base = environment()
    return {**base, "PYTHONPATH": f"{base['PYTHONPATH']}:{tmp_path}"}


def test_version() -> None:
    done = farthing("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"farthing {__version__}\n", "")


def test_help_names_every_command_with_its_line() -> None:
    done = farthing("--help")
    assert done.returncode == 0
    for name in main.names():
        assert f"{name} " in done.stdout
        assert main.load(name).HELP in " ".join(done.stdout.split())


def test_each_module_is_named_as_its_command() -> None:
    assert main.names()
    for name in main.names():
        assert name == main.load(name).NAME


@pytest.mark.parametrize(
    "words", [[], ["nope"], ["keys"], ["keys", "show"], ["--nope"], ["keys", "id", "a", "b"]]
)
def test_a_wrong_command_line_is_one_line_and_exit_2(words: list[str]) -> None:
    done = farthing(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("farthing: ")
    assert done.stderr.count("\n") == 1
    assert "--help" in done.stderr


def test_a_defect_is_one_line_and_debug_shows_the_traceback(probe: dict[str, str]) -> None:
    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *args], env=probe, capture_output=True, text=True, check=False)

    plain, debug = run("zz_probe", "defect"), run("zz_probe", "--debug", "defect")
    assert plain.returncode == debug.returncode == 1
    assert plain.stderr.count("\n") == 1
    assert "KeyError" in plain.stderr
    assert "--debug" in plain.stderr
    assert "Traceback" in debug.stderr


@pytest.mark.parametrize(
    ("number", "code", "lines"), [(signal.SIGINT, 130, 1), (signal.SIGTERM, 143, 0)], ids=["int", "term"]
)
def test_a_signal_ends_it_without_a_traceback(
    probe: dict[str, str], number: int, code: int, lines: int
) -> None:
    command = [*COMMAND, "zz_probe", "wait"]
    with subprocess.Popen(command, env=probe, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == code
    assert errors.count("\n") == lines


def test_a_reader_that_goes_away_is_no_error(probe: dict[str, str]) -> None:
    command = " ".join([*COMMAND, "zz_probe", "print", "|", "head", "-n", "1"])
    done = subprocess.run(
        command, shell=True, env=probe, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_rewritten_on_a_terminal_and_quarters_in_a_pipe() -> None:
    screen, pipe = Terminal(), io.StringIO()
    for stream in (screen, pipe):
        out = Output(stdout=stream)
        for done in range(201):
            out.progress("readings", done, 200)
        out.line("end")
    assert pipe.getvalue().splitlines() == [
        "readings: 50 of 200", "readings: 100 of 200", "readings: 150 of 200", "readings: 200 of 200", "end",
    ]  # fmt: skip
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue().endswith("readings: 200 of 200\r\x1b[Kend\n")


def test_json_leaves_one_object_on_stdout() -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    out = Output(json=True, stdout=stdout, stderr=stderr)
    out.line("a line")
    out.progress("readings", 1, 1)
    out.result({"ticks": 3})
    assert json.loads(stdout.getvalue()) == {"ticks": 3}
    assert "a line" in stderr.getvalue()


def test_a_table_aligns_numbers_to_the_right() -> None:
    stdout = io.StringIO()
    Output(stdout=stdout).table(["who", "units"], [["a seller", 7], ["b", 1200]])
    assert stdout.getvalue().splitlines() == ["who       units", "a seller      7", "b          1200"]
