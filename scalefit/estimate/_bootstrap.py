"""How sure a fit is, by refitting resamples of its runs."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._core import RESULTS, InputError
from ..data import Runs
from ..laws import AbstractLaw
from ..results import Ensemble, Fit
from ..solve import Solutions, solve
from ._fit import residuals_and_dead, studies_of
from ._prepare import Prepared, free_numbers, natural_law, prepare
from ._starts import screened

LawT = TypeVar("LawT", bound=AbstractLaw)


def bootstrap(
    fit: Fit[LawT],
    runs: Runs,
    *,
    num: int = 1000,
    weights: Float[np.ndarray, "draw run"] | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    seed: int = 0,
    max_steps: int = 300,
) -> Ensemble[LawT]:
    """Refit a law to resamples of its runs: each draw weighs every run by how often it was drawn.

    Checkpoints of one training are drawn together (`Runs.clusters`). A draw starts at the fit; one that does not
    converge from there starts again from the global screen.

    **Arguments:**

    - `fit`: The fit, or the batch of fits.
    - `runs`: The runs that it was fitted to.
    - `num`: Draws, for each study of a batch.
    - `weights`: The caller's own resamples: weight of each run in each draw, 0 or more.
    - `cluster`: What is drawn as one: see `Runs.clusters`.
    - `seed`: Of the resampling.
    - `max_steps`: Passes over the runs allowed to one draw.

    **Returns:** an `Ensemble` of `num` draws; a batch of them for a batch of fits.

    **Raises:** `InputError` where the runs are not those of the fit, or the weights have another shape or sign.
    """
    studies = studies_of(fit, runs)
    if not np.all(fit.converged):
        raise InputError("The fit did not converge, so its resamples would say nothing: mend the fit first.")
    prepared = prepare(fit.template, studies, fit.noise, fit.fixed)
    length = prepared.data.target.shape[1]
    if weights is not None:
        if fit.keys is not None:
            raise InputError("weights= goes with a single fit; resample each study of a batch by itself.")
        rows = [_own_weights(weights, len(runs))]
    else:
        if num < 2:
            raise InputError(f"num is {num}; a bootstrap needs at least 2 draws.")
        rows = [_resamples(part, num, cluster, seed, s) for s, part in enumerate(studies)]
    num = rows[0].shape[0]
    table = np.concatenate([np.pad(r, ((0, 0), (0, length - r.shape[1]))) for r in rows])
    with jax.enable_x64(True):
        prepared = prepared._replace(data=prepared.data._replace(resamples=jnp.asarray(table)))
    study = np.repeat(np.arange(len(studies)), num)
    resample = np.arange(len(table))
    start = np.repeat(_optimum(prepared, fit), num, axis=0)
    solved = solve(
        prepared.curve, fit.noise, prepared.data, start, study, resample, prepared.floor, max_steps=max_steps
    )
    solved = _again(prepared, fit, solved, study, resample, max_steps)
    law = natural_law(prepared, np.asarray(solved.theta)[:, : prepared.curve.size], study)
    return _ensemble(prepared, fit, law, solved, study, len(studies), num, seed)


def _own_weights(weights: Any, runs: int) -> Float[np.ndarray, "draw run"]:
    rows = np.asarray(weights, float)
    if rows.ndim != 2 or rows.shape[1] != runs:
        raise InputError(
            f"weights has shape {rows.shape}; expected one row a draw and one column for each of {runs} runs."
        )
    if not np.isfinite(rows).all() or rows.min() < 0 or (rows.sum(axis=1) == 0).any():
        raise InputError("weights must be finite and 0 or more, and no draw may be all zeros.")
    return rows


def _resamples(
    runs: Runs, num: int, cluster: str | tuple[str, ...] | None, seed: int, study: int
) -> Float[np.ndarray, "draw run"]:
    code = runs.clusters(cluster)
    count = int(code.max()) + 1
    if count < 2:
        raise InputError(
            f"{runs.name!r} has one cluster only (all its rows belong together): there is nothing to resample. "
            f"Add runs with other seeds, or sample a posterior."
        )
    draws = np.random.default_rng([seed, 0xB007, study]).multinomial(count, np.full(count, 1.0 / count), size=num)
    return draws[:, code].astype(float)


def _optimum(prepared: Prepared, fit: Fit[Any]) -> Float[np.ndarray, "study free"]:
    """The fit in free numbers."""
    theta = np.atleast_2d(free_numbers(prepared, fit.law, 0 if fit.keys is None else np.arange(len(fit.keys))))
    # A number that has run to a bound is brought back to where it can be felt.
    theta = np.clip(theta, -30.0, 30.0)
    if fit.noise.free_scale:
        theta = np.concatenate([theta, np.log(np.atleast_1d(fit.scale))[:, None]], axis=1)
    return theta


def _again(
    prepared: Prepared, fit: Fit[Any], solved: Solutions, study: np.ndarray, resample: np.ndarray, max_steps: int
) -> Solutions:
    failed = np.flatnonzero(np.asarray(solved.result) != int(RESULTS.successful))
    if failed.size == 0:
        return solved
    keep = 3
    begin = screened(prepared, fit.noise, study[failed], resample[failed][:, None], keep, fit.seed)[:, 0]
    keep = begin.shape[1]
    retry = solve(
        prepared.curve, fit.noise, prepared.data, begin.reshape(-1, begin.shape[2]),
        np.repeat(study[failed], keep), np.repeat(resample[failed], keep), prepared.floor, max_steps=max_steps,
    )  # fmt: skip
    cost = np.where(np.asarray(retry.result) == int(RESULTS.successful), np.asarray(retry.objective), np.inf)
    cost = cost.reshape(-1, keep)
    best = np.argmin(cost, axis=1) + keep * np.arange(failed.size)
    use = np.isfinite(np.min(cost, axis=1))
    columns = []
    for old, new in zip(solved, retry, strict=True):
        old = np.array(old)
        old[failed[use]] = np.asarray(new)[best[use]]
        columns.append(old)
    return Solutions(*columns)


def _ensemble(
    prepared: Prepared, fit: Fit[Any], law: Any, solved: Solutions, study: np.ndarray,
    studies: int, num: int, seed: int,
) -> Ensemble[Any]:  # fmt: skip
    theta = np.asarray(solved.theta)
    # Only draws that went far can have lost a parameter; the others need no look.
    centre = np.repeat(_optimum(prepared, fit), num, axis=0)
    far = np.flatnonzero(np.max(np.abs(theta - centre)[:, : prepared.curve.size], axis=1) > 3.0)
    dead = np.zeros((len(theta), prepared.curve.size), bool)
    if far.size:
        dead[far] = residuals_and_dead(prepared, fit.noise, theta[far], study[far])[1]
    scale = np.exp(theta[:, -1]) if fit.noise.free_scale else np.repeat(np.atleast_1d(fit.scale), num)

    def shaped(a: Any) -> Any:
        a = np.asarray(a)
        return a if fit.keys is None else a.reshape(studies, num, *a.shape[1:])

    return Ensemble(
        law=jax.tree.map(shaped, law),
        objective=shaped(solved.objective),
        result=shaped(solved.result),
        scale=shaped(scale),
        dead=shaped(dead),
        fit=fit,
        method="bootstrap",
        seed=seed,
    )
