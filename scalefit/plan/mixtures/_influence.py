"""How the best mixture hangs on each run: through the fit, and through the optimum within its limits."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..._core import check_type
from ...estimate import jackknife
from ...results import Fit
from ._known import at_one_scale, known_of
from ._limits import MixtureLimits
from ._objective import objective_of
from ._optimise import Task
from ._solve import solved


class MixtureInfluence(NamedTuple):
    """What the best mixture would be without each run.

    **Arguments:**

    - `runs`: Their names; `domains`: those of the domains.
    - `weights`: By how much the best weights change where a run is left out; NaN where the fit without it fails.
    - `cost`: By how much the objective, by the fit to all runs, is higher at those weights.
    """

    runs: tuple[Any, ...]
    domains: tuple[str, ...]
    weights: Float[np.ndarray, "run domain"]
    cost: Float[np.ndarray, " run"]

    def __repr__(self) -> str:
        lines = [f"MixtureInfluence of {len(self.runs)} runs on the best mixture of {len(self.domains)} domains"]
        for k in np.argsort(-self.cost, kind="stable")[:4]:
            most = np.argsort(-np.abs(self.weights[k]), kind="stable")[:2]
            moved = " and ".join(f"{100 * self.weights[k, i]:+.2g} % {self.domains[i]}" for i in most)
            lines.append(f"  without {self.runs[k]!r}: {moved}; by all runs {self.cost[k]:.2g} worse")
        return "\n".join(lines)


def mixture_influence(
    fits: Fit[Any],
    *,
    objective: Any = "mean",
    limits: MixtureLimits | Mapping[str, Any] | None = None,
    at: Mapping[str, Any] | None = None,
) -> MixtureInfluence:
    r"""The best mixture without each run, every target of it together.

    The fit without a run is taken to first order, $\hat\theta + H^{-1} g_i$ with the gradient g of the run's cost and
    the Hessian H of the objective; the best weights of it are found anew, within the limits and all runs in one batch.

    **Arguments:**

    - `fits`: Fits by target, or one fit.
    - `objective`, `limits`, `at`: As of `optimise_mixture`.

    **Returns:** a `MixtureInfluence`.

    **Raises:** `InputError` as `jackknife` and `optimise_mixture` do.
    """
    check_type("fits", fits, Fit, "fits by target, or one fit")
    fits, at = at_one_scale(fits, at, objective)
    runs = fits.problem.runs
    _, first, place = np.unique(runs.rows, return_index=True, return_inverse=True)
    without = jackknife(fits, weights=(place[None, :] != np.arange(len(first))[:, None]).astype(float))
    known = known_of(without, len(first))
    goal = objective_of(objective, known.targets)
    task = Task.of(known, goal, MixtureLimits.of(limits), at or {}, None, 0.9, 0)
    form, box = task.treatments[task.recommended]
    convex, starts = task.convex(form), task.starts()
    best = solved(form, task.mix_for(form), box, starts, convex=convex).weights
    each = solved(form, task.mix(known.draws), box, np.concatenate([best, starts[:2]]), convex=convex).weights
    names = runs.labels.get("run", runs.rows)
    weights, cost = np.full((len(first), len(known.domains)), np.nan), np.full(len(first), np.nan)
    fine = np.atleast_2d(without.converged).all(axis=0)
    weights[fine], cost[fine] = each - best, task.values(each) - task.values(best)
    return MixtureInfluence(tuple(np.asarray(names)[first].tolist()), known.domains, weights, cost)
