"""How far forecasts of public runs go astray, what intervals hold of them, and the prior that comes of it.

Every study is rolled back to each of its origins; what a stack of arms foresees is judged on families that its prior
has not seen. Targets are runs near the frontier, within 1 % of the least loss at like compute, or off it. About two
minutes; `--prior FILE` writes the prior learnt from all families.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from _benchmarks import Report, options
from _public_studies import public_studies
from scipy.optimize import minimize

import scalefit as sf
from scalefit.calibrate._arms import excess as excess_of
from scalefit.calibrate._backtest import rolling_origins
from scalefit.calibrate._prior import Prior, prior_of_studies
from scalefit.calibrate._rolled import Rolled, rolled
from scalefit.calibrate._stack import Foreseen, stacked, trust
from scalefit.problem import Problem

CLASSES = {"1.5-3": (1.5, 3.0), "3-10": (3.0, 10.0), "10-30": (10.0, 30.0), "30-100": (30.0, 100.0)}
KINDS = ("frontier", "off it")
ENOUGH = 0.94
"""Share of forecasts near the frontier that hold in each class by the prior: families not seen need more than 90 %."""
RATES = (0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.01, 0.012, 0.015, 0.02)
EXCESSES = (0.1, 0.2, 0.3, 0.4, 0.5)
NORMAL = 1.6448536
COLUMNS = (
    "runs", "times the compute", "forecast", "families", "error %", "too high by %", "holds %", "width %",
    "interval score %",
)  # fmt: skip


class Judged:
    """Forecasts with what came of them, families and origins weighing alike in each class of distance."""

    def __init__(self, found: Rolled):
        self.found, self.seen, self.observed = found, found.seen, found.log_observed
        runs, origin = found.problem.runs, found.refits.origin
        self.family = np.asarray(runs.columns["family"])[found.refits.row]
        self.origin, self.families = origin, sorted(set(self.family))
        self.kind = np.digitize(excess_of_studies(found)[found.refits.row], [0.01, 0.03]) * 2 % 3
        self.reach = np.full(len(origin), -1)
        for c, (low, high) in enumerate(CLASSES.values()):
            self.reach[(np.log(low) <= self.seen.T) & (np.log(high) > self.seen.T)] = c
        self.weight = np.zeros(len(origin))
        for kind in range(3):
            for c in range(len(CLASSES)):
                for family in self.families:
                    group = np.flatnonzero((self.kind == kind) & (self.reach == c) & (self.family == family))
                    if group.size:
                        _, place, count = np.unique(origin[group], return_inverse=True, return_counts=True)
                        self.weight[group] = 1.0 / count[place] / len(count)

    def learn(self, which: np.ndarray) -> Prior:
        """The prior of some forecasts: expected misses of each arm, the least rate that holds, the best excess."""
        seen, prior = self.seen, prior_of_studies()
        known = which & (self.reach >= 0)
        arms = {}
        for k, name in enumerate(self.found.names):
            here = known & np.isfinite(seen.log_value[k])
            missed = np.abs(self.observed - seen.log_value[k])[here]
            features = np.stack([np.ones(here.sum()), seen.T[here], seen.T[here] ** 2, np.minimum(seen.x[here], 0.5)])

            def likelihood(q: np.ndarray, m=missed, f=features, w=self.weight[here]) -> float:
                expected = np.exp(q) @ f
                return float(np.average(m / expected + np.log(expected), weights=w))

            found = minimize(likelihood, np.log([3e-3, 5e-3, 1e-3, 5e-2]), method="L-BFGS-B", bounds=[(-9.2, 0.0)] * 4)
            arms[name] = tuple(float(f"{number:.3g}") for number in np.exp(found.x))
        families = len(set(self.family[known]))
        prior = prior._replace(arms=arms, excess=EXCESSES[0], families=families, forecasts=int(known.sum()))
        for rate in RATES:
            prior = prior._replace(rate=rate)
            error, half = self.foreseen(prior)
            if min(self.mean(known, 0, c, np.abs(error) <= half) for c in range(len(CLASSES))) >= ENOUGH:
                break
        scores = {}
        for excess in EXCESSES:
            error, half = self.foreseen(prior._replace(excess=excess))
            score = interval_score(error, half)
            ratios = [
                self.mean(known, 1, c, score) / self.mean(known, 1, c, np.abs(error)) for c in range(len(CLASSES))
            ]
            scores[excess] = float(np.mean(ratios))
        # Wider is safer, and costs little.
        return prior._replace(excess=max(e for e, score in scores.items() if score <= 1.05 * min(scores.values())))

    def mean(self, which: np.ndarray, kind: int, reach: int, column: np.ndarray) -> float:
        """Of some forecasts of a class."""
        group = which & (self.kind == kind) & (self.reach == reach)
        return float(np.average(column[group], weights=self.weight[group]))

    def foreseen(self, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
        """Errors of the stack, and half of its 90 % interval."""
        found = self.found
        learnt = trust(prior, found.names, self.seen, self.observed, self.origin, found.past)
        stack = stacked(prior, found.names, self.seen, learnt.arms[self.origin], learnt.width[self.origin])
        return self.observed - stack.log_value, NORMAL * np.sqrt(stack.variance(True))

    def arm(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Errors of one arm, and half of its own 90 % interval of a run."""
        k = self.found.names.index(name)
        error = np.where(np.isfinite(self.seen.error[k]), self.seen.error[k], 0.3)
        return self.observed - self.seen.log_value[k], NORMAL * np.sqrt(error**2 + self.seen.noise**2)

    def tell(self, report: Report, name: str, error: np.ndarray, half: np.ndarray) -> None:
        """Rows of the table."""
        for kind, what in enumerate(KINDS):
            for c, reach in enumerate(CLASSES):
                group = (self.kind == kind) & (self.reach == c) & np.isfinite(error)
                weight = self.weight[group]
                numbers = (np.abs(error), -error, np.abs(error) <= half, 2.0 * half, interval_score(error, half))
                row = (100.0 * float(np.average(column[group], weights=weight)) for column in numbers)
                report.add(what, reach, name, len(set(self.family[group])), *row)


