"""Selection of rows by an expression: a small, safe language of comparisons."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

_OPERATORS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_GRAMMAR: Final = (
    "comparisons (== != < <= > >=, in (...), not in (...)) of columns with numbers or quoted "
    "text, joined by and, or, not"
)
# Deep nesting would exhaust the interpreter's stack.
_LONGEST: Final = 2000


class Columns(Protocol):
    """A table of N rows, as far as a selection needs to know it."""

    def __len__(self) -> int: ...

    def __contains__(self, name: str) -> bool: ...

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        ...

    def is_text(self, name: str) -> bool:
        """Whether a column holds text rather than numbers."""
        ...

    def text(self, name: str) -> NDArray[np.str_]:
        """Return a column as text, shape (N,); missing is empty."""
        ...

    def number(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, shape (N,); missing is NaN."""
        ...


def select(expression: str, columns: Columns) -> Mask:
    """Return the rows for which an expression holds, shape (N,).

    Only comparisons are evaluated: there are no calls, attributes or arithmetic.
    A missing number makes every comparison it takes part in false; a missing text is the empty
    text. A column in which all is missing may be compared with both.

    Parameters
    ----------
    expression
        Such as ``trust >= 2 and fold in (0, 1) and survey != "LAMOST"``; chains such as
        ``0.5 < z <= 2`` are understood.
    columns
        The table; names are case-sensitive.

    Raises
    ------
    InputError
        If the expression is not understood, names an unknown column, or compares text with
        a number.
    """
    if len(expression) > _LONGEST:
        raise InputError(f"--where: the expression is longer than {_LONGEST} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError(
            f"--where: {expression!r} is not understood ({reason}): write {_GRAMMAR}"
        ) from error
    return _holds(tree.body, columns)


def _holds(node: ast.expr, columns: Columns) -> Mask:
    if isinstance(node, ast.BoolOp):
        parts = [_holds(value, columns) for value in node.values]
        combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        combined: Mask = combine.reduce(parts)
        return combined
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_holds(node.operand, columns)
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        mask = np.ones(len(columns), bool)
        for left, op, right in zip(operands[:-1], node.ops, operands[1:], strict=True):
            mask &= _compare(left, op, right, columns)
        return mask
    raise _not_understood(node, "is no comparison")


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr, columns: Columns) -> Mask:
    if isinstance(op, ast.In | ast.NotIn):
        if not isinstance(right, ast.Tuple | ast.List | ast.Set):
            raise _not_understood(right, "is no list of values such as (0, 1)")
        among, known = np.zeros(len(columns), bool), _known(_value(left, columns), len(columns))
        for value in right.elts:
            among |= _compare(left, ast.Eq(), value, columns)
            known = known & _known(_pair(left, value, columns)[0], len(columns))
        return among if isinstance(op, ast.In) else known & ~among
    if type(op) not in _OPERATORS:
        raise InputError(f"--where: use == and != instead of `is`: write {_GRAMMAR}")
    a, b = _pair(left, right, columns)
    if _is_text(a) != _is_text(b):
        words, other = (left, right) if _is_text(a) else (right, left)
        raise InputError(
            f"--where: {ast.unparse(words)} is text and {ast.unparse(other)} is a number: "
            "put quotes around a text, none around a number"
        )
    with np.errstate(invalid="ignore"):
        holds = np.broadcast_to(_OPERATORS[type(op)](a, b), (len(columns),))
    mask: Mask = holds & _known(a, len(columns)) & _known(b, len(columns))
    return mask


def _pair(left: ast.expr, right: ast.expr, columns: Columns) -> tuple[Any, Any]:
    """Return the two sides of a comparison.

    A column without any value looks like text and has no type (a block of rows of a CSV file,
    of which other blocks hold numbers): beside a number it is one of missing numbers.
    """
    a, b = _value(left, columns), _value(right, columns)
    if _is_text(a) and not _is_text(b) and isinstance(left, ast.Name) and not (a != "").any():
        return np.full(len(columns), np.nan), b
    if _is_text(b) and not _is_text(a) and isinstance(right, ast.Name) and not (b != "").any():
        return a, np.full(len(columns), np.nan)
    return a, b


def _value(node: ast.expr, columns: Columns) -> Any:
    if isinstance(node, ast.Name):
        if node.id not in columns:
            raise InputError(
                f"--where: there is no column {node.id!r}; there are {', '.join(columns.names)}"
            )
        return columns.text(node.id) if columns.is_text(node.id) else columns.number(node.id)
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -1 if isinstance(node.op, ast.USub) else 1
        node = node.operand
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            raise _not_understood(node, "is a text and has no sign")
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return np.float64(sign * node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return np.str_(node.value)
    raise _not_understood(node, "is neither a column nor a number nor a quoted text")


def _known(value: Any, count: int) -> Mask:
    known = np.asarray(True) if _is_text(value) else ~np.isnan(value)
    mask: Mask = np.broadcast_to(known, (count,))
    return mask


def _is_text(value: Any) -> bool:
    return bool(np.asarray(value).dtype.kind == "U")


def _not_understood(node: ast.expr, why: str) -> InputError:
    return InputError(f"--where: `{ast.unparse(node)}` {why}: write {_GRAMMAR}")
