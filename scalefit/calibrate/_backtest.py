"""Forecasts that can be checked: fit what is small, foresee what is large."""

import dataclasses
import itertools
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_probability, check_type
from ..problem import Problem
from ..results import Fit, LogNormals, check_fit
from ._origins import Origin, of_known_labels, rolling
from ._prior import prior_of_studies
from ._reach import LIKE, least_runs, reach_of, times
from ._rolled import Rolled, rolled
from ._stack import stacked

DISTANCES = (1.0, 1.5, 3.0, 10.0, 30.0, 100.0, np.inf)
"""Ends of the classes of distance, as factors of compute beyond the runs."""


class Distance(NamedTuple):
    """How forecasts of like distance went.

    **Arguments:**

    - `low`, `high`: The factors of compute, or of the first size of the law, beyond the fitted runs between which they
      lie.
    - `count`: How many runs were foreseen; `origins`: from how many origins.
    - `error`: Mean absolute error of the stack, in log, origins counted equally; `error_of_law`: of the fit by
      itself, where it was fitted.
    - `held`: Share of the runs that lay in their interval.
    - `score`: Mean interval score, in log, origins counted equally: the width, and 2/(1 - level) times what a run lay
      outside.
    """

    low: float
    high: float
    count: int
    origins: int
    error: float
    error_of_law: float
    held: float
    score: float

    def reach(self, first: str) -> str:
        """The distance in words, of a law whose first size has this name."""
        ends = f"{self.low:g} to {self.high:g}" if np.isfinite(self.high) else f"more than {self.low:g}"
        return f"{ends} {times(first)}"


