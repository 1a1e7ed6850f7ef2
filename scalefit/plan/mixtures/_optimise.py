"""The mixture of domains of least predicted objective, within limits, and how sure that is."""

import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from ..._core import CheckWarning, InputError, OptimumWarning, Phrase, check_number, check_type, listed, warn_of
from ...solve import in_lanes
from ._honesty import hull_distance, known_distance, observed_mixtures, support
from ._known import Known, at_one_scale, known_of
from ._limits import Box, MixtureLimits, box_of, prior_of, repeats_of, tokens_of
from ._objective import Form, Mix, Objective, cost_by, objective_of, predicted_by, risk_of
from ._result import BestMixture, MixtureDraws, Treatment
from ._solve import active_limits, solved


def optimise_mixture(
    result: Any,
    *,
    objective: Any = "mean",
    limits: MixtureLimits | Mapping[str, Any] | None = None,
    at: Mapping[str, Any] | None = None,
    risk: Any = None,
    num_draws: int = 200,
    seed: int = 0,
    solver: Any = None,
) -> BestMixture:
    r"""The weights of domains that make an objective of the predicted targets least, within limits.

    Of convex laws and objectives the optimum is found by an interior point and certified by the gap to what the tangent
    plane promises; of others by exponentiated gradient, Adam and moves of weight between domains, from every start,
    with the count of distinct optima. Repetition is treated in three ways side by side, and the optimum without any
    limit is shown beside them. An ensemble finds the best weights anew for each of its draws.

    **Arguments:**

    - `result`: Fits by target (`fit(..., by="target")`), one fit, an ensemble of either (for several targets that of
        `bootstrap(fits, together=True)`), or laws with values by target.
    - `objective`: `"mean"` of the targets, `"worst"` (the largest ratio of a target to what it is under the natural
        mixture, or the mean observed one), a target, weights by target, or a differentiable function of the targets.
    - `limits`: See `MixtureLimits`.
    - `at`: What the law takes beside weights, as N and D; `D`, the tokens of the run, is also what passes are of. Of
        fits by size or family, as of `sample_groups(..., by="group")`, also the one to plan for: `{"group": "large"}`.
    - `risk`: What is made small over the draws of an ensemble: nothing (the fit's own objective) unless given, or
        `"mean"`, `"cvar"` (the mean of the worst tenth), `"quantile"` (the 90 % one); with a level as `("cvar", 0.8)`.
    - `num_draws`: The most draws of an ensemble to plan for.
    - `seed`: Of the random starts.
    - `solver`: An Optax optimiser (`optax.adam(0.01)`) in place of these: projected gradient, each step brought back to
        the nearest weights within the limits. Slopes have a spread of 1 at the start. Whether the best weights that it
        saw are best is judged as ever; a learning rate that does not decay rarely gets there.

    **Returns:** a `BestMixture`.

    **Warns:** where the weights lie outside what was observed; `OptimumWarning` where they are not known to be best.

    **Raises:** `InputError` for laws of other kinds, limits without weights that keep them (with those that clash), and
    numbers that the law needs and `at` lacks.
    """
    result, at = at_one_scale(result, at, objective)
    known = known_of(result, check_number("num_draws", num_draws, least=2, whole=True))
    if solver is not None and not all(hasattr(solver, name) for name in ("init", "update")):
        raise InputError("solver", solver, "None, or an Optax optimiser (optax.adam(0.01))")
    goal, limits = objective_of(objective, known.targets), MixtureLimits.of(limits)
    over, level = risk_of(risk)
    if over is not None and known.draws is None:
        raise InputError("risk", Phrase("is taken over draws, and the result has none"),
                         remedy="give `sf.bootstrap(fits, together=True)`")  # fmt: skip
    task = Task.of(known, goal, limits, at or {}, over, level, check_number("seed", seed, least=0, whole=True))
    treatments, slopes = {}, {}
    for name, (form, box) in task.treatments.items():
        found = solved(form, task.mix_for(form), box, task.starts(), convex=task.convex(form), solver=solver)
        w = found.weights[0]
        treatments[name] = Treatment(
            w, float(task.values(w[None], form)[0]), float(task.values(w[None])[0]), float(found.kkt[0]),
            float(found.gap[0]), int(found.optima[0]), task.passes(w),
        )  # fmt: skip
        slopes[name] = found.slope[0]
    main = task.recommended
    if not np.isfinite(treatments[main].value):
        raise nowhere_finite()
    form, box = task.treatments[main]
    weights = treatments[main].weights
    plans = task.plans()
    draws = None if known.draws is None else _drawn(task, weights, plans, solver)
    distance, known_to = np.nan, np.nan
    if task.observed is not None:
        distance, known_to = hull_distance(task.observed, weights), known_distance(task.observed)
    best = BestMixture(
        known.domains, known.targets, type(known.law).__name__, goal.name, limits, task.at, main, weights,
        treatments[main].plain, task.predicted(weights[None])[0], treatments,
        active_limits(known.domains, weights, slopes[main], box, form.strays), plans,
        {k: float(v) for k, v in zip(plans, task.values(np.stack(list(plans.values()))), strict=True)},
        {k: keeps(w, box) for k, w in plans.items()}, distance, known_to, task.convex(form), draws,
    )  # fmt: skip
    _warn(best)
    return best


