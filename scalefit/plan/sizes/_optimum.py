"""The size and data of least loss that a budget pays for: array functions of one law, to be mapped over many."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...laws import AbstractLaw, Chinchilla, Kaplan, gathered
from .._bisect import bisected
from ._constraints import Constraints


class Optimum(NamedTuple):
    """Logarithms of the best size and its data, the loss there, and whether the size is at the end of the range."""

    log_N: Array
    log_D: Array
    loss: Array
    at_end: Array


def _solved(rising: Any, target: Any) -> Array:
    """Where a rising function is the target: Newton within a bracket, exact at once where the function is linear.

    Derivatives with respect to anything inside, of first order, are those of the solution.
    """
    fixed = jax.lax.stop_gradient(target)

    def at(v: Array) -> tuple[Array, Array]:
        value, slope = jax.jvp(rising, (v,), (jnp.ones_like(v),))
        return jax.lax.stop_gradient(value), jax.lax.stop_gradient(slope)

    def going(state: Any) -> Array:
        v, _, _, last, step = state
        return (jnp.abs(v / last - 1.0) > 4.0 * jnp.finfo(v.dtype).eps) & (step < 200)

    def onward(state: Any) -> Any:
        v, low, high, _, step = state
        value, slope = at(v)
        low, high = jnp.where(value < fixed, v, low), jnp.where(value < fixed, high, v)
        new = v + (fixed - value) / slope
        new = jnp.where((new > low) & (new < high), new, jnp.sqrt(low) * jnp.sqrt(high))
        return new, low, high, v, step + 1

    begin = jnp.ones_like(jnp.asarray(fixed, float))
    low, high = 1e-40 * begin, 1e60 * begin
    guess = jnp.clip(fixed / at(begin)[0], 2.0 * low, 0.5 * high)
    v, *_ = jax.lax.while_loop(going, onward, (guess, low, high, 2.0 * guess, 0))
    v = jax.lax.stop_gradient(v)
    return v + (target - rising(v)) / at(v)[1]


def _cost(constraints: Constraints, log_N: Any, log_D: Any) -> Any:
    return constraints.cost.of(jnp.exp(log_N), jnp.exp(log_D))


def log_data(constraints: Constraints, log_N: Any, budget: Any) -> Array:
    """The logarithm of the tokens that the budget pays for beside a model of a size, those allowed at the most."""
    N, one = jnp.exp(log_N), jnp.ones_like(log_N)
    if constraints.cost.by_token:
        fixed, each = jax.jvp(lambda D: constraints.cost.of(N, D), (0.0 * one,), (one,))
        bought = (budget - fixed) / each
    else:
        bought = _solved(lambda D: constraints.cost.of(N, D), budget * one)
    return jnp.log(jnp.minimum(jnp.maximum(bought, 1e-300), constraints.max_D))


def reach(constraints: Constraints, budget: Any) -> tuple[Array, Array]:
    """Logarithms of the least size that spends the whole budget on data allowed, and of the largest paid for."""
    least = _solved(lambda N: constraints.cost.of(N, constraints.max_D * jnp.ones_like(N)), budget)
    largest = _solved(lambda N: constraints.cost.of(N, jnp.ones_like(N)), budget)
    return jnp.log(jnp.maximum(least, constraints.min_N)), jnp.log(jnp.minimum(largest, constraints.max_N))


def loss_at(law: AbstractLaw, constraints: Constraints, log_N: Any, log_D: Any) -> Array:
    """The law's value at a size and data."""
    N, D = jnp.exp(log_N), jnp.exp(log_D)
    unique = {"U": D if constraints.unique is None else constraints.unique} if "U" in law.inputs else {}
    point = dict(zip(constraints.cost.inputs, (N, D), strict=True)) | unique | constraints.held
    return jnp.asarray(law(**gathered(law, point)))


def loss_along(law: AbstractLaw, constraints: Constraints, log_N: Any, budget: Any) -> Array:
    """The law's value where a model of a size is given all the data that the budget pays for."""
    return loss_at(law, constraints, log_N, log_data(constraints, log_N, budget))