class Choice(NamedTuple):
    """Which of the later runs of like compute was foreseen to be the best, and what that cost.

    **Arguments:**

    - `origin`: The place of the origin; `compute`: of the runs among which was chosen, their geometric mean.
    - `among`: How many they are.
    - `chosen`, `best`: The rows of the table.
    - `regret`: How much worse the chosen one is than the best, in log.
    """

    origin: int
    compute: float
    among: int
    chosen: int
    best: int
    regret: float


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Backtest:
    """Forecasts of runs that are there, each from smaller runs alone.

    All arrays have one entry a forecast: one run beyond one origin.

    **Arguments:**

    - `problem`: What was fitted.
    - `along`: What grows from origin to origin.
    - `origin`: The origin of a forecast, from 0; `row`: the row in the table of the run foreseen.
    - `distance`: By size, e-folds beyond the largest that the fit had seen.
    - `excess`: How far above the least log loss of its compute the run was foreseen to lie.
    - `observed`: What came; `value`: the forecast by the stack, `low` and `high`: its interval for a run.
    - `law`: The forecast of the law itself, fitted to all that had been seen.
    - `weight`: By arm.
    - `reached`: By origin, the most compute that had been seen; `seen`: how many runs; `study`: which study it is of.
    - `level`: Of the intervals; `spread`: of each run, whence its interval of any level.
    """

    problem: Problem
    along: str
    origin: Int[np.ndarray, " forecast"]
    row: Int[np.ndarray, " forecast"]
    distance: dict[str, Float[np.ndarray, " forecast"]]
    excess: Float[np.ndarray, " forecast"]
    observed: Float[np.ndarray, " forecast"]
    value: Float[np.ndarray, " forecast"]
    low: Float[np.ndarray, " forecast"]
    high: Float[np.ndarray, " forecast"]
    law: Float[np.ndarray, " forecast"]
    weight: dict[str, Float[np.ndarray, " forecast"]]
    reached: Float[np.ndarray, " origin"]
    seen: Int[np.ndarray, " origin"]
    study: Int[np.ndarray, " origin"]
    level: float
    spread: LogNormals

    def __len__(self) -> int:
        return len(self.row)

    def __repr__(self) -> str:
        """What a reader asks: at which distance how many held."""
        studies = "" if self.problem.keys is None else f" of {len(self.problem.keys)} studies"
        lines = [
            f"Backtest of {type(self.problem.law).__name__} along {self.along}{studies}: {len(self)} forecasts from "
            f"{len(self.reached)} origins"
        ]
        for one in self.by_distance():
            lines.append(
                f"  {one.reach(next(iter(self.distance)))}: {round(one.held * one.count)} of {one.count} in their "
                f"{100 * self.level:g} % interval, missed by {100 * one.error:.2f} % in the mean "
                f"({type(self.problem.law).__name__} alone {100 * one.error_of_law:.2f} %)"
            )
        return "\n".join(lines)

    @property
    def error(self) -> Float[np.ndarray, " forecast"]:
        """Logarithm of what came over what was foreseen."""
        return np.log(self.observed / self.value)

    @property
    def covered(self) -> Bool[np.ndarray, " forecast"]:
        """Whether the run lay in its interval."""
        return (self.low <= self.observed) & (self.observed <= self.high)

    @property
    def score(self) -> Float[np.ndarray, " forecast"]:
        """The interval score, in log: the width, and 2/(1 - level) times what the run lay outside."""
        below, above = np.log(self.low / self.observed), np.log(self.observed / self.high)
        return np.log(self.high / self.low) + 2.0 / (1.0 - self.level) * (np.maximum(below, 0) + np.maximum(above, 0))

    def at_level(self, level: float) -> "Backtest":
        """The same with intervals of another level.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        low, high = self.spread.ends(self.value, level)
        return dataclasses.replace(self, low=low, high=high, level=level)

    def by_distance(self, ends: tuple[float, ...] = DISTANCES) -> list[Distance]:
        """Summarise forecasts by how far they reach.

        **Arguments:**

        - `ends`: Of the classes, as factors of compute, or of the first size of the law, beyond the runs.
        """
        try:
            factors = np.array(ends, float)
        except (TypeError, ValueError):
            factors = np.zeros(0)
        if factors.ndim != 1 or len(factors) < 2 or not (np.all(factors > 0.0) and np.all(factors[1:] > factors[:-1])):
            raise InputError("ends", ends, "two factors above 0 or more, each above the last, as (1, 3, 10)")
        reach = next(iter(self.distance.values()))
        out = []
        for low, high in itertools.pairwise(factors.tolist()):
            which = np.flatnonzero((reach > np.log(low)) & (reach <= np.log(high)) & np.isfinite(self.value))
            if which.size == 0:
                continue
            _, place, count = np.unique(self.origin[which], return_inverse=True, return_counts=True)
            share = 1.0 / count[place] / len(count)
            error, law = np.abs(self.error[which]), np.abs(np.log(self.observed / self.law)[which])
            missed, score = float(share @ error), float(share @ self.score[which])
            fitted = np.isfinite(law)
            by_law = float(np.average(law[fitted], weights=share[fitted])) if fitted.any() else np.nan
            held = float(np.mean(self.covered[which]))
            out.append(Distance(low, high, which.size, len(count), missed, by_law, held, score))
        return out

    def choices(self) -> list[Choice]:
        """At each origin and later compute, the run that was foreseen to be the best, and its regret."""
        sign = 1.0 if self.problem.law.smaller_is_better else -1.0
        compute = next(iter(self.distance.values())) + np.log(self.reached)[self.origin]
        out = []
        for origin in range(len(self.reached)):
            here = np.flatnonzero((self.origin == origin) & np.isfinite(self.value))
            here = here[np.argsort(compute[here], kind="stable")]
            for group in np.split(here, 1 + np.flatnonzero(np.diff(compute[here]) > LIKE / 2)):
                if len(group) < 3:
                    continue
                chosen, best = (group[np.argmin(sign * of[group])] for of in (self.value, self.observed))
                regret = sign * float(np.log(self.observed[chosen] / self.observed[best]))
                middle = float(np.exp(compute[group].mean()))
                out.append(Choice(origin, middle, len(group), int(self.row[chosen]), int(self.row[best]), regret))
        return out

    def to_dict(self) -> dict[str, Shaped[np.ndarray, " forecast"]]:
        """The forecasts as columns, for a data frame of any kind: `polars.DataFrame(backtest.to_dict())`."""
        keys: list[Hashable] = list(self.problem.keys or ())
        study = {"study": np.array([keys[s] for s in self.study[self.origin]], object)} if keys else {}
        return {
            **study,
            "origin": self.origin, "seen": self.seen[self.origin], "reached": self.reached[self.origin],
            "row": self.row, **{f"distance_{name}": column for name, column in self.distance.items()},
            "excess": self.excess, "observed": self.observed, "value": self.value, "low": self.low, "high": self.high,
            "law": self.law, "error": self.error, "covered": self.covered, "score": self.score,
            **{f"weight_{name}": column for name, column in self.weight.items()},
        }  # fmt: skip


def backtest(
    fit: Fit[Any],
    *,
    along: str | None = None,
    split: ArrayLike | None = None,
    level: float = 0.9,
) -> Backtest:
    r"""Foresee runs that are there from smaller ones alone, at every distance that the runs allow.

    What is no larger than an origin is fitted, anew and by itself, and what is larger is foreseen, as `forecast` does
    it: by a stack of arms whose weights and width rest on what could have been checked at the origin. From one origin
    to the next runs reach 1.8 times as far.

    **Arguments:**

    - `fit`: A fit, or a batch of them: law, noise and what is held are those of the fit. All studies and origins are
        one batch.
    - `along`: What grows from origin to origin: `"C"`, 6 N D, for laws of N and D, else the first size of the law;
        `"N"` or `"D"`; `"corner"`, where only runs larger in both are later; or any column of numbers.
    - `split`: In place of rolling origins, a mask: True for the runs that are fitted, the others are foreseen.
    - `level`: Probability of the central intervals, which are those of a run, scatter included.

    **Returns:** a `Backtest`.

    **Raises:** `InputError` for laws without a size, targets of 0 or less, columns that are no numbers, masks of
    another length, and where no study reaches far enough: the fit of an origin needs twice as many runs as the law has
    free numbers and two, over a factor of ten.
    """
    check_probability("level", level)
    problem = check_fit("fit", fit).problem
    reach, least = reach_of(problem), least_runs(problem)
    if split is not None and along is not None:
        raise InputError("along", along, "none beside `split`, which says by itself what is fitted")
    along = next(iter(reach)) if along is None else check_type("along", along, str, "the name of what grows, as 'N'")
    origins = _split(problem, split, reach, least) if split is not None else rolling_origins(problem, along)
    if not origins:
        raise InputError(
            problem.runs.name, Phrase(f"does not reach far enough along {along} to be rolled back"),
            f"{least} runs over a factor of ten, or of the root of their range, and larger ones beyond",
            "give your own `split`",
        )  # fmt: skip
    return told(rolled(problem, prior_of_studies(), origins), along if split is None else "a split", level)


def rolling_origins(problem: Problem, along: str | None = None) -> list[Origin]:
    """Every study at every origin that its runs allow, along the first size of the law unless told."""
    reach = reach_of(problem)
    return list(rolling(problem, _column(problem, along or next(iter(reach)), reach), least_runs(problem)))


def _column(problem: Problem, along: str, reach: Mapping[str, np.ndarray]) -> Float[np.ndarray, " run"]:
    """What grows, by run."""
    if along == "corner" and {"N", "D"} <= set(reach):
        # A run is larger in both where it is farther along the range of the one in which it is less far.
        N, D, C = (np.log(reach[name]) for name in ("N", "D", "C"))
        return np.exp(np.minimum(*((a - a.min()) / max(np.ptp(a), 1e-9) for a in (N, D))) * np.ptp(C))
    runs = problem.runs
    if along in reach:
        return np.asarray(reach[along])
    found = runs.columns.get(along, runs.inputs.get(along))
    known = ", ".join([*reach, *(["corner"] if "N" in reach else [])])
    if (
        found is None
        or np.asarray(found).dtype.kind not in "fiu"
        or not np.all(np.isfinite(found) & (np.asarray(found) > 0))
    ):
        raise InputError("along", along, f"{known}, or a column of finite numbers above 0")
    return np.asarray(found, float)


def _split(problem: Problem, split: ArrayLike, reach: Mapping[str, np.ndarray], least: int) -> list[Origin]:
    mask = np.asarray(split)
    if mask.dtype != bool or mask.shape != (len(problem.runs),) or mask.all() or not mask.any():
        expected = f"a mask of True and False, both of them, one for each of {len(problem.runs)} runs"
        raise InputError("split", Phrase(f"has shape {mask.shape} and type {mask.dtype}"), expected)
    first, out = next(iter(reach.values())), []
    for study in range(len(problem.studies)):
        rows = problem.studies.rows(study)
        seen = rows[mask[rows]]
        later = of_known_labels(problem, seen, rows[~mask[rows]])
        if seen.size >= least and later.size:
            out.append(Origin(study, seen, later, float(first[seen].max())))
    if not out:
        given = Phrase("leaves no study with runs enough, and others to foresee")
        raise InputError("split", given, f"{least} fitted runs or more in one of them")
    return out


def told(found: Rolled, along: str, level: float) -> Backtest:
    """The forecasts of every origin with what came of them."""
    seen, origins, origin = found.seen, found.origins, found.origin
    stack = stacked(found.prior, found.names, seen, found.trust.take(origin))
    value, spread = np.exp(stack.log_value), stack.spread(True)
    low, high = spread.ends(value, level)
    most = {n: np.array([column[one.seen].max() for one in origins]) for n, column in found.reach.items()}
    return Backtest(
        problem=found.problem,
        along=along,
        origin=origin,
        row=found.problem.runs.rows[found.row],
        distance={n: np.log(column[found.row] / most[n][origin]) for n, column in found.reach.items()},
        excess=seen.x,
        observed=np.exp(found.log_observed),
        value=value,
        low=low,
        high=high,
        law=np.exp(seen.log_value[0]),
        weight=dict(zip(found.names, stack.weight, strict=True)),
        reached=next(iter(most.values())),
        seen=np.array([len(one.seen) for one in origins]),
        study=np.array([one.study for one in origins]),
        level=level,
        spread=spread,
    )
