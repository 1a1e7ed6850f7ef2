"""Rows at the end of a table that sum up those above, and are no runs."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ._numbers import loose_numbers

_OF = {"total": np.sum, "sum": np.sum, "mean": np.mean, "average": np.mean, "avg": np.mean, "median": np.median,
       "std": lambda a: np.std(a, ddof=1), "sd": lambda a: np.std(a, ddof=1)}  # fmt: skip
_WORD = re.compile(rf"(?:grand |overall |sub)?({'|'.join(_OF)})s?[.:]?", re.IGNORECASE)


def summary_rows(table: Mapping[str, np.ndarray], numbers: Sequence[str]) -> dict[int, str]:
    """The last rows that are named a total or a mean, and whose numbers are that of the rows above, with the reason.

    The name alone is not enough: a mean is also a way to pool, and the last run may have it.

    **Arguments:**

    - `table`: Columns by header; `numbers`: headers of what is read as numbers.
    """
    texts = {h: column for h, column in table.items() if column.dtype.kind == "O"}
    size = len(next(iter(table.values())))
    named: dict[int, tuple[str, str]] = {}
    for i in range(size - 1, 0, -1):
        words = ((h, _WORD.fullmatch(c.strip())) for h, col in texts.items() if isinstance(c := col[i], str))
        if (found := next(((h, word[1].lower()) for h, word in words if word), None)) is None:
            break
        named[i] = found
    if not named:
        return {}
    above, known = min(named), [loose_numbers(table[h]) for h in numbers]
    known = [(column[:above][np.isfinite(column[:above])], column) for column in known]
    return {
        i: f"it is the {word} of the rows above, as {header!r} says"
        for i, (header, word) in named.items()
        if any(len(a) > 1 and np.isclose(_OF[word](a), column[i], rtol=2e-3, atol=0.0) for a, column in known)
    }
