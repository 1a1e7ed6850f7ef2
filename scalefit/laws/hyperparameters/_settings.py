"""What to train with: learning rate and batch by size and data."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative, real
from .._abstract import AbstractLaw
from .._formula import power


class StepLaw(AbstractLaw):
    r"""The best learning rate by size and data: $\eta = c\,N^a\,D^b$.

    Fit it to the best setting of each pair of N and D, or to all within some tenths of a per cent of the best loss. Its
    batch in tokens, a power of D alone, is `Power`. Intercept and slopes are almost perfectly correlated: compare
    predictions. Sources do not agree on the exponent of the batch (.37 to .57).

    Source: Li et al. 2025 (arXiv 2503.04715, eq. 1). N counts non-embedding parameters.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    c: Param = nonnegative(
        unit="target/(parameters^a·tokens^b)",
        amplitude=True,
        dims={"parameters": lambda law: -law.a, "tokens": lambda law: -law.b},
        typical=(0.1, 10.0),
    )
    a: Param = real(typical=(-1.5, 1.0))
    b: Param = real(typical=(-1.0, 1.0))

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The learning rate for a model of N parameters and D tokens."""
        return self.c * power(N, self.a) * power(D, self.b)


class CriticalBatch(AbstractLaw):
    r"""Steps to reach a loss fall with the batch until they are the fewest: $S = S_{min} + E_{min}/B$.

    It is $(S/S_{min} - 1)(BS/E_{min} - 1) = 1$ solved for S, of runs that reach one loss. The critical batch, at which
    steps and examples are twice their least, is $E_{min}/S_{min}$; it grows while the loss falls.

    Source: McCandlish et al. 2018 (arXiv 1812.06162, eq. 2.11).
    """

    inputs: ClassVar[Mapping[str, str]] = {"B": "examples"}

    S_min: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    E_min: Param = nonnegative(unit="target·examples", amplitude=True, dims={"examples": 1.0}, typical=(0.05, 1.0))

    def __call__(self, B: Scalar) -> Scalar:
        """The steps to reach the loss at a batch of B examples."""
        return self.S_min + self.E_min * power(B, -1.0)
