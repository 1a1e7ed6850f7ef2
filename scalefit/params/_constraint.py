"""Where a parameter may lie, and the smooth map from the real line to there.

Own objects and not NumPyro's: importing the library stays quick, and `posterior` maps them to NumPyro's.
"""

import abc
import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from ..solve import namespace


@dataclasses.dataclass(frozen=True)
class Constraint(abc.ABC):
    """A set of real numbers and the bijection `constrain` from the real line onto its interior.

    Both functions take NumPy arrays or JAX arrays of any shape. A constraint that is not `elementwise` binds the
    entries along the last axis together: it takes `size(count)` free numbers to `count` natural ones.
    """

    elementwise: ClassVar[bool] = True
    """Whether every entry of an array is constrained by itself."""
    vanishes: ClassVar[bool] = False
    """Whether the set includes its lower end, 0, kept by the solver; samplers take the logarithm."""
    ranges: ClassVar[bool] = True
    """Whether the free number has no natural size: it runs to infinity where the parameter runs to an end."""
    uniform: ClassVar[bool] = False
    """Whether a free number with the standard logistic distribution is uniform between the ends."""
    longest: ClassVar[float] = 1.5
    """The longest step that a solver may take in a free number at once."""

    @property
    def low(self) -> float:
        """The lower end of each number."""
        return -math.inf

    @property
    def high(self) -> float:
        """The upper end of each number."""
        return math.inf

    @property
    def kind(self) -> str:
        """What it is called in saved results."""
        return type(self).__name__.lower()

    def size(self, count: int) -> int:
        """The free numbers behind so many natural ones."""
        return count

    @abc.abstractmethod
    def constrain(self, free: Any) -> Any:
        """From the real line to the set."""

    @abc.abstractmethod
    def unconstrain(self, value: Any) -> Any:
        """From the interior of the set to the real line; the inverse of `constrain`."""

    def of_normal(self, middle: float, width: float) -> str:
        """The distribution, in words, of a value whose free number is normal."""
        return f"Normal({middle:.3g}, {width:.3g}) mapped to what is {self}"

    def contains(self, value: np.ndarray) -> Any:
        """Say which values lie in the set; along an axis, whether all do together."""
        above = value >= self.low if self.vanishes else value > self.low
        return above & (value < self.high)


class Real(Constraint):
    """Any real number: $x = u$."""

    ranges: ClassVar[bool] = False

    def of_normal(self, middle: float, width: float) -> str:
        """Normal."""
        return f"Normal({middle:.3g}, {width:.3g})"

    def constrain(self, free: Any) -> Any:
        """The number itself."""
        return free

    def unconstrain(self, value: Any) -> Any:
        """The number itself."""
        return value

    def __str__(self) -> str:
        return "real"


class Nonnegative(Real):
    """0 or more: $x = u$ with the bound kept by the solver, for what enters a law linearly and may vanish."""

    vanishes: ClassVar[bool] = True

    @property
    def low(self) -> float:
        """0, which it includes."""
        return 0.0

    def __str__(self) -> str:
        return ">= 0"


class Positive(Constraint):
    """Above 0: $x = e^u$."""

    longest: ClassVar[float] = 6.0

    def of_normal(self, middle: float, width: float) -> str:
        """Log-normal."""
        return f"LogNormal(log {math.exp(middle):.3g}, {width:.3g})"

    @property
    def low(self) -> float:
        """0, which it does not include."""
        return 0.0

    def constrain(self, free: Any) -> Any:
        """The exponential."""
        return namespace(free).exp(free)

    def unconstrain(self, value: Any) -> Any:
        """The logarithm."""
        return namespace(value).log(value)

    def __str__(self) -> str:
        return "> 0"


class Negative(Constraint):
    """Below 0: $x = -e^u$."""

    def of_normal(self, middle: float, width: float) -> str:
        """Minus a log-normal value."""
        return f"minus a {Positive().of_normal(middle, width)}"

    @property
    def high(self) -> float:
        """0, which it does not include."""
        return 0.0

    def constrain(self, free: Any) -> Any:
        """Minus the exponential."""
        return -namespace(free).exp(free)

    def unconstrain(self, value: Any) -> Any:
        """The logarithm of the absolute value."""
        return namespace(value).log(-value)

    def __str__(self) -> str:
        return "< 0"


