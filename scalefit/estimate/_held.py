"""Fits whose numbers ran out of float64: what ran away is held where laws usually are, and the rest fitted again."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import RESULTS
from ..noise import AbstractNoise
from ..params import values, with_values
from ..problem import Prepared, laws_at, prepare, representable
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
    """The best that the runs allow with numbers held in their typical ranges, or one just where float64 holds all;
    `None` where the runs tell otherwise."""
    whole = prepared.curve
    # An amplitude goes with its exponent, and stays what it is at the centre of the runs.
    away = _beyond(prepared, theta[None], np.zeros(1, int))[0]
    left = [k for k in range(whole.size) if k not in whole.amplitudes or not away[k]]
    now, found = theta.copy(), None
    while len(left) > 1 and (farthest := _farthest(prepared, noise, now, left)) is not None:
        place, now[place] = farthest[0], farthest[1]
        left.remove(place)
        if not _representable(prepared, now):
            continue  # more than one exponent has taken an amplitude out of float64
        found = _refitted(prepared, noise, now, objective, left, seed)
        if found is None:
            break
        now = found[0]
        if not _beyond(prepared, now[None], np.zeros(1, int)).any():
            return found
    farthest = _farthest(prepared, noise, theta, [k for k in range(whole.size) if k not in whole.amplitudes])
    if farthest is None or _representable(prepared, theta):
        return None
    place, end = farthest
    near, now = theta.copy(), theta.copy()
    now[place] = end
    for _ in range(50):
        between = np.where(np.arange(len(theta)) == place, 0.5 * (near + now), theta)
        near, now = (near, between) if _representable(prepared, between) else (between, now)
    now[place] += 0.05 * (end - now[place])  # so that the amplitude, fitted again, stays inside
    rest, found = [k for k in range(whole.size) if k != place], None
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):  # the others follow by and by
        near = (found[0] if found else theta).copy()
        near[place] = theta[place] + share * (now[place] - theta[place])
        found = _refitted(prepared, noise, near, objective, rest, seed)
        if found is None:
            break
    return found if found and _representable(prepared, found[0]) else None


def _representable(prepared: Prepared, theta: Float[np.ndarray, " free"]) -> bool:
    natural = laws_at(prepared, theta[None, : prepared.curve.size], np.zeros(1, int))
    return bool(representable(natural)[0])


def _refitted(
    prepared: Prepared, noise: AbstractNoise, theta: Float[np.ndarray, " free"], objective: float, left: list[int],
    seed: int,
) -> tuple[Float[np.ndarray, " free"], float] | None:  # fmt: skip
    """Those that are left fitted anew, the others held; `None` where runs tell that this is worse than `objective`."""
    from scipy.special import fdtri  # most fits do without SciPy

    whole, runs = prepared.curve, int(prepared.studies.counts[0])
    nothing, floor = np.zeros(1, int), float(prepared.floor[0])
    theta, tail = theta[: whole.size].copy(), theta[whole.size :]
    held = whole.size - len(left)
    natural = values(laws_at(prepared, theta[None], nothing))[0]
    gone = [whole.free[k] for k in range(whole.size) if k not in left]
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
    return np.append(theta, tail), now


def _farthest(
    prepared: Prepared, noise: AbstractNoise, theta: Float[np.ndarray, " free"], left: list[int]
) -> tuple[int, float] | None:
    """The shape farthest outside its typical range, one that takes a number out of float64 first, and the end of that
    range; `None` where all are within a width of it."""
    curve, found = prepared.curve, []
    bound = {k for row in curve.rows for k in row}
    for k in left:
        if k not in curve.amplitudes and curve.free[k] not in bound:
            low, high = searched(prepared, k, level(prepared, noise))
            out, end = float(max(low - theta[k], theta[k] - high) / (high - low)), low if theta[k] < low else high
            there = np.where(np.arange(curve.size) == k, end, theta[: curve.size])
            back = _representable(prepared, there)
            found += [(back, out, k, end)] if out > 1.0 else []
    return max(found)[2:] if found else None
