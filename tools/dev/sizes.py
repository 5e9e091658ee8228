# SPDX-License-Identifier: MIT
"""Prints how many bytes of .mpy each part of the device code takes; --check holds them to budgets.toml.

RAM is heap.py's. Sizes are those of a Cortex-M4 or M33 board; other boards' differ in native code only.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tomllib
from typing import NamedTuple

from device_files import ROOT, Finding, report
from farthing_cli import bundle

BUDGETS = ROOT / "tests" / "budgets.toml"
ARCH = "armv7emsp"


class Part(NamedTuple):
    """One part's modules and their bytes against the limit."""

    name: str
    limit: int
    modules: dict[str, int]

    @property
    def size(self) -> int:
        return sum(self.modules.values())


def module_sizes() -> dict[str, int]:
    """Bytes of .mpy of every module that a board gets."""
    made = {
        name: bundle.compile_source(source.read_bytes(), name, ARCH)
        for name, source in bundle.libraries().items()
    }
    return {name: len(code) for name, code in made.items() if code is not None}


def parts(budgets: dict[str, dict[str, object]], sizes: dict[str, int]) -> list[Part]:
    """Sizes sorted into the budgets' parts; the first pattern that matches a module gets it.

    Raises ValueError for a module that no part claims.
    """
    found = {name: Part(name, int(str(part["limit"])), {}) for name, part in budgets.items()}
    patterns = {name: part["modules"] for name, part in budgets.items()}
    for module, size in sizes.items():
        owner = next((name for name, globs in patterns.items() if _claims(globs, module)), None)
        if owner is None:
            raise ValueError(f"no part of [mpy_bytes] in budgets.toml claims {module}")
        found[owner].modules[module] = size
    return list(found.values())


def _claims(globs: object, module: str) -> bool:
    return isinstance(globs, list) and any(fnmatch.fnmatch(module, str(glob)) for glob in globs)


def over_budget(measured: list[Part]) -> list[Finding]:
    """A finding for each part that is larger than its limit."""
    return [
        Finding(
            BUDGETS, _line_of(part.name), f"{part.name} is {part.size} bytes of .mpy, {part.limit} allowed"
        )
        for part in measured
        if part.size > part.limit
    ]


def _line_of(part: str) -> int:
    lines = BUDGETS.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith(f"[mpy_bytes.{part}]")), 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="print only what is over its budget")
    args = parser.parse_args()
    budgets = tomllib.loads(BUDGETS.read_text(encoding="utf-8"))["mpy_bytes"]
    measured = parts(budgets, module_sizes())
    if not args.check:
        for part in measured:
            print(f"{part.name}: {part.size} of {part.limit}")
            for module, size in sorted(part.modules.items(), key=lambda item: -item[1]):
                print(f"    {size:6} {module}")
    return report(over_budget(measured))


if __name__ == "__main__":
    sys.exit(main())
