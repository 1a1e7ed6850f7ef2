"""The gain of the best mixture against the time to find it: interior point, Dirichlet samples, halving grid, SLSQP.

Laws drawn at random, five exponential targets over K domains, every domain having room for at most three times its even
share (a cap of passes), so that optima are on the boundary. Gains are over even weights, as a share of the largest that
any contender found; the interior point's own certificate is below 1e-8 of it. Dirichlet samples beyond the caps are
projected onto them; the grid halves its step along pairs of domains about the best point so far; SLSQP is SciPy's with
the gradient, on one thread. Times are core-seconds once things are compiled; those of the first call stand beside them.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy loads it

import numpy as np
import optax
from _report import Report, options
from scipy.optimize import minimize

from scalefit.solve import descend_on_simplex, minimise_convex, minimise_on_host, project

TARGETS, SEED = 5, 20240407
COLUMNS = ("domains", "method", "share of the gain", "core-s", "first call, core-s", "times SLSQP")


def cost(w: Any, arg: Any) -> Any:
    """The mean of the targets."""
    import jax.numpy as jnp

    k, t = arg
    return jnp.mean(k * jnp.exp(t @ w))


def law(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels and slopes of the targets, and the most that each domain may have."""
    rng = np.random.default_rng(SEED)
    t = rng.normal(0.0, 2.0, (TARGETS, count))
    return rng.uniform(0.2, 1.0, TARGETS), t - t.mean(axis=1, keepdims=True), np.full(count, min(1.0, 3.0 / count))


def value(k: np.ndarray, t: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The mean of the targets at mixtures."""
    return np.mean(k * np.exp(w @ t.T), axis=-1)


def sampled(k: np.ndarray, t: np.ndarray, most: np.ndarray, draws: int) -> float:
    """The best of samples, those beyond the caps brought within them."""
    rng, best = np.random.default_rng(SEED), np.inf
    for _ in range(0, draws, 10_000):
        w = rng.dirichlet(np.ones(len(most)), min(draws, 10_000))
        out = (w > most).any(axis=1)
        w[out] = project(w[out], np.zeros_like(w[out]), np.broadcast_to(most, w[out].shape))
        best = min(best, float(value(k, t, w).min()))
    return best


def halved(k: np.ndarray, t: np.ndarray, most: np.ndarray) -> float:
    """Weight moved between pairs of domains by steps that halve where none gains."""
    count, step = len(most), 0.5
    w = np.full(count, 1.0 / count)
    best = float(value(k, t, w))
    while step > 1e-6:
        moved = np.repeat(w[None], count * count, axis=0)
        take, give = (a.ravel() for a in np.indices((count, count)))
        size = np.minimum(np.minimum(step, w[give]), most[take] - w[take])
        rows = np.arange(len(moved))
        moved[rows, take] += size
        moved[rows, give] -= size
        found = value(k, t, moved)
        place = int(np.argmin(found))
        if found[place] < best - 1e-12:
            w, best = moved[place], float(found[place])
        else:
            step *= 0.5
    return best


def by_slsqp(k: np.ndarray, t: np.ndarray, most: np.ndarray, tolerance: float) -> float:
    """SciPy's, with the gradient."""

    def both(w: np.ndarray) -> tuple[float, np.ndarray]:
        at = k * np.exp(t @ w)
        return float(at.mean()), at @ t / TARGETS

    count = len(most)
    whole = {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(count)}
    options = {"ftol": tolerance, "maxiter": 500}
    start = np.full(count, 1.0 / count)
    bounds = [(0.0, m) for m in most]
    return float(minimize(both, start, jac=True, bounds=bounds, constraints=[whole], options=options).fun)


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives and the core-seconds it takes."""
    begun = time.process_time()
    found = run()
    return found, time.process_time() - begun


def main() -> None:
    """Print the table."""
    asked = options(__doc__)
    report = Report("mixture_gradient_against_search", "Gain of the best mixture against time", COLUMNS, asked)
    for count in (7, 17) if asked.quick else (7, 17, 64, 256, 4096):
        k, t, most = law(count)
        even = float(value(k, t, np.full(count, 1.0 / count)))
        arg, low, high = (k[None], t[None]), np.zeros((1, count)), most[None]
        start = np.full((1, 1, count), 1.0 / count)

        def inside(arg: Any = arg, low: Any = low, high: Any = high) -> float:
            return float(minimise_convex(cost, arg, low, high).value[0])

        def moves(arg: Any = arg, low: Any = low, high: Any = high, start: Any = start) -> float:
            return float(np.asarray(minimise_on_host(cost, cost, arg, start, low, high).value)[0])

        # Curvature grows with the number of domains, and slopes have a spread of 1.
        optimiser = optax.sgd(5.0 / count)

        def descent(arg: Any = arg, low: Any = low, high: Any = high, start: Any = start, by: Any = optimiser) -> float:
            return float(descend_on_simplex(cost, arg, start[0], low, high, optimiser=by).value[0])

        contenders: dict[str, Callable[[], float]] = {"interior point, certified": inside}
        contenders["exponentiated gradient and moves"] = moves
        contenders["projected gradient, optax.sgd"] = descent
        if count <= 256:
            contenders["SLSQP, ftol 1e-12"] = lambda k=k, t=t, most=most: by_slsqp(k, t, most, 1e-12)
        if count <= 64:
            contenders["halving grid"] = lambda k=k, t=t, most=most: halved(k, t, most)
            for draws in (10_000, 100_000) if asked.quick else (10_000, 1_000_000):
                contenders[f"{draws:,} Dirichlet samples"] = lambda k=k, t=t, most=most, n=draws: sampled(k, t, most, n)
        rows = {}
        for name, run in contenders.items():
            first = timed(run)
            own = name.startswith(("interior", "exponentiated", "projected", "SLSQP"))
            rows[name] = (*(min((timed(run) for _ in range(3)), key=lambda one: one[1]) if own else first), first[1])
        least = min(found for found, *_ in rows.values())
        theirs = rows.get("SLSQP, ftol 1e-12", (0.0, None))[1]
        for name, (found, taken, first) in rows.items():
            faster = None if theirs is None else theirs / taken
            report.add(count, name, (even - found) / (even - least), taken, first, faster)
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
