# SPDX-License-Identifier: MIT
"""Finds the smallest heap in which device code passes, by bisection over MicroPython's `-X heapsize`.

    heap.py farthing.cbor farthing.cose     the smallest for importing these, from .mpy
    heap.py script.py                       the smallest in which a script ends well
    heap.py --check                         the [heap_wk] budgets of tests/budgets.toml, each tried once

Heaps are in `wK`: N wK hold as many objects as N kB do on a 32-bit board. Flash is sizes.py's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from device_files import ROOT, Finding, report
from farthing_cli import bundle, interpreter

BUDGETS = ROOT / "tests" / "budgets.toml"
MOST_WK = 1024
TIMEOUT_S = 120


def passes(what: Sequence[str], heap_wk: int, libraries: Path) -> bool:
    """Whether the script, or the import of all the modules, ends well in a heap of `heap_wk`."""
    script = what[0] if what[0].endswith(".py") else None
    words = [script] if script else ["-c", "import " + ", ".join(what)]
    done = subprocess.run(
        [*interpreter.command(), "-X", f"heapsize={heap_wk}wK", *words],
        env={**os.environ, "MICROPYPATH": f"{libraries}:.frozen"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode and b"MemoryError" not in done.stderr + done.stdout and heap_wk == MOST_WK:
        sys.stderr.buffer.write(done.stdout + done.stderr)  # it fails for a reason that no heap cures
    return done.returncode == 0


def smallest(fits: Callable[[int], bool], most: int = MOST_WK) -> int | None:
    """The smallest number from 1 to `most` that fits, where all above it do too; None if `most` doesn't."""
    if not fits(most):
        return None
    low, high = 0, most  # `low` never fits, `high` always does
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle
    return high


def over_budget(libraries: Path) -> list[Finding]:
    """A finding for each entry of [heap_wk] that does not pass in its limit."""
    text = BUDGETS.read_text(encoding="utf-8")
    findings = []
    for name, entry in tomllib.loads(text)["heap_wk"].items():
        if not passes(entry["what"], entry["limit"], libraries):
            line = text[: text.index(f"[heap_wk.{name}]")].count("\n") + 1
            findings.append(Finding(BUDGETS, line, f"{name} does not pass in {entry['limit']} wK"))
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", help="modules to import, or one script; default: each budget")
    parser.add_argument("--check", action="store_true", help="try each budget instead")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle.compile_libraries(Path(folder))
        if args.check:
            return report(over_budget(Path(folder)))
        asked = {" ".join(args.what): args.what} if args.what else _budgeted()
        found = {name: _need(what, Path(folder)) for name, what in asked.items()}
    for name, need in found.items():
        print(f"{name}: {need} wK" if need else f"{name}: does not pass in {MOST_WK} wK")
    return 0 if all(found.values()) else 1


def _budgeted() -> dict[str, Sequence[str]]:
    table = tomllib.loads(BUDGETS.read_text(encoding="utf-8"))["heap_wk"]
    return {name: entry["what"] for name, entry in table.items()}


def _need(what: Sequence[str], libraries: Path) -> int | None:
    return smallest(lambda heap: passes(what, heap, libraries))


if __name__ == "__main__":
    sys.exit(main())
