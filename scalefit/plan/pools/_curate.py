"""Which pools of data to train on, in what proportion and how often, at a budget."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from numpy.typing import ArrayLike

from ..._core import OptimumWarning, check_number, warn_of
from ...calibrate import Discrepancy
from ...data import Pools
from ...laws import AbstractLaw
from ...results import Ensemble, Fit, far_from_runs
from .._budgets import budgets_of
from ._curation import Curation, CurationDraws, careful_choice
from ._limits import Limits, Task, limits_of, pools_of
from ._mixing import drawn_of_pools, needed_mixing
from ._mixtures import best_first, best_shares, bought_with, errors, spent_on, unions


def curate(
    result: Fit[Any] | Ensemble[Any] | Discrepancy | AbstractLaw,
    pools: Pools | Mapping[str, float],
    *,
    budget: ArrayLike,
    min_weight: Limits = None,
    max_weight: Limits = None,
    fixed: Mapping[str, float] | None = None,
    num_draws: int = 200,
    seed: int = 0,
) -> Curation:
    r"""The weights over pools of least error at each budget, with how sure that is.

    Minimises $\log(y(n, w, U) - d)$ over weights on the simplex within limits, from many starts: on the law's smooth
    form along its slopes, then on the law itself, where the best weights often see pools a whole number of times.
    Success is `kkt`. Beside them stand the unions of the best 1, 2, … pools in proportion to their sizes, the natural
    and uniform proportions and the best single pool. An ensemble plans anew for each of its draws.

    **Arguments:**

    - `result`: A fit of one of the laws of pools, an ensemble of draws of one, or such a law with its values. Or the
        `discrepancy` of a fit: what a law misses beyond its runs is taken to be the same for all mixtures of one
        budget, so that the error is less sure and the weights are not.
    - `pools`: The pools to plan with, all of them known to the law, or their sizes by name; their `max_passes` are
        limits, and where samples differ in `cost` the budget is in its unit.
    - `budget`: One budget or several: samples, repeats included.
    - `min_weight`, `max_weight`: Limits of the shares of the budget, one for all or by pool; `fixed`: shares held.
        Where samples differ in cost they are shares of what is spent, as `Curation.spent`, and not of the samples.
    - `num_draws`: The most draws of an ensemble to plan for: the first that converged.
    - `seed`: Of the random starts.

    **Returns:** a `Curation`.

    **Warns:** for budgets of more than ten times the samples of the longest run, or less than a tenth of those of the
    shortest, with the width of the interval there; `OptimumWarning` where weights are not known to be the best.

    **Raises:** `InputError` for laws of other kinds or without values, pools that the law does not know, budgets that
    are not above 0, and limits that leave no feasible weights.

    Source: the enumeration of unions and the law are those of arXiv 2404.07177; continuous weights are ours.
    """
    pools, budgets = pools_of(pools), budgets_of(budget)
    known = drawn_of_pools(result, pools, num_draws)
    task = Task(pools, budgets, *limits_of(pools, budgets, min_weight, max_weight, fixed))
    rng = np.random.default_rng([check_number("seed", seed, least=0, whole=True), 0xC0DE])
    alone = known._replace(draws=None).stacked
    law, wide = task.sized(alone), task.wide(alone)
    order = best_first(wide, task)
    unioned, merged = unions(wide, task, order)
    plans = {
        "natural": np.tile(pools.natural, (len(budgets), 1)),
        "uniform": np.tile(pools.uniform, (len(budgets), 1)),
        "best_single": _best_single(wide, task),
        "union": _least(unioned, merged),
    }
    random = np.tile(rng.dirichlet(np.ones(len(pools)), 16), (len(budgets), 1, 1))
    begin = np.concatenate([np.stack([plans["natural"], plans["uniform"]], axis=1), unioned], axis=1)
    starts = np.concatenate([spent_on(begin, pools), random], axis=1)
    (spent,), (kkt,) = best_shares(law, task, starts)
    weights, samples = bought_with(spent, task)
    value, *of_plans = errors(wide, pools, budgets, np.stack([weights, *plans.values()], axis=1)[None])[0].T
    values = dict(zip(plans, of_plans, strict=True))
    draws = None
    if known.draws is not None:
        # Each draw begins at the best weights of the law, and at two random starts of it.
        near = np.concatenate([spent[:, None], starts[:, :-14]], axis=1)
        many = jax.tree.map(lambda a: np.asarray(a, float), known.draws)
        draws = _drawn(task.sized(many), task.wide(many), task, near, weights, plans, known.failed)
    allowed = {name: task.allows(spent_on(plan, pools)) for name, plan in plans.items()}
    found = Curation(
        pools,
        known.name,
        budgets,
        weights,
        samples,
        value,
        kkt,
        order,
        merged,
        plans,
        values,
        allowed,
        draws,
    )
    _warn_unsure(found)
    _warn_far(found, known.ranges, needed_mixing(known.law).total)
    return found


def _best_single(law: AbstractLaw, task: Task) -> np.ndarray:
    """The pool of least error by itself at each budget: of those that limits allow, or of all where they allow none."""
    alone = np.tile(np.eye(len(task.pools)), (len(task.budgets), 1, 1))
    found = errors(law, task.pools, task.budgets, alone[None])[0]
    fine = task.allows(alone)
    return _least(alone, np.where(fine | ~fine.any(axis=1, keepdims=True), found, np.nan))


def _least(candidates: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Of candidates at each budget, those of least error; NaN where no error is known."""
    place = np.argmin(np.where(np.isnan(errors), np.inf, errors), axis=1)
    found = np.take_along_axis(candidates, place[:, None, None], axis=1)[:, 0]
    none = np.isnan(errors).all(axis=1, keepdims=True)
    return np.where(none, np.nan, found)


