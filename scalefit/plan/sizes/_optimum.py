"""The size and data of least loss that a budget pays for.

One code for arrays of the host, many laws along their first axis, where the law's formula alone is compiled; and in
JAX for one law and one budget, where it can be differentiated.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from ...laws import AbstractLaw, Chinchilla, Kaplan, gathered
from ...solve import Numbers, in_lanes, namespace
from .._roots import bisected, crossings
from ._constraints import Constraints

SIZES = 193
"""Sizes of a grid over all that a budget pays for: a third of an e-fold apart."""
NEARBY = 8
"""Places of that grid to either side of a size near which the best is expected."""
LOOKS = 65
"""Budgets of all that there are, at which is looked whether a loss is reached by a law that rises again."""
TOGETHER = 1 << 20
"""Numbers of the grid that are held at once."""


class Optimum(NamedTuple):
    """Logarithms of the best size and its data, the loss there, and whether the size is at the end of the range."""

    log_N: Numbers
    log_D: Numbers
    loss: Numbers
    at_end: Numbers


def _fixed(value: Any) -> Any:
    """A value of which nothing is differentiated."""
    return jax.tree.map(lambda a: jax.lax.stop_gradient(a) if isinstance(a, jax.Array) else a, value)


def _solved(sloped: Callable[[Any], tuple[Any, Any]], target: Any) -> Any:
    """Where a rising function is the target: Newton within a bracket, exact at once where the function is linear.

    Derivatives with respect to anything inside, of first order, are those of the solution.

    **Arguments:**

    - `sloped`: The function and its slope.
    """
    np_ = namespace(target)
    fixed = _fixed(target)

    def at(v: Any) -> tuple[Any, Any]:
        return _fixed(sloped(v))

    def going(state: Any) -> Any:
        v, _, _, last, step = state
        return (np_.abs(v / last - 1.0) > 4.0 * np.finfo(float).eps) & (step < 200)

    def onward(state: Any) -> Any:
        v, low, high, _, step = state
        value, slope = at(v)
        low, high = np_.where(value < fixed, v, low), np_.where(value < fixed, high, v)
        new = v + (fixed - value) / slope
        new = np_.where((new > low) & (new < high), new, np_.sqrt(low) * np_.sqrt(high))
        return new, low, high, v, step + 1

    begin = np_.ones_like(fixed)
    low, high = 1e-40 * begin, 1e60 * begin
    guess = np_.clip(fixed / at(begin)[0], 2.0 * low, 0.5 * high)
    state = (guess, low, high, 2.0 * guess, np_.zeros(fixed.shape, np.int32))
    if np_ is jnp:
        v = _fixed(jax.lax.while_loop(going, onward, state)[0])
    else:
        while (active := going(state)).any():
            state = tuple(np.where(active, new, old) for new, old in zip(onward(state), state, strict=True))
        v = state[0]
    return v + (target - sloped(v)[0]) / at(v)[1]


def log_data(constraints: Constraints, log_N: Any, budget: Any) -> Numbers:
    """The logarithm of the tokens that the budget pays for beside a model of a size, those allowed at the most."""
    np_, cost = namespace(log_N), constraints.cost
    N = np_.exp(log_N)
    if cost.arithmetic:
        fixed, _, each = cost.slopes(N, 0.0 * N)
        bought = (budget - fixed) / each
    else:

        def of_data(D: Any) -> tuple[Any, Any]:
            value, _, slope = cost.slopes(N, D)
            return value, slope

        bought = _solved(of_data, budget * np_.ones_like(N))
    return np_.log(np_.minimum(np_.maximum(bought, 1e-300), constraints.max_D))


def reach(constraints: Constraints, budget: Any) -> tuple[Numbers, Numbers]:
    """Logarithms of the least size that spends the whole budget on data allowed, and of the largest paid for."""
    np_, cost = namespace(budget), constraints.cost
    least = _solved(lambda N: cost.slopes(N, constraints.max_D * np_.ones_like(N))[:2], budget)
    largest = _solved(lambda N: cost.slopes(N, np_.ones_like(N))[:2], budget)
    return np_.log(np_.maximum(least, constraints.min_N)), np_.log(np_.minimum(largest, constraints.max_N))


def _value(law: AbstractLaw, point: dict[str, Any]) -> Array:
    """The law's value for one run."""
    return jnp.asarray(law(**gathered(law, point)))


def _along(law: AbstractLaw, point: dict[str, Any], way: dict[str, Any]) -> Array:
    """The slope of the law's value along a way."""
    return jax.jvp(lambda at: _value(law, at), (point,), (way,))[1]


