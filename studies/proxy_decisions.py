"""Decisions by proxies: DCLM's filters (arXiv 2406.11794) at two scales. Does the small one choose rightly?

Filters that were trained at 1.44B parameters on 28.8B tokens and at 6.89B on 138B: which pairs the small scale orders
as the large one does, what its choice of the best loses there (regret), and how sure it can be. In the second row a
power of compute for each filter, all of one exponent, foresees the large scale from every smaller training; its draws
(`sf.bootstrap`, of a new run) say which pairs are clear, to 95 %. The table is looked for in the folder that
`SCALEFIT_DATA` names.
"""

import csv
import os
import warnings
from pathlib import Path

import numpy as np
from _benchmarks import Report, options

import scalefit as sf

SMALL, LARGE = 6.0 * 1439795200 * 28795904000, 6.0 * 6889410560 * 137788211200
COLUMNS = (
    "by", "filters", "pairs", "ordered alike", "clear pairs", "clear and alike", "regret", "best to worst",
    "sure of its choice", "rank of its choice",
)  # fmt: skip


def table() -> dict[str, dict[float, float]]:
    """Filter → compute → the error of the core tasks, the mean of its trainings."""
    with (Path(os.environ["SCALEFIT_DATA"]) / "dclm" / "DCLM_model_database.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, dict[float, list[float]]] = {}
    for row in rows:
        if row["Dataset"] and row["Core"]:
            cost = 6.0 * float(row["params"]) * float(row["tokens"])
            found.setdefault(row["Dataset"], {}).setdefault(cost, []).append(1.0 - float(row["Core"]))
    return {name: {cost: float(np.mean(all_)) for cost, all_ in by.items()} for name, by in found.items()}


def judged(report: Report, by: str, foreseen: np.ndarray, came: np.ndarray, draws: np.ndarray | None) -> None:
    """Pairs, regret and certainty of what was foreseen of each filter."""
    one, other = np.triu_indices(len(came), 1)
    right = (foreseen[one] < foreseen[other]) == (came[one] < came[other])
    choice, order = int(np.argmin(foreseen)), np.argsort(np.argsort(came))
    clear, sure = None, None
    if draws is not None:
        ahead = np.mean(draws[:, one] < draws[:, other], axis=0)
        clear = (ahead < 0.05) | (ahead > 0.95)
        sure = float(np.mean(np.argmin(draws, axis=1) == choice))
    report.add(
        by, len(came), len(right), float(right.mean()),
        None if clear is None else float(clear.mean()), None if clear is None else float(right[clear].mean()),
        float(came[choice] - came.min()), float(np.ptp(came)), sure, int(order[choice]) + 1,
    )  # fmt: skip


def main() -> None:
    given = options(__doc__)
    claim = "What small runs decide between filters, and how rightly: errors of the core tasks of DCLM."
    report = Report("proxy_decisions", claim, COLUMNS, given)
    warnings.simplefilter("ignore")
    found = table()
    both = sorted(name for name, by in found.items() if SMALL in by and LARGE in by)
    came = np.array([found[name][LARGE] for name in both])
    judged(report, "the small scale itself", np.array([found[name][SMALL] for name in both]), came, None)
    # What is known before the large scale: all smaller trainings, of these filters and of others at two scales.
    rows = [(name, cost, error) for name in both for cost, error in found[name].items() if cost < 0.9 * LARGE]
    name, cost, error = (np.array(column) for column in zip(*rows, strict=True))
    fit = sf.fit(sf.laws.PowerLaw(E=0.0), sf.Runs(error, x=cost, group=name), by="group", own=("A",), fixed="E")
    draws = sf.predict(sf.bootstrap(fit, num=1000), x=LARGE, group=np.array(both), new_run=True)
    judged(report, "powers of compute, one exponent", draws.value, came, np.asarray(draws.draws))
    report.note(f"the scatter of a training about its filter's power: {float(fit.scale):.2%} of the error")
    report.finish()


if __name__ == "__main__":
    main()
