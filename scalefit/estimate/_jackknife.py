"""How sure a fit is, by resamples taken to first order: no refit, and draws of many targets that belong together."""

from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Float, Int

from .._core import RESULTS, InputError, Phrase
from ..laws import AbstractLaw
from ..problem import Prepared, free_numbers, laws_at
from ..results import INFORMED, Ensemble, Fit, check_fit
from ..solve import exact_moments, slopes, values_at
from ._fit import refuse_number
from ._resamples import drawn_together

LawT = TypeVar("LawT", bound=AbstractLaw)

FLATTEST = 1e-10
"""Curvature, relative to the steepest, of a direction that a draw may still move along."""
FARTHEST = 3.0
"""Standard errors of a number that a draw may move it by at most, beyond which a first order says little."""
DAMPINGS = (0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0)
"""Added to the curvatures, in units of a number's own, until the step gains by its draw what it promises."""


def jackknife(
    fit: Fit[LawT], *, num: int = 1000, cluster: str | tuple[str, ...] | None = "auto", seed: int = 0,
    weights: Float[np.ndarray, "draw row"] | None = None,
) -> Ensemble[LawT]:  # fmt: skip
    r"""Draws of a bootstrap to first order: what each run weighs moves the optimum by its own slope.

    $\theta_b = \hat\theta - H^{-1}\sum_i (m_{bi} - 1)\,g_i$ with the gradient g of each run's cost, the Hessian H of
    the objective and the counts m of a resample of clusters. What stands in several studies of a batch, as the targets
    of one run, is drawn together. One linear solve serves all draws, so that thousands cost no more than a few. A step
    that does not lower the draw's own objective by a quarter of what it promises is damped as Levenberg and Marquardt
    do: numbers that runs hardly tell move less then, as the worth of a domain that is worth next to nothing. Where the
    law is far from linear over the scatter of its numbers `bootstrap`, which refits, is right and this is not.

    **Arguments:**

    - `fit`: A fit, or a batch of them.
    - `num`: Draws.
    - `cluster`: What is drawn as one: see `Runs.clusters`.
    - `seed`: Of the resampling.
    - `weights`: What each row counts in each draw, instead of resamples, as 0 for a run that is left out.

    **Returns:** an `Ensemble` of `num` draws, or of one for each row of `weights`.

    **Raises:** `InputError` where the fit did not converge, or its noise gives most runs no curvature.
    """
    problem, runs = check_fit("fit", fit).problem, fit.problem.runs
    refuse_number("num", num, 2)
    refuse_number("seed", seed, 0)
    if not np.atleast_1d(fit.reached).all():
        raise InputError("fit", Phrase("did not converge"), "an optimum, as its slopes say nothing elsewhere")
    left = np.atleast_2d(fit.residuals)
    if min(fit.noise.informed(row[np.isfinite(row)]) for row in left) < INFORMED:
        raise InputError("fit", Phrase(f"has the noise {fit.noise}, under which most runs carry no curvature"),
                         "a smooth noise", "refit with StudentT or Gaussian, or take `bootstrap`")  # fmt: skip
    if weights is None:
        counts, farthest = drawn_together(runs.clusters(cluster), num, [seed, 0x3AC]), FARTHEST
    else:
        # Draws of one's own choice have no scatter by which one could be too far.
        counts, farthest = np.asarray(weights, float), np.inf
        if counts.ndim != 2 or counts.shape[1] != len(runs) or not np.isfinite(counts).all():
            given = Phrase(f"has the shape {counts.shape}, or what is no number")
            raise InputError("weights", given, f"a number for each of {len(runs)} rows in each draw")
        num = len(counts)
    parts, order = [], []
    for which, prepared in problem.parts():
        moved, scale = _moved(prepared, fit, which, counts, farthest)
        study = np.repeat(np.arange(len(which)), num)
        law = laws_at(prepared, moved.reshape(len(study), -1), study)
        shape = (len(which), num)
        parts.append((jax.tree.map(lambda a, shape=shape: a.reshape(*shape, *a.shape[1:]), law), scale))
        order.append(which)
    back = np.argsort(np.concatenate(order))

    def whole(*columns: Any) -> np.ndarray:
        column = np.concatenate(columns)[back]
        return column if fit.keys is not None else column[0]

    law, scale = jax.tree.map(whole, *parts)
    shape = scale.shape
    return Ensemble(
        law, np.full(shape, np.nan), np.full(shape, int(RESULTS.successful)), scale,
        np.broadcast_to(fit.unidentified[..., None, :], (*shape, fit.unidentified.shape[-1])), fit, "jackknife", seed,
    )  # fmt: skip


