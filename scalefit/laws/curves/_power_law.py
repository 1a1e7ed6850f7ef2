"""Power laws in one input, with a floor and without."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative, real
from .._abstract import AbstractLaw
from .._formula import number, power


class PowerLaw(AbstractLaw):
    r"""Power law with a floor: $L = E + A\,x^{-\alpha}$.

    Source: learning curves of Hestness et al. 2017 (arXiv 1712.00409). Without the floor (`E = 0`, fixed) it is each of
    the single-input laws of Kaplan et al. 2020 (arXiv 2001.08361).

    Small data have a region of their own, in which a model guesses: fit what lies beyond it. E is undetermined as long
    as the runs show no bend.
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


class ShiftedPowerLaw(AbstractLaw):
    r"""Power law that begins late: $L = E + A\,(x + s)^{-\alpha}$.

    For curves that are flat at small x, where a model knows next to nothing. s is undetermined where every run is
    much larger than it.

    Source: Zhai et al. 2021 (arXiv 2106.04560), for compute.
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·x^alpha", amplitude=True, dims={"x": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    s: Param = nonnegative(unit="x", dims={"x": 1.0}, typical=(1e-3, 1.0))
    alpha: Param = nonnegative()

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        return self.E + self.A * power(number(x) + self.s, -self.alpha)


class Power(AbstractLaw):
    r"""A power of one size, rising or falling: $y = c\,x^a$.

    What to train with as a function of compute or data: learning rates, batches, sizes of models and of data. It is a
    straight line in logarithms, whose intercept and slope are almost perfectly correlated far from x = 1: compare
    predictions, not c. A printed exponent of two digits is good for a factor of 1.5 at 1e25 FLOP.

    Source: DeepSeek 2024 (arXiv 2401.02954, eqs. 1 and 4), for learning rate, batch, FLOP a token and tokens; Rosso
    et al. 2025 (arXiv 2506.09648), for measures of uncertainty.
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    c: Param = nonnegative(unit="target/x^a", amplitude=True, dims={"x": lambda law: -law.a}, typical=(0.1, 10.0))
    a: Param = real(typical=(-1.0, 1.5))

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        return self.c * power(x, self.a)
