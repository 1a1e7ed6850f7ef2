"""Broken power laws: one smooth change of slope after another."""

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ...params import Param, Scalar, nonnegative, positive, real
from .._abstract import AbstractLaw
from .._formula import number


class BNSL(AbstractLaw):
    r"""Smoothly broken power law: $y = a + b\,x^{-c_0}\prod_i\left(1 + (x/d_i)^{1/f_i}\right)^{-c_i f_i}$.

    Break i lies at $d_i$, changes the slope by $c_i$ and is the sharper the smaller $f_i$. The order of the breaks is a
    matter of naming. `BNSL.of(2)` has two breaks.

    Source: Caballero et al. 2022 (arXiv 2210.14891, eq. 1).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    a: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    b: Param = nonnegative(unit="target·x^c0", amplitude=True, dims={"x": lambda law: law.c0}, typical=(0.02, 1.0))
    c0: Param = real(typical=(-0.2, 1.2))
    c: Param = real(typical=(-1.0, 1.0), axis="break")
    d: Param = positive(unit="x", dims={"x": 1.0}, typical=(0.03, 30.0), axis="break")
    f: Param = positive(typical=(0.05, 2.0), axis="break")

    @classmethod
    def of(cls, breaks: int) -> "BNSL":
        """The law with a given number of breaks, every parameter still to be fitted."""
        unset = np.full(breaks, np.nan)
        return cls(c=unset, d=unset, f=unset)

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        log_x = jnp.log(number(x))
        bend = -self.c0 * log_x
        for i in range(self.c.shape[-1]):
            width = self.f[..., i]
            bend = bend - self.c[..., i] * width * jax.nn.softplus((log_x - jnp.log(self.d[..., i])) / width)
        return self.a + self.b * jnp.exp(bend)
