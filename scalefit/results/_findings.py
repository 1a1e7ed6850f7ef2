"""What the residuals of a fit tell of its table: columns that explain them, and standard errors that do not fit."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from ..data import names_of
from ..laws import Label, input_kinds
from ..problem import free_numbers, typical_se
from ..solve import slopes
from ._check import check_fit
from ._fit import Fit
from ._undetermined import said_open

SURE = 1e-3
"""Probability by chance, among all columns that were looked at, below which one is named."""
LEAST = 0.2
"""Share of the variance of the residuals that a column explains at least."""
GROUPS = 20
"""Values that a column has at most to be one of groups."""


class Finding(NamedTuple):
    """Something about a table that its residuals tell.

    **Arguments:**

    - `about`: `"columns"` that nobody asked about and that explain the residuals, `"se"`, or what is left `"open"`:
        numbers that the runs do not tell apart, an input that hardly varies, a law that cannot do as they do.
    - `says`: The finding, and what to do, in words.
    - `names`: The columns.
    - `share`: Of the variance of the residuals that they explain; of `se`, how many times as much runs scatter.
    - `p`: The probability of as much by chance; NaN, as `share` is, of what is left open.
    """

    about: str
    says: str
    names: tuple[str, ...]
    share: float
    p: float


def findings(fit: Fit[Any]) -> tuple[Finding, ...]:
    r"""Say what the runs of a fit leave open of its law, and what its residuals tell of its table.

    Columns of few values that the law does not take are tried as groups: an F test of what they explain beyond the
    law's slopes and a quadratic in the logarithms of its inputs, on residuals of which outliers are drawn in, one
    column after the other, each beside those that were found before. Groups that lie apart along an input are left
    alone, as the law's own misfit would look the same. Standard errors are held against the residuals by $\chi^2$.

    **Arguments:**

    - `fit`: A fit. A batch tells nothing, and one that did not converge only which inputs hardly vary.

    **Returns:** the findings, most often none.
    """
    check_fit("fit", fit)
    if fit.keys is not None:
        return ()
    left = (Finding("open", said, names, np.nan, np.nan) for said, names in said_open(fit))
    return (*left, *_of_columns(fit), *_of_errors(fit)) if fit.converged else tuple(left)


def _of_errors(fit: Fit[Any]) -> Iterator[Finding]:
    runs, freedom = fit.problem.runs, len(fit.residuals) - len(fit.free)
    if runs.se is None or freedom < 1:
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
    yield Finding("se", f"{found}: {more}", ("se",), times, p)


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
        "columns",
        f"what the law leaves over goes with {said}, {100 * share:.0f} % of its variance: fit each value by itself "
        f"({each}), or let them share parameters (own= in Python)",
        tuple(names), share, p_found,
    )  # fmt: skip


def residuals_by_training(
    fit: Fit[Any],
) -> tuple[Float[np.ndarray, " unit"], Float[np.ndarray, "unit free"], Int[np.ndarray, " run"]]:
    """Residuals in units of their scatter, outliers drawn in, with the law's slopes, by training; and which each row is
    of."""
    prepared, noise = fit.problem.arrays, fit.noise
    count = len(fit.residuals)
    law = jax.tree.map(lambda a: np.asarray(a)[None], fit.law)
    theta = free_numbers(prepared, law, np.zeros(1, int))
    value, table = slopes(prepared.curve, theta, prepared.data, np.zeros(1, int))
    precision = prepared.data.precision
    precise = np.ones(count) if precision is None else np.asarray(precision)[0, :count]
    with np.errstate(all="ignore"):
        slope = np.moveaxis(table / value if noise.log else table, 0, -1)[0, :count] * precise[:, None]
    z = fit.residuals * precise
    wide = 1.4826 * float(np.median(np.abs(z - np.median(z))))
    z = np.clip(z, -3.5 * wide, 3.5 * wide) / wide if wide > 0.0 else np.zeros_like(z)
    code = np.unique(fit.problem.runs.clusters(), return_inverse=True)[1]
    counts = np.bincount(code)
    mean = [np.bincount(code, column) / np.sqrt(counts) for column in (z, *np.where(np.isfinite(slope), slope, 0.0).T)]
    return mean[0], np.stack(mean[1:], axis=-1), code


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


def numbers_of(fit: Fit[Any]) -> dict[str, Float[np.ndarray, " run"]]:
    """The numbers that the law takes from a run, of sizes their logarithms."""
    kinds, found = input_kinds(fit.law), {}
    for name, column in fit.problem.inputs.items():
        if isinstance(column, np.ndarray) and not isinstance(kinds[name], Label):
            log = kinds[name].logarithm and column.min() > 0.0
            found[name] = np.log(column) if log else np.asarray(column, float)
    return found


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


def basis_of(columns: Float[np.ndarray, "unit column"]) -> Float[np.ndarray, "unit rank"]:
    """Orthonormal columns that span the same."""
    size = np.linalg.norm(columns, axis=0)
    u, s, _ = np.linalg.svd(columns / np.where(size > 0.0, size, 1.0), full_matrices=False)
    return u[:, s > 1e-9 * max(s.max(initial=0.0), 1e-300)]


def rest_of(basis: Float[np.ndarray, "unit rank"], z: Float[np.ndarray, " unit"]) -> Float[np.ndarray, " unit"]:
    return z - basis @ (basis.T @ z)
