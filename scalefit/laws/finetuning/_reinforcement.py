"""Reinforcement: how reward and passing rate grow, and where a proxy of them leads astray."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, axis, namespace, nonnegative, positive, real
from .._abstract import AbstractLaw
from .._formula import number, power
from .._inputs import Label


class BestOfN(AbstractLaw):
    r"""True reward of the best of n by a proxy: $R = d\,(\alpha - \beta\,d)$.

    d is the root of the KL divergence from the first policy, $\log n - (n-1)/n$ nats for the best of n; the true reward
    is greatest at $d = \alpha/2\beta$ and falls beyond.

    Source: Gao et al. 2022 (arXiv 2210.10760, eq. 1).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, str]] = {"d": "root nats"}

    alpha: Param = nonnegative(unit="target/root nats", amplitude=True, dims={"root nats": -1.0}, typical=(0.5, 4.0))
    beta: Param = nonnegative(unit="target/nats", amplitude=True, dims={"root nats": -2.0}, typical=(0.05, 2.0))

    def __call__(self, d: Scalar) -> Scalar:
        """The true reward at a distance of d from the first policy."""
        d = jnp.asarray(number(d))
        return d * (self.alpha - self.beta * d)


class RewardOfPolicy(AbstractLaw):
    r"""True reward of a policy trained on a proxy: $R = d\,(\alpha - \beta\log d)$.

    d is the root of the KL divergence from the first policy. Greatest at $\log d = \alpha/\beta - 1$: reinforcement
    goes further from where it began than `BestOfN` does for the same reward.

    Source: Gao et al. 2022 (arXiv 2210.10760, eq. 2).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, str]] = {"d": "root nats"}

    alpha: Param = real(unit="target/root nats", amplitude=True, typical=(-1.0, 4.0))
    beta: Param = nonnegative(unit="target/root nats", amplitude=True, typical=(0.05, 2.0))

    def rescaled(self, log_scale: Mapping[str, Any]) -> "RewardOfPolicy":
        """The same law in other units of d."""
        of_d = log_scale.get("root nats", 0.0)
        less = namespace(self.alpha, of_d).exp(-of_d)
        return dataclasses.replace(self, alpha=(self.alpha + self.beta * of_d) * less, beta=self.beta * less)

    def __call__(self, d: Scalar) -> Scalar:
        """The true reward at a distance of d from the first policy."""
        d = jnp.asarray(number(d))
        return d * (self.alpha - self.beta * jnp.log(jnp.where(d > 0.0, d, 1.0)))


class PassRate(AbstractLaw):
    r"""Share of failures in reinforcement: $L = A_s\,X^{-k(N)}$ with $k(N) = K/(1 + N_0/N)$.

    X is compute or data of reinforcement, $A_s$ the level of each size s, a label of the runs. A size that was not
    trained has no level: forecasts across sizes need one run of it. What larger models gain is bounded by K. Data may
    be used up to 25 times.

    Source: Tan et al. 2025 (arXiv 2509.25300, eq. 1), which writes $\log L = -k(N)\log X + E(N)$.
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "X": "X", "size": Label(axis="size")}

    size: tuple[Any, ...] = axis()
    A: Param = positive(unit="target·X^k", typical=(0.3, 20.0), axis="size", of_target=True)
    K: Param = positive(typical=(0.02, 1.0))
    N_0: Param = positive(unit="parameters", dims={"parameters": 1.0}, typical=(0.05, 20.0))

    def __call__(self, N: Scalar, X: Scalar, size: Any) -> Scalar:
        """The share of failures after X, of a model of N parameters, of the size at this place."""
        slope = self.K / (1.0 + self.N_0 / number(N))
        return jnp.asarray(self.A)[jnp.asarray(size)] * power(X, -slope)


class ScaleRL(AbstractLaw):
    r"""Reward or passing rate in reinforcement: $R = R_0 + \dfrac{A - R_0}{1 + (C_{mid}/C)^{B}}$.

    $R_0$ is where it starts, A where it ends, B how steeply it gets there. A and B are not told apart until the curve
    has bent; leave the first steps out.

    Source: Khatri et al. 2025 (arXiv 2510.13786, eq. 1).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, str]] = {"C": "FLOP"}

    R_0: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(unit="target", amplitude=True, typical=(0.8, 3.0))
    B: Param = positive(typical=(0.2, 4.0))
    C_mid: Param = positive(unit="FLOP", dims={"FLOP": 1.0}, typical=(0.03, 30.0))

    def __call__(self, C: Scalar) -> Scalar:
        """The reward after C FLOP of reinforcement."""
        return self.R_0 + (self.A - self.R_0) / (1.0 + power(self.C_mid / number(C), self.B))
