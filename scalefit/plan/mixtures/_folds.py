"""How well laws over weights foresee mixtures that they have not seen, and what choosing the best of them costs."""

import dataclasses
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from ..._core import InputError, Phrase, check_number, check_type
from ...estimate import bootstrap
from ...laws import gathered
from ...results import Fit
from ...solve import in_lanes
from ._known import at_one_scale, by_draw, known_of
from ._limits import MixtureLimits
from ._objective import Form, cost_by, objective_of
from ._optimise import Task
from ._solve import solved

FEW = 40
"""Mixtures up to which each is left out by itself."""
FOLDS = 10
"""Folds of more mixtures."""


class Foreseen(NamedTuple):
    """How well something was foreseen of mixtures that were left out.

    **Arguments:**

    - `rmse`, `mae`: Errors of the predictions; `fitted`: the root mean square error on the runs that were fitted.
    - `spearman`: Rank correlation of what was foreseen and what was measured.
    - `regret`: By how much the run that was foreseen to be best exceeds the best one (Regret@1).
    - `runs`: How many there were.
    """

    rmse: float
    mae: float
    fitted: float
    spearman: float
    regret: float
    runs: int


@dataclasses.dataclass(frozen=True, eq=False)
class MixtureFolds:
    """Predictions of mixtures that were left out.

    **Arguments:**

    - `targets`: By name, how well each was foreseen; `objective`: how well that was, of runs with every target.
    - `folds`: In how many parts the mixtures were left out; `mixtures`: how many there were.
    - `failed`: Refits that did not converge; what they were to foresee takes no part.
    - `optimism`: By how much the objective of the weights found best on one half of the mixtures is higher by a fit to
        the other half than by their own, on average; NaN where a half is too few to fit.
    - `predicted`: By row of the table, what was foreseen without its mixture.
    """

    targets: Mapping[str, Foreseen]
    objective: Foreseen | None
    folds: int
    mixtures: int
    failed: int
    optimism: float
    predicted: Float[np.ndarray, " row"]

    def __repr__(self) -> str:
        ranks = np.array([one.spearman for one in self.targets.values()])
        lines = [f"MixtureFolds: {self.mixtures} mixtures left out in {self.folds} folds"]
        lines.append(
            f"  Spearman of {len(ranks)} targets {np.mean(ranks):.4f} ({ranks.min():.4f} to {ranks.max():.4f})"
        )
        if self.objective is not None:
            one = self.objective
            lines.append(f"  objective: Spearman {one.spearman:.4f}, RMSE {one.rmse:.3g}, Regret@1 {one.regret:.3g}")
        if np.isfinite(self.optimism):
            lines.append(
                f"  the best weights of a half of the mixtures are {self.optimism:.3g} worse by the other half"
            )
        return "\n".join(lines)


def mixture_folds(
    fits: Fit[Any],
    *,
    objective: Any = "mean",
    limits: MixtureLimits | Mapping[str, Any] | None = None,
    at: Mapping[str, Any] | None = None,
    halves: int = 8,
    seed: int = 0,
) -> MixtureFolds:
    """Foresee mixtures that were left out, every run of a mixture together, and optimise on halves of them.

    Each mixture is left out by itself where there are 40 or fewer, else in ten folds.

    **Arguments:**

    - `fits`: Fits by target, or one fit.
    - `objective`, `limits`, `at`: As of `optimise_mixture`.
    - `halves`: Splits into halves, behind the optimism.
    - `seed`: Of folds and halves.

    **Returns:** a `MixtureFolds`.

    **Raises:** `InputError` where there is nothing to leave out.
    """
    check_type("fits", fits, Fit, "fits by target, or one fit")
    fits, at = at_one_scale(fits, at, objective)
    known = known_of(fits, 2)
    goal = objective_of(objective, known.targets)
    halves = check_number("halves", halves, least=0, whole=True)
    rng = np.random.default_rng([check_number("seed", seed, least=0, whole=True), 0xF01D])
    mixture = mixtures_of(fits, known.mixed.shares, known.domains)
    count = int(mixture.max()) + 1
    if count < 4:
        raise InputError("fits", Phrase(f"has {count} different mixtures"), "four or more, of which to leave some out")
    folds = count if count <= FEW else FOLDS
    fold = rng.permutation(np.arange(count) % folds)[mixture]
    out = fold[None, :] == np.arange(folds)[:, None]
    laws, good = refitted(fits, ~out)
    predicted = np.where(good[_study(fits), fold], _at_rows(fits, laws, fold), np.nan)
    own = _at_rows(fits, _self(fits), np.zeros(len(mixture), int))
    observed = np.asarray(fits.problem.runs.target)
    place = _targets(fits, known.targets)
    of_targets = {
        name: _foreseen(observed[place == i], predicted[place == i], own[place == i])
        for i, name in enumerate(known.targets)
    }
    whole = _objective(fits, goal, place, len(known.targets), (observed, predicted, own))
    optimism, failed = np.nan, int((~good).sum())
    per = fits.problem.curve.size // (len(known.targets) if known.mixed.label else 1) + 2
    if halves and count // 2 >= per:
        optimism = _optimism(fits, known, goal, limits, at, mixture, halves, rng)
    return MixtureFolds(of_targets, whole, folds, count, failed, optimism, predicted)


