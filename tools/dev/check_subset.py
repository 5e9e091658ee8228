# SPDX-License-Identifier: MIT
"""Gate: device code keeps to what MicroPython does as CPython does.

One line a finding, exit code 1. A line that is right all the same says why behind `# subset: `. What the
compiler refuses is compile_check's; what a rule looks for is in subset_rules.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from device_files import ROOT, Finding, device_files, report
from subset_rules import EVERYWHERE, Rule, layers

EXEMPT = "# subset: "


def check(path: Path) -> list[Finding]:
    """The findings in one file."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    rules = (*EVERYWHERE, layers) if path.is_relative_to(ROOT / "protocol") else EVERYWHERE
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [Finding(path, error.lineno or 1, f"is no Python: {error.msg}")]
    return [
        Finding(path, line, reason)
        for line, reason in sorted(_findings(tree, rules))
        if EXEMPT not in lines[line - 1]
    ]


def _findings(tree: ast.AST, rules: tuple[Rule, ...]) -> Iterator[tuple[int, str]]:
    for node in _walk(tree):
        for rule in rules:
            for reason in rule(node):
                yield _line(node), reason


def _line(node: ast.AST) -> int:
    """Where it begins; a comprehension's `for` has no position of its own."""
    return getattr(node.iter if isinstance(node, ast.comprehension) else node, "lineno", 1)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those below `if TYPE_CHECKING:`, which no board ever runs."""
    yield node
    for child in ast.iter_child_nodes(node):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        yield from _walk(child)


if __name__ == "__main__":
    sys.exit(report([finding for path in device_files(sys.argv[1:]) for finding in check(path)]))