def _moved(
    prepared: Prepared, fit: Fit[Any], which: Int[np.ndarray, " study"], counts: Float[np.ndarray, "draw run"],
    farthest: float,
) -> tuple[Float[np.ndarray, "study draw free"], Float[np.ndarray, "study draw"]]:  # fmt: skip
    """The free numbers of every draw of some studies, and the scales of their noise."""
    curve, noise, data = prepared.curve, fit.noise, prepared.data
    law = fit.law if fit.keys is None else jax.tree.map(lambda a: a[which], fit.law)
    each = np.arange(len(which))
    theta = np.atleast_2d(free_numbers(prepared, law, 0 if fit.keys is None else each))
    scale = np.atleast_1d(fit.scale)[which]
    at = np.concatenate([theta, np.log(scale)[:, None]], axis=1) if noise.free_scale else theta
    hessian = exact_moments(curve, noise, data, at, each)[2]
    value, first = slopes(curve, theta, data, each)
    found, scales = [], []
    for s in range(len(which)):
        rows = prepared.studies.rows(s)
        n, own = len(rows), (np.log(scale[s]) if noise.free_scale else 0.0)
        unit = np.ones(n) if data.precision is None else np.asarray(data.precision)[s, :n]
        unit = unit * np.exp(-own)
        curve_of = np.log(value[s, :n]) if noise.log else value[s, :n]
        z = (np.asarray(data.target)[s, :n] - curve_of) * unit
        psi = np.asarray(noise.psi(z))
        score = -psi * unit * first[:, s, :n] / (value[s, :n] if noise.log else 1.0)
        if noise.free_scale:
            score = np.concatenate([score, (1.0 - psi * z)[None]])
        inside = np.append((np.asarray(curve.lower) < theta[s]) & ~np.atleast_2d(fit.unidentified)[which[s]],
                           np.ones(int(noise.free_scale), bool))  # fmt: skip
        target, free_scale = np.asarray(data.target)[s, :n], noise.free_scale

        def cost(theta: np.ndarray, own: np.ndarray, counts: np.ndarray, s: int = s, unit: np.ndarray = unit,
                 target: np.ndarray = target) -> np.ndarray:  # fmt: skip
            """The objective of each draw at its own numbers, `own` being how far the logarithm of the scale moved."""
            with np.errstate(all="ignore"):
                value = values_at(curve, theta, data, s)[:, : len(target)]
                z = (target - (np.log(value) if noise.log else value)) * unit * np.exp(-own)[:, None]
                found = (counts * (np.asarray(noise.rho(z)) + own[:, None])).sum(axis=1)
            return np.where(np.isfinite(found), found, np.inf)

        bounds = np.append(curve.lower, [-np.inf] * int(free_scale))
        own_counts, moved = counts[:, rows], np.tile(at[s], (len(counts), 1))
        none = np.zeros(len(counts))
        before = cost(moved[:, : curve.size], none, own_counts)
        left = np.arange(len(counts))
        for damping in DAMPINGS:
            step = np.zeros((len(left), len(inside)))
            step[:, inside], promised = _steps(
                hessian[s][np.ix_(inside, inside)], score[inside], own_counts, left, farthest, damping
            )
            moved[left] = np.maximum(at[s] + step, bounds)
            by = moved[left, -1] - at[s][-1] if free_scale else none[left]
            after = cost(moved[left, : curve.size], by, own_counts[left])
            left = left[~(after <= before[left] - 0.25 * promised)]
            if not left.size:
                break
        found.append(moved[:, : curve.size])
        scales.append(np.exp(moved[:, -1]) if free_scale else np.full(len(counts), scale[s]))
    return np.stack(found), np.stack(scales)


def _steps(
    hessian: Float[np.ndarray, "free free"], score: Float[np.ndarray, "free run"],
    counts: Float[np.ndarray, "draw run"], which: Int[np.ndarray, " some"], farthest: float, damping: float,
) -> tuple[Float[np.ndarray, "some free"], Float[np.ndarray, " some"]]:  # fmt: skip
    """How far some draws move along the directions that the runs inform, and what of their objective that saves."""
    unit = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(hessian)), 1e-300))
    curvature, axes = np.linalg.eigh(hessian * unit[:, None] * unit[None])
    known = curvature > FLATTEST * curvature[-1]
    axes, curvature = axes[:, known] * unit[:, None], curvature[known]
    slope = (counts - 1.0) @ (axes.T @ score).T
    step = -slope / (curvature + damping)
    if np.isfinite(farthest):
        size = farthest * np.std(step, axis=0, keepdims=True)
        step = np.clip(step, -size, size)
    step, slope = step[which], slope[which]
    return step @ axes.T, -(slope * step).sum(axis=1) - 0.5 * (step**2 * curvature).sum(axis=1)
