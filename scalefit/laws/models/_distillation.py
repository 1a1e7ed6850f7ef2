"""Students of a teacher."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from ...params import Param, Scalar, positive
from .._abstract import AbstractLaw
from .._formula import number, power
from .._inputs import Ratio


class Distillation(AbstractLaw):
    r"""A student's loss: $L = L_T + L_T^{-c_0}\,(1 + z^{1/f})^{-c_1f}\,(A\,N^{-\alpha} + B\,D^{-\beta})^{\gamma}$.

    $z = L_T/(d\,L_S)$. $L_T$ is the loss of the teacher, $L_S$ that of the same student trained without one:
    `Effective(Distillation(), L_S=Skaling.published("busbridge-supervised"))` takes it from N and D; fit that part
    first. A teacher that is too good for its student does harm. $c_1$ and f are hardly told apart.

    Source: Busbridge et al. 2025 (arXiv 2502.08606, eq. 8).
    """

    inputs: ClassVar[Mapping[str, Any]] = {
        "N": "parameters",
        "D": "tokens",
        "L_T": Ratio("nats per token"),
        "L_S": Ratio("nats per token"),
    }

    A: Param = positive(
        unit="target^(1/gamma)·parameters^alpha", dims={"parameters": lambda law: law.alpha}, typical=(0.05, 5.0)
    )
    B: Param = positive(unit="target^(1/gamma)·tokens^beta", dims={"tokens": lambda law: law.beta}, typical=(0.05, 5.0))
    alpha: Param = positive(typical=(0.1, 0.9))
    beta: Param = positive(typical=(0.1, 0.9))
    gamma: Param = positive(typical=(0.2, 1.2))
    c0: Param = positive(typical=(0.3, 5.0))
    c1: Param = positive(typical=(1.0, 1000.0))
    d: Param = positive(typical=(0.5, 3.0))
    f: Param = positive(typical=(0.02, 1.0))

    def __call__(self, N: Scalar, D: Scalar, L_T: Scalar, L_S: Scalar) -> Scalar:
        """The loss of a student of N parameters after D tokens."""
        log_T = jnp.log(number(L_T))
        bend = self.f * jax.nn.softplus((log_T - jnp.log(number(L_S)) - jnp.log(self.d)) / self.f)
        limit = power(self.A * power(N, -self.alpha) + self.B * power(D, -self.beta), self.gamma)
        return number(L_T) + jnp.exp(-self.c0 * log_T - self.c1 * bend) * limit
