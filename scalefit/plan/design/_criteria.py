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

from ...laws import AbstractLaw, gathered
from ...params import values
from ...problem import LawCurve, mean_log
from ._target import Target

Criterion = Literal["V", "D", "regret"]


class Scale(NamedTuple):
    """The free numbers of a law about draws of it, as solvers see them: about the centre of the candidates.

    **Arguments:**

    - `curve`: The law as a function of them.
    - `constant`: What of each draw is held.
    - `numbers`: Those of each draw, by their unit.
    - `unit`: What is one for each: before any run it is known to within its own size, or an e-fold.
    """

    curve: LawCurve
    constant: Float[np.ndarray, "draw constant"]
    numbers: Float[np.ndarray, "draw free"]
    unit: Float[np.ndarray, " free"]


def scale_of(curve: LawCurve, draws: Any, inputs: Mapping[str, np.ndarray]) -> Scale:
    """The scale about draws of the law of a curve (leaves with a leading axis)."""
    natural, centres = values(draws), dict.fromkeys(curve.units, 0.0)
    for name, said in reversed(curve.kinds.items()):
        if said.logarithm:
            centres[said.unit] = mean_log(inputs[name])
    # Amplitudes are shares of 1.
    same = np.broadcast_to([*centres.values(), 1.0], (len(natural), len(centres) + 1))
    constant = np.concatenate([same, natural[:, list(curve.fixed)]], axis=1)
    numbers, unit = curve.free_numbers(draws, constant), np.ones(curve.size)
    for i, k in enumerate(curve.free):
        if not curve.slots[k].parameter.constraint.ranges:
            size = float(np.median(np.abs(numbers[:, i])))
            unit[i] = size if size > 0 else 1.0
    return Scale(curve, constant, numbers / unit, unit)


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


def slopes(scale: Scale, inputs: Mapping[str, np.ndarray], of: Callable[[Any], Any], log: bool) -> Jacobians:
    """Slopes at each draw, of the logarithm of the law where runs scatter there."""
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, _slopes(scale, {n: np.asarray(a) for n, a in inputs.items()}, of, log))


@eqx.filter_jit
def _slopes(scale: Scale, inputs: dict[str, Any], of: Any, log: bool) -> Jacobians:
    def each(draw: Any) -> Jacobians:
        u, at = _about(scale, *draw)

        def target(v: Any) -> Any:
            return jnp.ravel(jnp.asarray(of(at(v))))

        curvature = of.curvature(at(u)) if isinstance(of, Target) and "C" in of.at else jnp.asarray(jnp.nan)
        return Jacobians(
            jax.jacfwd(lambda v: _shown(at(v), inputs, log))(u), jax.jacfwd(target)(u), target(u), curvature
        )

    return jax.lax.map(each, (scale.numbers, scale.constant), batch_size=64)


def run_slopes(scale: Scale, inputs: dict[str, Any], log: bool) -> Float[Array, "draw run free"]:
    """The slopes of what each run would show alone, which can be differentiated in the inputs."""

    def each(draw: Any) -> Array:
        u, at = _about(scale, *draw)
        return jax.jacfwd(lambda v: _shown(at(v), inputs, log))(u)

    return jax.lax.map(each, (scale.numbers, scale.constant), batch_size=64)


def _about(scale: Scale, numbers: Any, constant: Any) -> tuple[Array, Callable[[Any], AbstractLaw]]:
    """The free numbers of a draw, by their unit, and the law as a function of them."""

    def at(u: Any) -> AbstractLaw:
        return scale.curve.natural_law([u[i] * scale.unit[i] for i in range(scale.curve.size)], constant)

    return numbers, at


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
