# SPDX-License-Identifier: MIT
"""A board's root folder: every device module is there as .mpy, loads in MicroPython, and nothing else is."""

import os
import subprocess
from pathlib import Path

import pytest

import runtimes
from farthing_cli import bundle, interpreter
from farthing_cli.errors import UserError

VIPER = b"import micropython\n@micropython.viper\ndef f(x: int) -> int:\n    return x + 1\n"
THUMB = b"import micropython\n@micropython.asm_thumb\ndef f(r0):\n    add(r0, 1)\n"


def on_board(root: Path, code: str) -> str:
    """What `code` prints when it runs in a board's root folder."""
    done = subprocess.run(
        [*interpreter.command(), "-X", "heapsize=64wK", "-c", code],
        cwd=root,
        env={**os.environ, "MICROPYPATH": "lib:.frozen"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_holds_the_compiled_modules_and_the_files_asked_for(tmp_path: Path) -> None:
    notice = tmp_path / "notice"
    notice.write_bytes(b"from a file")
    root = bundle.build(tmp_path / "board", "print('hello')\n", files={"a/b.csv": b"1,2\n", "notice": notice})
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    modules = {f"lib/{Path(name).with_suffix('.mpy')}" for name in bundle.libraries()}
    assert {"lib/farthing/__init__.mpy", "lib/farthing/cbor.mpy"} <= found
    assert found - modules == {"main.py", "a/b.csv", "notice"}
    assert (root / "a/b.csv").read_bytes() == b"1,2\n"
    assert (root / "notice").read_bytes() == b"from a file"
    assert (root / "main.py").read_text() == "print('hello')\n"


def test_every_shared_module_loads_on_a_board(tmp_path: Path) -> None:
    runtimes.require_micropython()
    root = bundle.build(tmp_path, "")
    names = [name for name in bundle.libraries() if name.startswith("farthing/") and "__init__" not in name]
    modules = [name.removesuffix(".py").replace("/", ".") for name in names]
    code = "\n".join(f"import {module}; print({module}.__file__)" for module in modules)
    assert on_board(root, code).splitlines() == [f"lib/{name.removesuffix('py')}mpy" for name in names]


def test_nothing_of_the_host_is_in_it() -> None:
    names = bundle.libraries()
    assert not [name for name in names if "cpython" in name or "/test_" in name or "pycache" in name]
    assert {name.split("/")[0] for name in names} <= {"farthing", "farthing_agent"}


def test_native_code_is_compiled_for_the_board_or_left_out() -> None:
    assert bundle.compile_source(VIPER, "v.py", "x64") != bundle.compile_source(VIPER, "v.py", "xtensawin")
    assert bundle.compile_source(VIPER, "v.py", None) is None
    assert bundle.compile_source(THUMB, "t.py", "xtensawin") is None
    assert bundle.compile_source(THUMB, "t.py", "armv7m")


def test_byte_code_is_the_same_for_every_board() -> None:
    plain = {bundle.compile_source(b"x = 1\n", "m.py", arch) for arch in (None, "x64", "armv6m", "xtensawin")}
    assert len(plain) == 1


def test_compiled_native_code_runs_here(tmp_path: Path) -> None:
    runtimes.require_micropython()
    code = bundle.compile_source(VIPER, "v.py", interpreter.arch())
    if code is None:
        runtimes.unavailable("this interpreter loads byte-code only")
    (tmp_path / "v.mpy").write_bytes(code)
    assert on_board(tmp_path, "import v; print(v.f(41))") == "42\n"


def test_a_module_that_does_not_compile_is_one_line() -> None:
    with pytest.raises(UserError, match=r"farthing/x\.py does not compile.*line 2.*SyntaxError") as caught:
        bundle.compile_source(b"x = 1\nx = = 2\n", "farthing/x.py")
    assert "\n" not in str(caught.value)
