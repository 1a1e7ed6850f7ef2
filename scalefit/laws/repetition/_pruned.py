"""Pools of which a part is kept."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, namespace, nonnegative, real
from .._abstract import AbstractLaw
from .._formula import number
from .._inputs import Ratio, Size


class Pruned(AbstractLaw):
    r"""A power law for each kept part f of a ranked pool: $L = E + A\,f^{\eta}\,D^{-\alpha + \kappa\log f}$.

    D counts the samples that are kept. Where κ is above 0, the less is kept the faster the loss falls: what to keep
    shrinks with D, and the lower envelope over f falls faster than a power. η above 0 says that at D = 1 the
    hardest samples are the best, below 0 the easiest: with few, keep the easy ones.

    Source: the family of curves of Sorscher et al. 2022 (arXiv 2206.14486), which gives no closed form: how A and α go
    with f, linearly in its logarithm, is ours.
    """

    inputs: ClassVar[Mapping[str, Any]] = {"D": Size("samples"), "f": Ratio("share that is kept")}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(unit="target·samples^alpha", amplitude=True, typical=(0.02, 1.0))
    alpha: Param = nonnegative()
    eta: Param = real(typical=(-0.8, 0.8))
    kappa: Param = real(typical=(-0.2, 0.4))

    def rescaled(self, log_scale: Mapping[str, Any]) -> "Pruned":
        """The same law in other units: what one of D does depends on f, as η does."""
        of_D = log_scale.get("samples", 0.0)
        A = self.A * namespace(self.alpha, of_D).exp(self.alpha * of_D)
        return dataclasses.replace(self, A=A, eta=self.eta - self.kappa * of_D)

    def __call__(self, D: Scalar, f: Scalar) -> Scalar:
        """The loss after D samples, the best-ranked part f of a pool."""
        log_D, log_f = jnp.log(number(D)), jnp.log(number(f))
        return self.E + self.A * jnp.exp(self.eta * log_f + (self.kappa * log_f - self.alpha) * log_D)
