"""Curves that bend where they leave what a guess is worth, and where they near their floor."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power

LOG_TWO = 0.6931471805599453


@jax.custom_jvp
def _log_odds(level: Any, alpha: Any) -> Any:
    r"""The u at which $u + (\alpha - 1)\log(1 + e^u)$ is the level: monotone, and curved to one side.

    $\log(1 + e^u)$ is the larger of u and 0 and at most log 2 more, which leaves a bracket about as wide;
    steps of Newton from its middle, kept within it, are all but exact after eight.
    """
    least, bent = level - (alpha - 1.0) * LOG_TWO, level > (alpha - 1.0) * LOG_TWO
    ends = jnp.stack([level, least]) / jnp.where(bent, alpha, 1.0)
    low, high = jnp.min(ends, axis=0), jnp.max(ends, axis=0)
    u = 0.5 * (low + high)
    for _ in range(8):
        left = u + (alpha - 1.0) * jax.nn.softplus(u) - level
        u = jnp.clip(u - left / (1.0 + (alpha - 1.0) * jax.nn.sigmoid(u)), low, high)
    return u


@_log_odds.defjvp
def _log_odds_slope(primals: Any, tangents: Any) -> tuple[Any, Any]:
    (level, alpha), (by_level, by_alpha) = primals, tangents
    u = _log_odds(level, alpha)
    return u, (by_level - jax.nn.softplus(u) * by_alpha) / (1.0 + (alpha - 1.0) * jax.nn.sigmoid(u))


class M3(AbstractLaw):
    r"""A power law that ends at finite x: $y = E + A\,(1/x + \gamma)^{\alpha}$.

    `PowerLaw` is γ = 0, called M2 there, and its E = 0 M1. γ and E both say where the curve ends and trade off: the
    source has no E, which is E = 0 held.

    Source: Alabdulmohsin et al. 2022 (arXiv 2209.06640, M3).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·x^alpha", amplitude=True, dims={"x": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    gamma: Param = nonnegative(unit="1/x", dims={"x": -1.0}, typical=(1e-3, 1.0))
    alpha: Param = positive()

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        return self.E + self.A * power(1.0 / number(x) + self.gamma, self.alpha)


class M4(AbstractLaw):
    r"""From a guess to a floor: $(y - E)/(y_0 - y)^{\alpha} = \beta\,x^{-c}$, an equation for y.

    $y_0$ is what a guess is worth, which may be known and held. α = 0 is `PowerLaw`, α = 1 `BoundedRational`. Laws are
    to be chosen by what they foresee of what is held out, not by how well they fit.

    Source: Alabdulmohsin et al. 2022 (arXiv 2209.06640, M4).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    E: Param = nonnegative(unit="target", typical=(0.05, 0.8), of_target=True)
    y0: Param = positive(unit="target", typical=(1.2, 8.0), of_target=True)
    alpha: Param = positive(typical=(0.2, 3.0))
    beta: Param = positive(unit="target^(1 - alpha)·x^c", dims={"x": lambda law: law.c}, typical=(0.05, 5.0))
    c: Param = positive(typical=(0.1, 1.0))

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        span = self.y0 - self.E
        # Of the share t of the way from the floor to the guess: t / (1 - t)^alpha = level.
        log_level = jnp.log(self.beta) - self.c * jnp.log(number(x)) + (self.alpha - 1.0) * jnp.log(span)

        u = _log_odds(log_level, self.alpha)
        return self.E + span / (1.0 + jnp.exp(-u))


class BoundedRational(AbstractLaw):
    r"""From a guess to a floor, in closed form: $y = E + \dfrac{y_0 - E}{1 + x^c/\beta}$.

    It is `M4` of α = 1: a plateau $y_0$ at small x, a power law beyond $\beta^{1/c}$, a floor E.

    Source: Alabdulmohsin et al. 2022 (arXiv 2209.06640, M4 of α = 1).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    y0: Param = nonnegative(unit="target", amplitude=True, typical=(0.5, 4.0))
    beta: Param = positive(unit="x^c", dims={"x": lambda law: law.c}, typical=(0.05, 20.0))
    c: Param = positive(typical=(0.1, 2.0))

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        return self.E + (self.y0 - self.E) / (1.0 + power(x, self.c) / self.beta)
