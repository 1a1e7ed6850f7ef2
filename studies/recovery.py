"""Every law fitted to 64 runs that scatter by 1 % about it: are the true parameters inside the 99 % region?

True parameters and inputs are those of the contract tests (`tests/helpers.py`), one table of each law. The region is
that of the ratio of likelihoods, which no parameterisation changes: with p free numbers and n runs, the sum of squares
of the truth beyond the least, over p, and the least over n - p, have a ratio that is F distributed; the truth is inside
where it is below the 99 % quantile. One fit in a hundred is to leave it outside. Values that may be of either sign
scatter by 1 % of their typical size. Eight starts a fit; three minutes.
"""

import dataclasses
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
from _benchmarks import Report, options
from scipy.stats import f as f_distribution

import scalefit as sf
from scalefit.params import parameters

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from helpers import LAWS, LawRow, runs_at

TABLES, RUNS, SCATTER, LEVEL = 1, 64, 0.01, 0.99
COLUMNS = ("law", "numbers", "fits", "converged", "inside", "least p", "core-s")
_values = eqx.filter_jit(jax.vmap(lambda law, point: law(**point), in_axes=(None, 0)))


def unset(row: LawRow) -> Any:
    """The law with everything still to be fitted but what is held."""
    left = [name for name in parameters(row.truth) if name not in row.fixed]
    return dataclasses.replace(
        row.truth, **{name: np.full(np.shape(getattr(row.truth, name)), np.nan) for name in left}
    )


def probability(row: LawRow, seed: list[int]) -> tuple[int, bool, float]:
    """How many numbers are free, whether the fit got there, and how probable a truth farther away would be."""
    rng = np.random.default_rng(seed)
    point = row.sample(rng, RUNS)
    with jax.enable_x64(True):
        value = np.asarray(_values(row.truth.sized_for(point), point))
    off = SCATTER * rng.standard_normal(RUNS) * (1.0 if row.log else np.median(np.abs(value)))
    runs = runs_at(row.truth, point, value * np.exp(off) if row.log else value + off)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        noise = sf.noise.Gaussian(log=row.log)
        fit = sf.fit(unset(row), runs, noise=noise, fixed=row.fixed, num_starts=8, throw=False)
    free, least = len(fit.free), float(np.sum(np.asarray(fit.residuals) ** 2))
    ratio = (float(np.sum(off**2)) - least) / free / (least / (RUNS - free))
    # A fit that is worse than the truth has not found the region.
    return free, bool(fit.reached), float(f_distribution.sf(ratio, free, RUNS - free)) if ratio >= -1e-6 else 0.0


def main() -> None:
    given = options(__doc__)
    claim = "True parameters lie inside 99 % regions of fits to 64 runs that scatter by 1 %, law by law."
    report = Report("recovery", claim, COLUMNS, given)
    for place, (name, row) in enumerate(LAWS.items()):
        if given.quick and place % 12:
            continue
        before = time.process_time()
        free, reached, p = zip(*(probability(row, [place, k]) for k in range(TABLES)), strict=True)
        inside = sum(one >= 1.0 - LEVEL for one in p)
        report.add(name, free[0], TABLES, sum(reached), inside, min(p), time.process_time() - before)
    report.finish()


if __name__ == "__main__":
    main()
