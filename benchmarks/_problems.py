"""The problems that the benchmarks solve, and the same objectives in NumPy for SciPy."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import OptimizeResult, minimize

import scalefit as sf
from scalefit.noise import AbstractNoise
from scalefit.problem import Prepared, free_numbers
from scalefit.solve import Solutions, solve

DELTA = 1e-3
TEX = np.array([0.5267228, 6.0073404, 6.0179186, 0.33917084, 0.2849083])
"""Where the published refits start: e, a, b (logarithms of E, A, B), alpha, beta, from the TeX source of 2203.15556."""

Objective = Callable[[np.ndarray, np.ndarray | None], tuple[float, np.ndarray]]
"""Free numbers and the weights of the runs (`None`: 1) to the summed Huber cost and its gradient."""


def chinchilla_runs() -> sf.Runs:
    """The 240 published runs."""
    return sf.load_data("epoch-chinchilla").where("loss < 3.44")


def published_resamples(runs: int = 240, draws: int = 4000) -> np.ndarray:
    """How often each of the published resamples (NumPy's legacy generator, seed 42) draws each run."""
    rng = np.random.RandomState(42)
    return np.stack([np.bincount(rng.choice(runs, runs, replace=True), minlength=runs) for _ in range(draws)]) * 1.0


def published_grid() -> list[dict[str, float]]:
    """The 4,500 published starts of the global fit, as natural values."""
    axes = np.meshgrid(
        np.arange(0, 2.5, 0.5), np.arange(0, 2.5, 0.5), np.arange(-1, 1.5, 0.5), np.arange(0, 30, 5),
        np.arange(0, 30, 5), indexing="ij",
    )  # fmt: skip
    alpha, beta, e, a, b = (axis.ravel() for axis in axes)
    columns = {"E": np.exp(e), "A": np.exp(a), "B": np.exp(b), "alpha": alpha, "beta": beta}
    return [{name: float(column[i]) for name, column in columns.items()} for i in range(len(e))]


def repeated_runs(count: int = 240, seed: int = 0) -> sf.Runs:
    """Simulated runs of the data-constrained law, its published parameters and half a percent of scatter."""
    rng = np.random.default_rng(seed)
    N, U = 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(8, 11, count)
    D = U * 0.3 * 200 ** rng.random(count)
    truth = sf.laws.DataConstrained.published("c4")
    with jax.enable_x64(True):
        loss = np.asarray(jax.vmap(lambda n, d, u: truth(N=n, D=d, U=u))(N, D, U))
    return sf.Runs(loss=loss * np.exp(0.005 * rng.standard_normal(count)), N=N, D=D, U=U, name="simulated repeats")


def huber(residual: np.ndarray, weight: np.ndarray | None) -> tuple[float, np.ndarray]:
    """The summed cost and the (weighted) slope of each residual's."""
    slope = np.clip(residual, -DELTA, DELTA)
    cost = slope * (residual - 0.5 * slope)
    return (cost.sum(), slope) if weight is None else (weight @ cost, slope * weight)


def chinchilla_objective(runs: sf.Runs) -> Objective:
    """Numbers e, a, b, alpha, beta, with e, a, b logarithms; the prediction by a stable log-sum-exp, as published."""
    n, d = logarithms(runs, "N", "D")
    y = np.log(runs.target)

    def objective(x: np.ndarray, weight: np.ndarray | None) -> tuple[float, np.ndarray]:
        e, a, b, alpha, beta = x
        capacity, data = a - alpha * n, b - beta * d
        top = np.maximum(np.maximum(capacity, data), e)
        capacity, data, floor = np.exp(capacity - top), np.exp(data - top), np.exp(e - top)
        total = capacity + data + floor
        cost, slope = huber(y - top - np.log(total), weight)
        slope = -slope / total
        by_a, by_b = slope * capacity, slope * data
        return cost, np.array([slope @ floor, by_a.sum(), by_b.sum(), -(by_a @ n), -(by_b @ d)])

    return objective


def kaplan_objective(runs: sf.Runs) -> Objective:
    """Numbers log N_c, log D_c (about the centre of the runs), log alpha_N, log alpha_D."""
    n, d = (v - v.mean() for v in logarithms(runs, "N", "D"))
    y = np.log(runs.target)

    def objective(x: np.ndarray, weight: np.ndarray | None) -> tuple[float, np.ndarray]:
        n_c, d_c, (alpha, beta) = x[0], x[1], np.exp(x[2:])
        ratio = alpha / beta
        capacity, data = ratio * (n_c - n), d_c - d
        total = np.logaddexp(capacity, data)
        cost, slope = huber(y - beta * total, weight)
        share = np.exp(capacity - total)
        slope = -beta * slope
        by_capacity = slope * share
        by_ratio = by_capacity @ (n_c - n)
        return cost, np.array(
            [
                ratio * by_capacity.sum(),
                slope.sum() - by_capacity.sum(),
                ratio * by_ratio,
                slope @ total - ratio * by_ratio,
            ]
        )

    return objective


def data_constrained_objective(runs: sf.Runs) -> Objective:
    """Numbers log of E, A, B (about the centre of the runs), alpha, beta, R_D, R_N."""
    n, d, u = logarithms(runs, "N", "D", "U")
    n, d, u, y = n - n.mean(), d - d.mean(), u - d.mean(), np.log(runs.target)
    seen = np.minimum(d, u)
    passes = np.expm1(d - seen)

    def objective(x: np.ndarray, weight: np.ndarray | None) -> tuple[float, np.ndarray]:
        e, a, b = x[:3]
        alpha, beta, r_d, r_n = np.exp(x[3:])
        kept = np.exp(-passes / r_d)
        tokens = 1.0 + r_d * (1.0 - kept)
        known = x[3] + a - x[4] - b
        optimal = (known + beta * seen) / alpha
        spare = n > optimal
        useful = np.where(spare, optimal, n)
        excess = np.expm1(n - useful)
        left = np.exp(-excess / r_n)
        size = 1.0 + r_n * (1.0 - left)
        log_size, log_tokens = useful + np.log(size), seen + np.log(tokens)
        floor = np.exp(e)
        capacity, data = np.exp(a - alpha * log_size), np.exp(b - beta * log_tokens)
        total = floor + capacity + data
        cost, slope = huber(y - np.log(total), weight)
        slope = -slope / total
        by_a, by_b = slope * capacity, slope * data
        by_size, by_tokens = -alpha * by_a, -beta * by_b
        # Of the logarithm of the effective size in that of the optimal one, where that is what counts.
        by_optimal = by_size * spare * (1.0 - left * (1.0 + excess) / size) / alpha
        shift = by_optimal.sum()
        along = beta * (by_optimal @ seen)
        return cost, np.array(
            [
                slope.sum() * floor,
                by_a.sum() + shift,
                by_b.sum() - shift,
                by_size @ log_size + shift - known * shift - along,
                by_tokens @ log_tokens - shift + along,
                r_d * (by_tokens @ ((1.0 - kept * (1.0 + passes / r_d)) / tokens)),
                r_n * (by_size @ ((1.0 - left * (1.0 + excess / r_n)) / size)),
            ]
        )

    return objective


def logarithms(runs: sf.Runs, *names: str) -> list[np.ndarray]:
    """Of inputs, derived (D from C and N) where the table has none."""
    columns = runs.select(names)[0]
    return [np.log(columns[name]) for name in names]


def by_scipy(
    objective: Objective, start: np.ndarray, weights: np.ndarray, method: str = "BFGS", **settings: Any
) -> list[OptimizeResult]:
    """SciPy on each resample, one after the other; `settings` are the method's own."""
    return [minimize(objective, start, args=(weight,), jac=True, method=method, options=settings) for weight in weights]


class Refits(NamedTuple):
    """Refits of one study at the level of the solver: no law, no table, no verb."""

    prepared: Prepared
    noise: AbstractNoise
    start: np.ndarray

    @classmethod
    def of(cls, fit: sf.Fit[Any], weights: np.ndarray | None = None) -> "Refits":
        """A fit to resamples of its runs, each begun at the fit; without weights, to the runs as they are."""
        prepared = fit.problem.arrays
        if weights is not None:
            padded = np.pad(weights, ((0, 0), (0, prepared.studies.length - weights.shape[1])))
            with jax.enable_x64(True):
                prepared = prepared._replace(data=prepared.data._replace(resamples=jnp.asarray(padded)))
        return cls(prepared, fit.noise, np.asarray(free_numbers(prepared, fit.law))[None])

    def solve(self, count: int, start: np.ndarray | None = None, **settings: Any) -> Solutions:
        """The first so many resamples."""
        begin = np.repeat(self.start, count, axis=0) if start is None else start
        study, resample = np.zeros(count, int), np.arange(count)
        return solve(
            self.prepared.curve, self.noise, self.prepared.data, begin, study, resample, self.prepared.floor,
            **{"max_steps": 300, **settings},
        )  # fmt: skip
