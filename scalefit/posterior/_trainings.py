"""Rows of one training share an offset: what is left of their density once it is integrated out."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..noise import AbstractNoise, Gaussian, Huber
from ._noise import log_density_of

POINTS, STRETCH = 21, 1.5
"""Places at which the offset of a training is tried, spread wider than its density, whose tails may be heavy. If rows
of one training lie ten scatters and more apart, it has several likely offsets, and some tenths of a nat are lost."""
ROUNDS = 4
"""Rounds in which its middle is found."""


def over_offsets(
    noise: AbstractNoise,
    residual: Float[Array, "training row"],
    log_sharp: Float[Array, "training row"],
    real: Bool[Array, "training row"],
    log_s: Float[Array, ""],
    log_spread: Float[Array, ""],
) -> Float[Array, " training"]:
    r"""By training, $\log \int \prod_i p(r_i - b)\, N(b; 0, \tau^2)\, db$; 0 for those without a row.

    In closed form for Gaussian noise, elsewhere by Gauss-Hermite quadrature about the offset that the training's own
    rows want, as wide as they leave it.

    **Arguments:**

    - `residual`: Of each row, on the noise's scale.
    - `log_sharp`: Logarithm of what multiplies it before it is judged.
    - `real`: Which are rows and not padding.
    - `log_s`, `log_spread`: Logarithms of the scatter s and of the spread τ of the offsets.
    """
    residual = jnp.where(real, residual, 0.0)
    # How strongly each row would pull if all lay in the noise's normal centre.
    firm = jnp.where(real, jnp.exp(2.0 * (log_sharp - log_s)), 0.0)
    own = jnp.exp(-2.0 * log_spread)
    pull, middle = firm, jnp.zeros(residual.shape[0], residual.dtype)
    for _ in range(1 if isinstance(noise, Gaussian) else ROUNDS):
        pull = firm * _share(noise, (residual - middle[:, None]) * jnp.exp(log_sharp - log_s), log_s)
        middle = jnp.sum(pull * residual, axis=1) / (jnp.sum(pull, axis=1) + own)
    whole = jnp.sum(pull, axis=1) + own
    if isinstance(noise, Gaussian):
        rows = log_density_of(noise, (residual - middle[:, None]) * jnp.exp(log_sharp), log_s) + log_sharp
        found = jnp.sum(jnp.where(real, rows, 0.0), axis=1) - 0.5 * own * middle**2
        return jnp.where(real.any(axis=1), found - log_spread - 0.5 * jnp.log(whole), 0.0)
    width = STRETCH / jnp.sqrt(whole)
    node, share = (jnp.asarray(a, residual.dtype) for a in np.polynomial.hermite.hermgauss(POINTS))
    # Trainings come last: sums over rows run across them, side by side.
    node, share = node[:, None], share[:, None]
    offset = middle + jnp.sqrt(2.0) * width * node
    shifted = (residual.T[:, None] - offset) * jnp.exp(log_sharp.T)[:, None]
    rows = log_density_of(noise, shifted, log_s) + log_sharp.T[:, None]
    inside = jnp.sum(jnp.where(real.T[:, None], rows, 0.0), axis=0)
    prior = -0.5 * (offset * jnp.exp(-log_spread)) ** 2 - log_spread - 0.5 * jnp.log(jnp.pi)
    # The width and the weight exp(node²) of the quadrature; √2 has met the √2π of the offset's density.
    found = jax.scipy.special.logsumexp(jnp.log(share) + node**2 + inside + prior, axis=0) + jnp.log(width)
    return jnp.where(real.any(axis=1), found, 0.0)


def _share(noise: AbstractNoise, z: Array, log_s: Array) -> Array:
    """What a row counts in least squares of its noise, beside one in the normal centre."""
    return noise.weight(z * jnp.exp(log_s)) if isinstance(noise, Huber) else noise.weight(z)
