"""Fit a law to runs."""

import dataclasses
import inspect
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import (
    RESULTS,
    CheckWarning,
    InputError,
    LeftOutWarning,
    NotConverged,
    Phrase,
    check_flag,
    check_type,
    warn_of,
)
from ..data import Runs
from ..laws import AbstractLaw, Own, check_inputs, gathered
from ..noise import AbstractNoise, Gaussian, StudentT, check_noise
from ..params import Tree, parts, slots, values
from ..problem import Prepared, Problem, inputs_for, laws_at, representable, typical_se
from ..results import Fit
from ..solve import Precision, Solver, refuse_solver, responses
from ._held import brought_back
from ._polish import AGREE, SEVERAL, Polished, felt_by_some, polished
from ._starts import FEW, given, screened

LawT = TypeVar("LawT", bound=AbstractLaw)

MOST = 2**31 - 1
"""The largest number of steps or starts, and the largest seed."""


def fit(
    law: type[LawT] | LawT,
    runs: Runs,
    *,
    noise: AbstractNoise | None = None,
    fixed: Sequence[str] = (),
    tie: Mapping[str, str] | None = None,
    by: str | tuple[str, ...] | None = None,
    own: Sequence[str] | str = (),
    starts: Any = None,
    num_starts: int | None = None,
    solver: Solver = "newton",
    seed: int = 0,
    max_steps: int = 3000,
    precision: Precision = "float64",
    throw: bool = True,
) -> Fit[LawT]:
    r"""Fit a law to runs, from many starts at once.

    Minimises $\sum_i \rho\left(g(y_i) - g(f(x_i))\right)$ over the free parameters of the law f, with ρ and g those
    of the noise. A screen over the law's shapes, amplitudes solved for, finds the best regions; the best start of
    each is polished by the solver, and the best optimum is returned with the count of starts that agree with it.

    **Arguments:**

    - `law`: A law class; or a law, whose values serve `fixed` and, where all are set, as one more start.
    - `runs`: What was observed.
    - `noise`: How runs scatter: `StudentT(4)` on logarithms by default, by which fits to halves of public sets scatter
      least (`benchmarks/default_noise.py`); `Huber(1e-3)` is the field's. Where n runs are so few for p free numbers
      that 4 (n - p) ≤ p, the scale of Student's t can shrink to nothing, and the default is `Gaussian()`; with `by`,
      where most studies are so short. `fit.noise` says which it was.
    - `fixed`: Names of parameters held at the law's values.
    - `tie`: Name of a parameter → name of another, whose value it takes: `{"beta": "alpha"}`.
    - `by`: A label or column: each of its values is a study of its own, fitted in one batch.
    - `own`: With `by`, one fit of all in place of a batch: these parameters are each value's own, the others are shared
      exactly (see `scalefit.laws.Own`).
    - `starts`: The caller's own starts: a law, or natural values by name (a mapping, or a list of them). They are
      polished in place of the screen's, which serves only where one of them fails or loses a term.
    - `num_starts`: Starts kept from the screen: 8, or 2 with `by`. Where it is left out, of up to 512 studies, scouts
      look for lower optima for some passes, and the best of them are polished too.
    - `solver`: `"newton"`, an Optax optimiser, or an Optimistix minimiser or least-squares solver (the
      extra `optimistix`).
    - `seed`: Shifts the nodes of the screen.
    - `max_steps`: Passes over the runs allowed to one start; beyond the first 300 go the best starts alone that still
      gain.
    - `precision`: Of the passes of `"newton"`: `"float64"`, `"float32"` for accelerators, or `"mixed"`, float32 and
      then float64.
    - `throw`: Whether a fit that did not converge raises; if not, look at `fit.result`.

    **Returns:** a `Fit`; with `by`, a batch of them with `fits.keys`.

    **Warns:** where several targets are taken for one, as without `by="target"`. `LeftOutWarning` where some studies of
    `by` cannot be fitted, as with too few runs; the others are, and `fits.problem.left_out` has the reasons.
    `FloorWarning` for a law of pools with a free floor d where no run on fresh samples, none seen twice, has seen half
    as many as the longest run: d and the half-life of the best pool then trade off. `OverfitWarning` for one that can
    only fall where the error of a pool rises again with its passes. `RareDomainWarning` for a law of weights of
    domains, one of which a single run drew from.

    **Raises:** `InputError` for runs that the law or the noise cannot take; `NotConverged` where no start converged.
    """
    template = _instance(law)
    _refuse_types(runs, noise, seed, fixed)
    refuse_number("max_steps", max_steps, 1)
    refuse_solver(solver, precision)
    check_flag("throw", throw)
    check_type("own", own, (str, Sequence), "names of parameters, as ('E',)")
    if own:
        if not isinstance(by, str):
            raise InputError("own", own, "together with by=, the label whose values have these parameters of their own")
        template, by = Own.of(template, own, by), None
    check_type("tie", tie, (Mapping, type(None)), "names by name, as {'beta': 'alpha'}")
    held = (fixed,) if isinstance(fixed, str) else tuple(fixed)
    if num_starts is not None:
        refuse_number("num_starts", num_starts, 1)
    problem = Problem.of(template, runs, StudentT() if noise is None else noise, held, by, tie or {})
    keep = num_starts or (8 if by is None else 2)

    def fitted(problem: Problem) -> Fit[Any]:
        law, noise, count = problem.law, problem.noise, len(problem.studies)
        # Where starts are counted out, what a study gets does not depend on how many others there are.
        quick = by is not None and (num_starts is not None or count > FEW)
        scouting = num_starts is None and starts is None and count <= SEVERAL
        parts = []
        for which, prepared in problem.parts():
            begin, guessed = _begin(prepared, noise, law, starts, keep, seed, quick)
            scouts = partial(_guesses, prepared, noise) if scouting and law.screened else None
            ends = polished(
                prepared, noise, begin, solver, max_steps, precision, seed, quick, count, scouting, guessed, scouts
            )
            parts.append((which, _outcome(prepared, noise, ends, begin.shape[1], seed), begin.shape[1]))
        return _collect(problem, parts, seed)

    out = None
    while out is None:
        try:
            out = fitted(_scattered(problem) if noise is None else problem)
        except InputError as error:
            # One study that cannot be fitted holds up no other.
            if len(error.studies) in (0, len(problem.studies)):
                raise
            problem = problem.without(error.studies)
    if throw:
        _raise_unless_converged(out)
    _say_left_out(problem)
    _say_pooled(problem, by)
    _say_doubts(out.problem)
    return out


