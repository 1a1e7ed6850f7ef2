"""Chinchilla's law with one more number for each way in which runs may drift from it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from ..laws import AbstractLaw, Number, Size
from ..laws.pools._repetition import saturating_share
from ..params import Param, Scalar, interval, nonnegative, positive, real

NEVER = 1e-6
"""Of the number for repetition, which decays by pass: so small that repeats count in full."""
HELD: Mapping[str, float] = {
    "floor": 0.0, "exponent_N": 0.0, "exponent_D": 0.0, "coupling": 1.0, "schedule": 0.0, "repetition": NEVER
}  # fmt: skip
"""What each number is where the law is Chinchilla's."""


class Freed(AbstractLaw):
    r"""$L = E\,e^{f c} + \left(A\,N^{-\alpha} e^{-a n^2} + B\,D'^{-\beta} e^{-b d^2}\right)^k e^{s u}$.

    n and d are the logarithms of N and D over those of a middle run, so that a and b change the exponents along N and
    D; c is that of its compute. k couples N and D as `Skaling` does, u is what a column says of the schedule, and D' is
    what D is worth after its passes, as in `DataConstrained`. With f, a, b, s = 0, k = 1 and repeats that count in
    full it is `Chinchilla`.
    """

    inputs: ClassVar[Mapping[str, Any]] = {
        "N": Size("parameters"),
        "D": Size("tokens"),
        "middle_N": Number(),
        "middle_D": Number(),
        "of_schedule": Number(),
        "of_passes": Number(),
    }

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(unit="target·parameters^alpha", dims={"parameters": lambda law: law.alpha}, of_target=True)
    B: Param = nonnegative(unit="target·tokens^beta", dims={"tokens": lambda law: law.beta}, of_target=True)
    alpha: Param = positive()
    beta: Param = positive()
    floor: Param = real(typical=(-0.03, 0.03))
    exponent_N: Param = real(typical=(-0.03, 0.03))
    exponent_D: Param = real(typical=(-0.03, 0.03))
    coupling: Param = interval(0.05, 3.0, typical=(0.4, 1.4))
    schedule: Param = real(typical=(-0.1, 0.1))
    repetition: Param = positive(unit="1/passes", typical=(0.005, 2.0))

    def __call__(
        self, N: Scalar, D: Scalar, middle_N: Scalar, middle_D: Scalar, of_schedule: Scalar, of_passes: Scalar
    ) -> Scalar:
        """The loss of a model of N parameters after D tokens."""
        fresh = jnp.log(D * saturating_share(of_passes, self.repetition))
        size = self.A * jnp.exp(-self.alpha * jnp.log(N) - self.exponent_N * middle_N**2)
        data = self.B * jnp.exp(-self.beta * fresh - self.exponent_D * middle_D**2)
        above = jnp.exp(self.coupling * jnp.log(size + data) + self.schedule * of_schedule)
        return self.E * jnp.exp(self.floor * (middle_N + middle_D)) + above
