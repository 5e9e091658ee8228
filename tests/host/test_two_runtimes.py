# SPDX-License-Identifier: MIT
"""The plugin behind tests/shared: both runtimes really run, each failure is told, none missing passes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import runtimes

SHARED = """
import sys
def test_fine(): pass
def test_only_on_cpython():
    print("it is", sys.implementation.name)
    assert sys.implementation.name == "cpython"
def test_only_on_micropython():
    assert sys.implementation.name == "micropython"
"""


def run_pytest(folder: Path, source: str, *options: str, **extra: str) -> str:
    """What pytest prints for a shared test file of `source`, run with this repository's plugin."""
    (folder / "shared").mkdir()
    (folder / "shared" / "test_planted.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    path = os.pathsep.join(str(runtimes.ROOT / part) for part in ("tests", "protocol", "tools"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rA",
            "-p",
            "conftest",
            "--import-mode=importlib",
            *options,
            "shared",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "110", **extra},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_each_test_has_two_verdicts(tmp_path: Path) -> None:
    runtimes.require_micropython()
    told = run_pytest(tmp_path, SHARED)
    for line in (
        "PASSED shared/test_planted.py::test_fine",
        "PASSED shared/test_planted.py::test_fine[micropython]",
        "PASSED shared/test_planted.py::test_only_on_cpython",
        "FAILED shared/test_planted.py::test_only_on_cpython[micropython] - it is micropython",
        "FAILED shared/test_planted.py::test_only_on_micropython - ",
        "PASSED shared/test_planted.py::test_only_on_micropython[micropython]",
    ):
        assert line in told, told
    assert "2 failed, 4 passed" in told


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import dataclasses\ndef test_a(): pass\n", "ImportError: no module named 'dataclasses'"),
        ("import sys\ndef test_a():\n    if sys.platform == 'linux': sys.exit(0)\n", "the interpreter ended"),
    ],
    ids=["import", "exit"],
)
def test_a_file_that_ends_early_fails(tmp_path: Path, source: str, reason: str) -> None:
    runtimes.require_micropython()
    told = run_pytest(tmp_path, source, "-k", "micropython")
    assert reason in told
    assert "1 failed" in told


@pytest.mark.parametrize(("ci", "verdict"), [("", "1 skipped"), ("true", "1 failed")])
def test_no_interpreter_is_a_skip_here_and_a_failure_in_ci(tmp_path: Path, ci: str, verdict: str) -> None:
    source = "def test_a(): pass\n"
    told = run_pytest(
        tmp_path, source, "-k", "micropython", CI=ci, FARTHING_MICROPYTHON="no-such-interpreter"
    )
    assert verdict in told
    assert "set FARTHING_MICROPYTHON" in told
