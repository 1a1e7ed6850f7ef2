"""Bootstrap throughput: 4,000 refits of 240 runs against SciPy, Optax and Optimistix, for three laws.

Every contender minimises the same objective (summed Huber, knee 1e-3, on the logarithm of the loss) on the same
resamples, in turn, in one process. SciPy is given its gradient as vectorised NumPy written by hand; slow contenders
take the first resamples only, and their rate is taken to hold for the rest.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
import optimistix
from _problems import (
    TEX,
    Objective,
    Refits,
    by_scipy,
    chinchilla_objective,
    chinchilla_runs,
    data_constrained_objective,
    kaplan_objective,
    published_resamples,
    repeated_runs,
)
from _report import Options, Report, Timing, alternate, machine, options, within
from scipy.optimize import minimize

import scalefit as sf
from scalefit.estimate import screened

try:
    import autograd  # pyright: ignore[reportMissingImports]
    import autograd.numpy as traced  # pyright: ignore[reportMissingImports]
except ImportError:  # the package that the published notebook differentiates with
    autograd, traced = None, None

TIGHT = "SciPy BFGS, NumPy gradient, gtol 1e-10"


class Contender(NamedTuple):
    """What is timed: how many resamples it takes, and a call that returns their objectives."""

    count: int
    run: Callable[[], np.ndarray]


def scipy_on(objective: Objective, start: np.ndarray, weights: np.ndarray, **settings: Any) -> Contender:
    def run() -> np.ndarray:
        return np.array([r.fun for r in by_scipy(objective, start, weights, **settings)])

    return Contender(len(weights), run)


def scalefit_on(problem: Refits, count: int, **settings: Any) -> Contender:
    return Contender(count, lambda: np.asarray(problem.solve(count, **settings).objective))


def published_recipe(runs: sf.Runs, weights: np.ndarray) -> Contender:
    """The notebook's: copied rows, an op-by-op traced gradient, BFGS with default tolerances from the TeX values."""
    logs = np.stack([np.log(v) for v in runs.select(("N", "D"))[0].values()] + [np.log(runs.target)])
    rows = [np.repeat(logs, w.astype(int), axis=1) for w in weights]

    def cost(x: Any, n: np.ndarray, d: np.ndarray, y: np.ndarray) -> Any:
        e, a, b, alpha, beta = x
        terms = traced.stack([a - alpha * n, b - beta * d, e + 0.0 * n])
        top = traced.max(terms, axis=0)
        residual = y - top - traced.log(traced.sum(traced.exp(terms - top), axis=0))
        size = traced.abs(residual)
        return traced.sum(traced.where(size <= 1e-3, 0.5 * residual**2, 1e-3 * (size - 0.5e-3)))

    gradient = autograd.grad(cost)

    def run() -> np.ndarray:
        return np.array([minimize(cost, TEX, args=tuple(r), jac=gradient, method="BFGS").fun for r in rows])

    return Contender(len(weights), run)


def best_known(problem: Refits, found: dict[str, np.ndarray], count: int) -> np.ndarray:
    """The lowest objective of each resample: of all contenders, and of three starts of the global screen."""
    best = np.full(count, np.inf)
    for objective in found.values():
        objective = np.where(np.isfinite(objective), objective, np.inf)
        best[: len(objective)] = np.minimum(best[: len(objective)], objective)
    starts = screened(problem.prepared, problem.noise, np.zeros(count, int), np.arange(count), 3, 0, quick=False)
    for k in range(starts.shape[1]):
        again = np.asarray(problem.solve(count, start=starts[:, k]).objective)
        best = np.fmin(best, again)
    return best


def contest(report: Report, law: str, problem: Refits, contenders: dict[str, Contender], rounds: int) -> None:
    found = {name: contender.run() for name, contender in contenders.items()}  # compiles, and gives the objectives
    best = best_known(problem, found, max(c.count for c in contenders.values()))
    times = alternate({name: c.run for name, c in contenders.items()}, rounds)
    cores = machine()["cores"]
    per_fit = {name: times[name].median / c.count for name, c in contenders.items()}
    core = {name: times[name].core_least / c.count for name, c in contenders.items()}
    for name, contender in contenders.items():
        timing: Timing = times[name]
        objective = found[name]
        mine = name.startswith("scalefit")
        report.add(
            law,
            name,
            contender.count,
            contender.count / timing.median,
            contender.count / timing.least,
            1e6 * core[name],
            per_fit[TIGHT] / per_fit[name],
            core[TIGHT] / core[name] * (cores if mine else 1),
            within(objective, best[: len(objective)], 1e-6),
            within(objective, best[: len(objective)], 1e-9),
            timing=timing,
        )