def _at_each(formula: Callable[..., Array], law: AbstractLaw, *columns: dict[str, Any]) -> Numbers:
    """A formula of a law at a point, or of each law of the host at its points, which have an axis of laws first."""
    if not all(isinstance(a, np.ndarray) for a in columns[0].values()):
        return formula(law, *columns)
    count, shapes = len(jax.tree.leaves(law)[0]), [a.shape for a in columns[0].values()]
    shape = np.broadcast_shapes((count, *(1,) * (max(map(len, shapes)) - 1)), *shapes)
    flat = [{name: np.broadcast_to(a, shape).ravel() for name, a in one.items()} for one in columns]
    each = np.repeat(np.arange(count), int(np.prod(shape[1:])))
    return in_lanes(formula, jax.tree.map(lambda a: a[each], law), *flat, many=4096).reshape(shape)


def _point(law: AbstractLaw, constraints: Constraints, log_N: Any, log_D: Any) -> dict[str, Any]:
    """The inputs of the law, by name."""
    np_ = namespace(log_N)
    N, D = np_.exp(log_N), np_.exp(log_D)
    unique = {"U": D if constraints.unique is None else constraints.unique} if "U" in law.inputs else {}
    chosen = dict(zip(constraints.cost.inputs, (N, D), strict=True))
    point: dict[str, Any] = {**chosen, **unique, **constraints.held, **constraints.choose}
    return {name: np_.asarray(value, float) for name, value in point.items()}


def loss_at(law: AbstractLaw, constraints: Constraints, log_N: Any, log_D: Any) -> Numbers:
    """The law's value at a size and data."""
    return _at_each(_value, law, _point(law, constraints, log_N, log_D))


def loss_along(law: AbstractLaw, constraints: Constraints, log_N: Any, budget: Any) -> Numbers:
    """The law's value where a model of a size is given all the data that the budget pays for."""
    return loss_at(law, constraints, log_N, log_data(constraints, log_N, budget))


def _slope(law: AbstractLaw, constraints: Constraints, log_N: Any, budget: Any) -> Numbers:
    """The slope of the loss in the logarithm of the size, at constant cost."""
    point = _point(law, constraints, log_N, log_data(constraints, log_N, budget))
    N, D = (point[name] for name in constraints.cost.inputs)
    _, by_N, by_D = constraints.cost.slopes(N, D)
    way = {name: 0.0 * value for name, value in point.items()}
    way |= dict(zip(constraints.cost.inputs, (N, -N * by_N / by_D), strict=True))
    if "U" in point and constraints.unique is None:
        way["U"] = way["D"]
    return _at_each(_along, law, point, way)


def curvature(law: AbstractLaw, constraints: Constraints, log_N: Any, budget: Any) -> Array:
    """The second derivative of the loss in the logarithm of the size, at constant cost; in JAX."""
    return jax.jvp(lambda x: _slope(law, constraints, x, budget), (log_N,), (jnp.ones_like(log_N),))[1]


def best_size(law: AbstractLaw, budget: Any, constraints: Constraints | None = None) -> Array:
    r"""The logarithm of the size of least loss at a budget, which can be differentiated.

    In closed form for sums of powers, $N^* = (\alpha A / \beta B)^{1/(\alpha+\beta)} (C/6)^{\beta/(\alpha+\beta)}$;
    else the best of a grid, refined to where the loss is level along the budget. Derivatives with respect to the law's
    parameters and the budget follow from that condition. Asks for 64-bit precision.

    **Arguments:**

    - `law`: A law of N and D, of single values.
    - `budget`: In FLOP.
    - `constraints`: What plans keep to; 6 N D unless given.
    """
    constraints = Constraints() if constraints is None else constraints
    budget = jnp.asarray(budget, float)
    kept = _fixed(budget)
    within = reach(constraints, kept)
    if _closed(law, constraints):
        return _best(law, budget, constraints, within)
    fixed = _fixed(law)
    place = _fixed(_best(fixed, kept, constraints, within))
    # A Newton step of length zero, whose derivatives are those of the solution; none where the loss has a kink.
    rise = curvature(fixed, constraints, place, kept)
    step = _slope(law, constraints, place, budget) / _fixed(jnp.where(rise > 0.0, rise, jnp.inf))
    return place - (step - _fixed(step))


def _closed(law: AbstractLaw, constraints: Constraints) -> bool:
    return type(law) in (Chinchilla, Kaplan) and constraints.cost.rate is not None


def _best(
    law: AbstractLaw, budget: Any, constraints: Constraints, within: tuple[Any, Any], about: np.ndarray | None = None
) -> Any:
    """The logarithm of the best size in a range."""
    np_ = namespace(budget)
    low, high = within[0], np_.maximum(*within)
    if not _closed(law, constraints):
        if np_ is jnp:
            return _searched_in_jax(law, budget, constraints, low, high)
        return _searched(law, budget, constraints, low, high, about)
    powers = _powers(law) if np_ is jnp else (np.reshape(a, (-1, 1, 1)) for a in _powers(law))
    A, alpha, B, beta = powers
    with np.errstate(all="ignore"):
        best = (np_.log(alpha * A) - np_.log(beta * B) + beta * np_.log(budget / constraints.cost.rate)) / (
            alpha + beta
        )
    return np_.clip(np_.where(np_.isnan(best), low, best), low, high)


