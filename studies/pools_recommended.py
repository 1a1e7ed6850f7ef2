"""The mixtures that the optimiser recommended, trained: how they did beside the best of the plans chosen by hand.

A plan is judged at the budget that it was made for, seed by seed against the plan of least mean error among the single
pools and mixtures that were trained before it (29 without pool E); that one is chosen with its own errors in sight.
"""

import numpy as np
from _benchmarks import Report, options

import scalefit as sf

TASKS = ("teacher", "signals")


def by_plan(runs: sf.Runs, budget: float) -> dict[tuple[str, str], np.ndarray]:
    """Logarithms of the error by seed, at the sample count nearest to a budget, by plan and kind."""
    n, seed, plan, kind = runs.inputs["n"], runs.labels["seed"], runs.labels["pool"], runs.columns["kind"]
    nearest = np.unique(n)[np.argmin(np.abs(np.log(np.unique(n) / budget)))]
    found = {}
    for name in dict.fromkeys(plan.tolist()):
        rows = np.flatnonzero((plan == name) & (n == nearest))
        found[name, str(kind[rows[0]])] = np.log(runs.target[rows[np.argsort(seed[rows])]])
    return found


def main() -> None:
    given = options(__doc__)
    report = Report(
        "pools_recommended",
        "Weights that the optimiser recommends do no worse than the best plan that was chosen by hand.",
        ("plan", "error", "best by hand", "its error", "difference, %", "paired standard error, %"),
        given,
    )
    for task in TASKS:
        runs = sf.load_data(f"pools-{task}")
        names = [p for p in dict.fromkeys(runs.labels["pool"].tolist()) if p.startswith(f"{task}-")]
        for name in names:
            errors = by_plan(runs, float(name.rsplit("-", 1)[1]))
            ours = errors[name, "recommended"]
            others = {p: e for (p, kind), e in errors.items() if kind in ("single", "mixture") and "E" not in p}
            best = min(others, key=lambda p: float(np.mean(others[p])))
            apart = ours - others[best]
            sure = float(np.std(apart, ddof=1) / np.sqrt(len(apart)))
            report.add(
                name, float(np.exp(np.mean(ours))), best, float(np.exp(np.mean(others[best]))),
                100 * float(np.mean(apart)), 100 * sure,
            )  # fmt: skip
    report.finish()


if __name__ == "__main__":
    main()
