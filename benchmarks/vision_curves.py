"""The 72 vision curves of Alabdulmohsin et al. 2022 (arXiv 2209.06640), each law fitted to all of them as one batch.

Judged as there: the root mean square error of log loss at the examples that were kept back, averaged over the curves,
beside what the authors' estimators give (least squares of log(y - floor), stopped early). Runs scatter by Student's t,
as is the default: early points lie off every law. Two minutes.
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
    "M4, a guess held at 1": (sf.laws.M4(y0=1.0), ("y0",), 0.0392),
}
COLUMNS = ("law", "error", "authors' estimator", "median error", "converged", "core-s")


def main() -> None:
    given = options(__doc__)
    path = Path(os.environ["SCALEFIT_DATA"]) / "revisiting-nsl" / "benchmark.vision.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    curve = np.array([f"{row['Task']} {row['Model']}" for row in rows])
    seen = np.array([row["Training"] == "1" for row in rows])
    x, loss = (np.array([float(row[name]) for row in rows]) for name in ("Seen Examples", "Loss"))
    if given.quick:
        seen &= np.isin(curve, np.unique(curve)[:6])
    claim = "Four learning curves on 72 public ones, fitted as one batch, beside the authors' own estimators."
    report = Report("vision_curves", claim, COLUMNS, given)
    runs = sf.Runs(loss[seen], x=x[seen], group=curve[seen])
    for name, (law, fixed, published) in LAWS.items():
        before = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits = sf.fit(law, runs, by="group", noise=sf.noise.StudentT(), fixed=fixed, throw=False)
        spent = time.process_time() - before
        left = []
        for key in fits.keys or ():
            later = (curve == key) & ~np.array([row["Training"] == "1" for row in rows])
            foreseen = sf.predict(fits[key], x=x[later]).value
            left.append(np.sqrt(np.mean(np.log(foreseen / loss[later]) ** 2)))
        share = float(np.mean(fits.reached))
        report.add(name, float(np.mean(left)), published, float(np.median(left)), f"{share:.0%}", spent)
    report.finish()


if __name__ == "__main__":
    main()
