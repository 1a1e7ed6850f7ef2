"""Repeats that do harm."""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power, power_or_zero

SLACK = 1e-5
"""Inputs go through logarithms: one pass may come back as a little more, which is no repeat."""


class Lovelace(AbstractLaw):
    r"""Repeats are penalised: $L = E + A\,N^{-\alpha} + B\,D^{-\beta} + P\,R^{\delta}\,(N\,U^{-\gamma})^{\kappa}$.

    R = D/U - 1 repeats of U unique tokens, 0 within one pass, where this is Chinchilla's law. The loss can rise again
    with D, the sooner the larger the model; laws of discounted repeats, as `DataConstrained`, only level off. P is of
    the weight decay that was used, strong ones cut it by two thirds.

    Source: Lovelace et al. 2026 (arXiv 2605.01640).
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens", "U": "tokens"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    P: Param = nonnegative(
        unit="target·(tokens^gamma/parameters)^kappa",
        amplitude=True,
        dims={"parameters": lambda law: -law.kappa, "tokens": lambda law: law.gamma * law.kappa},
        typical=(1e-3, 0.1),
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()
    gamma: Param = positive(typical=(0.3, 1.5))
    delta: Param = positive(typical=(0.3, 2.0))
    kappa: Param = positive(typical=(0.1, 1.0))

    def __call__(self, N: Scalar, D: Scalar, U: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens drawn from U unique ones."""
        passes = number(D) / number(U)
        repeats = jnp.where(passes > 1.0 + SLACK, passes - 1.0, 0.0)
        capacity, data = self.A * power(N, -self.alpha), self.B * power(D, -self.beta)
        crowding = power(N, self.kappa) * power(U, -self.gamma * self.kappa)
        return self.E + capacity + data + self.P * power_or_zero(repeats, self.delta) * crowding
