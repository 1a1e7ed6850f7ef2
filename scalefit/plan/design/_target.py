"""What runs are to tell: a loss somewhere, or the best size for a compute, as a smooth function of the law."""

import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._core import InputError
from ...data import hint, parse_number
from ...laws import AbstractLaw, input_names, input_units
from .._cost import SIX_ND, Cost
from ..sizes import MAX_SIZE, Constraints, best_size, curvature, log_data, loss_along

QUANTITIES = ("loss", "N", "D")
"""What a target may ask for."""
LOGS = ("N", "D")
"""Of these it is the logarithm."""


class Target(eqx.Module):
    """A quantity of a law: its value at a point, or at the best point for a compute; N and D as logarithms.

    **Arguments:**

    - `quantity`: `"loss"`, `"N"` or `"D"`.
    - `at`: The point, by input; or `{"C": compute}`.
    - `cost`: What a compute pays for.
    """

    quantity: str = eqx.field(static=True)
    at: dict[str, Any]
    cost: Cost = eqx.field(static=True, default=SIX_ND)

    def __call__(self, law: AbstractLaw) -> Any:
        """The quantity under a law."""
        if "C" not in self.at:
            return law(**self.at)
        constraints, C = Constraints(self.cost), self.at["C"]
        log_N = best_size(law, C, constraints)
        if self.quantity == "loss":
            return loss_along(law, constraints, log_N, C)
        return log_N if self.quantity == "N" else log_data(constraints, log_N, C)

    def curvature(self, law: AbstractLaw) -> Any:
        """The second derivative of the loss along log N at the best N: what an error in N costs, twice over."""
        constraints, C = Constraints(self.cost), self.at["C"]
        return curvature(law, constraints, best_size(law, C, constraints), C)


def target_of(given: Any, law: AbstractLaw, cost: Cost) -> Callable[[Any], Any]:
    """The target of `"loss@N=7e10,D=1.4e12"`, `"loss@C=1e24"`, `"N@C=1e24"`, or a function of the law as it is.

    **Arguments:**

    - `given`: The words, or the function.
    - `law`: The law whose inputs the words may name.
    - `cost`: What a compute C pays for.

    **Returns:** a function of the law in JAX; a `Target` where words were given.

    **Raises:** `InputError` for a word that is none, or inputs that are not those of the law.
    """
    if callable(given):
        _refuse_function(given, law)
        return given
    if not isinstance(given, str):
        raise InputError(f"target is {given!r}; expected text as 'loss@C=1e24', or a function of the law.")
    quantity, sign, where = (part.strip() for part in given.partition("@"))
    if quantity not in QUANTITIES:
        raise InputError(
            f"target is {given!r}; there is no {quantity!r}; {hint(quantity, QUANTITIES, what='targets')}."
        )
    at: dict[str, Any] = {}
    for piece in re.split(r"[,\s]+", where) if sign else []:
        name, _, text = piece.partition("=")
        number = parse_number(text)
        if number is None or not 0.0 < number < np.inf:
            raise InputError(f"target is {given!r}; {piece!r} is no number above 0: write it as 'loss@C=1e24'.")
        if name in at:
            raise InputError(f"target is {given!r}, which gives {name} twice; give it once.")
        at[name] = np.asarray(number)
    flat = tuple(input_units(law))
    if set(at) == {"C"} and {"N", "D"} == set(flat):
        low, high = (float(cost.of(end, end)) for end in (1.0, MAX_SIZE))
        if not low <= at["C"] <= high:
            raise InputError(
                f"target is {given!r}; a compute of {at['C']:g} is none that a model is trained with: one parameter on "
                f"one token costs {low:g} ({cost.name}), and no size up to {MAX_SIZE:g} costs more than {high:.3g}."
            )
        return Target(quantity, at, cost)
    if quantity != "loss" or set(at) != set(flat) or any(names != (base,) for base, names in input_names(law).items()):
        points = ",".join(f"{name}=1e9" for name in flat)
        best = " or 'loss@C=1e24', 'N@C=1e24'" if {"N", "D"} == set(flat) else ""
        raise InputError(f"target is {given!r}; of {type(law).__name__} expected 'loss@{points}'{best}.")
    return Target(quantity, at, cost)


def _refuse_function(given: Callable[[Any], Any], law: AbstractLaw) -> None:
    """Refuse a target that cannot be called with a law, or gives no numbers."""
    with jax.enable_x64(True):
        try:
            jax.eval_shape(lambda one: jnp.asarray(given(one), float), jax.tree.map(jnp.asarray, law))
        except Exception as error:  # whatever a user's function raises
            raise InputError(
                f"The target {getattr(given, '__name__', 'target')!r} is not a function of the law in jax.numpy that "
                f"gives numbers ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}): write it "
                f"like lambda law: law(1e9, 2e10)."
            ) from error
