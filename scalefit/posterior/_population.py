"""Groups that are alike: their joint density, and coordinates in which it is about a standard normal."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Bool, Float

from ..noise import AbstractNoise
from ..problem import LawCurve
from ..solve import Lanes, predictions
from ._noise import log_density_of
from ._prior import Prior, free_numbers_of, log_prior

STEPS = 120
"""Steps towards the modes of the groups."""
LONGEST = 2.0
"""The longest of them."""
CHAINS, WARMUP = 8, 150
"""Chains side by side, and steps of each in which it finds its step size."""
FIRST, SCALES = 100, (0.5, 8.0)
"""Draws of each chain from which widths are told, and the least and the greatest of these."""
ACCEPTED, DEPTH = 0.85, 5
"""Share of proposals to be accepted, and doublings of a path at most."""


class Groups(NamedTuple):
    """The runs of each group, how they scatter, and what was known before.

    **Arguments:**

    - `rows`: The runs by group; shorter groups are padded with runs of weight 0.
    - `noise`: How they scatter.
    - `prior`: Of the middle of the population and, of numbers that are not pooled, of each group's own.
    - `between`: Scale of the half-normal prior of each number's spread between groups.
    """

    rows: Lanes
    noise: AbstractNoise
    prior: Prior
    between: Float[Array | np.ndarray, " number"]


class Population(NamedTuple):
    """Middle and log spread of the groups' numbers; of those that are not pooled, of their prior."""

    middle: Float[Any, " number"]
    log_spread: Float[Any, " number"]


class Hierarchy(NamedTuple):
    """What decides the formula: the law, and which of the sampled numbers are pooled."""

    curve: LawCurve
    pooled: tuple[bool, ...]


def log_likelihoods(
    curve: LawCurve, numbers: Float[Array, "group number"], groups: Groups
) -> tuple[Float[Array, " group"], Float[Array, "group run"]]:
    """The logarithm of the density of each group's runs, on the noise's scale, and the residuals."""
    rows, noise = groups.rows, groups.noise
    theta = jax.vmap(lambda one: jnp.stack(free_numbers_of(curve, one, groups.prior, rows.constant[0])))(numbers)
    value = predictions(curve, theta, rows)
    residual = rows.target - (jnp.log(value) if noise.log else value)
    scaled, sharpness = residual, jnp.zeros(())
    if rows.precision is not None:
        scaled, sharpness = residual * rows.precision, jnp.log(rows.precision)
    log_s = numbers[:, -1:] if noise.log else numbers[:, -1:] + jnp.log(rows.constant[:, len(curve.units), None])
    each = rows.weight * (log_density_of(noise, scaled, log_s) + sharpness)
    return jnp.sum(jnp.where(rows.weight > 0.0, each, 0.0), axis=1), residual


def group_densities(
    model: Hierarchy, numbers: Float[Array, "group number"], at: Population, groups: Groups
) -> Float[Array, " group"]:
    r"""By group, the log density of its runs and of its numbers in the population: $u_g \sim N(\mu, \tau^2)$."""
    curve, pooled = model.curve, np.asarray(model.pooled)
    z = (numbers - at.middle) * jnp.exp(-at.log_spread)
    total = log_likelihoods(curve, numbers, groups)[0]
    total = total + jnp.sum(jnp.where(pooled, -0.5 * z * z - at.log_spread, 0.0), axis=1)
    if pooled.all():
        return total
    prior = groups.prior
    own = dataclasses.replace(prior, given={i: d for i, d in prior.given.items() if not pooled[i]})

    def alone(one: Array) -> Array:
        # Of the numbers that are not pooled: all that the prior says, less what it says of the others.
        pool = log_prior(
            dataclasses.replace(prior, given={}), curve, jnp.where(pooled, one, prior.centre), groups.rows.constant[0]
        )
        return log_prior(own, curve, one, groups.rows.constant[0]) - pool

    return total + jax.vmap(alone)(numbers)


def log_density(
    model: Hierarchy, numbers: Float[Array, "group number"], at: Population, groups: Groups
) -> Float[Array, ""]:
    r"""The logarithm of the joint density of the groups' numbers, the middle μ and log τ, but for a constant.

    μ has the law's own weak prior, or the caller's; τ is half-normal.
    """
    pooled, prior = np.asarray(model.pooled), groups.prior
    common = dataclasses.replace(prior, given={i: d for i, d in prior.given.items() if pooled[i]})
    middle = jnp.where(pooled, at.middle, prior.centre)
    share = jnp.exp(at.log_spread) / groups.between
    total = jnp.sum(group_densities(model, numbers, at, groups))
    total = total + log_prior(common, model.curve, middle, groups.rows.constant[0])
    total = total + jnp.sum(jnp.where(pooled, at.log_spread - 0.5 * share * share, 0.0))
    return jnp.where(jnp.isfinite(total), total, -jnp.inf)


