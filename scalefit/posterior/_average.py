"""Several laws of the same runs as one forecast, each with a weight."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import equinox as eqx
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_choice, check_names, check_number, check_probability, check_type, warn_of
from ..laws import input_names, input_units
from ..results import Ensemble, Estimate, predicted
from ._importance import shares
from ._loo import check_posterior, left_out
from ._pointwise import Pointwise, pointwise
from ._psis import TOO_FAR

Averaging = Literal["stacking", "evidence", "pseudo"]


class Spread(NamedTuple):
    """How unsure a prediction of several laws is, inside them and between them.

    **Arguments:**

    - `within`: The standard deviation inside the laws: root of the weighted mean of their variances.
    - `between`: That between them: root of the weighted variance of their means.
    - `by_law`: Name of a law → its mean.
    """

    within: Float[np.ndarray, "*point"]
    between: Float[np.ndarray, "*point"]
    by_law: dict[str, Float[np.ndarray, "*point"]]


class Average(eqx.Module):
    """Several laws of the same runs, each with a weight.

    **Arguments:**

    - `ensembles`: Name of a law → its draws.
    - `weight`: By law, in the same order; they sum to 1.
    - `method`: How the weights were found.
    """

    ensembles: dict[str, Ensemble[Any]]
    weight: dict[str, float]
    method: str = eqx.field(static=True)

    def __repr__(self) -> str:
        """Laws and their weights."""
        shares = ", ".join(f"{name} {share:.3f}" for name, share in self.weight.items())
        return f"Average of {len(self.weight)} laws by {self.method}: {shares}"

    def predict(self, *, level: float = 0.95, new_run: bool = False, **inputs: ArrayLike) -> Estimate:
        """Predict a run by all laws together; their draws are one mixture.

        **Arguments:**

        - `level`: Probability of the central interval.
        - `new_run`: Whether the interval is for one new run, or for the mean curve.
        - `inputs`: Every input of any of the laws, in its own unit; each law is given its own.

        **Returns:** an `Estimate`, its value the weighted mean of the laws' means of draws.

        **Raises:** `InputError` as `scalefit.predict` does.
        """
        check_probability("level", level)
        parts, shape = self._parts(new_run, inputs)
        share = np.array(list(self.weight.values()))
        each = np.concatenate([np.full(len(part), w / len(part)) for part, w in zip(parts, share, strict=True)])
        tail = 0.5 * (1.0 - level)
        low, high = (_quantile(np.concatenate(parts), each, end).reshape(shape) for end in (tail, 1.0 - tail))
        value = share @ np.stack([part.mean(axis=0) for part in parts])
        return Estimate(value.reshape(shape), low, high, level)

    def spread(self, *, new_run: bool = False, **inputs: ArrayLike) -> Spread:
        """How much of the doubt of a prediction is inside the laws, and how much between them.

        **Arguments:** as `predict`.
        """
        parts, shape = self._parts(new_run, inputs)
        share = np.array(list(self.weight.values()))
        mean = np.stack([part.mean(axis=0) for part in parts])
        variance = np.stack([part.var(axis=0) for part in parts])
        return Spread(
            within=np.sqrt(share @ variance).reshape(shape),
            between=np.sqrt(share @ (mean - share @ mean) ** 2).reshape(shape),
            by_law={name: one.reshape(shape) for name, one in zip(self.weight, mean, strict=True)},
        )

    def _parts(
        self, new_run: bool, inputs: dict[str, ArrayLike]
    ) -> tuple[list[Float[np.ndarray, "draw point"]], tuple[int, ...]]:
        """The values of each law's draws, and the shape of the points."""
        taken = _taken(self.ensembles, inputs)
        parts, shape = [], ()
        for name, draws in self.ensembles.items():
            value, table = predicted(draws, new_run, taken[name])
            parts.append(np.asarray(table)[draws.converged])
            shape = value.shape
        return parts, shape


def _taken(ensembles: dict[str, Ensemble[Any]], inputs: dict[str, ArrayLike]) -> dict[str, dict[str, ArrayLike]]:
    """The inputs of each law, all of one shape but for the axes that some have."""
    own = {name: {*input_units(e.fit.law), *input_names(e.fit.law)} for name, e in ensembles.items()}
    known = sorted(set().union(*own.values()))
    check_names("inputs", inputs, known, what="inputs of the laws")
    along = {n for e in ensembles.values() for n, names in input_names(e.fit.law).items() if names != (n,)}
    try:
        shape = np.broadcast_shapes(*(np.shape(a)[:-1] if n in along else np.shape(a) for n, a in inputs.items()))
    except ValueError as error:
        raise InputError(
            ", ".join(inputs), Phrase(f"do not go together ({error})"), "numbers, or arrays of one shape"
        ) from None
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

    - `"stacking"`: the weights of greatest $\sum_i \log \sum_k w_k\, p_k(y_i \mid y_{-i})$: together the laws predict
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
    check_choice("method", method, get_args(Averaging))
    check_number("seed", seed, least=0, whole=True)
    named = _named(ensembles)
    found = {name: pointwise(draws) for name, draws in named.items()}
    _check_alike(found)
    if method == "evidence":
        weights = _by_evidence(named, found)
    else:
        densities = _left_out(found)
        weights = _stacked(densities) if method == "stacking" else _pseudo(densities, seed)
    return Average(named, dict(zip(named, weights.tolist(), strict=True)), method)