def _powers(law: Any) -> tuple[Any, Any, Any, Any]:
    """A, α, B, β of a sum A N^−α + B D^−β that is least where the law is."""
    if type(law) is Chinchilla:
        return law.A, law.alpha, law.B, law.beta
    alpha = law.alpha_N / law.alpha_D
    return namespace(alpha).exp(alpha * namespace(alpha).log(law.N_c)), alpha, law.D_c, alpha / alpha


def _searched_in_jax(law: AbstractLaw, budget: Any, constraints: Constraints, low: Array, high: Array) -> Array:
    # Evenly in the logarithm over all sizes that the budget pays for.
    places = low + (high - low) * jnp.linspace(0.0, 1.0, SIZES)
    values = jax.vmap(lambda x: loss_along(law, constraints, x, budget))(places)
    best = jnp.argmin(jnp.where(jnp.isnan(values), jnp.inf, values))
    ends = places[jnp.maximum(best - 1, 0)], places[jnp.minimum(best + 1, SIZES - 1)]
    low, high = bisected(lambda x: ~(_slope(law, constraints, x, budget) > 0.0), *ends)
    return 0.5 * (low + high)


def _searched(
    laws: AbstractLaw, budget: np.ndarray, constraints: Constraints, low: np.ndarray, high: np.ndarray,
    about: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """The same by law, budget and choice; `about`: from where to go to the nearest size better than its neighbours."""
    shape = (len(jax.tree.leaves(laws)[0]), *np.broadcast_shapes(budget.shape[1:], (constraints.choices,)))
    step, count, ends = (high - low) / (SIZES - 1), SIZES, (low, high)
    if about is not None:
        low, count = np.clip(about - NEARBY * step, low, high - 2 * NEARBY * step), 2 * NEARBY + 1
        high = low + (count - 1) * step
    least, best, wide = (
        np.full(shape, np.inf),
        np.zeros(shape),
        constraints.chosen(np.arange(constraints.choices)[:, None]),
    )
    for some in np.array_split(np.arange(count), min(count, -(-int(np.prod(shape)) * count // TOGETHER))):
        places = (low[..., None] + step[..., None] * some) + np.zeros((*shape, 1))
        values = loss_along(laws, wide, places, budget[..., None])
        values = np.where(np.isnan(values), np.inf, values)
        at = np.argmin(values, axis=-1)
        found = np.take_along_axis(values, at[..., None], axis=-1)[..., 0]
        least, best = np.minimum(least, found), np.where(found < least, some[at], best)
    sides = (low + step * np.clip(best + side, 0, count - 1) for side in (-1, 1))
    last, first = crossings(lambda x: _slope(laws, constraints, x, budget), *sides)
    found = 0.5 * (last + first)
    beyond = ((best == 0) & (low > ends[0] + 0.5 * step)) | ((best == count - 1) & (high < ends[1] - 0.5 * step))
    some = np.flatnonzero(beyond.any(axis=(1, 2)))
    if some.size:
        rows = (np.broadcast_to(a, shape)[some] for a in (budget, *ends, low + step * best))
        budget, low, high, about = rows
        found[some] = _searched(_some(laws, some), budget, constraints, low, high, about)
    return found


def _some(laws: AbstractLaw, which: np.ndarray) -> AbstractLaw:
    """Some of the laws along the leading axis."""
    return jax.tree.map(lambda a: a[which], laws)


# --- of many laws of the host, by law and budget ---


class Plans(NamedTuple):
    """The best plans by law and budget: logarithms of size and data, the loss, and which of the choices is best.

    **Arguments:**

    - `at_end`: Whether the size is at the end of the range.
    """

    log_N: Float[np.ndarray, "law budget"]
    log_D: Float[np.ndarray, "law budget"]
    loss: Float[np.ndarray, "law budget"]
    at_end: Bool[np.ndarray, "law budget"]
    choice: Int[np.ndarray, "law budget"]


def _optimum(
    laws: AbstractLaw, budget: np.ndarray, constraints: Constraints, about: np.ndarray | None = None
) -> Optimum:
    """The best size for each choice, by law, budget and choice; the budget may have an axis of laws and of choices."""
    within = reach(constraints, budget)
    log_N = _best(laws, budget, constraints, within, about)
    log_D = log_data(constraints, log_N, budget)
    margin = 1e-9 * (1.0 + np.abs(log_N))
    at_end = (log_N <= within[0] + margin) | (log_N >= within[1] - margin)
    return Optimum(log_N, log_D, loss_at(laws, constraints, log_N, log_D), at_end)


def optima(laws: AbstractLaw, budgets: Float[np.ndarray, "*law budget"], constraints: Constraints) -> Plans:
    """The size, data and choice of least loss of many laws at budgets, or each at its own."""
    found = _optimum(laws, np.atleast_2d(budgets)[..., None], constraints)
    shape = found.loss.shape
    choice = np.argmin(np.where(np.isnan(found.loss), np.inf, found.loss), axis=-1)

    def best(a: Any) -> np.ndarray:
        return np.take_along_axis(np.broadcast_to(a, shape), choice[..., None], axis=-1)[..., 0]

    return Plans(best(found.log_N), best(found.log_D), best(found.loss), best(found.at_end), choice)


def best_sizes(laws: Any, C: Float[np.ndarray, " budget"]) -> Float[np.ndarray, "law budget"]:
    """Logarithm of the N of least loss at C = 6 N D, by each of many laws of N and D; NaN where none is best."""
    found = optima(laws, C, Constraints())
    return np.where(found.at_end, np.nan, found.log_N)


def nears(
    laws: AbstractLaw, budgets: Float[np.ndarray, " budget"], constraints: Constraints, found: Plans,
    tolerances: ArrayLike,
) -> Float[np.ndarray, "law budget 2 tolerance"]:  # fmt: skip
    """The logarithm of the last size from the best towards either end whose loss is within a share of the best loss.

    **Arguments:**

    - `tolerances`: The shares, along a last axis, for all budgets or by budget.
    """
    shares = np.asarray(tolerances, float)
    ends = np.stack(reach(constraints, budgets), axis=-1)[:, :, None]
    bound = (found.loss[..., None] + np.abs(found.loss)[..., None] * shares)[:, :, None]
    chosen = constraints.chosen(found.choice[..., None, None])

    def beyond(x: np.ndarray) -> np.ndarray:
        loss = loss_along(laws, chosen, x, budgets[:, None, None])
        return np.where(np.isnan(loss), np.inf, loss - bound)

    begin = np.broadcast_to(found.log_N[..., None, None], (*found.loss.shape, 2, shares.shape[-1]))
    return crossings(beyond, begin, np.broadcast_to(ends, begin.shape))[0]


def least_computes(
    laws: AbstractLaw, losses: Float[np.ndarray, "law loss"], constraints: Constraints
) -> Float[np.ndarray, "law loss"]:
    """The least budget at whose best size each loss is reached; infinite where no budget reaches it."""
    low, high = np.log(constraints.least), np.log(constraints.most)
    begin = np.full((*losses.shape, constraints.choices), low)
    end = np.full_like(begin, high)

    def gain(some: np.ndarray, log_C: np.ndarray, about: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """How far below the losses some laws come, and at which sizes."""
        best = _optimum(_some(laws, some), np.exp(log_C), constraints, about)
        return losses[some, :, None] - best.loss, np.broadcast_to(best.log_N, log_C.shape)

    # A draw with a drift may rise again far away: the first of some budgets that is enough ends the search.
    every = np.arange(len(losses))
    reached, about = (np.array(a) for a in gain(every, end, None))
    reached = reached > 0.0
    short = every[~reached.all(axis=(1, 2))]
    near = None
    for look in np.linspace(low, high, LOOKS)[1:-1]:
        if not short.size:
            break
        above, near = gain(short, np.full((len(short), *end.shape[1:]), look), near)
        end[short] = np.where((above > 0.0) & ~reached[short], look, end[short])
        reached[short] |= above > 0.0
        still = ~reached[short].all(axis=(1, 2))
        short, near = short[still], near[still]

    def enough(log_C: np.ndarray) -> np.ndarray:
        above, about[:] = gain(every, log_C, about)
        return above

    found = crossings(enough, begin, end)[1]
    # Sizes elsewhere may have become the best on the way.
    more = gain(every, found, None)[0] > 1e-9 * np.abs(losses[..., None])
    some = every[(more & (found < high)).any(axis=(1, 2))]
    if some.size:
        found[some] = crossings(lambda log_C: gain(some, log_C, None)[0], begin[some], found[some])[1]
    return np.where(found < high, np.exp(found), np.inf).min(axis=-1)


def losses_along(
    laws: AbstractLaw, log_N: Float[np.ndarray, " budget"], budgets: Float[np.ndarray, " budget"],
    constraints: Constraints,
) -> Float[np.ndarray, "law budget"]:  # fmt: skip
    """The loss of sizes at their budgets under many laws, at the best of the choices."""
    return loss_along(laws, constraints, log_N[None, :, None], budgets[None, :, None]).min(axis=-1)
