"""Two modalities in one model."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, axis, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, numbers, power


class MixedModal(AbstractLaw):
    r"""Two modalities compete, then help: $L = \bar L - C + G\,N^{-\gamma} + H\,(D_1 + D_2)^{-\delta}$.

    $\bar L$ is the mean of the two laws of one modality, $E_m + A_m N^{-\alpha_m} + B_m D_m^{-\beta_m}$. C is the most
    that they gain from each other: competition turns to synergy where it exceeds the two terms that follow. The laws
    of one are fitted to runs of one and held, `fixed=("E", "A", "B", "alpha", "beta")`: runs of both do not tell them
    apart. Constants that circulate give 25 nats per token at usual sizes, their units being unknown, so that there is
    no published set.

    Source: Aghajanyan et al. 2023 (arXiv 2301.03728, eq. 4).
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D[modality]": "tokens"}
    modality: tuple[str, ...] = axis()

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0), axis="modality")
    A: Param = nonnegative(
        unit="target·parameters^alpha",
        amplitude=True,
        dims={"parameters": lambda law: law.alpha},
        typical=(0.02, 1.0),
        axis="modality",
    )
    B: Param = nonnegative(
        unit="target·tokens^beta",
        amplitude=True,
        dims={"tokens": lambda law: law.beta},
        typical=(0.02, 1.0),
        axis="modality",
    )
    C: Param = nonnegative(unit="target", amplitude=True, typical=(0.01, 0.5))
    G: Param = nonnegative(
        unit="target·parameters^gamma", amplitude=True, dims={"parameters": lambda law: law.gamma}, typical=(0.01, 0.5)
    )
    H: Param = nonnegative(
        unit="target·tokens^delta", amplitude=True, dims={"tokens": lambda law: law.delta}, typical=(0.01, 0.5)
    )
    alpha: Param = nonnegative(axis="modality")
    beta: Param = nonnegative(axis="modality")
    gamma: Param = positive()
    delta: Param = positive()

    def __call__(self, N: Scalar, D: Any) -> Scalar:
        """The mean loss on both modalities of N parameters after D[m] tokens of each."""
        D = numbers(D)
        sizes = jnp.exp(-jnp.asarray(self.alpha) * jnp.log(number(N)))
        alone = (
            jnp.asarray(self.E)
            + jnp.asarray(self.A) * sizes
            + jnp.asarray(self.B) * jnp.exp(-jnp.asarray(self.beta) * jnp.log(D))
        )
        return jnp.mean(alone) - self.C + self.G * power(N, -self.gamma) + self.H * power(jnp.sum(D), -self.delta)
