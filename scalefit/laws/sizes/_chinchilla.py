"""The additive law of model and data size."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative
from .._abstract import AbstractLaw
from .._formula import power


class Chinchilla(AbstractLaw):
    r"""Limits of capacity and data add: $L = E + A\,N^{-\alpha} + B\,D^{-\beta}$.

    Source: Hoffmann et al. 2022 (arXiv 2203.15556, approach 3, eq. 10); refit by Besiroglu et al. 2024 (arXiv
    2404.10102). A and B are the terms' values at N = 1 and D = 1.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, in the target's unit."""
        return self.E + self.A * power(N, -self.alpha) + self.B * power(D, -self.beta)
