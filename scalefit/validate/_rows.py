"""Checks of rows: failed, counted twice, off their neighbours, or worse than runs with less of everything."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from .._core import Finding
from ._case import Case, claimed, fitted_values, listed_rows, rows_out
from ._cells import codes
from ._finding import Skipped
from ._ladders import drops
from ._slips import misaligned, totals

Found = Iterator[Finding | Skipped]

FAILED = frozenset(["failed", "crashed", "killed", "crash", "error", "oom", "diverged", "nan", "aborted"])


def bad_rows(case: Case) -> Found:
    """Rows are runs that ended well, each once."""
    runs = case.runs
    if runs.dropped:
        first = runs.dropped[0]
        count = "1 row was" if len(runs.dropped) == 1 else f"{len(runs.dropped)} rows were"
        said = f"{count} left out, the first row {first.row}, {first.reason}"
        # What is cut off while it is written lacks the end of its last line.
        cut = len(runs.dropped) == 1 and first.row > runs.rows.max() and "missing" in first.reason
        remedy = "it is the last: is the file cut off there, or had that run not ended?" if cut else ""
        rows = tuple(int(d.row) for d in runs.dropped)
        yield Finding("bad-rows", "warning" if cut else "note", said, remedy, rows=rows)
    for column, cells in case.texts("state status").items():
        bad = np.array([cell.strip().lower() in FAILED for cell in cells])
        if bad.any() and not bad.all():
            rows = case.rows(bad)
            said = f"{listed_rows(rows)} {'is' if len(rows) == 1 else 'are'} of runs that {column!r} calls failed"
            remedy = f"leave them out: --where '{column} == \"finished\"' or the like"
            yield Finding("bad-rows", "warning", said, remedy, {"rows": float(bad.sum())}, (column,), rows)
    yield from claimed(case, codes(case))
    yield from misaligned(case)
    yield from claimed(case, totals(case))
    yield from claimed(case, drops(case))
    yield from _twice(case)
    yield from _worse(case)


def _twice(case: Case) -> Iterator[Finding]:
    """Rows with the same numbers in every input and in the target."""
    runs = case.runs
    if len(runs) < 3 or not case.sizes:
        return
    labels = [c for n, c in runs.labels.items() if n in ("target", "group", "pool")]
    numbers = [np.unique(np.asarray(c).astype(str), return_inverse=True)[1] for c in labels]
    # A law may take inputs of a name that tables do not know.
    table = np.stack([*{**runs.inputs, **case.sizes}.values(), runs.target, *numbers], axis=-1)
    _, code, count = np.unique(np.nan_to_num(table, nan=-1.0), axis=0, return_inverse=True, return_counts=True)
    code = np.ravel(code)
    first = np.unique(code, return_index=True)[1]
    again = (count[code] > 1) & ~np.isin(np.arange(len(runs)), first)
    if again.any():
        rows = case.rows(again)
        said = f"{listed_rows(rows)} {'repeats' if len(rows) == 1 else 'repeat'} another row in every number"
        yield Finding("bad-rows", "warning", said, f"{rows_out(rows)}, unless trained again: then say `seed`",
                      {"rows": float(again.sum())}, rows=rows)  # fmt: skip


def _worse(case: Case) -> Iterator[Finding]:
    """Runs far worse than one that had less of everything: they diverged, or are of another kind."""
    sizes = [case.sizes[n] for n in case.sizes if n in ("N", "D")]
    unique = next((c for n in ("U", "unique_tokens") if (c := case.number(n)) is not None), None)
    y = np.asarray(case.runs.target)
    law = case.law if case.fit is None else case.fit.law
    if len(sizes) < 2 or not (y > 0.0).all() or len(y) > 20_000 or not (law is None or law.smaller_is_better):
        return
    sizes, good, setting = [*sizes, *([] if unique is None else [unique])], ~case.claimed, _settings(case)
    # The run of least loss of a setting among those with no more of anything, and what a fitted law says of it.
    least, expected = np.empty(len(y)), np.ones(len(y))
    fitted = None if case.fit is None or not case.fit.reached else fitted_values(case.fit)
    order = np.lexsort((sizes[0], setting))
    for mine in np.split(order, np.flatnonzero(np.diff(setting[order])) + 1):
        columns, mine_y = [size[mine] for size in sizes], np.where(good[mine], y[mine], np.inf)
        for k, i in enumerate(mine):
            upto = np.searchsorted(columns[0], columns[0][k], side="right")
            less = np.all([column[:upto] <= column[k] for column in columns[1:]], axis=0)
            best = int(np.argmin(np.where(less, mine_y[:upto], np.inf)))
            least[i] = mine_y[best]
            expected[i] = 1.0 if fitted is None else fitted[i] / fitted[mine[best]]
    scatter = 1.4826 * float(np.median(np.abs(np.log(y) - np.median(np.log(y)))))
    bad = (y > 1.3 * least) & (np.log(y / np.minimum(least, y)) > scatter) & good & (expected < 1.05)
    if bad.any() and bad.sum() <= 0.2 * len(y):
        rows = case.rows(bad)
        times = float(np.max(y[bad] / least[bad]))
        said = f"{listed_rows(rows)} had more of everything than a run whose {case.runs.target_name} is up to "
        said += f"{times:.3g} times lower"
        yield Finding("bad-rows", "warning", said, f"if they diverged, {rows_out(rows)}", {"times": times}, rows=rows)


def _settings(case: Case) -> Int[np.ndarray, " run"]:
    """Which runs are alike in every column of a few words: corpora, domains, optimisers."""
    code = np.zeros(len(case.runs), int)
    for cells in case.columns.values():
        if np.ndim(cells) == 1 and np.asarray(cells).dtype.kind in "OUT":
            text, place = np.unique([str(cell) for cell in cells.tolist()], return_inverse=True)
            if len(text) <= 0.2 * len(code):
                code = np.unique(code * len(text) + np.ravel(place), return_inverse=True)[1]
    return np.ravel(code)
