"""Scatter with outliers, of a known knee."""

import math
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from ..solve import namespace
from ._abstract import AbstractNoise, as_number, check_positive, like


class Huber(AbstractNoise):
    r"""Squares within δ, absolute deviations beyond: $\rho(z) = z^2/2$, or $\delta(|z| - \delta/2)$ if $|z| > \delta$.

    **Arguments:**

    - `delta`: The knee, in units of the residual (of log loss: 1e-3 is 0.1 %).
    - `log`: Whether residuals are differences of logarithms (default) or of values.
    """

    likelihood: ClassVar[bool] = False
    delta: Any = eqx.field(default=1e-3, converter=as_number)
    log: bool = eqx.field(default=True, static=True, kw_only=True)

    def __check_init__(self):
        check_positive("delta", self.delta, "in units of the residual")

    @property
    def free_scale(self) -> bool:
        """The knee is given in the residual's own unit."""
        return False

    def rho(self, z: Any) -> Any:
        """Quadratic, then linear."""
        delta = like(self.delta, z)
        inside = namespace(z).clip(z, -delta, delta)  # `psi`, which takes the host longer to find than to compute
        return inside * (z - 0.5 * inside)

    def psi(self, z: Any) -> Any:
        """The residual, clipped at the knee."""
        delta = like(self.delta, z)
        return namespace(z).clip(z, -delta, delta)

    def weight(self, z: Any) -> Any:
        """One inside the knee, falling as 1/|z| beyond."""
        delta = like(self.delta, z)
        return delta / namespace(z).maximum(abs(z), delta)

    def curvature(self, z: Any) -> Any:
        """One inside the knee, zero beyond."""
        xp = namespace(z)
        return xp.where(abs(z) < like(self.delta, z), xp.ones_like(z), xp.zeros_like(z))

    def log_density(self, residual: Any, log_s: Any) -> Any:
        r"""$-\rho_\delta(r)/s^2 - \log Z$: normal inside the knee, falling exponentially beyond.

        $Z = s\sqrt{2\pi}\,\mathrm{erf}(\delta/s\sqrt2) + 2 (s^2/\delta) e^{-\delta^2/2s^2}$.
        """
        xp = namespace(residual)
        z, knee = residual * xp.exp(-log_s), self.delta * xp.exp(-log_s)
        inside = xp.clip(z, -knee, knee)
        normal, tails = _masses(xp, knee)
        return inside * (0.5 * inside - z) - (log_s + xp.log(normal + tails))

    def score(self, residual: Any, log_s: Any) -> tuple[Any, Any]:
        """The derivatives of `log_density` in the residual and in log s."""
        xp = namespace(residual)
        shrink = xp.exp(-log_s)
        z, knee = residual * shrink, self.delta * shrink
        inside = xp.clip(z, -knee, knee)
        normal, tails = _masses(xp, knee)
        return -inside * shrink, inside * (2.0 * z - inside) - 1.0 - tails / (normal + tails)

    def density_weight(self, residual: Any, log_s: Any) -> Any:
        """What a residual counts in least squares: the knee is in the residual's own unit, whatever the scale."""
        return self.weight(residual)

    def sample(self, scale: Float[np.ndarray, "*draw"], rng: np.random.Generator) -> Float[np.ndarray, "*draw"]:
        """Draw a residual for each scale, inside the knee or beyond by their masses."""
        from scipy.special import ndtri  # it takes a while to import

        scale = np.asarray(scale, float)
        knee = np.maximum(float(self.delta) / scale, np.finfo(float).tiny)
        normal, tails = (mass / math.sqrt(2.0 * math.pi) for mass in _masses(np, knee))
        inside = ndtri(0.5 + 0.5 * normal * rng.uniform(-1.0, 1.0, scale.shape))
        beyond = rng.choice([-1.0, 1.0], scale.shape) * (knee + rng.exponential(1.0 / knee))
        return scale * np.where(rng.random(scale.shape) * (normal + tails) < normal, inside, beyond)


def _masses(xp: Any, knee: Any) -> tuple[Any, Any]:
    """The masses inside the knee and beyond, in units of the scatter, of which the knee is given."""
    if xp is np:
        from scipy.special import erf  # it takes a while to import
    else:
        erf = jax.scipy.special.erf
    return math.sqrt(2.0 * math.pi) * erf(knee / math.sqrt(2.0)), 2.0 * xp.exp(-0.5 * knee * knee) / knee