def _named(ensembles: Any) -> dict[str, Ensemble[Any]]:
    if isinstance(ensembles, Mapping):
        named = {str(name): draws for name, draws in ensembles.items()}
    else:
        kinds = "a dictionary of posterior draws by name, or a list of them"
        check_type("ensembles", ensembles, (list, tuple), kinds)
        for draws in ensembles:
            check_posterior("one of `ensembles`", draws)
        names = [type(draws.law).__name__ for draws in ensembles]
        if len(set(names)) < len(names):
            twice = Phrase(f"has two laws of one name ({', '.join(names)})")
            raise InputError("ensembles", twice, remedy="pass a dictionary with a name for each")
        named = dict(zip(names, ensembles, strict=True))
    if len(named) < 2:
        raise InputError("ensembles", Phrase(f"has {len(named)} laws"), "two or more to average")
    for name, draws in named.items():
        check_posterior(f"the ensemble of {name}", draws)
    return named


def _check_alike(found: dict[str, Pointwise]) -> None:
    """Refuse densities of other runs, or of runs with their rows together and apart."""
    first, *others = found
    one = found[first]
    for name in others:
        two, runs = found[name], [each.problem.runs for each in (one, found[name])]
        if not all(np.array_equal(getattr(runs[0], part), getattr(runs[1], part)) for part in ("rows", "target")):
            raise InputError(
                f"the ensemble of {name}",
                Phrase(f"is of {len(runs[1])} runs, and that of {first} of {len(runs[0])} or of others"),
                "densities of the same runs",
                "keep the runs that have the inputs of both",
            )
        if not np.array_equal(one.unit, two.unit):
            units = Phrase(f"takes rows for {two.units} runs, and that of {first} for {one.units}")
            raise InputError(f"the ensemble of {name}", units, remedy="sample both with the same cluster")


def _left_out(pointwise: dict[str, Pointwise]) -> Float[np.ndarray, "law unit"]:
    """By law, the logarithm of the density of each unit when it is left out."""
    found = {name: left_out(own) for name, own in pointwise.items()}
    bad = {name: int(np.sum(~(one.khat <= TOO_FAR))) for name, one in found.items()}
    if any(bad.values()):
        said = ", ".join(f"{count} of {name}" for name, count in bad.items() if count)
        said = f"Weights rest on runs that cannot be left out by weights (Pareto k above {TOO_FAR:g}: {said})"
        warn_of("model-choice", said, "see scalefit.loo", stacklevel=3)
    return np.stack([one.pointwise for one in found.values()])


def _stacked(densities: Float[np.ndarray, "law unit"]) -> Float[np.ndarray, " law"]:
    from scipy import optimize  # it takes a while to import

    # What is less probable than e⁻⁶⁰⁰ of the best law's counts as that.
    relative = np.exp(np.maximum(densities - densities.max(axis=0), -600.0))
    count, units = relative.shape

    def lost(weights: np.ndarray) -> tuple[float, np.ndarray]:
        density = np.maximum(weights @ relative, np.finfo(float).tiny)
        return -float(np.mean(np.log(density))), -(relative / density).sum(axis=1) / units

    found = optimize.minimize(
        lost, np.full(count, 1.0 / count), jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like}, options={"ftol": 1e-13},
    )  # fmt: skip
    weights = np.maximum(found.x, 0.0)
    return weights / weights.sum()


def _pseudo(densities: Float[np.ndarray, "law unit"], seed: int) -> Float[np.ndarray, " law"]:
    rng, units = np.random.default_rng([seed, 0xB0B0]), densities.shape[1]
    # Bayesian resamples of the runs.
    return shares(units * rng.dirichlet(np.ones(units), 1000) @ densities.T).mean(axis=0)


def _by_evidence(named: dict[str, Ensemble[Any]], found: dict[str, Pointwise]) -> Float[np.ndarray, " law"]:
    evidences = []
    for name, own in found.items():
        told = named[name].diagnostics
        evidence, khat = (np.asarray(told.get(key), float) for key in ("log_evidence", "khat"))
        if not math.isfinite(evidence):
            remedy = "sample it with method='is', or average by stacking"
            raise InputError(f"the ensemble of {name}", Phrase("has no evidence"), remedy=remedy)
        if not khat < TOO_FAR:
            said = f"The evidence of {name} is a guess (Pareto k {khat:.2f})"
            warn_of("model-choice", said, "average by stacking instead", stacklevel=3)
        evidences.append(float(evidence) + float(own.log_volume().sum()))
    return shares(np.array(evidences))