def optima(problem: Problem, study: int) -> list[tuple[float, float, float]]:
    """By budget with five runs or more: its compute, log N at the vertex of a parabola, and its curvature."""
    rows, free, found = problem.studies.rows(study), None, []
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
        curvature, slope, _ = np.polyfit(x[near], y[near], 2)
        if curvature > 0.0 and x[near].min() < -slope / 2.0 / curvature < x[near].max():
            free &= ~here
            found.append((float(np.exp(log_C[here].mean())), -slope / 2.0 / curvature, curvature))
    return found


def sizes(judged: Judged, prior: Prior) -> list[str]:
    """What the best sizes foreseen at later budgets cost, by the stack and by each arm: the height of the parabola."""
    found = judged.found
    family = np.asarray(found.problem.runs.columns["family"])
    cost: dict[tuple[str, str, str], list[float]] = {}
    away = np.linspace(-7.0, 5.0, 241)
    curves = {study: optima(found.problem, study) for study in {one.study for one in found.origins}}
    for j, one in enumerate(found.origins):
        for budget, vertex, curvature in curves[one.study]:
            reach = [c for c, (low, high) in CLASSES.items() if low <= budget / one.reached < high]
            if not reach:
                continue
            N = np.exp(0.5 * np.log(budget / 6.0) + away)
            value = found.refits.log_values(np.full(len(N), j), {"N": N, "D": budget / 6.0 / N})
            nothing = np.zeros(len(N))
            seen = Foreseen(value, np.zeros_like(value), nothing, nothing + np.log(budget / one.reached), nothing)
            trusted = np.tile(found.trust.arms[j], (len(N), 1))
            rows = {"stack": stacked(prior, found.names, seen, trusted, nothing + 1.0).log_value}
            for name, row in {**rows, **dict(zip(found.names, value, strict=True))}.items():
                if np.isfinite(row).all():
                    miss = np.log(N[np.argmin(row)]) - vertex
                    key = name, reach[0], str(family[one.seen[0]])
                    cost.setdefault(key, []).append(min(curvature * miss**2, 0.5))
    lines = []
    for name in ("stack", *found.names):
        means = [
            np.mean([np.mean(costs) for (n, c, _), costs in cost.items() if (n, c) == (name, reach)])
            for reach in CLASSES
        ]
        lines.append(f"best sizes by {name}: regret {', '.join(f'{100.0 * mean:.2f}' for mean in means)} %")
    return lines


def excess_of_studies(found: Rolled) -> np.ndarray:
    """By run, log loss above the least that was observed at like compute of its study."""
    problem, out = found.problem, np.zeros(len(found.problem.runs))
    for study in range(len(problem.studies)):
        rows = problem.studies.rows(study)
        out[rows] = excess_of(np.log(found.reach["C"][rows]), np.log(np.asarray(problem.runs.target)[rows]))
    return out


def interval_score(error: np.ndarray, half: np.ndarray) -> np.ndarray:
    return 2.0 * half + 20.0 * np.maximum(np.abs(error) - half, 0.0)


def main() -> None:
    write = None
    if "--prior" in sys.argv:
        place = sys.argv.index("--prior")
        write = Path(sys.argv[place + 1])
        del sys.argv[place : place + 2]
    given = options(__doc__)
    warnings.simplefilter("ignore", UserWarning)
    runs = public_studies()
    fits = sf.fit(sf.laws.Chinchilla, runs, by="study", throw=False)
    claim = (
        "A stack of arms with a width by e-fold of compute foresees public runs, on families its prior has not seen."
    )
    report = Report("forecasts", claim, COLUMNS, given)
    judged = Judged(rolled(fits.problem, prior_of_studies(), rolling_origins(fits.problem)))
    for name in judged.found.names:
        judged.tell(report, f"{name} alone", *judged.arm(name))
    error, half, priors = np.zeros(len(judged.origin)), np.zeros(len(judged.origin)), {}
    for family in judged.families:
        left = judged.family == family
        priors[family] = judged.learn(~left)
        for whole, part in zip((error, half), judged.foreseen(priors[family]), strict=True):
            whole[left] = part[left]
    judged.tell(report, "stack", error, half)
    for kind, what in enumerate(KINDS):
        told = []
        for family in judged.families:
            group = (judged.kind == kind) & (judged.reach >= 0) & (judged.family == family)
            if group.any():
                held = np.average((np.abs(error) <= half)[group], weights=judged.weight[group])
                told.append(f"{family} {100.0 * held:.0f}")
        report.note(f"{what}, 90 % intervals hold by family, %: {', '.join(told)}")
    whole = judged.learn(np.ones(len(judged.origin), bool))
    for family, one in priors.items():
        report.note(f"without {family}: rate {one.rate}, excess {one.excess}")
    for line in sizes(judged, whole):
        report.note(line)
    report.note(f"of all: rate {whole.rate}, excess {whole.excess}")
    report.finish()
    if write is not None:
        write.write_text(json.dumps(whole._asdict(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
