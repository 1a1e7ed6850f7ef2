"""Size, data and samples at test time."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative
from .._abstract import AbstractLaw
from .._formula import power


class T2(AbstractLaw):
    r"""Samples at test time add a third limit: $L = E + A\,N^{-\alpha} + B\,D^{-\beta} + G\,k^{-\gamma}$.

    L is the negative logarithm of the chance that one of k samples is right. A budget of training is 6 N D, one of
    inference 2 N k for each token: many samples favour small models, trained for long.

    Source: Roberts et al. 2026 (arXiv 2604.01411).
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens", "k": "samples"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    G: Param = nonnegative(
        unit="target·samples^gamma", amplitude=True, dims={"samples": lambda law: law.gamma}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()
    gamma: Param = nonnegative()

    def __call__(self, N: Scalar, D: Scalar, k: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, asked k times."""
        capacity, data = self.A * power(N, -self.alpha), self.B * power(D, -self.beta)
        return self.E + capacity + data + self.G * power(k, -self.gamma)
