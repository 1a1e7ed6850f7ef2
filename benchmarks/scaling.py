"""What a pass of a refit costs against points, laws in the batch and parameters, and what of the machine it uses.

A pass is one evaluation of objective, gradient and matrix over all points of one law. Its cost is given for each point
in core time, next to one `exp` and one multiplication of float64 matrices timed in the same rounds, so that it holds
on another machine. Peak memory is that of a fresh process.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from _problems import Refits
from _report import Report, Timing, alternate, options
from float32_accuracy import CASES, SCATTER, Case, log_uniform, resamples, simulated

import scalefit as sf
from scalefit.laws import AbstractLaw
from scalefit.params import Param, negative, positive, real
from scalefit.solve import lane_width, lanes, moments

POINTS = 240
IN_CACHE = 4096
"""Numbers of the array whose exponentials are timed: 32 KiB."""
TIMES = 16384
"""Exponentials of it in one call."""
LEAST = 0.1
"""Seconds that a timed call takes about or at least: core time is counted coarsely."""
SIDE, PRODUCTS = 512, 32
"""Of the matrices that are multiplied, and how many times in one call."""
QUIET = 1e-3
"""Scatter of the runs of a law that 240 runs with one percent do not determine."""
TRANSCENDENTAL = ("exponential", "log", "exponential-minus-one", "log-plus-one", "power", "logistic", "tanh")

MEMORY = """
import resource, sys, time
import numpy as np
import scalefit as sf

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20

rng = np.random.default_rng(0)
N, D = 10 ** rng.uniform(7, 10, {points}), 10 ** rng.uniform(9, 12, {points})
loss = (1.82 + 482.0 * N**-0.348 + 2085.0 * D**-0.366) * np.exp(0.01 * rng.standard_normal({points}))
runs = sf.Runs(loss=loss, N=N, D=D)
fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3))
before, begin = peak(), time.perf_counter()
draws = sf.bootstrap(fit, num={laws})
print(before, peak(), time.perf_counter() - begin, float(np.mean(draws.converged)))
"""
"""A whole process: one fit and its bootstrap; MiB at most before and after."""


class Farseer(AbstractLaw):
    r"""A law of nine numbers: $L = e^{a_3N^\gamma+b_3} + e^{a_2N^\beta+b_2}\,D^{-\exp(a_1N^\alpha+b_1)}$.

    Source: Li et al. 2025 (arXiv 2506.10972).
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    a3: Param = negative(dims={"parameters": lambda law: -law.gamma}, typical=(-2.0, -0.1))
    gamma: Param = positive(typical=(0.05, 0.3))
    b3: Param = real(typical=(-0.5, 0.5))
    a2: Param = positive(dims={"parameters": lambda law: -law.beta}, typical=(1.0, 20.0))
    beta: Param = negative(typical=(-0.3, -0.05))
    b2: Param = real(typical=(-8.0, 0.0))
    a1: Param = negative(dims={"parameters": lambda law: -law.alpha}, typical=(-4.0, -0.5))
    alpha: Param = positive(typical=(0.03, 0.3))
    b1: Param = real(typical=(0.0, 4.0))

    def __call__(self, N: Any, D: Any) -> Any:
        size = jnp.log(N)
        floor = jnp.exp(self.a3 * jnp.exp(self.gamma * size) + self.b3)
        height = self.a2 * jnp.exp(self.beta * size) + self.b2
        exponent = jnp.exp(self.a1 * jnp.exp(self.alpha * size) + self.b1)
        return floor + jnp.exp(height - exponent * jnp.log(D))


LAWS = {
    **{name: CASES[name] for name in ("PowerLaw, 3", "Chinchilla, 5", "BNSL, 1 break, 6")},
    "DataConstrained, 7": CASES["DataConstrained, 7"],
    "BNSL, 2 breaks, 9": CASES["BNSL, 2 breaks, 9"],
    "Farseer-like, 9": Case(
        Farseer(a3=-0.021, gamma=0.169, b3=-0.091, a2=88.01, beta=-0.1, b2=-6.287, a1=-0.124, alpha=0.123, b1=0.424),
        log_uniform(N=(1e6, 1e11), D=(1e9, 1e12)),
    ),
}


