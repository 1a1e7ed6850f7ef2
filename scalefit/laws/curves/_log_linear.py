"""A score that rises by so much with each multiple of the data."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, real
from .._abstract import AbstractLaw
from .._formula import number


class LogLinear(AbstractLaw):
    r"""A score rises with the logarithm of the data: $y = a + b\,\log x$.

    Ten times the data give $b\log 10$ more, whatever there was before. It has no ceiling and no floor: of an accuracy
    it holds between chance and where the task is solved, and no further. For tasks over the size of a datastore, or
    over how often a concept occurs in the data.

    Source: Udandarao et al. 2024 (arXiv 2404.04125), for accuracies over the frequency of concepts; Shao et al. 2024
    (arXiv 2407.12854), for gains over the size of a datastore, which gives no closed form.
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    a: Param = real(unit="target", amplitude=True, typical=(-1.0, 1.0))
    b: Param = nonnegative(unit="target", amplitude=True, typical=(0.02, 0.5))

    def rescaled(self, log_scale: Mapping[str, Any]) -> "LogLinear":
        """The same law in other units of x."""
        return dataclasses.replace(self, a=self.a - self.b * log_scale.get("x", 0.0))

    def __call__(self, x: Scalar) -> Scalar:
        """The score at `x`."""
        return self.a + self.b * jnp.log(number(x))
