"""A setting forecast from two of its runs and fourteen other settings, beside one law for all with an offset.

The 15 settings of arXiv 2406.19146 (two corpora, warm-up, schedule, tuned or not, how parameters are counted), each an
isoFLOP sweep: `porian/isoflop_points.csv`, flattened from the pickles of formll/resolving-scaling-law-discrepancies,
looked for in the folder that `SCALEFIT_DATA` names. No row of it is part of this package.

Each setting is left out in turn but for two runs, and all its other runs are forecast. Chinchilla's law in the N of the
setting and D = C/6N; Student-t with 4 degrees of freedom on log loss. A row is a point of a training curve, taken for
itself. Rows of less than two tokens a parameter, which have hardly begun, are left out; of the other settings 40 rows
each are kept, drawn once.
"""

import os
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _benchmarks import Report, options
from scipy import stats

import scalefit as sf

BY = ("summary_file", "dataset", "warmup", "decay", "hparams", "param_count")
TRAINING = (1, 2, 3, 4)
"""What of these decides the trainings: settings that differ in the rest alone are the same trainings counted twice."""
ROWS = 40
FREEDOM = 4.0
DRAWS = 2000
LEVEL = 0.9
APART = 0.3
"""Prior standard deviation of an offset, in e-folds of the loss, where no other group has one."""


class Forecast(NamedTuple):
    """Log losses by draw and run, the scatter of each draw, and what there is to say of the draws."""

    mean: np.ndarray
    scale: np.ndarray
    more: dict[str, Any]


def read() -> sf.Runs:
    folder = os.environ.get("SCALEFIT_DATA")
    path = Path(folder or ".") / "porian" / "isoflop_points.csv"
    if not folder or not path.exists():
        sys.exit(f"There is no {path}: put isoflop_points.csv into a folder porian where SCALEFIT_DATA points.")
    columns = {"N": "params", "D": "tokens", "C": "flops"}
    return sf.read_runs(path, columns=columns, target="loss", where="tokens > 2 * params", name="porian")


