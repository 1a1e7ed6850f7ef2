"""Draws from heavy-tailed distributions about the modes, weighed by how probable each is."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from ..estimate import LawCurve
from ._density import Problem, log_density
from ._mode import Mode, mode, modes, over_studies
from ._smooth import resampled, weigh

FREEDOM = 8.0
"""Degrees of freedom of the proposal: heavier tails than a posterior has."""
TOGETHER = 256
"""Draws that are judged side by side."""


class Drawn(NamedTuple):
    """Equally weighted draws of the sampled numbers, how good they are, and the logarithm of the evidence."""

    numbers: Float[Array, "*study draw number"]
    khat: Float[Array, "*study"]
    ess: Float[Array, "*study"]
    evidence: Float[Array, "*study"]
    at: Mode


@functools.partial(jax.jit, static_argnames=("curve", "num", "tried"))
def important(
    curve: LawCurve, starts: Float[Array, "study number"], problem: Problem, keys: Array, num: int, tried: int
) -> Drawn:
    """For each study, draws from about the one mode that is reached from its start.

    **Arguments:**

    - `tried`: Draws that are weighed for the `num` that are kept.
    """

    def one(start: Array, key: Array, own: Problem) -> Drawn:
        at = jax.tree.map(lambda a: a[None], mode(curve, start, own))
        return from_modes(curve, at, jnp.zeros(1), own, key, num, tried)

    return over_studies(one, problem, starts, keys)


@functools.partial(jax.jit, static_argnames=("curve", "num", "tried"))
def sought(
    curve: LawCurve, starts: Float[Array, "study start number"], problem: Problem, keys: Array, num: int, tried: int
) -> Drawn:
    """For each study, draws from about all of the modes that are reached from its starts."""

    def one(begin: Array, key: Array, own: Problem) -> Drawn:
        return from_modes(curve, *modes(curve, begin, own), own, key, num, tried)

    return over_studies(one, problem, starts, keys)


def from_modes(
    curve: LawCurve,
    at: Mode,
    evidence: Float[Array, " mode"],
    problem: Problem,
    key: Array,
    num: int,
    tried: int,
) -> Drawn:
    """Draws of one study from a mixture of Student-t's about its modes, each as much as its evidence says."""
    own, kept = jax.random.split(key)
    numbers, log_proposal = proposed(at, evidence, own, tried)
    density = jax.lax.map(lambda u: log_density(curve, u, problem), numbers, batch_size=TOGETHER)
    found = weigh(density - log_proposal)
    some = numbers[resampled(found.weight, num, kept)]
    return Drawn(some, found.khat, found.ess, found.log_mean, jax.tree.map(lambda a: a[0], at))


def proposed(
    at: Mode, evidence: Float[Array, " mode"], key: Array, num: int
) -> tuple[Float[Array, "draw number"], Float[Array, " draw"]]:
    """Draws of the mixture, and the logarithms of its density there."""
    size = at.numbers.shape[1]
    which, normal, chi = jax.random.split(key, 3)
    log_share = jax.nn.log_softmax(evidence)
    place = jax.random.categorical(which, log_share, shape=(num,))
    z = jax.random.normal(normal, (num, size), at.numbers.dtype)
    z = z / jnp.sqrt(jax.random.chisquare(chi, FREEDOM, (num, 1), at.numbers.dtype) / FREEDOM)
    numbers = at.numbers[place] + jnp.einsum("kij,kj->ki", at.factor[place], z)

    def log_t(middle: Array, factor: Array) -> Array:
        apart = jnp.linalg.solve(factor, (numbers - middle).T)
        tail = -0.5 * (FREEDOM + size) * jnp.log1p(jnp.sum(apart**2, axis=0) / FREEDOM)
        whole = gammaln(0.5 * (FREEDOM + size)) - gammaln(0.5 * FREEDOM) - 0.5 * size * math.log(FREEDOM * math.pi)
        return whole + tail - jnp.linalg.slogdet(factor)[1]

    # A start that led nowhere has neither share nor density.
    each = jnp.where(jnp.isfinite(log_share)[:, None], jax.vmap(log_t)(at.numbers, at.factor), -jnp.inf)
    return numbers, jax.scipy.special.logsumexp(log_share[:, None] + each, axis=0)
