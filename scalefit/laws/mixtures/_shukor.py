"""Laws of size, tokens and weights of domains together."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from ...params import Param, Scalar, axis, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import power
from .._inputs import SHARE


def _of_weights(C: Any, gamma: Any, w: Any) -> Any:
    """1 over the sum of C w^gamma; a domain without weight adds nothing to it, whatever its gamma."""
    there = jnp.asarray(w) > 0.0
    return 1.0 / jnp.sum(
        jnp.where(there, jnp.asarray(C) * jnp.exp(jnp.asarray(gamma) * jnp.log(jnp.where(there, w, 1.0))), 0.0)
    )


class MixingAdditive(AbstractLaw):
    r"""Weights, size and tokens add: $L = E + 1/\sum_i C_i w_i^{\gamma_i} + A N^{-\alpha} + B D^{-\beta}$.

    The best weights are then the same at every size. It is convex in them where no γ is above 1.

    Source: Shukor et al. 2025 (arXiv 2507.09404, additive law).
    """

    inputs: ClassVar[Mapping[str, str]] = {"w[domain]": SHARE, "N": "parameters", "D": "tokens"}
    domain: tuple[str, ...] = axis()

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    C: Param = positive(unit="1/target", typical=(0.3, 30.0), axis="domain")
    gamma: Param = positive(typical=(0.1, 1.0), axis="domain")
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()

    @property
    def convex_in(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]  it depends on gamma
        """The weights, where the sum is concave in them."""
        return ("w",) if np.all(np.asarray(self.gamma) <= 1.0) else ()

    def __call__(self, w: Any, N: Scalar, D: Scalar) -> Scalar:
        """The loss on a target of N parameters after D tokens, the share w[i] of them from domain i."""
        of_sizes = self.A * power(N, -self.alpha) + self.B * power(D, -self.beta)
        return self.E + _of_weights(self.C, self.gamma, w) + of_sizes


class MixingJoint(AbstractLaw):
    r"""Weights change all terms: $L = E + 1/\sum_i C_i w_i^{\gamma_i} + A_w N^{-\alpha} + B_w D^{-\beta}$.

    $A_w = (\sum_i A_i w_i)^{\gamma_A}$ and $B_w = (\sum_i B_i w_i)^{\gamma_B}$, so that the best weights change with
    the size.

    Source: Shukor et al. 2025 (arXiv 2507.09404, joint law).
    """

    inputs: ClassVar[Mapping[str, str]] = {"w[domain]": SHARE, "N": "parameters", "D": "tokens"}
    domain: tuple[str, ...] = axis()

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    C: Param = positive(unit="1/target", typical=(0.3, 30.0), axis="domain")
    gamma: Param = positive(typical=(0.1, 1.0), axis="domain")
    A: Param = positive(
        unit="(target·parameters^alpha)^(1/gamma_A)",
        dims={"parameters": lambda law: law.alpha / law.gamma_A},
        typical=(0.02, 1.0),
        axis="domain",
    )
    B: Param = positive(
        unit="(target·tokens^beta)^(1/gamma_B)",
        dims={"tokens": lambda law: law.beta / law.gamma_B},
        typical=(0.02, 1.0),
        axis="domain",
    )
    gamma_A: Param = positive(typical=(0.5, 2.0))
    gamma_B: Param = positive(typical=(0.5, 2.0))
    alpha: Param = positive()
    beta: Param = positive()

    def __call__(self, w: Any, N: Scalar, D: Scalar) -> Scalar:
        """The loss on a target of N parameters after D tokens, the share w[i] of them from domain i."""
        w = jnp.asarray(w)
        A = power(jnp.sum(jnp.asarray(self.A) * w), self.gamma_A)
        B = power(jnp.sum(jnp.asarray(self.B) * w), self.gamma_B)
        of_sizes = A * power(N, -self.alpha) + B * power(D, -self.beta)
        return self.E + _of_weights(self.C, self.gamma, w) + of_sizes
