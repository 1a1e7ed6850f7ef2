"""Laws of a user's own, one of each kind that a law can be: what `test_walls` holds to the contract."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from scalefit.laws import AbstractLaw, Fraction, Label, Weights, implicit_root
from scalefit.params import Param, Scalar, axis, interval, nonnegative, positive, real


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
