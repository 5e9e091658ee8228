# SPDX-License-Identifier: MIT
"""What MicroPython does otherwise than CPython without saying so, or refuses only on a board.

Each rule looks at one syntax node and yields the reason why it must not be there. Reading files and
exemptions are check_subset's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Rule = Callable[[ast.AST], Iterator[str]]

# Modules of the official firmware that device code may use.
ON_BOARD = frozenset(
    "array asyncio binascii bluetooth builtins collections cryptolib deflate errno esp32 gc hashlib io json "
    "machine math micropython neopixel network ntptime os random rp2 select socket ssl struct sys time "
    "uctypes uhashlib vfs farthing farthing_agent".split()
)
# What the protocol must not touch: it is sans-I/O and has no clock.
IO = frozenset(
    "asyncio bluetooth esp32 io machine neopixel network ntptime os random rp2 select socket ssl time vfs "
    "farthing_agent farthing_gateway farthing_cli".split()
)
MISSING_METHODS = {
    "removeprefix": "slice after startswith",
    "removesuffix": "slice after endswith",
    "bit_length": "keep the length, or shift in a loop",
    "bit_count": "count in a loop",
    "hexdigest": "use binascii.hexlify(h.digest())",
    "zfill": "use a format such as {:02d}",
    "ljust": "use a format",
    "rjust": "use a format",
    "casefold": "use lower",
    "isalnum": "compare bytes",
    "isnumeric": "use isdigit",
    "isdecimal": "use isdigit",
    "isidentifier": "compare bytes",
    "translate": "replace in a loop",
    "maketrans": "replace in a loop",
    "expandtabs": "replace",
    "popitem": "a board's dict keeps no order",
    "move_to_end": "a board's dict keeps no order",
}
MISSING_ASYNCIO = frozenset({"Queue", "TaskGroup", "timeout", "to_thread", "Runner", "Semaphore"})
VIEWS = frozenset({"items", "keys", "values"})


def _name(node: ast.AST) -> str:
    """The last part of a name or attribute, else an empty string."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def calls(node: ast.AST) -> Iterator[str]:
    """Calls that take other arguments on a board."""
    if not isinstance(node, ast.Call):
        return
    name, keywords = _name(node.func), {keyword.arg for keyword in node.keywords}
    if name == "pow" and len(node.args) == 3 and _negative(node.args[1]):
        yield "pow(x, -1, m) returns 0 on a board: use an inverse of your own"
    if name == "zip" and "strict" in keywords:
        yield "zip has no strict= on a board: compare the lengths"
    lenient = "errors" in keywords or (len(node.args) > 1 and isinstance(node.args[0], ast.Constant))
    if name in {"decode", "encode"} and lenient:
        yield f"bytes.{name} has no errors= on a board: catch UnicodeError"
    if name in {"from_bytes", "to_bytes"} and "signed" in keywords:
        yield f"int.{name} has no signed= on a board: subtract after reading"
    if name in {"sha512", "sha384", "sha3_256", "blake2b"}:
        yield f"hashlib.{name} is not in the firmware: only sha256 is"