def chinchilla(report: Report, given: Options) -> None:
    runs = chinchilla_runs()
    draws, few, dozens = (1000, 20, 5) if given.quick else (4000, 150, 30)
    weights = published_resamples(len(runs), draws)
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3))
    problem = Refits.of(fit, weights)
    objective = chinchilla_objective(runs)
    law = fit.law
    at = np.array([np.log(law.E), np.log(law.A), np.log(law.B), law.alpha, law.beta], float)
    contenders = {
        "scalefit, sf.bootstrap": Contender(draws, lambda: np.asarray(sf.bootstrap(fit, weights=weights).objective)),
        "scalefit, solver alone": scalefit_on(problem, draws),
        "scalefit, solver alone, mixed": scalefit_on(problem, draws, precision="mixed"),
        "scalefit, solver alone, float32": scalefit_on(problem, draws, precision="float32"),
        TIGHT: scipy_on(objective, TEX, weights[:few], gtol=1e-10),
        "the same from the optimum of all runs": scipy_on(objective, at, weights[:few], gtol=1e-10),
        "SciPy BFGS, NumPy gradient, default gtol": scipy_on(objective, TEX, weights[:few]),
        "Optax L-BFGS under vmap": scalefit_on(problem, 2 * dozens, solver=optax.lbfgs(), max_steps=1000),
        "Optimistix BFGS under vmap": scalefit_on(problem, few, solver=optimistix.BFGS(1e-9, 1e-9)),
        "Optimistix LM under vmap": scalefit_on(problem, few, solver=optimistix.LevenbergMarquardt(1e-9, 1e-9)),
    }
    if autograd is not None:
        contenders["published recipe (autograd, BFGS)"] = published_recipe(runs, weights[:dozens])
    else:
        report.note("The published recipe was left out: `pip install autograd` to have it.")
    contest(report, "Chinchilla, 5", problem, contenders, 2 if given.quick else 5)


def another(
    report: Report, given: Options, name: str, template: type[sf.laws.AbstractLaw], runs: sf.Runs, objective: Objective
) -> None:
    draws, few = (500, 20) if given.quick else (4000, 100)
    weights = published_resamples(len(runs), draws)
    fit = sf.fit(template, runs, noise=sf.noise.Huber(1e-3))
    problem = Refits.of(fit, weights)
    # SciPy begins where scalefit does: at the optimum of all runs, in centred inputs, E as a logarithm.
    start = problem.start[0].copy()
    if template is sf.laws.DataConstrained:
        start[0] = np.log(start[0] * problem.prepared.typical[0])
    contenders = {
        "scalefit, sf.bootstrap": Contender(draws, lambda: np.asarray(sf.bootstrap(fit, weights=weights).objective)),
        "scalefit, solver alone": scalefit_on(problem, draws),
        "scalefit, solver alone, mixed": scalefit_on(problem, draws, precision="mixed"),
        TIGHT: scipy_on(objective, start, weights[:few], gtol=1e-10),
        "Optimistix BFGS under vmap": scalefit_on(problem, few, solver=optimistix.BFGS(1e-9, 1e-9)),
    }
    contest(report, name, problem, contenders, 2 if given.quick else 5)


def main() -> None:
    given = options(__doc__)
    report = Report(
        "bootstrap_against_scipy",
        "Bootstrap refits of 240 runs: at least 100 times (Chinchilla) and 50 times (the others) one tight SciPy.",
        ("law, parameters", "contender", "refits", "fits/s", "best fits/s", "core µs/fit", "× SciPy", "× by core time",
         "within 1e-6", "within 1e-9"),
        given,
    )  # fmt: skip
    with jax.default_matmul_precision("highest"):
        chinchilla(report, given)
        runs = chinchilla_runs()
        another(report, given, "Kaplan, 4, no amplitudes", sf.laws.Kaplan, runs, kaplan_objective(runs))
        repeats = repeated_runs()
        another(
            report, given, "data-constrained, 7", sf.laws.DataConstrained, repeats, data_constrained_objective(repeats)
        )
    report.note(
        "fits/s: median of the rounds; × SciPy: ratio of medians to one SciPy process, as timed; × by core time: "
        "ratio of the least core time a fit, times the cores for scalefit, which holds whatever else was running."
    )
    report.note("within: share of the refits whose objective is within that share of the best known.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
