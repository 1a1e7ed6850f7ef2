"""Models of which weights are zero."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power, power_or_zero
from .._inputs import Fraction, Ratio


class SparseWeights(AbstractLaw):
    r"""Sparsity changes capacity alone: $L = c + (a_S\,(1-S)^{b_S} + c_S)\,N^{-b_N} + A_D\,D^{-b_D}$.

    N counts the weights that are not zero, S the share of all that is. At any S a sparse model is worth a dense one of
    at most $((a_S + c_S)/c_S)^{1/b_N}$ times its weights.

    Source: Frantar et al. 2023 (arXiv 2309.08520, eq. 3), where the last term is $(a_D/D)^{b_D}$: $A_D = a_D^{b_D}$.
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "D": "tokens", "S": Fraction("share of zeros")}

    c: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    a_S: Param = nonnegative(
        unit="target·parameters^b_N", amplitude=True, dims={"parameters": lambda law: law.b_N}, typical=(0.02, 1.0)
    )
    c_S: Param = nonnegative(
        unit="target·parameters^b_N", amplitude=True, dims={"parameters": lambda law: law.b_N}, typical=(0.02, 1.0)
    )
    A_D: Param = nonnegative(
        unit="target·tokens^b_D", amplitude=True, dims={"tokens": lambda law: law.b_D}, typical=(0.02, 1.0)
    )
    b_S: Param = positive(typical=(0.2, 1.5))
    b_N: Param = positive(typical=(0.1, 0.8))
    b_D: Param = positive(typical=(0.1, 0.9))

    def __call__(self, N: Scalar, D: Scalar, S: Scalar) -> Scalar:
        """The loss of a model of N weights that are not zero, the share S of all being zero, after D tokens."""
        capacity = self.a_S * power_or_zero(1.0 - number(S), self.b_S) + self.c_S
        return self.c + capacity * power(N, -self.b_N) + self.A_D * power(D, -self.b_D)


class ParScale(AbstractLaw):
    r"""Streams in parallel count as parameters: $L = E + A\,\left(N\,(k\log P + 1)\right)^{-\alpha}$.

    P is the number of streams of one model, 1 for none. N varies and D does not.

    Source: Chen et al. 2025 (arXiv 2505.10475), where A is written as $A^{\alpha}$.
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "P": Ratio("streams")}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    k: Param = nonnegative(typical=(0.05, 2.0))
    alpha: Param = positive(typical=(0.05, 1.0))

    def __call__(self, N: Scalar, P: Scalar) -> Scalar:
        """The loss of a model of N parameters with P streams."""
        return self.E + self.A * power(number(N) * (self.k * jnp.log(number(P)) + 1.0), -self.alpha)
