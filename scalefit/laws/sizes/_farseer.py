"""The law in which the exponent of data changes with size."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, constant, namespace, negative, positive, real
from .._abstract import AbstractLaw
from .._formula import number


class Farseer(AbstractLaw):
    r"""Levels and exponent change with size: $L = e^{a_3N^\gamma+b_3} + e^{a_2N^\beta+b_2}D^{-e^{a_1N^\alpha+b_1}}$.

    For dense grids over N and D. Nine numbers of which many sets do equally well: compare predictions, not parameters;
    six-parameter `Skaling` foresees about as well.

    No choice of its parameters is the same law in other units of D, and at N = 1 its levels mean little: while it is
    fitted, b1, b2 and b3 are the logarithms of exponent and terms at the middle of the runs.

    Source: Li et al. 2025 (arXiv 2506.10972, eq. 9).
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    a1: Param = negative(unit="1/parameters^alpha", dims={"parameters": lambda law: -law.alpha}, typical=(-4.0, -0.1))
    a2: Param = positive(unit="1/parameters^beta", dims={"parameters": lambda law: -law.beta}, typical=(0.5, 40.0))
    a3: Param = negative(unit="1/parameters^gamma", dims={"parameters": lambda law: -law.gamma}, typical=(-3.0, -0.1))
    b1: Param = real(typical=(-2.0, 0.0))
    b2: Param = real(typical=(-4.0, 0.5))
    b3: Param = real(typical=(-2.0, 0.5))
    alpha: Param = positive(typical=(0.02, 0.4))
    beta: Param = negative(typical=(-0.4, -0.02))
    gamma: Param = positive(typical=(0.02, 0.4))
    log_N0: Any = constant()
    log_D0: Any = constant()

    def rescaled(self, log_scale: Mapping[str, Any]) -> "Farseer":
        """The same law in other units, its levels those at the middle of N and D."""
        xp = namespace(self.a1, self.log_D0, *log_scale.values())
        law = super().rescaled({unit: s for unit, s in log_scale.items() if unit == "parameters"})
        log_N0 = self.log_N0 - log_scale.get("parameters", 0.0)
        log_D0 = self.log_D0 - log_scale.get("tokens", 0.0)
        before, after = (xp.where(xp.asarray(at) != 0.0, 1.0, 0.0) for at in (self.log_N0, log_N0))
        b1 = self.b1 - before * self.a1 + after * law.a1
        b3 = self.b3 - before * self.a3 + after * law.a3
        exponents = xp.exp((1.0 - before) * self.a1 + self.b1), xp.exp((1.0 - after) * law.a1 + b1)
        b2 = self.b2 - before * self.a2 + exponents[0] * self.log_D0 + after * law.a2 - exponents[1] * log_D0
        return dataclasses.replace(law, b1=b1, b2=b2, b3=b3, log_N0=log_N0, log_D0=log_D0)

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens."""
        log_N, middle = jnp.log(number(N)), jnp.where(self.log_N0 != 0.0, 1.0, 0.0)

        def level(a: Any, power: Any, b: Any) -> Any:
            return a * (jnp.exp(power * log_N) - middle) + b

        exponent = jnp.exp(level(self.a1, self.alpha, self.b1))
        central = jnp.exp((1.0 - middle) * self.a1 + self.b1)
        data = level(self.a2, self.beta, self.b2) + (central - exponent) * self.log_D0 - exponent * jnp.log(number(D))
        return jnp.exp(level(self.a3, self.gamma, self.b3)) + jnp.exp(data)