def _negative(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def attributes(node: ast.AST) -> Iterator[str]:
    """Methods and classes that a board has not got."""
    if not isinstance(node, ast.Attribute):
        return
    if node.attr in MISSING_METHODS:
        yield f".{node.attr} does not exist on a board: {MISSING_METHODS[node.attr]}"
    if node.attr in MISSING_ASYNCIO and _name(node.value) == "asyncio":
        yield f"asyncio.{node.attr} does not exist on a board: use Event, Lock, wait_for or gather"


def classes(node: ast.AST) -> Iterator[str]:
    """Class machinery that is silently ignored, or not parsed."""
    if isinstance(node, ast.ClassDef):
        for keyword in node.keywords:
            yield f"class keyword {keyword.arg}= does not compile on a board"
        for statement in node.body:
            yield from _class_body(statement)


def _class_body(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if any(_name(target) == "__slots__" for target in targets):
        yield "__slots__ is neither enforced nor saves RAM on a board: leave it out"
    if isinstance(statement, ast.FunctionDef) and statement.name == "__init_subclass__":
        yield "__init_subclass__ is never called on a board"


def raising(node: ast.AST) -> Iterator[str]:
    """Errors: a code, no text, no cause."""
    if not isinstance(node, ast.Raise) or node.exc is None:
        return
    if node.cause is not None:
        yield "raise ... from drops the cause on a board: raise alone"
    name, args = (_name(node.exc), []) if not isinstance(node.exc, ast.Call) else _raised(node.exc)
    if name == "Fault" and not args:
        yield "Fault needs its code: raise Fault(faults.SOME_CODE)"
    if not name[:1].isupper():
        return  # a function that makes the Fault; its argument is no text
    for arg in args:
        if isinstance(arg, ast.JoinedStr) or (isinstance(arg, ast.Constant) and isinstance(arg.value, str)):
            yield "an error text costs a board 41 bytes of RAM: raise a Fault code, the host has the sentence"
        if name == "Fault" and isinstance(arg, ast.Constant) and isinstance(arg.value, int):
            yield "a Fault code is named, not a number: raise Fault(faults.SOME_CODE)"


def _raised(call: ast.Call) -> tuple[str, list[ast.expr]]:
    return _name(call.func), call.args


def asserting(node: ast.AST) -> Iterator[str]:
    """Checks that a compiled module may have lost."""
    if isinstance(node, ast.Assert):
        yield "assert vanishes when compiled with -O1: raise a Fault"
    if isinstance(node, ast.Name) and node.id == "__debug__":
        yield "__debug__ depends on how the module was compiled"


def syntax(node: ast.AST) -> Iterator[str]:
    """What a board's compiler does not know."""
    if isinstance(node, ast.Match):
        yield "match does not compile on a board: use if and elif"
    if isinstance(node, ast.TryStar):
        yield "except* does not compile on a board"
    if _unpacks(node):
        yield "[*a, b] does not compile on a board: use +"
    if isinstance(node, ast.Dict) and None in node.keys:
        yield "{**a} does not compile on a board: use copy and update"


def _unpacks(node: ast.AST) -> bool:
    """Whether it is a list, tuple or set made (not assigned to) with a starred item."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        made = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        return made and any(isinstance(item, ast.Starred) for item in node.elts)
    return False


def functions(node: ast.AST) -> Iterator[str]:
    """Signatures and generators a board does not know."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and node.args.posonlyargs:
        yield "positional-only / does not compile on a board"
    if isinstance(node, ast.AsyncFunctionDef) and any(isinstance(inner, ast.Yield) for inner in _own(node)):
        yield "an async generator does not run on a board: await in a loop"


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of the functions inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _own(child)


def dict_order(node: ast.AST) -> Iterator[str]:
    """Loops over a dict, whose order differs on a board."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        over = node.iter
        if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute) and over.func.attr in VIEWS:
            yield "a board's dict keeps no order: use sorted(), or say why order does not matter"


def constants(node: ast.AST) -> Iterator[str]:
    """const() that saves nothing."""
    value = node.value if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.Assign) and isinstance(value, ast.Call) and _name(value.func) == "const":
        for target in node.targets:
            if not _name(target).startswith("_"):
                yield f"const() saves RAM for _private names only: {_name(target)} needs none"


def imports(node: ast.AST) -> Iterator[str]:
    """Modules that are not in the firmware."""
    for module in imported(node):
        if module not in ON_BOARD:
            yield f"module {module} is not on a board"


def layers(node: ast.AST) -> Iterator[str]:
    """Modules that protocol/ must not use: it is sans-I/O and imports nothing above it."""
    for module in imported(node):
        if module in IO:
            yield f"protocol/ is sans-I/O: {module} belongs to the layers above"


def imported(node: ast.AST) -> list[str]:
    """Top-level names of the modules that an import statement names; none for a relative import."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(node.module or "").partition(".")[0]]
    return []


EVERYWHERE: tuple[Rule, ...] = (
    calls, attributes, classes, raising, asserting, syntax, functions, dict_order, constants, imports,
)  # fmt: skip
