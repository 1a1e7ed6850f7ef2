"""What the field of a law declares, once: where it may lie, its unit, how it scales, its axes."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import numpy as np

from .._core import InputError
from ._constraint import Constraint, Interval, Negative, Nonnegative, Ordered, Positive, Real, Simplex, ZeroSum

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
      runs; as a fraction of the typical target for an amplitude, and where `of_target` says so.
    - `axes`: The names of the axes of an array parameter (`("break",)`, `("target", "domain")`); none for a scalar.
    - `of_target`: Whether `typical` is a fraction of the typical target.
    """

    constraint: Constraint
    unit: str
    amplitude: bool
    dims: tuple[tuple[str, Dimension], ...]
    typical: tuple[float, float]
    axes: tuple[str, ...] = ()
    of_target: bool = False

    @property
    def axis(self) -> str | None:
        """The last axis, or `None` for a scalar."""
        return self.axes[-1] if self.axes else None

    @property
    def searched(self) -> tuple[float, float]:
        """The ends of `typical` as free numbers of the parameter."""
        constraint = self.constraint if self.constraint.elementwise else Real()
        low, high = constraint.unconstrain(np.asarray(self.typical, float))
        return float(low), float(high)


def _check_range(name: str, ends: Any) -> None:
    """Raise for what are not two numbers in rising order."""
    pair = ends if isinstance(ends, tuple | list) else ()
    if len(pair) != 2 or not all(isinstance(end, float | int | np.number) for end in pair) or not pair[0] <= pair[1]:
        raise InputError(name, ends, "two numbers, the lower first")


def _leaf(value: Any) -> Any:
    """Natural values are strongly typed: NumPy float64 on the host, JAX arrays and tracers as they come."""
    return (
        np.asarray(value, dtype=np.float64)
        if isinstance(value, float | int | list | tuple | np.ndarray | np.generic)
        else value
    )


def parameter(
    constraint: Constraint,
    *,
    unit: str = "",
    amplitude: bool = False,
    dims: Mapping[str, Dimension] | None = None,
    typical: tuple[float, float] = (-1.0, 1.0),
    axis: str | None = None,
    axes: Sequence[str] = (),
    of_target: bool = False,
) -> Any:
    """Declare a parameter under any constraint, a user's own too; see `Parameter` for the arguments.

    **Arguments:**

    - `axis`: The one axis, in place of `axes`.
    """
    along = (axis,) if axis is not None else tuple(axes)
    _check_range("typical", typical)
    for name, power in (dims or {}).items():
        if not callable(power) and not isinstance(power, float | int | np.number):
            expected = "the power of its unit: a number, or a function of the law, as lambda law: law.alpha"
            raise InputError(f"dims[{name!r}]", power, expected)
    declared = Parameter(constraint, unit, amplitude, tuple((dims or {}).items()), typical, along, of_target)
    unset = np.full((1,) * len(along), math.nan)
    return eqx.field(default_factory=unset.copy, converter=_leaf, metadata={"parameter": declared})


def positive(*, typical: tuple[float, float] = (0.05, 1.5), **declared: Any) -> Any:
    """Declare a parameter above zero; see `parameter` for the arguments."""
    return parameter(Positive(), typical=typical, **declared)


def nonnegative(*, typical: tuple[float, float] = (0.05, 1.5), **declared: Any) -> Any:
    """Declare a parameter that may vanish: an amplitude, an exponent; see `parameter` for the arguments."""
    return parameter(Nonnegative(), typical=typical, **declared)


def negative(*, typical: tuple[float, float] = (-1.5, -0.02), **declared: Any) -> Any:
    """Declare a parameter below zero; see `parameter` for the arguments."""
    return parameter(Negative(), typical=typical, **declared)


def interval(low: float, high: float, *, typical: tuple[float, float] | None = None, **declared: Any) -> Any:
    """Declare a parameter between two numbers; see `parameter` for the arguments."""
    _check_range("interval", (low, high))
    inside = typical or (low + 0.05 * (high - low), high - 0.05 * (high - low))
    return parameter(Interval(low, high), typical=inside, **declared)


def real(*, typical: tuple[float, float] = (-1.0, 1.0), **declared: Any) -> Any:
    """Declare a parameter that may be any real number; see `parameter` for the arguments."""
    return parameter(Real(), typical=typical, **declared)


def simplex(*, axis: str, **declared: Any) -> Any:
    """Declare shares of one whole along an axis; `typical` is of the logarithm of each share over the last."""
    return parameter(Simplex(), axis=axis, **declared)


def ordered(*, axis: str, **declared: Any) -> Any:
    """Declare numbers that rise along an axis; `typical` is of the first, and of the logarithms of the steps."""
    return parameter(Ordered(), axis=axis, **declared)


def zero_sum(*, axis: str, **declared: Any) -> Any:
    """Declare deviations along an axis whose sum is zero; see `parameter` for the arguments."""
    return parameter(ZeroSum(), axis=axis, **declared)


def constant(value: float = 0.0) -> Any:
    """Declare a number that is no parameter and may change with the units of the inputs: see `Tree.rescaled`."""
    return eqx.field(default=value, converter=_leaf, metadata={"constant": True})


def axis() -> Any:
    """Declare the field that holds the names of the entries of the axis of its name, empty until runs name them."""
    return eqx.field(default=(), static=True, kw_only=True, converter=tuple)
