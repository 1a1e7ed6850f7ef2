"""How much compute a recipe saves, from as little as one run of it against a ladder of runs of another."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_probability, check_type
from ...calibrate import Discrepancy
from ...data import Runs
from ...laws import input_kinds
from ...problem import inputs_for, usable
from ...results import (
    Ensemble,
    Estimate,
    FirstOrder,
    Fit,
    check_result,
    estimated,
    evaluate,
    far_from_runs,
    nearby,
    width_of_runs,
)
from .._draws import drawn_of

FAR = np.log(1e6)
"""Logarithms of the factors of compute that are looked at, to both sides."""
PLACES, ROUNDS = 129, 5
"""Factors that are looked at together, and how often, each time between two of the last."""


class Speedup(NamedTuple):
    """The compute that a ladder needs for the loss of runs of another recipe, over that of the runs.

    **Arguments:**

    - `factor`: How many times the compute; infinite where the ladder's law never gets there, and so the interval's
        upper end.
    - `gap`: Logarithm of the ladder's loss over that of the runs at their own compute, in the mean, on the scale of the
        ladder's noise: above 0 where the recipe is better.
    - `probability`: That the recipe is the better one.
    - `runs`: How many runs of it there are.
    - `notes`: What else to know, in sentences.
    """

    factor: Estimate
    gap: float
    probability: float
    runs: int
    notes: tuple[str, ...] = ()


def speedup(
    ladder: Fit[Any] | Ensemble[Any] | Discrepancy,
    runs: Runs,
    *,
    along: str | Sequence[str] | None = None,
    level: float = 0.9,
) -> Speedup:
    r"""Compute that a recipe saves against a ladder of another: the k with $f(k\,C) = L$ of its runs.

    $\bar r(k)$ is the mean over the runs of the target less the ladder's law at k times the compute, on the scale of
    the noise, and 0 at the value. The interval holds every k at which it is within what the ladder leaves open and the
    runs scatter by (inverse regression, Fieller 1954), by Student's t of the ladder's degrees of freedom. One run is
    enough, as the ladder says how runs scatter. For $E + A\,C^{-\alpha}$ the value is
    $\left((L - E)/(f(C) - E)\right)^{-1/\alpha}$.

    **Arguments:**

    - `ladder`: A fit of the recipe that is compared with, draws about one, or its `discrepancy`, where the ladder has
      to be followed beyond its runs.
    - `runs`: One run or several of the other recipe: the inputs of the law, and a target of the same evaluation.
    - `along`: The sizes that grow; where there are several each takes the like share of the factor. All that the law
        takes unless given, so that tokens per parameter stay as they are.
    - `level`: Probability of the central interval.

    **Returns:** a `Speedup`.

    **Raises:** `InputError` for a batch, a fit that did not converge or whose curvature says nothing (draws do), a law
    without a size, and runs that lack an input or are of another target.
    """
    check_probability("level", level)
    level = float(level)
    fit = ladder.fit if isinstance(ladder, Discrepancy) else check_result("ladder", ladder).fit
    _refuse(fit, check_type("runs", runs, Runs, "Runs, as `read_runs` or `load_data` give"))
    grown, runs = _grown(fit, along), usable(fit.law, runs)
    if len(runs) == 0:
        raise InputError("runs", Phrase("have no row with every input of the law"), ", ".join(input_kinds(fit.law)))
    at, count = inputs_for(fit.law, runs)[0], len(runs)
    target = np.log(runs.target) if fit.noise.log else np.asarray(runs.target)
    better = 1.0 if fit.law.smaller_is_better else -1.0

    def above(laws: Any, log_factor: Float[np.ndarray, " place"]) -> Float[np.ndarray, "law place"]:
        """How far the runs lie above each law at so many times their compute, in the mean."""
        factor = np.exp(log_factor / len(grown))[:, None]
        shape = len(factor), count
        points = {n: np.broadcast_to(c * factor if n in grown else c, shape).ravel() for n, c in at.items()}
        with np.errstate(all="ignore"):
            found = evaluate(laws, points, True).reshape(-1, *shape)
            return better * np.mean(target - (np.log(found) if fit.noise.log else found), axis=2)

    drawn = drawn_of(ladder, sys.maxsize, "ladder")
    one = drawn._replace(draws=None).stacked
    value, here = _crossing(lambda x: above(one, x)[0]), np.zeros(PLACES)
    gap, scatter = -float(above(one, here)[0, 0]), width_of_runs(fit)

    def width(level: float) -> np.ndarray:
        return scatter(level) / np.sqrt(count)

    if drawn.draws is not None:
        places = np.linspace(-FAR, FAR, 8 * PLACES)
        found = above(drawn.draws, places)
        # The scatter of the mean of the runs, by a normal of the same width.
        found += (
            np.random.default_rng([getattr(ladder, "seed", 0), 0x5EED]).standard_normal((len(found), 1))
            * width(0.9)
            / 1.645
        )
        factors = np.array([_last(row, places) for row in found])
        factor, faster = estimated(value, factors, level), float(np.mean(factors > 1.0))
    else:
        about = nearby(fit)
        if np.isnan(about.spread.covariance).any():
            raise InputError(
                "ladder", Phrase("has no interval of its own"), remedy="give draws about it: bootstrap(fit)"
            )

        def ends(x: Float[np.ndarray, " place"], level: float) -> tuple[np.ndarray, np.ndarray]:
            error = about.error(above(about.laws, x)[None])[0]
            spread = FirstOrder(error, np.full(error.shape, about.spread.freedom[0]), noise=width, log=False)
            return spread.ends(above(one, x)[0], level)

        high = _crossing(lambda x: ends(x, level)[0])
        with np.errstate(divide="ignore"):
            low = float(np.divide(1.0, _crossing(lambda x: -ends(-x, level)[1])))
        factor = Estimate(value, low, high, level)
        faster = _probability(lambda level: float(ends(here, level)[1][0] + gap), gap)
    # A discrepancy knows how far the runs are, and no factor of 0 or without end is a size.
    sizes = {n: at[n] * value ** (1.0 / len(grown)) for n in grown if 0.0 < value < np.inf}
    notes = [far.sentence for n, c in sizes.items() for far in far_from_runs(drawn.ranges, n, c)]
    return Speedup(factor, gap, faster, count, tuple(notes))


def _refuse(fit: Fit[Any], runs: Runs) -> None:
    """Refuse a ladder of several studies or without an optimum, and runs of another target."""
    if fit.keys is not None:
        given = Phrase(f"is a batch of {len(fit.keys)} studies")
        raise InputError("ladder", given, "one of them", f"give `fits[{fit.keys[0]!r}]`")
    if not fit.converged:
        raise InputError("ladder", Phrase("did not converge"), remedy="mend the fit first: nothing follows from it")
    if runs.target_name != fit.source.target:
        said = Phrase(f"have the target {runs.target_name!r}, and the ladder {fit.source.target!r}")
        raise InputError("runs", said, "losses of the same evaluation")
    if fit.noise.log and not np.all(runs.target > 0.0):
        raise InputError(
            f"{runs.target_name} of the runs", float(np.min(runs.target)), "values above 0, as the ladder's"
        )


def _grown(fit: Fit[Any], along: str | Sequence[str] | None) -> tuple[str, ...]:
    """The sizes that grow with compute."""
    sizes = tuple(name for name, kind in input_kinds(fit.law).items() if kind.logarithm)
    if not sizes:
        raise InputError(
            type(fit.law).__name__, Phrase("takes no size"), "a law of what grows: compute, parameters or tokens"
        )
    asked = sizes if along is None else (along,) if isinstance(along, str) or not isinstance(along, Sequence) else along
    if not asked or any(name not in sizes for name in asked):
        raise InputError("along", along, f"sizes of the law: {', '.join(sizes)}")
    return tuple(asked)


def _crossing(lead: Callable[[Any], Float[np.ndarray, " place"]]) -> float:
    """The last factor from which on a lead is above 0: infinite where it is not at the end, 0 where it always is."""
    low, high = -FAR, FAR
    for _ in range(ROUNDS):
        places = np.linspace(low, high, PLACES)
        below = np.flatnonzero(~(lead(places) > 0.0))
        if below.size == 0:
            return 0.0 if low == -FAR else float(np.exp(low))
        if below[-1] == PLACES - 1:
            return np.inf if high == FAR else float(np.exp(high))
        low, high = places[below[-1]], places[below[-1] + 1]
    return float(np.exp(0.5 * (low + high)))


def _last(lead: Float[np.ndarray, " place"], places: Float[np.ndarray, " place"]) -> float:
    """The same of a lead that is known at places, straight between them."""
    below = np.flatnonzero(~(lead > 0.0))
    if below.size == 0:
        return 0.0
    if (k := int(below[-1])) == len(places) - 1:
        return np.inf
    share = lead[k] / (lead[k] - lead[k + 1])
    return float(np.exp(places[k] + share * (places[k + 1] - places[k])))


def _probability(half: Callable[[float], float], gap: float) -> float:
    """That a gap is above 0, from half of its central interval by level."""
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if half(middle) < abs(gap) else (low, middle)
    return float(0.5 + np.copysign(0.25 * (low + high), gap))
