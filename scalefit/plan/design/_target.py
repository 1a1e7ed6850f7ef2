"""What runs are to tell: a loss somewhere, or the best size for a compute, as a smooth function of the law."""

import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._core import InputError, Phrase, hint
from ...data import parse_number
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
        return self.quantities(law)[QUANTITIES.index(self.quantity)]

    def quantities(self, law: AbstractLaw) -> tuple[Any, Any, Any]:
        """The least loss for a compute, and the logarithms of its N and D: `QUANTITIES`."""
        constraints, C = Constraints(self.cost), self.at["C"]
        log_N = best_size(law, C, constraints)
        return loss_along(law, constraints, log_N, C), log_N, log_data(constraints, log_N, C)

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
        _check_function(given, law)
        return given
    flat = tuple(input_units(law))
    chosen = set(cost.inputs) == set(flat)
    example = f"'loss@{','.join(f'{name}=1e9' for name in flat)}'" + (" or 'N@C=1e24'" if chosen else "")
    if not isinstance(given, str):
        raise InputError("target", given, f"text, as {example}, or a function of the law")
    quantity, sign, where = (part.strip() for part in given.partition("@"))
    if quantity not in QUANTITIES:
        remedy = f"there is no {quantity!r}; {hint(quantity, QUANTITIES, what='targets')}"
        raise InputError("target", given, f"text, as {example}", remedy)
    at: dict[str, Any] = {}
    for piece in re.split(r"[,\s]+", where) if sign else []:
        name, _, text = piece.partition("=")
        number = parse_number(text)
        if number is None or not 0.0 < number < np.inf:
            raise InputError("target", given, f"numbers above 0, where {piece!r} stands, as in {example}")
        if name in at:
            raise InputError("target", given, f"{name} once")
        at[name] = np.asarray(number)
    if set(at) == {"C"} and chosen:
        low, high = (float(cost.of(end, end)) for end in (1.0, MAX_SIZE))
        if not low <= at["C"] <= high:
            expected = f"a compute from {low:g}, of one parameter on one token ({cost.name}), to {high:.3g}"
            raise InputError("target", given, expected)
        return Target(quantity, at, cost)
    if quantity != "loss" or set(at) != set(flat) or any(names != (base,) for base, names in input_names(law).items()):
        raise InputError("target", given, f"{example} for {type(law).__name__}")
    return Target(quantity, at, cost)


def _check_function(given: Callable[[Any], Any], law: AbstractLaw) -> None:
    """Check that a target can be called with a law, and gives numbers.

    **Raises:** `InputError` with what it raised.
    """
    with jax.enable_x64(True):
        try:
            jax.eval_shape(lambda one: jnp.asarray(given(one), float), jax.tree.map(jnp.asarray, law))
        except Exception as error:  # whatever a user's function raises
            first = str(error).splitlines()[0] if str(error) else ""
            name = getattr(given, "__name__", "target")
            said = Phrase(f"{name!r} raises {type(error).__name__}: {first}")
            expected = "a function of the law in jax.numpy that gives numbers, as lambda law: law(1e9, 2e10)"
            raise InputError("target", said, expected) from error
