"""Fits whose numbers ran out of float64: what ran away is held where laws usually are, and the rest fitted again."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import RESULTS
from ..noise import AbstractNoise
from ..params import values, with_values
from ..problem import Prepared, laws_at, prepare
from ..solve import solve
from ._starts import level, screened, searched

BEYOND = 1e50
"""Natural values from which on a number has run away, if the runs do not ask for it: compute of 1e25, squared."""
STARTS = 4
"""Starts of a screen beside where the search had ended."""
SURE = 0.99
"""Quantile of F beyond which runs tell a number after all: of many exponents the best was chosen."""

Ends = tuple[Float[np.ndarray, "study free"], Float[np.ndarray, " study"], Int[np.ndarray, " study"]]


def brought_back(prepared: Prepared, noise: AbstractNoise, ends: Ends, seed: int) -> Ends:
    r"""The ends of a search, where numbers ran out of float64 only as no run tells one of them.

    An exponent that no run informs runs away until its amplitude leaves float64. The shape that is farthest outside its
    typical range is held at the end of that, one after another, and the rest is fitted again. Where a quantile of F
    says that the runs are as well told so, that is what is returned, and that the runs do not determine the law.

    **Arguments:**

    - `ends`: Free numbers, objectives and codes of the best start of each study.
    """
    theta, objective, result = (np.array(column) for column in ends)
    some = _beyond(prepared, theta, np.arange(len(theta))).any(axis=1) & np.isfinite(objective)
    for study in np.flatnonzero(some):
        one = prepared.take(np.array([study]))
        found = _held(one, noise, theta[study], objective[study], seed)
        if found is not None:
            theta[study], objective[study] = found
            result[study] = int(RESULTS.undetermined)
    return theta, objective, result


def _beyond(
    prepared: Prepared, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]
) -> Bool[np.ndarray, "fit size"]:
    """Which numbers of each fit are out of all proportion, amplitudes as shares of the typical target."""
    curve = prepared.curve
    natural = np.abs(values(laws_at(prepared, theta[:, : curve.size], study))[:, list(curve.free)])
    natural[:, list(curve.amplitudes)] /= prepared.typical[study, None]
    return ~(natural < BEYOND)


def _held(
    prepared: Prepared, noise: AbstractNoise, theta: Float[np.ndarray, " free"], objective: float, seed: int
) -> tuple[Float[np.ndarray, " free"], float] | None:
    """The best that the runs allow with numbers held in their typical ranges; `None` where they tell otherwise."""
    from scipy.special import fdtri  # most fits do without SciPy

    whole, runs = prepared.curve, int(prepared.studies.counts[0])
    nothing, floor = np.zeros(1, int), float(prepared.floor[0])
    tail = theta[whole.size :]
    # An amplitude goes with its exponent, and stays what it is at the centre of the runs.
    away = _beyond(prepared, theta[None], nothing)[0]
    left = [k for k in range(whole.size) if k not in whole.amplitudes or not away[k]]
    theta = theta[: whole.size].copy()
    while True:
        out, place, end = _farthest(prepared, noise, theta, left)
        if out <= 1.0 or len(left) == 1:
            return None
        theta[place] = end
        left.remove(place)
        held = whole.size - len(left)
        natural = values(laws_at(prepared, theta[None], nothing))[0]
        gone = [whole.free[k] for k in range(whole.size) if k not in left]
        if not np.isfinite(natural[gone]).all():
            continue  # an amplitude beyond float64, whose exponent is still to be held
        curve = dataclasses.replace(whole, free=tuple(whole.free[k] for k in left))
        law = with_values(prepared.law, np.where(np.isin(np.arange(len(natural)), gone), natural, values(prepared.law)))
        rest = prepare(law, curve, prepared.studies, noise)
        fresh = screened(rest, noise, nothing, nothing, STARTS, seed, quick=True)[0]
        start = np.concatenate([np.append(theta[left], tail)[None], fresh])
        fits = np.zeros(len(start), int)
        solved = solve(curve, noise, rest.data, start, fits, fits, rest.floor, max_steps=3000)
        best = int(np.argmin(np.where(np.isfinite(solved.objective), solved.objective, np.inf)))
        theta[left], tail = np.split(np.asarray(solved.theta)[best], [len(left)])
        now, freedom = float(solved.objective[best]), max(runs - whole.size, 1)
        known = noise.free_scale or noise.absolute
        worse = 2.0 * (now - objective) if known else runs * np.log(now / max(objective, floor))
        if not worse <= runs * np.log1p(held * fdtri(held, freedom, SURE) / freedom):
            return None
        if not _beyond(prepared, theta[None], nothing).any():
            return np.append(theta, tail), now


def _farthest(
    prepared: Prepared, noise: AbstractNoise, theta: Float[np.ndarray, " free"], left: list[int]
) -> tuple[float, int, float]:
    """The shape farthest outside its typical range: by how many widths of it, its place, and the end it is beyond."""
    curve, found = prepared.curve, [(0.0, 0, 0.0)]
    bound = {k for row in curve.rows for k in row}
    for k in left:
        if k not in curve.amplitudes and curve.free[k] not in bound:
            low, high = searched(prepared, k, level(prepared, noise))
            out = float(max(low - theta[k], theta[k] - high) / (high - low))
            found.append((out, k, low if theta[k] < low else high))
    return max(found)
