"""A domain's own loss over its share: of a training from nothing, or of a continued one."""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import power
from .._inputs import SHARE


class BiMix(AbstractLaw):
    r"""The loss on a domain over its own share and the tokens: $L = r^{-\alpha}\,(B\,D^{-\beta} + C)$.

    What other domains do for it is left out, and it is infinite where the domain has no share. The published form has a
    further factor, which B and C hold.

    Source: Ge et al. 2024 (arXiv 2405.14908, eq. 5).
    """

    inputs: ClassVar[Mapping[str, str]] = {"r": SHARE, "D": "tokens"}

    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.05, 1.0)
    )
    C: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    alpha: Param = nonnegative(typical=(0.005, 0.5))
    beta: Param = nonnegative()

    def __call__(self, r: Scalar, D: Scalar) -> Scalar:
        """The loss on a domain that has the share r of D tokens."""
        return power(r, -self.alpha) * (self.B * power(D, -self.beta) + self.C)


class DCPT(AbstractLaw):
    r"""Going on with a domain: $L = E + A\,N^{-\alpha} + B\,r^\eta D^{-\beta} + C\,(r+\epsilon)^{-\gamma}$.

    L is the loss on the domain and r its share of the domain; the rest is general text.

    Source: Que et al. 2024 (arXiv 2406.01375, eq. 4).
    """

    inputs: ClassVar[Mapping[str, str]] = {"r": SHARE, "N": "parameters", "D": "tokens"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    C: Param = nonnegative(unit="target", amplitude=True, typical=(0.02, 1.0))
    alpha: Param = nonnegative()
    beta: Param = nonnegative()
    eta: Param = positive(typical=(0.2, 3.0))
    epsilon: Param = positive(typical=(0.02, 1.0))
    gamma: Param = positive(typical=(0.1, 2.0))

    def __call__(self, r: Scalar, N: Scalar, D: Scalar) -> Scalar:
        """The loss on the domain of N parameters after D tokens, the share r of them its own."""
        # The slope in eta of r to its power is 0 at r = 0, where the logarithm is not finite.
        own = jnp.where(jnp.asarray(r) > 0.0, power(jnp.where(jnp.asarray(r) > 0.0, r, 1.0), self.eta), 0.0)
        of_sizes = self.A * power(N, -self.alpha) + self.B * own * power(D, -self.beta)
        return self.E + of_sizes + self.C * power(r + self.epsilon, -self.gamma)
