"""Simulated studies of four pools: as exact as least squares, in 10 core-ms each, with intervals that cover."""

import dataclasses
import sys
import time
import warnings
from typing import Any

import jax
import numpy as np
from _benchmarks import Report, alternate, options
from scipy.optimize import least_squares

import scalefit as sf
from scalefit.laws import AbstractLaw

NAMES = ("tmars-top0-10", "tmars-top10-20", "tmars-top20-30", "tmars-top30-40")
SIZE, SPREAD, PASSES = 12.8e6, 0.002, np.arange(1.0, 11.0)
ONE = [sf.laws.QQT.published_sets[name].values for name in NAMES]
TRUTH = {name: np.array([one[name] for one in ONE]) for name in ("b", "tau")}
A, FLOOR = ONE[0]["a"], ONE[0]["d"]
NOISE = sf.noise.Gaussian(log=False)
BUDGETS = np.geomspace(1.5e7, 30 * SIZE, 121)
"""Samples at which plans are compared: up to thirty passes of a pool."""
LOW, HIGH = 0.05, 0.95


def errors(a: Any, b: Any, tau: Any, d: Any, passes: np.ndarray = PASSES) -> np.ndarray:
    """The law of one pool in NumPy, the passes along the last axis; parameters broadcast."""
    a, b, tau, d = (np.asarray(v, float)[..., None] for v in (a, b, tau, d))
    k = np.arange(1.0, np.ceil(passes.max()))
    steps = np.clip(np.log(passes)[:, None] - np.log(k), 0.0, np.log1p(1.0 / k))
    again = np.exp2(-k / tau) @ steps.T
    return d + np.exp(b * (np.log(a * SIZE * np.minimum(passes, 1.0) / 1e5) + again))


CLEAN = errors(A, TRUTH["b"], TRUTH["tau"], FLOOR)


def table(error: np.ndarray, name: str = "simulated pools") -> sf.Runs:
    """Runs of many studies from their errors by study, pool and pass."""
    rows = np.indices(error.shape).reshape(3, -1)
    return sf.Runs(
        error.ravel(), study=rows[0], pool=np.asarray(NAMES)[rows[1]], n=SIZE * PASSES[rows[2]],
        U=np.full(error.size, SIZE), name=name,
    )  # fmt: skip


def simulated(studies: int, seed: int = 0) -> np.ndarray:
    """Errors about the published law, their noise additive, normal and independent."""
    return CLEAN + SPREAD * np.random.default_rng(seed).standard_normal((studies, *CLEAN.shape))


def fitted(runs: sf.Runs, fixed: tuple[str, ...], num_starts: int = 2) -> sf.Fit:
    """Every study by the four pools together."""
    law = sf.laws.PoolsQQT(d=FLOOR) if fixed else sf.laws.PoolsQQT()
    return sf.fit(law, runs, by="study", noise=NOISE, fixed=fixed, num_starts=num_starts, throw=False)


def reference(error: np.ndarray, fixed: bool, starts: int, rng: np.random.Generator) -> float:
    """The least sum of squares that SciPy finds, from the truth and from random starts."""

    def residuals(x: np.ndarray) -> np.ndarray:
        d = FLOOR if fixed else x[9]
        return (errors(np.exp(x[0]), -np.exp(x[1:5]), np.exp(x[5:9]), d) - error).ravel()

    truth = np.concatenate([[np.log(A)], np.log(-TRUTH["b"]), np.log(TRUTH["tau"]), [] if fixed else [FLOOR]])
    low = np.concatenate([[-12.0], np.full(4, -8.0), np.full(4, -4.0), [] if fixed else [0.0]])
    high = np.concatenate([[8.0], np.full(4, 2.0), np.full(4, 12.0), [] if fixed else [0.7]])
    begin = [truth, *(np.clip(truth + rng.normal(0, 0.4, truth.size), low + 0.01, high - 0.01) for _ in range(starts))]
    with np.errstate(over="ignore"):
        ends = [
            least_squares(
                residuals, x, bounds=(low, high), x_scale="jac", xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=2000
            )
            for x in begin
        ]
    return min(2.0 * end.cost for end in ends)


def released_point(error: list[float], a: float, b: float, tau: float, d: float) -> float:
    """One node of the published grid for one pool, pass after pass as the released code goes."""
    total, value, seen = 0.0, 0.0, 0.0
    for k in range(10):
        before, seen = seen, seen + SIZE
        slope = b * 0.5 ** (k / tau)
        value = (a * seen / 1e5) ** b if k == 0 else value * (seen / before) ** slope
        total += (value + d - error[k]) ** 2
    return total


@jax.jit
def _excess(law: AbstractLaw, n: Any) -> Any:
    """By budget, how much worse the best pool alone is than the union of the best two."""
    one, two = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.0, 0.0])
    size = np.full(4, SIZE)
    return jax.vmap(lambda at: law(at, one, size) - law(at, two, size))(n)


