"""The least loss against compute alone."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative
from .._abstract import AbstractLaw
from .._formula import power


class Frontier(AbstractLaw):
    r"""The least loss of a compute: $L = E + A\,C^{-\alpha}$.

    From three to six rungs E and the fall are not learnt together. Give E, of the evaluation that the losses are of,
    and hold it (`fit(Frontier(E=1.7), runs, fixed="E")`): two numbers are left, and intervals are those of Student's t
    with n - 2 degrees of freedom.

    Source: Kaplan et al. 2020 (arXiv 2001.08361, eq. 1.3) without the floor.
    """

    inputs: ClassVar[Mapping[str, str]] = {"C": "FLOP"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·FLOP^alpha", amplitude=True, dims={"FLOP": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative(typical=(0.02, 1.0))

    def __call__(self, C: Scalar) -> Scalar:
        """The loss at a compute of C FLOP."""
        return self.E + self.A * power(C, -self.alpha)
