"""Two families of models side by side: how much compute one saves, and from which budget on it is ahead."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from ..._core import InputError
from ...laws import AbstractLaw
from ...results import Ensemble, Fit, check_level
from ..pools._crossover import Crossover, crossover_over, last_crossing
from ..pools._limits import seed_of
from ._allocation import Quantity, quantity
from ._constraints import CostLike, at_least, compute_budgets, laws_of, terms_of, warn_beyond, warn_small
from ._optimum import Terms, least_computes, optima, optimum, reach, reaches

APART = 10.0
"""Losses of which one is so many times the other are hardly in one unit."""
POINTS = 64
"""Budgets, evenly in the logarithm, between which a crossing is looked for."""


class Gain(NamedTuple):
    """The first family beside the second at each budget, both at their best.

    **Arguments:**

    - `budgets`: In FLOP.
    - `gain`: How many times the budget the second needs for the loss of the first; below 1 where the first is behind,
      infinite where the second never gets there.
    - `probability`: Share of the draws in which the first has the lower loss; `None` without draws.
    - `paired`: Whether a draw of one belongs to the same draw of the other.
    - `notes`: What else to know, in sentences.
    """

    budgets: Float[np.ndarray, " budget"]
    gain: Quantity
    probability: Float[np.ndarray, " budget"] | None
    paired: bool
    notes: tuple[str, ...] = ()


def gain(
    first: Fit[Any] | Ensemble[Any] | AbstractLaw,
    second: Fit[Any] | Ensemble[Any] | AbstractLaw,
    *,
    budget: ArrayLike,
    cost: CostLike = "6ND",
    held: tuple[Mapping[str, float] | None, Mapping[str, float] | None] = (None, None),
    paired: bool = False,
    level: float = 0.95,
    num_draws: int = 1000,
    seed: int = 0,
) -> Gain:
    r"""Compute-equivalent gain of one family over another, and how probable it is that it is ahead.

    $G(C) = C_2(L_1^*(C)) / C$, where $L_1^*(C)$ is the least loss of the first at $C$ and $C_2(L)$ the least compute at
    which the second reaches $L$. Both losses must be of one kind: the same data, tokeniser and unit.

    **Arguments:**

    - `first`, `second`: Fits, ensembles or laws of N and D.
    - `budget`: One budget or several, in FLOP.
    - `cost`: As for `allocate`.
    - `held`: Further inputs of each.
    - `paired`: Whether draw i of the one goes with draw i of the other, as where both were refitted to the same
      resamples. Else draws are independent, and are put together at random.
    - `level`: Probability of the central interval.
    - `num_draws`: The most draws of each to look at.
    - `seed`: Of the putting together.

    **Returns:** a `Gain`.

    **Warns:** more than a hundred times beyond the largest run's compute of either, or below the smallest's; where one
    loss is more than ten times the other.

    **Raises:** `InputError` where the second needs no training for the loss of the first, as `allocate`, and for
    paired ensembles of different lengths or with draws that failed.
    """
    check_level(level)
    one, other = _pair(first, second, paired, num_draws, seed)
    terms = [_terms(law, cost, further) for law, further in zip((one, other), held, strict=True)]
    budgets = compute_budgets(budget, terms[0])
    compute_budgets(budget, terms[1])
    sources = [laws_of(result, 2).source for result in (first, second)]
    warn_beyond(budgets, sources[0])
    warn_small(budgets, sources[0])
    with jax.enable_x64(True):
        at = jnp.asarray(budgets)
        losses, theirs = _least(one, at, terms[0]), _least(other, at, terms[1])
        needed = np.asarray(least_computes(other, losses, terms[1]))
    least = at_least(needed[0], terms[1])
    if least.any():
        b = int(np.argmax(least))
        raise InputError(
            f"At {budgets[b]:g} FLOP the first has a loss of {float(losses[0, b]):.4g}, which the second reaches with "
            f"one parameter on one token: are both losses in the same unit?"
        )
    warn_beyond(needed[0][np.isfinite(needed[0])], sources[1])
    warn_small(needed[0][np.isfinite(needed[0])], sources[1], "the loss of both in the same unit")
    _warn_units(budgets, np.asarray(losses[0]), np.asarray(theirs[0]))
    ahead = np.mean(np.asarray(losses < theirs)[1:], axis=0) if len(losses) > 1 else None
    return Gain(budgets, quantity(needed / budgets, level), ahead, paired, _left_out(first, second, num_draws))


def overtakes(
    first: Fit[Any] | Ensemble[Any] | AbstractLaw,
    second: Fit[Any] | Ensemble[Any] | AbstractLaw,
    *,
    between: tuple[float, float],
    cost: CostLike = "6ND",
    held: tuple[Mapping[str, float] | None, Mapping[str, float] | None] = (None, None),
    paired: bool = False,
    level: float = 0.95,
    num_draws: int = 1000,
    seed: int = 0,
) -> Crossover:
    """The compute from which on the second family has the lower loss, each at its best, with how sure that is.

    **Arguments:**

    - `first`, `second`: As for `gain`, and so are `cost`, `held`, `paired` and `seed`.
    - `between`: The lowest and the highest budget to look at, in FLOP.
    - `level`: Probability of the central interval.
    - `num_draws`: The most draws of each to look at.

    **Returns:** a `Crossover`: the last crossing within the range, over the draws that cross.

    **Warns:** where they cross more than a hundred times beyond the largest run's compute of either, or below
    the smallest's.

    **Raises:** `InputError` as `gain`, and for a range that is none.
    """
    check_level(level)
    one, other = _pair(first, second, paired, num_draws, seed)
    terms = [_terms(law, cost, further) for law, further in zip((one, other), held, strict=True)]
    ends = compute_budgets(between, terms[0], "between")
    compute_budgets(between, terms[1], "between")
    if ends.shape != (2,) or ends[0] >= ends[1]:
        raise InputError(f"between is {between!r}; give the lowest and the highest budget, as (1e20, 1e26).")

    with jax.enable_x64(True):
        budgets = jnp.asarray(np.geomspace(ends[0], ends[1], POINTS))
        draws, ahead = map(np.asarray, _crossings(one, other, budgets, *terms))
    for result in (first, second):
        warn_beyond(draws[:1][np.isfinite(draws[:1])], laws_of(result, 2).source)
        warn_small(draws[:1][np.isfinite(draws[:1])], laws_of(result, 2).source)
    if len(draws) == 1:
        return Crossover(float(draws[0]), None, None, None, None, None)
    return crossover_over(float(draws[0]), draws[1:], ahead[1:], level)


@eqx.filter_jit
def _crossings(one: AbstractLaw, other: AbstractLaw, budgets: Array, of_one: Terms, of_other: Terms) -> Any:
    def least(law: AbstractLaw, terms: Terms, budget: Array) -> Array:
        return optimum(law, budget, terms, reach(terms, budget)).loss

    def of_pair(one: AbstractLaw, other: AbstractLaw) -> Any:
        return last_crossing(lambda C: least(one, of_one, C) - least(other, of_other, C), budgets)

    return eqx.filter_vmap(of_pair)(one, other)


def _terms(law: AbstractLaw, cost: CostLike, held: Mapping[str, float] | None) -> Terms:
    return terms_of(law, cost, None, None, 1.0, None, held)


def _least(laws: AbstractLaw, budgets: Array, terms: Terms) -> Array:
    """The least loss by law and budget."""
    return optima(laws, budgets, terms, reaches(terms, budgets)).loss


def _pair(first: Any, second: Any, paired: bool, num_draws: int, seed: int) -> tuple[AbstractLaw, AbstractLaw]:
    """Both laws with their draws along the leading axis, one of each to a row; a law without draws stands in each."""
    if paired:
        _refuse_unpaired(first, second)
    one, other = (laws_of(result, num_draws).laws for result in (first, second))
    many, more = (jax.tree.leaves(laws)[0].shape[0] - 1 for laws in (one, other))
    count = min(many, more) or max(many, more)
    order = np.arange(count)
    if not paired and min(many, more) > 0:
        # Ensembles made alike, with one seed, would else be paired in secret.
        order = np.random.default_rng([seed_of(seed), 0xFA17]).permutation(more)[:count]

    def rows(laws: AbstractLaw, has: int, order: np.ndarray) -> AbstractLaw:
        place = np.concatenate([[0], 1 + order if has else np.zeros(count, int)])
        with jax.enable_x64(True):
            return jax.tree.map(lambda a: a[place], laws)

    return rows(one, many, np.arange(count)), rows(other, more, order)


def _warn_units(budgets: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
    """Say that losses are so far apart that they are hardly of one unit."""
    apart = np.abs(np.log(np.maximum(one, 1e-300) / np.maximum(other, 1e-300)))
    b = int(np.argmax(apart))
    if apart[b] > np.log(APART):
        warnings.warn(
            f"At {budgets[b]:g} FLOP the losses are {one[b]:.4g} and {other[b]:.4g}: are both in the same unit?",
            stacklevel=3,
        )


def _left_out(first: Any, second: Any, num_draws: int) -> tuple[str, ...]:
    """A note where one has more draws than the other, which go one to one."""
    if not (isinstance(first, Ensemble) and isinstance(second, Ensemble)):
        return ()
    many = [min(int(np.sum(result.converged)), num_draws) for result in (first, second)]
    if many[0] == many[1]:
        return ()
    return (
        f"{abs(many[0] - many[1])} of {max(many)} draws of the {'first' if many[0] > many[1] else 'second'} are left "
        f"out: a draw of each makes a pair, and the other has {min(many)}",
    )


def _refuse_unpaired(first: Any, second: Any) -> None:
    if not isinstance(first, Ensemble) or not isinstance(second, Ensemble):
        raise InputError("paired=True is of two ensembles, draw by draw, and a law or a fit has no draws.")
    if len(first) != len(second):
        raise InputError(
            f"paired=True needs as many draws of both, and there are {len(first)} and {len(second)}: make both with "
            f"the same resamples, as bootstrap(..., weights=...)."
        )
    failed = int(np.sum(~(first.converged & second.converged)))
    if failed:
        raise InputError(
            f"paired=True needs every draw of both, and {failed} did not converge: compare them with paired=False."
        )
