"""Laws of a user's own, one of each kind that a law can be: what `test_walls` holds to the contract."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from scalefit.laws import AbstractLaw, Fraction, Label, Number, Padded, Series, Weights, implicit_root
from scalefit.params import Param, Scalar, axis, constant, interval, namespace, negative, nonnegative, positive, real


class M4(AbstractLaw):
    r"""Error between chance and a floor, as a root: $(y - e_\infty)/(e_0 - y)^\alpha = \beta\,x^{c}$, c below 0.

    Source: Alabdulmohsin et al. 2022 (arXiv 2209.06640, eq. M4).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"x": "examples"}
    floor: Param = positive(typical=(0.05, 0.8), of_target=True)
    start: Param = positive(typical=(1.2, 8.0), of_target=True)
    alpha: Param = positive(typical=(0.2, 3.0))
    beta: Param = positive(dims={"examples": lambda law: -law.c}, typical=(0.05, 5.0))
    c: Param = interval(-2.0, 0.0, typical=(-1.0, -0.1))

    def __call__(self, x: Scalar) -> Scalar:
        """The error after x examples."""
        reached = self.beta * jnp.exp(self.c * jnp.log(x))

        def share(t: Any, alpha: Any, reached: Any) -> Any:
            """How far y = floor + t (start - floor) is from the equation."""
            return jnp.log(t) - alpha * jnp.log1p(-t) - jnp.log(reached)

        span = self.start - self.floor
        level = reached * jnp.exp((self.alpha - 1.0) * jnp.log(span))
        t = implicit_root(share, (1e-12, 1.0 - 1e-12), self.alpha, level)
        return self.floor + t * span


class ExponentialMixing(AbstractLaw):
    r"""Losses on several targets over weights of domains: $y_t = c_t + k_t\,e^{\sum_d b_{td} w_d}$.

    Source: Ye et al. 2024 (arXiv 2403.16952, eq. 1).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"w": Weights(axis="domain"), "target": Label(axis="target")}
    domain: tuple[str, ...] = axis()
    target: tuple[str, ...] = axis()
    c: Param = nonnegative(amplitude=True, typical=(0.1, 0.9), axis="target")
    k: Param = nonnegative(amplitude=True, typical=(0.1, 0.9), axis="target")
    b: Param = real(typical=(-1.0, 1.0), axes=("target", "domain"))

    def __call__(self, w: Any, target: Any) -> Scalar:
        """The loss on a target, a whole number, of a model trained on weights w of the domains."""
        slope = self.b[target]
        # One number for each target is not told from k: the last domain's is where the others are measured from.
        return self.c[target] + self.k[target] * jnp.exp(jnp.sum(slope[:-1] * w[:-1]))


class Sparse(AbstractLaw):
    r"""Weights of which the share S is zero: $L = (a_S(1-S)^{b_S} + c_S)\,N^{-b_N} + (a_D/D)^{b_D} + c$.

    Source: Frantar et al. 2023 (arXiv 2309.08520, eq. 3).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"S": Fraction(), "N": "parameters", "D": "tokens"}
    c: Param = nonnegative(amplitude=True, typical=(0.05, 1.0))
    a_S: Param = nonnegative(amplitude=True, dims={"parameters": lambda law: law.b_N}, typical=(0.02, 1.0))
    c_S: Param = nonnegative(amplitude=True, dims={"parameters": lambda law: law.b_N}, typical=(0.02, 1.0))
    a_D: Param = nonnegative(amplitude=True, dims={"tokens": lambda law: law.b_D}, typical=(0.02, 1.0))
    b_S: Param = positive(typical=(0.2, 1.5))
    b_N: Param = positive(typical=(0.1, 0.8))
    b_D: Param = positive(typical=(0.1, 0.8))

    def __call__(self, S: Scalar, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters that are not zero, the share S of all being zero, after D tokens."""
        capacity = self.a_S * jnp.exp(self.b_S * jnp.log1p(-S)) + self.c_S
        return self.c + capacity * jnp.exp(-self.b_N * jnp.log(N)) + self.a_D * jnp.exp(-self.b_D * jnp.log(D))


class DCPT(AbstractLaw):
    r"""Continued pre-training with the share r of a domain.

    $L = E + A N^{-\alpha} + B r^\eta D^{-\beta} + C(r+\epsilon)^{-\gamma}$.

    Source: Que et al. 2024 (arXiv 2406.01375, eq. 4).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"r": Fraction(), "N": "parameters", "D": "tokens"}
    E: Param = nonnegative(amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0))
    B: Param = nonnegative(amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0))
    C: Param = nonnegative(amplitude=True, typical=(0.02, 1.0))
    alpha: Param = positive(typical=(0.1, 0.8))
    beta: Param = positive(typical=(0.1, 0.8))
    eta: Param = positive(typical=(0.2, 3.0))
    epsilon: Param = positive(typical=(0.02, 1.0))
    gamma: Param = positive(typical=(0.1, 2.0))

    def __call__(self, r: Scalar, N: Scalar, D: Scalar) -> Scalar:
        """The loss on the domain."""
        # r to the power of eta, also at r = 0, where its slope in eta is 0.
        shared = jnp.where(r > 0.0, jnp.exp(self.eta * jnp.log(jnp.where(r > 0.0, r, 1.0))), 0.0)
        size = self.A * jnp.exp(-self.alpha * jnp.log(N))
        seen = self.B * shared * jnp.exp(-self.beta * jnp.log(D))
        return self.E + size + seen + self.C * jnp.exp(-self.gamma * jnp.log(r + self.epsilon))


