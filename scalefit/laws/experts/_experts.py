"""Mixtures of experts by size, data and how they are cut."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, interval, namespace, nonnegative, positive, real
from .._abstract import AbstractLaw
from .._formula import number, power
from .._inputs import Fraction, Ratio


class FineMoE(AbstractLaw):
    r"""Finer experts are better ones: $L = c + (g\,G^{-\gamma} + a)\,N^{-\alpha} + b\,D^{-\beta}$.

    G is the granularity, the width of a dense layer over that of one expert: 1 or more. Routing costs more the finer
    the experts: a plan must count that. Sources do not agree whether N is all parameters or the active ones.

    Source: Krajewski et al. 2024 (arXiv 2402.07871, eq. 9).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "D": "tokens", "G": Ratio("granularity")}

    c: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    g: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    a: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    b: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()
    gamma: Param = positive(typical=(0.2, 2.0))

    def __call__(self, N: Scalar, D: Scalar, G: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, its experts of granularity G."""
        capacity = self.g * power(G, -self.gamma) + self.a
        return self.c + capacity * power(N, -self.alpha) + self.b * power(D, -self.beta)


class JointMoE(AbstractLaw):
    r"""Experts change exponents: $L = c + a\,E^{\delta}N^{\alpha+\gamma\log E} + b\,E^{\omega}D^{\beta+\zeta\log E}$.

    N is the active parameters, and E the number of experts. α and β are below 0. The numbers that circulate do not make
    the loss fall with E whichever signs they are given, so that there is no published set.

    Source: Ludziejewski et al. 2025 (arXiv 2502.05172, eq. 4).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "D": "tokens", "E": Ratio("experts")}

    c: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    a: Param = nonnegative(unit="target/parameters^alpha", amplitude=True, typical=(0.02, 1.0))
    b: Param = nonnegative(unit="target/tokens^beta", amplitude=True, typical=(0.02, 1.0))
    alpha: Param = interval(-1.0, 0.0, typical=(-0.6, -0.05))
    beta: Param = interval(-1.0, 0.0, typical=(-0.6, -0.05))
    gamma: Param = real(typical=(-0.03, 0.03))
    zeta: Param = real(typical=(-0.03, 0.03))
    delta: Param = real(typical=(-0.3, 0.3))
    omega: Param = real(typical=(-0.3, 0.3))

    def rescaled(self, log_scale: Mapping[str, Any]) -> "JointMoE":
        """The same law in other units: what one of N does depends on E, as delta and omega do."""
        of_N, of_D = log_scale.get("parameters", 0.0), log_scale.get("tokens", 0.0)
        xp = namespace(self.alpha, of_N, of_D)
        kept = {n: getattr(self, n) for n in ("c", "alpha", "beta", "gamma", "zeta")}
        return type(self)(
            **kept,
            a=self.a * xp.exp(-self.alpha * of_N),
            b=self.b * xp.exp(-self.beta * of_D),
            delta=self.delta - self.gamma * of_N,
            omega=self.omega - self.zeta * of_D,
        )

    def __call__(self, N: Scalar, D: Scalar, E: Scalar) -> Scalar:
        """The loss of a model of N active parameters after D tokens, with E experts to choose from."""
        log_N, log_D, log_E = jnp.log(number(N)), jnp.log(number(D)), jnp.log(number(E))
        of_size = self.a * jnp.exp(self.delta * log_E + (self.alpha + self.gamma * log_E) * log_N)
        of_data = self.b * jnp.exp(self.omega * log_E + (self.beta + self.zeta * log_E) * log_D)
        return of_size + of_data + self.c


class HunyuanMoE(AbstractLaw):
    r"""Five numbers of an architecture: $L = \epsilon + q\,z + a\,N^{-\alpha} + b\,D^{-\beta} + c\,M^{-\alpha}$.

    $q = e\,G + f/G + m\,S^2 + n\,S$ and $z = N^{-\alpha} + k\,M^{-\alpha} + h\,M/N$. N is all parameters, M the active
    ones, G the experts active at once, S the share of them that every token uses. n is below 0 by design: the best G is
    $\sqrt{f/e}$ and the best S is $-n/2m$, at any size. Twelve numbers want a design in all five inputs.

    Source: Zhao et al. 2025 (arXiv 2509.23678), which writes $N_a$ for M.
    """

    inputs: ClassVar[Mapping[str, Any]] = {
        "N": "parameters",
        "M": "parameters",
        "D": "tokens",
        "G": Ratio("active experts"),
        "S": Fraction("share of shared experts"),
    }

    epsilon: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    a: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    b: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    c: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    e: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(1e-3, 0.1)
    )
    f: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(1e-2, 1.0)
    )
    m: Param = real(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(-0.5, 0.5)
    )
    n: Param = real(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(-0.5, 0.5)
    )
    k: Param = nonnegative(typical=(1e-3, 1.0))
    h: Param = nonnegative(unit="1/parameters^alpha", dims={"parameters": lambda law: -law.alpha}, typical=(1e-2, 10.0))
    alpha: Param = positive(typical=(0.1, 0.6))
    beta: Param = positive(typical=(0.1, 0.8))

    def __call__(self, N: Scalar, M: Scalar, D: Scalar, G: Scalar, S: Scalar) -> Scalar:
        """The loss of a model of N parameters, M of them active, after D tokens."""
        N, M, G, S = number(N), number(M), number(G), number(S)
        whole, active = power(N, -self.alpha), power(M, -self.alpha)
        cut = self.e * G + self.f / G + self.m * S * S + self.n * S
        routed = cut * (whole + self.k * active + self.h * M / N)
        return self.epsilon + routed + self.a * whole + self.b * power(D, -self.beta) + self.c * active