def crossover(law: Any) -> np.ndarray:
    """By law of a batch, where the union of two overtakes the best pool; 0 or infinite beyond the budgets looked at."""
    shape = np.shape(law.a)
    law = law.covering(32).compact()
    flat = jax.tree.map(lambda v: np.reshape(v, (-1, *np.shape(v)[len(shape) :])), law)
    flat = dataclasses.replace(flat, d=np.broadcast_to(np.ravel(law.d), (int(np.prod(shape)),)))
    found = []
    with jax.enable_x64(True):
        for low in range(0, int(np.prod(shape)), 4096):
            part = jax.tree.map(lambda v, low=low: v[low : low + 4096], flat)
            gap = np.asarray(jax.vmap(_excess, (0, None))(part, BUDGETS))
            worse = gap > 0.0
            at = np.clip(np.argmax(worse, axis=1), 1, len(BUDGETS) - 1)
            row = np.arange(len(gap))
            left, right = gap[row, at - 1], gap[row, at]
            share = np.clip(left / (left - right + 1e-300), 0.0, 1.0)
            here = BUDGETS[at - 1] * (BUDGETS[at] / BUDGETS[at - 1]) ** share
            found.append(np.where(worse[:, 0], 0.0, np.where(worse.any(axis=1), here, np.inf)))
    return np.concatenate(found).reshape(shape)


def truth_crossover() -> float:
    law = sf.laws.PoolsQQT(a=A, d=FLOOR, b=TRUTH["b"], tau=TRUTH["tau"], pool=NAMES)
    return float(crossover(jax.tree.map(lambda v: np.asarray(v)[None], law))[0])


def coverage(laws: Any, good: np.ndarray, wide: tuple[Any, float] | None = None) -> list[float]:
    """How often the interval of the draws of each study holds the truth: b, tau (over the pools), the crossover."""
    found = []
    for name, truth in (("b", TRUTH["b"]), ("tau", TRUTH["tau"]), ("crossover", truth_crossover())):
        draws = crossover(laws) if name == "crossover" else np.asarray(getattr(laws, name))
        centre, factor = (None, 1.0) if wide is None else (wide[0][name], wide[1])
        held = []
        for s in range(len(draws)):
            if good[s].sum() < 20:
                continue
            low, high = np.quantile(draws[s][good[s]], (LOW, HIGH), axis=0, method="nearest")
            if centre is not None:
                # On logarithms, where such parameters are closest to normal; what has no end keeps it.
                with np.errstate(divide="ignore", invalid="ignore"):
                    middle = centre[s]
                    low = np.where(low / middle > 0, middle * (low / middle) ** factor, low)
                    high = middle * (high / middle) ** factor
            low, high = np.minimum(low, high), np.maximum(low, high)
            held.append((low <= truth) & (truth <= high))
        found.append(float(np.mean(held)) if held else float("nan"))
    return found


def parametric(fit: sf.Fit, fixed: tuple[str, ...], num: int, seed: int) -> tuple[Any, np.ndarray]:
    """Refits of errors simulated from each fit, the noise as large as its residuals say on n - p degrees of freedom."""
    law: Any = fit.law
    runs, free = CLEAN.size, len(fit.free)
    spread = np.sqrt(np.asarray(fit.objective) * 2.0 / (runs - free))
    mean = errors(np.asarray(law.a)[:, None], law.b, law.tau, np.broadcast_to(law.d, np.shape(law.a))[:, None])
    rng = np.random.default_rng(seed)
    drawn = mean[:, None] + spread[:, None, None, None] * rng.standard_normal((len(mean), num, *CLEAN.shape))
    again = fitted(table(drawn.reshape(-1, *CLEAN.shape)), fixed, num_starts=1)
    return _batched(again.law, len(mean), num), np.asarray(again.converged).reshape(-1, num)


def _batched(law: Any, studies: int, num: int) -> Any:
    def shaped(value: Any) -> Any:
        value = np.asarray(value)
        return value if value.ndim == 0 else value.reshape(studies, num, *value.shape[1:])

    return jax.tree.map(shaped, law)


def curved(fit: sf.Fit, runs: sf.Runs, num: int) -> tuple[Any, np.ndarray]:
    """Draws from the curvature of each fit; studies where that says nothing have none."""
    laws, good, last = [], [], None
    parts = runs.split("study")
    for _, part in parts:
        one = sf.fit(
            dataclasses.replace(fit.template, **({"d": FLOOR} if "d" in fit.fixed else {})), part, noise=NOISE,
            fixed=fit.fixed, num_starts=2, throw=False,
        )  # fmt: skip
        try:
            last = sf.laplace(one, num=num).law
            laws.append(last)
            good.append(True)
        except sf.InputError:
            laws.append(None)
            good.append(False)
    if last is None:
        return None, np.zeros((len(parts), num), bool)
    filled = [law if law is not None else last for law in laws]
    joined = jax.tree.map(lambda *v: np.stack([np.asarray(x) for x in v]), *filled)
    return joined, np.repeat(np.array(good)[:, None], num, axis=1)


