r"""Groups that are alike: their joint density, its modes, and coordinates in which it is about a standard normal.

Each group's numbers are $u_g \sim N(\mu, \tau^2)$; the middle μ has the law's own weak prior, or the caller's, and τ is
half-normal.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Bool, Float

from ..noise import AbstractNoise
from ._density import Likelihood
from ._mode import Ascent, Curved, ascend, curved, small
from ._nuts import Chains, nuts
from ._prior import Prior, given_density

CHAINS = 16
"""Chains side by side."""


class Population(NamedTuple):
    """Middle and log spread of the groups' numbers; of those that are not pooled, of their prior."""

    middle: Float[Any, "*draw number"]
    log_spread: Float[Any, "*draw number"]


@dataclasses.dataclass(frozen=True, eq=False)
class Hierarchy:
    """Groups, and what is known of them before.

    **Arguments:**

    - `likelihood`: The density of their runs.
    - `prior`: Of the middle of the population and, of numbers that are not pooled, of each group's own.
    - `between`: Scale of the half-normal prior of each number's spread between groups.
    - `pooled`: Which numbers are of a population.
    """

    likelihood: Likelihood
    prior: Prior
    between: Float[np.ndarray, " number"]
    pooled: Bool[np.ndarray, " number"]

    def modes(self, start: Float[np.ndarray, "group number"], population: Population, learn: bool) -> "Modes":
        """The most probable numbers of all groups at once.

        With `learn`, the population follows them as by expectation and maximisation, which leaves a spread where two
        numbers of few groups alone would leave none.
        """
        free, constant = self.prior.curve.size, self.likelihood.law.constant
        where = population

        def runs(at: np.ndarray) -> Curved:
            return curved(self.likelihood.slopes, at, small(at, free))

        def prior(at: np.ndarray) -> Curved:
            own = in_population(self.prior, self.pooled, where)
            return curved(lambda u: own.slopes(u, constant), at, np.full(at.shape, 1e-4))

        for step, last in enumerate(ascend(runs, prior, start, longest=2.0)):
            if step == 120 or (not learn and np.all((last.left < 1e-12) | last.stuck)):
                curvature, axes = np.linalg.eigh(-last.runs.hessian)
                curvature = np.einsum("gij,gj,gkj->gik", axes, np.maximum(curvature, 0.0), axes)
                return Modes(last.numbers, last.runs.slope, curvature, where, last.left)
            where = self._learnt(last, where) if learn else where
        raise AssertionError

    def _learnt(self, at: Ascent, population: Population) -> Population:
        spread2, known, groups = np.exp(2.0 * population.log_spread), 1.0 / self.prior.spread**2, len(at.numbers)
        middle = at.numbers.sum(axis=0) / spread2 + self.prior.centre * known
        middle = middle / (groups / spread2 + known)
        unsure = np.sum(at.axes**2 / np.maximum(at.curvature, 1.0 / np.max(spread2))[:, None], axis=-1)
        apart = np.sum((at.numbers - middle) ** 2 + unsure, axis=0)
        # The root of d/d log τ of -G log τ - apart/2τ² - τ²/2b² + log τ.
        most, b2 = groups - 1.0, self.between**2
        spread2 = 0.5 * b2 * (np.sqrt(most**2 + 4.0 * apart / b2) - most)
        # A law that meets every run of a small group leaves it no scatter, and the spread would follow without end.
        spread2[-1] = min(spread2[-1], 4.0 * b2[-1])
        return Population(
            np.where(self.pooled, middle, population.middle),
            np.where(self.pooled, 0.5 * np.log(spread2), population.log_spread),
        )

    def sample(
        self, at: "Modes", rng: np.random.Generator, num: int
    ) -> tuple[Float[np.ndarray, "chain draw group number"], Population, Chains]:
        """Draws by chain of the groups' numbers and of the population, and the chains themselves.

        First chains say how wide each coordinate is, as a group of few runs has far longer tails than its curvature
        says.
        """
        pooled, data = tuple(self.pooled.tolist()), self._arrays(at)
        width = np.ones(at.numbers.size + 2 * int(self.pooled.sum()))

        def slopes(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with jax.enable_x64(True):
                value, slope = _slopes(pooled, z, width, *data)
                return np.asarray(value), np.asarray(slope)

        start = rng.standard_normal((CHAINS, width.size))
        found = nuts(slopes, start, rng, num=40, step=np.array([0.4]), accepted=0.9, depth=5)
        width = np.clip(np.std(found.numbers, axis=(0, 1)), 0.5, 8.0)
        start = found.numbers[:, -1] / width
        found = nuts(slopes, start, rng, num=num, step=found.step, accepted=0.9, depth=5)
        parts = []
        with jax.enable_x64(True):
            for draw in range(num):
                parts.append([np.asarray(a) for a in _unfolded_all(pooled, found.numbers[:, draw] * width, *data[:2])])
        numbers, middle, log_spread = (np.stack(part, axis=1) for part in zip(*parts, strict=True))
        return numbers, Population(middle, log_spread), found

    def _arrays(self, at: "Modes") -> tuple[Any, ...]:
        """What the joint density is made of, where it is compiled."""
        of = self.likelihood
        assert of.groups is not None
        group = np.repeat(np.arange(len(of.groups)), np.diff(of.groups, append=len(of.target)))
        rows = of.law.point, of.target, of.log_sharp, group, of.unit, of.law.constant
        with jax.enable_x64(True):
            return jax.device_put((at, self.prior, self.between, rows, of.noise))


class Modes(NamedTuple):
    """The most probable numbers of each group in a population.

    **Arguments:**

    - `numbers`: Where.
    - `slope`, `curvature`: Gradient and curvature there of what the runs alone say, the latter without negative parts.
    - `population`: Of which they are.
    - `left`: How much each group could still gain by a step.
    """

    numbers: Float[Any, "group number"]
    slope: Float[Any, "group number"]
    curvature: Float[Any, "group number number"]
    population: Population
    left: Float[Any, " group"]


def in_population(prior: Prior, pooled: Bool[np.ndarray, " number"], at: Population) -> Prior:
    """The prior of the numbers of a group: of the population, or their own where they are not pooled."""
    xp: Any = jnp if isinstance(at.middle, jax.Array) else np
    alone = {i: d for i, d in prior.given.items() if not pooled[i]}
    return dataclasses.replace(
        prior,
        centre=xp.where(pooled, at.middle, prior.centre),
        spread=xp.where(pooled, xp.exp(at.log_spread), prior.spread),
        odds=prior.odds & ~pooled,
        given=alone,
    )


def joint_density(
    numbers: Float[Array, "group number"], at: Population, prior: Prior, between: Array, pooled: tuple[bool, ...],
    rows: Any, noise: AbstractNoise,
) -> Float[Array, ""]:  # fmt: skip
    """The logarithm of the joint density of groups and population, but for a constant."""
    point, target, log_sharp, group, unit, constant = rows
    of_population = np.array(pooled)
    theta = prior.columns(numbers[group], constant)
    value = jax.vmap(lambda at, *theta: prior.curve(theta, at, constant))(point, *theta)
    residual = target - (jnp.log(value) if noise.log else value)
    log_s = numbers[group, -1] + unit
    total = jnp.sum(noise.log_density(residual * jnp.exp(log_sharp), log_s) + log_sharp)
    own = in_population(prior, of_population, at)
    total += jnp.sum(own.usual(numbers) * np.array([i not in own.given for i in range(len(pooled))]))
    total += jnp.sum(jax.vmap(lambda one: given_density(own, one, constant))(numbers))
    common = dataclasses.replace(prior, given={i: d for i, d in prior.given.items() if pooled[i]})
    usual = of_population & np.array([i not in common.given for i in range(len(pooled))])
    total += jnp.sum(jnp.where(usual, common.usual(at.middle), 0.0))
    total += given_density(common, jnp.where(of_population, at.middle, prior.centre), constant)
    share = jnp.exp(at.log_spread) / between
    total += jnp.sum(jnp.where(of_population, at.log_spread - 0.5 * share * share, 0.0))
    return jnp.where(jnp.isfinite(total), total, -jnp.inf)


@functools.partial(jax.jit, static_argnames=("pooled",))
def _slopes(
    pooled: tuple[bool, ...], z: Float[Array, "chain place"], width: Array, at: Modes, prior: Prior, between: Array,
    rows: Any, noise: AbstractNoise,
) -> tuple[Array, Array]:  # fmt: skip
    def one(z: Array) -> Array:
        numbers, population, volume = _unfolded(pooled, z * width, at, prior)
        return joint_density(numbers, population, prior, between, pooled, rows, noise) + volume

    return jax.vmap(jax.value_and_grad(one))(z)


@functools.partial(jax.jit, static_argnames=("pooled",))
def _unfolded_all(pooled: tuple[bool, ...], z: Float[Array, "chain place"], at: Modes, prior: Prior) -> Any:
    def one(place: Array) -> Any:
        numbers, population, _ = _unfolded(pooled, place, at, prior)
        return numbers, *population

    return jax.vmap(one)(z)


def _unfolded(
    pooled: tuple[bool, ...], z: Float[Array, " place"], at: Modes, prior: Prior
) -> tuple[Float[Array, "group number"], Population, Float[Array, ""]]:
    r"""Numbers and population from standard coordinates, and the logarithm of the volume.

    Were what runs say of a group normal, with curvature $H_g$, then given τ the middle and given both each group's
    numbers would be normal; the coordinates are those in which all these are standard normal. So a number that its
    runs tell is taken as it is, one that they do not as a deviation from the middle in units of τ, and any direction
    in between as it should be.
    """
    places = np.flatnonzero(pooled)
    count, size = at.numbers.shape
    own, middle, spread = jnp.split(z, [count * size, count * size + len(places)])
    log_spread = at.population.log_spread.at[places].add(spread / jnp.sqrt(2.0 * count))
    T = jnp.exp(log_spread)
    H, h = at.curvature, at.slope + jnp.einsum("gij,gj->gi", at.curvature, at.numbers)
    L = jnp.linalg.cholesky(jnp.eye(size) + T[:, None] * H * T)
    whole = jnp.concatenate([T[:, None] * H, (T * h)[..., None]], axis=-1)
    half = solve_triangular(L, whole, lower=True)
    V, v = half[..., :size], half[..., size]
    # What all groups say of the middle: Σ (H⁻¹ + T²)⁻¹ and its product with where they would have it.
    told = jnp.sum(H - jnp.swapaxes(V, 1, 2) @ V, axis=0)
    where = jnp.sum(h - jnp.einsum("gji,gj->gi", V, v), axis=0)
    held = jnp.where(np.array(pooled), 0.0, at.population.middle)
    known = 1.0 / prior.spread**2
    where = (where - told @ held + known * prior.centre)[places]
    M = jnp.linalg.cholesky(told[np.ix_(places, places)] + jnp.diag(known[places]))
    mean = cho_solve((M, True), where) + solve_triangular(M, middle, lower=True, trans="T")
    mu = at.population.middle.at[places].set(mean)
    pull = v - jnp.einsum("gij,j->gi", V, mu) + own.reshape(count, size)
    numbers = mu + T * solve_triangular(L, pull[..., None], lower=True, trans="T")[..., 0]
    volume = count * jnp.sum(log_spread) - jnp.sum(jnp.log(jnp.diagonal(L, axis1=1, axis2=2)))
    return numbers, Population(mu, log_spread), volume - jnp.sum(jnp.log(jnp.diagonal(M)))
