"""Where the posterior density is largest, and how it falls off there."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..problem import LawCurve
from ._density import Problem, log_density

STEPS = 200
"""Newton steps to the mode."""
LONGEST = 3.0
"""The longest of them."""
NEAR, WORSE = 1.0, 12.0
"""Modes within this many standard deviations are one, and those with this much less log evidence are left out."""


class Mode(NamedTuple):
    """Where the density is largest, and a factor F of the covariance there: $F F^T$ is the inverse of the curvature."""

    numbers: Float[Array, " number"]
    factor: Float[Array, "number number"]
    density: Float[Array, ""]
    arrived: Bool[Array, ""]


class _Step(NamedTuple):
    numbers: Array
    factor: Array
    density: Array
    slope: Array
    bend: Array
    trial: Array
    damping: Array
    left: Array  # what the next step promises
    steps: Array


def mode(curve: LawCurve, start: Float[Array, " number"], problem: Problem) -> Mode:
    """Newton's way up from a start, along the directions of the curvature, each by its own amount."""

    def slope_of(numbers: Array) -> tuple[Array, tuple[Array, Array]]:
        value, slope = jax.value_and_grad(lambda at: log_density(curve, at, problem))(numbers)
        return slope, (value, slope)

    def further(s: _Step) -> Array:
        return (s.left > 1e-10) & (s.steps < STEPS) & (s.damping < 1e12)

    def step(s: _Step) -> _Step:
        # The density is written once, as each copy would be compiled: a start is a trial like any other.
        bend, (density, slope) = jax.jacfwd(slope_of, has_aux=True)(s.trial)
        good = (density >= s.density) & jnp.isfinite(density)
        tried = s.trial, density, slope, -bend
        numbers, density, slope, bend = (
            jnp.where(good, new, old) for new, old in zip(tried, (s.numbers, s.density, s.slope, s.bend), strict=True)
        )
        damping = jnp.where(good, 0.1 * s.damping, jnp.maximum(10.0 * s.damping, 1e-3))
        curvature, axes = jnp.linalg.eigh(bend)
        along, size = axes.T @ slope, jnp.maximum(jnp.abs(curvature), 1e-8)
        move = along / (size + damping)
        trial = numbers + axes @ (move * jnp.minimum(1.0, LONGEST / jnp.maximum(jnp.linalg.norm(move), 1e-30)))
        factor = axes / jnp.sqrt(jnp.maximum(curvature, 1e-8))
        return _Step(numbers, factor, density, slope, bend, trial, damping, jnp.sum(along**2 / size), s.steps + 1)

    count, dtype = start.shape[0], start.dtype
    none = jnp.zeros((count, count), dtype)
    low, zero, far = (jnp.asarray(v, dtype) for v in (-jnp.inf, 0.0, jnp.inf))
    first = _Step(start, none, low, jnp.zeros(count, dtype), none, start, zero, far, jnp.int32(0))
    last = jax.lax.while_loop(further, step, first)
    return Mode(last.numbers, last.factor, last.density, last.left <= 1e-6)


@functools.partial(jax.jit, static_argnames=("curve",))
def settled(curve: LawCurve, starts: Float[Array, "study number"], problem: Problem) -> Mode:
    """For each study, the mode that is reached from its start."""
    return over_studies(lambda start, own: mode(curve, start, own), problem, starts)


def over_studies(one: Callable[..., Any], problem: Problem, *each: Any) -> Any:
    """What a function of something and of the problem of a study gives, one study after the other."""
    rows = problem._replace(noise=None, prior=None)  # pyright: ignore[reportArgumentType]  they have no axis

    def of_one(given: Any) -> Any:
        *own, mine = given
        return one(*own, mine._replace(noise=problem.noise, prior=problem.prior))

    return jax.lax.map(of_one, (*each, rows))


def modes(
    curve: LawCurve, starts: Float[Array, "start number"], problem: Problem
) -> tuple[Mode, Float[Array, " start"]]:
    """The modes reached from several starts, best first, and the logarithm of the evidence of each by curvature.

    That of a mode already found, or of one that hardly counts, is minus infinity.
    """
    found = jax.vmap(lambda start: mode(curve, start, problem))(starts)
    _, volume = jnp.linalg.slogdet(found.factor)
    evidence = jnp.where(jnp.isfinite(found.density) & found.arrived, found.density + volume, -jnp.inf)
    order = jnp.argsort(-evidence)
    found, evidence = jax.tree.map(lambda a: a[order], (found, evidence))
    apart = found.numbers[:, None] - found.numbers[None]
    whitened = jax.vmap(jnp.linalg.solve, (0, 0))(found.factor, jnp.swapaxes(apart, 1, 2))
    same = jnp.sum(whitened**2, axis=1) < NEAR**2
    earlier = jnp.tril(same, -1).any(axis=1)
    return found, jnp.where(earlier | (evidence < evidence[0] - WORSE), -jnp.inf, evidence)
