"""What runs are to tell: a loss somewhere, or the best size for a compute, as a smooth function of the law."""

import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError
from ..data import hint, parse_number
from ..laws import AbstractLaw, input_names, input_units

Cost = Callable[[Any, Any], Any]
"""What training N parameters on D tokens costs, rising in both; a plain function in `jax.numpy`."""

QUANTITIES = ("loss", "N", "D")
"""What a target may ask for."""
STEPS = 64
"""Halvings and sections: enough for every digit of the logarithm of N, whatever the range."""
_NEVER = np.log(1e30)
"""No logarithm of N or D is looked for beyond."""


def six_nd(N: Any, D: Any) -> Any:
    """6 N D, the FLOP of training."""
    return 6.0 * N * D


def data_for(cost: Cost, log_N: Any, log_C: Any) -> Any:
    """The logarithm of the D that a compute pays for at N, with its first two derivatives."""

    held_N, held_C = jax.lax.stop_gradient((log_N, log_C))

    def excess(log_D: Any, log_N: Any, log_C: Any) -> Any:
        return jnp.log(cost(jnp.exp(log_N), jnp.exp(log_D))) - log_C

    def halve(_: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = ends
        middle = 0.5 * (low + high)
        below = excess(middle, held_N, held_C) < 0
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    ends = jnp.zeros_like(held_N), jnp.full_like(held_N, _NEVER)
    low, high = jax.lax.fori_loop(0, STEPS, halve, ends)
    log_D = 0.5 * (low + high)
    for _ in range(2):  # a step of Newton brings one order of derivatives through the root
        log_D = log_D - excess(log_D, log_N, log_C) / jax.grad(excess)(log_D, log_N, log_C)
    return log_D


def loss_along(law: AbstractLaw, cost: Cost, log_C: Any) -> Callable[[Any], Any]:
    """The law's value at each log N, the compute all spent."""

    def value(log_N: Any) -> Any:
        log_D = log_C - jnp.log(6.0) - log_N if cost is six_nd else data_for(cost, log_N, log_C)
        return law(N=jnp.exp(log_N), D=jnp.exp(log_D))

    return value


def best_size(law: AbstractLaw, cost: Cost, log_C: Any) -> Any:
    """The logarithm of the N of least loss for a compute; its derivative in the law is that of the optimum.

    Looked for between one parameter and one token, on a grid and then by golden section.
    """
    value, held = loss_along(law, cost, log_C), loss_along(*jax.lax.stop_gradient((law,)), cost, log_C)
    most = log_C - jnp.log(6.0) if cost is six_nd else _most(cost, log_C)
    grid = most * jnp.linspace(0.0, 1.0, 256)
    values = jax.vmap(held)(grid)
    place = jnp.argmin(jnp.where(jnp.isnan(values), jnp.inf, values))
    golden = 0.5 * (np.sqrt(5.0) - 1.0)

    def section(_: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = ends
        left, right = high - golden * (high - low), low + golden * (high - low)
        lower = held(left) < held(right)
        return jnp.where(lower, low, left), jnp.where(lower, right, high)

    ends = grid[jnp.maximum(place - 1, 0)], grid[jnp.minimum(place + 1, 255)]
    low, high = jax.lax.fori_loop(0, STEPS, section, ends)
    log_N = 0.5 * (low + high)
    # A step of Newton mends what a section leaves, and carries the derivative through.
    step = jax.grad(value)(log_N) / jax.grad(jax.grad(value))(log_N)
    return log_N - step


def _most(cost: Cost, log_C: Any) -> Any:
    """The logarithm of the N that a compute pays for on one token."""
    return data_for(lambda D, N: cost(N, D), jnp.zeros_like(log_C), log_C)


class Target(eqx.Module):
    """A quantity of a law: its value at a point, or at the best point for a compute; N and D as logarithms.

    **Arguments:**

    - `quantity`: `"loss"`, `"N"` or `"D"`.
    - `at`: The point, by input; or `{"C": compute}`.
    - `cost`: What a compute pays for.
    """

    quantity: str = eqx.field(static=True)
    at: dict[str, Any]
    cost: Cost = eqx.field(static=True, default=six_nd)

    def __call__(self, law: AbstractLaw) -> Any:
        """The quantity under a law."""
        if "C" not in self.at:
            return law(**self.at)
        log_C = jnp.log(self.at["C"])
        log_N = best_size(law, self.cost, log_C)
        if self.quantity == "loss":
            return loss_along(law, self.cost, log_C)(log_N)
        if self.quantity == "N":
            return log_N
        return log_C - jnp.log(6.0) - log_N if self.cost is six_nd else data_for(self.cost, log_N, log_C)

    def bend(self, law: AbstractLaw) -> Any:
        """The second derivative of the loss along log N at the best N: what an error in N costs, twice over."""
        log_C = jnp.log(self.at["C"])
        return jax.grad(jax.grad(loss_along(law, self.cost, log_C)))(best_size(law, self.cost, log_C))


def target_of(given: Any, law: AbstractLaw, cost: Cost) -> Callable[[Any], Any]:
    """The target of `"loss@N=7e10,D=1.4e12"`, `"loss@C=1e24"`, `"N@C=1e24"`, or a function of the law as it is.

    **Raises:** `InputError` for a word that is none, or inputs that are not those of the law.
    """
    if callable(given):
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
        at[name] = np.asarray(number)
    flat = tuple(input_units(law))
    if set(at) == {"C"} and {"N", "D"} == set(flat):
        return Target(quantity, at, cost)
    if quantity != "loss" or set(at) != set(flat) or any(names != (base,) for base, names in input_names(law).items()):
        points = ",".join(f"{name}=1e9" for name in flat)
        best = " or 'loss@C=1e24', 'N@C=1e24'" if {"N", "D"} == set(flat) else ""
        raise InputError(f"target is {given!r}; of {type(law).__name__} expected 'loss@{points}'{best}.")
    return Target(quantity, at, cost)
