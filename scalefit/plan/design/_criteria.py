r"""Slopes of a law in its free numbers, and the greedy choice of runs by what they leave unknown.

About each draw of a law the logarithm of a loss is linear in the free numbers u, so that runs of slopes J and scatter
σ leave the covariance $\Sigma = (P + J^\top J/\sigma^2)^{-1}$, whatever the losses will be. One more run is a
rank-one update of it (Sherman and Morrison), and a run like one just taken tells little more: a batch is diverse.
"""

import dataclasses
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
from ...solve import namespace
from ._target import QUANTITIES, Target

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
    """A target of slopes zero, where only those of runs are asked for."""
    return jnp.zeros(1)


RUNS, DRAWS = 64, 64
"""Runs are padded to a power of two, draws go in blocks: nothing is compiled for a count."""


def slopes(scale: Scale, inputs: Mapping[str, np.ndarray], of: Callable[[Any], Any], log: bool) -> Jacobians:
    """Slopes at each draw, of the logarithm of the law where runs scatter there."""
    draws, runs = len(scale.numbers), len(next(iter(inputs.values())))
    row = np.minimum(np.arange(max(RUNS, 1 << (runs - 1).bit_length())), runs - 1)
    padded = {name: np.asarray(column)[row] for name, column in inputs.items()}
    # Of the best size for a compute all is asked at once: another quantity of it compiles nothing.
    whole = of if isinstance(of, Target) and "C" in of.at else None
    asked = of if whole is None else dataclasses.replace(whole, quantity=QUANTITIES[0])
    parts, width = [], 1 if draws == 1 else DRAWS
    with jax.enable_x64(True):
        for low in range(0, draws, width):
            block = np.minimum(np.arange(low, low + width), draws - 1)
            some = scale._replace(numbers=scale.numbers[block], constant=scale.constant[block])
            shown = _run_slopes(some, padded, log)
            if of is nothing:
                aim = np.zeros((width, 1, scale.curve.size)), np.zeros((width, 1)), np.full(width, np.nan)
            else:
                aim = _target_slopes(some, asked)
            parts.append(jax.tree.map(np.asarray, Jacobians(shown, *aim)))
    found = jax.tree.map(lambda *each: np.concatenate(each)[:draws], *parts)
    if whole is not None:
        k = QUANTITIES.index(whole.quantity)
        found = found._replace(target=found.target[:, k : k + 1], value=found.value[:, k : k + 1])
    return found._replace(runs=found.runs[:, :runs])


@eqx.filter_jit
def _run_slopes(scale: Scale, inputs: dict[str, Any], log: bool) -> Float[Array, "draw run free"]:
    return run_slopes(scale, inputs, log)


@eqx.filter_jit
def _target_slopes(scale: Scale, of: Any) -> tuple[Any, Any, Any]:
    """Slopes of the target at each draw, the target, and the curvature of the loss along log N."""

    def each(numbers: Any, constant: Any) -> tuple[Any, Any, Any]:
        u, at = _about(scale, numbers, constant)
        whole = isinstance(of, Target) and "C" in of.at

        def target(v: Any) -> Any:
            return jnp.ravel(jnp.asarray(of.quantities(at(v)) if whole else of(at(v))))

        return jax.jacfwd(target)(u), target(u), of.curvature(at(u)) if whole else jnp.asarray(jnp.nan)

    return jax.vmap(each)(scale.numbers, scale.constant)


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
    """Runs in the order they were chosen, and what is left after none, one, two, … of them."""

    order: Int[np.ndarray, " run"]
    left: Float[np.ndarray, " some"]
    variance: Float[np.ndarray, " some"]


def uncertainty(aim: Float[Any, "draw target free"], covariance: Float[Any, "draw free free"], volume: bool) -> Any:
    r"""The mean over the draws of the variance $\mathrm{tr}\,G\Sigma G^\top$ of an aim G, or of $\log\det\Sigma$."""
    xp = namespace(covariance)
    if volume:
        return xp.mean(xp.linalg.slogdet(covariance)[1])
    return xp.mean(xp.sum((aim @ covariance) * aim, axis=(1, 2)))


def greedy(
    runs: Float[np.ndarray, "draw run free"], aim: Float[np.ndarray, "draw target free"],
    target: Float[np.ndarray, "draw target free"], covariance: Float[np.ndarray, "draw free free"],
    cost: Float[np.ndarray, " run"], budget: float, most: int, volume: bool, power: float,
) -> Chosen:  # fmt: skip
    r"""Take the affordable run of the greatest gain for its cost to a power, until none tells more or enough are taken.

    The gain is what the run takes off `unknown`; a run without any is not taken. Slopes of runs are by their scatter.
    `target` is what variances are kept of.
    """
    moved = runs @ covariance
    own, along = np.sum(moved * runs, axis=2), moved @ np.swapaxes(aim, 1, 2)
    dear, money, free = power * np.log(cost), budget, np.isfinite(cost)
    order: list[int] = []
    left, variance = [uncertainty(aim, covariance, volume)], [uncertainty(target, covariance, False)]
    while len(order) < most:
        taken = np.log1p(own) if volume else np.sum(along**2, axis=2) / (1.0 + own)
        gain = np.mean(taken, axis=0)
        can = free & (cost <= money) & (gain > 0.0)
        if not can.any():
            break
        score = np.log(gain, where=can, out=np.full(gain.shape, -np.inf)) - np.where(can, dear, 0.0)
        pick = int(np.argmax(score))
        # A rank-one update, of which the runs feel what they have in common with the one that is taken.
        step = np.einsum("mpq,mq->mp", covariance, runs[:, pick]) / np.sqrt(1.0 + own[:, pick, None])
        common = np.einsum("mkp,mp->mk", runs, step)
        along = along - common[:, :, None] * np.einsum("mtp,mp->mt", aim, step)[:, None]
        own = np.maximum(own - common**2, 0.0)
        covariance = covariance - step[:, :, None] * step[:, None]
        money, free[pick] = money - cost[pick], False
        order.append(pick)
        left.append(uncertainty(aim, covariance, volume))
        variance.append(uncertainty(target, covariance, False))
    return Chosen(np.array(order, int), np.array(left), np.array(variance))


def best_batch(
    runs: Float[np.ndarray, "draw run free"], aim: Float[np.ndarray, "draw target free"],
    target: Float[np.ndarray, "draw target free"], covariance: Float[np.ndarray, "draw free free"],
    cost: Float[np.ndarray, " run"], budget: float, most: int | None = None, *,
    volume: bool = False, powers: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25, 0.0),
) -> Chosen:  # fmt: skip
    """The best of several greedy choices, from gain for the cost to gain alone.

    The first spends well but may spend little on a great run; either end alone can be far from the best batch.
    """
    most = len(cost) if most is None else most
    each = [greedy(runs, aim, target, covariance, cost, budget, most, volume, power) for power in powers]
    return min(each, key=lambda one: one.left[-1])


def covariances(slopes: Float[np.ndarray, "draw run free"], sigma: float) -> Float[np.ndarray, "draw free free"]:
    """The covariance that runs of a scatter leave about each draw, after a prior precision; a vague one by default."""
    draws, _, free = slopes.shape
    prior = np.broadcast_to(np.eye(free), (draws, free, free))
    return np.linalg.inv(prior + np.swapaxes(slopes, 1, 2) @ slopes / sigma**2)
