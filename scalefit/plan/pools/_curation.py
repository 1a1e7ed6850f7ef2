"""A plan for data pools at each budget: which, in what proportion, how often, and how sure that is."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from ..._core import InputError, Phrase, check_probability
from ...data import Pools
from ...results import Estimate, estimated


class CurationDraws(NamedTuple):
    """What the draws of an ensemble say of the plans.

    **Arguments:**

    - `weights`: The best weights by draw and budget; `value` their error, `kkt` as in `Curation`.
    - `of_best`: The error of the recommended weights under each draw.
    - `of_plans`: The error of each plan beside them, by name.
    - `careful`: The weights of the least mean error in the worst tenth of the draws (CVaR), among the recommended ones,
        those of every draw and the plans beside them; `careful_quantile`: those of the least 90 % quantile.
    - `failed`: How many draws of the ensemble did not converge and take no part.
    """

    weights: Float[np.ndarray, "draw budget pool"]
    value: Float[np.ndarray, "draw budget"]
    kkt: Float[np.ndarray, "draw budget"]
    of_best: Float[np.ndarray, "draw budget"]
    of_plans: Mapping[str, Float[np.ndarray, "draw budget"]]
    careful: Float[np.ndarray, "budget pool"]
    careful_quantile: Float[np.ndarray, "budget pool"]
    failed: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Curation:
    """The best weights over pools at each budget, beside the plans that one would take without them.

    **Arguments:**

    - `pools`: The pools; `law`: the name of the law that foresaw the errors.
    - `budgets`: In samples, or in the unit of the pools' cost.
    - `weights`: The recommended shares of the samples; `samples`: how many they are; `value`: the error foreseen.
    - `kkt`: The slope of log(error - floor) along the best move of weight from one pool to another: 0 where no move
        pays, which is what says that the weights are optimal; NaN where the law is not defined.
    - `unions`: Error of the best 1, 2, … pools merged, best pool first, NaN where a limit forbids it; `order`: the
        pools in that order.
    - `plans`: The weights beside them by name: `natural` (in proportion to sizes), `uniform`, `best_single` and
        `union`; `values`: their errors. Of single pools and of unions it is the best that limits allow; without any,
        the best single pool of all is shown, and no union. The other two are shown in any case.
    - `allowed`: Of those plans, whether they keep the limits. Beyond 8192 passes of a pool errors are NaN.
    - `draws`: What an ensemble says of all that, or `None`.
    """

    pools: Pools
    law: str
    budgets: Float[np.ndarray, " budget"]
    weights: Float[np.ndarray, "budget pool"]
    samples: Float[np.ndarray, " budget"]
    value: Float[np.ndarray, " budget"]
    kkt: Float[np.ndarray, " budget"]
    order: Int[np.ndarray, "budget pool"]
    unions: Float[np.ndarray, "budget pool"]
    plans: Mapping[str, Float[np.ndarray, "budget pool"]]
    values: Mapping[str, Float[np.ndarray, " budget"]]
    allowed: Mapping[str, Bool[np.ndarray, " budget"]]
    draws: CurationDraws | None = None

    def __repr__(self) -> str:
        lines = [f"Curation of {len(self.pools)} pools by {self.law}, {len(self.budgets)} budgets"]
        foreseen = self.interval()
        for b, budget in enumerate(self.budgets):
            shares = ", ".join(
                f"{100 * w:.3g} % {name} ({passes:.3g} passes)"
                for name, w, passes in zip(self.pools.names, self.weights[b], self.passes[b], strict=True)
                if w > 0
            )
            lines.append(f"  {budget:.4g}: {foreseen[b]} by {shares}")
        if self.draws is not None and self.draws.failed:
            lines.append(f"  {self.draws.failed} draws did not converge and take no part")
        return "\n".join(lines)

    @property
    def passes(self) -> Float[np.ndarray, "budget pool"]:
        """How often each pool is seen under the recommended weights."""
        return self.weights * self.samples[:, None] / self.pools.sizes

    @property
    def spent(self) -> Float[np.ndarray, "budget pool"]:
        """Shares of the budget that go into each pool: those of the samples, where all cost the same."""
        return self.weights * self.samples[:, None] * self.pools.cost / self.budgets[:, None]

    @property
    def union(self) -> tuple[tuple[str, ...], ...]:
        """The pools of the best union at each budget; none where limits allow no union."""
        found = []
        for order, values in zip(self.order, self.unions, strict=True):
            count = 0 if np.isnan(values).all() else int(np.nanargmin(values)) + 1
            found.append(tuple(self.pools.names[i] for i in order[:count]))
        return tuple(found)

    def interval(self, level: float = 0.95) -> Estimate:
        """The error foreseen for the recommended weights, with a central interval where there are draws.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        return estimated(self.value, None if self.draws is None else self.draws.of_best, level)

    def weights_interval(self, level: float = 0.95) -> Estimate:
        """The best weights by budget and pool, with central intervals: how far the best plan itself is known.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        return estimated(self.weights, None if self.draws is None else self.draws.weights, level)

    @property
    def probability_best(self) -> Float[np.ndarray, " budget"]:
        """How probable it is that the recommended weights are no worse than any plan beside them that limits allow.

        **Raises:** `InputError` without draws.
        """
        drawn = self._drawn()
        others = np.stack(list(self._rivals(drawn).values()))
        return np.mean(drawn.of_best <= np.min(others, axis=0) * (1 + 1e-12), axis=0)

    @property
    def probabilities(self) -> dict[str, Float[np.ndarray, " budget"]]:
        """How probable it is of each plan, `best` among them, that no other is better.

        Plans of the same weights have the same probability, so that the sum may exceed 1. Plans that limits do not
        allow take no part, and have 0.

        **Raises:** `InputError` without draws.
        """
        drawn = self._drawn()
        table = {"best": drawn.of_best, **self._rivals(drawn)}
        errors = np.stack(list(table.values()))
        first = np.isfinite(errors) & (errors <= np.min(errors, axis=0) * (1 + 1e-12))
        return dict(zip(table, np.mean(first, axis=1), strict=True))

    @property
    def regret(self) -> dict[str, Float[np.ndarray, " budget"]]:
        """By how much the error of each plan is expected to exceed that of the best weights, had one known the law.

        **Raises:** `InputError` without draws.
        """
        drawn = self._drawn()
        return {k: np.mean(v - drawn.value, axis=0) for k, v in {"best": drawn.of_best, **drawn.of_plans}.items()}

    def _rivals(self, drawn: CurationDraws) -> dict[str, Float[np.ndarray, "draw budget"]]:
        """The errors of the plans beside the recommended one, infinite where limits do not allow them."""
        return {k: np.where(self.allowed[k] & ~np.isnan(v), v, np.inf) for k, v in drawn.of_plans.items()}

    def take(self, which: ArrayLike) -> "Curation":
        """The plans at some of the budgets, by position."""
        place = np.atleast_1d(np.asarray(which, int))
        alone = ("budgets", "weights", "samples", "value", "kkt", "order", "unions")
        mapped = ("plans", "values", "allowed")
        some: dict[str, Any] = {name: getattr(self, name)[place] for name in alone}
        some |= {name: {k: v[place] for k, v in getattr(self, name).items()} for name in mapped}
        if self.draws is not None:
            careful = {name: getattr(self.draws, name)[place] for name in ("careful", "careful_quantile")}
            of_plans = {k: v[:, place] for k, v in self.draws.of_plans.items()}
            drawn = {name: getattr(self.draws, name)[:, place] for name in ("weights", "value", "kkt", "of_best")}
            some["draws"] = self.draws._replace(**drawn, of_plans=of_plans, **careful)
        return dataclasses.replace(self, **some)

    def _drawn(self) -> CurationDraws:
        if self.draws is None:
            given = Phrase("was one law, without draws")
            raise InputError("result", given, remedy="curate an ensemble, as `bootstrap` gives")
        return self.draws


def careful_choice(errors: Float[np.ndarray, "plan draw"], level: float = 0.9) -> tuple[int, int]:
    """Which plan has the least mean error in the worst draws (CVaR), and which the least quantile."""
    tail = np.sort(errors, axis=1)[:, int(np.floor(level * errors.shape[1])) :]
    return int(np.argmin(tail.mean(axis=1))), int(np.argmin(np.quantile(errors, level, axis=1)))
