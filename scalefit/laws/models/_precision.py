"""Models trained or kept in few bits."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number, power
from .._inputs import Ratio


class EffectiveParameters(AbstractLaw):
    r"""What N parameters of P bits are worth of full precision: $N\,(1 - e^{-P/\gamma})$.

    A part for any law of N: `Effective(Chinchilla(), N=EffectiveParameters())`.

    Source: Kumar et al. 2024 (arXiv 2411.04330, eq. 3, of weights alone).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "P": Ratio("bits")}

    gamma: Param = positive(unit="bits", typical=(0.5, 8.0))

    def __call__(self, N: Scalar, P: Scalar) -> Scalar:
        """The parameters that they are worth."""
        return number(N) * -jnp.expm1(-number(P) / self.gamma)


class Precision(AbstractLaw):
    r"""Bits in training count as parameters: $L = E + A\,N'^{-\alpha} + B\,D^{-\beta}$.

    $N' = N\prod_x(1 - e^{-P_x/\gamma_x})$, where x runs over weights, activations and the cache of keys and
    values. Add `Quantised` for weights that are rounded after training. There are no shifts in P, as is printed; the
    published constants were fitted with some, and do not give the best bits of the text exactly.

    Source: Kumar et al. 2024 (arXiv 2411.04330, eqs. 3 and 4).
    """

    inputs: ClassVar[Mapping[str, Any]] = {
        "N": "parameters",
        "D": "tokens",
        "P_w": Ratio("bits"),
        "P_a": Ratio("bits"),
        "P_kv": Ratio("bits"),
    }

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()
    gamma_w: Param = positive(unit="bits", typical=(0.5, 8.0))
    gamma_a: Param = positive(unit="bits", typical=(0.5, 8.0))
    gamma_kv: Param = positive(unit="bits", typical=(0.5, 8.0))

    def __call__(self, N: Scalar, D: Scalar, P_w: Scalar, P_a: Scalar, P_kv: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, trained in so many bits."""
        size = number(N)
        for bits, gamma in ((P_w, self.gamma_w), (P_a, self.gamma_a), (P_kv, self.gamma_kv)):
            size = size * -jnp.expm1(-number(bits) / gamma)
        return self.E + self.A * power(size, -self.alpha) + self.B * power(D, -self.beta)


class Quantised(AbstractLaw):
    r"""What rounding weights to P bits after training costs: $\delta = C\,e^{-P/\gamma}\,D^{\gamma_D}\,N^{-\gamma_N}$.

    It grows with D: a model can be trained on too much for the bits that it will be kept in. `Sum(Chinchilla(),
    Quantised())` is the loss of a model trained at full precision. The source has a further factor of the bits in
    training, which is near 1 where they are many more than P.

    Source: Kumar et al. 2024 (arXiv 2411.04330, eq. 2).
    """

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters", "D": "tokens", "P": Ratio("bits")}

    C: Param = nonnegative(
        unit="target·parameters^gamma_N/tokens^gamma_D",
        amplitude=True,
        dims={"parameters": lambda law: law.gamma_N, "tokens": lambda law: -law.gamma_D},
        typical=(0.5, 50.0),
    )
    gamma: Param = positive(unit="bits", typical=(0.2, 4.0))
    gamma_D: Param = positive(typical=(0.1, 1.0))
    gamma_N: Param = positive(typical=(0.1, 1.0))

    def __call__(self, N: Scalar, D: Scalar, P: Scalar) -> Scalar:
        """The rise of the loss of a model of N parameters, trained on D tokens, whose weights get P bits."""
        return self.C * jnp.exp(-number(P) / self.gamma) * power(D, self.gamma_D) * power(N, -self.gamma_N)
