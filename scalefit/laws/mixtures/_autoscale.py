"""The loss as a sum over domains, each a power law of its own tokens."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, axis, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number
from .._inputs import SHARE


class AutoScale(AbstractLaw):
    r"""A power law of the tokens of each domain: $L = E + \sum_i A_i\,(a_i + w_i D)^{-b_i}$.

    $a_i$ tokens of domain i are what the other domains are worth to it. The published form has $A_i = 1$, tokens being
    counted in those that a domain has where all have the same. It is convex in the weights.

    Source: Kang et al. 2024 (arXiv 2407.20177, eq. 4).
    """

    inputs: ClassVar[Mapping[str, str]] = {"w[domain]": SHARE, "D": "tokens"}
    domain: tuple[str, ...] = axis()
    convex_in: ClassVar[tuple[str, ...]] = ("w",)

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·tokens^b", amplitude=True, dims={"tokens": lambda law: law.b}, typical=(0.02, 1.0), axis="domain"
    )
    a: Param = positive(unit="tokens", dims={"tokens": 1.0}, typical=(0.02, 2.0), axis="domain")
    b: Param = positive(axis="domain")

    def __call__(self, w: Any, D: Scalar) -> Scalar:
        """The loss after D tokens, the share w[i] of them from domain i."""
        tokens = jnp.asarray(self.a) + jnp.asarray(w) * number(D)
        return self.E + jnp.sum(jnp.asarray(self.A) * jnp.exp(-jnp.asarray(self.b) * jnp.log(tokens)))
