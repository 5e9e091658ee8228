# SPDX-License-Identifier: MIT
"""Shrinking device sources keeps their meaning and saves what it claims to."""

import subprocess

import runtimes
from farthing_cli import bundle, interpreter, shrink

CODES = b"PUBLIC = 7\nKEPT = 8\n_private = const(3)\nTEXT = 'x'\nTWICE = 1\nTWICE = 2\n"
USER = b"""
from . import codes as c
from .codes import PUBLIC, TEXT as t
class Thing:
    def __init__(self):
        self._secret_value = PUBLIC
    def _helper_function(self, PUBLIC_ARG=c.PUBLIC):
        return self._secret_value + PUBLIC_ARG
    def open(self):
        return self._helper_function() + c.TWICE, t
"""


def shrunk(keep: str = "") -> dict[str, str]:
    sources = {"pkg/__init__.py": b"", "pkg/codes.py": CODES, "pkg/user.py": USER}
    return {name: text.decode() for name, text in shrink.shrink(sources, keep).items()}


def test_constants_are_written_in_place_and_no_longer_defined():
    out = shrunk()
    assert "PUBLIC" not in out["pkg/codes.py"]
    assert " = 7\n" in out["pkg/user.py"]
    assert "PUBLIC_ARG=7" in out["pkg/user.py"]


def test_what_is_no_constant_stays_a_name():
    out = shrunk()
    assert "TEXT = 'x'" in out["pkg/codes.py"]
    assert "import TEXT as t" in out["pkg/user.py"]
    assert "c.TWICE" in out["pkg/user.py"]


def test_a_constant_that_the_application_names_stays():
    assert "KEPT = 8" in shrunk("from pkg.codes import KEPT")["pkg/codes.py"]
    assert "KEPT" not in shrunk()["pkg/codes.py"]


def test_private_names_become_short_and_public_ones_stay():
    out = shrunk()["pkg/user.py"]
    assert "_helper_function" not in out
    assert "_secret_value" not in out
    assert "def open(self)" in out


def test_a_name_of_somebody_else_is_left_alone():
    out = shrink.shrink({"m.py": b"import sys\nprint(sys.implementation._mpy, sys._b)\ndef _b(): pass\n"})
    assert b"implementation._mpy" in out["m.py"]


def test_the_shared_package_takes_less_heap_when_shrunk(tmp_path):
    """Measured on the real interpreter: live bytes after importing the channel code."""
    runtimes.require_micropython()
    script = "import gc, farthing.channel, farthing.topics\ngc.collect()\nprint(gc.mem_alloc())"
    sources = {name: path.read_bytes() for name, path in bundle.libraries().items() if "agent" not in name}

    def live(folder, texts) -> int:
        for name, source in texts.items():
            target = (folder / name).with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(bundle.compile_source(source, name))
        done = subprocess.run(
            [*interpreter.command(), "-X", "heapsize=128wK", "-c", script],
            env={"MICROPYPATH": f"{folder}:.frozen"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return int(done.stdout)

    plain = live(tmp_path / "plain", sources)
    small = live(tmp_path / "small", shrink.shrink(sources))
    assert small < 0.92 * plain, (small, plain)
