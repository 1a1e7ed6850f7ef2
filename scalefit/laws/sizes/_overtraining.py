"""Models trained on more data than is best."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative
from .._abstract import AbstractLaw
from .._formula import power


class Overtraining(AbstractLaw):
    r"""Loss at M = D/N tokens a parameter and C = 6ND FLOP: $L = E + \left(a\,M^{\eta} + b\,M^{-\eta}\right)C^{-\eta}$.

    Source: Gadre et al. 2024 (arXiv 2403.08540, eq. 4). Lines of equal M are parallel: training on M/M* times as many
    tokens as is best costs the same factor in the reducible loss at every compute. It is the additive law in N and D
    with both exponents equal to 2η, so four numbers that a few small runs determine.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    a: Param = nonnegative(
        unit="target·(FLOP·parameters/tokens)^eta",
        amplitude=True,
        dims={"parameters": lambda law: 2.0 * law.eta},
        typical=(0.02, 1.0),
    )
    b: Param = nonnegative(
        unit="target·(FLOP·tokens/parameters)^eta",
        amplitude=True,
        dims={"tokens": lambda law: 2.0 * law.eta},
        typical=(0.02, 1.0),
    )
    eta: Param = nonnegative(typical=(0.05, 0.5))

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, in the target's unit."""
        capacity, data = power(N, -2.0 * self.eta), power(D, -2.0 * self.eta)
        return self.E + power(6.0, -self.eta) * (self.a * capacity + self.b * data)
