"""A power law with a floor, in one input."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative
from .._abstract import AbstractLaw
from .._formula import power


class PowerLaw(AbstractLaw):
    r"""Power law with a floor: $L = E + A\,x^{-\alpha}$.

    Source: learning curves of Hestness et al. 2017 (arXiv 1712.00409). Without the floor (`E = 0`, fixed) it is each of
    the single-input laws of Kaplan et al. 2020 (arXiv 2001.08361).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·x^alpha", amplitude=True, dims={"x": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        return self.E + self.A * power(x, -self.alpha)
