"""Normal scatter."""

import math
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ..solve import namespace
from ._abstract import AbstractNoise

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class Gaussian(AbstractNoise):
    r"""Least squares: $\rho(z) = z^2/2$.

    **Arguments:**

    - `log`: Whether residuals are differences of logarithms (default) or of values.
    - `absolute`: Whether runs scatter by their `se` as it is, in the target's own unit; if not (default), `se` says
        how they weigh beside each other, and the residuals how much they scatter.
    """

    log: bool = eqx.field(default=True, static=True, kw_only=True)
    absolute: bool = eqx.field(default=False, static=True, kw_only=True)  # pyright: ignore[reportIncompatibleVariableOverride]  a constant of others

    @property
    def free_scale(self) -> bool:
        """The scale drops out of the estimate."""
        return False

    def rho(self, z: Any) -> Any:
        """Half the square."""
        return 0.5 * z * z

    def psi(self, z: Any) -> Any:
        """The residual."""
        return z

    def weight(self, z: Any) -> Any:
        """One."""
        return namespace(z).ones_like(z)

    def curvature(self, z: Any) -> Any:
        """One."""
        return namespace(z).ones_like(z)

    def log_density(self, residual: Any, log_s: Any) -> Any:
        r"""$-z^2/2 - \log s\sqrt{2\pi}$."""
        z = residual * namespace(residual).exp(-log_s)
        return -0.5 * z * z - (log_s + HALF_LOG_TWO_PI)

    def score(self, residual: Any, log_s: Any) -> tuple[Any, Any]:
        """The derivatives of `log_density` in the residual and in log s."""
        shrink = namespace(residual).exp(-log_s)
        z = residual * shrink
        return -z * shrink, z * z - 1.0

    def sample(self, scale: Float[np.ndarray, "*draw"], rng: np.random.Generator) -> Float[np.ndarray, "*draw"]:
        """Draw a normal residual for each scale."""
        return scale * rng.standard_normal(np.shape(scale))
