"""Draws by the No-U-Turn sampler, in coordinates in which the posterior is about a standard normal."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..problem import LawCurve
from ._density import STUDIES, Problem, log_density
from ._mode import Mode

CHAINS, WARMUP = 16, 200
"""Chains side by side, and steps of each in which it finds its step size."""
ACCEPTED, CAREFUL = 0.8, 0.98
"""Share of proposals to be accepted, and after chains that diverged."""
DEEPEST = 8
"""Doublings of a path: in whitened coordinates a few are enough, and all chains wait for the longest."""


class Chains(NamedTuple):
    """Draws by chain, and which of them diverged."""

    numbers: Float[Array, "*study chain draw number"]
    diverging: Bool[Array, "*study chain draw"]


@functools.partial(jax.jit, static_argnames=("curve", "num", "chains", "warmup"))
def nuts(
    curve: LawCurve,
    at: Mode,
    problem: Problem,
    keys: Array,
    accepted: Any = ACCEPTED,
    *,
    num: int,
    chains: int = CHAINS,
    warmup: int = WARMUP,
) -> Chains:
    """For each study, chains from about the mode, whose covariance stands for a mass matrix that is not adapted.

    **Arguments:**

    - `at`, `problem`, `keys`: With a leading axis of studies, which move in step.
    - `accepted`: Share of proposals to be accepted: the more, the smaller the steps.
    """

    def one(mode: Mode, own: Problem, key: Array) -> Chains:
        def density(z: Array) -> Array:
            return log_density(curve, mode.numbers + mode.factor @ z, own)

        z, diverging = whitened_chains(density, mode.numbers.shape[0], key, num, chains, warmup, accepted)
        return Chains(mode.numbers + z @ mode.factor.T, diverging)

    return jax.vmap(one, (0, STUDIES, 0))(at, problem, keys)


def whitened_chains(
    density: Any, size: int, key: Array, num: int, chains: int = CHAINS, warmup: int = WARMUP, accepted: Any = ACCEPTED
) -> tuple[Float[Array, "chain draw number"], Bool[Array, "chain draw"]]:
    """Chains of a log density that is about that of a standard normal, and which draws diverged."""
    from numpyro.infer.hmc import hmc  # it takes a while to import

    init, move = hmc(lambda z: -density(z), algo="NUTS")
    start, run = jax.random.split(key)
    places = 1.5 * jax.random.normal(start, (chains, size))

    def begin(place: Array, key: Array) -> Any:
        options = {"adapt_mass_matrix": False, "target_accept_prob": accepted, "max_tree_depth": DEEPEST}
        return init(place, warmup, 0.7, rng_key=key, **options)

    states = jax.vmap(begin)(places, jax.random.split(run, chains))

    def step(states: Any, _: Any) -> tuple[Any, Any]:
        states = jax.vmap(move)(states)
        return states, (states.z, states.diverging)

    # One loop for the steps that find the step size and those that are kept: each would be compiled anew.
    _, (z, diverging) = jax.lax.scan(step, states, None, length=warmup + num)
    return jnp.swapaxes(z[warmup:], 0, 1), jnp.swapaxes(diverging[warmup:], 0, 1)
