# SPDX-License-Identifier: MIT
"""Finds the MicroPython unix port and the cheapest way to start it.

It starts nothing itself but one short question about the native code that it can load.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from farthing_cli.errors import UserError

NAMED_BY = "FARTHING_MICROPYTHON"

# The wheel holds the interpreter as an extension module, and its script starts a whole CPython with its
# site-packages first. -I -S skips them: 8 ms in place of 15 until the first line, 2.8 MB in place of 4.1.
_LAUNCHER = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from micropython_run import run_main; "
    "sys.exit(run_main(['micropython'] + sys.argv[1:]))"
)
# py/persistentcode.h, MP_NATIVE_ARCH_*: what mpy-cross calls the ones the unix port is built for.
_ARCHES = {1: "x86", 2: "x64", 3: "armv6", 11: "rv32imc", 12: "rv64imc"}


@cache
def find() -> str | None:
    """Path of the interpreter: FARTHING_MICROPYTHON, then the wheel's, then PATH; None if nowhere."""
    named = os.environ.get(NAMED_BY)
    if named:
        return shutil.which(named)
    return _module() or shutil.which("micropython")


@cache
def command() -> tuple[str, ...]:
    """Words that start the interpreter; options and the script follow. Raises UserError if there is none."""
    path = find()
    if path is None:
        raise UserError("no MicroPython for virtual boards", f"name its unix port in {NAMED_BY}")
    if path == _module():
        return (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(Path(path).parent))
    return (path,)


def _module() -> str | None:
    """The extension module that the wheel holds the interpreter in."""
    found = importlib.util.find_spec("micropython_run")
    return found.origin if found else None


@cache
def arch() -> str | None:
    """mpy-cross's name for the native code that the interpreter loads; None if it loads byte-code only."""
    ask = "import sys; print(sys.implementation._mpy >> 10)"
    done = subprocess.run([*command(), "-c", ask], capture_output=True, text=True, timeout=30, check=False)
    number = done.stdout.strip()
    return _ARCHES.get(int(number) & 15) if number.isdecimal() else None