def _slope(law: AbstractLaw, constraints: Constraints, log_N: Any, budget: Any) -> Array:
    """The slope of the loss in the logarithm of the size, at constant cost."""
    log_D = log_data(constraints, log_N, budget)
    one = jnp.ones_like(log_D)
    by_N = jax.jvp(lambda x: _cost(constraints, x, log_D), (log_N,), (one,))[1]
    by_D = jax.jvp(lambda y: _cost(constraints, log_N, y), (log_D,), (one,))[1]
    return jax.jvp(lambda x, y: loss_at(law, constraints, x, y), (log_N, log_D), (one, -by_N / by_D))[1]


def curvature(law: AbstractLaw, constraints: Constraints, log_N: Any, budget: Any) -> Array:
    """The second derivative of the loss in the logarithm of the size, at constant cost."""
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
    kept = jax.lax.stop_gradient((constraints, jnp.asarray(budget, float)))
    within = reach(*kept)
    if _closed(law, constraints):
        return _best(law, budget, constraints, within)
    fixed = jax.lax.stop_gradient(law)
    place = jax.lax.stop_gradient(_best(fixed, kept[1], kept[0], within))
    # A Newton step of length zero, whose derivatives are those of the solution; none where the loss has a kink.
    rise = curvature(fixed, kept[0], place, kept[1])
    step = _slope(law, constraints, place, budget) / jax.lax.stop_gradient(jnp.where(rise > 0.0, rise, jnp.inf))
    return place - (step - jax.lax.stop_gradient(step))


def _closed(law: AbstractLaw, constraints: Constraints) -> bool:
    return type(law) in (Chinchilla, Kaplan) and constraints.cost.rate is not None


def _best(law: AbstractLaw, budget: Any, constraints: Constraints, within: tuple[Array, Array]) -> Array:
    """The logarithm of the best size in a range."""
    low, high = within[0], jnp.maximum(*within)
    if not _closed(law, constraints):
        return _searched(law, budget, constraints, low, high)
    A, alpha, B, beta = _powers(law)
    best = (jnp.log(alpha * A) - jnp.log(beta * B) + beta * jnp.log(budget / constraints.cost.rate)) / (alpha + beta)
    return jnp.clip(jnp.where(jnp.isnan(best), low, best), low, high)


def _powers(law: Any) -> tuple[Any, Any, Any, Any]:
    """A, α, B, β of a sum A N^−α + B D^−β that is least where the law is."""
    if type(law) is Chinchilla:
        return law.A, law.alpha, law.B, law.beta
    alpha = law.alpha_N / law.alpha_D
    return jnp.exp(alpha * jnp.log(law.N_c)), alpha, law.D_c, jnp.ones_like(alpha)


def _searched(law: AbstractLaw, budget: Any, constraints: Constraints, low: Array, high: Array) -> Array:
    # Evenly in the logarithm over all sizes that the budget pays for.
    places = low + (high - low) * jnp.linspace(0.0, 1.0, 193)
    values = jax.vmap(lambda x: loss_along(law, constraints, x, budget))(places)
    best = jnp.argmin(jnp.where(jnp.isnan(values), jnp.inf, values))
    ends = places[jnp.maximum(best - 1, 0)], places[jnp.minimum(best + 1, len(places) - 1)]
    low, high = bisected(lambda x: ~(_slope(law, constraints, x, budget) > 0.0), *ends)
    return 0.5 * (low + high)


def optimum(law: AbstractLaw, budget: Any, constraints: Constraints, within: tuple[Array, Array]) -> Optimum:
    """The best size at a budget in a range, its data and its loss."""
    log_N = _best(law, budget, constraints, within)
    log_D = log_data(constraints, log_N, budget)
    margin = 1e-9 * (1.0 + jnp.abs(log_N))
    at_end = (log_N <= within[0] + margin) | (log_N >= within[1] - margin)
    return Optimum(log_N, log_D, loss_at(law, constraints, log_N, log_D), at_end)


def optimum_at(law: AbstractLaw, budget: Any, constraints: Constraints) -> Optimum:
    """The best size at a budget of all that it and the constraints leave, its data and its loss."""
    return optimum(law, budget, constraints, reach(constraints, budget))


