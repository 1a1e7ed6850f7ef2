"""Laws of routing at a fixed amount of data."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, negative, nonnegative, positive, real
from .._abstract import AbstractLaw
from .._formula import number
from .._inputs import Ratio

LOG_TEN = 2.302585092994046


class Routed(AbstractLaw):
    r"""Experts help small models most: $\log_{10}L = a\log_{10}N + b\log_{10}\hat E + c\log_{10}N\log_{10}\hat E + d$.

    N is the dense size, E the number of experts and $\hat E$ that number between two ends, $1/\hat E = 1/(E - 1 +
    1/(1/E_{start} - 1/E_{max})) + 1/E_{max}$. With c above 0 what experts gain ends at some N; Krajewski et al.
    (arXiv 2402.07871) lay that to D, which is the same in all runs here.

    Source: Clark et al. 2022 (arXiv 2202.01169, eq. 1).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "E": Ratio("experts")}

    a: Param = negative(typical=(-0.3, -0.02))
    b: Param = negative(typical=(-0.5, -0.02))
    c: Param = nonnegative(typical=(0.0, 0.05))
    d: Param = real(typical=(0.1, 1.0))
    E_start: Param = positive(unit="experts", typical=(1.0, 8.0))
    E_max: Param = positive(unit="experts", typical=(50.0, 1000.0))

    def rescaled(self, log_scale: Mapping[str, Any]) -> "Routed":
        """The same law in other units: what one of N does depends on E, as b does."""
        of_N = log_scale.get("parameters", 0.0) / LOG_TEN
        return dataclasses.replace(self, b=self.b - self.c * of_N, d=self.d - self.a * of_N)

    def __call__(self, N: Scalar, E: Scalar) -> Scalar:
        """The loss of a model of N parameters, each of its routed layers with E experts to choose from."""
        least = 1.0 / (1.0 / self.E_start - 1.0 / self.E_max)
        log_E = -jnp.log10(1.0 / (number(E) - 1.0 + least) + 1.0 / self.E_max)
        log_N = jnp.log10(number(N))
        return jnp.exp(LOG_TEN * (self.a * log_N + self.b * log_E + self.c * log_N * log_E + self.d))