@jax.jit
def _exponentials(x: jax.Array) -> jax.Array:
    return jax.lax.fori_loop(0, TIMES, lambda _, x: jnp.exp(-x), x)


@jax.jit
def _products(a: jax.Array) -> jax.Array:
    return jax.lax.fori_loop(0, PRODUCTS, lambda _, x: a @ x, a)


def ceilings() -> dict[str, Callable[[], Any]]:
    """What the machine can do at most: exponentials of an array in cache, and products of float64 matrices."""
    with jax.enable_x64(True):
        x, a = jnp.linspace(0.0, 1.0, IN_CACHE), jnp.eye(SIDE)

    def exponentials() -> None:
        with jax.enable_x64(True):
            _exponentials(x).block_until_ready()

    def products() -> None:
        with jax.enable_x64(True):
            _products(a).block_until_ready()

    return {"exp": exponentials, "products": products}


def rates(times: Mapping[str, Timing]) -> tuple[float, float]:
    """Core nanoseconds of one exponential, and of one floating-point operation in a matrix product."""
    exp, products = times["exp"].core_least, times["products"].core_least
    return 1e9 * exp / (TIMES * IN_CACHE), 1e9 * products / (PRODUCTS * 2 * SIDE**3)


def calls(run: Callable[[], Any]) -> int:
    """How many calls take the least time that is worth timing."""
    begin = time.perf_counter()
    run()
    return max(1, round(LEAST / (time.perf_counter() - begin)))


class Pass:
    """The arithmetic of a pass alone: no step, no queue; as wide as the solver makes it."""

    def __init__(self, problem: Refits, count: int, runs: int):
        curve, noise, data = problem.prepared.curve, problem.noise, problem.prepared.data
        self.lanes = lane_width(count, runs, jax.default_backend())
        self.points = runs
        exact = np.arange(self.lanes) % 2 == 0

        def once(theta: Any, rows: Any) -> Any:
            return moments(curve, noise, theta, exact, rows)

        def many(theta: Any, rows: Any, repeats: Any) -> Any:
            def body(_: Any, at: Any) -> Any:
                # As in the solver, where the runs of a lane change, nothing of them is made ahead of the loop.
                at, here = jax.lax.optimization_barrier((at, rows))
                value, gradient, matrix = jax.lax.optimization_barrier(once(at, here))
                return at + 1e-30 * (gradient + jnp.sum(matrix, axis=1) + value[:, None])

            return jax.lax.fori_loop(0, repeats, body, theta)

        with jax.enable_x64(True):
            which = jnp.arange(self.lanes) % data.resamples.shape[0]
            self.rows = lanes(data, jnp.zeros_like(which), which)
            self.theta = jnp.repeat(jnp.asarray(problem.start), self.lanes, axis=0)
            self.compiled = jax.jit(many).lower(self.theta, self.rows, 1).compile()
            text = jax.jit(once).lower(self.theta, self.rows).compile().as_text()
        names = "|".join(TRANSCENDENTAL)
        shapes = re.findall(rf"= f64\[([\d,]+)\]\S* (?:{names})\(", text or "")
        # A block of many points is smaller than all of them, and far larger than the numbers of the law.
        least = min(runs, 64)
        self.repeats = 1
        self()
        self.repeats = calls(self)
        self.exps = sum(1 for shape in shapes if max(int(n) for n in shape.split(",")[1:] or [0]) >= least)

    def __call__(self) -> None:
        with jax.enable_x64(True):
            jax.block_until_ready(self.compiled(self.theta, self.rows, self.repeats))

    @property
    def evaluations(self) -> int:
        """Points seen in a call."""
        return self.repeats * self.lanes * self.points


