"""From one loss to another."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power_or_zero


class LossToLoss(AbstractLaw):
    r"""A power law of what two losses have above their floors: $L_1 = E_1 + K\,(x - E_0)^{\kappa}$.

    x is the loss $L_0$ of the same model on another set: between training sets, from training to test, or between
    tests. Both floors are those of the laws of either loss, if these are known: hold them. Every x must lie above
    $E_0$; one that does not is given $E_1$.

    Source: Brandfonbrener et al. 2024 (arXiv 2411.12925, eq. 4).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    E1: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    K: Param = nonnegative(
        unit="target/x^kappa", amplitude=True, dims={"x": lambda law: -law.kappa}, typical=(0.05, 5.0)
    )
    E0: Param = nonnegative(unit="x", dims={"x": 1.0}, typical=(0.1, 0.95))
    kappa: Param = positive(typical=(0.3, 2.5))

    def __call__(self, x: Scalar) -> Scalar:
        """The loss where the other is x."""
        return self.E1 + self.K * power_or_zero(number(x) - self.E0, self.kappa)