def _scattered(problem: Problem) -> Problem:
    """The problem with the noise that suits most of its studies."""
    # Through p of n runs a law can pass exactly: with ν (n - p) ≤ p the likelihood then grows as the scale falls to 0.
    numbers = problem.curve.size
    few = StudentT().df * (problem.studies.counts - numbers) <= numbers
    return dataclasses.replace(problem, noise=Gaussian()) if 2 * few.sum() > few.size else problem


def _say_left_out(problem: Problem) -> None:
    """Warn of studies that could not be fitted."""
    if not problem.left_out:
        return
    reasons = [f"{key!r}: {reason}" for key, reason in problem.left_out]
    more = f" (and {len(reasons) - 3} more)" if len(reasons) > 3 else ""
    count = len(reasons) + len(problem.studies)
    left_out = f"{len(reasons)} of {count} studies could not be fitted and were left out. {' '.join(reasons[:3])}{more}"
    warn_of(LeftOutWarning.check, left_out, category=LeftOutWarning, stacklevel=3)


def _say_pooled(problem: Problem, by: str | tuple[str, ...] | None) -> None:
    """Warn where several targets are taken for one."""
    count = len(set(problem.runs.labels.get("target", np.empty(0)).tolist()))
    if count > 1 and "target" not in (*np.atleast_1d(by or ""), *problem.curve.inputs):
        said = f"{problem.runs.name!r} has {count} targets, which {type(problem.law).__name__} takes for one"
        warn_of("residuals", said, 'fit each by itself, as by="target"', stacklevel=3)


def _say_doubts(problem: Problem) -> None:
    """Warn of what the law finds doubtful in its runs."""
    for said, category in problem.doubts():
        if issubclass(category, CheckWarning):
            warn_of(category.check, said, category=category, stacklevel=3)
        else:
            warnings.warn(said, category, stacklevel=3)


def _instance(law: Any) -> AbstractLaw:
    """A law of its class, or the law itself.

    **Raises:** `InputError` for what is no law, or holds a number that is neither parameter nor constant.
    """
    wanted = law if isinstance(law, type) else type(law)
    if not issubclass(wanted, AbstractLaw) or inspect.isabstract(wanted):
        raise InputError("law", law, "a law of scalefit.laws, or your own AbstractLaw")
    try:
        template: AbstractLaw = law() if isinstance(law, type) else law
    except TypeError as error:
        given = Phrase(f"is {wanted.__name__}, of which none can be made ({error})")
        raise InputError("law", given, "a class with `inputs`, and defaults for what is not fitted") from error
    check_inputs(template)
    for field in dataclasses.fields(template):
        known = {"parameter", "constant"} & {*field.metadata} or field.metadata.get("static", False)
        held = getattr(template, field.name)
        known = known or (isinstance(held, Tree | tuple | dict) and any(True for _ in parts(template)))
        if not known and jax.tree.leaves(getattr(template, field.name)):
            given = Phrase(f"is {wanted.__name__}, whose field {field.name!r} is a number and no parameter")
            remedy = f"declare it as one, or as a constant, {field.name}: float = equinox.field(static=True)"
            raise InputError("law", given, remedy=remedy)
    return template


