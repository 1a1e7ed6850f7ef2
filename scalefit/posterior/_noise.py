"""Proper densities of the noises, of which a fit needs the costs alone, and their derivatives.

Of NumPy arrays in NumPy, of JAX arrays in JAX.
"""

import math
from typing import Any

import jax
import numpy as np

from .._core import InputError
from ..noise import AbstractNoise, Gaussian, Huber, StudentT
from ..solve import namespace

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def log_density(noise: AbstractNoise, residual: Any, log_s: Any) -> Any:
    r"""The logarithm of the density of a residual r, with $z = r/s$.

    Gaussian: $-z^2/2 - \log s\sqrt{2\pi}$. Student-t with ν degrees of freedom. Huber:
    $-\rho_\delta(r)/s^2 - \log Z$ with
    $Z = s\sqrt{2\pi}\,\mathrm{erf}(\delta/s\sqrt2) + 2 (s^2/\delta) e^{-\delta^2/2s^2}$, normal inside the knee δ and
    falling exponentially beyond.

    **Raises:** `InputError` for a noise that is none of these.
    """
    xp = namespace(residual)
    z = residual * xp.exp(-log_s)
    match noise:
        case Gaussian():
            return -0.5 * z * z - (log_s + HALF_LOG_TWO_PI)
        case StudentT():
            df = noise.df
            log_gamma = math.lgamma if xp is np else jax.scipy.special.gammaln
            whole = log_gamma(0.5 * (df + 1.0)) - log_gamma(0.5 * df) - 0.5 * xp.log(df * math.pi)
            return whole - log_s - 0.5 * (df + 1.0) * xp.log(1.0 + z * z / df)
        case Huber():
            knee = noise.delta * xp.exp(-log_s)
            inside = xp.clip(z, -knee, knee)
            normal, tails = _huber_masses(xp, knee)
            return inside * (0.5 * inside - z) - (log_s + xp.log(normal + tails))
    raise without_density(noise)


def scores(noise: AbstractNoise, residual: Any, log_s: Any) -> tuple[Any, Any]:
    """The derivatives of `log_density` in the residual and in log s."""
    xp = namespace(residual)
    shrink = xp.exp(-log_s)
    z = residual * shrink
    match noise:
        case Gaussian():
            return -z * shrink, z * z - 1.0
        case StudentT():
            psi = (noise.df + 1.0) * z / (noise.df + z * z)
            return -psi * shrink, z * psi - 1.0
        case Huber():
            knee = noise.delta * shrink
            inside = xp.clip(z, -knee, knee)
            normal, tails = _huber_masses(xp, knee)
            return -inside * shrink, inside * (2.0 * z - inside) - 1.0 - tails / (normal + tails)
    raise without_density(noise)


def normal_share(noise: AbstractNoise, residual: Any, log_s: Any) -> Any:
    """What a residual counts in least squares, beside one in the normal centre."""
    return noise.weight(residual if isinstance(noise, Huber) else residual * np.exp(-log_s))


def without_density(noise: AbstractNoise) -> InputError:
    """The error of a noise that nothing can be sampled with."""
    return InputError("noise", noise, "one with a density: Gaussian, StudentT or Huber of scalefit.noise")


def _huber_masses(xp: Any, knee: Any) -> tuple[Any, Any]:
    """The masses inside the knee and beyond, in units of the scatter, of which the knee is given."""
    if xp is np:
        from scipy.special import erf  # it takes a while to import
    else:
        erf = jax.scipy.special.erf
    return math.sqrt(2.0 * math.pi) * erf(knee / math.sqrt(2.0)), 2.0 * xp.exp(-0.5 * knee * knee) / knee
