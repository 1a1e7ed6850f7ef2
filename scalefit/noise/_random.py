"""Residuals of new runs."""

import math

import numpy as np
from jaxtyping import Float

from .._core import InputError
from ._noise import AbstractNoise, Gaussian, Huber, StudentT


def random_residuals(
    noise: AbstractNoise, scale: Float[np.ndarray, "*draw"], rng: np.random.Generator
) -> Float[np.ndarray, "*draw"]:
    """Draw a residual for each scale, from the noise's proper density.

    For Huber that is $\\propto e^{-\\rho_\\delta(r)/s^2}$: normal inside the knee, falling exponentially beyond.

    **Raises:** `InputError` for a noise that has none.
    """
    scale = np.asarray(scale, float)
    match noise:
        case Gaussian():
            return scale * rng.standard_normal(scale.shape)
        case StudentT():
            return scale * rng.standard_t(float(noise.df), scale.shape)
        case Huber():
            from scipy.special import erf, ndtri  # it takes a while to import

            knee = np.maximum(float(noise.delta) / scale, np.finfo(float).tiny)
            within = erf(knee / math.sqrt(2.0))
            inside = ndtri(0.5 + 0.5 * within * rng.uniform(-1.0, 1.0, scale.shape))
            beyond = rng.choice([-1.0, 1.0], scale.shape) * (knee + rng.exponential(1.0 / knee))
            # Masses, both divided by √2π s.
            tails = 2.0 * np.exp(-0.5 * knee**2) / knee / math.sqrt(2.0 * math.pi)
            return scale * np.where(rng.random(scale.shape) * (within + tails) < within, inside, beyond)
        case _:
            raise InputError(f"{type(noise).__name__} has no density here; expected Gaussian, StudentT or Huber.")