def main() -> None:
    given = options(__doc__)
    warnings.simplefilter("ignore")
    report = Report(
        "pools_simulated",
        "Four pools in 10 core-ms a study, no worse than least squares on any; 90 % intervals cover 85 to 95 %.",
        ("d", "what", "studies", "core ms/study", "× SciPy", "converged", "SSE, mean", "worst excess over SciPy",
         "b in 90 %", "tau in 90 %", "crossover in 90 %"),
        given,
    )  # fmt: skip
    many, some, covered, num = (100, 4, 40, 60) if given.quick else (1000, 100, 200, 300)
    error = simulated(many)
    runs = table(error)
    for fixed in ((), ("d",)):
        d = "fixed" if fixed else "free"
        rng = np.random.default_rng(1)
        best: list[float] = []
        fits: list[sf.Fit] = []

        def ours(fixed: tuple[str, ...] = fixed, fits: list[sf.Fit] = fits) -> None:
            fits[:] = [fitted(runs, fixed)]

        def single(fixed: tuple[str, ...] = fixed, rng: np.random.Generator = rng) -> None:
            for study in error[:some]:
                reference(study, bool(fixed), 0, rng)

        def several(fixed: tuple[str, ...] = fixed, rng: np.random.Generator = rng, best: list[float] = best) -> None:
            best[:] = [reference(study, bool(fixed), 4, rng) for study in error[:some]]

        ours()
        quick = alternate({"ours": ours, "one": single}, 2 if given.quick else 3)
        slow = alternate({"several": several}, 1)["several"]
        fit = fits[0]
        sse = 2.0 * np.asarray(fit.objective)
        scipy = slow.core_least / some
        core = quick["ours"].core_least / many
        report.add(
            d, "scalefit, sf.fit(by=...)", many, 1e3 * core, scipy / core, float(np.mean(fit.converged)),
            float(np.mean(sse)), float(np.max(sse[:some] / np.array(best) - 1.0)), None, None, None,
            timing=quick["ours"],
        )  # fmt: skip
        report.add(
            d, "SciPy least_squares, truth and 4 starts", some, 1e3 * scipy, 1.0, None, float(np.mean(best)), None,
            None, None, None, timing=slow,
        )  # fmt: skip
        alone = quick["one"].core_least / some
        report.add(
            d, "SciPy least_squares from the truth", some, 1e3 * alone, scipy / alone, None, None, None, None, None,
            None, timing=quick["one"],
        )  # fmt: skip
        part = table(error[:covered])
        fit = fitted(part, fixed)
        # As draws at the fit: the wider interval is about it.
        law: Any = fit.law
        about = {"b": np.asarray(law.b), "tau": np.asarray(law.tau), "crossover": crossover(law)}
        free = len(fit.free)
        for method in ("rows", "laplace", "parametric"):
            begun = time.process_time()
            if method == "rows":
                draws = sf.bootstrap(fit, num=num, cluster=None)
                laws, good = draws.law, np.asarray(draws.converged)
            elif method == "laplace":
                laws, good = curved(fit, part, num)
            else:
                laws, good = parametric(fit, fixed, num, 2)
            cost = 1e3 * (time.process_time() - begun) / covered
            share = float(np.mean(good))
            held = coverage(laws, good) if laws is not None else [float("nan")] * 3
            said = {"rows": "bootstrap of rows, percentiles", "laplace": "laplace, percentiles",
                    "parametric": "refits of simulated errors, percentiles"}[method]  # fmt: skip
            report.add(d, f"{said}, {num} draws", covered, cost, None, share, None, None, *held)
            if method == "rows":
                factor = float(np.sqrt(CLEAN.size / (CLEAN.size - free)))
                held = coverage(laws, good, (about, factor))
                report.add(d, f"the same, {factor:.3g} times as wide", covered, None, None, share, None, None, *held)
    nodes = 500 if given.quick else 5000
    points = [float(v) for v in error[0, 0]]
    grid = np.stack(np.meshgrid(np.linspace(-0.005, -0.5, 100), np.linspace(1, 10, 100), indexing="ij"), -1)
    chosen = grid.reshape(-1, 2)[np.random.default_rng(0).permutation(10_000)[:nodes]]
    begun = time.process_time()
    for b, tau in chosen:
        released_point(points, A, float(b), float(tau), FLOOR)
    whole = 4 * 7 * 10 * 10_000
    cost = (time.process_time() - begun) / nodes * whole
    report.add(
        "grid", f"published grid, {nodes} of {whole} nodes timed", 1, 1e3 * cost, scipy / cost, None, None, None, None,
        None, None,
    )  # fmt: skip
    report.note("Noise .002 on the error, normal and independent; truth: the published values, d .1; 40 runs a study.")
    report.note(f"True crossover of the best pool alone and the best two: {truth_crossover():.4g} samples.")
    report.note("Core ms of intervals count resampling and refits, compilation included; of fits, warm.")
    report.note("The grid: 100 b by 100 tau for each of 4 pools, 7 a and 10 d, node by node as released.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
