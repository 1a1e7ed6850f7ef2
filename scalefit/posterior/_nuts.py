"""Draws by the No-U-Turn sampler, in coordinates in which the posterior is about a standard normal."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..estimate import LawCurve
from ._density import Mode, Problem, log_density

CHAINS, WARMUP = 16, 200
"""Chains side by side, and steps of each in which it finds its step size."""
ACCEPTED = 0.8
"""Share of proposals to be accepted."""


class Chains(NamedTuple):
    """Draws by chain, and which of them diverged."""

    numbers: Float[Array, "chain draw number"]
    diverging: Bool[Array, "chain draw"]


@functools.partial(jax.jit, static_argnames=("curve", "num", "chains", "warmup"))
def nuts(
    curve: LawCurve, at: Mode, problem: Problem, key: Array, num: int, chains: int = CHAINS, warmup: int = WARMUP
) -> Chains:
    """Chains from about the mode; the covariance there stands for the mass matrix, which is not adapted."""
    from numpyro.infer.hmc import hmc  # it takes a while to import

    def potential(z: Array) -> Array:
        return -log_density(curve, at.numbers + at.factor @ z, problem)

    init, move = hmc(potential, algo="NUTS")
    start, run = jax.random.split(key)
    places = 1.5 * jax.random.normal(start, (chains, at.numbers.shape[0]), at.numbers.dtype)

    def begin(place: Array, key: Array) -> Any:
        return init(place, warmup, 0.7, adapt_mass_matrix=False, target_accept_prob=ACCEPTED, rng_key=key)

    states = jax.vmap(begin)(places, jax.random.split(run, chains))

    def step(states: Any, _: Any) -> tuple[Any, Any]:
        states = jax.vmap(move)(states)
        return states, (states.z, states.diverging)

    # One loop for the steps that find the step size and those that are kept: each would be compiled anew.
    _, (z, diverging) = jax.lax.scan(step, states, None, length=warmup + num)
    z, diverging = z[warmup:], diverging[warmup:]
    return Chains(jnp.swapaxes(at.numbers + z @ at.factor.T, 0, 1), jnp.swapaxes(diverging, 0, 1))