class Modes(NamedTuple):
    """The most probable numbers of each group in a population.

    **Arguments:**

    - `numbers`: Where.
    - `slope`, `bend`: Gradient and curvature there of what the runs alone say, the latter without negative parts.
    - `population`: Of which they are.
    - `steep`: How much each group could still gain by a step.
    """

    numbers: Float[Any, "group number"]
    slope: Float[Any, "group number"]
    bend: Float[Any, "group number number"]
    population: Population
    steep: Float[Any, " group"]


def _bend(slopes: Any, at: Float[Array, "group number"]) -> Float[Array, "group number number"]:
    """The curvature of each group by itself, from the slopes of all: no group's depends on another's numbers."""
    along = jnp.broadcast_to(jnp.eye(at.shape[1], dtype=at.dtype)[:, None], (at.shape[1], *at.shape))
    return jax.vmap(lambda way: jax.jvp(slopes, (at,), (way,))[1], out_axes=-1)(along)


@functools.partial(jax.jit, static_argnames=("model", "learn"))
def modes(
    model: Hierarchy, start: Float[Array, "group number"], population: Population, groups: Groups, learn: bool
) -> Modes:
    """Damped Newton steps of all groups at once; with `learn`, the population follows them as by expectation and
    maximisation, which leaves a spread where two numbers of few groups alone would leave none.
    """
    pooled = np.asarray(model.pooled)
    prior, between = groups.prior, jnp.asarray(groups.between)

    def step(_: Any, state: Any) -> Any:
        at, population, damping, _ = state

        def density(numbers: Array) -> Array:
            return group_densities(model, numbers, population, groups)

        slopes = jax.grad(lambda numbers: jnp.sum(density(numbers)))
        bend, axes = jnp.linalg.eigh(-_bend(slopes, at))
        along = jnp.einsum("gij,gi->gj", axes, slopes(at))
        size = jnp.maximum(jnp.abs(bend), 1e-8)
        move = along / (size + damping[:, None])
        length = jnp.linalg.norm(move, axis=1, keepdims=True)
        there = at + jnp.einsum("gij,gj->gi", axes, move * jnp.minimum(1.0, LONGEST / jnp.maximum(length, 1e-30)))
        good = density(there) >= density(at)
        damping = jnp.where(good, 0.1 * damping, jnp.maximum(10.0 * damping, 1e-3))
        at = jnp.where(good[:, None], there, at)
        if learn:
            spread2 = jnp.exp(2.0 * population.log_spread)
            known = 1.0 / prior.spread**2
            middle = (jnp.sum(at, axis=0) / spread2 + prior.centre * known) / (len(at) / spread2 + known)
            unsure = jnp.sum(axes**2 / jnp.maximum(bend, 1.0 / jnp.max(spread2))[:, None], axis=-1)
            apart = jnp.sum((at - middle) ** 2 + unsure, axis=0)
            # The root of d/d log τ of -G log τ - apart/2τ² - τ²/2b² + log τ.
            most, b2 = len(at) - 1.0, between**2
            spread2 = 0.5 * b2 * (jnp.sqrt(most**2 + 4.0 * apart / b2) - most)
            population = Population(
                jnp.where(pooled, middle, population.middle),
                jnp.where(pooled, 0.5 * jnp.log(spread2), population.log_spread),
            )
        return at, population, damping, jnp.sum(along**2 / size, axis=1)

    none = jnp.zeros(len(start), start.dtype)
    at, population, _, steep = jax.lax.fori_loop(0, STEPS, step, (start, population, none, none + jnp.inf))
    slopes = jax.grad(lambda numbers: jnp.sum(log_likelihoods(model.curve, numbers, groups)[0]))
    bend, axes = jnp.linalg.eigh(-_bend(slopes, at))
    bend = jnp.einsum("gij,gj,gkj->gik", axes, jnp.maximum(bend, 0.0), axes)
    return Modes(at, slopes(at), bend, population, steep)


