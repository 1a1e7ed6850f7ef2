"""How sure a fit is, by refitting resamples of its runs."""

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import jax
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .._core import RESULTS, InputError, NotConverged, Phrase, check_choice, check_flag, named, warn_of
from ..laws import AbstractLaw
from ..problem import Pooling, Prepared, laws_at, representable
from ..results import Ensemble, Fit, check_fit
from ..solve import Precision, Solutions, Solver, refuse_solver, solve
from ._fit import refuse_number, residuals_and_unidentified
from ._polish import KEPT, better_of, vanished
from ._resamples import drawn_together, fill, own_weights, refuse_short, resamples
from ._residuals import drawn_targets, suits
from ._rivals import kept_optima, numbers_of, rivals
from ._starts import screened

Scheme = Literal["auto", "pairs", "residuals"]
LawT = TypeVar("LawT", bound=AbstractLaw)

AGAIN = 3
"""Starts of the global screen for a draw that failed or lost a term: the best, and the others if it still fails."""
HELD = 1 << 20
"""Draws times runs whose responses are held at once."""
FEW = 6
"""Trainings below which a bootstrap says that it is rough."""
NOTABLE = 0.02
"""Share of the resamples drawn again above which it is said aloud."""
TOGETHER = 65536
"""Draws of a batch refitted in one go, as their weights are held together; a single fit holds all of its own."""