class Farseer(AbstractLaw):
    r"""Exponents and levels that change with size.

    $L = e^{a_3 N^\gamma + b_3} + e^{a_2 N^\beta + b_2} D^{-e^{a_1 N^\alpha + b_1}}$.

    No choice of its parameters is the same law in other units of D, and at N = 1 its levels mean little: where it is
    centred, b1, b2 and b3 are the logarithms of exponent and terms there, and constants keep where that is.

    Source: Li et al. 2025 (arXiv 2506.10972, eq. 9).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "D": "tokens"}
    a1: Param = negative(dims={"parameters": lambda law: -law.alpha}, typical=(-4.0, -0.1))
    a2: Param = positive(dims={"parameters": lambda law: -law.beta}, typical=(0.5, 40.0))
    a3: Param = negative(dims={"parameters": lambda law: -law.gamma}, typical=(-3.0, -0.1))
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
        log_N, middle = jnp.log(N), jnp.where(self.log_N0 != 0.0, 1.0, 0.0)

        def level(a: Any, power: Any, b: Any) -> Any:
            return a * (jnp.exp(power * log_N) - middle) + b

        exponent = jnp.exp(level(self.a1, self.alpha, self.b1))
        central = jnp.exp((1.0 - middle) * self.a1 + self.b1)
        data = level(self.a2, self.beta, self.b2) + (central - exponent) * self.log_D0 - exponent * jnp.log(D)
        return jnp.exp(level(self.a3, self.gamma, self.b3)) + jnp.exp(data)


class JointMoE(AbstractLaw):
    r"""Experts change both exponents.

    $L = a\,E^{\delta} N^{\alpha + \gamma\log E} + b\,E^{\omega} D^{\beta + \zeta\log E} + c$.

    Source: Ludziejewski et al. 2025 (arXiv 2502.05172, eq. 4).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "D": "tokens", "E": Number("experts")}
    c: Param = nonnegative(amplitude=True, typical=(0.05, 1.0))
    a: Param = nonnegative(amplitude=True, typical=(0.02, 1.0))
    b: Param = nonnegative(amplitude=True, typical=(0.02, 1.0))
    alpha: Param = interval(-1.0, 0.0, typical=(-0.6, -0.05))
    beta: Param = interval(-1.0, 0.0, typical=(-0.6, -0.05))
    gamma: Param = real(typical=(-0.03, 0.03))
    zeta: Param = real(typical=(-0.03, 0.03))
    delta: Param = real(typical=(-0.3, 0.3))
    omega: Param = real(typical=(-0.3, 0.3))

    def rescaled(self, log_scale: Mapping[str, Any]) -> "JointMoE":
        """The same law in other units: what a unit of N does depends on E, as delta and omega do."""
        of_N, of_D = log_scale.get("parameters", 0.0), log_scale.get("tokens", 0.0)
        xp = jnp if any(isinstance(v, jax.Array) for v in (self.alpha, of_N, of_D)) else np
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
        log_N, log_D, log_E = jnp.log(N), jnp.log(D), jnp.log(E)
        of_size = self.a * jnp.exp(self.delta * log_E + (self.alpha + self.gamma * log_E) * log_N)
        of_data = self.b * jnp.exp(self.omega * log_E + (self.beta + self.zeta * log_E) * log_D)
        return of_size + of_data + self.c


