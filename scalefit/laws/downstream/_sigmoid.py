"""Accuracy of a task from its loss."""

from collections.abc import Mapping
from typing import ClassVar

import jax

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number


class Sigmoid(AbstractLaw):
    r"""Accuracy falls with the loss from a ceiling to a floor: $y = f + \dfrac{c - f}{1 + e^{k\,(x - x_0)}}$.

    Source: the second step of a ladder, Bhagia et al. 2024 (arXiv 2412.04403), written there as $a/(1 + e^{-k(x -
    x_0)}) + b$: the ceiling c is b, and the floor f is a + b. Few runs come near the ceiling, and c = 1, held fixed,
    is a usual choice.
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    floor: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    ceiling: Param = nonnegative(unit="target", amplitude=True, typical=(0.5, 2.0))
    k: Param = positive(unit="1/x", dims={"x": -1.0}, typical=(1.0, 30.0))
    x0: Param = positive(unit="x", dims={"x": 1.0}, typical=(0.4, 2.5))

    def __call__(self, x: Scalar) -> Scalar:
        """The accuracy at a loss of `x`."""
        return self.floor + (self.ceiling - self.floor) * jax.nn.sigmoid(self.k * (self.x0 - number(x)))