def _unfolded(
    model: Hierarchy, z: Float[Array, " place"], at: Modes, groups: Groups
) -> tuple[Float[Array, "group number"], Population, Float[Array, ""]]:
    r"""Numbers and population from standard coordinates, and the logarithm of the volume.

    Were what runs say of a group normal, with curvature $H_g$, then given τ the middle and given both each group's
    numbers would be normal; the coordinates are those in which all these are standard normal. So a number that its
    runs tell is taken as it is, one that they do not as a deviation from the middle in units of τ, and any direction
    in between as it should be.
    """
    pooled = np.flatnonzero(model.pooled)
    count, size = at.numbers.shape
    own, middle, spread = jnp.split(z, [count * size, count * size + len(pooled)])
    log_spread = at.population.log_spread.at[pooled].add(spread / jnp.sqrt(2.0 * count))
    T = jnp.exp(log_spread)
    H, h = at.bend, at.slope + jnp.einsum("gij,gj->gi", at.bend, at.numbers)
    L = jnp.linalg.cholesky(jnp.eye(size) + T[:, None] * H * T)
    whole = jnp.concatenate([T[:, None] * H, (T * h)[..., None]], axis=-1)
    half = solve_triangular(L, whole, lower=True)
    V, v = half[..., :size], half[..., size]
    # What all groups say of the middle: Σ (H⁻¹ + T²)⁻¹ and its product with where they would have it.
    told = jnp.sum(H - jnp.swapaxes(V, 1, 2) @ V, axis=0)
    where = jnp.sum(h - jnp.einsum("gji,gj->gi", V, v), axis=0)
    held = jnp.where(np.asarray(model.pooled), 0.0, at.population.middle)
    known = 1.0 / groups.prior.spread**2
    where = (where - told @ held + known * groups.prior.centre)[pooled]
    M = jnp.linalg.cholesky(told[np.ix_(pooled, pooled)] + jnp.diag(known[pooled]))
    mean = cho_solve((M, True), where) + solve_triangular(M, middle, lower=True, trans="T")
    mu = at.population.middle.at[pooled].set(mean)
    pull = v - jnp.einsum("gij,j->gi", V, mu) + own.reshape(count, size)
    numbers = mu + T * solve_triangular(L, pull[..., None], lower=True, trans="T")[..., 0]
    volume = count * jnp.sum(log_spread) - jnp.sum(jnp.log(jnp.diagonal(L, axis1=1, axis2=2)))
    return numbers, Population(mu, log_spread), volume - jnp.sum(jnp.log(jnp.diagonal(M)))


class Chains(NamedTuple):
    """Draws by chain, and which of them diverged."""

    numbers: Float[Any, "chain draw group number"]
    population: Population
    diverging: Bool[Any, "chain draw"]


def chains(model: Hierarchy, at: Modes, groups: Groups, key: Array, num: int) -> Chains:
    """Chains of the No-U-Turn sampler from about the modes.

    First ones say how wide each coordinate is, as a group of few runs has far longer tails than its curvature says.
    """
    size = at.numbers.size + 2 * sum(model.pooled)
    keys = jax.random.split(key, 3)
    start = jax.random.normal(keys[0], (CHAINS, size), at.numbers.dtype)
    scale = jnp.ones(size)
    z, _ = _moved(model, at, groups, scale, start, keys[1], min(FIRST, num), num)
    z = z[:, : min(FIRST, num)]
    scale = jnp.clip(jnp.std(z, axis=(0, 1)), *SCALES)
    z, diverging = _moved(model, at, groups, scale, z[:, -1] / scale, keys[2], num, num)
    numbers, population = _unfolded_all(model, z, at, groups)
    return Chains(numbers, population, diverging)


@functools.partial(jax.jit, static_argnames=("model",))
def _unfolded_all(
    model: Hierarchy, z: Float[Array, "chain draw place"], at: Modes, groups: Groups
) -> tuple[Float[Array, "chain draw group number"], Population]:
    def one(place: Array) -> Any:
        return _unfolded(model, place, at, groups)[:2]

    return jax.lax.map(jax.vmap(one), z)


@functools.partial(jax.jit, static_argnames=("model", "most"))
def _moved(
    model: Hierarchy, at: Modes, groups: Groups, scale: Array, start: Array, key: Array, num: Any, most: int
) -> tuple[Float[Array, "chain most place"], Bool[Array, "chain most"]]:
    """So many draws by chain, up to as many as there is room for, after those that find each chain's step size."""
    from numpyro.infer.hmc import hmc  # it takes a while to import

    def potential(z: Array) -> Array:
        numbers, population, volume = _unfolded(model, z * scale, at, groups)
        return -log_density(model, numbers, population, groups) - volume

    init, move = hmc(potential, algo="NUTS")
    how: Any = {"adapt_mass_matrix": False, "target_accept_prob": ACCEPTED, "max_tree_depth": DEPTH}

    def begin(place: Array, key: Array) -> Any:
        return init(place, WARMUP, 0.4, rng_key=key, **how)

    def step(i: Any, carry: Any) -> Any:
        states, z, diverging = carry
        states, place = jax.vmap(move)(states), jnp.maximum(i - WARMUP, 0)
        return states, z.at[place].set(states.z), diverging.at[place].set(states.diverging)

    # One loop for the steps that find the step size and those that are kept: each would be compiled anew.
    states = jax.vmap(begin)(start, jax.random.split(key, CHAINS))
    room = jnp.zeros((most, *start.shape), start.dtype), jnp.zeros((most, CHAINS), bool)
    _, z, diverging = jax.lax.fori_loop(0, WARMUP + num, step, (states, *room))
    return jnp.swapaxes(z * scale, 0, 1), jnp.swapaxes(diverging, 0, 1)
