"""What every noise is: a cost of residuals, and the density behind it."""

import abc
import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, shown
from ..solve import namespace


class AbstractNoise(eqx.Module):
    r"""The cost $\rho(z)$ of a residual $z = (g(y) - g(\hat y))/s$, with $g$ the logarithm if `log`.

    A run with a standard error `se` has its residual multiplied by (median se)/se, se/y in place of se on logarithms.
    Functions of residuals take NumPy arrays or JAX arrays and give the same. A noise of a user's own needs the cost and
    its derivatives to be fitted with, and `log_density`, `score` and `sample` for posteriors and new runs.
    """

    log: eqx.AbstractVar[bool]

    likelihood: ClassVar[bool] = True
    """Whether the cost is minus the logarithm of the density, up to the scale."""
    absolute: ClassVar[bool] = False
    """Whether the scatter is known: it is that of the runs' `se`, in the target's own unit."""
    information: ClassVar[Any] = 1.0
    """Fisher's information of a run about the law, beside that under a normal scatter of the same scale."""

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

    def __str__(self) -> str:
        numbers = [f"{float(leaf):g}" for leaf in jax.tree.leaves(self)]
        return f"{type(self).__name__}({', '.join(numbers)})"

    def informed(self, residuals: Any) -> float:
        """The share of the residuals at which the cost has curvature, and so says how sure a fit is."""
        return 1.0 if self.free_scale else float(np.mean(np.asarray(self.curvature(np.asarray(residuals))) > 0.0))

    def log_density(self, residual: Any, log_s: Any) -> Any:
        """The logarithm of the proper density of a residual, whose scale is `exp(log_s)`.

        **Raises:** `InputError` for a noise that has none.
        """
        raise self._without_density()

    def score(self, residual: Any, log_s: Any) -> tuple[Any, Any]:
        """The derivatives of `log_density` in the residual and in log s."""
        raise self._without_density()

    def density_weight(self, residual: Any, log_s: Any) -> Any:
        """What a residual counts in least squares under the density, beside one in its middle."""
        return self.weight(residual * np.exp(-log_s))

    def sample(self, scale: Float[np.ndarray, "*draw"], rng: np.random.Generator) -> Float[np.ndarray, "*draw"]:
        """Draw a residual for each scale.

        **Raises:** `InputError` for a noise that has no density.
        """
        raise self._without_density()

    def _without_density(self) -> InputError:
        return InputError("noise", self, "one with a density: Gaussian, StudentT or Huber of scalefit.noise")


def check_noise(noise: AbstractNoise, argument: str = "noise") -> None:
    """Check that a noise of a user's own holds nothing but numbers in fields that are not static.

    **Raises:** `InputError` naming the field, and how it is declared.
    """
    for name in ("log", "absolute"):
        if not isinstance(getattr(noise, name), bool):
            given = Phrase(f"is {type(noise).__name__}, whose {name} is {shown(getattr(noise, name))}")
            raise InputError(argument, given, "True or False")
    numbers = float | int | np.ndarray | np.generic | jax.Array | eqx.Module
    for field in dataclasses.fields(noise):
        value, name = getattr(noise, field.name), field.name
        if isinstance(value, dict | list | set):  # by which no program can be told from another
            given = Phrase(f"is {type(noise).__name__}, whose field {name!r} is {shown(value)}, which may change")
            remedy = f"hold it as a tuple: {name}: tuple = equinox.field(default=..., static=True)"
            raise InputError(argument, given, remedy=remedy)
        if field.metadata.get("static", False) or (isinstance(value, numbers) and not isinstance(value, bool)):
            continue
        raise InputError(
            argument, Phrase(f"is {type(noise).__name__}, whose field {name!r} is {shown(value)} and not static"),
            remedy=f"declare it as {name}: {type(value).__name__} = equinox.field(default={shown(value)}, static=True)",
        )  # fmt: skip


def like(value: Any, z: Any) -> Any:
    """A number of a noise as residuals are counted: on the host, or in a program."""
    return namespace(z).asarray(value, z.dtype)


def as_number(value: Any) -> Any:
    """A number of the host as float64; JAX's as it is."""
    return np.asarray(value, np.float64) if isinstance(value, float | int | np.generic) else value


def with_arrays(noise: AbstractNoise) -> AbstractNoise:
    """A noise whose plain numbers are arrays, as solvers take them; Python's are what a user's own class may hold."""
    return jax.tree.map(as_number, noise)


def check_positive(field: str, value: Any, unit: str) -> None:
    """Refuse what is no number above 0."""
    known = not isinstance(value, jax.Array)
    if known and not (isinstance(value, np.ndarray) and np.all((value > 0) & np.isfinite(value))):
        raise InputError(field, value, f"a number above 0, {unit}")
