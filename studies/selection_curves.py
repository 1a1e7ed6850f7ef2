"""Selection, pruning and distillation as curves of what they cost to train on: who overtakes whom, and how surely.

Public numbers: slices of DataComp by T-MARS, seen again and again (utilities, half-lives and scatter published in arXiv
2404.07177, its points drawn anew), by samples seen; images of CIFAR-10 distilled by four methods beside random ones
(Table 1 of arXiv 2408.03360) and coresets of it (the table that arXiv 2006.05929 began), by the images of an epoch;
filters of DCLM (arXiv 2406.11794) by 6 N D, from the folder that `SCALEFIT_DATA` names; the published laws of a
distilled and a plain student (arXiv 2502.08606, recalled). Crossings are of `sf.overtakes`, over resamples of either,
their residuals drawn again.
"""

import csv
import dataclasses
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from _benchmarks import Report, options

import scalefit as sf

IMAGES = np.array([1, 10, 50, 500, 1000, 5000]) * 10.0
DISTILLED = {
    "random images": (15.4, 31.0, 50.6, 73.2, 78.4, 84.8),
    "DC": (28.3, 44.9, 53.9, 72.1, 76.6),
    "DSA": (28.8, 52.1, 60.6, 73.6, 78.7),
    "DM": (26.0, 48.9, 63.0, 75.1, 78.8),
    "DATM": (46.9, 66.8, 76.1, 83.5, 85.5),
}
"""Accuracies in per cent of a network of three layers by images, all of which is the last of the first row."""
CORESETS = {"random images": (14.4, 26.0, 43.4), "herding": (21.5, 31.6, 40.4), "forgetting": (13.5, 23.3, 23.3)}
"""Likewise without augmentation: real images that were selected, or were left when easy ones were pruned."""
FILTERED = "rw_v2_cc_v3_f0.15_resiliparse_fasttext_openhermes_reddit_eli5_vs_rw_v2_bigram_200k_train_0.1"
BEST_FILTER = "fastText, top 10 %"
UNFILTERED = {
    "C4": "c4_original",
    "RedPajama": "rpj_original",
    "RefinedWeb": "rw_original",
    "Dolma": "dolma_v1_no_resample",
}
TMARS = {
    "top 10 %": (-0.16, 6.7272727),
    "10 to 20 %": (-0.125, 8.5454545),
    "20 to 30 %": (-0.1, 5.2727273),
    "30 to 40 %": (-0.085, 2.2727273),
}
"""Utility and half-life of each slice of 12.8M; a = 0.025 and d = 0.1 of all."""
SCATTER = 0.0024
NOISE = sf.noise.Gaussian()
COLUMNS = ("kind", "first", "second", "runs", "seen to cross", "crossing", "from", "to", "crosses", "unit")


class Curve(NamedTuple):
    """What a method costs and errs."""

    cost: np.ndarray
    error: np.ndarray


def of_table(table: Mapping[str, tuple[float, ...]]) -> dict[str, Curve]:
    return {name: Curve(IMAGES[: len(some)], 1.0 - np.array(some) / 100.0) for name, some in table.items()}


