# SPDX-License-Identifier: MIT
"""Runs viper functions under CPython, as a 32-bit board would, and raises where that would go wrong.

Overflow hides on the 64-bit unix port, and a wrong index is silent on any. It compiles nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

INT32 = range(-(2**31), 2**31)
BASE, SPACING = 0x2000_0000, 0x1_0000
SIZES = {"ptr8": 1, "ptr16": 2, "ptr32": 4}


class UnsafeError(Exception):
    """What would go wrong on a board: an overflow, a bad index, a misaligned or negative word."""


class Memory:
    """Buffers with addresses, as viper's int(pointer) and ptr32(address) need them."""

    def __init__(self) -> None:
        self.buffers: list[memoryview] = []
        self.largest = 0

    def checked(self, value: int, line: int) -> int:
        """`value` if 32 bits hold it. Raises UnsafeError."""
        if value not in INT32:
            raise UnsafeError(f"line {line}: {value} needs more than 32 bits")
        self.largest = max(self.largest, abs(value))
        return value

    def pointer(self, source: Any, size: int) -> Pointer:
        """A pointer to a buffer, to where another pointer points, or to an address."""
        if isinstance(source, Pointer):
            return Pointer(self, source.buffer, source.offset, size)
        if isinstance(source, int):
            number, offset = divmod(source - BASE, SPACING)
            if offset > SPACING // 2:  # an address just below a buffer
                number, offset = number + 1, offset - SPACING
            return Pointer(self, number, offset, size)
        self.buffers.append(memoryview(source).cast("B"))
        return Pointer(self, len(self.buffers) - 1, 0, size)

    def address(self, value: int | Pointer) -> int:
        """What viper's int() gives: the address of a pointer, or the number itself."""
        return value if isinstance(value, int) else BASE + SPACING * value.buffer + value.offset


class Pointer:
    """A typed pointer whose every access is checked."""

    def __init__(self, memory: Memory, buffer: int, offset: int, size: int) -> None:
        self.memory, self.buffer, self.offset, self.size = memory, buffer, offset, size

    def _part(self, index: int) -> slice:
        start = self.offset + index * self.size
        if start < 0 or start + self.size > len(self.memory.buffers[self.buffer]):
            raise UnsafeError(f"index {index} is outside the buffer")
        if start % self.size:
            raise UnsafeError(f"a misaligned word at byte {start}: it faults on a Cortex-M0+")
        return slice(start, start + self.size)

    def __getitem__(self, index: int) -> int:
        return int.from_bytes(self.memory.buffers[self.buffer][self._part(index)], "little")

    def __setitem__(self, index: int, value: int) -> None:
        if not 0 <= value < 1 << min(31, 8 * self.size):
            raise UnsafeError(f"{value} stored in {self.size} bytes: x64 viper would load another number")
        self.memory.buffers[self.buffer][self._part(index)] = value.to_bytes(self.size, "little")


def load(path: Path, package: str = "") -> tuple[dict[str, Any], Memory]:
    """The names of a module with its viper functions checked, and the memory that they work in.

    `package` is what its relative imports start from.
    """
    memory = Memory()
    tree = ast.fix_missing_locations(_Checks().visit(ast.parse(path.read_text(encoding="utf-8"))))
    names: dict[str, Any] = {"__package__": package}
    names |= {"checked": memory.checked, "int": memory.address, "forget": memory.buffers.clear}
    for name, size in SIZES.items():
        names[name] = _maker(memory, size)
    exec(compile(tree, str(path), "exec"), names)
    return names, memory


def _maker(memory: Memory, size: int) -> Callable[[Any], Pointer]:
    return lambda source: memory.pointer(source, size)


class _Checks(ast.NodeTransformer):
    """In viper functions, wraps every result in checked(), and makes pointers of the annotated arguments."""

    _viper = False

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        return None if node.names[0].name == "micropython" else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not self._viper:
            return node
        return _call("checked", node, ast.Constant(node.lineno))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        total = ast.BinOp(target, node.op, node.value, lineno=node.lineno)
        return ast.Assign([node.target], self.visit(total), lineno=node.lineno)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if not any(ast.unparse(decorator) == "micropython.viper" for decorator in node.decorator_list):
            return node
        self._viper = True
        self.generic_visit(node)
        self._viper = False
        first: list[ast.stmt] = [ast.Expr(_call("forget"))]
        for argument in node.args.args:
            kind = ast.unparse(argument.annotation) if argument.annotation else ""
            if kind in SIZES:
                pointer = _call(kind, ast.Name(argument.arg, ast.Load()))
                first.append(ast.Assign([ast.Name(argument.arg, ast.Store())], pointer, lineno=node.lineno))
            argument.annotation = None
        node.decorator_list = []
        node.body[:0] = first
        return node


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
