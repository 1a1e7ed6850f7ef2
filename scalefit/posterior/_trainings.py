"""Rows of one training share an offset: what is left of their density once it is integrated out."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..noise import AbstractNoise, Huber
from ._noise import log_density_of

POINTS = 15
"""Places at which the offset of a training is tried."""
ROUNDS = 6
"""Rounds in which its middle is found."""


def over_offsets(
    noise: AbstractNoise,
    residual: Float[Array, " run"],
    log_sharp: Float[Array, " run"],
    weight: Float[Array, " run"],
    training: Int[Array, " run"],
    log_s: Float[Array, ""],
    log_spread: Float[Array, ""],
) -> Float[Array, " training"]:
    r"""By training, $\log \int \prod_i p(r_i - b)\, N(b; 0, \tau^2)\, db$; 0 for numbers that name none.

    Gauss-Hermite quadrature about the offset that the training's own rows want, as wide as they leave it: exact for
    Gaussian noise.

    **Arguments:**

    - `residual`: Of each row, on the noise's scale.
    - `log_sharp`: Logarithm of what multiplies it before it is judged.
    - `weight`: 0 for padding.
    - `training`: The training of each row, below the number of rows.
    - `log_s`, `log_spread`: Logarithms of the scatter s and of the spread τ of the offsets.
    """
    count = residual.shape[0]

    def total(x: Array) -> Array:
        return jax.ops.segment_sum(x, training, count)

    def firmness(middle: Array) -> Array:
        """How strongly each row pulls: what it counts in least squares of its noise."""
        z = (residual - middle[training]) * jnp.exp(log_sharp - log_s)
        share = noise.weight(z * jnp.exp(log_s)) if isinstance(noise, Huber) else noise.weight(z)
        return weight * share * jnp.exp(2.0 * (log_sharp - log_s))

    own = jnp.exp(-2.0 * log_spread)
    middle = jnp.zeros(count, residual.dtype)
    for _ in range(ROUNDS):
        pull = firmness(middle)
        middle = total(pull * residual) / (total(pull) + own)
    width = 1.0 / jnp.sqrt(total(firmness(middle)) + own)
    node, share = (jnp.asarray(a, residual.dtype) for a in np.polynomial.hermite.hermgauss(POINTS))
    offset = middle[:, None] + jnp.sqrt(2.0) * width[:, None] * node
    shifted = residual[:, None] - offset[training]
    rows = log_density_of(noise, shifted * jnp.exp(log_sharp)[:, None], log_s) + log_sharp[:, None]
    inside = total(jnp.where(weight[:, None] > 0.0, rows, 0.0))
    prior = -0.5 * (offset * jnp.exp(-log_spread)) ** 2 - log_spread - 0.5 * jnp.log(jnp.pi)
    # The width and the weight exp(node²) of the quadrature; √2 has met the √2π of the offset's density.
    parts = jnp.log(share) + node**2 + inside + prior
    whole = jax.scipy.special.logsumexp(parts, axis=1) + jnp.log(width)
    return jnp.where(total(weight) > 0.0, whole, 0.0)
