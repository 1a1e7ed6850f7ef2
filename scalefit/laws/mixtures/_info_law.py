"""Information gathered from buckets of different quality, of which some are seen again and again."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, axis, nonnegative, positive, real
from .._abstract import AbstractLaw
from .._formula import number, numbers, power
from .._inputs import SHARE


class InfoLaw(AbstractLaw):
    r"""A power law of the information in buckets of falling quality: $L = \alpha\,I^{-\beta}$.

    $I = \sum_d e^{-\theta d}\,M_d\log D\,(1 - e^{-\lambda R_d/\log D})$ with $\lambda = a\log N + b$. Of bucket d, from
    0 on, a run takes $w_d D$ tokens: $M_d = \min(w_d D, U_d)$ different ones, each $R_d = w_d D/M_d$ times. Larger
    models take more from the first pass and less from later ones. `bucket` names the buckets, the best first: their
    order says their quality. It is convex in the weights where λ is above 0, with a kink where a bucket is seen once.

    Source: Zhou et al. 2026 (arXiv 2605.02364).
    """

    inputs: ClassVar[Mapping[str, str]] = {"w[bucket]": SHARE, "U[bucket]": "tokens", "N": "parameters", "D": "tokens"}
    bucket: tuple[str, ...] = axis()
    convex_in: ClassVar[tuple[str, ...]] = ("w",)

    alpha: Param = nonnegative(unit="target·tokens^beta", amplitude=True, typical=(0.05, 1.0))
    beta: Param = nonnegative(typical=(0.02, 0.5))
    theta: Param = nonnegative(typical=(0.05, 3.0))
    a: Param = positive(typical=(0.01, 1.0))
    b: Param = real(typical=(-0.2, 0.2))

    def __call__(self, w: Any, U: Any, N: Scalar, D: Scalar) -> Scalar:
        """The loss of N parameters after D tokens, the share w[d] of them from a bucket that holds U[d] tokens."""
        w, U, D = jnp.asarray(w), numbers(U), number(D)
        log_tokens, rate = jnp.log(D), self.a * jnp.log(number(N)) + self.b
        taken, passes = w * D, jnp.maximum(w * D / U, 1.0)
        learnt = -log_tokens * jnp.expm1(-rate * passes / log_tokens)
        quality = jnp.exp(-self.theta * jnp.arange(w.shape[-1], dtype=w.dtype))
        return self.alpha * power(jnp.sum(quality * jnp.minimum(taken, U) * learnt), -self.beta)
