"""Draws of the normal distribution nearest to the posterior, found by stochastic gradients."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ..problem import LawCurve
from ._density import STUDIES, Problem, log_density
from ._mode import Mode
from ._smooth import weigh

STEPS, PARTICLES, RATE = 600, 16, 0.02
"""Steps of Adam, draws that each gradient is of, and the first of its rates, which fall to nothing."""


class Guided(NamedTuple):
    """Draws of the nearest normal distribution, and how near it is."""

    numbers: Float[Array, "*study draw number"]
    khat: Float[Array, "*study"]


@functools.partial(jax.jit, static_argnames=("curve", "num", "tried"))
def guided(curve: LawCurve, at: Mode, problem: Problem, keys: Array, num: int, tried: int) -> Guided:
    """For each study, the normal distribution of greatest evidence bound, in whitened coordinates about the mode.

    **Arguments:**

    - `at`, `problem`, `keys`: With a leading axis of studies.
    - `tried`: Draws by which it is judged, of which `num` are kept.
    """

    def one(mode: Mode, own: Problem, key: Array) -> Guided:
        size = mode.numbers.shape[0]
        below = jnp.tril(jnp.ones((size, size)), -1)

        def placed(guide: tuple[Array, Array, Array], z: Array) -> Array:
            middle, log_width, rest = guide
            return middle + z @ (jnp.diag(jnp.exp(log_width)) + below * rest).T

        def density(w: Array) -> Array:
            return log_density(curve, mode.numbers + mode.factor @ w, own)

        def bound(guide: tuple[Array, Array, Array], key: Array) -> Array:
            half = jax.random.normal(key, (PARTICLES // 2, size))
            # With its mirror image each draw brings, the mean is that of the guide.
            drawn = jnp.concatenate([half, -half])
            return jnp.mean(jax.vmap(density)(placed(guide, drawn))) + jnp.sum(guide[1])

        way = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))
        guide = jnp.zeros(size), jnp.zeros(size), jnp.zeros((size, size))
        along, last = jax.random.split(key)

        def step(state: tuple, key: Array) -> tuple[tuple, None]:
            guide, kept = state
            slope = jax.grad(lambda g: -bound(g, key))(guide)
            move, kept = way.update(slope, kept)
            return (optax.apply_updates(guide, move), kept), None

        (guide, _), _ = jax.lax.scan(step, (guide, way.init(guide)), jax.random.split(along, STEPS))
        z = jax.random.normal(last, (tried, size))
        w = placed(guide, z)
        log_weight = jax.lax.map(density, w, batch_size=256) + 0.5 * jnp.sum(z**2, axis=1)
        return Guided((mode.numbers + w @ mode.factor.T)[:num], weigh(log_weight).khat)

    return jax.vmap(one, (0, STUDIES, 0))(at, problem, keys)
