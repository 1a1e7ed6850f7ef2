"""Repeated data counts for less: the data-constrained law."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power


def worth(total: Scalar, unique: Scalar, R: Scalar) -> Any:
    r"""What a total of which so many are unique is worth: $u + u R\,(1 - e^{-r/R})$ with $r = t/u - 1$ repeats."""
    return unique + unique * R * -jnp.expm1(-(total / unique - 1.0) / R)


class DataConstrained(AbstractLaw):
    r"""Repeats count for less: Chinchilla's law on effective sizes, $L = E + A\,N'^{-\alpha} + B\,D'^{-\beta}$.

    With $U_D = \min(D, U)$ unique tokens seen $D/U_D$ times, $D' = U_D + U_D R_D (1 - e^{-r_D/R_D})$,
    $r_D = D/U_D - 1$, and likewise for the parameters that exceed the $U_N = \min(N, N_{opt}(U_D))$ that these tokens
    are optimal for: $N_{opt}(U_D) = (\alpha A/(\beta B))^{1/\alpha}\,U_D^{\beta/\alpha}$.

    Source: Muennighoff et al. 2023 (arXiv 2305.16264, eqs. 5-7). $R_D$, $R_N$ are written R*_D, R*_N there.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens", "U": "tokens"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = positive(
        unit="target·parameters^alpha", dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0), of_target=True
    )
    B: Param = positive(
        unit="target·tokens^beta", dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0), of_target=True
    )
    alpha: Param = positive()
    beta: Param = positive()
    R_D: Param = positive(unit="passes", typical=(0.5, 200.0))
    R_N: Param = positive(unit="multiples", typical=(0.5, 50.0))

    def __call__(self, N: Scalar, D: Scalar, U: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens drawn from U unique ones."""
        N, D, U = number(N), number(D), number(U)
        seen = jnp.minimum(D, U)
        ratio = self.alpha * self.A / (self.beta * self.B)
        optimal = power(ratio, 1.0 / self.alpha) * power(seen, self.beta / self.alpha)
        tokens, size = worth(D, seen, self.R_D), worth(N, jnp.minimum(N, optimal), self.R_N)
        return self.E + self.A * power(size, -self.alpha) + self.B * power(tokens, -self.beta)
