# SPDX-License-Identifier: MIT
"""Each gate over device code catches the fault it is there for, where it stands, and passes what is right."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import check_subset
import compile_check
import heap
import runtimes
import sizes
import subset_rules

# What is planted, alone in a module, and a word of the reason that must be given for its first line.
FAULTS = {
    "pow(3, -1, 7)": "returns 0",
    "zip(a, b, strict=True)": "strict",
    "b.decode('utf-8', 'replace')": "errors",
    "b.decode(errors='replace')": "errors",
    "int.from_bytes(b, 'big', signed=True)": "signed",
    "hashlib.sha512(b)": "sha256",
    "s.removeprefix('a')": "slice",
    "n.bit_length()": "bit_length",
    "h.hexdigest()": "hexlify",
    "asyncio.Queue()": "asyncio.Queue",
    "asyncio.timeout(3)": "asyncio.timeout",
    "d.popitem()": "order",
    "for k, v in d.items(): f(k)": "order",
    "x = [v for v in d.values()]": "order",
    "class A(metaclass=M): pass": "metaclass",
    "class A: __slots__ = ('a',)": "__slots__",
    "class A: def_ = 1; __slots__ = ()": "__slots__",
    "raise Fault(1) from error": "cause",
    "raise Fault": "code",
    "raise Fault()": "code",
    "raise Fault(7)": "named",
    "raise ValueError('a text')": "41 bytes",
    "raise ValueError(f'a {text}')": "41 bytes",
    "assert x": "-O1",
    "x = __debug__": "compiled",
    "x = [*a, 1]": "use +",
    "x = (*a, 1)": "use +",
    "x = {**a}": "copy and update",
    "def f(a, /): pass": "positional-only",
    "SIZE = const(3)": "_private",
    "import dataclasses": "dataclasses",
    "from typing import Any": "typing",
    "import functools, sys": "functools",
    "from collections.abc import Iterator; import enum": "enum",
    "match x:\n case 1: pass": "match",
    "async def f():\n yield 1": "async generator",
    "class A:\n def f(self):\n  assert self": "-O1",
    "try: f()\nexcept* ValueError: pass": "except*",
}
ALLOWED = [
    "raise Fault(faults.MALFORMED)",
    "raise",
    "pow(a, b - 2, m)",
    "x = [1, 2] + a",
    "f(*a, **b)",
    "a, *rest = b",
    "for k in sorted(d.keys()): f(k)",
    "_SIZE = const(3)",
    "x = {'a': 1}",
    "from . import cbor",
    "b.decode()",
    "senml.decode(b, 0)",
    "def f(a, *, b): pass",
    "async def f():\n await g()",
    "if TYPE_CHECKING:\n from typing import Any",
    "assert x  # subset: a test's own check",
]


def plant(folder: Path, source: str) -> Path:
    """A device file with `source` in it."""
    path = folder / "planted.py"
    path.write_text(source + "\n")
    return path


@pytest.mark.parametrize("source", FAULTS)
def test_the_subset_gate_catches(tmp_path: Path, source: str) -> None:
    found = check_subset.check(plant(tmp_path, "x = 1\n" + source))
    assert any(FAULTS[source] in finding.reason for finding in found), found
    assert {finding.line for finding in found} <= {2 + line for line in range(source.count("\n") + 1)}


@pytest.mark.parametrize("source", ALLOWED)
def test_the_subset_gate_passes(tmp_path: Path, source: str) -> None:
    assert check_subset.check(plant(tmp_path, source)) == []


def test_every_missing_method_and_module_is_caught(tmp_path: Path) -> None:
    for name in [*subset_rules.MISSING_METHODS]:
        assert check_subset.check(plant(tmp_path, f"a.{name}()")), name
    for name in "typing dataclasses enum functools itertools contextlib logging datetime hmac".split():
        assert check_subset.check(plant(tmp_path, f"import {name}")), name


@pytest.mark.parametrize(
    "module", ["asyncio", "socket", "time", "os", "farthing_agent.link", "farthing_gateway"]
)
def test_the_protocol_may_not_reach_upwards(module: str) -> None:
    tree = ast.parse(f"import {module}")
    assert [reason for node in ast.walk(tree) for reason in subset_rules.layers(node)]
    assert not [
        reason for node in ast.walk(ast.parse("import struct")) for reason in subset_rules.layers(node)
    ]


def test_the_subset_gate_ends_with_1_and_one_line(tmp_path: Path) -> None:
    path = plant(tmp_path, "x = 1\nassert x")
    script = runtimes.ROOT / "tools/dev/check_subset.py"
    done = subprocess.run([sys.executable, script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{path}:2: assert vanishes")
    assert done.stdout.count("\n") == 1


def test_what_micropython_does_is_as_the_rules_say() -> None:
    """The silent traps are real: the reason for the gate, seen in the interpreter itself."""
    code = (
        "class A:\n    __slots__ = ('a',)\n    def __init_subclass__(cls): print('called')\n"
        "class B(A): pass\n"
        "b = A(); b.other = 1\n"
        "try:\n    try:\n        raise KeyError\n    except KeyError as e:\n        raise ValueError from e\n"
        "except ValueError as e:\n    print(getattr(e, '__cause__', None))\n"
        "print(pow(3, -1, 7), b.other)\n"
    )
    assert runtimes.run_device(code).stdout.splitlines() == ["None", "0 1"]


def test_the_compile_gate_catches(tmp_path: Path) -> None:
    found = compile_check.check(plant(tmp_path, "x = 1\ny = {**x}"))
    assert [finding.line for finding in found] == [2]
    assert "SyntaxError" in found[0].reason


def test_the_compile_gate_tries_native_code_for_every_board(tmp_path: Path) -> None:
    viper = "import micropython\n@micropython.viper\ndef f(x: int) -> int:\n    return x {} 1"
    assert compile_check.check(plant(tmp_path, viper.format("+"))) == []
    assert compile_check.check(plant(tmp_path, viper.format("@")))


def test_a_part_over_its_size_is_named() -> None:
    budgets: dict[str, dict[str, object]] = {
        "shared": {"limit": 10, "modules": ["farthing/*"]},
        "agent": {"limit": 10, "modules": ["farthing_agent/*"]},
    }
    measured = sizes.parts(budgets, {"farthing/a.py": 6, "farthing/b.py": 5, "farthing_agent/c.py": 10})
    assert [(part.name, part.size) for part in measured] == [("shared", 11), ("agent", 10)]
    (finding,) = sizes.over_budget(measured)
    assert "shared is 11 bytes of .mpy, 10 allowed" in finding.reason
    assert sizes.BUDGETS.read_text().splitlines()[finding.line - 1] == "[mpy_bytes.shared]"


def test_a_module_that_no_part_claims_is_an_error() -> None:
    with pytest.raises(ValueError, match="claims farthing/a"):
        sizes.parts({"agent": {"limit": 1, "modules": ["farthing_agent/*"]}}, {"farthing/a.py": 1})


@pytest.mark.parametrize("needed", [1, 2, 31, 32, 33, 63, 64])
def test_bisection_finds_the_smallest(needed: int) -> None:
    assert heap.smallest(lambda size: size >= needed, most=64) == needed


def test_bisection_says_when_nothing_fits() -> None:
    assert heap.smallest(lambda size: False, most=64) is None


def test_the_heap_gate_sees_what_a_module_takes(tmp_path: Path) -> None:
    """200 kB kept at import need 100 wK and the interpreter's own 2, and not much more."""
    runtimes.require_micropython()
    (tmp_path / "hungry.py").write_text("kept = [bytearray(10_000) for _ in range(20)]\n")
    found = heap.smallest(lambda size: heap.passes(["hungry"], size, tmp_path))
    assert found is not None
    assert 100 <= found <= 110


def test_a_heap_budget_that_is_too_small_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtimes.require_micropython()
    budgets = tmp_path / "budgets.toml"
    budgets.write_text(
        '# a comment\n[heap_wk.io]\nlimit = 3\nwhat = ["asyncio"]\n[heap_wk.no]\nlimit = 3\nwhat = ["gc"]\n'
    )
    monkeypatch.setattr(heap, "BUDGETS", budgets)
    (finding,) = heap.over_budget(tmp_path)
    assert str(finding) == f"{budgets}:2: io does not pass in 3 wK"