def _refuse_types(runs: Any, noise: Any, seed: Any, fixed: Any) -> None:
    """Say what was expected where something else was given; the rest of the library need not ask again."""
    if not isinstance(fixed, str | Sequence):
        raise InputError("fixed", fixed, "names of parameters, for example ('E',)")
    if not isinstance(runs, Runs):
        remedy = "make them by read_runs(it), or Runs(loss, N=..., D=...)"
        raise InputError("runs", Phrase(f"is a {type(runs).__name__}"), "Runs", remedy)
    if not isinstance(noise, AbstractNoise | None):
        raise InputError("noise", noise, "one of scalefit.noise, for example StudentT(4)")
    if noise is not None:
        check_noise(noise)
    refuse_number("seed", seed, 0)


def refuse_number(name: str, value: Any, least: int, most: int = MOST) -> None:
    """Refuse an option that is no whole number, or is too small or too large."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise InputError(name, value, f"a whole number, {least} or more and at most {most}")


def _begin(
    prepared: Prepared, noise: AbstractNoise, template: AbstractLaw, starts: Any, keep: int, seed: int, quick: bool
) -> tuple[Float[np.ndarray, "study start free"], bool]:
    """The starts of each study, and whether they are the law's own guesses."""
    count = len(prepared.studies)
    if starts is not None:
        return np.stack([given(prepared, noise, starts, s) for s in range(count)]), False
    guesses = None if prepared.law.screened else _guesses(prepared, noise, np.arange(count))
    if guesses is not None:
        return guesses, True
    begin = screened(prepared, noise, np.arange(count), np.zeros(count, int), keep, seed, quick)
    known = values(template)
    if np.isfinite(known[list(prepared.curve.free)]).all():
        own = np.stack([given(prepared, noise, template, s) for s in range(count)])
        begin = np.concatenate([begin, own], axis=1)
    return begin, False


def _guesses(
    prepared: Prepared, noise: AbstractNoise, which: Int[np.ndarray, " study"]
) -> Float[np.ndarray, "study start free"] | None:
    """The starts that the law guesses from the runs of some studies; `None` where it does not for every one."""
    law, studies, curve = prepared.law, prepared.studies, prepared.curve
    if type(law).guesses is AbstractLaw.guesses:
        return None
    inputs, target = gathered(law, inputs_for(law, studies.runs)[0]), np.asarray(studies.runs.target)
    free, found = tuple(curve.slots[k].name for k in curve.free), []
    for study in which.tolist():
        rows = studies.rows(study)
        laws = law.guesses(jax.tree.map(lambda a, rows=rows: a[rows], inputs), target[rows], free)
        if not laws:
            return None
        found.append(np.concatenate([given(prepared, noise, one, study) for one in laws]))
    most = max(map(len, found))
    # The last of those that have fewer, once more.
    return np.stack([np.pad(some, ((0, most - len(some)), (0, 0)), mode="edge") for some in found])


class _Outcome(NamedTuple):
    law: AbstractLaw
    objective: np.ndarray
    result: np.ndarray
    scale: np.ndarray
    residuals: np.ndarray
    unidentified: np.ndarray
    agreeing: np.ndarray
    optima: np.ndarray
    scouts: np.ndarray


