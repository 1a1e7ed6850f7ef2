"""How far forecasts of public runs go astray, what intervals hold of them, and the prior that comes of it.

Every study is rolled back to each of its origins; what a stack of arms foresees is judged on families that its prior
has not seen. Targets are runs near the frontier, within 1 % of the least loss at like compute, or off it. Some four
minutes; `--prior FILE` writes the prior learnt from all families.
"""

import copy
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from _benchmarks import Report, options
from _forecast_plain import by_draws
from _forecast_sizes import Curve, curves, missed, size_of, sizes
from _public_studies import public_studies
from scipy.optimize import minimize

import scalefit as sf
from scalefit.calibrate._arms import CoupledArm, coupled_arm, foreseen_by
from scalefit.calibrate._backtest import rolling_origins
from scalefit.calibrate._prior import Prior, prior_of_studies
from scalefit.calibrate._reach import excess as excess_of
from scalefit.calibrate._rolled import Rolled, rolled
from scalefit.calibrate._stack import Trust, stacked, trust

CLASSES = {"1.5-3": (1.5, 3.0), "3-10": (3.0, 10.0), "10-30": (10.0, 30.0), "30-100": (30.0, 100.0)}
KINDS = ("frontier", "off it")
ENOUGH = 0.92
"""Share of forecasts near the frontier that hold in each class by the prior: families not seen need more than 90 %."""
ENOUGH_OFF = 0.86
"""The same off it, where the last hold at no width that says anything."""
ANY = (-0.5, -1.2, -1.2, -0.5), (0.6, 0.6, 0.6, 0.7)
"""Shapes before any study is seen: a loss of which 60 % is E, powers of .3, k of .6, each within a factor of two."""
CLOSER = 0.7
"""What families differ by is less than what their fits differ by."""
RATES = (0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.01, 0.012, 0.015, 0.02)
EXCESSES = (0.01, 0.012, 0.015, 0.018, 0.022, 0.026, 0.032, 0.038, 0.046)
NORMAL = 1.6448536
COLUMNS = (
    "runs", "times the compute", "forecast", "families", "error %", "too high by %", "holds %", "width %",
    "interval score %",
)  # fmt: skip


