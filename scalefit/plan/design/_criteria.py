r"""Slopes of a law in its free numbers, and the greedy choice of runs by what they leave unknown.

About each draw of a law the logarithm of a loss is linear in the free numbers u, so that runs of slopes J and scatter
σ leave the covariance $\Sigma = (P + J^\top J/\sigma^2)^{-1}$, whatever the losses will be. One more run is a
rank-one update of it (Sherman and Morrison), and a run like one just taken tells little more: a batch is diverse.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._core import InputError, Phrase
from ...laws import AbstractLaw, gathered, input_kinds
from ...params import Slot, rescale, slots, values, with_values
from ...problem import mean_log
from ._target import Target

Criterion = Literal["V", "D", "regret"]


class Scale(NamedTuple):
    """The numbers of a law on the solver's scale: in centred inputs, logarithms of what must be above zero.

    **Arguments:**

    - `law`: The law, whose numbers are replaced.
    - `held`: The held numbers, and the free ones, of each draw, all on that scale.
    - `unit`: What is one for each free number: before any run it is known to within its own size, or an e-fold.
    - `centre`: Unit of an input → logarithm of its centre.
    """

    law: AbstractLaw
    held: Float[np.ndarray, "draw number"]
    unit: Float[np.ndarray, " free"]
    centre: dict[str, Any]


def scale_of(
    law: AbstractLaw, draws: Any, free: tuple[int, ...], inputs: Mapping[str, np.ndarray]
) -> tuple[Scale, Float[np.ndarray, "draw free"]]:
    """The scale about draws of a law (leaves with a leading axis), and their free numbers there, by their unit.

    **Raises:** `InputError` for a law with numbers that are bound together.
    """
    bound = next((slot for slot in slots(law) if not slot.parameter.constraint.elementwise), None)
    if bound is not None:
        said = Phrase(f"has {bound.field}, whose numbers are bound together: they are {bound.parameter.constraint}")
        raise InputError(type(law).__name__, said, "a law whose numbers are free of each other")
    kinds, logs = input_kinds(law), {}
    for name, column in inputs.items():
        if kinds[name].logarithm:
            logs.setdefault(kinds[name].unit, []).append(mean_log(column))
    centre = {unit: np.asarray(means[0]) for unit, means in logs.items()}
    natural = values(rescale(draws, {unit: -c for unit, c in centre.items()}))
    numbers, unit = np.empty_like(natural), np.ones(natural.shape[1])
    for k, slot in enumerate(slots(law)):
        numbers[:, k] = slot.parameter.constraint.unconstrain(natural[:, k])
        if not slot.parameter.constraint.ranges:
            size = float(np.median(np.abs(natural[:, k])))
            unit[k] = size if size > 0 else 1.0
    place = list(free)
    return Scale(law, numbers, unit[place], centre), numbers[:, place] / (unit[place])


class Jacobians(NamedTuple):
    """Derivatives in the free numbers, by their unit, of what each run would show and of the target; that at each draw.

    `curvature` is the second derivative of the loss along log N at the best N, NaN where the target has no compute.
    """

    runs: Any
    target: Any
    value: Any
    curvature: Any


def nothing(law: AbstractLaw) -> Array:
    """A target of slopes zero, where only those of runs are asked for; of a name, so that nothing is traced twice."""
    return jnp.zeros(1)


def slopes(
    scale: Scale, free: tuple[int, ...], inputs: Mapping[str, np.ndarray], of: Callable[[Any], Any], log: bool
) -> Jacobians:
    """Slopes at each draw, of the logarithm of the law where runs scatter there."""
    rest, law, points = jax.tree.map(np.asarray, (scale._replace(law=None), scale.law, dict(inputs)))
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, _slopes(law, rest, points, of, free, tuple(slots(scale.law)), log))


@eqx.filter_jit
def _slopes(
    law: AbstractLaw, scale: Any, inputs: dict[str, Any], of: Any, free: tuple[int, ...], every: tuple[Slot, ...],
    log: bool,
) -> Jacobians:  # fmt: skip
    def each(held: Any) -> Jacobians:
        u, at = _about(law, scale, held, free, every)

        def target(v: Any) -> Any:
            return jnp.ravel(jnp.asarray(of(at(v))))

        curvature = of.curvature(at(u)) if isinstance(of, Target) and "C" in of.at else jnp.asarray(jnp.nan)
        return Jacobians(
            jax.jacfwd(lambda v: _shown(at(v), inputs, log))(u), jax.jacfwd(target)(u), target(u), curvature
        )

    return jax.lax.map(each, scale.held, batch_size=64)


def run_slopes(
    law: AbstractLaw, scale: Any, inputs: dict[str, Any], free: tuple[int, ...], every: tuple[Slot, ...], log: bool
) -> Float[Array, "draw run free"]:
    """The slopes of what each run would show alone, which can be differentiated in the inputs."""

    def each(held: Any) -> Array:
        u, at = _about(law, scale, held, free, every)
        return jax.jacfwd(lambda v: _shown(at(v), inputs, log))(u)

    return jax.lax.map(each, scale.held, batch_size=64)


def _about(
    law: AbstractLaw, scale: Any, held: Any, free: tuple[int, ...], every: tuple[Slot, ...]
) -> tuple[Array, Callable[[Any], AbstractLaw]]:
    """The free numbers of a draw, by their unit, and the law as a function of them."""

    def at(u: Any) -> AbstractLaw:
        numbers = [held[k] for k in range(len(every))]
        for i, k in enumerate(free):
            numbers[k] = u[i] * scale.unit[i]
        natural = [slot.parameter.constraint.constrain(x) for slot, x in zip(every, numbers, strict=True)]
        return rescale(with_values(law, natural), scale.centre)

    return held[jnp.asarray(free)] / scale.unit, at


def _shown(one: AbstractLaw, inputs: dict[str, Any], log: bool) -> Array:
    found = jax.vmap(lambda point: jnp.asarray(one(**gathered(one, point))))(inputs)
    return jnp.log(found) if log else found


class Chosen(NamedTuple):
    """Runs in the order they were chosen (-1 pads), what is left after none, one, two, … of them, and their number."""

    order: Int[Array, " run"]
    left: Float[Array, " *some"]
    variance: Float[Array, " *some"]
    count: Int[Array, ""]


def uncertainty(
    aim: Float[Array, "draw target free"], covariance: Float[Array, "draw free free"], volume: bool
) -> Float[Array, ""]:
    r"""The mean over the draws of the variance $\mathrm{tr}\,G\Sigma G^\top$ of an aim G, or of $\log\det\Sigma$."""
    if volume:
        return jnp.mean(jnp.linalg.slogdet(covariance)[1])
    return jnp.mean(jnp.einsum("mtp,mpq,mtq->m", aim, covariance, aim))


def greedy(
    runs: Float[Array, "draw run free"], aim: Float[Array, "draw target free"],
    target: Float[Array, "draw target free"], covariance: Float[Array, "draw free free"],
    cost: Float[Array, " run"], budget: Any, most: Any, volume: bool,
    power: Any,
) -> Chosen:  # fmt: skip
    r"""Take the affordable run of the greatest gain for its cost to a power, until none tells more or enough are taken.

    The gain is what the run takes off `unknown`; a run without any is not taken. Slopes of runs are by their scatter.
    `target` is what variances are kept of.
    """
    count = cost.shape[0]

    class State(NamedTuple):
        covariance: Any
        money: Any
        free: Any
        score: Any
        chosen: Chosen

    def score(covariance: Any, money: Any, free: Any) -> Float[Array, " run"]:
        moved = jnp.einsum("mkp,mpq->mkq", runs, covariance)
        own = jnp.einsum("mkp,mkp->mk", moved, runs)
        taken = jnp.log1p(own) if volume else jnp.sum(jnp.einsum("mkp,mtp->mkt", moved, aim) ** 2, -1) / (1.0 + own)
        gain = jnp.mean(taken, axis=0)
        return jnp.where(free & (cost <= money) & (gain > 0.0), jnp.log(gain) - power * jnp.log(cost), -jnp.inf)

    def take(state: State) -> State:
        pick = jnp.argmax(state.score)
        run = runs[:, pick]
        moved = jnp.einsum("mp,mpq->mq", run, state.covariance)
        reach = 1.0 + jnp.sum(moved * run, axis=1)
        after = state.covariance - moved[:, :, None] * moved[:, None, :] / reach[:, None, None]
        money, free, i = state.money - cost[pick], state.free.at[pick].set(False), state.chosen.count
        chosen = Chosen(
            state.chosen.order.at[i].set(pick),
            state.chosen.left.at[i + 1].set(uncertainty(aim, after, volume)),
            state.chosen.variance.at[i + 1].set(uncertainty(target, after, False)),
            i + 1,
        )
        return State(after, money, free, score(after, money, free), chosen)

    def first(value: Any) -> Any:
        return jnp.full(count + 1, jnp.nan, cost.dtype).at[0].set(value)

    begin = Chosen(
        jnp.full(count, -1),
        first(uncertainty(aim, covariance, volume)),
        first(uncertainty(target, covariance, False)),
        jnp.zeros((), jnp.int64),
    )
    money, free = jnp.asarray(budget, cost.dtype), jnp.isfinite(cost)
    state = State(covariance, money, free, score(covariance, money, free), begin)
    return jax.lax.while_loop(lambda s: (s.score > -jnp.inf).any() & (s.chosen.count < most), take, state).chosen


@functools.partial(jax.jit, static_argnames=("volume", "powers"))
def best_batch(
    runs: Float[Array, "draw run free"], aim: Float[Array, "draw target free"],
    target: Float[Array, "draw target free"], covariance: Float[Array, "draw free free"],
    cost: Float[Array, " run"], budget: Any, most: Any = None, *,
    volume: bool = False, powers: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25, 0.0),
) -> Chosen:  # fmt: skip
    """The best of several greedy choices, from gain for the cost to gain alone.

    The first spends well but may spend little on a great run; either end alone can be far from the best batch.
    """
    most = cost.shape[0] if most is None else most
    each = jax.vmap(lambda power: greedy(runs, aim, target, covariance, cost, budget, most, volume, power))(
        jnp.asarray(powers)
    )
    last = jax.vmap(lambda left, count: left[count])(each.left, each.count)
    return jax.tree.map(lambda a: a[jnp.argmin(last)], each)


def covariances(slopes: Float[np.ndarray, "draw run free"], sigma: float) -> Float[np.ndarray, "draw free free"]:
    """The covariance that runs of a scatter leave about each draw, after a prior precision; a vague one by default."""
    draws, _, free = slopes.shape
    prior = np.broadcast_to(np.eye(free), (draws, free, free))
    return np.linalg.inv(prior + np.swapaxes(slopes, 1, 2) @ slopes / sigma**2)
