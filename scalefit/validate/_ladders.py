"""Runs along one size: a run that lies off its neighbours, and a step from which on all lie lower."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

from .._core import Finding
from ._case import Case, rows_out

RUNGS = 7
"""Runs, at least, for a ladder that says how smooth it is."""
OFF, FEW, LEAST = 4.0, 24.0, 0.015
"""Scatters of second differences, more of few runs, and share of the loss, from which a run is off."""


def drops(case: Case) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """A drop or a rise inside a ladder."""
    y = np.asarray(case.runs.target, float)
    x = _rungs(case)
    if x is None or not (np.isfinite(y) & (y > 0.0)).all():
        return
    order = np.argsort(x)
    x, y = x[order], np.log(y[order])
    if len(x) < RUNGS or np.min(np.diff(x)) < 1e-3:
        return
    away = _off(x, y)
    scatter = 1.4826 * float(np.median(np.abs(away)))
    worst = int(np.argmax(np.abs(away)))
    if not abs(away[worst]) > max((OFF + FEW / len(away)) * scatter, LEAST):
        return
    place = worst + 1
    # Without one that is off the others are smooth; where all from there on are moved, moving them back does it.
    without = np.delete(np.arange(len(x)), place)
    left = np.max(np.abs(_off(x[without], y[without])), initial=0.0)
    steps = {}
    for k in range(2, len(x) - 1):
        slope = np.median(np.diff(y) / np.diff(x))
        jump = y[k] - y[k - 1] - slope * (x[k] - x[k - 1])
        steps[k] = float(np.max(np.abs(_off(x, y - jump * (np.arange(len(x)) >= k))))), float(jump)
    k = min(steps, key=lambda one: steps[one][0])
    name, which = case.runs.target_name, np.zeros(len(x), bool)
    if left <= min(0.4 * abs(away[worst]), 1.5 * steps[k][0]):
        which[order[place]] = True
        rows = case.rows(which)
        side = "below" if away[worst] < 0.0 else "above"
        size = 100 * abs(np.expm1(away[worst]))
        said = f"row {rows[0]} lies {size:.2g} % {side} what its neighbours in the ladder say; the others are smooth"
        yield which, Finding("bad-rows", "warning", said, f"look at it, or {rows_out(rows)}", {"off": size}, rows=rows)
    elif steps[k][0] <= 0.4 * abs(away[worst]) and abs(steps[k][1]) > LEAST:
        which[order[k:]] = True
        rows, size = case.rows(which), 100 * abs(float(np.expm1(steps[k][1])))
        word = "drops" if steps[k][1] < 0.0 else "rises"
        first = int(case.runs.rows[order[k]])
        said = f"{name} {word} by {size:.2g} % at row {first}, beyond what the ladder does elsewhere"
        remedy = "did the recipe, the data or the evaluation change there? fit each part by itself"
        yield which, Finding("bad-rows", "warning", said, remedy, {"step": size}, (name,), rows)


def _rungs(case: Case) -> Float[np.ndarray, " run"] | None:
    """The logarithm of the one size along which runs differ; `None` where there are several, or curves of trainings."""
    if not case.sizes or np.bincount(case.code).max() > 1:
        return None
    columns = [np.log(c) for c in case.sizes.values() if np.ptp(c) > 0.0]
    if not columns:
        return None
    together = [abs(float(np.corrcoef(columns[0], one)[0, 1])) for one in columns[1:]]
    return np.mean(columns, axis=0) if min(together, default=1.0) > 0.995 else None


def _off(x: Float[np.ndarray, " rung"], y: Float[np.ndarray, " rung"]) -> Float[np.ndarray, " inner"]:
    """How far each run but the ends lies from the line between its neighbours, less the median of that: the bend."""
    share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    off = y[1:-1] - (1.0 - share) * y[:-2] - share * y[2:]
    return off - np.median(off)
