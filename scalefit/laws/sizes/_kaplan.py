"""Kaplan et al.'s joint law of model and data size."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, positive
from .._abstract import AbstractLaw
from .._formula import power


class Kaplan(AbstractLaw):
    r"""Kaplan's joint law, with no floor: $L = \left[(N_c/N)^{\alpha_N/\alpha_D} + D_c/D\right]^{\alpha_D}$.

    Source: Kaplan et al. 2020 (arXiv 2001.08361, eq. 1.5). N counts non-embedding parameters.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    N_c: Param = positive(unit="parameters", dims={"parameters": 1.0}, typical=(1e-3, 1e12))
    D_c: Param = positive(unit="tokens", dims={"tokens": 1.0}, typical=(1e-3, 1e12))
    alpha_N: Param = positive(typical=(0.03, 0.8))
    alpha_D: Param = positive(typical=(0.03, 0.8))

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, in nats per token."""
        capacity = power(self.N_c / N, self.alpha_N / self.alpha_D)
        return power(capacity + self.D_c / D, self.alpha_D)


class KaplanSteps(AbstractLaw):
    r"""Kaplan's law of size and of steps at a large batch: $L = (N_c/N)^{\alpha_N} + (S_c/S)^{\alpha_S}$.

    S is the least number of steps, that of an endless batch: steps done at batch B count $1/(1 + B_{crit}/B)$ each. Not
    of the first steps, during the warm-up. There is no floor.

    Source: Kaplan et al. 2020 (arXiv 2001.08361, eq. 1.6). N counts non-embedding parameters.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "S": "steps"}

    N_c: Param = positive(unit="parameters", dims={"parameters": 1.0}, typical=(1e-3, 1e12))
    S_c: Param = positive(unit="steps", dims={"steps": 1.0}, typical=(1e-4, 1e2))
    alpha_N: Param = positive(typical=(0.03, 0.8))
    alpha_S: Param = positive(typical=(0.1, 1.5))

    def __call__(self, N: Scalar, S: Scalar) -> Scalar:
        """The loss of a model of N parameters after S steps, in nats per token."""
        return power(self.N_c / N, self.alpha_N) + power(self.S_c / S, self.alpha_S)
