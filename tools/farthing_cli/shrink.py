# SPDX-License-Identifier: MIT
"""Makes device sources smaller in RAM before they are compiled: what mpy-cross can't know of other modules.

Every name that a board loads costs a string and a dictionary slot. So integer constants are written in place
of their names, across modules, and private names are shortened alike in all modules, since equal names are
stored once. The meaning of a module does not change; tracebacks show the short names.
"""

from __future__ import annotations

import ast
import itertools
import string
from collections import Counter
from collections.abc import Iterator, Mapping

Constants = dict[str, dict[str, int]]  # module -> name -> value


def shrink(sources: Mapping[str, bytes], keep: str = "") -> dict[str, bytes]:
    """All modules (path below `lib/` -> source), smaller; constants that the text `keep` names stay."""
    trees = {_module(path): (path, ast.parse(source)) for path, source in sources.items()}
    constants = {name: _constants(tree) for name, (_, tree) in trees.items()}
    out = {}
    for name, (path, tree) in trees.items():
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        tree = _Inline(package, name, constants, keep).visit(tree)
        tree = _Rename(tree).visit(tree)
        out[path] = ast.unparse(ast.fix_missing_locations(tree)).encode()
    return out


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _constants(tree: ast.Module) -> dict[str, int]:
    """Public NAME = integer at the top level, bound nowhere else in the module."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    bound = Counter(node.id for node in names if isinstance(node.ctx, ast.Store))
    found: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, _integer(node.value)
            if name.isupper() and not name.startswith("_") and bound[name] == 1 and value is not None:
                found[name] = value
    return found


def _integer(node: ast.expr) -> int | None:
    """The value of an integer literal, or of const(literal)."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
        node = node.args[0]
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


class _Inline(ast.NodeTransformer):
    """Replaces names of constants by their values, and drops imports and definitions nobody needs then."""

    def __init__(self, package: str, module: str, constants: Constants, keep: str) -> None:
        self._package = package
        self._constants = constants
        self._keep = keep
        self._values = dict(constants[module])
        self._own = constants[module]
        self._modules: dict[str, str] = {}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        source = _resolve(self._package, node)
        left = []
        for alias in node.names:
            local = alias.asname or alias.name
            if alias.name in self._constants.get(source, {}):
                self._values[local] = self._constants[source][alias.name]
                continue
            if f"{source}.{alias.name}" in self._constants:
                self._modules[local] = f"{source}.{alias.name}"
            left.append(alias)
        node.names = left
        return node if left else None

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self._own and target.id not in self._keep:
            return None
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            value = self._constants[self._modules[node.value.id]].get(node.attr)
            if value is not None:
                return ast.Constant(value)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self._values:
            return ast.Constant(self._values[node.id])
        return node


def _resolve(package: str, node: ast.ImportFrom) -> str:
    """The absolute name of the module that an import names."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


class _Rename(ast.NodeTransformer):
    """Gives the private names that a module defines itself the shortest ones, most used first."""

    def __init__(self, tree: ast.Module) -> None:
        mine = set(_defined(tree))
        counts = Counter(name for name in _mentioned(tree) if name in mine)
        taken = {name for name in _mentioned(tree) if name not in mine}
        fresh = (name for name in _short_names() if name not in taken)
        self._names = {
            name: next(fresh) for name, _ in sorted(counts.items(), key=lambda it: (-it[1], it[0]))
        }

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._names.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self._names.get(node.attr, node.attr)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._names.get(name, name) for name in node.names]
        return node


def _short_names() -> Iterator[str]:
    for size in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=size):
            yield "_" + "".join(letters)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and len(name) > 1


def _defined(tree: ast.Module) -> Iterator[str]:
    """Private names that this module binds: functions, classes, variables, attributes."""
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        if _is_private(name):
            yield name


def _mentioned(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.arg):
            yield node.arg
