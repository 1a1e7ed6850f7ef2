"""Repeated data and sparse models."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive, real
from .._abstract import AbstractLaw
from .._formula import number, power, power_or_zero
from .._inputs import Fraction
from ._data_constrained import worth


class SparseRepetition(AbstractLaw):
    r"""Repeats and sparsity: $L = E + A\,(s^{\epsilon} + c\,(1 - s)^{\mu})\,N'^{-\alpha} + B\,D'^{-\alpha}$.

    s is the density, the share of weights that is not zero, N the active parameters. $N'$, $D'$ discount what is beyond
    the unique as `DataConstrained` does, with $U_N = \min(N, (A/B)^{1/\alpha}\,U_D)$, and repeats count longer the
    sparser the model: $R_D = g_2\,(1 + c_{12}(1 - s) - c_{22}(1 - s)^2)$, and $R_N$ with $g_1$, $c_{11}$, $c_{21}$.

    Thirteen numbers: the quadratics are not to be used at densities that were not trained. The exponents of size and
    data are one.

    Source: Wu et al. 2026 (arXiv 2606.01155), in the form of the released code.
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "D": "tokens", "U": "tokens", "s": Fraction("density")}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = positive(
        unit="target·parameters^alpha", dims={"parameters": lambda law: law.alpha}, typical=(0.05, 1.0), of_target=True
    )
    B: Param = positive(
        unit="target·tokens^alpha", dims={"tokens": lambda law: law.alpha}, typical=(0.05, 1.0), of_target=True
    )
    alpha: Param = positive(typical=(0.15, 0.6))
    epsilon: Param = real(typical=(-0.3, 0.3))
    mu: Param = positive(typical=(0.3, 2.0))
    c: Param = real(typical=(-0.5, 0.3))
    g1: Param = positive(unit="multiples", typical=(1.0, 30.0))
    g2: Param = positive(unit="passes", typical=(1.0, 30.0))
    c11: Param = real(typical=(0.0, 3.0))
    c12: Param = real(typical=(0.0, 3.0))
    c21: Param = real(typical=(0.0, 3.0))
    c22: Param = real(typical=(0.0, 3.0))

    def __call__(self, N: Scalar, D: Scalar, U: Scalar, s: Scalar) -> Scalar:
        """The loss of a model of density s and N active parameters after D tokens drawn from U unique ones."""
        N, D, U, s = number(N), number(D), number(U), number(s)
        gone, seen = 1.0 - s, jnp.minimum(D, U)
        optimal = power(self.A / self.B, 1.0 / self.alpha) * seen
        R_N = self.g1 * (1.0 + self.c11 * gone - self.c21 * gone * gone)
        R_D = self.g2 * (1.0 + self.c12 * gone - self.c22 * gone * gone)
        size, tokens = worth(N, jnp.minimum(N, optimal), R_N), worth(D, seen, R_D)
        capacity = power(s, self.epsilon) + self.c * power_or_zero(gone, self.mu)
        return self.E + self.A * capacity * power(size, -self.alpha) + self.B * power(tokens, -self.alpha)