def of_filters() -> dict[str, Curve]:
    """Error of the core tasks against training compute, the mean of trainings of one cost."""
    with (Path(os.environ["SCALEFIT_DATA"]) / "dclm" / "DCLM_model_database.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for name, data in {BEST_FILTER: FILTERED, **UNFILTERED}.items():
        some = [row for row in rows if row["Dataset"] == data and row["Core"]]
        cost = np.array([6.0 * float(row["params"]) * float(row["tokens"]) for row in some])
        error = np.array([1.0 - float(row["Core"]) for row in some])
        at = np.unique(cost)
        found[name] = Curve(at, np.array([error[cost == one].mean() for one in at]))
    return found


def seen_to_cross(first: Curve, second: Curve) -> str:
    """Between which common costs the second is first seen ahead after the first was; "–" where it never is."""
    at, one, other = np.intersect1d(first.cost, second.cost, return_indices=True)
    lead = first.error[one] - second.error[other]
    crosses = np.flatnonzero((lead[:-1] <= 0.0) & (lead[1:] > 0.0))
    return f"{at[crosses[-1]]:g} … {at[crosses[-1] + 1]:g}" if crosses.size and lead[-1] > 0.0 else "–"


def compared(
    report: Report, kind: str, curves: Mapping[str, Curve], pairs: Sequence[tuple[str, str]], law: Any, unit: str
) -> None:
    """Where the second of each pair of methods overtakes the first, their floors held at 0."""
    low = min(curve.cost.min() for curve in curves.values())
    high = max(curve.cost.max() for curve in curves.values())
    draws = {}
    for name, curve in curves.items():
        fit = sf.fit(law, sf.Runs(curve.error, x=curve.cost), fixed="E", noise=NOISE)
        draws[name] = sf.bootstrap(fit, num=1000)
    for one, other in pairs:
        found = sf.overtakes(draws[one], draws[other], between=(low / 10.0, 10.0 * high))
        seen = seen_to_cross(curves[one], curves[other])
        told(report, kind, one, other, len(curves[one].cost), seen, found, unit)


def slices(report: Report) -> None:
    """The best slice of a ranked pool alone, beside the best two, three and four together."""
    names = tuple(TMARS)
    b, tau = (np.array(column) for column in zip(*TMARS.values(), strict=True))
    law = sf.laws.PoolsQQT(d=0.1, a=0.025, b=b, tau=tau, pool=names)
    epochs, w = np.tile([2.0, 4.0, 6.0, 8.0, 10.0], 4), np.repeat(np.eye(4), 5, axis=0)
    n, U = 12.8e6 * epochs, np.full((20, 4), 12.8e6)
    with jax.enable_x64(True):
        error = np.array([float(law.covering(10.0)(n=n[i], w=w[i], U=U[i])) for i in range(20)])
    error += SCATTER * np.random.default_rng(0).standard_normal(20)
    shares = {f"w[{name}]": w[:, k] for k, name in enumerate(names)} | {f"U[{name}]": U[:, 0] for name in names}
    free = dataclasses.replace(sf.laws.PoolsQQT.of(names), d=0.1)
    fit = sf.fit(free, sf.Runs(error, n=n, **shares), fixed="d", noise=sf.noise.Gaussian(log=False))
    draws, pools = sf.bootstrap(fit, num=300), sf.Pools(dict.fromkeys(names, 12.8e6))
    for count in (2, 3, 4):
        more = dict.fromkeys(names[:count], 1.0 / count)
        found = sf.overtakes({names[0]: 1.0}, more, result=draws, pools=pools, between=(1.28e7, 6.4e9))
        told(report, "slices of a pool", names[0], f"top {10 * count} %", 20, "–", found, "samples seen")


def told(
    report: Report, kind: str, first: str, second: str, runs: int | None, seen: str, found: Any, unit: str
) -> None:
    """One crossing as a row."""
    ends = [found.budget.value, found.budget.low, found.budget.high]
    cells = [None if v is None or np.isnan(v) else f"{v:,.0f}" if v < 1e6 else f"{v:.2g}" for v in ends]
    report.add(kind, first, second, runs, seen, *cells, found.probability, unit, ahead=found.ahead)


def students(report: Report) -> None:
    """A student of the best size, taught by teachers of two losses, beside one without; the teacher is free."""
    plain = sf.laws.Skaling.published("busbridge-supervised")
    taught = sf.laws.Effective(sf.laws.Distillation.published("busbridge"), L_S=plain)
    for loss in (2.2, 2.0):
        found = sf.overtakes(taught, plain, between=(1e18, 1e26), held=({"L_T": loss}, None))
        told(report, "distilled models", f"a teacher of {loss:g} nats", "no teacher", None, "–", found, "FLOP")


def main() -> None:
    given = options(__doc__)
    claim = "Where one way to choose, prune or distil data overtakes another, by what it costs to train on."
    report = Report("selection_curves", claim, COLUMNS, given)
    warnings.simplefilter("ignore")
    slices(report)
    images, filters = "images an epoch", of_filters()
    of_random = [(name, "random images") for name in (*DISTILLED, *CORESETS) if name != "random images"]
    shifted, plain = sf.laws.ShiftedPowerLaw(E=0.0), sf.laws.PowerLaw(E=0.0)
    compared(report, "distilled images", of_table(DISTILLED), of_random[: len(DISTILLED) - 1], shifted, images)
    compared(report, "coresets", of_table(CORESETS), of_random[len(DISTILLED) - 1 :], plain, images)
    compared(report, "filters of text", filters, [(BEST_FILTER, name) for name in UNFILTERED], plain, "FLOP")
    students(report)
    report.finish()


if __name__ == "__main__":
    main()
