"""Runs that could be done, as they are given: their inputs, their cost, their scatter, and what may be spent."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError, Phrase, check_number, warn_of
from ...data import Runs, read_runs, table_of
from ...laws import AbstractLaw, input_units
from ...problem import inputs_for
from ...results import Fit, far_from_runs
from .._budgets import numbers_of
from .._cost import SIX_ND, Cost, is_implausible

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
            i = int(np.argmin(np.isfinite(column)))
            raise InputError(f"{name} of candidate {i + 1}", Phrase("is empty"), remedy="fill it or drop it")
        if name in SIX_ND.inputs and (column < 1.0).any():
            i = int(np.argmax(column < 1.0))
            raise InputError(
                f"{name} of candidate {i + 1}", float(column[i]), "1 or more, in parameters or tokens",
                "name the unit in the header, as 'N (B)'",
            )  # fmt: skip
    return {name: pool[name] for name in input_units(law)}


def prices_of(cost: Any, pool: Mapping[str, np.ndarray]) -> Float[np.ndarray, " candidate"]:
    """The price of every candidate.

    **Arguments:**

    - `cost`: A `Cost`; or one number, or one for each candidate.
    - `pool`: Input → its value for every candidate.

    **Returns:** the prices, in the unit of `cost`.

    **Raises:** `InputError` for a cost that is none, or a law without its inputs where no numbers are given.
    """
    size = len(next(iter(pool.values())))
    expected = f"a number for each of {size} candidates"
    if isinstance(cost, Cost):
        if not cost.chosen(pool):
            raise InputError("cost", cost.name, f"{expected}, as the law has inputs {', '.join(pool)}")
        found = cost.slopes(*(np.asarray(pool[name], float) for name in cost.inputs))[0]
    else:
        found = numbers_of("cost", cost, f"{expected}, or a function of N and D", "6e20", above=-np.inf)
        if found.size not in (1, size):
            raise InputError("cost", cost, expected)
        found = np.broadcast_to(found, (size,))
    if (found <= 0).any() or not np.isfinite(found).all():
        i = int(np.argmin(np.isfinite(found) & (found > 0)))
        raise InputError(
            f"The cost of candidate {i + 1}", float(found[i]), "a number above 0", "mend it, or leave it out"
        )
    return found


def money_of(budget: Any, prices: np.ndarray) -> float:
    """The budget.

    **Raises:** `InputError` for what is no number above 0, or buys nothing.
    """
    money = check_number("budget", budget, above=0.0, example="1e21")
    if money < prices.min():
        raise InputError("budget", money, f"the cost of the cheapest candidate at least, {prices.min():.4g}")
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
        warn_of(
            "units",
            f"{run(i)} has {D[i] / N[i]:.3g} tokens for each parameter, which is hardly meant",
            "are N and D of the candidates in units of 1?",
            stacklevel=3,
        )
    for far in far_from_runs(computes and {"C": computes}, "C", SIX_ND.of(N, D), lambda i: f"{run(i)}: its compute"):
        if far.grave:
            far.warn(stacklevel=3)


def sigma_of(noise: Any, fit: Fit[Any] | None, taken: float | None = None) -> float:
    r"""The scatter of a run: as given, or of the residuals, for the numbers that were fitted to them.

    These take up as many residuals as they are, or as many as is said: of rows that are off together more.

    Of Student-t noise it is that of a normal run that tells as much: $s\sqrt{(\nu+3)/(\nu+1)}$ by Fisher's information.

    **Raises:** `InputError` where nothing says it.
    """
    if noise is not None:
        # The square must be told apart from nothing and from everything.
        return check_number("noise", noise, least=1e-12, most=1e12, example="0.01 of the logarithm")
    if fit is None:
        raise InputError("noise", None, "the scatter of a run, which a law alone does not say, as 0.01 for 1 %")
    count, free = fit.residuals.size, len(fit.free)
    if count <= free or not float(fit.scale) > 0:
        raise InputError("noise", None, f"a number: {count} runs do not say how they scatter about {free} numbers")
    # A fit of a few trainings takes up most of what they are off by: not without end.
    free = free if taken is None else min(taken, 0.9 * count)
    return float(fit.scale) * float(np.sqrt(count / (count - free) / fit.noise.information))
