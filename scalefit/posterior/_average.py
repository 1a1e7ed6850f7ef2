"""Several laws of the same runs as one forecast: how much each is to be heard."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._core import InputError
from ..data import hint
from ..estimate import refuse_number
from ..laws import input_names, input_units
from ..results import Ensemble, check_level, predicted
from ..solve import minimise_on_simplex
from ._loo import left_out
from ._quality import USELESS
from ._recall import Recalled, recalled, volume

Averaging = Literal["stacking", "evidence", "pseudo"]

RESAMPLES = 1000
"""Bayesian resamples of the runs, over which pseudo weights are averaged."""
FAINTEST = -600.0
"""Logarithm of the least density beside the best law's that counts."""


class AverageBand(NamedTuple):
    """What several laws say together, and how much of the doubt is between them.

    **Arguments:**

    - `value`: The weighted mean of the laws' means of draws.
    - `low`, `high`: The ends of the central interval of the mixture of their draws.
    - `level`: The interval's probability.
    - `new_run`: Whether it is for a new run, its own scatter included, or for the mean curve.
    - `within`: The standard deviation inside the laws: root of the weighted mean of their variances.
    - `between`: That between them: root of the weighted variance of their means.
    - `by_law`: Name of a law → its mean.
    """

    value: Float[np.ndarray, "*point"]
    low: Float[np.ndarray, "*point"]
    high: Float[np.ndarray, "*point"]
    level: float
    new_run: bool
    within: Float[np.ndarray, "*point"]
    between: Float[np.ndarray, "*point"]
    by_law: dict[str, Float[np.ndarray, "*point"]]


class Average(eqx.Module):
    """Several laws of the same runs, each with a weight.

    **Arguments:**

    - `ensembles`: Name of a law → its draws.
    - `weight`: By law, in the same order; they sum to 1.
    - `method`: What the weights are of.
    """

    ensembles: dict[str, Ensemble[Any]]
    weight: dict[str, float]
    method: str = eqx.field(static=True)

    def __repr__(self) -> str:
        """Which laws, and how much each is heard."""
        shares = ", ".join(f"{name} {share:.3f}" for name, share in self.weight.items())
        return f"Average of {len(self.weight)} laws by {self.method}: {shares}"

    def predict(self, *, level: float = 0.95, new_run: bool = False, **inputs: ArrayLike) -> AverageBand:
        """What the laws say together of a run; their draws are one mixture.

        **Arguments:**

        - `level`: Probability of the central interval.
        - `new_run`: Whether the interval is for one new run, or for the mean curve.
        - `inputs`: Every input of any of the laws, in its own unit; each law is given its own.

        **Raises:** `InputError` as `scalefit.predict` does.
        """
        check_level(level)
        taken = _taken(self.ensembles, inputs)
        parts, shape = [], ()
        for name, draws in self.ensembles.items():
            value, table = predicted(draws, new_run, taken[name])
            parts.append(np.asarray(table)[draws.converged])
            shape = value.shape
        share = np.array(list(self.weight.values()))
        mean = np.stack([part.mean(axis=0) for part in parts])
        variance = np.stack([part.var(axis=0) for part in parts])
        value = share @ mean
        each = np.concatenate([np.full(len(part), w / len(part)) for part, w in zip(parts, share, strict=True)])
        tail = 0.5 * (1.0 - level)
        low, high = (_quantile(np.concatenate(parts), each, level) for level in (tail, 1.0 - tail))
        return AverageBand(
            value=value.reshape(shape),
            low=low.reshape(shape),
            high=high.reshape(shape),
            level=level,
            new_run=new_run,
            within=np.sqrt(share @ variance).reshape(shape),
            between=np.sqrt(share @ (mean - value) ** 2).reshape(shape),
            by_law={name: one.reshape(shape) for name, one in zip(self.weight, mean, strict=True)},
        )