def cheapest(runs: sf.Runs, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of each of the two least budgets the run whose N is nearest to the middle of those at that budget."""
    C, N = runs.inputs["C"][rows], np.log(runs.inputs["N"][rows])
    found = []
    for budget in np.unique(C)[:2]:
        at = np.flatnonzero(np.equal(C, budget))
        found.append(rows[at[np.argmin(np.abs(N[at] - 0.5 * (N[at].min() + N[at].max())))]])
    return np.array(found)


def random(runs: sf.Runs, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two of the runs below the median compute, by chance."""
    C = runs.inputs["C"][rows]
    return np.sort(rng.choice(rows[np.median(C) > C], 2, replace=False))


def pooled(runs: sf.Runs, fitted: np.ndarray, key: Any, held: np.ndarray, seed: int) -> Forecast:
    """The hierarchical law."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        draws = sf.sample_groups(
            sf.laws.Chinchilla, runs.take(fitted), by=BY, noise=sf.noise.StudentT(FREEDOM), num=DRAWS, seed=seed
        )
    own = draws[key]
    value = log_values(own.law, np.log(runs.inputs["N"][held]), np.log(runs.inputs["D"][held]))
    found = draws.diagnostics
    worst = max(float(np.max(r)) for r in found["rhat"].values())
    more = {"rhat": worst, "divergences": found["divergences"], "ess": float(np.min(found["ess_bulk"]))}
    return Forecast(value, own.scale, more | {"warned": len(said)})


def log_values(law: Any, N: np.ndarray, D: np.ndarray) -> np.ndarray:
    """Log losses by draw and run."""
    E, A, B, alpha, beta = (np.asarray(getattr(law, n))[..., None] for n in ("E", "A", "B", "alpha", "beta"))
    with np.errstate(divide="ignore"):
        return np.log(E + np.exp(np.log(A) - alpha * N) + np.exp(np.log(B) - beta * D))


def offset_of(residual: np.ndarray, scale: float) -> float:
    """The most probable offset of some residuals under a Student-t."""
    at = float(np.median(residual))
    for _ in range(50):
        weight = 1.0 / (FREEDOM + ((residual - at) / scale) ** 2)
        at = float(np.sum(weight * residual) / np.sum(weight))
    return at


def offset(every: bool) -> Callable[..., Forecast]:
    """One law for all other groups, each run off by its group's offset if `every`, and this group's from its two runs.

    The law is refitted to resamples of the other groups, whole groups at a time. For each refit the posterior of the
    offset, given the two runs, is taken exactly, on a grid; refits count as much as they make the two runs probable.
    """

    def forecast(runs: sf.Runs, fitted: np.ndarray, key: Any, held: np.ndarray, seed: int) -> Forecast:
        keys, code = runs.codes(BY)
        own, others = (fitted[np.equal(code[fitted], keys.index(key)) == same] for same in (True, False))
        N, D, y = (np.log(column) for column in (runs.inputs["N"], runs.inputs["D"], runs.target))
        groups, place = np.unique(code[others], return_inverse=True)
        offsets = np.zeros(len(groups))
        for _ in range(50):
            level = sf.Runs(np.exp(y[others] - offsets[place]), N=np.exp(N[others]), D=np.exp(D[others]), group=place)
            fit = sf.fit(sf.laws.Chinchilla, level, noise=sf.noise.StudentT(FREEDOM))
            if not every:
                break
            left, scale = y[others] - log_values(fit.law, N[others], D[others]), float(fit.scale)
            before, offsets = offsets, np.array([offset_of(left[place == g], scale) for g in range(len(groups))])
            offsets = offsets - offsets.mean()
            if np.max(np.abs(offsets - before)) < 1e-4:
                break
        draws = sf.bootstrap(fit, num=DRAWS, cluster="group", seed=seed)
        kept = np.flatnonzero(draws.converged)
        spread = float(np.std(offsets, ddof=1)) if every else APART
        grid = np.linspace(-6.0 * spread, 6.0 * spread, 2001)
        left = (y[own] - log_values(draws.law, N[own], D[own])[kept])[:, None] - grid[:, None]
        scale = draws.scale[kept, None, None]
        likely = np.sum(stats.t.logpdf(left / scale, FREEDOM) - np.log(scale), axis=-1) - 0.5 * (grid / spread) ** 2
        likely = np.exp(likely - likely.max())
        rng = np.random.default_rng(seed)
        weight = likely.sum(axis=1) / likely.sum()
        chosen = rng.choice(len(weight), DRAWS, p=weight)
        share = np.cumsum(likely[chosen], axis=1)
        at = grid[np.argmax(share >= rng.random((DRAWS, 1)) * share[:, -1:], axis=1)]
        mean = log_values(draws.law, N[held], D[held])[kept[chosen]] + at[:, None]
        more = {"spread": spread, "ess": float(1.0 / np.sum(weight**2))}
        return Forecast(mean, draws.scale[kept[chosen]], more)

    return forecast


POOLED = "pooled over groups"
METHODS = {
    POOLED: pooled,
    "one law, offsets of all groups": offset(True),
    "one law, offset of this group": offset(False),
}


def judged(found: Forecast, y: np.ndarray, seed: int) -> dict[str, float]:
    """Root mean square error of the median, mean log density of the runs, and the share within the intervals."""
    z = (y - found.mean) / found.scale[:, None]
    dense = stats.t.logpdf(z, FREEDOM) - np.log(found.scale)[:, None]
    noise = np.random.default_rng(seed).standard_t(FREEDOM, found.mean.shape) * found.scale[:, None]
    low, high = np.quantile(found.mean + noise, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
    most = dense.max(axis=0)
    return {
        "error": float(np.sqrt(np.mean((y - np.median(found.mean, axis=0)) ** 2))),
        "score": float(np.mean(most + np.log(np.mean(np.exp(dense - most), axis=0)))),
        "covered": float(np.mean((low <= y) & (y <= high))),
        "width": float(np.mean(high - low)),
    }


CASES = (
    ("cheapest, middle N", cheapest, False),
    ("random, cheaper half", random, False),
    ("cheapest, middle N", cheapest, True),
)
"""Rules for the two runs, and whether settings of the same trainings are left out as well."""


def left_out(task: tuple[int, int]) -> dict[str, dict[str, Any]]:
    """Every method's forecast of one setting."""
    case, g = task
    _, rule, strict = CASES[case]
    runs = read()
    keys, code = runs.codes(BY)
    rng = np.random.default_rng(0)
    thin = [np.sort(rng.permutation(np.flatnonzero(code == i))[:ROWS]) for i in range(len(keys))]
    rows = np.flatnonzero(code == g)
    two = rule(runs, rows, np.random.default_rng([g, 7]))
    same = [[key[i] for i in TRAINING] == [keys[g][i] for i in TRAINING] and strict for key in keys]
    others = [thin[i] for i in range(len(keys)) if i != g and not same[i]]
    fitted, held = np.concatenate([*others, two]), np.setdiff1d(rows, two)
    found = {}
    for method, forecast in METHODS.items():
        made = forecast(runs, fitted, keys[g], held, g)
        found[method] = judged(made, np.log(runs.target[held]), g) | made.more | {"setting": "/".join(keys[g])}
        said = " ".join(f"{k} {v:.3g}" for k, v in found[method].items() if not isinstance(v, str))
        print(f"  {CASES[case][0]}, {found[method]['setting']}: {method}: {said}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    given = options(__doc__)
    report = Report(
        "hierarchical_forecast",
        "A setting forecast from two of its runs and other settings: pooling beats one law with an offset.",
        ("two runs", "others", "method", "error", "log score", "covered", "width", "better error", "better score"),
        given,
    )
    count = len(read().codes(BY)[0])
    tasks = [
        (case, g) for case in range(1 if given.quick else len(CASES)) for g in range(0, count, 7 if given.quick else 1)
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        done = dict(zip(tasks, workers.map(left_out, tasks), strict=True))
    for case, (name, _, strict) in enumerate(CASES):
        each = [found for (which, _), found in done.items() if which == case]
        for method in METHODS if each else ():
            mean = {k: float(np.mean([one[method][k] for one in each])) for k in ("error", "score", "covered", "width")}
            wins: list[Any] = [None, None]
            if method != POOLED:
                better = [
                    [one[POOLED]["error"] < one[method]["error"], one[POOLED]["score"] > one[method]["score"]]
                    for one in each
                ]
                wins = [f"{n} of {len(each)}" for n in np.sum(better, axis=0)]
            others = "of other trainings" if strict else "all"
            report.add(name, others, method, *mean.values(), *wins, settings=[one[method] for one in each])
    report.note(
        f"error: root mean square of log loss, score: mean log density of a held-out run, covered: by intervals of "
        f"{100 * LEVEL:.0f} % for new runs, width: of these in log loss; means over the settings left out. Better: of "
        "how many settings pooling has the smaller error, the higher score."
    )
    ours = [one for row in report.rows if row["method"] == POOLED for one in row["settings"]]
    theirs = min(one["ess"] for row in report.rows for one in row["settings"] if row["method"] != POOLED)
    report.note(
        f"Pooled: worst R-hat {max(one['rhat'] for one in ours):.3f}, {sum(one['divergences'] for one in ours)} "
        f"divergences, at least {min(one['ess'] for one in ours):.0f} effective draws; the others: {theirs:.0f} refits."
    )
    report.finish()


if __name__ == "__main__":
    main()
