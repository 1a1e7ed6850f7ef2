"""Where a parameter may lie, and the smooth map from the real line to there.

Own objects and not NumPyro's: importing the library stays quick, and `posterior` maps them to NumPyro's.
"""

import dataclasses
import math
from typing import Any, Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Array = TypeVar("Array", jax.Array, np.ndarray)


@dataclasses.dataclass(frozen=True)
class Constraint:
    r"""A set of real numbers and the bijection `constrain` from the real line onto its interior.

    **Arguments:**

    - `kind`: `"real"`: $x = u$; `"nonnegative"`: $x = u$ with the bound $u \ge 0$ kept by the solver, for what enters a
      law linearly and may vanish; `"positive"`: $x = e^u$; `"negative"`: $x = -e^u$; `"interval"`:
      $x = l + (h - l)/(1 + e^{-u})$.
    - `low`, `high`: The ends of the set.
    """

    kind: Literal["real", "nonnegative", "positive", "negative", "interval"]
    low: float = -math.inf
    high: float = math.inf

    def constrain(self, free: Array) -> Array:
        """From the real line to the set."""
        xp: Any = np if isinstance(free, np.ndarray) else jnp
        match self.kind:
            case "real" | "nonnegative":
                return free
            case "positive":
                return xp.exp(free)
            case "negative":
                return -xp.exp(free)
            case "interval":
                return self.low + (self.high - self.low) / (1.0 + xp.exp(-free))

    def unconstrain(self, value: Array) -> Array:
        """From the interior of the set to the real line; the inverse of `constrain`."""
        xp: Any = np if isinstance(value, np.ndarray) else jnp
        match self.kind:
            case "real" | "nonnegative":
                return value
            case "positive":
                return xp.log(value)
            case "negative":
                return xp.log(-value)
            case "interval":
                return xp.log(value - self.low) - xp.log(self.high - value)

    def contains(self, value: np.ndarray) -> np.ndarray:
        """Whether each value lies in the set; only `"nonnegative"` includes its end."""
        above = value >= self.low if self.kind == "nonnegative" else value > self.low
        return above & (value < self.high)

    def __str__(self) -> str:
        match self.kind:
            case "real":
                return "real"
            case "nonnegative":
                return ">= 0"
            case "positive":
                return "> 0"
            case "negative":
                return "< 0"
            case "interval":
                return f"in ({self.low:g}, {self.high:g})"