def _taken(ensembles: dict[str, Ensemble[Any]], inputs: dict[str, ArrayLike]) -> dict[str, dict[str, ArrayLike]]:
    """The inputs of each law, all of one shape but for the axes that some have."""
    own = {name: {*input_units(e.fit.law), *input_names(e.fit.law)} for name, e in ensembles.items()}
    known = sorted(set().union(*own.values()))
    for name in inputs:
        if name not in known:
            raise InputError(f"{name} is an input of none of the laws; {hint(name, known, what='inputs')}.")
    along = {n for e in ensembles.values() for n, names in input_names(e.fit.law).items() if names != (n,)}
    try:
        shape = np.broadcast_shapes(*(np.shape(a)[:-1] if n in along else np.shape(a) for n, a in inputs.items()))
    except ValueError as error:
        names = ", ".join(inputs)
        raise InputError(f"{names} must be numbers, or arrays whose shapes go together ({error}).") from None
    whole = {
        n: np.broadcast_to(np.asarray(a, float), shape + np.shape(a)[-1:] if n in along else shape)
        for n, a in inputs.items()
    }
    return {name: {n: a for n, a in whole.items() if n in names} for name, names in own.items()}


def _quantile(table: Float[np.ndarray, "draw point"], each: Float[np.ndarray, " draw"], level: float) -> np.ndarray:
    """By point, a quantile of draws with weights that sum to 1."""
    heard = each > 0.0
    table, each = table[heard], each[heard]
    order = np.argsort(table, axis=0)
    value, share = np.take_along_axis(table, order, axis=0), each[order]
    at = np.cumsum(share, axis=0) - 0.5 * share
    above = np.clip(np.sum(at < level, axis=0), 1, len(at) - 1)[None]
    (low, high), (before, after) = (
        (np.take_along_axis(a, above - 1, axis=0)[0], np.take_along_axis(a, above, axis=0)[0]) for a in (value, at)
    )
    return low + (high - low) * np.clip((level - before) / (after - before), 0.0, 1.0)


def average(
    ensembles: Mapping[str, Ensemble[Any]] | Sequence[Ensemble[Any]],
    *,
    method: Averaging = "stacking",
    seed: int = 0,
) -> Average:
    r"""Weigh several laws of the same runs, so that a forecast need not rest on one of them.

    - `"stacking"`: the weights of greatest $\sum_i \log \sum_k w_k\, p_k(y_i \mid y_{-i})$: together the laws foretell
      a run that was left out best. They complement each other, none need be true.
    - `"evidence"`: Bayes' probability of each law if one of them is true, all being as likely before; it depends on the
      priors of the parameters, weak ones too.
    - `"pseudo"`: $w_k \propto e^{\mathrm{elpd}_k}$, averaged over Bayesian resamples of the runs.

    **Arguments:**

    - `ensembles`: Posterior draws of each law, by name, or in a sequence: then named after their laws.
    - `method`: As above; `"evidence"` needs draws by importance sampling.
    - `seed`: Of the resamples of `"pseudo"`.

    **Raises:** `InputError` for fewer than two, for batches, for draws of no posterior or of other runs, and where an
    evidence is not known.

    **Warns:** where a weight rests on draws that say little: on runs that weights cannot leave out, or on an evidence
    whose k̂ is 0.7 or more.

    Source: arXiv 1704.02030.
    """
    if method not in get_args(Averaging):
        raise InputError(f"method is {method!r}; expected one of {', '.join(map(repr, get_args(Averaging)))}.")
    refuse_number("seed", seed, 0)
    named = _named(ensembles)
    back = {name: recalled(draws) for name, draws in named.items()}
    _refuse_apart(back)
    if method == "evidence":
        weights = _by_evidence(named, back)
    else:
        pointwise = _pointwise(back)
        weights = _stacked(pointwise) if method == "stacking" else _pseudo(pointwise, seed)
    return Average(named, dict(zip(named, weights.tolist(), strict=True)), method)