class EffectiveParameters(AbstractLaw):
    r"""Parameters of P bits each, as so many of full precision: $N(1 - e^{-P/\gamma})$.

    Source: Kumar et al. 2024 (arXiv 2411.04330, eq. 3, weights alone).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "P": Number("bits")}
    gamma: Param = positive(unit="bits", typical=(0.5, 8.0))

    def __call__(self, N: Scalar, P: Scalar) -> Scalar:
        """The parameters that they are worth."""
        return N * -jnp.expm1(-P / self.gamma)


class MultiPower(AbstractLaw):
    r"""Loss under a schedule of learning rates η.

    $L = L_0 + A S_1^{-\alpha} - B\sum_k (\eta_{k-1} - \eta_k)\left(1 - (1 + C\eta_k^{-\gamma} S_k)^{-\beta}\right)$.

    $S_1$ is the sum of all learning rates and $S_k$ of those from step k on.

    Source: Luo et al. 2025 (arXiv 2503.12811, eq. 5).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"lr": Series("learning rate")}
    L0: Param = nonnegative(amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(amplitude=True, typical=(0.05, 1.0))
    B: Param = nonnegative(typical=(50.0, 800.0))
    C: Param = positive(typical=(0.2, 4.0))
    alpha: Param = positive(typical=(0.2, 0.8))
    beta: Param = positive(typical=(0.2, 0.8))
    gamma: Param = positive(typical=(0.3, 0.9))

    def __call__(self, lr: Padded) -> Scalar:
        """The loss at the end of the schedule."""
        rate = jnp.where(lr.real, lr.values, 0.0)
        total = jnp.sum(rate)
        rest = total - jnp.cumsum(rate) + rate
        # Beyond the end of a schedule its last rate stands, so that nothing falls there.
        fall = jnp.concatenate([jnp.zeros(1), lr.values[:-1] - lr.values[1:]])
        gained = 1.0 - jnp.exp(-self.beta * jnp.log1p(self.C * jnp.exp(-self.gamma * jnp.log(lr.values)) * rest))
        annealed = jnp.sum(jnp.where(lr.real, fall * gained, 0.0))
        return self.L0 + self.A * jnp.exp(-self.alpha * jnp.log(total)) - self.B * annealed


class SizedLogarithm(AbstractLaw):
    r"""Reward that grows as the logarithm of steps, faster for larger models: $R = E_s + (a + b\log N)\log X$.

    Each size s has its own level.

    Source: the k(N) form of Khatri et al. 2025 (arXiv 2510.13786), with a logarithm in the steps.
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "X": "steps", "size": Label(axis="size")}
    size: tuple[str, ...] = axis()
    E: Param = real(amplitude=True, typical=(-1.0, 1.0), axis="size")
    a: Param = real(amplitude=True, typical=(0.0, 0.3))
    b: Param = real(amplitude=True, typical=(-0.1, 0.1))

    def __call__(self, N: Scalar, X: Scalar, size: Any) -> Scalar:
        """The reward after X steps of a model of N parameters, of the size at this place."""
        return self.E[size] + (self.a + self.b * jnp.log(N)) * jnp.log(X)
