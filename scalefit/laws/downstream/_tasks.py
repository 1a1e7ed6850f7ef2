"""What tasks make of compute, of abilities and of other models' scores."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ...params import (
    Param,
    Scalar,
    Simplex,
    ZeroSum,
    axis,
    namespace,
    nonnegative,
    parameter,
    positive,
    real,
)
from .._abstract import AbstractLaw
from .._formula import number, power
from .._inputs import Label, Number


class COD(AbstractLaw):
    r"""Passing rate of a cluster of tasks that rise alike: $y = g + (1 - g)\,e^{-a\,C^{-b} - c}$.

    g is what a guess gets, known and to be held; c ≥ 0 says how far below 1 the rate ends. Tasks are put together by
    how they rise with compute, each cluster gets a law of its own, and only clusters that a law fits are foreseen.

    Source: arXiv 2502.17262 (clustering on difficulty).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, str]] = {"C": "FLOP"}

    g: Param = nonnegative(unit="target", typical=(0.02, 0.5))
    a: Param = positive(unit="FLOP^b", dims={"FLOP": lambda law: law.b}, typical=(0.1, 5.0))
    b: Param = positive(typical=(0.05, 1.0))
    c: Param = nonnegative(typical=(0.0, 1.0))

    def __call__(self, C: Scalar) -> Scalar:
        """The share of tasks solved after C FLOP."""
        return self.g + (1.0 - self.g) * jnp.exp(-self.a * power(C, -self.b) - self.c)


class Observational(AbstractLaw):
    r"""A score from what benchmarks have in common: $y = f + h\,\sigma\left(w\cdot x + b\right)$.

    `x[1]`, `x[2]`, … are the first principal components of a table of models by benchmarks; three are mostly enough.
    Within a family each is a straight line in log C, which is how a score is foreseen from compute. Models of one
    family are not independent, and what was imputed is no observation.

    Source: Ruan et al. 2024 (arXiv 2405.10938, eq. 3).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, Any]] = {"x": Number(axis="component")}

    component: tuple[Any, ...] = axis()
    f: Param = nonnegative(unit="target", amplitude=True, typical=(0.02, 1.0))
    h: Param = nonnegative(unit="target", amplitude=True, typical=(0.2, 2.0))
    b: Param = real(typical=(-2.0, 2.0))
    w: Param = real(typical=(-2.0, 2.0), axis="component")

    def __call__(self, x: Any) -> Scalar:
        """The score of a model with these components."""
        return self.f + self.h * jax.nn.sigmoid(jnp.sum(self.w * jnp.asarray(x)) + self.b)


class Sloth(AbstractLaw):
    r"""Latent skills that grow with size and data: $y = g + (1 - g)\,\sigma(d + \sum_k\Lambda_k\theta_k)$.

    g, d and the loadings Λ are a benchmark's own. Skill k of a model is $\theta_k = \alpha_{k,family} + \beta_k\log N +
    \gamma_k\log D + \delta_k\log N\log D$. Only how efficient it is in training is a family's own: one small model of a
    new family says the rest of it. g is what a guess gets, known and to be held. `Sloth.of(2)` has two skills.

    Scales are fixed so that nothing trades off: the loadings of a skill are shares over the benchmarks, and its
    intercepts have a sum of 0 over the families.

    Source: Maia Polo et al. 2024 (arXiv 2412.06540).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, Any]] = {
        "N": "parameters",
        "D": "tokens",
        "family": Label(axis="family"),
        "benchmark": Label(axis="benchmark"),
    }

    family: tuple[Any, ...] = axis()
    benchmark: tuple[Any, ...] = axis()
    g: Param = nonnegative(unit="target", typical=(0.01, 0.5), axis="benchmark")
    d: Param = real(typical=(-2.0, 2.0), axis="benchmark")
    loading: Param = parameter(Simplex(), axes=("skill", "benchmark"))
    alpha: Param = parameter(ZeroSum(), axes=("skill", "family"), typical=(-2.0, 2.0))
    beta: Param = real(typical=(-1.0, 3.0), axis="skill")
    gamma: Param = real(typical=(-1.0, 3.0), axis="skill")
    delta: Param = real(typical=(-0.3, 0.3), axis="skill")

    @classmethod
    def of(cls, skills: int) -> "Sloth":
        """The law with a given number of skills, every parameter still to be fitted."""
        one, two = np.full(skills, np.nan), np.full((skills, 1), np.nan)
        return cls(loading=two, alpha=two, beta=one, gamma=one, delta=one)

    def rescaled(self, log_scale: Mapping[str, Any]) -> "Sloth":
        """The same law in other units: skills shift, by what the benchmarks' levels make up for."""
        xp = namespace(self.beta, *log_scale.values())
        of_N, of_D = (xp.asarray(log_scale.get(unit, 0.0))[..., None] for unit in ("parameters", "tokens"))
        lost = self.beta * of_N + self.gamma * of_D - self.delta * of_N * of_D
        return dataclasses.replace(
            self,
            beta=self.beta - self.delta * of_D,
            gamma=self.gamma - self.delta * of_N,
            d=self.d - xp.sum(self.loading * lost[..., None], axis=-2),
        )

    def __call__(self, N: Scalar, D: Scalar, family: Any, benchmark: Any) -> Scalar:
        """The score on a benchmark of a model of N parameters after D tokens; places of family and benchmark."""
        log_N, log_D = jnp.log(number(N)), jnp.log(number(D))
        place, test = jnp.asarray(family), jnp.asarray(benchmark)
        own = jnp.asarray(self.alpha)[:, place]
        skill = own + self.beta * log_N + self.gamma * log_D + self.delta * log_N * log_D
        g = jnp.asarray(self.g)[test]
        level = jnp.asarray(self.d)[test] + jnp.sum(jnp.asarray(self.loading)[:, test] * skill)
        return g + (1.0 - g) * jax.nn.sigmoid(level)


class Projektor(AbstractLaw):
    r"""Loss of a mixture from how far it lies from the task: $y = a_0 + a_1\log N + (b_0 + b_1\log N)\,x$.

    x is the distance (optimal transport) of the data to validation data, in which losses of pilots are affine; their
    slope and level go from one pilot scale to the next as log N does. Beyond the larger pilot that is a guess.

    Source: Kang et al. 2023 (arXiv 2307.02460, section 3).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "samples", "x": Number("distance")}

    a0: Param = real(unit="target", amplitude=True, typical=(-1.0, 1.0))
    a1: Param = real(unit="target", amplitude=True, typical=(-0.3, 0.3))
    b0: Param = real(unit="target/distance", amplitude=True, typical=(-1.0, 1.0))
    b1: Param = real(unit="target/distance", amplitude=True, typical=(-0.3, 0.3))

    def rescaled(self, log_scale: Mapping[str, Any]) -> "Projektor":
        """The same law in other units of N."""
        of_N = log_scale.get("samples", 0.0)
        return dataclasses.replace(self, a0=self.a0 - self.a1 * of_N, b0=self.b0 - self.b1 * of_N)

    def __call__(self, N: Scalar, x: Scalar) -> Scalar:
        """The loss after N samples of a mixture at distance x."""
        log_N = jnp.log(number(N))
        return self.a0 + self.a1 * log_N + (self.b0 + self.b1 * log_N) * number(x)
