"""Runs that could be done, as they are given: their inputs, their cost, their scatter, and what may be spent."""

import warnings
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError, is_number
from ...data import Runs, read_runs, table_of
from ...laws import AbstractLaw, input_units
from ...noise import StudentT
from ...problem import inputs_for
from ...results import Fit, far_from_runs
from .._cost import SIX_ND, is_implausible

SCATTERS = (1e-12, 1e12)
"""Scatters of a run between which its square is told apart from nothing and from everything."""
_NO_LOSS = "loss, still to be measured"


def candidates_of(law: AbstractLaw, given: Any) -> dict[str, Float[np.ndarray, " candidate"]]:
    """The law's inputs of every candidate, derived where they follow from others.

    **Arguments:**

    - `law`: The law.
    - `given`: Runs, or a table of them: a path, a data frame or columns by name. What was measured is not looked at.

    **Returns:** input → its value for every candidate, in the order of the law's inputs and in its units.

    **Raises:** `InputError` for a table that cannot be read, or lacks an input, and for an N or D below 1.
    """
    if isinstance(given, Runs):
        given = dict(given.inputs)
    table, _ = table_of(given)
    table = {name: column for name, column in table.items() if name not in ("loss", "error", "accuracy", "se")}
    size = len(next(iter(table.values()))) if table else 1
    read = read_runs({**table, _NO_LOSS: np.ones(size)}, target=_NO_LOSS)
    pool = {name: np.asarray(column, float) for name, column in inputs_for(law, read)[0].items()}
    for name, column in pool.items():
        if not np.isfinite(column).all():
            raise InputError(f"Candidate {int(np.argmin(np.isfinite(column))) + 1} has no {name}: fill it or drop it.")
        if name in ("N", "D") and (column < 1.0).any():
            i = int(np.argmax(column < 1.0))
            raise InputError(
                f"Candidate {i + 1} has {name} = {column[i]:.4g}, and no run has less than 1: give N in parameters "
                f"and D in tokens, or name the unit in the header, as 'N (B)'."
            )
    return {name: pool[name] for name in input_units(law)}


def prices_of(cost: Any, pool: Mapping[str, np.ndarray]) -> Float[np.ndarray, " candidate"]:
    """What every candidate costs.

    **Arguments:**

    - `cost`: A function of N and D in JAX; or one number, or one for each candidate.
    - `pool`: Input → its value for every candidate.

    **Returns:** the costs, in the unit of `cost`.

    **Raises:** `InputError` for a cost that is none, or a law without N and D where no numbers are given.
    """
    size = len(next(iter(pool.values())))
    if callable(cost):
        if not {"N", "D"} <= set(pool):
            raise InputError(f"The law has inputs {', '.join(pool)}: give cost= as a number for each candidate.")
        with jax.enable_x64(True):
            found = np.asarray(jax.vmap(cost)(jnp.asarray(pool["N"]), jnp.asarray(pool["D"])), float)
    else:
        try:
            given = np.asarray(cost)
            # Text and truth values would be taken for numbers.
            found = np.broadcast_to(given.astype(float), (size,)) if given.dtype.kind in "iuf" else None
        except (TypeError, ValueError):
            found = None
        if found is None:
            raise InputError(f"cost is {cost!r}; expected a function of N and D, or {size} numbers.")
    free = np.flatnonzero(~(np.isfinite(found) & (found > 0)))
    if free.size:
        raise InputError(
            f"Candidate {free[0] + 1} costs {found[free[0]]:g}; expected a finite amount above 0: mend its cost, or "
            f"leave it out."
        )
    return found


def money_of(budget: Any, prices: np.ndarray) -> float:
    """The budget.

    **Raises:** `InputError` for what is no number above 0, or buys nothing.
    """
    money = float(budget) if is_number(budget) else np.nan
    if not money > 0 or not np.isfinite(money):
        raise InputError(f"budget is {budget!r}; expected a number above 0, in the unit of cost.")
    if money < prices.min():
        raise InputError(
            f"No candidate is affordable: the cheapest costs {prices.min():.4g}, and the budget is {money:.4g}."
        )
    return money


def warn_odd(
    candidates: Mapping[str, Float[np.ndarray, " candidate"]],
    order: Int[np.ndarray, " run"],
    computes: tuple[float, float] | None,
) -> None:
    """Warn of chosen runs that are hardly meant: they are cheap, and tell of what is absurd.

    **Arguments:**

    - `candidates`: Their inputs; `order`: the places of the chosen.
    - `computes`: The least and the largest compute of the runs that there are; `None` where there are none.
    """
    if not SIX_ND.chosen(candidates):
        return
    N, D = candidates["N"][order], candidates["D"][order]

    def run(i: int) -> str:
        return f"A chosen run (candidate {order[i] + 1}: N = {N[i]:.4g}, D = {D[i]:.4g})"

    odd = np.flatnonzero(is_implausible(N, D))
    if odd.size:
        i = int(odd[0])
        warnings.warn(
            f"{run(i)} has {D[i] / N[i]:.3g} tokens for each parameter, which is hardly meant: are N and D of the "
            f"candidates in units of 1?",
            stacklevel=3,
        )
    for far in far_from_runs(computes and {"C": computes}, "C", SIX_ND.of(N, D), lambda i: f"{run(i)}: its compute"):
        if far.grave:
            warnings.warn(f"{far.sentence}.", stacklevel=3)


def sigma_of(noise: Any, fit: Fit[Any] | None, taken: float | None = None) -> float:
    r"""The scatter of a run: as given, or of the residuals, for the numbers that were fitted to them.

    These take up as many residuals as they are, or as many as is said: of rows that are off together more.

    Of Student-t noise it is that of a normal run that tells as much: $s\sqrt{(\nu+3)/(\nu+1)}$ by Fisher's information.

    **Raises:** `InputError` where nothing says it.
    """
    if noise is not None:
        if not (is_number(noise) and SCATTERS[0] <= noise <= SCATTERS[1]):
            raise InputError(
                f"noise is {noise!r}; expected the scatter of a run above 0, as 0.01 of the logarithm"
                f"{f', from {SCATTERS[0]:g} to {SCATTERS[1]:g}' if isinstance(noise, float) and noise > 0 else ''}."
            )
        return float(noise)
    if fit is None:
        raise InputError("A law alone does not say how runs scatter: give noise=, as 0.01 for 1 %.")
    count, free = fit.residuals.size, len(fit.free)
    if count <= free or not float(fit.scale) > 0:
        raise InputError(f"{count} runs do not say how they scatter about {free} numbers: give noise=, as 0.01.")
    # A fit of a few trainings takes up most of what they are off by: not without end.
    free = free if taken is None else min(taken, 0.9 * count)
    df = float(fit.noise.df) if isinstance(fit.noise, StudentT) else np.inf
    tells = 1.0 if np.isinf(df) else np.sqrt((df + 3.0) / (df + 1.0))
    return float(fit.scale) * float(tells * np.sqrt(count / (count - free)))