def bootstrap(
    fit: Fit[LawT],
    *,
    num: int = 1000,
    scheme: Scheme = "auto",
    weights: ArrayLike | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    together: bool = False,
    seed: int = 0,
    solver: Solver = "newton",
    max_steps: int = 300,
    precision: Precision = "float64",
) -> Ensemble[LawT]:
    r"""Refit a law to resamples of its runs.

    *Pairs*: each draw weighs every run by how often it was drawn. Draws that lie at fewer different inputs than the law
    has free parameters determine nothing and are drawn again.

    *Residuals*, for few runs, of which resamples would lose too many: all runs stay where they are, and each draw puts
    them off the fit anew, half by its residuals and half by a normal of their scale, as wide as $n - p$ degrees of
    freedom make Student's t (see `estimate/_residuals.py`; coverage is in `benchmarks/calibration.py`).

    Checkpoints of one training are drawn together (`Runs.clusters`). A draw starts at the fit, and at other optima that
    may be its own; one that does not converge from there, or loses a term that the fit has, starts again from the
    global screen.

    **Arguments:**

    - `fit`: The fit, or the batch of fits.
    - `num`: Draws, for each study of a batch.
    - `scheme`: `"pairs"` or `"residuals"`; `"auto"` is the latter for a study of up to 20 runs, or four for each free
        number, each a training of its own, under a noise that is alike to both sides and whose scale is not given.
    - `weights`: The caller's own resamples: weight of each run in each draw, 0 or more; of a batch with `together`, of
        each row of its whole table.
    - `cluster`: What is drawn as one: see `Runs.clusters`.
    - `together`: Of a batch, draw what stands in several studies together, as the targets of one run: a draw is then
        of one resample in all of them, and what it says of several targets belongs together.
    - `seed`: Of the resampling.
    - `solver`: Of the refits, whatever made the fit: see `fit`.
    - `max_steps`: Passes over the runs allowed to one draw.
    - `precision`: Of the passes: see `fit`.

    **Returns:** an `Ensemble` of `num` draws; a batch of them for a batch of fits, where studies that did not converge
    have no draws that did.

    **Warns:** where some draws did not converge: they take no part in intervals.

    **Raises:** `InputError` where the weights have another shape or sign, or the solver has no such
    precision; `NotConverged` where no draw of a converged fit converged.
    """
    problem, studies, runs = check_fit("fit", fit).problem, fit.problem.studies, fit.problem.runs
    good = np.atleast_1d(fit.converged)
    if not good.any():
        raise InputError("fit", Phrase("did not converge"), "an optimum, as there is nothing else to resample about")
    refuse_number("seed", seed, 0)
    refuse_number("max_steps", max_steps, 1)
    refuse_solver(solver, precision)
    optimise = functools.partial(solve, solver=solver, max_steps=max_steps, precision=precision)
    if weights is None:
        refuse_number("num", num, 2)
    check_choice("scheme", scheme, get_args(Scheme))
    if weights is not None and scheme == "residuals":
        raise InputError("scheme", scheme, "'pairs', as `weights` are of runs", "leave one of the two out")
    if weights is not None and fit.keys is not None and not together:
        given = Phrase(f"is of a batch of {len(fit.keys)} studies")
        raise InputError(
            "fit", given, "a single fit with them", "resample each study by itself, or say `together=True`"
        )
    code = runs.clusters(cluster)
    rows = None if weights is None else own_weights(weights, len(runs))
    if rows is None and check_flag("together", together):
        rows = drawn_together(code, num, [seed, 0xB007])
    trainings = np.array([np.unique(code[studies.rows(s)]).size for s in range(len(studies))])
    num = num if rows is None else len(rows)
    by_residuals = trainings < 0
    if scheme == "auto" and rows is None:
        by_residuals = suits(fit, trainings)
    elif scheme == "residuals":
        if together or np.any(trainings < studies.counts):
            given = Phrase(f"is {scheme!r}, and rows that are drawn together err together")
            raise InputError("scheme", given, "'pairs', which draws trainings whole", "or say `cluster=None`")
        by_residuals = trainings > 0
    pools = (
        None if by_residuals.all() or rows is not None else Pooling.of(problem.law, problem.curve.free, problem.inputs)
    )
    parts, order, again = [], [], 0
    for both, prepared in problem.parts(max(1, TOGETHER // num)):
        for kind in np.unique(by_residuals[both]):
            some = np.flatnonzero(by_residuals[both] == kind)
            own, which = prepared if some.size == len(both) else prepared.take(some), both[some]
            keys = [[seed, 0xB007, *_named(fit, int(study))] for study in which]
            if kind:
                target = drawn_targets(own, fit.noise, numbers_of(own, fit, which), num, keys)
                drawn = own.take(np.repeat(np.arange(len(which)), num)).with_data(target=target)
            elif rows is None:
                # A study without an optimum has nothing to resample about, and holds up no other.
                codes = [code if good[study] else np.arange(len(runs)) for study in which]
                laid, points = prepared.studies, prepared.studies.points(problem.inputs)
                found = [resamples(laid, s, codes[k], points[s], num, len(fit.free), keys[k], pools)
                         for k, s in enumerate(some.tolist())]  # fmt: skip
                drawn = own.with_data(resamples=np.concatenate([weight for weight, _ in found]))
                again += sum(count for _, count in found)
            else:
                weight = [rows[:, prepared.studies.rows(s)] for s in some.tolist()]
                for one, point in zip(weight, prepared.studies.points(problem.inputs)[some], strict=True):
                    refuse_short(one, point, len(fit.free))
                length = prepared.studies.length
                drawn = own.with_data(resamples=np.concatenate([fill(one, length) for one in weight]))
            parts.append(_refitted(own, drawn, fit, which, num, optimise))
            order.append(which)
    back = np.argsort(np.concatenate(order))

    def whole(*columns: np.ndarray) -> np.ndarray:
        column = np.concatenate(columns)[back]
        return column if fit.keys is not None else np.asarray(column[0])

    joined: _Draws = jax.tree.map(whole, *parts)
    result = np.where(np.asarray(fit.converged)[..., None], joined.result, np.asarray(fit.result)[..., None])
    joined = joined._replace(result=result)
    names = [studies.name(int(study)) for study in np.flatnonzero(good)]
    _speak_of_failures(result[good] if fit.keys is not None else result, names)
    clusters = int(np.unique(code).size)
    kinds = " and ".join(name for name, kind in (("pairs", ~by_residuals), ("residuals", by_residuals)) if kind.any())
    drawn = {"cluster": cluster, "clusters": clusters, "runs": len(runs), "drawn_again": again, "scheme": kinds}
    if again > NOTABLE * num * len(studies):
        warn_of(
            "interval-plausibility",
            f"{again} of {num * len(studies)} resamples lay at fewer inputs than {type(fit.law).__name__} has "
            f"parameters and were drawn again: with so few runs intervals are too narrow",
        )
    trainings = np.where(by_residuals, FEW, trainings)
    least = int(np.argmin(trainings))
    if weights is None and trainings[least] < FEW:
        warn_of(
            "interval-plausibility",
            f"{studies.name(least)!r} has only {trainings[least]} trainings to resample, and rows of one are drawn "
            f"together: its intervals are rough",
            "add trainings, or say with cluster= what is independent",
        )
    return Ensemble(
        **joined._asdict(), fit=fit, method="bootstrap", seed=seed, diagnostics={} if weights is not None else drawn
    )


def _named(fit: Fit[Any], study: int) -> list[int]:
    """Numbers for the name of a study: its resamples are the same in a batch of others and by itself."""
    key = fit.key if fit.keys is None else fit.keys[study]
    return named(key)


def _speak_of_failures(result: np.ndarray, names: list[str]) -> None:
    failed = result != int(RESULTS.successful)
    none = np.flatnonzero(np.atleast_1d(failed.all(axis=-1)))
    if none.size:
        code = np.atleast_2d(result)[none[0], 0]
        raise NotConverged(f"No draw of {names[none[0]]!r} converged. {RESULTS(int(code)).message}")
    if failed.any():
        said = f"{int(failed.sum())} of {failed.size} draws did not converge and take no part in intervals"
        warn_of("convergence", said, RESULTS(int(result[failed][0])).message, stacklevel=3)


class _Draws(NamedTuple):
    law: AbstractLaw
    objective: np.ndarray
    result: np.ndarray
    scale: np.ndarray
    unidentified: np.ndarray


def _refitted(
    prepared: Prepared,
    drawn: Prepared,
    fit: Fit[Any],
    which: np.ndarray,
    num: int,
    optimise: Callable[..., Solutions],
) -> _Draws:
    """The draws of some studies, by study and draw; those of `drawn` weigh the runs of each, or are each a study."""
    centre = numbers_of(prepared, fit, which)
    rivals = _rivals(prepared, fit, which, centre, optimise)
    owner, draw = np.repeat(np.arange(len(which)), num), np.arange(len(which) * num)
    study, resample = (owner, draw) if drawn.data.resamples is not None else (draw, np.zeros_like(draw))
    prepared, centre = drawn, centre[owner]

    def refit(start: np.ndarray, some: np.ndarray, whole: int = 0) -> Solutions:
        problem = prepared.curve, fit.noise, prepared.data, start, study[some], resample[some], prepared.floor
        return optimise(*problem, whole=whole)

    solved = refit(centre, draw, num * len(fit.problem.studies))
    for studies, other in rivals:
        some = np.flatnonzero(np.isin(owner, studies))
        start = other[np.searchsorted(studies, owner[some])]
        solved = better_of(solved, refit(start, some), some)
    failed = np.asarray(solved.result) != int(RESULTS.successful)
    lost = (vanished(prepared, solved.theta) & ~vanished(prepared, centre)).any(axis=1)
    again = np.flatnonzero(failed | lost)
    if again.size:
        begin = screened(prepared, fit.noise, study[again], resample[again], AGAIN, fit.seed, quick=False)
        for k in range(begin.shape[1]):
            solved = better_of(solved, refit(begin[:, k], again), again)
            # Those that arrived, once is enough.
            still = np.asarray(solved.result)[again] != int(RESULTS.successful)
            begin, again = begin[still], again[still]
            if again.size == 0:
                break
    theta = np.asarray(solved.theta)
    # Only draws that went far, or whose amplitude vanished, can have lost a parameter; the others need no look.
    went = np.max(np.abs(theta - centre)[:, : prepared.curve.size], axis=1) > 3.0
    far = np.flatnonzero(went | vanished(prepared, theta).any(axis=1))
    unidentified = np.zeros((len(theta), prepared.curve.size), bool)
    # Not all at once: each is held with the responses of all of its runs.
    block = max(1, HELD // prepared.data.target.shape[1])
    for low in range(0, far.size, block):
        some = far[low : low + block]
        unidentified[some] = residuals_and_unidentified(prepared, fit.noise, theta[some], study[some])[1]
    scale = np.exp(theta[:, -1]) if fit.noise.free_scale else np.atleast_1d(fit.scale)[which][owner]
    law = laws_at(prepared, theta[:, : prepared.curve.size], study)
    result = np.array(solved.result)
    result[(result == int(RESULTS.successful)) & ~representable(law)] = int(RESULTS.overflow)
    flat = _Draws(law, np.asarray(solved.objective), result, scale, unidentified)
    return jax.tree.map(lambda a: a.reshape(len(which), num, *a.shape[1:]), flat)


def _rivals(
    prepared: Prepared, fit: Fit[Any], which: np.ndarray, best: Float[np.ndarray, "study free"],
    optimise: Callable[..., Solutions],
) -> list[tuple[Int[np.ndarray, " owner"], Float[np.ndarray, "owner free"]]]:  # fmt: skip
    """Other optima that may be the best of some resample: the studies that have one, and where it is."""
    theta = _searched(prepared, fit, optimise) if fit.optima is None else kept_optima(fit, which)
    rival = rivals(prepared, fit.noise, best, theta)
    return [(owner, theta[owner, k]) for k, owner in enumerate(map(np.flatnonzero, rival.T)) if owner.size]


def _searched(
    prepared: Prepared, fit: Fit[Any], optimise: Callable[..., Solutions]
) -> Float[np.ndarray, "study start free"]:
    """The optima of a fit that has not kept them, found again."""
    everyone, tried = np.arange(len(prepared.studies)), min(fit.tried, KEPT)
    begin = screened(prepared, fit.noise, everyone, np.zeros(len(everyone), int), tried, fit.seed, quick=False)
    study = np.repeat(everyone, begin.shape[1])
    starts, nothing = begin.reshape(len(study), -1), np.zeros(len(study), int)
    solved = optimise(prepared.curve, fit.noise, prepared.data, starts, study, nothing, prepared.floor)
    good = np.asarray(solved.result) == int(RESULTS.successful)
    return np.where(good[:, None], solved.theta, np.nan).reshape(begin.shape)
