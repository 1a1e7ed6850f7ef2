"""What the residuals of a fit tell of its table and its law: columns that explain them, structure, standard errors."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import Finding
from ..data import names_of
from ..laws import Label, input_kinds
from ..problem import typical_se
from ..results import Fit, basis_of, numbers_of, pattern_scores, residuals_by_training, rest_of
from ._case import Case
from ._finding import Skipped

SURE = 1e-3
"""Probability by chance, among all columns that were looked at, below which one is named."""
LEAST = 0.2
"""Share of the variance of the residuals that a column explains at least."""
GROUPS = 20
"""Values that a column has at most to be one of groups."""


Found = Iterator[Finding | Skipped]

STRONG = 4.0
"""Standard errors that a pattern is from nothing."""


def errors(case: Case) -> Found:
    """Runs scatter as their standard errors say, by χ²."""
    fit = case.fit
    assert fit is not None
    runs, freedom = fit.problem.runs, len(fit.residuals) - len(fit.free)
    if runs.se is None or freedom < 1:
        yield Skipped("the table has no standard errors")
        return
    precision = np.asarray(fit.problem.arrays.data.precision)[0, : len(fit.residuals)]
    z = fit.residuals * precision / float(typical_se(fit.problem.studies, fit.noise.log)[0])
    square = float(np.sum(z**2))
    from scipy.special import chdtr, chdtrc  # a third of a second, which few runs need

    p = 2.0 * float(min(chdtr(freedom, square), chdtrc(freedom, square)))
    if p >= SURE:
        return
    times = float(np.sqrt(square / freedom))
    found = f"runs scatter {times:.2g} times as much as their `se` says (χ² of {square:.3g}, {freedom} expected)"
    if fit.noise.absolute:
        more = "the law is wrong somewhere, or se is too small" if times > 1.0 else "se may not be that of the target"
    else:
        more = "se weighs them beside each other only; an absolute noise (gaussian:absolute) takes it as it is"
    yield Finding("errors", "warning", f"{found}: {more}", "", {"times": times, "p": p}, ("se",))


def residuals(case: Case) -> Found:
    """Columns nobody asked about, structure over what the law takes, and a scatter that changes with it.

    Columns of few values that the law does not take are tried as groups: an F test of what they explain beyond the
    law's slopes and a quadratic in the logarithms of its inputs, on residuals of which outliers are drawn in, one
    column after the other, each beside those that were found before. Groups that lie apart along an input are left
    alone, as the law's own misfit would look the same.
    """
    assert case.fit is not None
    yield from case.doubts("residuals")
    yield from _of_columns(case.fit)
    yield from _of_structure(case.fit)


def _of_structure(fit: Fit[Any]) -> Iterator[Finding]:
    """The strongest pattern that the law cannot follow, and a scatter that goes with an input."""
    scores, freedom = pattern_scores(fit)
    if scores and freedom >= 8:
        name = max(scores, key=lambda one: abs(scores[one]))
        t = scores[name]
        share = t**2 / (t**2 + freedom)
        if abs(t) > STRONG and share > LEAST:
            saddle = name.startswith("saddle")
            said = f"what the law leaves over has structure: {100 * share:.0f} % of it is a {name}"
            coupled = {"N", "D"} == set(fit.law.inputs) and saddle
            remedy = "fit Skaling, whose terms are coupled, and compare" if coupled else "try another law (sf.compare)"
            yield Finding("residuals", "warning", said, remedy, {"share": share, "t": t}, tuple(name.split()[1:]))
    z, slope, rows = residuals_by_training(fit)
    size = np.log(np.maximum(np.abs(rest_of(basis_of(slope), z)), 1e-3))
    counts = np.bincount(rows)
    for name, x in numbers_of(fit).items():
        mean = np.bincount(rows, x) / counts
        if np.ptp(mean) == 0.0:
            continue
        ranks = np.argsort(np.argsort(mean)), np.argsort(np.argsort(size))
        r = float(np.corrcoef(*ranks)[0, 1])
        t = r * np.sqrt((len(z) - 2) / max(1.0 - r**2, 1e-12))
        if len(z) >= 12 and abs(t) > STRONG and abs(r) > 0.3:
            said = f"runs scatter {'more' if r > 0 else 'less'} as {name} grows (rank correlation {r:.2f})"
            remedy = f"give standard errors, or sample with growth={name!r}"
            yield Finding("residuals", "warning", said, remedy, {"correlation": r}, (name,))


def _of_columns(fit: Fit[Any]) -> Iterator[Finding]:
    z, slope, rows = residuals_by_training(fit)
    base = np.concatenate([slope, _quadratic(fit, rows)], axis=1)
    if len(z) - base.shape[1] < 8:
        base = slope
    candidates = _candidates(fit, rows)
    tried, names, p_found = max(len(candidates), 1), [], 0.0
    basis = basis_of(base)
    first = left = float(np.sum(rest_of(basis, z) ** 2))
    free = start = len(z) - basis.shape[1]
    while candidates and left > 0.0:
        best = None
        for name, code in candidates.items():
            wider = basis_of(np.concatenate([basis, np.eye(code.max() + 1)[code]], axis=1))
            more = wider.shape[1] - basis.shape[1]
            rest = float(np.sum(rest_of(wider, z) ** 2))
            if more == 0 or free - more < 3 or rest / (free - more) > (1.0 - LEAST) * left / free:
                continue
            from scipy.special import fdtrc  # a third of a second, which few columns need

            p = tried * float(fdtrc(more, free - more, (left - rest) / more / max(rest / (free - more), 1e-300)))
            if best is None or p < best[0]:
                best = p, name, wider, rest, free - more
        if best is None or best[0] >= SURE:
            break
        p_found = max(p_found, best[0])
        names.append(best[1])
        basis, left, free = best[2:]
        del candidates[best[1]]
    if not names:
        return
    share = 1.0 - (left / free) / (first / start)
    each = ", ".join(f"`by={name!r}`" for name in names)
    said = " and ".join(map(repr, names))
    yield Finding(
        "residuals", "warning", f"what the law leaves over goes with {said}, {100 * share:.0f} % of its variance",
        f"fit each value by itself ({each}), or let them share parameters (own= in Python)",
        {"share": share, "p": p_found}, tuple(names),
    )  # fmt: skip


def _quadratic(fit: Fit[Any], rows: Int[np.ndarray, " run"]) -> Float[np.ndarray, "unit term"]:
    """A constant, squares and products of what the law takes, by training: smooth misfit."""
    counts = np.bincount(rows)
    columns = []
    for x in numbers_of(fit).values():
        mean = np.bincount(rows, x) / counts
        if np.ptp(mean) > 0.0:
            columns.append((mean - mean.mean()) / mean.std())
    if len(columns) > 3:  # as shares of many pools
        columns = []
    terms = [np.ones(len(counts)), *columns]
    terms += [a * b for k, a in enumerate(columns) for b in columns[k:]]
    return np.stack(terms, axis=-1) * np.sqrt(counts)[:, None]


def _candidates(fit: Fit[Any], rows: Int[np.ndarray, " run"]) -> dict[str, Int[np.ndarray, " unit"]]:
    """Columns that the law does not take and that may be groups: the place of each training's value."""
    runs, kinds = fit.problem.runs, input_kinds(fit.law)
    taken = {*kinds, *(kind.column for kind in kinds.values() if isinstance(kind, Label)), runs.target_name, "se"}
    taken |= {"run", "step", "target", "N", "D", "C", runs.target_header}
    taken |= {header for name, header in runs.headers.items() if name in taken}
    taken |= {name for name in runs.inputs if name in fit.problem.inputs}
    numbers = numbers_of(fit)
    if {"N", "D"} <= set(numbers):
        numbers["C"] = numbers["N"] + numbers["D"]
    first = np.unique(rows, return_index=True)[1]
    found: dict[str, Int[np.ndarray, " unit"]] = {}
    for name, column in names_of(runs).items():
        if name in taken or np.ndim(column) != 1:
            continue
        text = np.array(["" if cell is None else str(cell) for cell in column.tolist()])
        code = np.unique(text, return_inverse=True)[1]
        own = code[first]
        counts = np.bincount(own)
        if not np.array_equal(own[rows], code) or not 2 <= len(counts) <= min(GROUPS, len(own) // 3):
            continue
        if np.sum(counts >= 3) < 2 or any(_apart(own, x[first]) for x in numbers.values()):
            continue
        if not any(np.array_equal(own, other) for other in found.values()):
            found[name] = own
    return found


def _apart(code: Int[np.ndarray, " unit"], x: Float[np.ndarray, " unit"]) -> Bool[np.ndarray, ""] | bool:
    """Whether groups lie one beside the other along an input."""
    ends = np.array([(x[code == k].min(), x[code == k].max()) for k in range(code.max() + 1)])
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    return bool(np.all(ends[1:, 0] >= ends[:-1, 1]) and np.ptp(x) > 0.0)