def row(report: Report, what: str, name: str, case: Case, points: int, laws: int, rounds: int) -> None:
    scatter = QUIET if isinstance(case.truth, Farseer) else SCATTER
    runs, weights = simulated(case, points, scatter), resamples(points, laws)
    fit = sf.fit(case.truth, runs, noise=sf.noise.Huber(1e-3), throw=False)
    problem = Refits.of(fit, weights)
    solved = problem.solve(laws)
    passes = np.asarray(solved.steps, float)
    alone = Pass(problem, laws, points)
    again = calls(lambda: problem.solve(laws))

    def refit_all() -> None:
        for _ in range(again):
            problem.solve(laws)

    times = alternate({**ceilings(), "pass": alone, "refits": refit_all}, rounds + 1)
    for timing in times.values():  # the first round compiles
        del timing.wall[0], timing.core[0], timing.others[0]
    exp, flop = rates(times)
    refit = 1e9 * times["refits"].core_least / (again * passes.sum() * points)
    pass_ = 1e9 * times["pass"].core_least / alone.evaluations
    size = problem.prepared.curve.size
    # The products of slopes that make matrix and gradient: (size + 1) × size multiplications and additions a point.
    least = alone.exps * exp + 2 * (size + 1) * size * flop
    report.add(
        what,
        name,
        points,
        laws,
        again * laws / times["refits"].median,
        float(passes.mean()),
        refit,
        refit / exp,
        pass_,
        pass_ / exp,
        alone.exps,
        least / pass_,
        float(np.mean(np.asarray(solved.result) == int(sf.RESULTS.successful))),
        None,
        timing=times["refits"],
        exp_ns=exp,
        gflops_a_core=1.0 / flop,
        lanes=alone.lanes,
        calls_timed_together=again,
        passes_max=float(passes.max()),
        pass_timing=times["pass"].record(),
    )


def memory(report: Report, laws: int) -> None:
    source = MEMORY.format(points=POINTS, laws=laws)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    before, after, seconds, converged = (float(v) for v in done.stdout.split())
    report.add("memory", "Chinchilla, 5", POINTS, laws, laws / seconds, *(None,) * 7, converged, after, before=before)


def main() -> None:
    given = options(__doc__)
    report = Report(
        "scaling",
        "A pass costs the same for each point whatever their number and that of laws; 1e5 laws of 240 points stay "
        "within 2 GiB.",
        ("against", "law, parameters", "points", "laws", "fits/s", "passes", "refit, core ns/point/pass",
         "refit in exps", "arithmetic alone, ns/point", "alone in exps", "exps and logs in it", "share of ceilings",
         "converged", "peak MiB"),
        given,
    )  # fmt: skip
    # First, while this process is small: Linux counts what a process held before it became another program.
    for laws in (1000, 100_000) if given.quick else (1000, 10_000, 100_000):
        memory(report, laws)
    rounds = 2 if given.quick else 5
    chinchilla = "Chinchilla, 5"
    work = 240_000 if given.quick else 1_000_000
    for points in (100, 1000, 10_000) if given.quick else (100, 1000, 10_000, 100_000):
        row(report, "points", chinchilla, CASES[chinchilla], points, max(8, work // points), rounds)
    for laws in (1, 100, 10_000) if given.quick else (1, 10, 100, 1000, 10_000, 100_000):
        row(report, "laws", chinchilla, CASES[chinchilla], POINTS, laws, rounds)
    for name, case in LAWS.items():
        row(report, "parameters", name, case, POINTS, 100 if given.quick else 2000, rounds)
    exp = min(r["exp_ns"] for r in report.rows if "exp_ns" in r)
    gflops = max(r["gflops_a_core"] for r in report.rows if "gflops_a_core" in r)
    report.note(
        f"Ceilings of one core, best of the rounds: {exp:.2f} ns an exp of {IN_CACHE} float64 numbers in cache, "
        f"{gflops:.1f} GFLOP/s in a product of float64 matrices of {SIDE}. Each row is set against those of its own "
        f"rounds."
    )
    report.note(
        "refit: core time of all cores over passes × points, steps and queue in it; arithmetic alone: objective, "
        "gradient and matrix, on one set of lanes."
    )
    report.note(
        "share of ceilings: what its exps and logs (counted in the compiled program, as dear as an exp) and its "
        "matrix products would take at the ceilings, over what the arithmetic alone takes."
    )
    report.note(
        f"Runs are simulated, scatter {SCATTER:.0%}; {QUIET:.1%} for the Farseer-like law, which 240 runs with more "
        f"scatter do not determine: many of their resamples then use up their 300 passes."
    )
    report.note(
        "memory: a fresh process that fits and then calls sf.bootstrap, compilation in its fits/s; peak MiB of the "
        "whole process, and in the JSON file what it was before the call."
    )
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
