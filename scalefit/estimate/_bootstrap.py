"""How sure a fit is, by refitting resamples of its runs."""

import warnings
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._core import RESULTS, InputError, NotConverged
from ..data import Runs
from ..laws import AbstractLaw
from ..results import Ensemble, Fit
from ..solve import solve
from ._fit import GONE, better_of, residuals_and_dead, studies_of
from ._prepare import Prepared, free_numbers, inputs_for, laws_at, prepare
from ._starts import screened
from ._studies import Studies

LawT = TypeVar("LawT", bound=AbstractLaw)

ROOMY, AGAIN = 4, 100
"""Different inputs per free parameter from which draws need no look; times that a draw is drawn again."""
TOGETHER = 65536
"""Draws of a batch refitted in one go, as their weights are held together; a single fit holds all of its own."""


def bootstrap(
    fit: Fit[LawT],
    runs: Runs,
    *,
    num: int = 1000,
    weights: ArrayLike | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    seed: int = 0,
    max_steps: int = 300,
) -> Ensemble[LawT]:
    """Refit a law to resamples of its runs: each draw weighs every run by how often it was drawn.

    Checkpoints of one training are drawn together (`Runs.clusters`). A draw starts at the fit; one that does not
    converge from there starts again from the global screen. Draws that lie at fewer different inputs than the law has
    free parameters determine nothing and are drawn again.

    **Arguments:**

    - `fit`: The fit, or the batch of fits.
    - `runs`: The runs that it was fitted to.
    - `num`: Draws, for each study of a batch.
    - `weights`: The caller's own resamples: weight of each run in each draw, 0 or more.
    - `cluster`: What is drawn as one: see `Runs.clusters`.
    - `seed`: Of the resampling.
    - `max_steps`: Passes over the runs allowed to one draw.

    **Returns:** an `Ensemble` of `num` draws; a batch of them for a batch of fits, where studies that did not converge
    have no draws that did.

    **Warns:** where some draws did not converge: they take no part in intervals.

    **Raises:** `InputError` where the runs are not those of the fit, or the weights have another shape or sign;
    `NotConverged` where no draw of a converged fit converged.
    """
    studies = studies_of(fit, runs)
    runs = studies.runs
    good = np.atleast_1d(fit.converged)
    if not good.any():
        raise InputError("The fit did not converge, so its resamples would say nothing: mend the fit first.")
    if weights is None and num < 2:
        raise InputError(f"num is {num}; a bootstrap needs at least 2 draws.")
    if weights is not None and fit.keys is not None:
        raise InputError("weights= goes with a single fit; resample each study of a batch by itself.")
    rows = None if weights is None else _own_weights(weights, len(runs))
    num = num if rows is None else len(rows)
    code = runs.clusters(cluster)
    parts, order = [], []
    for which in studies.parts(max(1, TOGETHER // num)):
        some = studies.take(which)
        prepared = prepare(fit.template, some, fit.noise, fit.fixed)
        if rows is None:
            points = some.points(inputs_for(prepared.law, runs)[0])
            keys = [[seed, 0xB007, int(study)] for study in which]
            drawn = [_resamples(some, s, code, points[s], num, len(fit.free), key) for s, key in enumerate(keys)]
            table = np.concatenate(drawn)
        else:
            table = _fill(rows, some.length)
        parts.append(_refitted(prepared, fit, which, table, num, max_steps))
        order.append(which)
    back = np.argsort(np.concatenate(order))

    def whole(*columns: np.ndarray) -> np.ndarray:
        column = np.concatenate(columns)[back]
        return column if fit.keys is not None else np.asarray(column[0])

    joined: _Draws = jax.tree.map(whole, *parts)
    result = np.where(np.asarray(fit.converged)[..., None], joined.result, np.asarray(fit.result)[..., None])
    joined = joined._replace(result=result)
    _speak_of_failures(result[good] if fit.keys is not None else result)
    drawn = {} if rows is not None else {"clusters": int(np.unique(code).size), "runs": len(runs)}
    return Ensemble(**joined._asdict(), fit=fit, method="bootstrap", seed=seed, diagnostics=drawn)


def _speak_of_failures(result: np.ndarray) -> None:
    failed = result != int(RESULTS.successful)
    if failed.all(axis=-1).any():
        raise NotConverged(f"No draw converged. {RESULTS(int(result[failed][0])).message}")
    if failed.any():
        warnings.warn(
            f"{int(failed.sum())} of {failed.size} draws did not converge and take no part in intervals. "
            f"{RESULTS(int(result[failed][0])).message}",
            stacklevel=3,
        )


class _Draws(NamedTuple):
    law: AbstractLaw
    objective: np.ndarray
    result: np.ndarray
    scale: np.ndarray
    dead: np.ndarray


def _refitted(
    prepared: Prepared, fit: Fit[Any], which: np.ndarray, table: np.ndarray, num: int, max_steps: int
) -> _Draws:
    """The draws of some studies, by study and draw."""
    with jax.enable_x64(True):
        prepared = prepared._replace(data=prepared.data._replace(resamples=jnp.asarray(table)))
    study, resample = np.repeat(np.arange(len(which)), num), np.arange(len(table))
    centre = np.repeat(_optimum(prepared, fit, which), num, axis=0)
    solved = solve(
        prepared.curve, fit.noise, prepared.data, centre, study, resample, prepared.floor, max_steps=max_steps
    )
    failed = np.flatnonzero(np.asarray(solved.result) != int(RESULTS.successful))
    if failed.size:
        begin = screened(prepared, fit.noise, study[failed], resample[failed][:, None], 3, fit.seed)[:, 0]
        for k in range(begin.shape[1]):
            retry = solve(
                prepared.curve, fit.noise, prepared.data, begin[:, k], study[failed], resample[failed],
                prepared.floor, max_steps=max_steps,
            )  # fmt: skip
            solved = better_of(solved, retry, failed)
    theta = np.asarray(solved.theta)
    # Only draws that went far, or whose amplitude vanished, can have lost a parameter; the others need no look.
    went = np.max(np.abs(theta - centre)[:, : prepared.curve.size], axis=1) > 3.0
    far = np.flatnonzero(went | (theta[:, list(prepared.curve.amplitudes)] <= GONE).any(axis=1))
    dead = np.zeros((len(theta), prepared.curve.size), bool)
    if far.size:
        dead[far] = residuals_and_dead(prepared, fit.noise, theta[far], study[far])[1]
    scale = np.exp(theta[:, -1]) if fit.noise.free_scale else np.repeat(np.atleast_1d(fit.scale)[which], num)
    law = laws_at(prepared, theta[:, : prepared.curve.size], study)
    flat = _Draws(law, np.asarray(solved.objective), np.asarray(solved.result), scale, dead)
    return jax.tree.map(lambda a: a.reshape(len(which), num, *a.shape[1:]), flat)


def _own_weights(weights: Any, runs: int) -> Float[np.ndarray, "draw run"]:
    rows = np.asarray(weights, float)
    if rows.ndim != 2 or rows.shape[1] != runs or len(rows) == 0:
        raise InputError(
            f"weights has shape {rows.shape}; expected one row a draw and one column for each of {runs} runs."
        )
    if not np.isfinite(rows).all() or rows.min() < 0 or (rows.sum(axis=1) == 0).any():
        raise InputError("weights must be finite and 0 or more, and no draw may be all zeros.")
    return rows


def _fill(rows: np.ndarray, length: int) -> np.ndarray:
    return np.pad(rows, ((0, 0), (0, length - rows.shape[1])))


def _resamples(
    studies: Studies, study: int, code: np.ndarray, points: np.ndarray, num: int, free: int, key: list[int]
) -> Float[np.ndarray, "draw run"]:
    """How often each run of a study is in each draw, in whole clusters, at no fewer different inputs than `free`."""
    _, local = np.unique(code[studies.rows(study)], return_inverse=True)
    count = int(local.max()) + 1
    if count < 2:
        raise InputError(
            f"{studies.name(study)!r} has one cluster only (all its rows belong together): there is nothing to "
            f"resample. Add runs with other seeds, or sample a posterior."
        )
    rng, even = np.random.default_rng(key), np.full(count, 1.0 / count)
    draws = rng.multinomial(count, even, size=num)
    # Which inputs each cluster lies at; with many more inputs than parameters no draw can miss so many.
    _, place = np.unique(points[: len(local)], return_inverse=True)
    there = np.zeros((count, int(place.max()) + 1))
    there[local, place] = 1.0
    if there.shape[1] < ROOMY * free:
        for _ in range(AGAIN):
            short = np.flatnonzero(np.count_nonzero((draws > 0) @ there, axis=1) < free)
            if short.size == 0:
                break
            draws[short] = rng.multinomial(count, even, size=short.size)
    return _fill(draws[:, local].astype(float), studies.length)


def _optimum(prepared: Prepared, fit: Fit[Any], which: np.ndarray) -> Float[np.ndarray, "study free"]:
    """The fit in free numbers."""
    law = fit.law if fit.keys is None else jax.tree.map(lambda a: a[which], fit.law)
    theta = np.atleast_2d(free_numbers(prepared, law, 0 if fit.keys is None else np.arange(len(which))))
    # A number that has run to a bound is brought back to where it can be felt.
    theta = np.clip(theta, -30.0, 30.0)
    if fit.noise.free_scale:
        theta = np.concatenate([theta, np.log(np.atleast_1d(fit.scale)[which])[:, None]], axis=1)
    return theta
