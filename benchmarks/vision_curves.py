"""The 72 vision curves of Alabdulmohsin et al. 2022 (arXiv 2209.06640), each law fitted to all of them as one batch.

Judged as there: the root mean square error of log loss at the examples that were kept back, averaged over the curves,
beside what the authors' estimators give (least squares of log(y - floor), stopped early). Each law is fitted by least
squares and by Student's t, from eight starts; α of M4 is also held at the median of its fits, as one shape for all
curves, which no point that was kept back has a say in. `inner error` is of the last third of the fitted points, by a
fit to the others: by it a noise could be chosen without a look at the rest. Two minutes.
"""

import csv
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _report import Report, options

import scalefit as sf

LAWS: dict[str, tuple[Any, tuple[str, ...], float]] = {
    "M1": (sf.laws.PowerLaw(E=0.0), ("E",), 0.1046),
    "M2": (sf.laws.PowerLaw(), (), 0.0603),
    "M3": (sf.laws.M3(E=0.0), ("E",), 0.0615),
    "M4": (sf.laws.M4(y0=1.0), ("y0",), 0.0392),
}
"""What a guess is worth is held at 1 in M4."""
NOISES = {"least squares": sf.noise.Gaussian(), "Student's t": sf.noise.StudentT()}
COLUMNS = ("law", "noise", "error", "authors' estimator", "median error", "inner error", "converged", "core-s")


def main() -> None:
    given = options(__doc__)
    path = Path(os.environ["SCALEFIT_DATA"]) / "revisiting-nsl" / "benchmark.vision.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    curve = np.array([f"{row['Task']} {row['Model']}" for row in rows])
    every = np.array([row["Training"] == "1" for row in rows])
    seen = every.copy()
    x, loss = (np.array([float(row[name]) for row in rows]) for name in ("Seen Examples", "Loss"))
    if given.quick:
        seen &= np.isin(curve, np.unique(curve)[:6])
    claim = "Four learning curves on 72 public ones, fitted as one batch, beside the authors' own estimators."
    report = Report("vision_curves", claim, COLUMNS, given)
    first = np.zeros(len(x), bool)
    for key in np.unique(curve[seen]):
        rows_of = np.flatnonzero((curve == key) & seen)
        first[rows_of[np.argsort(x[rows_of])][: max(6, -(-2 * len(rows_of) // 3))]] = True

    def fitted(law: Any, fixed: tuple[str, ...], noise: str, some: np.ndarray) -> Any:
        runs = sf.Runs(loss[some], x=x[some], group=curve[some])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sf.fit(law, runs, by="group", noise=NOISES[noise], fixed=fixed, num_starts=8, throw=False)

    def errors(fits: Any, later: np.ndarray) -> np.ndarray:
        found = []
        for key in fits.keys or ():
            own = later & (curve == key)
            found.append(np.sqrt(np.mean(np.log(sf.predict(fits[key], x=x[own]).value / loss[own]) ** 2)))
        return np.array(found)

    def add(called: str, law: Any, fixed: tuple[str, ...], noise: str, published: float) -> Any:
        before = time.process_time()
        fits = fitted(law, fixed, noise, seen)
        spent, left = time.process_time() - before, errors(fits, ~every)
        inner = float(np.mean(errors(fitted(law, fixed, noise, first), seen & ~first)))
        share = f"{float(np.mean(fits.reached)):.0%}"
        report.add(called, noise, float(np.mean(left)), published, float(np.median(left)), inner, share, spent)
        return fits

    for name, (law, fixed, published) in LAWS.items():
        for noise in NOISES:
            fits = add(name, law, fixed, noise, published)
            if name == "M4":
                shared = sf.laws.M4(y0=1.0, alpha=float(np.median(fits.law.alpha)))
                add("M4, α shared", shared, ("y0", "alpha"), noise, published)
    report.finish()


if __name__ == "__main__":
    main()