class Judged:
    """Forecasts with what came of them, families and origins weighing alike in each class of distance."""

    def __init__(self, found: Rolled):
        self.found, self.seen, self.observed, self.origin = found, found.seen, found.log_observed, found.origin
        runs, self.points = found.problem.runs, {n: c[found.row] for n, c in found.problem.inputs.items()}
        self.family = np.asarray(runs.columns["family"])[found.row]
        self.of_origin = np.asarray(runs.columns["family"])[[one.seen[0] for one in found.origins]]
        self.families = sorted(set(self.family))
        self.kind = np.digitize(excess_of_studies(found)[found.row], [0.01, 0.03]) * 2 % 3
        self.reach = np.full(len(self.origin), -1)
        for c, (low, high) in enumerate(CLASSES.values()):
            self.reach[(np.log(low) <= self.seen.T) & (np.log(high) > self.seen.T)] = c
        self.weight = np.zeros(len(self.origin))
        for kind in range(3):
            for c in range(len(CLASSES)):
                for family in self.families:
                    group = np.flatnonzero((self.kind == kind) & (self.reach == c) & (self.family == family))
                    if group.size:
                        _, place, count = np.unique(self.origin[group], return_inverse=True, return_counts=True)
                        self.weight[group] = 1.0 / count[place] / len(count)

    def by_shapes(self, prior: Prior) -> "Judged":
        """The same forecasts with the coupled law by the shapes of a prior."""
        other = copy.copy(self)
        other.found = self.found._replace(prior=prior, arms={**self.found.arms, "coupled": self.coupled(prior)})
        other.seen = foreseen_by(tuple(other.found.arms.values()), self.origin, self.points, self.seen.T)
        return other

    def coupled(self, prior: Prior) -> CoupledArm:
        """The coupled law at every origin."""
        return coupled_arm(self.found.problem, prior, self.found.origins)

    def shapes(self, families: set[str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and spread over families of what their studies have at the last of their origins."""
        free = self.coupled(self.found.prior._replace(shapes=ANY)).fits.numbers[:, [0, 3, 4, 5]]
        last = {one.study: j for j, one in enumerate(self.found.origins)}
        means = [
            np.mean([free[j] for j in last.values() if self.of_origin[j] == family], axis=0) for family in families
        ]
        mean, spread = np.mean(means, axis=0), CLOSER * np.std(means, axis=0, ddof=1)
        return tuple(np.round(mean, 3).tolist()), tuple(np.round(spread, 3).tolist())

    def learn(self, which: np.ndarray) -> "Judged":
        """With the prior of some forecasts: shapes, misses of arms, the least rate and excess that hold."""
        families = sorted(set(self.family[which]))
        one = self.by_shapes(self.found.prior._replace(shapes=self.shapes(families)))
        seen, prior, known = one.seen, one.found.prior, which & (self.reach >= 0)
        arms = {}
        for k, name in enumerate(one.found.names):
            here = known & np.isfinite(seen.log_value[k])
            missed = np.abs(self.observed - seen.log_value[k])[here]
            features = np.stack([np.ones(here.sum()), seen.T[here], seen.T[here] ** 2, np.minimum(seen.x[here], 0.5)])

            def likelihood(q: np.ndarray, m=missed, f=features, w=self.weight[here]) -> float:
                expected = np.exp(q) @ f
                return float(np.average(m / expected + np.log(expected), weights=w))

            found = minimize(likelihood, np.log([3e-3, 5e-3, 1e-3, 5e-2]), method="L-BFGS-B", bounds=[(-9.2, 0.0)] * 4)
            arms[name] = tuple(float(f"{number:.3g}") for number in np.exp(found.x))
        prior = prior._replace(arms=arms, excess=EXCESSES[0], families=len(families), forecasts=int(known.sum()))
        for rate in RATES:
            prior = prior._replace(rate=rate)
            error, half = one.foreseen(prior)
            if min(self.mean(known, 0, c, np.abs(error) <= half) for c in range(len(CLASSES))) >= ENOUGH:
                break
        for excess in EXCESSES:
            prior = prior._replace(excess=excess)
            error, half = one.foreseen(prior)
            if min(self.mean(known, 1, c, np.abs(error) <= half) for c in range(len(CLASSES))) >= ENOUGH_OFF:
                break
        one.found = one.found._replace(prior=prior)
        return one

    def mean(self, which: np.ndarray, kind: int, reach: int, column: np.ndarray) -> float:
        """Of some forecasts of a class."""
        group = which & (self.kind == kind) & (self.reach == reach)
        return float(np.average(column[group], weights=self.weight[group]))

    def by_family(self, column: np.ndarray, kind: int, reach: int) -> dict[str, float]:
        """The mean of each family over forecasts of a class."""
        found = {}
        for family in self.families:
            group = (self.kind == kind) & (self.reach == reach) & (self.family == family)
            if group.any():
                found[family] = float(np.average(column[group], weights=self.weight[group]))
        return found

    def foreseen(self, prior: Prior | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Errors of the stack, and half of its 90 % interval."""
        found = self.found
        prior, learnt = prior or found.prior, self.trust(prior)
        stack = stacked(prior, found.names, self.seen, learnt.take(self.origin))
        return self.observed - stack.log_value, stack.spread(True).half(0.9)

    def trust(self, prior: Prior | None = None) -> Trust:
        """What could be checked at each origin."""
        found = self.found
        return trust(prior or found.prior, found.names, self.seen, self.observed, found.past)

    def arm(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Errors of one arm, and half of its own 90 % interval of a run."""
        own = self.found.arms[name].foreseen(self.origin, self.points, self.seen.T)
        error = np.where(np.isfinite(own.error[0]), own.error[0], 0.3)
        return self.observed - own.log_value[0], NORMAL * np.sqrt(error**2 + own.noise[0] ** 2)

    def tell(
        self, report: Report, name: str, error: np.ndarray, high: np.ndarray, low: np.ndarray | None = None
    ) -> None:
        """Rows of the table; `high` and `low`: the ends of the interval, less the forecast."""
        low = -high if low is None else low
        for kind, what in enumerate(KINDS):
            for c, reach in enumerate(CLASSES):
                group = (self.kind == kind) & (self.reach == c) & np.isfinite(error)
                weight = self.weight[group]
                held = (low <= error) & (error <= high)
                numbers = (np.abs(error), -error, held, high - low, interval_score(error, high, low))
                row = (100.0 * float(np.average(column[group], weights=weight)) for column in numbers)
                report.add(what, reach, name, len(set(self.family[group])), *row)


def simulated(report: Report, budgets: int, sizes: int, scatter: float, studies: int = 100) -> None:
    """The law alone, which knows that it is right, and the stack, where Chinchilla's law is right."""
    rng, law = np.random.default_rng(0), sf.laws.Chinchilla(E=1.7, A=400.0, B=410.0, alpha=0.34, beta=0.28)
    C, away = np.meshgrid(1e18 * 3.0 ** np.arange(budgets), np.linspace(-1.5, 1.5, sizes), indexing="ij")
    N = (np.sqrt(C / 120.0) * np.exp(away)).ravel()
    D = C.ravel() / 6.0 / N
    clean = law.E + law.A * N**-law.alpha + law.B * D**-law.beta
    loss = clean * np.exp(scatter * rng.standard_normal((studies, N.size)))
    runs = sf.Runs(loss.ravel(), N=np.tile(N, studies), D=np.tile(D, studies))
    runs = runs.with_column("study", np.repeat(np.arange(studies), N.size))
    fits = sf.fit(sf.laws.Chinchilla, runs, by="study", num_starts=2)
    about = sf.discrepancy(fits)
    for reach, (low, high) in CLASSES.items():
        best = sf.allocate(law, budget=float(C.max() * np.sqrt(low * high)))
        at = {"N": float(best.N.value[0]), "D": float(best.D.value[0])}
        truth, new = np.log(best.loss.value[0]), scatter * rng.standard_normal(studies)
        alone, stack = sf.predict(fits, level=0.9, new_run=True, **at), sf.forecast(about, **at).run
        for name, one in (("law alone", alone), ("stack", stack)):
            low_end, high_end = (np.log(np.asarray(end, float)) for end in (one.low, one.high))
            off, half = np.log(one.value) - truth, 0.5 * (high_end - low_end)
            error = new - off
            parts = np.abs(off), off, np.abs(error) <= half, 2.0 * half, interval_score(error, half)
            report.add(
                f"law right, {N.size}, {100 * scatter:g} %",
                reach,
                name,
                1,
                *(100.0 * float(np.mean(part)) for part in parts),
            )


def excess_of_studies(found: Rolled) -> np.ndarray:
    """By run, log loss above the least that was observed at like compute of its study."""
    problem, out = found.problem, np.zeros(len(found.problem.runs))
    for study in range(len(problem.studies)):
        rows = problem.studies.rows(study)
        out[rows] = excess_of(np.log(found.reach["C"][rows]), np.log(np.asarray(problem.runs.target)[rows]))
    return out


def of_edge(judged: Judged, edge: float, law: tuple[np.ndarray, np.ndarray]) -> str:
    """Off the frontier, interval scores over those of the law and what holds, with another edge of the width."""
    other = copy.copy(judged)
    other.found = judged.found._replace(prior=judged.found.prior._replace(edge=edge))
    error, half = np.zeros((2, len(judged.origin)))
    for family in judged.families:
        left = judged.family == family
        for whole, part in zip((error, half), other.learn(~left).foreseen(), strict=True):
            whole[left] = part[left]
    known, told = np.isfinite(error), []
    for reach, what in enumerate(CLASSES):
        own, all_held, score = (
            judged.mean(known, 1, reach, column)
            for column in (interval_score(*law), np.abs(error) <= half, interval_score(error, half))
        )
        told.append(f"{what} {score / own:.2f}, holds {100.0 * all_held:.0f} %")
    return f"off it, with an edge of {edge:g}, score over that of the law: {'; '.join(told)}"


def sized(one: Judged, of_study: list[list[Curve]], families: set[str]) -> Rolled:
    """With its trust, and how far the best sizes of some families are astray."""
    found = one.found._replace(trust=one.trust())
    size = size_of(missed(found, of_study, one.of_origin, families))
    return found._replace(prior=found.prior._replace(size=size))


def interval_score(error: np.ndarray, high: np.ndarray, low: np.ndarray | None = None) -> np.ndarray:
    low = -high if low is None else low
    return high - low + 20.0 * (np.maximum(low - error, 0.0) + np.maximum(error - high, 0.0))


def main() -> None:
    write = None
    if "--prior" in sys.argv:
        place = sys.argv.index("--prior")
        write = Path(sys.argv[place + 1])
        del sys.argv[place : place + 2]
    given = options(__doc__)
    warnings.simplefilter("ignore", UserWarning)
    runs = public_studies()
    fits = sf.fit(sf.laws.Chinchilla, runs, by="study", num_starts=2, throw=False)
    claim = (
        "A stack of arms with a width by e-fold of compute foresees public runs, on families its prior has not seen."
    )
    report = Report("forecasts", claim, COLUMNS, given)
    judged = Judged(rolled(fits.problem, prior_of_studies(), rolling_origins(fits.problem)))
    learnt = {family: judged.learn(judged.family != family) for family in judged.families}
    error, half = np.zeros((2, len(judged.origin)))
    alone = {name: np.zeros((2, len(judged.origin))) for name in judged.found.names}
    for family, one in learnt.items():
        left = judged.family == family
        for parts, found in (((error, half), one.foreseen()), *((alone[name], one.arm(name)) for name in alone)):
            for whole, part in zip(parts, found, strict=True):
                whole[left] = part[left]
    for name, parts in alone.items():
        judged.tell(report, f"{name} alone", *parts)
    for name, (off, low, high) in by_draws(judged.found).items():
        judged.tell(report, name, off, high, low)
    judged.tell(report, "stack", error, half)
    for budgets, each, scatter in ((8, 6, 0.005), (9, 10, 0.005), (8, 6, 0.002)):
        simulated(report, budgets, each, scatter)
    for kind, what in enumerate(KINDS):
        told = []
        for family in judged.families:
            group = (judged.kind == kind) & (judged.reach >= 0) & (judged.family == family)
            if group.any():
                held = np.average((np.abs(error) <= half)[group], weights=judged.weight[group])
                told.append(f"{family} {100.0 * held:.0f}")
        report.note(f"{what}, 90 % intervals hold by family, %: {', '.join(told)}")
    near_by = judged.by_family(np.abs(error), 1, 0)
    report.note(f"off it, 1.5-3, missed by family, %: {', '.join(f'{f} {100.0 * m:.1f}' for f, m in near_by.items())}")
    report.note(of_edge(judged, 0.013, alone["law"]))
    whole = judged.learn(np.ones(len(judged.origin), bool))
    half_of_all, near = whole.foreseen()[1], (judged.kind == 0) & (judged.reach >= 0)
    for family, one in learnt.items():
        prior, ratio = one.found.prior, one.foreseen()[1] / half_of_all
        wide = f"widths {np.average(ratio[near], weights=judged.weight[near]):.2f} of those with it"
        report.note(f"without {family}: rate {prior.rate}, excess {prior.excess}, shapes {prior.shapes[0]}; {wide}")
    of_study = [curves(fits.problem, study) for study in range(len(fits.problem.studies))]
    trusted = {family: sized(one, of_study, set(judged.families) - {family}) for family, one in learnt.items()}
    report.note(f"best sizes astray by, without {', '.join(f'{f} {o.prior.size:g}' for f, o in trusted.items())}")
    for line in sizes(trusted, of_study, judged.of_origin):
        report.note(line)
    prior = sized(whole, of_study, set(judged.families)).prior
    report.note(f"of all: rate {prior.rate}, excess {prior.excess}, size {prior.size}")
    report.finish()
    if write is not None:
        write.write_text(json.dumps(prior._asdict(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
