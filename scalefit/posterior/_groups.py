"""A posterior of a law in several groups at once, each of which says something of the others."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._core import RESULTS, InputError
from ..data import Runs, hint
from ..estimate import fit, refuse_number
from ..laws import AbstractLaw
from ..noise import AbstractNoise, Gaussian, Huber, StudentT
from ..params import slots, values
from ..problem import Prepared, Problem, Studies, free_numbers, is_amplitude, laws_at, representable
from ..results import Ensemble, Fit
from ..solve import Lanes
from ._diagnose import chains_diagnosed
from ._population import CHAINS, Chains, Groups, Hierarchy, Modes, Population, chains, log_likelihoods, modes
from ._prior import SCALE, default, described, with_given

LawT = TypeVar("LawT", bound=AbstractLaw)

LIKE = 1.0 / 3.0
"""Prior scale of a number's spread between groups, as a share of what is thought possible of the number at all."""
DRAWS = 400
"""Draws of each chain at least, of which as many are kept as are asked for."""
MIXED = 1.05
"""The R̂ from which chains are not to be trusted."""
STEEP = 1e-6
"""What a step could still gain of a log density, where a group's mode counts as found."""


def sample_groups(
    law: type[LawT] | LawT,
    runs: Runs,
    *,
    by: str | tuple[str, ...],
    noise: AbstractNoise | None = None,
    pooled: Sequence[str] | None = None,
    fixed: Sequence[str] = (),
    num: int = 2000,
    priors: Mapping[str, Any] | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    seed: int = 0,
) -> Ensemble[LawT]:
    r"""Draws of a law in each of several groups (families, tasks, corpora), which are taken to be alike.

    $u_g \sim N(\mu, \tau^2)$ for each sampled number u of group g: the logarithm of a parameter with a sign, log odds
    in an interval, in inputs centred once for all groups, and the logarithm of the scatter. The middle μ has a weak
    prior from what the law declares; τ, how much groups differ, is half-normal with a third of that prior's width as
    its scale: half an e-fold or so, so that groups of which nothing is known are unlike each other by a factor of 2
    rather than of 10. A group may have a run or two only: what these do not say, the others do.

    The No-U-Turn sampler runs in coordinates in which each number is taken by itself where its group's runs tell it,
    and as a deviation from the middle where they do not.

    **Arguments:**

    - `law`, `fixed`: As in `fit`.
    - `runs`: The runs of all groups, at least as many as the law has numbers.
    - `by`: A label or column: each of its values is a group.
    - `noise`: How runs scatter: Student-t with 4 degrees of freedom on logarithms by default. Each group has its own
      scatter, pooled as well. Intervals of new runs of a group with few runs need a Student-t.
    - `pooled`: Names of the parameters of which groups inform each other; all by default. Of the others each group has
      its own, with the weak prior of `sample`.
    - `num`: Draws.
    - `priors`: Parameter → NumPyro distribution of its natural value in the middle of the population or, if it is not
      pooled, in each group; `"scale"` for the scatter.
    - `cluster`: What stands for one observation: see `covariance`.
    - `seed`: Of the draws.

    **Returns:** an `Ensemble` with the groups as `keys`; a draw is one of all groups together, and its `fit` is the
    most probable law of each group, given the mean population. `diagnostics` holds, as that of `sample`, `method`,
    `ess_bulk`, `ess_tail`, `rhat` and `contraction` by group, `divergences` and `priors`; and `population`: parameter →
    `middle`, amplitudes at the mean inputs, and `spread`, τ in e-folds (of what lies in an interval, of its odds; of a
    real number as it is), each with its `mean` and `sd`, and the worst `rhat` of the two. `drawn["chain"]` is the chain
    of each draw.

    **Warns:** where chains diverged or did not mix.

    **Raises:** `InputError` for a single group, names that are none, a noise that has no density, rows of one training
    that are not independent, and whatever `fit` and `sample` refuse.
    """
    refuse_number("num", num, 2)
    refuse_number("seed", seed, 0)
    noise = StudentT() if noise is None else noise
    if type(noise) not in (Gaussian, Huber, StudentT):
        raise InputError(
            f"noise is {noise!r}, which has no density to sample from; give a Gaussian, Huber or StudentT."
        )
    whole, prepared, problem = _laid_out(law, runs, by, noise, tuple(fixed), cluster, seed)
    studies = problem.studies
    model = Hierarchy(prepared.curve, _pooled(prepared, pooled))
    prior = with_given(default(prepared.curve), prepared.curve, priors or {})
    if prior.bounds:
        name = prepared.curve.slots[prepared.curve.free[next(iter(prior.bounds))]].name
        raise InputError(
            f"The prior of {name} is {described(prior, prepared.curve)[name]}, and groups scatter beyond any bound: "
            f"give one that falls off instead, as LogNormal or Normal."
        )
    between = LIKE * np.asarray(prior.spread)
    with jax.enable_x64(True):
        groups = Groups(_rows(prepared, studies), noise, prior, between)
        start = _start(prepared, whole)
        first = Population(
            jnp.asarray(np.where(model.pooled, start, prior.centre)),
            jnp.asarray(np.log(np.where(model.pooled, 0.5 * between, prior.spread))),
        )
        at = modes(model, jnp.tile(jnp.asarray(start), (len(studies), 1)), first, groups, learn=True)
        drawn = chains(model, at, groups, jax.random.key(seed), max(DRAWS, -(-num // CHAINS)))
        mean = jax.tree.map(lambda a: jnp.mean(a, axis=(0, 1)), drawn.population)
        at = modes(model, jnp.mean(drawn.numbers, axis=(0, 1)), mean, groups, learn=False)
        residuals = log_likelihoods(model.curve, at.numbers, groups)[1]
        drawn, at, residuals = jax.tree.map(np.asarray, (drawn, at, residuals))
    found = _diagnosed(drawn, model, prepared, noise, num)
    about = _fit(whole, prepared, problem, at, residuals, _worst(found) <= MIXED)
    ensemble = _ensemble(about, prepared, drawn, num, found, seed)
    found["contraction"] = _contraction(model, groups, ensemble, drawn)
    found["priors"] = _said(model, groups, prepared)
    _warn_of_quality(found)
    return ensemble


def _laid_out(
    law: Any, runs: Runs, by: Any, noise: AbstractNoise, fixed: tuple[str, ...], cluster: Any, seed: int
) -> tuple[Fit[Any], Prepared, Problem]:
    """One law for all runs, as a fit to begin from and as the sampler sees it, and the runs by group."""
    whole = fit(law, runs, noise=noise, fixed=fixed, seed=seed, throw=False)
    problem = Problem.of(whole.law, whole.problem.runs, noise, whole.fixed, by)
    runs, studies = problem.runs, problem.studies
    if len(studies) < 2:
        raise InputError(
            f"by={by!r} splits {runs.name!r} into one group, which nothing can be learnt of from others: name a label "
            f"with several values, or use fit and sample."
        )
    trainings = np.unique(runs.clusters(cluster)).size
    if trainings < len(runs):
        raise InputError(
            f"The {len(runs)} rows are of {trainings} trainings, and the density would take each row for itself: keep "
            f"one row of each, or give cluster=None if the rows are independent."
        )
    return whole, whole.problem.arrays, problem


def _pooled(prepared: Prepared, names: Sequence[str] | None) -> tuple[bool, ...]:
    """Which sampled numbers are pooled; the scatter always is."""
    places = [prepared.curve.slots[k] for k in prepared.curve.free]
    if names is None:
        return (True,) * (len(places) + 1)
    names = (names,) if isinstance(names, str) else tuple(names)
    known = list(dict.fromkeys([*(slot.name for slot in places), *(slot.field for slot in places), SCALE]))
    for name in names:
        if name not in known:
            raise InputError(
                f"pooled names {name!r}, which is not fitted; {hint(str(name), known, what='parameters')}."
            )
    return (*(slot.name in names or slot.field in names for slot in places), True)


def _rows(prepared: Prepared, studies: Studies) -> Lanes:
    """The runs by group, padded with runs of weight 0."""
    data, count = prepared.data, len(studies.runs)

    def table(column: Any) -> Any:
        return jnp.asarray(studies.table(np.asarray(column)[0, :count]))

    return Lanes(
        {name: table(column) for name, column in data.point.items()},
        table(data.target),
        jnp.asarray(studies.real.astype(float)),
        None if data.precision is None else table(data.precision),
        jnp.asarray(np.tile(data.constant, (len(studies), 1))),
    )


def _start(prepared: Prepared, whole: Fit[Any]) -> Float[np.ndarray, " number"]:
    """One law for all as sampled numbers; a term that vanished begins small."""
    curve = prepared.curve
    theta = np.nan_to_num(free_numbers(prepared, whole.law), nan=0.0, posinf=0.0, neginf=0.0)
    kinds = [curve.slots[k].parameter.constraint.kind for k in curve.free]
    numbers = [math.log(max(t, 0.02)) if kind == "nonnegative" else t for t, kind in zip(theta, kinds, strict=True)]
    scatter = float(whole.scale) / (1.0 if whole.noise.log else float(prepared.typical[0]))
    return np.array([*numbers, math.log(scatter) if np.isfinite(scatter) and scatter > 1e-9 else math.log(0.02)])


def _names(prepared: Prepared) -> list[str]:
    return [*(prepared.curve.slots[k].name for k in prepared.curve.free), SCALE]


def _diagnosed(drawn: Chains, model: Hierarchy, prepared: Prepared, noise: AbstractNoise, num: int) -> dict[str, Any]:
    """By group what chains are diagnosed by, and what they say of the population."""
    names = _names(prepared)
    by_group = [chains_diagnosed(drawn.numbers[:, :, g], drawn.diverging, names) for g in range(drawn.numbers.shape[2])]
    middle, log_spread = drawn.population
    places = [i for i, is_pooled in enumerate(model.pooled) if is_pooled]
    pooled = [names[i] for i in places]
    both = [chains_diagnosed(part[..., places], drawn.diverging, pooled)["rhat"] for part in (middle, log_spread)]
    numbers = {
        names[i]: (_plain(prepared, noise, middle[..., i], i), np.exp(log_spread[..., i]))
        for i in places
    }  # fmt: skip
    return {
        "method": "nuts",
        "ess_bulk": np.minimum([one["ess_bulk"] for one in by_group], num),
        "ess_tail": np.minimum([one["ess_tail"] for one in by_group], num),
        "rhat": {name: np.array([one["rhat"][name] for one in by_group]) for name in names},
        "divergences": int(np.sum(drawn.diverging)),
        "khat": np.full(drawn.numbers.shape[2], np.nan),
        "population": {
            name: {
                "middle": {"mean": float(np.mean(m)), "sd": float(np.std(m))},
                "spread": {"mean": float(np.mean(s)), "sd": float(np.std(s))},
                "rhat": max(one[name] for one in both),
            }
            for name, (m, s) in numbers.items()
        },
    }


def _plain(prepared: Prepared, noise: AbstractNoise, numbers: np.ndarray, place: int) -> np.ndarray:
    """A sampled number as a parameter of the law at the mean inputs, or as the scatter."""
    curve, typical = prepared.curve, float(prepared.typical[0])
    if place == len(curve.free):
        return np.exp(numbers) * (1.0 if noise.log else typical)
    declared = curve.slots[curve.free[place]].parameter
    if declared.constraint.kind == "nonnegative":
        return np.exp(numbers) * (typical if is_amplitude(declared) else 1.0)
    return np.asarray(declared.constraint.constrain(numbers))


def _worst(found: Mapping[str, Any]) -> float:
    """The largest R̂ of any number of any group or of the population."""
    of_groups = [float(np.max(r)) for r in found["rhat"].values()]
    return max([*of_groups, *(one["rhat"] for one in found["population"].values())])


def _natural(prepared: Prepared, numbers: Float[np.ndarray, "law number"]) -> tuple[AbstractLaw, np.ndarray]:
    """Laws with natural values, and the scatter as the noise has it on logarithms."""
    curve = prepared.curve
    kinds = np.array([curve.slots[k].parameter.constraint.kind == "nonnegative" for k in curve.free])
    theta = np.where(kinds, np.exp(np.where(kinds, numbers[:, :-1], 0.0)), numbers[:, :-1])
    return laws_at(prepared, theta, np.zeros(len(numbers), int)), np.exp(numbers[:, -1])


def _fit(
    whole: Fit[LawT], prepared: Prepared, problem: Problem, at: Modes, residuals: np.ndarray, mixed: bool
) -> Fit[LawT]:
    """The most probable law of each group, in the mean population."""
    noise, studies = whole.noise, problem.studies
    count = len(studies)
    law: Any
    law, scale = _natural(prepared, at.numbers)
    scale = scale * (1.0 if noise.log else float(prepared.typical[0]))
    left = np.where(studies.real, residuals, np.nan)[:, : int(studies.counts.max())]
    weighted = left
    if prepared.data.precision is not None:
        precision = studies.table(np.asarray(prepared.data.precision)[0, : len(studies.runs)])
        weighted = left * precision[:, : left.shape[1]]
    by_scale = scale[:, None] if noise.free_scale else 1.0
    cost = np.asarray(noise.rho(jnp.asarray(weighted / by_scale)), float) + np.log(by_scale)
    found = at.steep < STEEP
    result = np.where(found, int(RESULTS.successful), int(RESULTS.max_steps_reached))
    if not mixed:
        result = np.full(count, int(RESULTS.max_steps_reached))
    result = np.where(representable(law), result, int(RESULTS.overflow))
    return Fit(
        law=law,
        objective=np.nansum(cost, axis=1),
        result=result,
        scale=scale,
        residuals=left,
        dead=np.zeros((count, prepared.curve.size), bool),
        agreeing=found.astype(int),
        problem=problem,
        tried=1,
        seed=whole.seed,
    )


def _ensemble(
    about: Fit[LawT], prepared: Prepared, drawn: Chains, num: int, found: dict[str, Any], seed: int
) -> Ensemble[LawT]:
    """So many draws of all groups together."""
    chain, draw, count, size = drawn.numbers.shape
    # Step by step, all chains in turn, each in its own order.
    chosen = np.arange(chain * draw).reshape(chain, draw).T.ravel()[:num]
    numbers = drawn.numbers.reshape(-1, count, size)[chosen].swapaxes(0, 1)
    law, scale = _natural(prepared, numbers.reshape(-1, size))
    shape = count, len(chosen)
    law: Any = jax.tree.map(lambda a: np.reshape(a, (*shape, *np.shape(a)[1:])), law)
    return Ensemble(
        law=law,
        objective=np.full(shape, np.nan),
        result=np.where(representable(law), int(RESULTS.successful), int(RESULTS.overflow)),
        scale=scale.reshape(shape) * (1.0 if about.noise.log else float(prepared.typical[0])),
        dead=np.zeros((*shape, prepared.curve.size), bool),
        fit=about,
        method="posterior",
        seed=seed,
        diagnostics=found,
        drawn={"chain": np.tile(chosen // draw, (count, 1))},
    )


def _contraction(
    model: Hierarchy, groups: Groups, ensemble: Ensemble[Any], drawn: Chains
) -> dict[str, Float[np.ndarray, " group"]]:
    """By parameter and group, 1 less the variance after the runs over that before, other groups being unknown."""
    prior = groups.prior
    names = [slot.name for slot in slots(ensemble.fit.template)]
    table = values(ensemble.law)
    found = {}
    for i, name in enumerate((*ensemble.free, SCALE)):
        given = prior.given.get(i)
        if given is None:
            after = np.var(drawn.numbers[..., i], axis=(0, 1))
            before = np.asarray(prior.spread)[i] ** 2 + (np.asarray(groups.between)[i] ** 2 if model.pooled[i] else 0.0)
        else:
            natural = ensemble.scale if name == SCALE else table[..., names.index(name)]
            after, before = np.var(natural, axis=1), float(given.variance)
        found[name] = 1.0 - after / before
    return found


def _said(model: Hierarchy, groups: Groups, prepared: Prepared) -> dict[str, str]:
    """Each prior in words."""
    said = described(groups.prior, prepared.curve)
    return {
        name: f"{words}; between groups HalfNormal({between:.3g})" if is_pooled else f"{words}; by group"
        for (name, words), between, is_pooled in zip(said.items(), groups.between, model.pooled, strict=True)
    }


def _warn_of_quality(found: Mapping[str, Any]) -> None:
    """Say where the draws are not to be trusted, and what to do."""
    said = None
    if found["divergences"] > 0:
        said = f"{found['divergences']} transitions diverged: give stronger priors, or hold a parameter fixed"
    elif not _worst(found) <= MIXED:
        said = f"The chains have not mixed (R-hat {_worst(found):.2f}): draw more, or give stronger priors"
    if said is not None:
        warnings.warn(f"{said}. The draws are not to be trusted as they are.", stacklevel=3)