def near(law: AbstractLaw, budget: Any, constraints: Constraints, found: Optimum, far: Any, tolerance: Any) -> Array:
    """The logarithm of the last size from the best towards another whose loss is within a share of the best loss."""
    bound = found.loss + tolerance * jnp.abs(found.loss)
    return bisected(lambda x: loss_along(law, constraints, x, budget) <= bound, found.log_N, far)[0]


def least_compute(law: AbstractLaw, loss: Any, constraints: Constraints) -> Array:
    """The least budget at whose best size the loss is reached; infinite where no budget reaches it."""
    one = jnp.ones(())
    low = jnp.log(constraints.cost.of(constraints.min_N * one, one))
    high = jnp.log(constraints.cost.of(constraints.max_N * one, constraints.max_D * one))

    def too_small(log_C: Array) -> Array:
        budget = jnp.exp(log_C)
        return ~(optimum_at(law, budget, constraints).loss <= loss)

    _, found = bisected(too_small, low, high)
    return jnp.where(found < high, jnp.exp(found), jnp.inf)


@eqx.filter_jit
def reaches(constraints: Constraints, budgets: Array) -> tuple[Array, Array]:
    """The same of many budgets."""
    return jax.vmap(lambda C: reach(constraints, C))(budgets)


@eqx.filter_jit
def optima(laws: AbstractLaw, budgets: Array, constraints: Constraints, within: tuple[Array, Array]) -> Optimum:
    """The same of many laws, by law and budget; ranges by budget."""

    def of_law(law: AbstractLaw) -> Optimum:
        return jax.lax.map(lambda at: optimum(law, at[0], constraints, at[1]), (budgets, within))

    return eqx.filter_vmap(of_law)(laws)


def best_sizes(laws: Any, C: Float[np.ndarray, " budget"]) -> Float[np.ndarray, "law budget"]:
    """Logarithm of the N of least loss at C = 6 N D, by each of many laws of N and D; NaN where none is best."""
    with jax.enable_x64(True):
        budgets, constraints = jnp.asarray(C), Constraints()
        found = optima(jax.tree.map(jnp.asarray, laws), budgets, constraints, reaches(constraints, budgets))
        return np.asarray(jnp.where(found.at_end, jnp.nan, found.log_N))


@eqx.filter_jit
def nears(
    laws: AbstractLaw,
    budgets: Array,
    constraints: Constraints,
    found: Optimum,
    within: tuple[Array, Array],
    tolerances: Array,
) -> Array:
    """The same of many laws towards both ends of ranges, by law, budget, end and tolerance."""

    def of_law(law: AbstractLaw, mine: Optimum) -> Array:
        def at(point: tuple[Array, Optimum, Array]) -> Array:
            budget, best, ends = point
            by_end = jax.vmap(lambda far, t: near(law, budget, constraints, best, far, t), in_axes=(None, 0))
            return jax.vmap(by_end, in_axes=(0, None))(ends, tolerances)

        return jax.lax.map(at, (budgets, mine, jnp.stack(within, axis=-1)))

    return eqx.filter_vmap(of_law)(laws, found)


@eqx.filter_jit
def least_computes(laws: AbstractLaw, losses: Array, constraints: Constraints) -> Array:
    """The same of many laws, by law and loss; `losses` has a row for each law."""
    return eqx.filter_vmap(lambda law, row: jax.lax.map(lambda loss: least_compute(law, loss, constraints), row))(
        laws, losses
    )


@eqx.filter_jit
def data_along(constraints: Constraints, log_N: Array, budgets: Array) -> Array:
    """The logarithm of the tokens of sizes at their budgets."""
    return jax.vmap(lambda x, C: log_data(constraints, x, C))(log_N, budgets)


@eqx.filter_jit
def losses_along(laws: AbstractLaw, log_N: Array, budgets: Array, constraints: Constraints) -> Array:
    """The loss of sizes at their budgets under many laws, by law and budget."""
    return eqx.filter_vmap(lambda law: jax.vmap(lambda x, C: loss_along(law, constraints, x, C))(log_N, budgets))(laws)
