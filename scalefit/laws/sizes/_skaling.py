"""The law in which model and data size do not add but couple."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, interval, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import power


class Skaling(AbstractLaw):
    r"""Limits of capacity and data couple: $L = E + (A\,N^{-\alpha} + B\,D^{-\beta})^k$.

    `Chinchilla` is k = 1; below it, more data helps a larger model more. For dense grids on which the additive law
    leaves a saddle, and for forecasts near the frontier. k and E trade off: E is no entropy here. As the power is
    monotone, the best N and D of a budget have the closed form of `Chinchilla`.

    Source: Videau et al. 2026 (arXiv 2608.07222).
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target^(1/k)·parameters^alpha", dims={"parameters": lambda law: law.alpha}, typical=(0.02, 3.0)
    )
    B: Param = nonnegative(unit="target^(1/k)·tokens^beta", dims={"tokens": lambda law: law.beta}, typical=(0.02, 3.0))
    alpha: Param = positive(typical=(0.1, 1.0))
    beta: Param = positive(typical=(0.1, 1.0))
    k: Param = interval(0.01, 3.0, typical=(0.2, 1.2))

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, in the target's unit."""
        return self.E + power(self.A * power(N, -self.alpha) + self.B * power(D, -self.beta), self.k)
