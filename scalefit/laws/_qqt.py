"""One pool of data, seen again and again, whose utility halves with repetition."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._core import InputError
from ..params import Param, Scalar, negative, nonnegative, positive
from ._abstract import AbstractLaw
from ._formula import number, power
from ._repetition import smooth_loss, staircase_loss

SAMPLE_UNIT = 1e5
"""Samples are counted in units of 1e5 next to `a`, as the authors' code has it."""

MOST_PASSES = 8192
"""Passes of a pool that a sum over passes may take."""
SLACK = 1.0 + 1e-5
"""Inputs go through logarithms: 16 passes may come back as a little more, which is not beyond 16."""


def covering(passes: float) -> int:
    """The least power of two that covers so many passes.

    **Raises:** `InputError` for more than `MOST_PASSES`.
    """
    if not passes <= MOST_PASSES * SLACK:
        raise InputError(
            f"A pool is seen {passes:.3g} times, and sums over passes go to {MOST_PASSES}: look at n and U of these "
            f"runs, or take a form without such a sum, as passes='smooth' or PoolsDataConstrained."
        )
    return 2 ** math.ceil(math.log2(max(passes * (1 - 1e-12), 1.0)))


def refuse_option(law: AbstractLaw, name: str, *known: str) -> None:
    """Refuse an option of a law that is none of the words there are for it.

    **Raises:** `InputError`.
    """
    if getattr(law, name) not in known:
        expected = " or ".join(map(repr, known))
        raise InputError(f"{type(law).__name__}: {name} is {getattr(law, name)!r}; expected {expected}.")


def refuse_passes(law: AbstractLaw, most: Any) -> None:
    """Refuse a number of passes to cover that is none.

    **Raises:** `InputError`.
    """
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or not 1 <= most <= MOST_PASSES:
        raise InputError(
            f"{type(law).__name__}: max_passes is {most!r}; expected a whole number from 1 to {MOST_PASSES}."
        )


_Pool = TypeVar("_Pool", bound="_PoolLaw")


class _PoolLaw(AbstractLaw):
    """What the laws of one pool share: parameters, and how many passes the formula covers."""

    inputs: ClassVar[Mapping[str, str]] = {"n": "samples", "U": "samples"}

    d: Param = nonnegative(unit="target", amplitude=True, typical=(0.01, 0.8))
    a: Param = positive(unit="1/(1e5 samples)", dims={"samples": -1.0}, typical=(1e-3, 1e3))
    b: Param = negative(typical=(-1.0, -0.02))
    tau: Param = positive(unit="passes", typical=(0.5, 50.0))
    max_passes: int = eqx.field(default=16, static=True)

    def __check_init__(self) -> None:
        refuse_passes(self, self.max_passes)

    @property
    def limit(self) -> float:
        """The most passes that the formula covers, there being a sum over them."""
        return float("inf") if getattr(self, "passes", "") == "smooth" else float(self.max_passes)

    def sized_for(self: _Pool, inputs: Mapping[str, np.ndarray]) -> _Pool:
        """The law covering as many passes as these inputs hold, rounded up to a power of two."""
        if np.isinf(self.limit):
            return self
        most = float(np.max(np.asarray(inputs["n"]) / np.asarray(inputs["U"]), initial=1.0))
        return dataclasses.replace(self, max_passes=max(self.max_passes, covering(most)))


class QQT(_PoolLaw):
    r"""b halves every τ passes: $y = d + (a\,n_1)^b\prod_{k\ge1}(n_{k+1}/n_k)^{b\,2^{-k/\tau}}$.

    $n_k = \min(n, kU)$ samples, in units of 1e5, have been seen at the end of pass k over a pool of U unique samples:

    $\log(y - d) = b\left[\log(a\min(n, U)) + \sum_{k\ge1} 2^{-k/\tau}(\log\min(n, (k+1)U) - \log kU)_+\right]$.

    `floor="released"` multiplies d, too, by the later ratios, as the released code does: the floor then decays.
    `passes="smooth"` lets passes go by continuously, the decay beginning after half of one: the bracket becomes
    $\log(a\min(n, U/2)) + e^{c/2}(E_1(c/2) - E_1(cn/U))$ with $c = \log 2/\tau$. The staircase covers
    `max_passes` passes and is NaN beyond; `fit` and `predict` set it from the runs.

    Source: Goyal et al. 2024 (arXiv 2404.07177, eqs. 2-4); the smooth form is ours.
    """

    floor: Literal["outside", "released"] = eqx.field(default="outside", static=True)
    passes: Literal["staircase", "smooth"] = eqx.field(default="staircase", static=True)

    def __check_init__(self) -> None:
        refuse_option(self, "floor", "outside", "released")
        refuse_option(self, "passes", "staircase", "smooth")

    def __call__(self, n: Scalar, U: Scalar) -> Scalar:
        """The error after n samples from a pool of U unique ones."""
        n, U = number(n), number(U)
        t, h = n / U, 1.0 / self.tau
        lost = smooth_loss(t, h) if self.passes == "smooth" else staircase_loss(t, h, self.max_passes)
        first = power(self.a * jnp.minimum(n, U) / SAMPLE_UNIT, self.b)
        later = jnp.exp(self.b * (lost + jnp.log(jnp.maximum(t, 1.0))))
        value = (first + self.d) * later if self.floor == "released" else self.d + first * later
        beyond = (t > self.max_passes * SLACK) & (self.passes == "staircase")
        return jnp.where(beyond, jnp.nan, value)


class QQTEffective(_PoolLaw):
    r"""Effective-data form: repeated samples count for less, $y = d + (a\,n_{eff})^b$.

    $n_{eff} = \sum_{k\ge0} 2^{-k/\tau}\,(\min(n, (k+1)U) - kU)_+$, in units of 1e5 samples. Covers `max_passes` passes
    and is NaN beyond; `fit` and `predict` set it from the runs.

    Source: the alternative of Goyal et al. 2024 (arXiv 2404.07177), after Muennighoff et al. 2023 (arXiv 2305.16264).
    """

    def __call__(self, n: Scalar, U: Scalar) -> Scalar:
        """The error after n samples from a pool of U unique ones."""
        n, U = number(n), number(U)
        k = jnp.arange(self.max_passes, dtype=float)
        in_pass = jnp.maximum(jnp.minimum(n, (k + 1.0) * U) - k * U, 0.0)
        effective = jnp.sum(jnp.exp2(-k / self.tau) * in_pass)
        value = self.d + power(self.a * effective / SAMPLE_UNIT, self.b)
        return jnp.where(n > self.max_passes * SLACK * U, jnp.nan, value)