class Task:
    """What is asked for, as arrays; everything that depends on the law alone is made once."""

    def __init__(
        self, known: Known, goal: Objective, limits: MixtureLimits, at: Mapping[str, float], budget: float | None,
        point: Mapping[str, Any], over: Any, level: float, seed: int,
    ):  # fmt: skip
        self.known, self.goal, self.limits, self.at, self.budget = known, goal, limits, at, budget
        self.point, self.over, self.level = point, over, level
        self.seed = check_number("seed", seed, least=0, whole=True)
        self.prior = prior_of(limits, known.domains)
        self.observed = observed_mixtures(known)
        self._weights = goal.weights
        if goal.how == "worst":
            self._weights = np.ones(len(known.targets))
            mean = None if self.observed is None else self.observed.mean(axis=0)
            first = next((w for w in (self.prior, mean) if w is not None), self.uniform)
            self._weights = 1.0 / np.abs(self.predicted(first[None])[0])

    @classmethod
    def of(
        cls, known: Known, goal: Objective, limits: MixtureLimits, at: Any, over: Any, level: float, seed: int
    ) -> "Task":
        """Look at the numbers beside the weights.

        **Raises:** `InputError` for those that are missing or unknown.
        """
        mixed = known.mixed
        at = check_type("at", at, Mapping, "numbers by input, as {'D': 1e12}")
        names = dict.fromkeys([*mixed.others, mixed.tokens or "D"])
        for name in at:
            if name not in names:
                given = Phrase(f"gives {name!r}, and the law takes {listed(names)}")
                raise InputError("at", given, remedy="leave it out")
        lacking = [name for name in mixed.others if name not in at]
        if lacking:
            law = type(known.law).__name__
            raise InputError("at", Phrase(f"has no {lacking[0]}, which {law} takes beside the weights"),
                             remedy=f"give it, as `at={{{lacking[0]!r}: 1e9}}`")  # fmt: skip
        found = {str(k): float(check_number(f"at: {k}", v, above=0.0)) for k, v in at.items()}
        budget = found.get(mixed.tokens or "D")
        if limits.tokens is not None and budget is None:
            raise InputError("tokens", Phrase("of the domains are given, and not those of the run"),
                             remedy="say how many it sees in all, as `at={'D': 1e12}`")  # fmt: skip
        if limits.tokens is None and limits.max_passes is not None:
            raise InputError("max_passes", Phrase("is of tokens that nobody gave"),
                             remedy="give the `tokens` of each domain")  # fmt: skip
        point: dict[str, Any] = {name: found[name] for name in mixed.others}
        if mixed.held is not None:
            if limits.tokens is None:
                given = Phrase(f"of each domain are what {type(known.law).__name__} takes beside the weights")
                raise InputError("tokens", given, remedy="give them with the limits, as limits={'tokens': {...}}")
            point[mixed.held] = tokens_of(limits, known.domains)
        return cls(known, goal, limits, found, budget, point, over, level, seed)

    @property
    def uniform(self) -> Float[np.ndarray, " domain"]:
        """The same weight for every domain."""
        return np.full(len(self.known.domains), 1.0 / len(self.known.domains))

    @property
    def tokens(self) -> Float[np.ndarray, " domain"] | None:
        """Those that there are of each domain."""
        return None if self.limits.tokens is None else tokens_of(self.limits, self.known.domains)

    @property
    def recommended(self) -> str:
        """The treatment whose weights are recommended."""
        return "none" if self.tokens is None else "cap"

    @property
    def treatments(self) -> dict[str, tuple[Form, Box]]:
        """The formula of the cost and the limits of each way to treat repetition, and without limits."""
        known, strays = self.known, self.limits.kl > 0.0
        plain = Form(known.mixed, len(known.targets), self.goal.how, self.over, self.level)
        priced = plain._replace(strays=strays)
        free = box_of(MixtureLimits(), known.domains, None, cap=False)
        loose = box_of(self.limits, known.domains, self.budget, cap=False)
        if self.tokens is None:
            return {"none": (priced, loose), "unconstrained": (plain, free)}
        capped = box_of(self.limits, known.domains, self.budget, cap=True)
        return {
            "cap": (priced, capped),
            # A law that takes the tokens there are says itself what repeats are worth.
            "discounted": (priced._replace(discounted=known.mixed.held is None), loose),
            "none": (priced._replace(fresh=known.mixed.held is not None), loose),
            "unconstrained": (plain, free),
        }

    def convex(self, form: Form) -> bool:
        """Whether the cost is known to be convex."""
        laws = self.known if form.risk is None else self.known._replace(law=self.known.draws)
        # The largest loss that anything in the place of lost value would leave is convex in what weights are worth and
        # falls with it, and that is concave in the weights. With fewer tokens too it need not be.
        kept = not form.discounted or form.mixed.tokens is None
        return laws.convex and self.goal.convex and kept and form.risk != "quantile"

    def mix(self, law: Any) -> Mix:
        """The numbers of the cost for laws with a leading axis of lanes."""
        lanes, count = len(jax.tree.leaves(law)[0]), len(self.known.domains)

        def every(a: Any) -> Any:
            return np.broadcast_to(np.asarray(a, float), (lanes, *np.shape(a))).copy()

        there = self.tokens
        passes = np.ones(count) if there is None else (self.budget or 0.0) / there
        prior = self.uniform if self.prior is None else self.prior
        return Mix(
            law, every(self._weights), {k: every(v) for k, v in self.point.items()}, every(prior),
            every(self.limits.kl), every(passes), every(repeats_of(self.limits, self.known.domains)), every(0.0),
        )  # fmt: skip

    def mix_for(self, form: Form) -> Mix:
        """The numbers of the one cost of the result: of the law, or of all draws together where there is a risk."""
        if form.risk is None:
            return self.mix(self.known.stacked)
        return self.mix(jax.tree.map(lambda a: np.asarray(a, float)[None], self.known.draws))

    def starts(self) -> Float[np.ndarray, "start domain"]:
        """Where searches begin: the plans, each domain more than the others, and mixtures at random."""
        count = len(self.known.domains)
        rng = np.random.default_rng([self.seed, 0x3142])
        corners = 0.1 * self.uniform + 0.9 * np.eye(count) if count <= 32 else np.zeros((0, count))
        random = rng.dirichlet(np.ones(count), 8)
        return np.concatenate([np.stack(list(self.plans().values())), corners, random])

    def plans(self) -> dict[str, Float[np.ndarray, " domain"]]:
        """The mixtures that one would take without a plan."""
        found = {} if self.prior is None else {"natural": self.prior}
        found["uniform"] = self.uniform
        if self.observed is not None:
            values = self.values(self.observed)
            if not np.isfinite(values).any():
                raise nowhere_finite()
            found["observed"] = self.observed[int(np.argmin(np.where(np.isfinite(values), values, np.inf)))]
        return found

    def values(self, weights: Float[np.ndarray, "lane domain"], form: Form | None = None) -> Float[np.ndarray, " lane"]:
        """The objective of mixtures by the law itself, repeats as good as fresh unless a form discounts them."""
        plain = Form(self.known.mixed, len(self.known.targets), self.goal.how)
        if form is not None:
            plain = plain._replace(discounted=form.discounted, fresh=form.fresh)
        return in_lanes(cost_by(plain), weights, self._lanes(self.known.stacked, len(weights)))

    def predicted(self, weights: Float[np.ndarray, "lane domain"]) -> Float[np.ndarray, "lane target"]:
        """The targets of mixtures by the law itself."""
        plain = Form(self.known.mixed, len(self.known.targets), "mean")
        return in_lanes(predicted_by(plain), weights, self._lanes(self.known.stacked, len(weights)))

    def drawn(self, weights: Float[np.ndarray, " domain"]) -> tuple[np.ndarray, np.ndarray]:
        """The objective and the targets of a mixture by every draw."""
        plain, mix = Form(self.known.mixed, len(self.known.targets), self.goal.how), self.mix(self.known.draws)
        lanes = np.tile(weights, (len(mix.temperature), 1))
        return in_lanes(cost_by(plain), lanes, mix), in_lanes(predicted_by(plain), lanes, mix)

    def passes(self, weights: Float[np.ndarray, " domain"]) -> Float[np.ndarray, " domain"]:
        """How often each domain is seen."""
        there = self.tokens
        return np.full(len(weights), np.nan) if there is None else weights * (self.budget or np.nan) / there

    def _lanes(self, law: Any, count: int) -> Mix:
        return jax.tree.map(lambda a: np.broadcast_to(a, (count, *np.shape(a)[1:])), self.mix(law))


