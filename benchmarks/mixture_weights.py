"""The best mixture of K pools: the convex problem against SciPy's SLSQP, from 4 pools to 4,096.

Each pool's utility fades with its passes at its own half-life, so that the cost is convex in the weights; a third of
the pools or so are worth having, and those are repeated. SLSQP is given the gradient, the limits, the same start (even
weights), two tolerances, and one thread: with more, its linear algebra takes up to thirty times as long on busy cores.
The function with its kinks, at whole passes, is timed beside the smooth one, and the interior point for convex costs
beside exponentiated gradient and moves, compiled where it solves no system by elimination. The excess is over the bound
that holds for any convex function: what its slopes promise at most, anywhere on the simplex.
"""

import os
import sys
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy loads it

import jax
import jax.numpy as jnp
import numpy as np
from _report import Report, alternate, options
from scipy.optimize import minimize

from scalefit.solve import minimise_convex, minimise_on_simplex

SEED = 20240407
BUDGET = 1.0
"""Samples seen, in units of the unique samples of all pools: what is worth having is seen again and again."""


TIGHT, LOOSE = "SciPy SLSQP, ftol 1e-12", "SciPy SLSQP, ftol 1e-10"
"""As near as here, and as near as is often enough."""


def pools(count: int) -> dict[str, jax.Array]:
    """Slopes, half-lives and sizes scattered about the published ones."""
    rng = np.random.default_rng(SEED)
    shape = (1, count)
    size = rng.lognormal(0.0, 0.7, shape)
    seen = BUDGET * np.sum(size, axis=1, keepdims=True)
    return {
        "b": jnp.asarray(-0.12 * rng.lognormal(0.0, 0.25, shape)),
        "tau": jnp.asarray(5.0 * rng.lognormal(0.0, 0.4, shape)),
        "passes": jnp.asarray(seen / size),  # of a pool that gets all the weight
        "log_n": jnp.full(1, np.log(0.025 * 640.0)),
    }


@jax.custom_jvp
def scaled_e1(x: jax.Array) -> jax.Array:
    """e^x E1(x), by its series below 2 and its continued fraction above."""
    small, large = jnp.where(x < 2.0, x, 1.0), jnp.where(x < 2.0, 2.0, x)
    term, total, below = -jnp.ones_like(x), jnp.zeros_like(x), jnp.zeros_like(x)
    for k in range(1, 31):
        term = -term * small / k
        total = total - term / k
    for k in range(30, 0, -1):
        below = k * k / (large + 2 * k + 1 - below)
    series = jnp.exp(small) * (-jnp.euler_gamma - jnp.log(small) - total)
    return jnp.where(x < 2.0, series, 1.0 / (large + 1.0 - below))


@scaled_e1.defjvp
def _(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    y = scaled_e1(x)
    return y, (y - 1.0 / x) * dx


def smooth(w: jax.Array, arg: Any) -> jax.Array:
    """The smooth form of the pools' law: passes are continuous, and fade after half a pass."""
    t = w * arg["passes"]
    repeated = t > 0.5
    t, c = jnp.where(repeated, t, 1.0), jnp.log(2.0) / arg["tau"]
    faded = -jnp.log(2.0 * t) + scaled_e1(c / 2) - jnp.exp(c / 2 - c * t) * scaled_e1(c * t)
    return jnp.sum(w * arg["b"] * (arg["log_n"] + jnp.where(repeated, faded, 0.0)))


def staircase(w: jax.Array, arg: Any) -> jax.Array:
    """The pools' law with whole passes, as many as any pool is seen here."""
    t, k = w * arg["passes"], jnp.arange(1.0, 64.0)[:, None]
    gained = jnp.maximum(jnp.log(jnp.clip(t, 1.0, k + 1.0)) - jnp.log(k), 0.0)
    later = jnp.sum(jnp.exp2(-k / arg["tau"]) * gained, axis=0)
    return jnp.sum(w * arg["b"] * (arg["log_n"] - jnp.log(jnp.maximum(t, 1.0)) + later))


def excess(slope: np.ndarray, w: np.ndarray) -> float:
    """What no weights can beat these by, if the function is convex."""
    return float(np.sum(w * (slope - slope.min())))


def main() -> None:
    given = options(__doc__)
    counts, most = ((4, 16, 64), 64) if given.quick else ((4, 16, 64, 256, 1024, 4096), 256)
    report = Report(
        "mixture_weights",
        "The best weights of 256 pools take less than a core-second, to 1e-6 for certain.",
        ("pools", "contender", "core ms", "× tight SLSQP", "excess at most", "kkt", "pools used"),
        given,
    )
    value_and_grad = jax.jit(jax.value_and_grad(smooth))
    slope = jax.jit(jax.grad(smooth))
    for count in counts:
        args = pools(count)
        one = {name: value[0] for name, value in args.items()}
        even, low, high = jnp.full((1, count), 1.0 / count), jnp.zeros(count), jnp.ones(count)

        def ours(cost: Any, args: Any = args, even: Any = even, low: Any = low, high: Any = high) -> Any:
            return jax.block_until_ready(minimise_on_simplex(cost, smooth, args, even, low, high))

        def inside(args: Any = args, count: int = count) -> Any:
            limits = np.zeros((1, count)), np.ones((1, count))
            return minimise_convex(smooth, jax.tree.map(np.asarray, args), *limits, driver="compiled")

        def scipy(ftol: float, count: int = count, one: Any = one) -> Any:
            def objective(v: np.ndarray) -> tuple[float, np.ndarray]:
                value, slope = value_and_grad(v, one)
                return float(value), np.asarray(slope)

            return minimize(
                objective, np.full(count, 1.0 / count), jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * count,
                constraints={"type": "eq", "fun": lambda v: v.sum() - 1.0, "jac": np.ones_like},
                options={"ftol": ftol, "maxiter": 1000},
            )  # fmt: skip

        contenders = {
            "scalefit": lambda ours=ours: ours(smooth),
            "scalefit, interior point": inside,
            "scalefit, whole passes": lambda ours=ours: ours(staircase),
        }
        if count <= most:
            contenders |= {TIGHT: lambda scipy=scipy: scipy(1e-12), LOOSE: lambda scipy=scipy: scipy(1e-10)}
        found = {name: run() for name, run in contenders.items()}
        times = alternate(contenders, 1 if count >= 256 or given.quick else 3)
        for name, timing in times.items():
            out = found[name]
            w = np.asarray(out.x if name.startswith("SciPy") else out.weights[0])
            sure = excess(np.asarray(slope(w, one)), w) if "passes" not in name else None
            ratio = times[TIGHT].core_least / timing.core_least if count <= most and sure is not None else None
            kkt = float(out.kkt[0]) if hasattr(out, "kkt") else None
            report.add(count, name, 1e3 * timing.core_least, ratio, sure, kkt, int(np.sum(w > 1e-8)), timing=timing)
    report.note(f"Utilities drawn with seed {SEED}; compilation apart; one start, even weights.")
    report.finish()


if __name__ == "__main__":
    with jax.enable_x64(True):
        sys.exit(main())
