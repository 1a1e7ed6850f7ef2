"""The best of the trained plans at every budget, told from single pools only: what trusting a law would have cost."""

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from _benchmarks import Report, options
from _pools_study import (
    E_IN,
    EVERY,
    FINITE,
    LAWS,
    MAIN,
    MANY,
    SEEDS,
    SIGNALS,
    SIZE,
    Cube,
    Study,
    Window,
    cells,
    fit,
    load,
    predicted,
    some,
)

RULES = {"own": 0.0, "weighted": 1.0, "1/(p tau)": "p"}
CANDIDATES = {"no S, L, E": "SLE", "no A, E": "AE", "no E": "E", "all": ""}
"""Which pools a plan must not draw from."""
COLUMNS = (
    "window",
    "candidates",
    "law",
    *(
        f"{what}, {rule}"
        for what in ("exact", "within 2 SE", "mean regret %", "largest %")
        for rule in ("own", "weighted")
    ),
)
WINDOWS = (MAIN, FINITE, MANY, SIGNALS)


class Choice(NamedTuple):
    """How recommended plans fared: shares of the budgets, and regret in percent of the least error."""

    exact: float
    near: float
    mean: float
    most: float
    plans: list[str]


def choice(cube: Cube, plans: np.ndarray, counts: np.ndarray, said: np.ndarray) -> Choice:
    """Follow a prediction by plan and count: the plan that it holds best, against the best observed.

    Errors of plans are compared seed by seed, as the plans of a seed share pools and initial weights.
    """
    logs = cube.logs[plans][:, counts]
    mean = logs.mean(axis=-1)
    every = np.arange(len(counts))
    taken, best = np.argmin(said, axis=0), np.argmin(mean, axis=0)
    apart = logs[taken, every] - logs[best, every]
    above, se = apart.mean(axis=-1), apart.std(axis=-1, ddof=1) / np.sqrt(SEEDS)
    regret = 100.0 * np.expm1(above)
    names = cube.plans[plans[taken]].tolist()
    return Choice(
        float(np.mean(taken == best)), float(np.mean(above <= 2.0 * se)), regret.mean(), regret.max(), names
    )  # fmt: skip


def candidates(cube: Cube, without: str) -> np.ndarray:
    """The plans on finite pools that draw from none of these."""
    drawn = sum((cube.w[p] for p in without), np.zeros(len(cube.plans)))
    return np.flatnonzero((drawn == 0.0) & np.isin(cube.kind, ("single", "mixture")))


def add(report: Report, where: tuple[str, str, str], chosen: dict[str, Choice], best: list[str]) -> None:
    """One row: both rules side by side, the third in the file."""
    both = [(getattr(chosen["own"], f), getattr(chosen.get("weighted"), f, None)) for f in Choice._fields[:4]]
    plans = {rule: one._asdict() for rule, one in chosen.items()}
    report.add(*where, *(cell for pair in both for cell in pair), best=best, chosen=plans)


def judged(cube: Cube, window: Window, laws: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Choice], list[str]]]:
    """Candidates, law, how it chose by each rule, and the best plans observed."""
    at = cells(cube, window, ("single", "mixture"))
    counts = np.unique(at.count)
    said = {}
    for name, law in laws.items():
        rules = [0.0] if name == "no repetition, refitted" else list(RULES.values())
        table = predicted(law, cube, at, [*rules, None])[:, 0].reshape(len(rules) + 1, -1, len(counts))
        said[name] = dict(zip(RULES, table[:-1], strict=False))
        if name == "utility":
            said["no repetition, not refitted"] = {"own": table[-1]}
    known = np.unique(at.plan)
    for which, without in CANDIDATES.items():
        # Plans with E are judged where E was fitted, and there alone.
        if ("E" in window.pools) != (which == "all"):
            continue
        plans = candidates(cube, without)
        mean = cube.mean()[plans][:, counts]
        best = cube.plans[plans[np.argmin(mean, axis=0)]].tolist()
        rows = np.searchsorted(known, plans)
        for name, by_rule in said.items():
            yield which, name, {r: choice(cube, plans, counts, t[rows]) for r, t in by_rule.items()}, best
        alone = np.where((cube.kind[plans] == "single")[:, None], mean, np.inf)
        yield which, "no law: the best single pool", {"own": choice(cube, plans, counts, alone)}, best


def main() -> None:
    given = options(__doc__)
    report = Report(
        "pools_honest_plans",
        "The recommended plan: within two paired standard errors of the best at 80 % of budgets, mean regret 1 %.",
        COLUMNS,
        given,
    )
    cubes = {task: load(task) for task in SIZE}
    # One batch for windows of about as many passes.
    batches = [[MAIN, FINITE]] if given.quick else [[MAIN, FINITE, SIGNALS], [MANY], list(E_IN)]
    laws: dict[str, dict[str, Any]] = {}
    for law in (law for law in LAWS if not (given.quick and law.name == "effective data")):
        for windows in batches:
            fits = fit(cubes, law, [Study(window, EVERY) for window in windows])
            for i, window in enumerate(windows):
                laws.setdefault(window.name, {})[law.name] = some(fits.law, [i])
        print("…", law.name, file=sys.stderr, flush=True)
    for window in (w for w in (*WINDOWS, *E_IN) if w.name in laws):
        for which, name, chosen, best in judged(cubes[window.task], window, laws[window.name]):
            add(report, (window.name, which, name), chosen, best)
    report.note("Fitted to the single pools of the window; every finite plan trained is a candidate, mixtures unseen.")
    report.note(
        "The best is the least of noisy means, so that regret is measured against a lucky plan; plans differ by a few "
        "percent and one seed by 4 %. Budgets are checkpoints of the same runs and not independent."
    )
    report.note("The best single pool is the one seen to be best at that budget, which no law had to predict.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
