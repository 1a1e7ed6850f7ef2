"""How probable parameters are after the runs: the posterior density, its mode, and the curvature there."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from ..estimate import LawCurve
from ..noise import AbstractNoise, Gaussian, Huber, StudentT
from ..solve import Data, Lanes, predictions
from ._prior import Prior, free_numbers_of, log_prior

STEPS = 200
"""Newton steps to the mode."""
LONGEST = 3.0
"""The longest of them."""
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class Problem(NamedTuple):
    """One study: its runs, how they scatter, and what was known before."""

    data: Data
    noise: AbstractNoise
    prior: Prior


def log_likelihoods(curve: LawCurve, numbers: Float[Array, " number"], problem: Problem) -> Float[Array, " run"]:
    r"""The logarithm of the probability density of each run, on the noise's scale; 0 for padding.

    The residual r is in units of the scatter s, $z = r/s$. Gaussian: $-z^2/2 - \log s\sqrt{2\pi}$. Student-t with ν
    degrees of freedom. Huber: $-\rho_\delta(r)/s^2 - \log Z$ with
    $Z = s\sqrt{2\pi}\,\mathrm{erf}(\delta/s\sqrt2) + 2 (s^2/\delta) e^{-\delta^2/2s^2}$, normal inside the knee δ and
    falling exponentially beyond.
    """
    data, noise = problem.data, problem.noise
    rows = Lanes(data.point, data.target, data.weight, data.precision, data.constant)
    theta = jnp.stack(free_numbers_of(curve, numbers))[None]
    value = predictions(curve, theta, rows)[0]
    residual = data.target[0] - (jnp.log(value) if noise.log else value)
    sharpness = jnp.zeros(())
    if data.precision is not None:
        residual, sharpness = residual * data.precision[0], jnp.log(data.precision[0])
    log_s = numbers[-1] if noise.log else numbers[-1] + jnp.log(data.constant[0, len(curve.units)])
    return jnp.where(data.weight[0] > 0.0, data.weight[0] * (_log_density(noise, residual, log_s) + sharpness), 0.0)


def _log_density(noise: AbstractNoise, residual: Array, log_s: Array) -> Array:
    match noise:
        case Gaussian():
            z = residual * jnp.exp(-log_s)
            return -0.5 * z * z - log_s - HALF_LOG_TWO_PI
        case StudentT():
            df = jnp.asarray(noise.df, residual.dtype)
            whole = gammaln(0.5 * (df + 1.0)) - gammaln(0.5 * df) - 0.5 * jnp.log(df * math.pi)
            return whole - noise.rho(residual * jnp.exp(-log_s)) - log_s
        case Huber():
            knee = jnp.asarray(noise.delta, residual.dtype) * jnp.exp(-log_s)
            inside = HALF_LOG_TWO_PI + jnp.log(jax.scipy.special.erf(knee / math.sqrt(2.0)))
            beyond = math.log(2.0) - jnp.log(knee) - 0.5 * knee * knee
            return -noise.rho(residual) * jnp.exp(-2.0 * log_s) - log_s - jnp.logaddexp(inside, beyond)
        case _:
            raise TypeError(f"{type(noise).__name__} has no density")


def log_density(curve: LawCurve, numbers: Float[Array, " number"], problem: Problem) -> Float[Array, ""]:
    """The logarithm of the posterior density, but for a constant; minus infinity where the law gives no number."""
    prior = log_prior(problem.prior, curve, numbers, problem.data.constant[0])
    total = jnp.sum(log_likelihoods(curve, numbers, problem)) + prior
    return jnp.where(jnp.isfinite(total), total, -jnp.inf)


class Mode(NamedTuple):
    """Where the density is largest, and a factor F of the covariance there: $F F^T$ is the inverse of the curvature."""

    numbers: Float[Array, " number"]
    factor: Float[Array, "number number"]
    density: Float[Array, ""]
    steps: Array


class _Step(NamedTuple):
    mode: Mode
    damping: Array
    left: Array  # what the next step promises


@functools.partial(jax.jit, static_argnames=("curve",))
def mode(curve: LawCurve, start: Float[Array, " number"], problem: Problem) -> Mode:
    """Newton's way up from a start, along the directions of the curvature, each by its own amount."""

    def density(numbers: Array) -> Array:
        return log_density(curve, numbers, problem)

    def further(s: _Step) -> Array:
        return (s.left > 1e-10) & (s.mode.steps < STEPS) & (s.damping < 1e12)

    def step(s: _Step) -> _Step:
        at = s.mode
        slope = jax.grad(density)(at.numbers)
        bend, axes = jnp.linalg.eigh(-jax.hessian(density)(at.numbers))
        along, size = axes.T @ slope, jnp.maximum(jnp.abs(bend), 1e-8)
        move = along / (size + s.damping)
        numbers = at.numbers + axes @ (move * jnp.minimum(1.0, LONGEST / jnp.maximum(jnp.linalg.norm(move), 1e-30)))
        there = density(numbers)
        good = there >= at.density
        # The curvature is that where the step began, from which the last one hardly moves.
        factor = axes / jnp.sqrt(jnp.maximum(bend, 1e-8))
        numbers, there = jnp.where(good, numbers, at.numbers), jnp.where(good, there, at.density)
        damping = jnp.where(good, 0.1 * s.damping, jnp.maximum(10.0 * s.damping, 1e-3))
        return _Step(Mode(numbers, factor, there, at.steps + 1), damping, jnp.sum(along**2 / size))

    none = jnp.zeros((start.shape[0], start.shape[0]), start.dtype)
    first = _Step(Mode(start, none, density(start), jnp.int32(0)), jnp.zeros(()), jnp.full((), jnp.inf))
    return jax.lax.while_loop(further, step, first).mode
