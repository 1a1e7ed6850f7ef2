"""What the field of a law declares, once: where it may lie, its unit, how it scales."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import numpy as np

from ._constraint import Constraint

Dimension = float | Callable[[Any], Any]
"""The power of an input's unit in a parameter's own: a number, or a function of the law (`lambda law: law.alpha`)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Parameter:
    """What is known of a parameter before any run is seen.

    **Arguments:**

    - `constraint`: Where it may lie.
    - `unit`: Its unit, for people.
    - `amplitude`: Whether the law's value is affine in it once the other parameters are fixed, so that a linear
      solve finds it.
    - `dims`: Unit of an input → power of that unit in the parameter's own. A law of `x / x0` instead of `x` is the
      same law with each parameter divided by `x0 ** dim`; this is how inputs are centred.
    - `typical`: The range in which a global search looks, with every input divided by its geometric mean over the
      runs; for an amplitude, as a fraction of the typical target.
    - `axis`: The name of the axis of an array parameter (`"break"`, `"pool"`), or `None` for a scalar.
    """

    constraint: Constraint
    unit: str
    amplitude: bool
    dims: tuple[tuple[str, Dimension], ...]
    typical: tuple[float, float]
    axis: str | None


def _leaf(value: Any) -> Any:
    """Natural values are strongly typed: NumPy float64 on the host, JAX arrays and tracers as they come."""
    return (
        np.asarray(value, dtype=np.float64)
        if isinstance(value, float | int | list | tuple | np.ndarray | np.generic)
        else value
    )


def _field(
    constraint: Constraint,
    unit: str,
    amplitude: bool,
    dims: Mapping[str, Dimension] | None,
    typical: tuple[float, float],
    axis: str | None,
) -> Any:
    declared = Parameter(constraint, unit, amplitude, tuple((dims or {}).items()), typical, axis)
    unset = np.asarray(math.nan) if axis is None else np.asarray([math.nan])
    return eqx.field(default_factory=unset.copy, converter=_leaf, metadata={"parameter": declared})


def positive(
    *,
    unit: str = "",
    amplitude: bool = False,
    dims: Mapping[str, Dimension] | None = None,
    typical: tuple[float, float] = (0.05, 1.5),
    axis: str | None = None,
) -> Any:
    """Declare a parameter above zero; see `Parameter` for the arguments."""
    return _field(Constraint("positive", low=0.0), unit, amplitude, dims, typical, axis)


def nonnegative(
    *,
    unit: str = "",
    amplitude: bool = False,
    dims: Mapping[str, Dimension] | None = None,
    typical: tuple[float, float] = (0.05, 1.5),
    axis: str | None = None,
) -> Any:
    """Declare a parameter that may vanish: an amplitude, an exponent; see `Parameter` for the arguments."""
    return _field(Constraint("nonnegative", low=0.0), unit, amplitude, dims, typical, axis)


def negative(
    *,
    unit: str = "",
    amplitude: bool = False,
    dims: Mapping[str, Dimension] | None = None,
    typical: tuple[float, float] = (-1.5, -0.02),
    axis: str | None = None,
) -> Any:
    """Declare a parameter below zero; see `Parameter` for the arguments."""
    return _field(Constraint("negative", high=0.0), unit, amplitude, dims, typical, axis)


def interval(
    low: float,
    high: float,
    *,
    unit: str = "",
    amplitude: bool = False,
    dims: Mapping[str, Dimension] | None = None,
    typical: tuple[float, float] | None = None,
    axis: str | None = None,
) -> Any:
    """Declare a parameter between two numbers; see `Parameter` for the arguments."""
    inside = typical or (low + 0.05 * (high - low), high - 0.05 * (high - low))
    return _field(Constraint("interval", low, high), unit, amplitude, dims, inside, axis)


def real(
    *,
    unit: str = "",
    amplitude: bool = False,
    dims: Mapping[str, Dimension] | None = None,
    typical: tuple[float, float] = (-1.0, 1.0),
    axis: str | None = None,
) -> Any:
    """Declare a parameter that may be any real number; see `Parameter` for the arguments."""
    return _field(Constraint("real"), unit, amplitude, dims, typical, axis)