def _named(ensembles: Any) -> dict[str, Ensemble[Any]]:
    if isinstance(ensembles, Mapping):
        named = {str(name): draws for name, draws in ensembles.items()}
    else:
        names = [type(draws.law).__name__ for draws in ensembles]
        if len(set(names)) < len(names):
            raise InputError(
                f"Two of the laws are called the same ({', '.join(names)}): pass a dictionary with a name for each."
            )
        named = dict(zip(names, ensembles, strict=True))
    if len(named) < 2:
        raise InputError(f"{len(named)} laws were given; there is something to average from two on.")
    for name, draws in named.items():
        if draws.method != "posterior":
            raise InputError(f"The draws of {name} are of {draws.method!r}, not of a posterior: use scalefit.sample.")
    return named


def _refuse_apart(back: dict[str, Recalled]) -> None:
    first, *others = back
    for name in others:
        one, two = back[first], back[name]
        if not np.array_equal(one.runs.rows, two.runs.rows) or not np.array_equal(one.runs.target, two.runs.target):
            raise InputError(
                f"{first} was fitted to {len(one.runs)} runs and {name} to {len(two.runs)} or to others: densities can "
                f"be compared of the same runs only. Keep those that have the inputs of both."
            )
        if not np.array_equal(one.training, two.training):
            raise InputError(
                f"{first} has {one.units} trainings and {name} has {two.units}: sample both with the same cluster."
            )


def _pointwise(back: dict[str, Recalled]) -> Float[np.ndarray, "law unit"]:
    found = {name: left_out(own) for name, own in back.items()}
    bad = {name: int(np.sum(~(one.khat <= USELESS))) for name, one in found.items()}
    if any(bad.values()):
        said = ", ".join(f"{count} of {name}" for name, count in bad.items() if count)
        warnings.warn(
            f"Weights rest on runs that cannot be left out by weights (Pareto k above {USELESS:g}: {said}); see "
            f"scalefit.loo.",
            stacklevel=3,
        )
    return np.stack([one.pointwise for one in found.values()])


def _lost(weights: Any, density: Any) -> Any:
    return -jnp.mean(jnp.log(density @ weights))


def _stacked(pointwise: Float[np.ndarray, "law unit"]) -> Float[np.ndarray, " law"]:
    relative = np.exp(np.maximum(pointwise - pointwise.max(axis=0), FAINTEST)).T
    count = len(pointwise)
    with jax.enable_x64(True):
        start = jnp.full((1, count), 1.0 / count)
        found = minimise_on_simplex(
            _lost, _lost, jnp.asarray(relative[None]), start, jnp.zeros(count), jnp.ones(count), tolerance=1e-10
        )
        return np.asarray(found.weights[0])


def _pseudo(pointwise: Float[np.ndarray, "law unit"], seed: int) -> Float[np.ndarray, " law"]:
    rng, units = np.random.default_rng([seed, 0xB0B0]), pointwise.shape[1]
    total = units * rng.dirichlet(np.ones(units), RESAMPLES) @ pointwise.T
    return _shares(total).mean(axis=0)


def _by_evidence(named: dict[str, Ensemble[Any]], back: dict[str, Recalled]) -> Float[np.ndarray, " law"]:
    found = []
    for name, own in back.items():
        told = named[name].diagnostics
        evidence, khat = (np.asarray(told.get(key), float) for key in ("log_evidence", "khat"))
        if not math.isfinite(evidence):
            raise InputError(
                f"The evidence of {name} is not known: only importance sampling tells it. Sample it with method='is', "
                f"or average by stacking."
            )
        if not khat < USELESS:
            warnings.warn(
                f"The evidence of {name} is a guess (Pareto k {khat:.2f}): average by stacking instead.", stacklevel=3
            )
        found.append(float(evidence) + float(volume(own).sum()))
    return _shares(np.array(found))


def _shares(logs: Float[np.ndarray, "*resample law"]) -> Float[np.ndarray, "*resample law"]:
    relative = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return relative / relative.sum(axis=-1, keepdims=True)
