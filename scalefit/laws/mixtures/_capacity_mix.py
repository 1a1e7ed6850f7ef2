"""Domains compete for the parameters of a model."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, axis, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power
from .._implicit import implicit_root
from .._inputs import SHARE, Label, Weights


class CapacityMix(AbstractLaw):
    r"""Domains share the capacity: $L_i = c_i x_i^{-b_i} + A_i (D w_i)^{-a_i} + E_i$, x the best division of N.

    $x = \arg\min \sum_j w_j c_j x_j^{-b_j}$ with $\sum_j x_j = N + (K-1)H$ and $x_j \ge H$: H parameters serve every
    domain. The multiplier of that sum is found by bisection, and differentiated by the equation it solves. The label
    `target` of a run says whose loss i it is, by the name of a domain; one fit is of all of them.

    Source: arXiv 2606.08167 (the law that its released code fits).
    """

    inputs: ClassVar[Mapping[str, Any]] = {
        "w": Weights(SHARE, "domain"), "N": "parameters", "D": "tokens", "target": Label(axis="domain"),
    }  # fmt: skip
    domain: tuple[str, ...] = axis()

    c: Param = positive(
        unit="target·parameters^b", dims={"parameters": lambda law: law.b}, typical=(0.02, 1.0), of_target=True,
        axis="domain",
    )  # fmt: skip
    b: Param = positive(axis="domain")
    A: Param = nonnegative(
        unit="target·tokens^a", amplitude=True, dims={"tokens": lambda law: law.a}, typical=(0.02, 1.0), axis="domain"
    )
    a: Param = positive(axis="domain")
    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0), axis="domain")
    H: Param = positive(unit="parameters", dims={"parameters": 1.0}, typical=(0.005, 0.5))

    def __call__(self, w: Any, N: Scalar, D: Scalar, target: Any) -> Scalar:
        """The loss on a domain, by its place, of N parameters after D tokens, the share w[i] of them from domain i."""
        w, c, b = jnp.asarray(w), jnp.asarray(self.c), jnp.asarray(self.b)
        N, D, H = (jnp.asarray(number(a)) for a in (N, D, self.H))
        there, others = w > 0.0, w.shape[-1] - 1
        # The logarithm of what a domain gains by its first parameter: x to the power of -(b + 1) of it by any other.
        gain = jnp.where(there, jnp.log(jnp.where(there, w, 1.0) * c * b), -jnp.inf)

        # What an implicit root depends on must come in as an argument, w too.
        def sizes(log_price: Any, H: Any, gain: Any, b: Any, w: Any) -> Any:
            return jnp.where(w > 0.0, jnp.maximum(jnp.exp((gain - log_price) / (b + 1.0)), H), H)

        def excess(log_price: Any, N: Any, H: Any, gain: Any, b: Any, w: Any) -> Any:
            return jnp.log(jnp.sum(sizes(log_price, H, gain, b, w))) - jnp.log(N + others * H)

        # At the first price one domain takes everything, at the second none takes more than H.
        most, least = (jnp.max(gain - (b + 1.0) * jnp.log(x)) for x in (N + others * H, H))
        gain = jnp.where(there, gain, 0.0)
        log_price = implicit_root(excess, (most, least), N, H, gain, b, w)
        x = sizes(log_price, H, gain, b, w)[target]
        seen = power(D * w[target], -jnp.asarray(self.a)[target])
        return c[target] * power(x, -b[target]) + jnp.asarray(self.A)[target] * seen + jnp.asarray(self.E)[target]
