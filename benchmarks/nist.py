"""NIST's Statistical Reference Datasets, nonlinear: the certified parameters, from ten seeds by the default call.

Reads `NAME.dat`, as https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml has them, from the folder that the
environment's `SCALEFIT_NIST` names; what is not there is left out. Parameters and sums of squares are held against the
certified values, whose eleven digits are all that can be shown. A minute or two.
"""

import os
import re
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _nist import ALIKE, MODELS
from _report import Report, options

import scalefit as sf

COLUMNS = ("model", "runs", "parameters", "seeds converged", "with 8 digits", "least digits", "of the sum of squares",
           "s a fit")  # fmt: skip


class Certified(NamedTuple):
    """A file of NIST's: the runs, and what is certified of them."""

    runs: sf.Runs
    values: np.ndarray
    squares: float


def read(path: Path) -> Certified:
    """Parameters are in lines 41 and following, the sum of squares below them, the runs from line 61."""
    lines = path.read_text().splitlines()
    found = [re.match(r"\s*b\d+\s*=\s*\S+\s+\S+\s+(\S+)", line) for line in lines[40:60]]
    squares = re.search(r"Residual Sum of Squares:\s+(\S+)", "\n".join(lines[:60]))
    assert squares is not None
    rows = np.array([[float(cell) for cell in line.split()] for line in lines[60:] if line.strip()])
    names = ["x"] if rows.shape[1] == 2 else [f"x{k}" for k in range(1, rows.shape[1])]
    y = np.log(rows[:, 0]) if path.stem == "Nelson" else rows[:, 0]
    runs = sf.Runs(y, **dict(zip(names, rows[:, 1:].T, strict=True)))
    return Certified(runs, np.array([float(match[1]) for match in found if match]), float(squares[1]))


def digits(got: Any, certified: Any) -> float:
    """Digits in common, eleven at most: as many are certified."""
    apart = np.max(np.abs(np.asarray(got) - certified) / np.abs(certified))
    return float(min(-np.log10(max(apart, 1e-16)), 11.0))


def named_alike(law: Any, got: np.ndarray, certified: np.ndarray) -> np.ndarray:
    """Parameters whose equal terms stand in the order that is certified."""
    terms, found = ALIKE.get(law, []), got.copy()
    if terms:
        order = np.argsort([certified[place[-1]] for place in terms])
        own = np.argsort([got[place[-1]] for place in terms])
        for to, come in zip(order, own, strict=True):
            found[list(terms[to])] = got[list(terms[come])]
    return found


def main() -> None:
    given = options(__doc__)
    folder = Path(os.environ.get("SCALEFIT_NIST", ""))
    there = [name for name in MODELS if (folder / f"{name}.dat").is_file()]
    if not there:
        sys.exit("SCALEFIT_NIST names no folder with NAME.dat of NIST's datasets")
    report = Report("nist", "Every seed ends at the certified parameters, to eight digits.", COLUMNS, given)
    seeds = range(2 if given.quick else 10)
    for name in there[:4] if given.quick else there:
        law, (runs, values, squares) = MODELS[name], read(folder / f"{name}.dat")
        good, least, sums, begun = [], [], [], time.perf_counter()
        for seed in seeds:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fit = sf.fit(law, runs, noise=sf.noise.Gaussian(log=False), seed=seed, throw=False)
            got = np.array([float(getattr(fit.law, f"b{k + 1}")) for k in range(len(values))])
            good.append(fit.converged)
            least.append(digits(named_alike(law, got, values), values))
            sums.append(digits(2.0 * float(fit.objective), squares))
        report.add(
            name, len(runs), len(values), sum(good), sum(d >= 8.0 for d in least), min(least), min(sums),
            (time.perf_counter() - begun) / len(seeds), every=least,
        )  # fmt: skip
    report.note(f"{len(there)} of {len(MODELS)} models; digits are the least of all parameters and seeds, 11 at most")
    report.finish()


if __name__ == "__main__":
    main()
