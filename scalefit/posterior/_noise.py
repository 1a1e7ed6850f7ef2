"""Proper densities of the noises, of which a fit needs the costs alone."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln

from ..noise import AbstractNoise, Gaussian, Huber, StudentT

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def log_density_of(noise: AbstractNoise, residual: Any, log_s: Any) -> Any:
    r"""The logarithm of the density of a residual r, with $z = r/s$.

    Gaussian: $-z^2/2 - \log s\sqrt{2\pi}$. Student-t with ν degrees of freedom. Huber:
    $-\rho_\delta(r)/s^2 - \log Z$ with
    $Z = s\sqrt{2\pi}\,\mathrm{erf}(\delta/s\sqrt2) + 2 (s^2/\delta) e^{-\delta^2/2s^2}$, normal inside the knee δ and
    falling exponentially beyond.

    **Raises:** `TypeError` for a noise that is none of these.
    """
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
