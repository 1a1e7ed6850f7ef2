"""Draws from heavy-tailed distributions about the modes, weighed by how probable each is."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from ..problem import LawCurve
from ._density import Problem, log_density
from ._mode import Mode, mode, modes, over_studies
from ._smooth import Weighed, resampled, weigh

FREEDOM, HEAVIER = 8, 4
"""Degrees of freedom of the proposal about a mode, and of those that follow the weighed draws, both even: their tails
are heavier than a posterior has."""
ROUNDS = 2
"""How often a proposal follows the weighed draws before it."""
RIDGE = 1e-9
"""Of each variance, added so that few effective draws still have a covariance."""
TINY = 1e-300
TOGETHER = 256
"""Draws that are judged side by side."""


class Drawn(NamedTuple):
    """Equally weighted draws of the sampled numbers, how good they are, and the logarithm of the evidence."""

    numbers: Float[Array, "*study draw number"]
    khat: Float[Array, "*study"]
    ess: Float[Array, "*study"]
    evidence: Float[Array, "*study"]
    at: Mode


@functools.partial(jax.jit, static_argnames=("curve", "num", "tried", "rounds"))
def important(
    curve: LawCurve,
    starts: Float[Array, "study start number"],
    problem: Problem,
    keys: Array,
    num: int,
    tried: int,
    rounds: int = 0,
) -> Drawn:
    """For each study, draws from about all of the modes that are reached from its starts.

    **Arguments:**

    - `tried`: Draws that are weighed for the `num` that are kept.
    - `rounds`: How often the proposal follows the weighed draws: a Student-t of their mean and covariance.
    """

    def one(begin: Array, key: Array, own: Problem) -> Drawn:
        if begin.shape[0] == 1:
            at, evidence = jax.tree.map(lambda a: a[None], mode(curve, begin[0], own)), jnp.zeros(1)
        else:
            at, evidence = modes(curve, begin, own)
        first, last, *others = jax.random.split(key, 2 + rounds)

        def judged(drawn: tuple[Array, Array]) -> tuple[Array, Weighed]:
            numbers, log_proposal = drawn
            density = jax.lax.map(lambda u: log_density(curve, u, own), numbers, batch_size=TOGETHER)
            return numbers, weigh(density - log_proposal)

        def follow(state: tuple[Array, Weighed], key: Array) -> tuple[tuple[Array, Weighed], None]:
            numbers, found = state
            middle = found.weight @ numbers
            spread = (numbers - middle).T @ ((numbers - middle) * found.weight[:, None])
            factor = jnp.linalg.cholesky(spread + RIDGE * jnp.diag(jnp.diag(spread)))
            return judged(proposed(middle[None], factor[None], jnp.zeros(1), key, tried, HEAVIER)), None

        state = judged(proposed(at.numbers, at.factor, evidence, first, tried, FREEDOM))
        if rounds:
            state, _ = jax.lax.scan(follow, state, jnp.stack(others))
        numbers, found = state
        some = numbers[resampled(found.weight, num, last)]
        return Drawn(some, found.khat, found.ess, found.log_mean, jax.tree.map(lambda a: a[0], at))

    return over_studies(one, problem, starts, keys)


def proposed(
    middles: Float[Array, "part number"],
    factors: Float[Array, "part number number"],
    evidence: Float[Array, " part"],
    key: Array,
    num: int,
    freedom: int,
) -> tuple[Float[Array, "draw number"], Float[Array, " draw"]]:
    """Draws of a mixture of Student-t's, each as much as its evidence says, and the logarithms of its density there."""
    size = middles.shape[1]
    which, normal, chi = jax.random.split(key, 3)
    log_share = jax.nn.log_softmax(evidence)
    place = jax.random.categorical(which, log_share, shape=(num,))
    z = jax.random.normal(normal, (num, size), middles.dtype)
    # χ² of an even number of degrees of freedom is minus twice the logarithm of a product of uniform numbers.
    uniform = jax.random.uniform(chi, (num, freedom // 2), middles.dtype, minval=TINY)
    z = z / jnp.sqrt(-2.0 * jnp.sum(jnp.log(uniform), axis=1, keepdims=True) / freedom)
    numbers = middles[place] + jnp.einsum("kij,kj->ki", factors[place], z)

    def log_t(middle: Array, factor: Array) -> Array:
        apart = jnp.linalg.inv(factor) @ (numbers - middle).T
        tail = -0.5 * (freedom + size) * jnp.log1p(jnp.sum(apart**2, axis=0) / freedom)
        whole = gammaln(0.5 * (freedom + size)) - gammaln(0.5 * freedom) - 0.5 * size * math.log(freedom * math.pi)
        return whole + tail - jnp.linalg.slogdet(factor)[1]

    # A start that led nowhere has neither share nor density.
    each = jnp.where(jnp.isfinite(log_share)[:, None], jax.vmap(log_t)(middles, factors), -jnp.inf)
    return numbers, jax.scipy.special.logsumexp(log_share[:, None] + each, axis=0)
