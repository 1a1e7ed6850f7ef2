"""Simulation-based calibration, law by law: ranks of the truth among posterior draws are even (arXiv 1804.06788).

Truths are drawn from the priors, a study is simulated from each, and the rank of the truth among the draws of the
study's posterior is taken, parameter by parameter.
"""

import sys
import time
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from _benchmarks import Report, options
from numpyro import distributions as dist
from scipy import stats

import scalefit as sf
from scalefit.params import slots, values, with_values
from scalefit.results import evaluate

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
from helpers import LAWS, LawRow, one_by_one

STUDIES, RUNS, DRAWS, BINS = 640, 60, 255, 16
FEWER = 160
"""Studies of a law whose posteriors take long: of two breaks, and of several pools."""
WIDTH, SCATTER = 0.1, (0.01, 0.2)
"""Of the priors: relative to each parameter; of the scatter, its median and spread in e-folds."""


def priors_about(row: LawRow) -> dict[str, Any]:
    """A normal prior for every parameter, about its true value, and one for the scatter."""
    found: dict[str, Any] = {}
    for slot, value in zip(slots(row.truth), values(row.truth), strict=True):
        found[slot.name] = dist.Normal(float(value), WIDTH * max(abs(float(value)), 0.05))
    return found | {"scale": dist.LogNormal(np.log(SCATTER[0]), SCATTER[1])}


def ranks(name: str, row: LawRow, studies: int, count: int, num: int) -> tuple[list[str], np.ndarray, float]:
    """The rank of each true parameter among the draws of its study, and the share of studies drawn by weights."""
    rng = np.random.default_rng([0, zlib.crc32(name.encode())])  # else what one law draws by chance all would
    points = one_by_one(row.truth, row.sample(rng, count))
    names, middle = [slot.name for slot in slots(row.truth)], values(row.truth)
    allowed = [slot.parameter.constraint for slot in slots(row.truth)]
    truths = np.empty((studies, len(names)))
    for i, (value, constraint) in enumerate(zip(middle, allowed, strict=True)):
        truths[:, i] = value + WIDTH * max(abs(value), 0.05) * rng.standard_normal(studies)
        while (out := ~constraint.contains(truths[:, i])).any():
            truths[out, i] = value + WIDTH * max(abs(value), 0.05) * rng.standard_normal(int(out.sum()))
    law = with_values(row.truth, truths)
    clean = evaluate(law, points, True)
    # Noise on logarithms leaves out laws that fall to 0 at a run, before and after it is seen.
    possible = (clean > 0.0).all(axis=1)
    truths, clean, studies = truths[possible], clean[possible], int(possible.sum())
    scatter = np.exp(np.log(SCATTER[0]) + SCATTER[1] * rng.standard_normal((studies, 1)))
    target = clean * np.exp(scatter * rng.standard_normal(clean.shape))
    columns: dict[str, Any] = {name: np.tile(column, studies) for name, column in points.items()}
    runs = sf.Runs(target.ravel(), **columns, study=np.repeat(np.arange(studies), count))
    fits = sf.fit(row.truth, runs, by="study", noise=sf.noise.Gaussian(), throw=False)
    draws = sf.sample(fits, num=num, priors=priors_about(row), cluster=None)
    good = np.asarray(fits.converged)
    by_weights = float(np.mean(draws.diagnostics["method"] == "is"))
    return names, np.sum(values(draws.law) < truths[:, None], axis=1)[good], by_weights


def main() -> None:
    given = options(__doc__)
    report = Report(
        "calibration_ranks",
        "Ranks of the truth among posterior draws, law by law; seed 0.",
        ("law", "parameters", "studies", "by weights", "least p", "its parameter", "largest gap", "s"),
        given,
    )
    for name, row in LAWS.items():
        slow = isinstance(row.truth, sf.laws.AbstractPools) or name == "BNSL-2"
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names, found, share = ranks(name, row, 48 if given.quick else FEWER if slow else STUDIES, RUNS, DRAWS)
        counts = np.stack([np.bincount(column * BINS // (DRAWS + 1), minlength=BINS) for column in found.T])
        p = stats.chisquare(counts, axis=1).pvalue
        even = (np.arange(DRAWS + 1) + 1.0) / (DRAWS + 1)
        steps = np.stack([np.cumsum(np.bincount(column, minlength=DRAWS + 1)) / len(found) for column in found.T])
        report.add(
            name, len(names), len(found), share, float(p.min()), names[int(np.argmin(p))],
            float(np.abs(steps - even).max()), time.perf_counter() - begun, ranks=counts.tolist(), p=p.tolist(),
        )  # fmt: skip
    every = [p for row in report.rows for p in row["p"]]
    report.note(
        f"{RUNS} runs a study, normal scatter, priors {100 * WIDTH:g} % wide, {DRAWS} draws by method auto; p of a "
        f"chi-square of {BINS} bins. Of {len(every)} parameters {sum(p < 0.05 for p in every)} have p < 0.05 and "
        f"{sum(p < 0.05 / len(every) for p in every)} have p < 0.05 / {len(every)}; their p are even with p = "
        f"{stats.kstest(every, 'uniform').pvalue:.2g} (Kolmogorov-Smirnov)."
    )
    report.finish()


if __name__ == "__main__":
    main()
