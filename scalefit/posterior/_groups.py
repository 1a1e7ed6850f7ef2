"""A posterior of a law in several groups at once, each of which says something of the others."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Float

from .._core import RESULTS, InputError, Phrase, check_names, check_number, check_type
from ..data import Runs
from ..estimate import fit
from ..laws import AbstractLaw
from ..noise import AbstractNoise, StudentT
from ..params import values
from ..problem import Prepared, Problem, free_numbers, is_amplitude, laws_at, representable
from ..results import Ensemble, Fit
from ._density import LawAtRuns, Likelihood
from ._diagnostics import MIXED, chains_diagnosed, warn_of_draws
from ._hierarchical import CHAINS, Hierarchy, Modes, Population
from ._prior import SCALE, Prior

LawT = TypeVar("LawT", bound=AbstractLaw)


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

    **Raises:** `InputError` for a single group, names that are none, a noise that has no density, rows of one run that
    are not independent, and whatever `fit` and `sample` refuse.
    """
    check_number("num", num, least=2, whole=True)
    check_number("seed", seed, least=0, whole=True)
    noise = StudentT() if noise is None else noise
    check_type("noise", noise, AbstractNoise, "one of scalefit.noise, for example StudentT()")
    check_type("fixed", fixed, (str, Sequence), "names of parameters, for example ('E',)")
    check_type("pooled", pooled, (str, Sequence, type(None)), "names of parameters, for example ('alpha',)")
    fixed = (fixed,) if isinstance(fixed, str) else tuple(fixed)
    noise.log_density(np.zeros(1), np.zeros(1))  # a noise without a density is refused before anything is fitted
    whole, problem = _laid_out(law, runs, by, noise, fixed, cluster, seed)
    curve, prepared = problem.curve, whole.problem.arrays
    prior = Prior.of(curve, (), priors)
    for i in prior.bounds:
        words = Phrase(f"is {prior.described()[prior.names[i]]}, and groups scatter beyond any bound")
        remedy = "give one that falls off instead, as LogNormal or Normal"
        raise InputError(f"the prior of {prior.names[i]}", words, remedy=remedy)
    # Groups differ by a third of what is thought possible of a number at all.
    likelihood = _likelihood(problem, prepared, prior)
    groups = Hierarchy(likelihood, prior, prior.spread / 3.0, _pooled(prior, pooled))
    start = _start(prepared, whole, prior)
    first = Population(
        np.where(groups.pooled, start, prior.centre),
        np.log(np.where(groups.pooled, 0.5 * groups.between, prior.spread)),
    )
    at = groups.modes(np.tile(start, (len(problem.studies), 1)), first, learn=True)
    numbers, population, chains = groups.sample(at, np.random.default_rng([seed, 0x6A09]), max(200, -(-num // CHAINS)))
    mean = Population(*(part.mean(axis=(0, 1)) for part in population))
    at = groups.modes(numbers.mean(axis=(0, 1)), mean, learn=False)
    found = _diagnosed(numbers, population, int(chains.diverging.sum()), groups, prepared, num)
    about = _fit(problem, prepared, groups, at, whole.seed, _worst(found) <= MIXED)
    ensemble = _ensemble(about, prepared, groups, numbers, num, found, seed)
    found["contraction"] = _contraction(groups, numbers, ensemble)
    found["priors"] = {
        name: f"{words}; between groups HalfNormal({between:.3g})" if is_pooled else f"{words}; by group"
        for (name, words), between, is_pooled in zip(
            prior.described().items(), groups.between, groups.pooled, strict=True
        )
    }
    warn_of_draws(ensemble)
    return ensemble


def _laid_out(
    law: Any, runs: Runs, by: Any, noise: AbstractNoise, fixed: tuple[str, ...], cluster: Any, seed: int
) -> tuple[Fit[Any], Problem]:
    """One law for all runs, as a fit to begin from, and the runs by group."""
    whole = fit(law, runs, noise=noise, fixed=fixed, seed=seed, throw=False)
    problem = Problem.of(whole.law, whole.problem.runs, noise, whole.fixed, by)
    runs = problem.runs
    if len(problem.studies) < 2:
        one = Phrase(f"{by!r} splits {runs.name!r} into one group, which nothing can be learnt of from others")
        raise InputError("by", one, remedy="name a label with several values, or use fit and sample")
    count = np.unique(runs.clusters(cluster)).size
    if count < len(runs):
        raise InputError(
            "runs",
            Phrase(f"has {len(runs)} rows of {count} runs, and the density would take each row for itself"),
            remedy="keep one row of each, or give `cluster=None` if the rows are independent",
        )
    return whole, problem


def _pooled(prior: Prior, names: Sequence[str] | None) -> np.ndarray:
    """Which sampled numbers are pooled; the scatter always is."""
    places = [prior.curve.slots[k] for k in prior.curve.free]
    if names is None:
        return np.ones(len(places) + 1, bool)
    names = (names,) if isinstance(names, str) else tuple(names)
    known = list(dict.fromkeys([*(slot.name for slot in places), *(slot.field for slot in places), SCALE]))
    check_names("pooled", names, known, what="parameters")
    return np.array([*(slot.name in names or slot.field in names for slot in places), True])


def _likelihood(problem: Problem, prepared: Prepared, prior: Prior) -> Likelihood:
    """The density of the runs by group, in inputs that are centred once for all groups."""
    data, order = prepared.data, problem.studies.order
    precision = None if data.precision is None else np.asarray(data.precision)[0, order]
    return Likelihood(
        LawAtRuns(
            prepared.curve,
            {name: np.asarray(column)[0, order] for name, column in data.point.items()},
            np.asarray(data.constant)[0],
        ),
        np.asarray(data.target)[0, order],
        np.zeros(len(order)) if precision is None else np.log(precision),
        problem.noise,
        prior,
        0.0 if problem.noise.log else float(np.log(prepared.typical[0])),
        groups=problem.studies.first,
    )


def _start(prepared: Prepared, whole: Fit[Any], prior: Prior) -> Float[np.ndarray, " number"]:
    """One law for all as sampled numbers; a term that vanished begins small."""
    theta = np.nan_to_num(free_numbers(prepared, whole.law), nan=0.0, posinf=0.0, neginf=0.0)
    for i in prior.mapped:
        theta[i] = np.log(max(theta[i], 0.02))
    scatter = float(whole.scale) / (1.0 if whole.noise.log else float(prepared.typical[0]))
    return np.array([*theta, np.log(scatter if np.isfinite(scatter) and scatter > 1e-9 else 0.02)])


def _diagnosed(
    numbers: np.ndarray, population: Population, divergences: int, groups: Hierarchy, prepared: Prepared, num: int
) -> dict[str, Any]:
    """By group what chains are diagnosed by, and what they say of the population."""
    names, pooled = groups.prior.names, np.flatnonzero(groups.pooled)
    bulk, tail, rhat = chains_diagnosed(numbers)
    # Of numbers that are not pooled chains stay where they are.
    of_population = np.maximum(*(chains_diagnosed(part[..., pooled])[2] for part in population))
    plain = _natural(prepared, groups.prior, population.middle)
    told = zip(pooled, plain[..., pooled].T, np.exp(population.log_spread)[..., pooled].T, of_population, strict=True)
    return {
        "method": "nuts",
        "ess_bulk": np.minimum(bulk.min(axis=-1), num),
        "ess_tail": np.minimum(tail.min(axis=-1), num),
        "rhat": {name: rhat[..., i] for i, name in enumerate(names)},
        "divergences": divergences,
        "khat": np.full(len(bulk), np.nan),
        "population": {
            names[i]: {
                "middle": {"mean": float(np.mean(middle)), "sd": float(np.std(middle))},
                "spread": {"mean": float(np.mean(spread)), "sd": float(np.std(spread))},
                "rhat": float(worst),
            }
            for i, middle, spread, worst in told
        },
    }


def _natural(prepared: Prepared, prior: Prior, numbers: Float[np.ndarray, "*draw number"]) -> np.ndarray:
    """Sampled numbers as parameters of the law at the mean inputs, and the scatter in the noise's unit."""
    typical, found = float(prepared.typical[0]), np.exp(numbers)
    theta = prior.free(numbers, np.asarray(prepared.data.constant)[0])
    place = {k: i for i, k in enumerate(prior.curve.free)}
    bound = [[k for k in row if k in place] for row in prior.curve.rows]
    alone = [k for k in place if not any(k in row for row in bound)]
    for row in (*([k] for k in alone), *filter(None, bound)):
        declared, own = prior.curve.slots[row[0]].parameter, [place[k] for k in row]
        # Numbers that are bound together may be one more than are free.
        natural = declared.constraint.constrain(theta[..., own])[..., : len(own)]
        found[..., own] = natural * (typical if is_amplitude(declared) else 1.0)
    return found


def _worst(found: Mapping[str, Any]) -> float:
    """The largest R̂ of any number of any group or of the population."""
    of_groups = [float(np.max(r)) for r in found["rhat"].values()]
    return max([*of_groups, *(one["rhat"] for one in found["population"].values())])


def _laws(prepared: Prepared, prior: Prior, numbers: Float[np.ndarray, "law number"]) -> AbstractLaw:
    theta = prior.free(numbers, np.asarray(prepared.data.constant)[0])
    return laws_at(prepared, theta, np.zeros(len(numbers), int))


def _fit(problem: Problem, prepared: Prepared, groups: Hierarchy, at: Modes, seed: int, mixed: bool) -> Fit[Any]:
    """The most probable law of each group, in the mean population."""
    noise, studies, likelihood = problem.noise, problem.studies, groups.likelihood
    law: Any = _laws(prepared, groups.prior, at.numbers)
    log_s = at.numbers[:, -1] + likelihood.unit
    by_row = np.repeat(at.numbers, studies.counts, axis=0)
    residual = likelihood.residuals(likelihood.law.slopes(likelihood.theta(by_row)[None], often=True)[0])[0]
    scale = np.repeat(np.exp(log_s), studies.counts) if noise.free_scale else np.ones(len(residual))
    cost = noise.rho(residual * np.exp(likelihood.log_sharp) / scale) + np.log(scale)
    left = np.full((len(studies), int(studies.counts.max())), np.nan)
    left[np.arange(left.shape[1]) < studies.counts[:, None]] = residual
    # A step could still gain this much of a log density where a mode counts as found.
    found = at.left < 1e-6
    result = np.where(found & mixed, int(RESULTS.successful), int(RESULTS.max_steps_reached))
    return Fit(
        law=law,
        objective=np.add.reduceat(cost, studies.first),
        result=np.where(representable(law), result, int(RESULTS.overflow)),
        scale=np.exp(log_s),
        residuals=left,
        unidentified=np.zeros((len(studies), prepared.curve.size), bool),
        agreeing=found.astype(int),
        problem=problem,
        tried=1,
        seed=seed,
    )


def _ensemble(
    about: Fit[LawT], prepared: Prepared, groups: Hierarchy, drawn: np.ndarray, num: int, found: dict[str, Any],
    seed: int,
) -> Ensemble[LawT]:  # fmt: skip
    """So many draws of all groups together."""
    chain, draw, count, size = drawn.shape
    # Step by step, all chains in turn, each in its own order.
    chosen = np.arange(chain * draw).reshape(chain, draw).T.ravel()[:num]
    numbers = drawn.reshape(-1, count, size)[chosen].swapaxes(0, 1)
    law: Any = _laws(prepared, groups.prior, numbers.reshape(-1, size))
    shape = count, len(chosen)
    law = jax.tree.map(lambda a: np.reshape(a, (*shape, *np.shape(a)[1:])), law)
    return Ensemble(
        law=law,
        objective=np.full(shape, np.nan),
        result=np.where(representable(law), int(RESULTS.successful), int(RESULTS.overflow)),
        scale=np.exp(numbers[..., -1] + groups.likelihood.unit),
        unidentified=np.zeros((*shape, prepared.curve.size), bool),
        fit=about,
        method="posterior",
        seed=seed,
        diagnostics=found,
        drawn={"chain": np.tile(chosen // draw, (count, 1))},
    )


def _contraction(
    groups: Hierarchy, numbers: np.ndarray, ensemble: Ensemble[Any]
) -> dict[str, Float[np.ndarray, " group"]]:
    """By parameter and group, 1 less the variance after the runs over that before, other groups being unknown."""
    prior, free = groups.prior, list(groups.prior.curve.free)
    before = prior.spread**2 + np.where(groups.pooled, groups.between**2, 0.0)
    after = np.var(numbers, axis=(0, 1))
    natural = np.concatenate([values(ensemble.law)[..., free], ensemble.scale[..., None]], axis=-1)
    for i, distribution in prior.given.items():
        after[:, i], before[i] = np.var(natural[..., i], axis=1), float(distribution.variance)
    return {name: 1.0 - after[:, i] / before[i] for i, name in enumerate(prior.names)}
