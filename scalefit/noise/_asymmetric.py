"""Scatter to one side."""

import math
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ..solve import namespace
from ._abstract import AbstractNoise, as_number, check_positive, like
from ._gaussian import HALF_LOG_TWO_PI


class Asymmetric(AbstractNoise):
    r"""Squares that count `ratio` times below the law: $\rho(z) = z^2/2$ for $z \ge 0$, $r z^2/2$ for $z < 0$.

    Training can fail upwards and not downwards: small runs that were tuned too little lie above the law of good ones,
    which a ratio above 1 draws towards the lower edge of the runs. Least squares of expectiles; the density has halves
    of two normal distributions, the lower $\sqrt r$ times as narrow, with the scale as root mean square.

    **Arguments:**

    - `ratio`: r, how many times a run below the law counts as much as one above; below 1 for the upper edge.
    - `log`: Whether residuals are differences of logarithms (default) or of values.
    """

    ratio: Any = eqx.field(default=10.0, converter=as_number)
    log: bool = eqx.field(default=True, static=True, kw_only=True)

    def __check_init__(self):
        check_positive("ratio", self.ratio, "how many times a run below the law counts")

    @property
    def free_scale(self) -> bool:
        """The scale drops out of the estimate."""
        return False

    def rho(self, z: Any) -> Any:
        """Half the square, times the ratio below."""
        return 0.5 * self.weight(z) * z * z

    def psi(self, z: Any) -> Any:
        """The residual, times the ratio below."""
        return self.weight(z) * z

    def weight(self, z: Any) -> Any:
        """One above, the ratio below."""
        xp = namespace(z)
        return xp.where(z < 0.0, like(self.ratio, z), xp.ones_like(z))

    def curvature(self, z: Any) -> Any:
        """One above, the ratio below."""
        return self.weight(z)

    @property
    def information(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]  a constant of others
        r"""$\sqrt r$ in units of the upper half, which is wider than the root mean square."""
        return self.ratio**0.5 * self._square

    @property
    def _square(self) -> Any:
        """The mean square of a residual, in units of the upper half."""
        return (1.0 + self.ratio**-1.5) / (1.0 + self.ratio**-0.5)

    def log_density(self, residual: Any, log_s: Any) -> Any:
        r"""Two halves of normal densities that meet at 0; their mean square is that of the scale."""
        xp = namespace(residual)
        z = residual * xp.exp(-log_s)
        half = 0.5 * xp.log(self._square) - xp.log(0.5 * (1.0 + self.ratio**-0.5))
        return half - self._square * self.rho(z) - (log_s + HALF_LOG_TWO_PI)

    def score(self, residual: Any, log_s: Any) -> tuple[Any, Any]:
        """The derivatives of `log_density` in the residual and in log s."""
        shrink = namespace(residual).exp(-log_s)
        z = residual * shrink
        psi = self._square * self.psi(z)
        return -psi * shrink, z * psi - 1.0

    def sample(self, scale: Float[np.ndarray, "*draw"], rng: np.random.Generator) -> Float[np.ndarray, "*draw"]:
        """Draw a residual for each scale, above or below by the widths of the halves."""
        narrow = float(self.ratio) ** -0.5
        size = np.abs(rng.standard_normal(np.shape(scale))) / math.sqrt(float(self._square))
        above = rng.random(np.shape(scale)) * (1.0 + narrow) < 1.0
        return scale * np.where(above, size, -narrow * size)
