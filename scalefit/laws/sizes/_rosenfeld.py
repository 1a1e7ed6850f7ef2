"""The joint law of error with the level of a guess."""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import power


class Rosenfeld(AbstractLaw):
    r"""Powers that end at a guess: $y = y_0\,z/\sqrt{z^2 + y_0^2}$ of $z = A\,N^{-\alpha} + B\,D^{-\beta} + E$.

    $y_0$ is the error of a guess, which may be known and held. The source has a further η, at which the curve turns:
    the scale of A, B, E and η together changes nothing, and η = $y_0$ makes z the error itself where that is small.
    For runs of which the smallest know next to nothing.

    Source: Rosenfeld et al. 2019 (arXiv 1909.12673), where m is N and n is D.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "samples"}

    A: Param = nonnegative(
        unit="target·parameters^alpha", dims={"parameters": lambda law: law.alpha}, typical=(0.02, 3.0), of_target=True
    )
    B: Param = nonnegative(
        unit="target·samples^beta", dims={"samples": lambda law: law.beta}, typical=(0.02, 3.0), of_target=True
    )
    E: Param = nonnegative(unit="target", typical=(0.02, 1.0), of_target=True)
    y0: Param = positive(unit="target", typical=(0.8, 8.0), of_target=True)
    alpha: Param = positive()
    beta: Param = positive()

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The error of a model of N parameters after D samples."""
        z = self.A * power(N, -self.alpha) + self.B * power(D, -self.beta) + self.E
        return self.y0 * z / jnp.sqrt(z * z + self.y0 * self.y0)