def nowhere_finite() -> InputError:
    """What is said of an objective that is infinite, or no number, wherever it was looked at."""
    given = Phrase("is no finite number at any weights that were tried")
    return InputError("objective", given, remedy="look at the function of targets, or at the values of the laws")


def _drawn(task: Task, weights: np.ndarray, plans: Mapping[str, np.ndarray], solver: Any) -> MixtureDraws:
    """The best weights of every draw, and what every draw says of the recommended ones and of the plans."""
    form, box = task.treatments[task.recommended]
    form = form._replace(risk=None)
    starts = np.concatenate([weights[None], np.stack(list(plans.values()))])
    found = solved(form, task.mix(task.known.draws), box, starts, convex=task.convex(form), solver=solver)
    plain = Form(task.known.mixed, len(task.known.targets), task.goal.how)
    value = in_lanes(cost_by(plain), found.weights, task.mix(task.known.draws))
    of_best, predicted = task.drawn(weights)
    of_plans = {name: task.drawn(w)[0] for name, w in plans.items()}
    return MixtureDraws(
        found.weights, value, of_best, of_plans, predicted, task.values(found.weights) - value, task.known.failed
    )


def keeps(w: np.ndarray, box: Box) -> bool:
    """Whether weights keep the limits."""
    fine = bool(np.all((w >= box.low - 1e-9) & (w <= box.high + 1e-9)))
    if box.groups is None:
        return fine
    totals = box.groups.member @ w
    return fine and bool(np.all((totals >= box.groups.low - 1e-9) & (totals <= box.groups.high + 1e-9)))


def _warn(best: BestMixture) -> None:
    """Say where the weights are not known to be the best, or lie where nothing was observed."""
    main = best.treatments[best.recommended]
    spread = np.ptp([*best.values.values(), best.value]) + 1e-9 * abs(best.value)
    if best.convex and not main.gap <= 1e-3 * spread:
        warn_of("convergence", f"The weights are not known to be the best: others may be better by {main.gap:.2g}",
                category=OptimumWarning, stacklevel=3)  # fmt: skip
    elif not best.convex and not main.kkt > -1e-3 * spread:
        warn_of("convergence", f"The weights are not known to be the best (kkt {main.kkt:.2g})", "try another seed",
                category=OptimumWarning, stacklevel=3)  # fmt: skip
    if (far := support(best.distance, best.known_to)) is not None:
        warnings.warn(CheckWarning(far), stacklevel=3)