def _outcome(prepared: Prepared, noise: AbstractNoise, ends: Polished, tried: int, seed: int) -> _Outcome:
    """The best start of each study, a converged one first, and how many agree with it."""
    solved = ends.solved
    objective = np.asarray(solved.objective).reshape(-1, tried)
    good = np.asarray(solved.result).reshape(-1, tried) == int(RESULTS.successful)
    cost = np.where(np.isfinite(objective), objective, np.inf)
    lowest = np.min(cost, axis=1, keepdims=True)
    near = cost <= lowest + AGREE * np.abs(lowest) + prepared.floor[:, None]
    # Among starts that reached the lowest objective, one that converged speaks for it.
    size = np.abs(lowest) + prepared.floor[:, None]
    choice = np.argmin(np.where(near, cost - np.where(good, size, 0.0), np.inf), axis=1) + tried * np.arange(len(cost))
    found = np.asarray(solved.theta)[choice], np.asarray(solved.objective)[choice], np.asarray(solved.result)[choice]
    theta, least, result = brought_back(prepared, noise, found, seed)
    study = np.arange(len(choice))
    residuals, unidentified = residuals_and_unidentified(prepared, noise, theta, study)
    precision = 1.0 if prepared.data.precision is None else np.asarray(prepared.data.precision)
    known = np.maximum(np.sum(np.isfinite(residuals), axis=1), 1)
    spread = np.sqrt(np.nansum((residuals * precision) ** 2, axis=1) / known)
    scale = np.exp(theta[:, -1]) if noise.free_scale else spread
    scale = typical_se(prepared.studies, noise.log) if noise.absolute else scale
    law = laws_at(prepared, theta[:, : prepared.curve.size], study)
    reached = np.isin(result, [int(RESULTS.successful), int(RESULTS.undetermined)])
    result[reached & ~representable(law)] = int(RESULTS.overflow)
    if not prepared.curve.fixed:
        result[(result == int(RESULTS.successful)) & unidentified.all(axis=1)] = int(RESULTS.vanished)
    good = good | (np.asarray(solved.result).reshape(-1, tried) == int(RESULTS.undetermined))
    agreeing = np.sum(near & good & ~ends.scouted.reshape(near.shape), axis=1)
    return _Outcome(law, least, result, scale, residuals, unidentified, agreeing, ends.optima, ends.scouts)


def _collect(problem: Problem, parts: list[tuple[np.ndarray, _Outcome, int]], seed: int) -> Fit[Any]:
    studies, tried = problem.studies, parts[0][2]
    order = np.argsort(np.concatenate([which for which, *_ in parts]))
    longest = int(studies.counts.max())

    def whole(*columns: np.ndarray) -> np.ndarray:
        if columns[0].ndim == 2 and columns[0].dtype.kind == "f" and len({c.shape[1] for c in columns}) > 1:
            width = max(c.shape[1] for c in columns)
            columns = tuple(np.pad(c, ((0, 0), (0, width - c.shape[1])), constant_values=np.nan) for c in columns)
        column = np.concatenate(columns)[order]
        return column if studies.keys is not None else np.asarray(column[0])

    joined: _Outcome = jax.tree.map(whole, *(outcome for _, outcome, *_ in parts))
    return Fit(
        **joined._replace(residuals=joined.residuals[..., :longest])._asdict(),
        problem=problem,
        tried=tried,
        seed=seed,
    )


def residuals_and_unidentified(
    prepared: Prepared, noise: AbstractNoise, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]
) -> tuple[Float[np.ndarray, "fit run"], Bool[np.ndarray, "fit size"]]:
    """Residuals at an optimum, and which parameters no run responds to there."""
    curve, data = prepared.curve, prepared.data
    value, felt = responses(curve, theta, data, study)
    target, real = np.asarray(data.target)[study], np.asarray(data.weight)[study] > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = np.where(real, target - (np.log(value) if noise.log else value), np.nan)
    return residual, ~felt_by_some(curve, felt, theta)


def _raise_unless_converged(fits: Fit[Any]) -> None:
    codes = np.atleast_1d(fits.result)
    failed = np.flatnonzero(~np.atleast_1d(fits.reached))
    if failed.size == 0:
        return
    reason = RESULTS(int(codes[failed[0]])).message
    if codes[failed[0]] == int(RESULTS.overflow):
        reason = f"{_too_large(fits, int(failed[0]))} {reason}"
    if fits.keys is None:
        raise NotConverged(f"The fit of {type(fits.law).__name__} to {fits.source.name!r} did not converge. {reason}")
    raise NotConverged(
        f"{failed.size} of {codes.size} fits did not converge, the first {fits.keys[failed[0]]!r}. {reason} "
        f"Pass throw=False to look at the others."
    )


def _too_large(fits: Fit[Any], study: int) -> str:
    """Which values float64 does not hold, and how little the inputs vary that they are counted in."""
    natural = np.atleast_2d(values(fits.law))[study]
    lost = [slot for slot, value in zip(slots(fits.law), natural, strict=True) if not np.isfinite(value)]
    units = {unit for slot in lost for unit, _ in slot.parameter.dims}
    said = [f"{', '.join(slot.name for slot in lost)} cannot be held by float64."]
    for name, unit in fits.law.inputs.items():
        if unit not in units or fits.keys is not None:
            continue
        low, high = fits.source.ranges[name]
        by = "" if high > 2.0 * low else f"by only {100 * (high / low - 1.0):.2g} %, "
        said.append(f"{name} varies {by}from {low:.4g} to {high:.4g}.")
    return " ".join(said)
