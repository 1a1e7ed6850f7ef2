"""Which size to train on how much data for a budget."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._core import check_probability, warn_of
from ...calibrate import Discrepancy
from ...laws import AbstractLaw
from ...results import Ensemble, Fit
from .._cost import SIX_ND, CostLike, is_implausible
from .._draws import Drawn, drawn_of, over_draws
from ._allocation import NEAR, Allocation, Sizes
from ._budgets import far_notes, spendable
from ._constraints import constraints_of
from ._optimum import nears, optima
from ._regret import experience, of_least_regret


def allocate(
    result: Fit[Any] | Ensemble[Any] | Discrepancy | AbstractLaw,
    *,
    budget: ArrayLike,
    cost: CostLike = "6ND",
    unique: float | None = None,
    max_passes: float | None = None,
    min_N: float = 1.0,
    max_N: float | None = None,
    held: Mapping[str, float] | None = None,
    choose: Mapping[str, Sequence[float]] | None = None,
    level: float = 0.95,
    num_draws: int = 4000,
) -> Allocation:
    r"""The model size and the data of least loss at each budget, and the sizes that are as good.

    Minimises $L(N, D)$ where $\mathrm{cost}(N, D) = C$. Of sums of powers and a cost of $6ND$ that is
    $N^* = (\alpha A / \beta B)^{1/(\alpha+\beta)} (C/6)^{\beta/(\alpha+\beta)}$; of any other law the best of a grid
    over all sizes that the budget pays for, refined to where the loss is level along the budget. An ensemble plans anew
    for each of its draws. The best loss is known much better than where it is: look at `near_optimal`. By a discrepancy
    the size is that of least expected regret over its draws, `notes` tell how plans of like distance went in its
    backtests, and near-optimal sizes may lose what those cost besides.

    **Arguments:**

    - `result`: A fit of a law of N and D, its `discrepancy`, an ensemble of draws of one, or such a law with its
        values. Rounded coefficients do not do: those printed for `Chinchilla.published("hoffmann-rounded")` give 93
        tokens for each parameter at 5.76e23 FLOP where those that were rounded give 59.
    - `budget`: One budget or several, in FLOP.
    - `cost`: What it pays for: `"6ND"`; `"inference:T"`, 2 N T more for T tokens served; `"attention:s"`, with
        attention over a context of s tokens; `"embedding:V"`, with the output of V tokens beside N other parameters;
        `"moe:p"`, of which a token meets a share p of N; or a function of N and D in `jax.numpy`. The shapes behind
        attention and embedding are those of N = 12 l d², d = 128 l. A function is compiled once: pass the same object.
    - `unique`: Unique tokens there are. A law that takes `U` learns from repeats as it says; without `unique` it has
        fresh data only.
    - `max_passes`: How often they may be seen; without limit for a law that takes `U`, else once.
    - `min_N`, `max_N`: Least and largest size.
    - `held`: Values of the law's further inputs.
    - `choose`: Further inputs that the plan chooses, and the values to choose from, as `{"E": [1, 8, 64]}`: of several,
        all combinations. Each draw makes its own choice.
    - `level`: Probability of the central intervals.
    - `num_draws`: The most draws of an ensemble to plan for: the first that converged.

    **Returns:** an `Allocation`.

    **Warns:** more than a hundred times the compute of the largest run, or less than a hundredth of that of the
    smallest (ten times is a note); for plans that look like another unit; where no size within reach is best.

    **Raises:** `InputError` for laws that are not of N and D or lack values, unknown costs, and limits within which a
    budget cannot be spent.

    Source: the closed form is that of arXiv 2203.15556, eq. 4; lifetime cost arXiv 2401.00448; attention's cost
    arXiv 2204.02311, appendix B.
    """
    check_probability("level", level)
    found = drawn_of(result, num_draws)
    law = found.law
    constraints = constraints_of(law, cost, unique, max_passes, min_N, max_N, held, choose)
    budgets = spendable(budget, constraints)
    laws, about = found.with_nearby()
    best = optima(laws, budgets, constraints)
    tolerances, told = np.tile(NEAR, (len(budgets), 1)), tuple[str, ...]()
    if found.about is not None:
        best = of_least_regret(laws, budgets, constraints, best)
        lost, told = experience(found.about, budgets)
        tolerances = tolerances + lost[:, None]
    N, D, loss = np.exp(best.log_N), np.exp(best.log_D), best.loss
    sizes = {
        name: over_draws(rows, level, about) for name, rows in (("N", N), ("D", D), ("D_per_N", D / N), ("loss", loss))
    }
    if about is not None:
        # Laws nearby are no draws: what follows is of the law itself.
        laws, best = found.stacked, jax.tree.map(lambda rows: rows[:1], best)
    ends = np.exp(nears(laws, budgets, constraints, best, tolerances))
    N, D, at_end = np.exp(best.log_N), np.exp(best.log_D), best.at_end
    sure = None
    if len(N) > 1:
        sure = {tolerance: _agreed(ends[1:, :, 0, t], ends[1:, :, 1, t], level) for t, tolerance in enumerate(NEAR)}
    free = at_end & ((N <= 1.0 + 1e-6) | (D <= 1.0 + 1e-6))
    # Spent on training; of a sparse model that is less than 6 N D of all its parameters.
    training = np.minimum(SIX_ND.of(N[0], D[0]), budgets)
    far = far_notes(found.ranges, training, lambda b: f"The training of the plan for {budgets[b]:g} FLOP")
    _warn_odd(budgets, N[0], D[0], free[0], at_end[0])
    return Allocation(
        law=law,
        laws=laws,
        constraints=constraints,
        budgets=budgets,
        **sizes,
        near_optimal={tolerance: Sizes(ends[0, :, 0, t], ends[0, :, 1, t]) for t, tolerance in enumerate(NEAR)},
        near_optimal_sure=sure,
        chosen={name: over_draws(values, level) for name, values in constraints.chosen(best.choice).choose.items()},
        at_end=at_end[0],
        level=level,
        failed=found.failed,
        notes=(
            *_unbounded(free),
            *_limited(budgets, N[0], at_end[0] & ~free[0]),
            *_repeated(found, unique, float(np.max(D[0]))),
            *far,
            *told,
        ),
    )


def check_plan(law: AbstractLaw, budget: ArrayLike, cost: CostLike) -> None:
    """Check that a law, which need not have values, can be planned with at budgets, without limits.

    **Raises:** `InputError` for unknown costs, laws with further inputs, and budgets that cannot be spent.
    """
    spendable(budget, constraints_of(law, cost))


def best_plans(
    laws: AbstractLaw, budgets: Float[np.ndarray, " budget"], cost: CostLike = "6ND"
) -> dict[str, Float[np.ndarray, "law budget"]]:
    """The best `N` and `D` and the `loss` there of many laws at once; NaN where no size within reach is best.

    **Arguments:**

    - `laws`: Along a leading axis.
    - `budgets`: In FLOP.
    - `cost`: See `allocate`.

    **Returns:** the three by name.

    **Raises:** `InputError` as `check_plan`.
    """
    constraints = constraints_of(jax.tree.map(lambda a: a[0], laws), cost)
    budgets = spendable(budgets, constraints)
    found = optima(laws, budgets, constraints)
    columns = {"N": np.exp(found.log_N), "D": np.exp(found.log_D), "loss": found.loss}
    return {name: np.where(found.at_end, np.nan, column) for name, column in columns.items()}


def _agreed(low: np.ndarray, high: np.ndarray, level: float) -> Sizes:
    """The sizes that lie within the ranges of a share of the draws; NaN where none does."""
    found = np.full((2, low.shape[1]), np.nan)
    for b in range(low.shape[1]):
        at = np.sort(np.concatenate([low[:, b], high[:, b]]))
        # How many ranges have begun at each end and how many are over.
        begun = np.searchsorted(np.sort(low[:, b]), at, side="right")
        over = np.searchsorted(np.sort(high[:, b]), at, side="left")
        enough = at[begun - over >= level * len(low)]
        if enough.size:
            found[:, b] = enough[0], enough[-1]
    return Sizes(found[0], found[1])


def _unbounded(free: np.ndarray) -> tuple[str, ...]:
    count = int(free[1:].any(axis=1).sum())
    if not count:
        return ()
    return (
        f"In {count} of {len(free) - 1} draws no size within reach is best at some budget (a term of the law "
        f"vanished): these count with the smallest or the largest size",
    )


def _limited(budgets: np.ndarray, N: np.ndarray, held: np.ndarray) -> tuple[str, ...]:
    """A note where limits, and not the law, say what is best."""
    return tuple(
        f"At {budget:g} FLOP the limits hold the size at {size:.4g}: without them another would be better"
        for budget, size in zip(budgets[held], N[held], strict=True)
    )


def _repeated(found: Drawn, unique: float | None, D: float) -> tuple[str, ...]:
    if unique is None or unique * (1.0 + 1e-9) >= D or "U" in found.law.inputs:
        return ()
    return (f"{found.name} takes data seen again for fresh: DataConstrained, a law of U, does not",)


def _warn_odd(budgets: np.ndarray, N: np.ndarray, D: np.ndarray, free: np.ndarray, at_end: np.ndarray) -> None:
    """Warn where a law says nothing of a budget, and where a plan looks like a slip of units."""
    if free.any():
        b = int(np.argmax(free))
        warn_of(
            "bounds",
            f"At {budgets[b]:g} FLOP no size within reach is best: the loss only falls towards N = {N[b]:.3g} and "
            f"D = {D[b]:.3g}, so that the law says nothing of how to share a budget",
            stacklevel=3,
        )
    odd = np.flatnonzero(is_implausible(N, D) & ~at_end)
    if odd.size:
        b = int(odd[0])
        warn_of(
            "units",
            f"At {budgets[b]:g} FLOP the best plan has {D[b] / N[b]:.3g} tokens for each parameter, which is hardly "
            f"meant",
            "are the budget in FLOP, and N and D of the law in units of 1?",
            stacklevel=3,
        )