def mixtures_of(fits: Fit[Any], shares: str, domains: tuple[str, ...]) -> Int[np.ndarray, " row"]:
    inputs = fits.problem.runs.inputs
    table = np.stack([inputs[f"{shares}[{name}]"] for name in domains], axis=1)
    return np.unique(np.round(table, 12), axis=0, return_inverse=True)[1].reshape(-1)


def _study(fits: Fit[Any]) -> Int[np.ndarray, " row"]:
    return fits.problem.studies.of_runs


def _targets(fits: Fit[Any], targets: tuple[str, ...]) -> Int[np.ndarray, " row"]:
    """The place of each row's target."""
    if fits.keys is not None:
        return _study(fits)
    label = fits.problem.runs.labels.get("target")
    if label is None or len(targets) == 1:
        return np.zeros(len(fits.problem.runs), int)
    return np.array([targets.index(str(name)) for name in label])


def refitted(
    fits: Fit[Any], kept: Bool[np.ndarray, "draw row"] | Int[np.ndarray, "draw row"]
) -> tuple[Any, Bool[np.ndarray, "study draw"]]:
    """The laws of fits to rows that count so often each, and which converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draws = bootstrap(fits, weights=kept.astype(float), together=True)
    return draws.law, np.atleast_2d(draws.converged)


def _self(fits: Fit[Any]) -> Any:
    """The law of the fit itself, with an axis of one draw."""
    axis = 0 if fits.keys is None else 1
    return jax.tree.map(lambda a: np.expand_dims(np.asarray(a), axis), fits.law)


def _value(law: Any, inputs: Any) -> Any:
    return law(**inputs)


def _at_rows(fits: Fit[Any], laws: Any, draw: Int[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """The value of every row by one of the draws of its study."""
    study = _study(fits)

    def of_row(a: Any) -> Any:
        a = np.asarray(a)
        return a[draw] if fits.keys is None else a[study, draw]

    return in_lanes(_value, jax.tree.map(of_row, laws), gathered(fits.template, fits.problem.inputs))


def _foreseen(observed: np.ndarray, predicted: np.ndarray, own: np.ndarray) -> Foreseen:
    from scipy.stats import rankdata  # a third of a second, which most calls do without

    there = np.isfinite(predicted) & np.isfinite(observed)
    observed, predicted, own = observed[there], predicted[there], own[there]
    if len(observed) < 3:
        return Foreseen(*[np.nan] * 5, runs=len(observed))
    ranks = np.corrcoef(rankdata(predicted), rankdata(observed))[0, 1]
    off = predicted - observed
    regret = observed[np.argmin(predicted)] - observed.min()
    return Foreseen(
        float(np.sqrt(np.mean(off**2))), float(np.mean(np.abs(off))), float(np.sqrt(np.mean((own - observed) ** 2))),
        float(ranks), float(regret), len(observed),
    )  # fmt: skip


def _objective(
    fits: Fit[Any], goal: Any, place: np.ndarray, targets: int, columns: tuple[np.ndarray, ...]
) -> Foreseen | None:
    """How well the objective was foreseen of runs with every target; `None` of one that is no weighted sum."""
    if goal.how != "mean":
        return None
    key, row = np.unique(fits.problem.runs.rows, return_inverse=True)
    found = []
    for column in columns:
        table = np.full((len(key), targets), np.nan)
        table[row, place] = column
        used = goal.weights != 0.0
        found.append(table[:, used] @ goal.weights[used])
    return _foreseen(*found)


def _optimism(
    fits: Fit[Any], known: Any, goal: Any, limits: Any, at: Any, mixture: np.ndarray, halves: int,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """What the weights that are best by one half lose by the other."""
    count = int(mixture.max()) + 1
    first = np.stack([rng.permutation(np.arange(count) % 2) for _ in range(halves)]) == 0
    kept = np.concatenate([first, ~first])[:, mixture]
    laws, good = refitted(fits, kept)
    laws = by_draw(laws, fits, known.mixed)
    task = Task.of(known._replace(draws=laws), goal, MixtureLimits.of(limits), at or {}, None, 0.9, 0)
    form, box = task.treatments[task.recommended]
    mix = task.mix(laws)
    best = solved(form, mix, box, task.starts(), convex=task.convex(form)).weights
    cost = cost_by(Form(known.mixed, len(known.targets), goal.how))
    own = in_lanes(cost, best, mix)
    other = in_lanes(cost, np.roll(best, halves, axis=0), mix)
    fine = good.all(axis=0)
    both = fine & np.roll(fine, halves)
    # The weights of a half, by the other: what stands at its place is turned by as many.
    return float(np.mean((np.roll(other, halves) - own)[both])) if both.any() else np.nan
