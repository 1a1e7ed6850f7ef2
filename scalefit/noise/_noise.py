"""How runs scatter about a law: what each residual costs, and whether residuals are differences of logarithms."""

import abc
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._core import InputError
from ..solve import namespace


class AbstractNoise(eqx.Module):
    r"""The cost $\rho(z)$ of a residual $z = (g(y) - g(\hat y))/s$, with $g$ the logarithm if `log`.

    A run with a standard error `se` has its residual multiplied by (median se)/se, se/y in place of se on logarithms.
    """

    log: eqx.AbstractVar[bool]

    @property
    @abc.abstractmethod
    def free_scale(self) -> bool:
        """Whether s is estimated with the law; it is 1 otherwise."""

    @abc.abstractmethod
    def rho(self, z: Any) -> Any:
        """The cost of a residual."""

    @abc.abstractmethod
    def psi(self, z: Any) -> Any:
        """The slope of the cost."""

    @abc.abstractmethod
    def weight(self, z: Any) -> Any:
        """`psi(z) / z`."""

    @abc.abstractmethod
    def curvature(self, z: Any) -> Any:
        """The curvature of the cost."""


def _like(value: Any, z: Any) -> Any:
    """A number of a noise as residuals are counted: on the host, or in a program."""
    return namespace(z).asarray(value, z.dtype)


def _number(value: Any) -> Any:
    return np.asarray(value, np.float64) if isinstance(value, float | int | np.generic) else value


def _check(noise: str, field: str, value: Any, unit: str) -> None:
    known = not isinstance(value, jax.Array)
    if known and not (isinstance(value, np.ndarray) and np.all((value > 0) & np.isfinite(value))):
        raise InputError(f"{noise} was given {field} = {value}; it must be a number above 0, {unit}.")


class Gaussian(AbstractNoise):
    r"""Least squares: $\rho(z) = z^2/2$.

    **Arguments:**

    - `log`: Whether residuals are differences of logarithms (default) or of values.
    """

    log: bool = eqx.field(default=True, static=True, kw_only=True)

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


class Huber(AbstractNoise):
    r"""Squares within δ, absolute deviations beyond: $\rho(z) = z^2/2$, or $\delta(|z| - \delta/2)$ if $|z| > \delta$.

    **Arguments:**

    - `delta`: The knee, in units of the residual (of log loss: 1e-3 is 0.1 %).
    - `log`: Whether residuals are differences of logarithms (default) or of values.
    """

    delta: Any = eqx.field(default=1e-3, converter=_number)
    log: bool = eqx.field(default=True, static=True, kw_only=True)

    def __check_init__(self):
        _check("Huber", "delta", self.delta, "in units of the residual")

    @property
    def free_scale(self) -> bool:
        """The knee is given in the residual's own unit."""
        return False

    def rho(self, z: Any) -> Any:
        """Quadratic, then linear."""
        inside = self.psi(z)
        return inside * (z - 0.5 * inside)

    def psi(self, z: Any) -> Any:
        """The residual, clipped at the knee."""
        delta = _like(self.delta, z)
        return namespace(z).clip(z, -delta, delta)

    def weight(self, z: Any) -> Any:
        """One inside the knee, falling as 1/|z| beyond."""
        delta = _like(self.delta, z)
        return delta / namespace(z).maximum(abs(z), delta)

    def curvature(self, z: Any) -> Any:
        """One inside the knee, zero beyond."""
        xp = namespace(z)
        return xp.where(abs(z) < _like(self.delta, z), xp.ones_like(z), xp.zeros_like(z))


class StudentT(AbstractNoise):
    r"""Student's t with its scale estimated: $\rho(z) = \frac{\nu+1}{2}\log(1 + z^2/\nu)$, plus $\log s$ a run.

    **Arguments:**

    - `df`: Degrees of freedom ν; 4 is robust and still close to normal.
    - `log`: Whether residuals are differences of logarithms (default) or of values.
    """

    df: Any = eqx.field(default=4.0, converter=_number)
    log: bool = eqx.field(default=True, static=True, kw_only=True)

    def __check_init__(self):
        _check("StudentT", "df", self.df, "the degrees of freedom")

    @property
    def free_scale(self) -> bool:
        """The scale is estimated with the law."""
        return True

    def rho(self, z: Any) -> Any:
        """Grows as a logarithm."""
        df = _like(self.df, z)
        return 0.5 * (df + 1.0) * namespace(z).log1p(z * z / df)

    def psi(self, z: Any) -> Any:
        """Falls again for far residuals."""
        return z * self.weight(z)

    def weight(self, z: Any) -> Any:
        """Far residuals count for less."""
        df = _like(self.df, z)
        return (df + 1.0) / (df + z * z)

    def curvature(self, z: Any) -> Any:
        """Negative for far residuals."""
        df = _like(self.df, z)
        return (df + 1.0) * (df - z * z) / (df + z * z) ** 2
