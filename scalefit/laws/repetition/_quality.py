"""Data of which some is worth more than other."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power
from .._inputs import Count, Size


class Quality(AbstractLaw):
    r"""Data of quality Q count for as many as a power of it: $L = E + A\,N^{-\alpha} + B\,D^{-\beta}\,Q^{-\gamma}$.

    Q is 1 for the best and above 0 for any. Data alone enter as $D^\beta Q^\gamma$: γ wants runs at several Q.

    Source: arXiv 2510.03313.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens", "Q": "quality"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta·quality^gamma",
        amplitude=True,
        dims={"tokens": lambda law: law.beta, "quality": lambda law: law.gamma},
        typical=(0.02, 1.0),
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()
    gamma: Param = nonnegative()

    def __call__(self, N: Scalar, D: Scalar, Q: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens of quality Q."""
        data = power(D, -self.beta) * power(Q, -self.gamma)
        return self.E + self.A * power(N, -self.alpha) + self.B * data


class CleanNoisy(AbstractLaw):
    r"""One clean sample is worth p noisy ones: $L = E + A\,(D + D_{noisy}/p)^{-\alpha}$.

    No more than a first model of it: where next to nothing is clean, noisy samples are worth less than that.

    Source: the rates of exchange of Daras et al. 2024 (arXiv 2411.02780); the closed form is ours.
    """

    inputs: ClassVar[Mapping[str, Any]] = {"D": Size("samples"), "D_noisy": Count("samples")}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·samples^alpha", amplitude=True, dims={"samples": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    alpha: Param = positive()
    p: Param = positive(unit="noisy samples a clean one", typical=(0.8, 20.0))

    def __call__(self, D: Scalar, D_noisy: Scalar) -> Scalar:
        """The loss after D clean and D_noisy noisy samples."""
        return self.E + self.A * power(number(D) + number(D_noisy) / self.p, -self.alpha)
