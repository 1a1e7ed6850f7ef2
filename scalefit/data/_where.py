"""Conditions over columns, such as `loss < 3.44 and family in ["a", "b"]`: parsed by `ast`, never evaluated as Python.

    condition  =  and, or, not, parentheses over
                  sum (< | <= | > | >= | == | !=) sum ...     1e9 < N <= 2.8B may be chained
                  sum [not] in [value, ...]
                  sum is [not] null
                  column                                       where it holds true and false
    sum        =  + - * / and parentheses over numbers (1e9, 2.8B), "text", true, false and columns
    column     =  a bare name, or any header in backticks: `Model Size`

An empty cell makes a comparison neither true nor false, as in SQL: such a row is not kept, negated or not.

Each value becomes a Python name that numbers it (`_0 < _1 and _2 in [_3]`): `ast` sees names, operators and brackets.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from .._core import InputError, Phrase, hint
from ._numbers import loose_numbers, parse_number

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[kKmMbBgGtT]?(?![\w.]))
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<column>`[^`]+`)
    | (?P<word>[^\W\d][\w.]*)
    | (?P<sign><=|>=|==|!=|[<>()\[\],+*/-])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_KEYWORDS = {"and": "and", "or": "or", "not": "not", "in": "in", "is": "is", "null": "None"}
_EXAMPLE = 'a condition such as "loss < 3.44"'
_OPERATIONS: dict[type, Callable] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne, ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
}  # fmt: skip


class Told(NamedTuple):
    """For each row: a condition holds; it fails. Neither where a value is missing."""

    holds: Bool[np.ndarray, " row"]
    fails: Bool[np.ndarray, " row"]


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class Condition:
    """A condition over columns.

    **Arguments:**

    - `expr`: Its text.
    - `columns`: The columns that it may name, of `size` rows each: numbers, truths or objects.
    - `headers`: The header of a column that stands there under our name too.

    **Raises:** `InputError` where it cannot be read, or names no column; the message says at which character.
    """

    def __init__(
        self, expr: str, columns: Mapping[str, np.ndarray], size: int, headers: Mapping[str, str] = MappingProxyType({})
    ):
        if not isinstance(expr, str):
            raise InputError("where", expr, _EXAMPLE)
        if not expr.strip():
            raise InputError("where", Phrase("is an empty condition"), _EXAMPLE)
        self.expr, self.columns, self.size, self.headers = expr, columns, size, headers
        self.values: list[tuple[np.ndarray, _Token]] = []
        self.named: list[str] = []
        try:
            self.told = self._truth(self._tree())
        except (RecursionError, MemoryError):
            raise InputError("where", Phrase(f"{expr[:40]!r}… is nested too deeply"), "fewer parentheses") from None
        if not self.named:
            raise InputError("where", Phrase(f"{expr!r} names no column"), f"{_EXAMPLE}, on one column at least")

    def nothing_kept(self, name: str) -> InputError:
        """Return the error where a condition keeps no row, with the ranges of the columns it named."""
        ranges = []
        for column in self.named:
            values = loose_numbers(self.columns[column])
            values = values[np.isfinite(values)]
            if values.size:
                ranges.append(f"{column!r} runs from {values.min():.6g} to {values.max():.6g}")
        seen = f" ({'; '.join(ranges)})" if ranges else ""
        kept = Phrase(f"{self.expr!r} keeps none of the {self.size} rows of {name!r}{seen}")
        return InputError("where", kept, remedy="widen the condition")

    def _tree(self) -> ast.expr:
        """The condition as Python reads it.

        Of a syntax error, which is one of a name, a sign or the end that stands where none may, the place is kept.
        """
        tokens, source, starts, closing, before = list(_tokens(self.expr)), "", [], [], ""
        for token in tokens:
            kind = token.kind
            word = token.text if kind == "sign" else _KEYWORDS.get(kind, "")
            if word == "[" and before != "in":
                raise _error(self.expr, token, "expected a column, a number or a quoted text")
            if word in ("(", "["):
                listed = before == "in"  # a list in parentheses becomes one in brackets, as it may hold one value
                closing.append((")" if word == "(" else "]", "]" if listed else ")"))
                word = "[" if listed else "("
            elif closing and word == closing[-1][0]:
                word = closing.pop()[1]
            elif closing and word in (")", "]"):
                raise _error(self.expr, token, f"expected `{closing[-1][0]}`")
            elif kind in ("number", "text", "truth", "column"):
                word = f"_{len(self.values)}"
                self.values.append((self._leaf(token), token))
            starts.append(len(source))
            source, before = f"{source}{word} ", word
        try:
            return ast.parse(source.rstrip(), mode="eval").body
        except SyntaxError as error:
            if "too many nested" in error.msg:
                raise RecursionError from None
            place = sum(start < (error.offset or 0) for start in starts) - 1
            if "never closed" in error.msg:
                raise _error(self.expr, tokens[-1], f"expected `{')' if tokens[place].text == '(' else ']'}`") from None
            after_value = place > 0 and (tokens[place - 1].kind not in ("sign", *_KEYWORDS))
            wanted = "the end, `and` or `or`" if after_value else "a column, a number or a quoted text"
            raise _error(self.expr, tokens[place], f"expected {wanted}") from None

    def _leaf(self, token: _Token) -> np.ndarray:
        if token.kind == "number":
            return np.full(self.size, parse_number(token.text), np.float64)
        if token.kind == "text":
            return np.full(self.size, token.text[1:-1], object)
        if token.kind == "truth":
            return np.full(self.size, token.text.lower() == "true")
        if token.text not in self.columns:
            near = hint(token.text, self.columns, shown=each_once(self.columns, self.headers))
            raise _error(self.expr, token, f"there is no column {token.text!r}, {near}; put text in quotes")
        self.named.append(token.text)
        column = self.columns[token.text]
        return column if column.dtype.kind in "iufb" else column.astype(object)

    def _compute(self, node: ast.AST) -> Told | np.ndarray:
        """Truths of a condition, or numbers (NaN where missing) or texts (`None` where missing) of a sum."""
        match node:
            case ast.Name(id=name):
                return self.values[int(name[1:])][0]
            case ast.BoolOp(op=ast.And(), values=parts):
                holds, fails = zip(*map(self._truth, parts))
                return Told(np.all(holds, axis=0), np.any(fails, axis=0))
            case ast.BoolOp(values=parts):
                holds, fails = zip(*map(self._truth, parts))
                return Told(np.any(holds, axis=0), np.all(fails, axis=0))
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return Told(*reversed(self._truth(part)))
            case ast.UnaryOp(op=ast.USub(), operand=part):
                return -self._numbers(part)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
                with np.errstate(all="ignore"):
                    return np.asarray(_OPERATIONS[type(op)](self._numbers(left), self._numbers(right)))
            case ast.Compare(left=left, ops=ops, comparators=others):
                if len(ops) > 1 and not all(type(op) in _OPERATIONS for op in ops):
                    raise self._refused(others[0], "`in` and `is` are not chained; join conditions with `and`")
                holds, fails = zip(*map(self._step, [left, *others[:-1]], ops, others))
                return Told(np.all(holds, axis=0), np.any(fails, axis=0))
        raise self._refused(node, "expected the end, `and` or `or`")

    def _step(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Told:
        """One comparison of a chain."""
        match op, right:
            case ((ast.Is() | ast.IsNot()), ast.Constant(value=None)):
                holds = _missing(self._cells(left)) == isinstance(op, ast.Is)
                return Told(holds, ~holds)
            case ((ast.Is() | ast.IsNot()), _):
                raise self._refused(right, "expected `null`")
            case ((ast.In() | ast.NotIn()), ast.List(elts=[_, *_] as listed)):
                holds = np.any([self._compared(operator.eq, left, one).holds for one in listed], axis=0)
                found = Told(holds, ~holds & ~_missing(self._cells(left)))
                return found if isinstance(op, ast.In) else Told(*reversed(found))
            case ((ast.In() | ast.NotIn()), _):
                raise self._refused(right, "expected a list in brackets after `in`")
        return self._compared(_OPERATIONS[type(op)], left, right)

    def _compared(self, operation: Callable, one: ast.expr, two: ast.expr) -> Told:
        left, right = self._cells(one), self._cells(two)
        if not left.dtype.kind == right.dtype.kind == "O":
            left, right = self._numbers(one), self._numbers(two)
        known, holds = ~(_missing(left) | _missing(right)), np.zeros(self.size, bool)
        holds[known] = operation(left[known], right[known])
        return Told(holds, known & ~holds)

    def _truth(self, node: ast.AST) -> Told:
        found = self._compute(node)
        if isinstance(found, Told):
            return found
        if found.dtype.kind != "b":
            raise self._refused(node, "expected a comparison, such as `N > 1e9`")
        return Told(found, ~found)

    def _cells(self, node: ast.AST) -> np.ndarray:
        found = self._compute(node)
        if isinstance(found, Told):
            message = "a condition stands where a value is expected; join conditions with `and`"
            raise self._refused(node, message)
        return found

    def _numbers(self, node: ast.AST) -> np.ndarray:
        cells = self._cells(node)
        numbers = loose_numbers(cells)
        if cells.dtype.kind == "O" and np.isnan(numbers).all() and not (missing := _missing(cells)).all():
            message = f"{cells[~missing][0]!r} is text, and is compared or combined with a number"
            raise self._refused(node, message)
        return numbers

    def _refused(self, node: ast.AST, message: str) -> InputError:
        """An error at the first value of a part."""
        names = (int(part.id[1:]) for part in ast.walk(node) if isinstance(part, ast.Name))
        tokens = [token for _, token in self.values] or [_Token("end", "", 0)]
        return _error(self.expr, tokens[min(names, default=-1)], message)


def names_in(expr: str) -> frozenset[str]:
    """Return the names that a condition uses, whether there are such columns or not."""
    return frozenset(token.text for token in _tokens(expr) if token.kind == "column")


def _tokens(expr: str) -> Iterator[_Token]:
    """Tokens of a condition; a keyword is a kind of its own."""
    at, kind = 0, ""
    while kind != "end":
        match = _TOKEN.match(expr, at)
        if match is None:
            sign = expr[at:].lstrip()[0]
            token = _Token("sign", sign, expr.index(sign, at))
            raise _error(expr, token, "use `==` to compare" if sign == "=" else "this cannot be read")
        kind, at = match.lastgroup or "end", match.end()
        text, low = match[kind], match[kind].lower()
        if kind == "word":
            kind = low if low in _KEYWORDS else "truth" if low in ("true", "false") else "column"
        yield _Token(kind, text.strip("`"), match.start(match.lastgroup or "end"))


def _missing(cells: np.ndarray) -> Bool[np.ndarray, " row"]:
    if cells.dtype.kind == "O":
        return np.array([c is None for c in cells], dtype=bool)
    return np.isnan(cells.astype(np.float64))


def _error(expr: str, token: _Token, message: str) -> InputError:
    place = "at its end" if token.kind == "end" else f"at character {token.at + 1} ({token.text!r})"
    return InputError("where", Phrase(f"{expr!r}, {place}: {message}"))


def each_once(names: Iterable[str], headers: Mapping[str, str]) -> list[str]:
    """The names of columns for people: one that stands there under its header and under ours by its header alone."""
    names = list(names)
    return [name for name in names if headers.get(name, name) == name or headers[name] not in names]
