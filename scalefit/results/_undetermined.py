"""What runs leave open of a law, in words: numbers that they do not tell apart, and a law that cannot do as they do."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import RESULTS
from ..params import values
from ..problem import free_numbers
from ..solve import slopes
from ._fit import Fit
from ._nearby import spread

HARDLY = 0.01
"""The share of its size by which an input varies at least if runs are to tell how a law depends on it."""
SHARES = frozenset(["accuracy", "acc", "em", "match", "score", "scores", "pass", "auc", "recall", "percent", "pct"])
"""Words in the headers of what is a share, or per cent."""
ALIKE = 1e-6
"""One less the cosine of the slopes in two amplitudes, below which runs tell their sum alone."""


def said_open(fit: Fit[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Sentences on what the runs of a single fit leave open, each with the names that it is about."""
    yield from _hardly_varied(fit)
    if not fit.reached:
        return
    yield from _ran_away(fit)
    alike = list(_alike(fit))
    yield from alike
    yield from rising(fit)
    if not alike:
        yield from _directions(fit)


def _hardly_varied(fit: Fit[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, column in fit.problem.inputs.items():
        if not isinstance(column, np.ndarray) or not fit.problem.curve.kinds[name].logarithm:
            continue
        low, high = float(np.min(column)), float(np.max(column))
        if 0.0 < low < high <= low * (1.0 + HARDLY):
            ends = f"from {low:.6g} to {high:.6g}, by {100.0 * (high / low - 1.0):.2g} %"
            yield f"{name} varies only {ends}: how the law depends on it these runs do not tell", (name,)


def _ran_away(fit: Fit[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Shapes that a search took out of float64, and that are held at an end of where laws have them."""
    if fit.result != int(RESULTS.undetermined):
        return
    curve, theta = fit.problem.curve, free_numbers(fit.problem.arrays, fit.law)
    for k, (name, number) in enumerate(zip(fit.free, theta, strict=True)):
        declared = curve.slots[curve.free[k]].parameter
        if k in curve.amplitudes or fit.unidentified[k] or np.min(np.abs(number - np.array(declared.searched))) > 1e-9:
            continue
        value = values(fit.law)[curve.free[k]]
        yield f"{name} ran away and is held at {value:.4g}: these runs do not tell it", (name,)


def _alike(fit: Fit[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Amplitudes whose terms look alike to all runs."""
    prepared = fit.problem.arrays
    theta = free_numbers(prepared, fit.law)
    if not np.isfinite(theta).all():
        return
    places = list(prepared.curve.amplitudes)
    value, slope = slopes(prepared.curve, theta[None], prepared.data, np.zeros(1, int))
    count = len(fit.residuals)
    columns = (slope[:, 0] / (value if fit.noise.log else 1.0))[places, :count]
    size = np.linalg.norm(columns, axis=1)
    left = [j for j in range(len(places)) if np.isfinite(size[j]) and size[j] > 0.0]
    while left:
        first, *others = left
        same = [j for j in others if 1.0 - columns[first] @ columns[j] / size[first] / size[j] < ALIKE]
        left = [j for j in others if j not in same]
        if not same:
            continue
        some = [first, *same]
        names = tuple(fit.free[places[j]] for j in some)
        whole = sum(theta[places[j]] * np.mean(slope[places[j], 0, :count]) for j in some)
        yield f"the terms of {_listed(names)} are one number to these runs, {whole:.4g} together", names


def _directions(fit: Fit[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Groups of numbers that change together without any run noticing."""
    found = spread(fit)
    lost, unit = found.none[0], found.unit[0]
    known = np.diag(lost) > 1e-6
    # What no run responds to alone is said elsewhere.
    known &= ~fit.unidentified
    left = np.flatnonzero(known).tolist()
    while left:
        group, seen = [left[0]], {left[0]}
        while True:
            more = [k for k in left if k not in seen and np.any(np.abs(lost[k, group]) > 1e-6)]
            if not more:
                break
            group += more
            seen |= set(more)
        left = [k for k in left if k not in seen]
        if len(group) < 2:
            continue
        rank = round(float(np.trace(lost[np.ix_(group, group)])))
        names = [fit.free[k] for k in sorted(group)]
        words = _shortened(fit, sorted(group), lost, unit) if rank == 1 else names
        few = "one number" if rank == len(words) - 1 else f"{len(words) - rank} numbers"
        said = f"{_listed(words)} are {few} to these runs: they can change together and the law stays as it is"
        yield f"{said} at every run; hold {'one' if rank == 1 else rank} of them fixed", tuple(names)


def _shortened(fit: Fit[Any], group: list[int], lost: np.ndarray, unit: Float[np.ndarray, " free"]) -> list[str]:
    """Names of a group; all entries of a field that move by the same amount are a shift of it."""
    values, vectors = np.linalg.eigh(lost[np.ix_(group, group)])
    step = vectors[:, np.argmax(values)] * unit[group]
    slots = [fit.problem.curve.slots[fit.problem.curve.free[k]] for k in group]
    found, left = [], list(range(len(group)))
    while left:
        same = [j for j in left if abs(step[j] - step[left[0]]) < 1e-3 * np.max(np.abs(step))]
        left = [j for j in left if j not in same]
        names, field, declared = [slots[j].name for j in same], slots[same[0]].field, slots[same[0]].parameter
        scaled = declared.constraint.low == 0.0 and not declared.constraint.vanishes
        entries = [slot.name for slot in fit.problem.curve.slots if slot.field == field]
        what = field if names == entries else _listed(names)
        found.append(f"a {'factor' if scaled else 'shift'} of {what}" if len(names) > 1 else names[0])
    return found


def rising(fit: Fit[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A target that goes one way along an input of which the fit has lost the term."""
    curve, runs = fit.problem.curve, fit.problem.runs
    terms = [curve.slots[curve.free[k]] for k in curve.amplitudes if fit.unidentified[k]]
    for name, kind in curve.kinds.items():
        about = [slot.name for slot in terms if kind.unit in dict(slot.parameter.dims)]
        x = np.asarray(fit.problem.inputs[name]) if kind.logarithm else np.zeros(0)
        if not about or len(x) != len(runs) or len(np.unique(x)) < 4:
            continue
        y = np.asarray(runs.target)
        order = np.argsort(x)
        ranks = np.argsort(np.argsort(x)), np.argsort(np.argsort(y))
        if np.corrcoef(*ranks)[0, 1] < 0.8:
            continue
        target = runs.target_name
        ends = f"from {y[order[0]]:.4g} to {y[order[-1]]:.4g}"
        said = f"{target} rises with {name}, {ends}, and the term of {_listed(about)} can only fall: it has vanished"
        # Of a share, or of per cent where it is called so, what is missing falls.
        called = set(re.findall("[a-z]+", f"{target} {runs.target_header}".lower())) & SHARES
        whole = 1 if y.max() <= 1.0 else 100 if y.max() <= 100.0 and called else 0
        remedy = f"fit what is missing, {whole} - {target}, which falls" if whole and y.min() >= 0.0 else ""
        remedy = remedy or ("fit its negative, which falls" if y.max() < 0.0 else "fit a law that rises")
        yield f"{said}; {remedy}", (name, *about)


def _listed(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
