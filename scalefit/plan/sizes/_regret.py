"""Plans that know that the law may be wrong: the size of least expected regret, and how such plans went."""

import jax
import numpy as np
from jaxtyping import Float

from ...calibrate import Discrepancy
from ...laws import AbstractLaw
from ._constraints import Constraints
from ._optimum import Plans, log_data, losses_along

SIZES = 33
"""Sizes tried, between the draws' own best ones."""


def of_least_regret(
    laws: AbstractLaw, budgets: Float[np.ndarray, " budget"], constraints: Constraints, best: Plans
) -> Plans:
    """The plans, with the size of the first law that exceeds the best loss of each draw by the least on average."""
    if len(best.loss) < 2:
        return best
    ends = np.quantile(best.log_N, (0.02, 0.98), axis=0)
    sizes = np.linspace(ends[0], ends[1], SIZES)
    losses = np.stack([losses_along(laws, log_N, budgets, constraints) for log_N in sizes])
    regret = np.mean(losses[:, 1:] / best.loss[1:] - 1.0, axis=1)
    budget = np.arange(len(budgets))
    at = np.clip(np.argmin(regret, axis=0), 1, SIZES - 2)
    before, here, after = (regret[at + side, budget] for side in (-1, 0, 1))
    bent = before - 2.0 * here + after
    # The vertex of the parabola through three sizes.
    shift = np.where(bent > 0.0, 0.5 * (before - after) / np.where(bent > 0.0, bent, 1.0), 0.0)
    log_N = sizes[at, budget] + np.clip(shift, -1.0, 1.0) * (ends[1] - ends[0]) / (SIZES - 1)
    loss = losses_along(jax.tree.map(lambda a: a[:1], laws), log_N, budgets, constraints)[0]
    rows = {"log_N": log_N, "log_D": log_data(constraints, log_N, budgets), "loss": loss}
    return best._replace(**{name: np.concatenate([row[None], getattr(best, name)[1:]]) for name, row in rows.items()})


def experience(
    about: Discrepancy, budgets: Float[np.ndarray, " budget"]
) -> tuple[Float[np.ndarray, " budget"], tuple[str, ...]]:
    """What plans of like distance cost in the backtests, as a share of the loss, and that in words."""
    found = [about.plans_like(float(np.log(budget / about.reached[0]))) for budget in budgets]
    told = dict.fromkeys(str(one) for one in found if one is not None)
    return np.array([0.0 if one is None else one.cost for one in found]), tuple(told)