def _drawn(
    many: AbstractLaw,
    wide: AbstractLaw,
    task: Task,
    starts: np.ndarray,
    best: np.ndarray,
    plans: Mapping[str, np.ndarray],
    failed: int,
) -> CurationDraws:
    """The best weights of every draw, and what every draw says of the plans; `wide` covers any plan."""
    spent, kkt = best_shares(many, task, starts)
    weights = bought_with(spent, task)[0]
    value = errors(wide, task.pools, task.budgets, weights)
    of_best, *of_each = np.moveaxis(
        errors(wide, task.pools, task.budgets, np.stack([best, *plans.values()], axis=1)[None]), -1, 0
    )
    of_plans = dict(zip(plans, of_each, strict=True))
    careful, by_quantile = np.empty_like(best), np.empty_like(best)
    fine = [task.allows(spent_on(plan, task.pools)) for plan in plans.values()]
    for b in range(len(task.budgets)):
        beside = [plan[b] for plan, allowed in zip(plans.values(), fine, strict=True) if allowed[b]]
        candidates = np.unique(np.round([best[b], *weights[:, b], *beside], 12), axis=0)
        candidates = candidates / candidates.sum(axis=1, keepdims=True)
        found = errors(wide, task.pools, task.budgets[b : b + 1], candidates[None, None])[:, 0].T
        worst, quantile = careful_choice(found)
        careful[b], by_quantile[b] = candidates[worst], candidates[quantile]
    return CurationDraws(weights, value, kkt, of_best, of_plans, careful, by_quantile, failed)


def _warn_unsure(found: Curation) -> None:
    """Say where weights are not known to be the best: some move of weight still pays, or the law is not defined."""
    unsure = np.flatnonzero(~(found.kkt > -1e-6))
    if unsure.size:
        b = int(unsure[np.argmin(np.nan_to_num(found.kkt[unsure], nan=-np.inf))])
        warn_of(
            "convergence",
            f"At {unsure.size} of {len(found.budgets)} budgets, the worst {found.budgets[b]:g}, the weights are not "
            f"known to be the best (kkt {found.kkt[b]:.2g})",
            "try another seed, or tighter limits",
            category=OptimumWarning,
            stacklevel=3,
        )


def _warn_far(found: Curation, ranges: Mapping[str, tuple[float, float]] | None, total: str) -> None:
    """Warn of budgets far from the runs, and say how wide the interval is there."""
    for far in far_from_runs(ranges, total, found.samples, lambda b: f"A budget of {found.budgets[b]:g}"):
        wide = "An ensemble (bootstrap) would say how wide its interval is"
        if found.draws is not None:
            wide = f"With its 95 % interval the error foreseen is {found.interval()[far.place]}"
        far.warn(wide, stacklevel=3)
