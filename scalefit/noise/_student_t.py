"""Scatter with heavy tails."""

import math
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from ..solve import namespace
from ._abstract import AbstractNoise, as_number, check_positive, like


class StudentT(AbstractNoise):
    r"""Student's t with its scale estimated: $\rho(z) = \frac{\nu+1}{2}\log(1 + z^2/\nu)$, plus $\log s$ a run.

    **Arguments:**

    - `df`: Degrees of freedom ν; 4 is robust and still close to normal.
    - `log`: Whether residuals are differences of logarithms (default) or of values.
    """

    df: Any = eqx.field(default=4.0, converter=as_number)
    log: bool = eqx.field(default=True, static=True, kw_only=True)

    def __check_init__(self):
        check_positive("df", self.df, "the degrees of freedom")

    @property
    def free_scale(self) -> bool:
        """The scale is estimated with the law."""
        return True

    def rho(self, z: Any) -> Any:
        """Grows as a logarithm."""
        df = like(self.df, z)
        return 0.5 * (df + 1.0) * namespace(z).log1p(z * z / df)

    def psi(self, z: Any) -> Any:
        """Falls again for far residuals."""
        df = like(self.df, z)
        return z * ((df + 1.0) / (df + z * z))  # by `weight`, which takes the host longer to find than to compute

    def weight(self, z: Any) -> Any:
        """Far residuals count for less."""
        df = like(self.df, z)
        return (df + 1.0) / (df + z * z)

    def curvature(self, z: Any) -> Any:
        """Negative for far residuals."""
        df = like(self.df, z)
        return (df + 1.0) * (df - z * z) / (df + z * z) ** 2

    @property
    def information(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]  a constant of others
        """$(\\nu + 1)/(\\nu + 3)$ of that of normal runs of the same scale."""
        return (self.df + 1.0) / (self.df + 3.0)

    def log_density(self, residual: Any, log_s: Any) -> Any:
        """That of Student's t with ν degrees of freedom and scale s."""
        xp, df = namespace(residual), self.df
        z = residual * xp.exp(-log_s)
        log_gamma = math.lgamma if xp is np else jax.scipy.special.gammaln
        whole = log_gamma(0.5 * (df + 1.0)) - log_gamma(0.5 * df) - 0.5 * xp.log(df * math.pi)
        return whole - log_s - 0.5 * (df + 1.0) * xp.log(1.0 + z * z / df)

    def score(self, residual: Any, log_s: Any) -> tuple[Any, Any]:
        """The derivatives of `log_density` in the residual and in log s."""
        shrink = namespace(residual).exp(-log_s)
        z = residual * shrink
        psi = (self.df + 1.0) * z / (self.df + z * z)
        return -psi * shrink, z * psi - 1.0

    def sample(self, scale: Float[np.ndarray, "*draw"], rng: np.random.Generator) -> Float[np.ndarray, "*draw"]:
        """Draw a residual of Student's t for each scale."""
        return scale * rng.standard_t(float(self.df), np.shape(scale))
