"""Mutants of a module: one small change of its arithmetic, comparisons, constants or masks.

A mutant is made in the syntax tree. Left alone are what is no computation: annotations, strings
and messages, imports, decorators, declarations of types, and keywords such as ``strict=True``.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMPARE: Final = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_BINARY: Final = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_NAMES: Final = {
    "max": "min", "min": "max", "maximum": "minimum", "minimum": "maximum", "floor": "ceil",
    "ceil": "floor", "any": "all", "all": "any", "argmax": "argmin", "argmin": "argmax",
    "left": "right",
}  # fmt: skip
# Keywords that change no result, or only in what is not promised.
_KEYWORDS: Final = frozenset(
    [
        "strict",
        "stacklevel",
        "exist_ok",
        "daemon",
        "parents",
        "encoding",
        "errors",
        "slots",
        "frozen",
        "dtype",
        "order",
        "axis",
        "name",
        "default_factory",
        "thread_name_prefix",
        "keepdims",
        "copy",
    ]
)
_SILENT: Final = (ast.Raise, ast.Import, ast.ImportFrom, ast.Assert)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, what was there, what is there now, and the module with it."""

    file: str
    line: int
    function: str
    statement: str
    before: str
    after: str
    tree: ast.Module
    path: tuple[Any, ...]
    change: Callable[[ast.AST], tuple[str, str, int]]

    @property
    def name(self) -> str:
        """What it is called in results: no line number, so that it survives other changes."""
        return f"{self.file}:{self.function}: {self.statement}: {self.before} -> {self.after}"

    @property
    def source(self) -> str:
        """The module with the change."""
        mutated = copy.deepcopy(self.tree)
        self.change(_at(mutated, self.path))
        return ast.unparse(ast.fix_missing_locations(mutated))


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Return all mutants of a module."""
    tree = ast.parse(source)
    found = []
    for path, statement, function in _statements(tree, ()):
        head = copy.copy(statement)
        for field in ("body", "orelse", "handlers", "finalbody"):
            if hasattr(head, field):
                setattr(head, field, [])
        first = ast.unparse(statement).partition("\n")[0][:100]
        for change in _changes(statement):
            before, after, line = change(copy.deepcopy(head))
            if before != after:
                found.append(
                    Mutant(file, line, function, first, before, after, tree, path, change)
                )
    return found


def _statements(node: ast.AST, path: tuple, function: str = "module") -> Iterator[tuple]:
    """Yield the statements that compute, with the way to them and the function around them."""
    for field in ("body", "orelse", "handlers", "finalbody"):
        for number, child in enumerate(getattr(node, field, None) or ()):
            here = (*path, (field, number))
            if isinstance(child, _SILENT) or _only_types(child):
                continue
            inner = function
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = child.name if function == "module" else f"{function}.{child.name}"
            yield here, child, inner
            yield from _statements(child, here, inner)


def _only_types(node: ast.AST) -> bool:
    if (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    ):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _at(tree: ast.AST, path: tuple) -> ast.AST:
    for field, number in path:
        tree = getattr(tree, field)[number]
    return tree


def _changes(statement: ast.stmt) -> Iterator:
    """Yield functions that change a copy of this statement and say what they did."""
    if _is_mask(statement):
        yield _without
    count = len(list(_expressions(statement)))
    for number in range(count):
        node = list(_expressions(statement))[number]
        for way in range(_ways(node)):
            yield _Change(number, way)


def _is_mask(node: ast.stmt) -> bool:
    """Whether a statement changes arrays in place: such as ``w[f == 0] = 0``."""
    if isinstance(node, ast.AugAssign):
        return True
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)


def _without(node: ast.stmt) -> tuple[str, str, int]:
    before = ast.unparse(node)
    node.__class__ = ast.Pass
    for field in ("targets", "target", "value", "op"):
        if hasattr(node, field):
            delattr(node, field)
    return before, "(removed)", node.lineno


@dataclass(frozen=True, slots=True)
class _Change:
    number: int
    way: int

    def __call__(self, statement: ast.stmt) -> tuple[str, str, int]:
        node = list(_expressions(statement))[self.number]
        before = ast.unparse(node)
        _alter(node, self.way)
        return before, ast.unparse(node), node.lineno


def _expressions(statement: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions of one statement itself, not of the statements inside it."""
    for field, value in ast.iter_fields(statement):
        if field in (
            "body",
            "orelse",
            "handlers",
            "finalbody",
            "decorator_list",
            "annotation",
            "returns",
            "targets",
            "target",
            "bases",
            "type_comment",
            "keywords",
        ) and isinstance(statement, ast.stmt):
            if field in ("targets", "target"):
                for node in value if isinstance(value, list) else [value]:
                    if isinstance(node, ast.Subscript):
                        yield from _inside(node.slice)
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.arguments):
                for default in (*node.defaults, *(d for d in node.kw_defaults if d)):
                    yield from _inside(default)
            elif isinstance(node, ast.withitem):
                continue
            elif isinstance(node, ast.expr):
                yield from _inside(node)


def _inside(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.keyword):
        if node.arg not in _KEYWORDS:
            yield from _inside(node.value)
        return
    if isinstance(node, ast.JoinedStr | ast.Lambda):
        return
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("info", "warning", "debug", "error", "astype")
    ):
        return
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("tuple", "list", "dict", "NDArray", "Callable", "Iterator")
    ):
        return
    if isinstance(node, ast.expr):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _inside(child)


def _ways(node: ast.expr) -> int:
    match node:
        case ast.Compare() if len(node.ops) == 1:
            return len(_COMPARE[type(node.ops[0])])
        case ast.BinOp() if type(node.op) in _BINARY:
            return 0 if _is_text(node) else 1
        case ast.BoolOp():
            return 1
        case ast.UnaryOp() if isinstance(node.op, ast.USub | ast.Not | ast.Invert):
            return 1
        case ast.IfExp():
            return 1
        case ast.Constant() if isinstance(node.value, bool | int | float):
            return 1
        case ast.Name() | ast.Attribute():
            named = ("min", "max", "any", "all") if isinstance(node, ast.Name) else _NAMES
            return int(_called(node) in named)
    return 0


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(n, ast.JoinedStr)
        or (isinstance(n, ast.Constant) and isinstance(n.value, str | bytes))
        for n in ast.walk(node)
    ) or "Final" in ast.unparse(node)


def _called(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _alter(node: ast.expr, way: int) -> None:
    match node:
        case ast.Compare():
            node.ops = [_COMPARE[type(node.ops[0])][way]()]
        case ast.BinOp():
            node.op = _BINARY[type(node.op)]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            operand = node.operand
            for field in ("op", "operand"):
                delattr(node, field)
            node.__class__ = type(operand)
            for field, value in ast.iter_fields(operand):
                setattr(node, field, value)
        case ast.IfExp():
            node.body, node.orelse = node.orelse, node.body
        case ast.Constant():
            value = node.value
            if isinstance(value, bool):
                node.value = not value
            elif isinstance(value, int):
                node.value = value + 1
            else:
                node.value = value * 1.25 if value else 1.0
        case ast.Name():
            node.id = _NAMES[node.id]
        case ast.Attribute():
            node.attr = _NAMES[node.attr]