@dataclasses.dataclass(frozen=True)
class Interval(Constraint):
    r"""Between two numbers: $x = l + (h - l)/(1 + e^{-u})$."""

    lower: float
    upper: float

    uniform: ClassVar[bool] = True

    @property
    def low(self) -> float:
        """The lower end."""
        return self.lower

    @property
    def high(self) -> float:
        """The upper end."""
        return self.upper

    def constrain(self, free: Any) -> Any:
        """The logistic function between the ends."""
        return self.lower + (self.upper - self.lower) / (1.0 + namespace(free).exp(-free))

    def unconstrain(self, value: Any) -> Any:
        """The log odds between the ends."""
        xp = namespace(value)
        return xp.log(value - self.lower) - xp.log(self.upper - value)

    def __str__(self) -> str:
        return f"in ({self.lower:g}, {self.upper:g})"


class Simplex(Constraint):
    r"""Shares of one whole along the last axis: $x = \mathrm{softmax}(u_1, \dots, u_{K-1}, 0)$."""

    elementwise: ClassVar[bool] = False

    @property
    def low(self) -> float:
        """0, which it does not include."""
        return 0.0

    @property
    def high(self) -> float:
        """1, which it does not include."""
        return 1.0

    def size(self, count: int) -> int:
        """One less: the last share is what is left."""
        return count - 1

    def constrain(self, free: Any) -> Any:
        """Shares in proportion to the exponentials."""
        xp = namespace(free)
        whole = xp.concatenate([free, xp.zeros_like(free[..., :1])], axis=-1)
        part = xp.exp(whole - xp.max(whole, axis=-1, keepdims=True))
        return part / xp.sum(part, axis=-1, keepdims=True)

    def unconstrain(self, value: Any) -> Any:
        """The logarithm of each share over the last."""
        xp = namespace(value)
        return xp.log(value[..., :-1]) - xp.log(value[..., -1:])

    def contains(self, value: np.ndarray) -> Any:
        """Say whether all are above 0 and their sum is 1 within rounding."""
        return np.all(value > 0.0, axis=-1) & (np.abs(np.sum(value, axis=-1) - 1.0) < 1e-9)

    def __str__(self) -> str:
        return "> 0 with a sum of 1"


class Ordered(Constraint):
    r"""Rising along the last axis: $x_1 = u_1$, $x_{k+1} = x_k + e^{u_{k+1}}$."""

    elementwise: ClassVar[bool] = False

    def constrain(self, free: Any) -> Any:
        """The running sum of positive steps."""
        xp = namespace(free)
        return xp.cumsum(xp.concatenate([free[..., :1], xp.exp(free[..., 1:])], axis=-1), axis=-1)

    def unconstrain(self, value: Any) -> Any:
        """The first, then the logarithms of the steps."""
        xp = namespace(value)
        return xp.concatenate([value[..., :1], xp.log(xp.diff(value, axis=-1))], axis=-1)

    def contains(self, value: np.ndarray) -> Any:
        """Say whether every one is above the one before."""
        return np.all(np.diff(value, axis=-1) > 0.0, axis=-1)

    def __str__(self) -> str:
        return "rising"


class ZeroSum(Constraint):
    r"""Deviations along the last axis whose sum is 0: $x = (u_1, \dots, u_{K-1}, -\sum_k u_k)$."""

    elementwise: ClassVar[bool] = False
    ranges: ClassVar[bool] = False

    def size(self, count: int) -> int:
        """One less: the last is minus the sum of the others."""
        return count - 1

    def constrain(self, free: Any) -> Any:
        """The numbers, and minus their sum."""
        xp = namespace(free)
        return xp.concatenate([free, -xp.sum(free, axis=-1, keepdims=True)], axis=-1)

    def unconstrain(self, value: Any) -> Any:
        """All but the last."""
        return value[..., :-1]

    def contains(self, value: np.ndarray) -> Any:
        """Say whether their sum is 0 within rounding."""
        return np.abs(np.sum(value, axis=-1)) < 1e-9 * (1.0 + np.max(np.abs(value), axis=-1))

    def __str__(self) -> str:
        return "with a sum of 0"
