"""One pool of data, seen again and again, whose utility halves with repetition."""

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ..._core import InputError, Phrase
from ...params import Param, Scalar, negative, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power
from ._repetition import counted_passes, smooth_loss, staircase_loss

SAMPLE_UNIT = 1e5
"""Samples are counted in units of 1e5 next to `a`, as the authors' code has it."""

MOST_PASSES = 8192
"""Passes of a pool that a sum over passes may take."""
FEWEST_PASSES = 16
"""Passes that a sum over passes takes at least, so that few programs differ by that alone."""
SLACK = 1.0 + 1e-5
"""Inputs go through logarithms: 16 passes may come back as a little more, which is not beyond 16."""


def sum_length(passes: float) -> int:
    """The least power of two that covers so many passes, and 16 at least.

    **Raises:** `InputError` for more than `MOST_PASSES`.
    """
    if not passes <= MOST_PASSES * SLACK:
        raise InputError(
            "n", Phrase(f"sees a pool {passes:.3g} times"), f"at most {MOST_PASSES}, as sums over passes go",
            "look at n and U of these runs, or take a form without the sum: passes='smooth' or PoolsDataConstrained",
        )  # fmt: skip
    return 2 ** math.ceil(math.log2(max(passes * (1 - 1e-12), FEWEST_PASSES)))


def refuse_option(law: AbstractLaw, name: str, *known: str) -> None:
    """Refuse an option of a law that is none of the words there are for it.

    **Raises:** `InputError`.
    """
    if getattr(law, name) not in known:
        raise InputError(name, getattr(law, name), " or ".join(map(repr, known)))


SomeQQT = TypeVar("SomeQQT", bound="QQT")


class _PoolLaw(AbstractLaw):
    """What the laws of one pool share: parameters."""

    inputs: ClassVar[Mapping[str, str]] = {"n": "samples", "U": "samples"}

    d: Param = nonnegative(unit="target", amplitude=True, typical=(0.01, 0.8))
    a: Param = positive(unit="1/(1e5 samples)", dims={"samples": -1.0}, typical=(1e-3, 1e3))
    b: Param = negative(typical=(-1.0, -0.02))
    tau: Param = positive(unit="passes", typical=(0.5, 50.0))


class QQT(_PoolLaw):
    r"""b halves every τ passes: $y = d + (a\,n_1)^b\prod_{k\ge1}(n_{k+1}/n_k)^{b\,2^{-k/\tau}}$.

    $n_k = \min(n, kU)$ samples, in units of 1e5, have been seen at the end of pass k over a pool of U unique samples:

    $\log(y - d) = b\left[\log(a\min(n, U)) + \sum_{k\ge1} 2^{-k/\tau}(\log\min(n, (k+1)U) - \log kU)_+\right]$.

    `floor="released"` multiplies d, too, by the later ratios, as the released code does: the floor then decays.
    `passes="smooth"` lets passes go by continuously, the decay beginning after half of one: the bracket becomes
    $\log(a\min(n, U/2)) + e^{c/2}(E_1(c/2) - E_1(cn/U))$ with $c = \log 2/\tau$. Under `jit` and `vmap` the
    staircase covers 16 passes and is NaN beyond; `covering` makes them more, as `fit` and `predict` do.

    Source: Goyal et al. 2024 (arXiv 2404.07177, eqs. 2-4); the smooth form is ours.
    """

    floor: Literal["outside", "released"] = eqx.field(default="outside", static=True)
    passes: Literal["staircase", "smooth"] = eqx.field(default="staircase", static=True)
    _covered: int = eqx.field(default=FEWEST_PASSES, static=True, kw_only=True)

    def __check_init__(self) -> None:
        refuse_option(self, "floor", "outside", "released")
        refuse_option(self, "passes", "staircase", "smooth")

    @property
    def stepped(self) -> bool:
        """Whether the formula counts passes one by one, up to as many as it covers."""
        return self.passes == "staircase"

    def covering(self: SomeQQT, passes: float) -> SomeQQT:
        """The law covering so many passes, or more."""
        return dataclasses.replace(self, _covered=max(self._covered, sum_length(passes)))

    def sized_for(self: SomeQQT, inputs: Mapping[str, np.ndarray]) -> SomeQQT:
        """The law covering as many passes as these inputs hold."""
        if not self.stepped:
            return self
        return self.covering(float(np.max(np.asarray(inputs["n"]) / np.asarray(inputs["U"]), initial=1.0)))

    def __call__(self, n: Scalar, U: Scalar) -> Scalar:
        """The error after n samples from a pool of U unique ones."""
        n, U = number(n), number(U)
        t, h = n / U, 1.0 / self.tau
        covered = self._covered if isinstance(t, Tracer) or not t <= MOST_PASSES else sum_length(float(t))
        lost = staircase_loss(t, h, covered) if self.stepped else smooth_loss(t, h)
        first = power(self.a * jnp.minimum(n, U) / SAMPLE_UNIT, self.b)
        later = jnp.exp(self.b * (lost + jnp.log(jnp.maximum(t, 1.0))))
        value = (first + self.d) * later if self.floor == "released" else self.d + first * later
        beyond = (t > covered * SLACK) & self.stepped
        return jnp.where(beyond, jnp.nan, value)


class QQTEffective(_PoolLaw):
    r"""Effective-data form: repeated samples count for less, $y = d + (a\,n_{eff})^b$.

    $n_{eff} = \sum_{k\ge0} 2^{-k/\tau}\,(\min(n, (k+1)U) - kU)_+$, in units of 1e5 samples.

    Source: the alternative of Goyal et al. 2024 (arXiv 2404.07177), after Muennighoff et al. 2023 (arXiv 2305.16264).
    """

    stepped: ClassVar[bool] = True

    def __call__(self, n: Scalar, U: Scalar) -> Scalar:
        """The error after n samples from a pool of U unique ones."""
        n, U = number(n), number(U)
        return self.d + power(self.a * U * counted_passes(n / U, 1.0 / self.tau) / SAMPLE_UNIT, self.b)
