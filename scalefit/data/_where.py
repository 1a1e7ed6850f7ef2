"""Conditions over columns, such as `loss < 3.44 and family in ["a", "b"]`: read here, never evaluated as Python.

    condition  =  and, or, not, parentheses over
                  sum (< | <= | > | >= | == | !=) sum ...     1e9 < N <= 2.8B may be chained
                  sum [not] in [value, ...]
                  column is [not] null
                  column                                       where it holds true and false
    sum        =  + - * / and parentheses over numbers (1e9, 2.8B), "text", true, false and columns
    column     =  a bare name, or any header in backticks: `Model Size`

An empty cell makes a comparison neither true nor false, as in SQL: such a row is not kept, negated or not.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from .._core import InputError, hint
from ._numbers import loose_numbers, parse_number

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[kKmMbBgGtT]?(?![\w.]))
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<column>`[^`]+`)
    | (?P<word>[^\W\d][\w.]*)
    | (?P<sign><=|>=|==|!=|[<>=()\[\],+\-*/])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "true", "false"})
_COMPARE: dict[str, Callable] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_ARITHMETIC: dict[str, Callable] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Truth(NamedTuple):
    """For each row: the condition holds; the condition cannot be told for want of a value."""

    holds: Bool[np.ndarray, " row"]
    unknown: Bool[np.ndarray, " row"]


class _Cells(NamedTuple):
    """For each row a number (NaN where missing) or a text (`None` where missing), and where it was written."""

    values: np.ndarray
    token: _Token

    @property
    def is_text(self) -> bool:
        return self.values.dtype.kind == "O"

    @property
    def missing(self) -> Bool[np.ndarray, " row"]:
        if self.is_text:
            return np.array([v is None for v in self.values], dtype=bool)
        return np.isnan(self.values.astype(np.float64))


def where_mask(
    expr: str, columns: Mapping[str, np.ndarray], size: int
) -> tuple[Bool[np.ndarray, " row"], Bool[np.ndarray, " row"], frozenset[str]]:
    """Return for each row whether the condition holds and whether it cannot be told (then it does not hold), and the
    columns that it names."""
    if not isinstance(expr, str):
        raise InputError(
            f'where is {expr!r}, which is {type(expr).__name__}; expected text, a condition such as "loss < 3.44".'
        )
    reader = _Reader(expr, columns, size)
    try:
        holds, unknown = reader.whole()
    except RecursionError:
        raise InputError(f"where {expr[:40]!r}… is nested too deeply; write it with fewer parentheses.") from None
    return holds, unknown, frozenset(reader.named)


def names_in(expr: str) -> frozenset[str]:
    """Return the names that a condition uses, whether there are such columns or not."""
    tokens = _Reader(expr, {}, 0).tokens
    words = (token.text for token in tokens if token.kind == "word" and token.text.lower() not in _KEYWORDS)
    return frozenset((*words, *(token.text.strip("`") for token in tokens if token.kind == "column")))


def nothing_kept(expr: str, columns: Mapping[str, np.ndarray], size: int, name: str) -> InputError:
    """Return the error for a condition that keeps no row, with the ranges of the columns it named."""
    reader = _Reader(expr, columns, size)
    reader.whole()
    ranges = []
    for column in reader.named:
        values = loose_numbers(columns[column])
        values = values[np.isfinite(values)]
        if values.size:
            ranges.append(f"{column!r} runs from {values.min():.6g} to {values.max():.6g}")
    seen = f" ({'; '.join(ranges)})" if ranges else ""
    return InputError(f"where {expr!r} keeps none of the {size} rows of {name!r}{seen}. Widen the condition.")


class _Reader:
    """Reads an expression from left to right, one method a level of binding, computing as it goes."""

    def __init__(self, expr: str, columns: Mapping[str, np.ndarray], size: int):
        self.expr, self.columns, self.size = expr, columns, size
        self.tokens = self._tokens()
        self.next = 0
        self.named: list[str] = []

    def whole(self) -> _Truth:
        if self.tokens[0].kind == "end":
            raise InputError('where was given an empty condition; expected one such as "loss < 3.44".')
        truth = self._truth(self._either())
        if self._peek().kind != "end":
            raise self._error(self._peek(), "expected the end, `and` or `or`")
        if not self.named:
            raise InputError(
                f'where {self.expr!r} names no column; expected a condition on one at least, such as "loss < 3.44".'
            )
        return truth

    # Levels of binding, loosest first. Each gives a _Truth or _Cells; `_truth` and `_cells` insist on one of them.

    def _either(self) -> _Truth | _Cells:
        left = self._both()
        while self._take("or"):
            a, b = self._truth(left), self._truth(self._both())
            holds = a.holds | b.holds
            left = _Truth(holds, (a.unknown | b.unknown) & ~holds)
        return left

    def _both(self) -> _Truth | _Cells:
        left = self._negation()
        while self._take("and"):
            a, b = self._truth(left), self._truth(self._negation())
            fails = (~a.holds & ~a.unknown) | (~b.holds & ~b.unknown)
            left = _Truth(a.holds & b.holds, (a.unknown | b.unknown) & ~fails)
        return left

    def _negation(self) -> _Truth | _Cells:
        if self._take("not"):
            a = self._truth(self._negation())
            return _Truth(~a.holds & ~a.unknown, a.unknown)
        return self._comparison()

    def _comparison(self) -> _Truth | _Cells:
        left = self._sum()
        if self._take("is"):
            wanted = not self._take("not")
            self._expect("null")
            return _Truth(self._cells(left).missing == wanted, np.zeros(self.size, bool))
        negated = self._peek().text.lower() == "not" and self._peek(1).text.lower() == "in"
        if negated:
            self._take("not")
        if self._take("in"):
            found = self._among(self._cells(left))
            return _Truth(~found.holds & ~found.unknown, found.unknown) if negated else found
        truth: _Truth | None = None
        while self._peek().kind == "sign" and self._peek().text in (*_COMPARE, "="):
            sign = self._advance()
            if sign.text == "=":
                raise self._error(sign, "use `==` to compare")
            right = self._sum()
            step = self._compare(sign.text, self._cells(left), self._cells(right))
            fails = ~step.holds & ~step.unknown
            if truth is not None:
                fails |= ~truth.holds & ~truth.unknown
                step = _Truth(truth.holds & step.holds, (truth.unknown | step.unknown) & ~fails)
            truth, left = step, right
        return left if truth is None else truth

    def _sum(self) -> _Truth | _Cells:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> _Truth | _Cells:
        return self._chain(("*", "/"), self._atom)

    def _chain(self, signs: tuple[str, ...], part: Callable[[], _Truth | _Cells]) -> _Truth | _Cells:
        left = part()
        while self._peek().kind == "sign" and self._peek().text in signs:
            sign = self._advance()
            a, b = self._as_numbers(self._cells(left)), self._as_numbers(self._cells(part()))
            with np.errstate(all="ignore"):
                left = _Cells(np.asarray(_ARITHMETIC[sign.text](a, b)), sign)
        return left

    def _atom(self) -> _Truth | _Cells:
        token = self._advance()
        word = token.text.lower()
        if token.text == "(" and token.kind == "sign":
            inner = self._either()
            self._expect(")")
            return inner
        if token.text == "-" and token.kind == "sign":
            return _Cells(-self._as_numbers(self._cells(self._atom())), token)
        if token.kind == "number":
            return _Cells(np.full(self.size, parse_number(token.text), np.float64), token)
        if token.kind == "text":
            return _Cells(np.full(self.size, token.text[1:-1], object), token)
        if token.kind == "word" and word in ("true", "false"):
            return _Cells(np.full(self.size, word == "true"), token)
        if token.kind == "column" or (token.kind == "word" and word not in _KEYWORDS):
            return _Cells(self._column(token), token)
        raise self._error(token, "expected a column, a number or a quoted text")

    def _column(self, token: _Token) -> np.ndarray:
        name = token.text.strip("`")
        if name not in self.columns:
            raise self._error(token, f"there is no column {name!r}, {hint(name, self.columns)}; put text in quotes")
        self.named.append(name)
        column = self.columns[name]
        return column.astype(object) if column.dtype.kind not in "iufb" else column

    def _among(self, left: _Cells) -> _Truth:
        opening = self._advance()
        if opening.text not in ("[", "("):
            raise self._error(opening, "expected a list in brackets after `in`")
        found = _Truth(np.zeros(self.size, bool), left.missing)
        while True:
            same = self._compare("==", left, self._cells(self._sum()))
            found = _Truth(found.holds | same.holds, found.unknown)
            if not self._take(","):
                break
        self._expect("]" if opening.text == "[" else ")")
        return found

    def _compare(self, sign: str, left: _Cells, right: _Cells) -> _Truth:
        if not (left.is_text and right.is_text):
            left = _Cells(self._as_numbers(left), left.token)
            right = _Cells(self._as_numbers(right), right.token)
        unknown = left.missing | right.missing
        holds = np.zeros(self.size, bool)
        known = ~unknown
        holds[known] = np.asarray(_COMPARE[sign](left.values[known], right.values[known]), dtype=bool)
        return _Truth(holds, unknown)

    def _as_numbers(self, cells: _Cells) -> np.ndarray:
        numbers = loose_numbers(cells.values)
        if cells.is_text and np.isnan(numbers).all() and not cells.missing.all():
            example = next(v for v in cells.values if v is not None)
            raise self._error(cells.token, f"{example!r} is text, and is compared or combined with a number")
        return numbers

    # What a level insists on.

    def _truth(self, part: _Truth | _Cells) -> _Truth:
        if isinstance(part, _Truth):
            return part
        if part.values.dtype.kind != "b":
            raise self._error(part.token, "expected a comparison, such as `N > 1e9`")
        return _Truth(part.values.copy(), np.zeros(self.size, bool))

    def _cells(self, part: _Truth | _Cells) -> _Cells:
        if isinstance(part, _Truth):
            raise self._error(self._peek(), "a condition stands where a value is expected; join conditions with `and`")
        return part

    # Tokens.

    def _tokens(self) -> list[_Token]:
        tokens, at = [], 0
        while True:
            match = _TOKEN.match(self.expr, at)
            if match is None:
                start = at + len(self.expr[at:]) - len(self.expr[at:].lstrip())
                raise self._error(_Token("", self.expr[start], start), "this cannot be read")
            kind = match.lastgroup or "end"
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            if kind == "end":
                return tokens
            at = match.end()

    def _peek(self, ahead: int = 0) -> _Token:
        return self.tokens[min(self.next + ahead, len(self.tokens) - 1)]

    def _advance(self) -> _Token:
        token = self._peek()
        self.next += 1
        return token

    def _take(self, text: str) -> bool:
        token = self._peek()
        if token.kind in ("word", "sign") and token.text.lower() == text:
            self.next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error(self._peek(), f"expected `{text}`")

    def _error(self, token: _Token, message: str) -> InputError:
        place = "at its end" if token.kind == "end" else f"at character {token.at + 1} ({token.text!r})"
        return InputError(f"where {self.expr!r}, {place}: {message}.")
