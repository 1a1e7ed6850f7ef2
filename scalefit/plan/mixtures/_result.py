"""The best mixture within limits, how it was found, and how sure it is that it beats what one would take without."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_probability
from ...results import Estimate, estimated
from ._honesty import is_outside
from ._limits import MixtureLimits
from ._solve import Active


class Treatment(NamedTuple):
    """The best weights under one way to treat repetition.

    **Arguments:**

    - `weights`: By domain; `value`: of the objective as this treatment has it; `plain`: as if repeats were fresh.
    - `kkt`: The slope of the cost along the best move of weight that limits allow: 0 where none pays. Where the cost is
        not known to be convex its kinks are rounded for that.
    - `gap`: By how much the cost exceeds the least that limits allow, at most; NaN where it is not known to be convex.
    - `optima`: How many distinct optima the starts led to.
    - `passes`: Over each domain; NaN where the tokens that there are, or the run's, are not known.
    """

    weights: Float[np.ndarray, " domain"]
    value: float
    plain: float
    kkt: float
    gap: float
    optima: int
    passes: Float[np.ndarray, " domain"]


class MixtureDraws(NamedTuple):
    """What the draws of an ensemble say.

    **Arguments:**

    - `weights`: The best weights of each draw; `value`: of the objective there.
    - `of_best`: The objective of the recommended weights by each draw; `of_plans`: of those beside them.
    - `predicted`: The targets at the recommended weights.
    - `optimism`: By how much the objective at the weights that a draw finds best is, by the fit itself, above what the
        draw says of it: what choosing the best of a noisy law costs.
    - `failed`: How many draws take no part.
    """

    weights: Float[np.ndarray, "draw domain"]
    value: Float[np.ndarray, " draw"]
    of_best: Float[np.ndarray, " draw"]
    of_plans: Mapping[str, Float[np.ndarray, " draw"]]
    predicted: Float[np.ndarray, "draw target"]
    optimism: Float[np.ndarray, " draw"]
    failed: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class BestMixture:
    """The weights of domains that make an objective of the targets least, within limits.

    **Arguments:**

    - `domains`, `targets`: Their names; `law`: of the law that foresaw the targets; `objective`: in words.
    - `limits`, `at`: What was asked; `at` has what the law takes beside the weights, and the tokens D of the run.
    - `weights`: The recommended ones: those of the treatment `recommended`.
    - `value`: Of the objective there; `predicted`: by target.
    - `treatments`: Repetition limited (`"cap"`), its value discounted (`"discounted"`), as if fresh (`"none"`), each
        within the other limits; and `"unconstrained"`, the optimum over all weights.
    - `active`: The limits that the recommended weights are at, with their prices.
    - `plans`: Mixtures beside it by name: `natural` (of the prior, or in proportion to the tokens), `uniform`, and
        `observed`, the best of the runs; `values`: of the objective there; `allowed`: whether they keep the limits.
    - `distance`: Half the sum of differences between the weights and the nearest mixture of observed ones; NaN
        without runs. `known_to`: the median of such distances of observed mixtures from the others.
    - `draws`: What an ensemble says, or `None`.
    - `convex`: Whether the objective is known to be convex, so that the gap is a certificate.
    """

    domains: tuple[str, ...]
    targets: tuple[str, ...]
    law: str
    objective: str
    limits: MixtureLimits
    at: Mapping[str, float]
    recommended: str
    weights: Float[np.ndarray, " domain"]
    value: float
    predicted: Float[np.ndarray, " target"]
    treatments: Mapping[str, Treatment]
    active: tuple[Active, ...]
    plans: Mapping[str, Float[np.ndarray, " domain"]]
    values: Mapping[str, float]
    allowed: Mapping[str, bool]
    distance: float
    known_to: float
    convex: bool
    draws: MixtureDraws | None = None

    def __repr__(self) -> str:
        order = np.argsort(-self.weights, kind="stable")
        shown = [f"{100 * self.weights[i]:.3g} % {self.domains[i]}" for i in order if self.weights[i] > 5e-4]
        more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
        best = self.treatments[self.recommended]
        optima = "1 optimum" if best.optima == 1 else f"{best.optima} optima"
        sure = f"gap {best.gap:.2g}" if self.convex else f"kkt {best.kkt:.2g}, {optima} found"
        lines = [
            f"BestMixture of {len(self.domains)} domains by {self.law}: {self.objective} {self.interval():.5g}; {sure}",
            f"  {', '.join(shown[:8])}{more}",
        ]
        lines += [f"  gain over {name}: {gain:.3g}" for name, gain in self.gains().items()]
        return "\n".join(lines)

    @property
    def passes(self) -> Float[np.ndarray, " domain"]:
        """How often each domain is seen under the recommended weights; NaN where that is not known."""
        return self.treatments[self.recommended].passes

    @property
    def outside(self) -> bool:
        """Whether the weights lie further from what was observed than half of the observed mixtures from the others.

        Up to 5 % of the whole they do not count as outside.
        """
        return is_outside(self.distance, self.known_to)

    def interval(self, level: float = 0.95) -> Estimate:
        """The objective at the recommended weights, with a central interval where there are draws.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        return estimated(np.asarray(self.value), None if self.draws is None else self.draws.of_best, level)

    def weights_interval(self, level: float = 0.95) -> Estimate:
        """The best weights with central intervals: how far the optimum itself is known.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        return estimated(self.weights, None if self.draws is None else self.draws.weights, level)

    def predicted_interval(self, level: float = 0.95) -> Estimate:
        """The targets at the recommended weights, with central intervals.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        return estimated(self.predicted, None if self.draws is None else self.draws.predicted, level)

    def gains(self, level: float = 0.95) -> dict[str, Estimate]:
        """By how much the objective is lower at the recommended weights than at each of the plans beside them.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        found = {}
        for name, value in self.values.items():
            drawn = None if self.draws is None else self.draws.of_plans[name] - self.draws.of_best
            found[name] = estimated(np.asarray(value - self.value), drawn, level)
        return found

    @property
    def careful_gains(self) -> dict[str, float]:
        """The gains less their standard error and less the optimism of having chosen the best.

        **Raises:** `InputError` without draws.
        """
        drawn = self.drawn
        optimism = max(float(np.mean(drawn.optimism)), 0.0)
        return {
            name: float(value - self.value - np.std(drawn.of_plans[name] - drawn.of_best, ddof=1) - optimism)
            for name, value in self.values.items()
        }

    @property
    def probabilities(self) -> dict[str, float]:
        """How probable it is that the recommended weights are better than each of the plans beside them.

        **Raises:** `InputError` without draws.
        """
        drawn = self.drawn
        return {name: float(np.mean(drawn.of_best < of)) for name, of in drawn.of_plans.items()}

    @property
    def drawn(self) -> MixtureDraws:
        """The draws.

        **Raises:** `InputError` without.
        """
        if self.draws is None:
            given = Phrase("was of one law, without draws")
            raise InputError("result", given, remedy="give an ensemble, as `sf.bootstrap(fits, together=True)`")
        return self.draws

    def weights_by_name(self) -> dict[str, float]:
        """The recommended weights by domain."""
        return dict(zip(self.domains, self.weights.tolist(), strict=True))


def summary_of(best: BestMixture) -> list[dict[str, Any]]:
    """A row by domain: weights of each treatment and plan, interval and passes."""
    wide = best.weights_interval()
    rows = []
    for i, name in enumerate(best.domains):
        row: dict[str, Any] = {"domain": name, "weight": float(best.weights[i])}
        if wide.low is not None and wide.high is not None:
            row |= {"low": float(wide.low[i]), "high": float(wide.high[i])}
        row |= {f"{k}": float(t.weights[i]) for k, t in best.treatments.items() if k != best.recommended}
        row |= {k: float(w[i]) for k, w in best.plans.items()}
        row["passes"] = float(best.passes[i])
        rows.append(row)
    return rows
