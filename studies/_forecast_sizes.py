"""The best sizes that were foreseen for later budgets, against the optima that runs of these budgets show."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

import scalefit as sf
from scalefit.calibrate._arms import LawArm, coupled_arm, foreseen_by
from scalefit.calibrate._origins import Origin
from scalefit.calibrate._rolled import Rolled
from scalefit.calibrate._stack import stacked
from scalefit.problem import Problem

REACH = ((1.5, 3.0), (3.0, 10.0), (10.0, 30.0), (30.0, 100.0))
DRAWS = 100
AWAY = np.linspace(-7.0, 5.0, 241)
"""Sizes that are tried, in logarithms about the root of the budget."""


class Curve(NamedTuple):
    """Runs of one budget.

    **Arguments:**

    - `compute`: Their compute.
    - `vertex`: Of a parabola of log loss in log N, `se` its standard error, `curvature` that of the parabola.
    - `log_N`: Their sizes; `above`: by how much each lost more than the best.
    """

    compute: float
    vertex: float
    se: float
    curvature: float
    log_N: np.ndarray
    above: np.ndarray

    def height(self, log_N: float) -> float:
        """That of the parabola at a size."""
        return float(min(self.curvature * (log_N - self.vertex) ** 2, 0.5))

    def lost(self, log_N: float) -> float:
        """The least of that and of what runs of nearly that size lost."""
        return float(min([self.height(log_N), *self.above[np.abs(self.log_N - log_N) < 0.25]]))

    @property
    def nearest(self) -> float:
        """The height of the trained size nearest to the vertex."""
        return min(map(self.height, self.log_N))


def curves(problem: Problem, study: int) -> list[Curve]:
    """Each budget with five runs or more."""
    rows, found = problem.studies.rows(study), []
    N, D = (np.asarray(problem.inputs[name])[rows] for name in ("N", "D"))
    loss, log_C = np.log(np.asarray(problem.runs.target)[rows]), np.log(6.0 * N * D)
    free = np.ones(len(rows), bool)
    for at in np.sort(log_C):
        here = (np.abs(log_C - at) < 0.08) & free
        x, y = np.log(N[here]), loss[here]
        if here.sum() < 5 or np.ptp(x) < 1.0:
            continue
        near = y < y.min() + 0.08
        if near.sum() < 4:
            continue
        middle = x[near].mean()
        (curvature, slope, level), covariance = np.polyfit(x[near] - middle, y[near], 2, cov="unscaled")
        vertex = -slope / 2.0 / curvature
        if curvature > 0.0 and x[near].min() < vertex + middle < x[near].max():
            free &= ~here
            off = y[near] - np.polyval((curvature, slope, level), x[near] - middle)
            scale = off @ off / max(near.sum() - 3, 1)
            by = np.array([-vertex / curvature, -0.5 / curvature, 0.0])  # slopes of the vertex
            se = float(np.sqrt(scale * by @ covariance @ by))
            compute = float(np.exp(log_C[here].mean()))
            found.append(Curve(compute, vertex + middle, se, curvature, x, y - y.min()))
    return found


class Missed(NamedTuple):
    """By how much the best size was missed.

    **Arguments:**

    - `family`, `reach`: Of the study, and the class of distance; `T`: e-folds of compute beyond the runs.
    - `log_N`: The vertex less the size that the stack foresaw; `se`: the standard error of the vertex.
    """

    family: str
    reach: int
    T: float
    log_N: float
    se: float


def missed(found: Rolled, of_study: list[list[Curve]], of_origin: np.ndarray, families: set[str]) -> list[Missed]:
    """Every best size that the stack foresaw in some families."""
    there = [
        (j, curve, c) for j in range(len(found.origins)) if str(of_origin[j]) in families
        for curve, c in _beyond(found, of_study, j)
    ]  # fmt: skip
    best = _best_by_arm(found, [(j, curve.compute) for j, curve, _ in there])["stack"]
    return [
        Missed(
            str(of_origin[j]),
            c,
            float(np.log(curve.compute / found.origins[j].reached)),
            curve.vertex - log_N,
            curve.se,
        )
        for (j, curve, c), log_N in zip(there, best.tolist(), strict=True)
    ]


def size_of(known: list[Missed]) -> float:
    """The least spread of log N that holds 90 % in the mean over classes, families equal."""
    for size in np.arange(0.02, 0.6, 0.01):
        held: dict[tuple[int, str], list[bool]] = {}
        for one in known:
            wide = 1.645 * np.hypot(size * (1.0 + 0.5 * one.T), one.se)
            held.setdefault((one.reach, one.family), []).append(abs(one.log_N) <= wide)
        classes = [np.mean([np.mean(v) for (c, _), v in held.items() if c == at]) for at in {c for c, _ in held}]
        if np.mean(classes) >= 0.9:
            break
    return round(float(size), 2)


def _beyond(found: Rolled, of_study: list[list[Curve]], j: int) -> list[tuple[Curve, int]]:
    """The budgets beyond an origin, and the class of distance of each."""
    one = found.origins[j]
    return [
        (curve, c) for curve in of_study[one.study] for c, (low, high) in enumerate(REACH)
        if low <= curve.compute / one.reached < high
    ]  # fmt: skip


def sizes(found: Mapping[str, Rolled], of_study: list[list[Curve]], of_origin: np.ndarray) -> list[str]:
    """What the best sizes foreseen at later budgets cost, by plans, by each arm, and by what no plan can do better.

    **Arguments:**

    - `found`: By family, the forecasts by what the others tell.
    - `of_study`: The later budgets of each; `of_origin`: the family of each origin.
    """
    cost: dict[tuple[str, int, str], list[tuple[float, float]]] = {}
    held: dict[tuple[int, str], list[tuple[float, float]]] = {}
    whole: dict[tuple[int, float], float] = {}
    first = next(iter(found.values()))
    for j, one in enumerate(first.origins):
        family = str(of_origin[j])
        own = found[family]
        beyond = _beyond(own, of_study, j)
        if not beyond:
            continue
        plan = _plan(own, j, np.array([curve.compute for curve, _ in beyond]))
        by_arm = _best_by_arm(own, [(j, curve.compute) for curve, _ in beyond])
        for i, (curve, c) in enumerate(beyond):
            chosen = {name: float(row[i]) for name, row in by_arm.items() if np.isfinite(row[i])}
            if (one.study, curve.compute) not in whole:
                whole[one.study, curve.compute] = _of_all_runs(own, one.study, curve.compute)
            chosen["a fit to all runs, later ones too"] = whole[one.study, curve.compute]
            if plan is not None:
                chosen["plans"] = float(np.log(plan.N.value[i]))
                low, high = (float(np.log(np.asarray(end)[i])) for end in (plan.N.low, plan.N.high))
                middle, half = 0.5 * (low + high), 0.5 * (high - low)
                # Of the vertex as it was measured, whose own error is no part of the interval.
                wide = np.hypot(half, 1.645 * curve.se)
                held.setdefault((c, family), []).append(
                    (abs(curve.vertex - middle) <= half, abs(curve.vertex - middle) <= wide)
                )
            for name, log_N in chosen.items():
                cost.setdefault((name, c, family), []).append((curve.height(log_N), curve.lost(log_N)))
            cost.setdefault(("the trained size nearest to the vertex", c, family), []).append((curve.nearest,) * 2)
    names = (
        "plans",
        "stack",
        *first.names,
        "a fit to all runs, later ones too",
        "the trained size nearest to the vertex",
    )
    lines = []
    for name in names:
        heights, runs = (_by_class({(c, f): v for (n, c, f), v in cost.items() if n == name}, k) for k in range(2))
        lines.append(f"best sizes by {name}: regret {heights} %; {runs} % where runs of nearly that size speak")
    told = [f"{name} {_by_class({(c, f): v for (n, c, f), v in cost.items() if n == name and f == 'gemstones'}, 0)}"
            for name in names]  # fmt: skip
    lines.append(f"of gemstones alone, regret in %: {'; '.join(told)}")
    plain, wide = (_by_class(held, k, "{:.0f}") for k in range(2))
    lines.append(f"90 % intervals of the best size hold the vertex in {plain} %, with its own error in {wide} %")
    return lines


def _by_class(found: Mapping[tuple[int, str], list[tuple[float, float]]], k: int, form: str = "{:.2f}") -> str:
    """The mean by distance, families equal, in %."""
    means = []
    for c in range(len(REACH)):
        of_families = [np.mean([one[k] for one in many]) for (at, _), many in found.items() if at == c]
        means.append(form.format(100.0 * np.mean(of_families)) if of_families else "–")
    return ", ".join(means)


def _plan(own: Rolled, j: int, budgets: np.ndarray) -> sf.Allocation | None:
    """The plan of an origin by its discrepancy; `None` where the law was not fitted there."""
    arm = own.arms["law"]
    assert isinstance(arm, LawArm)
    if arm.fits is None or arm.place[j] < 0 or not arm.fits.converged[arm.place[j]]:
        return None
    about = sf.Discrepancy(arm.fits.at[int(arm.place[j])], own, np.array([j]))
    return sf.allocate(about, budget=budgets, level=0.9, num_draws=DRAWS)


def _best_by_arm(own: Rolled, pairs: list[tuple[int, float]]) -> dict[str, np.ndarray]:
    """The logarithm of the size of least loss by each arm and by the stack, of pairs of an origin and a budget."""
    origin, compute = (np.repeat(column, len(AWAY)) for column in np.array(pairs).T)
    origin, log_N = origin.astype(int), 0.5 * np.log(compute / 6.0) + np.tile(AWAY, len(pairs))
    T = np.log(compute / np.array([one.reached for one in own.origins])[origin])
    points = {"N": np.exp(log_N), "D": compute / 6.0 / np.exp(log_N)}
    seen = foreseen_by(tuple(own.arms.values()), origin, points, T)._replace(x=np.zeros(len(T)))
    stack = stacked(own.prior, own.names, seen, own.trust.take(origin)).log_value
    rows = {"stack": stack, **dict(zip(own.names, seen.log_value, strict=True))}
    table = log_N.reshape(-1, len(AWAY))
    best = {}
    for name, row in rows.items():
        row = row.reshape(table.shape)
        at = np.argmin(np.where(np.isfinite(row), row, np.inf), axis=1)
        best[name] = np.where(np.isfinite(row).all(axis=1), table[np.arange(len(table)), at], np.nan)
    return best


def _of_all_runs(own: Rolled, study: int, compute: float) -> float:
    """The same by the coupled law of all runs of a study."""
    rows = own.problem.studies.rows(study)
    arm = coupled_arm(own.problem, own.prior, [Origin(study, rows, rows[:0], float(own.reach["C"][rows].max()))])
    N = np.exp(0.5 * np.log(compute / 6.0) + AWAY)
    points = {"N": N, "D": compute / 6.0 / N}
    return float(np.log(N[np.argmin(arm.foreseen(np.zeros(len(N), int), points, np.zeros(len(N))).log_value[0])]))
