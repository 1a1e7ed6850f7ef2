"""What a billion fits would take on a TPU pod and on a GPU server: a calculation, its assumptions said."""

import cProfile
import pstats
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from _report import Report, options
from sweep_rate import BATCH, RUNS, simulated

import scalefit as sf
from scalefit.problem import Problem
from scalefit.sweeps import Config, done, grid_of, laid

FITS = 1e9
STARTS, PASSES, NODES = 2, 9, 64
"""Of a sweep: starts that are polished, passes of each, and nodes of the screen for a study of a batch."""


class Machine(NamedTuple):
    """One accelerator and how many stand how.

    **Arguments:**

    - `vector`: Peak FLOP a second of its vector units at `precision`; `share`: of it that the engine is taken to reach.
    - `bandwidth`: Bytes a second of its memory.
    - `chips`, `hosts`: How many; `processes`: of the sweep on each host (`--shard`, or one for each accelerator).
    """

    name: str
    precision: str
    vector: float
    share: float
    bandwidth: float
    chips: int
    hosts: int
    processes: int


MACHINES = (
    # Published: 197 TFLOP/s of bf16 by the matrix units, 819 GB/s. Of the vector units no figure is published: 4
    # TFLOP/s of float32 are taken, from 1,024 lanes, 4 slots and about 1 GHz.
    Machine("v5e-256, a process a host", "float32", 4e12, 0.05, 819e9, 256, 64, 1),
    Machine("v5e-256, a process a chip", "float32", 4e12, 0.05, 819e9, 256, 64, 4),
    # Published: 67 TFLOP/s of float32 and 34 of float64 outside the tensor units, 4.8 TB/s.
    Machine("8 × H200, a process a GPU", "float32", 67e12, 0.05, 4.8e12, 8, 1, 8),
    Machine("8 × H200, a process a GPU", "float64", 34e12, 0.05, 4.8e12, 8, 1, 8),
    Machine("8 × H200, 8 processes a GPU", "float32", 67e12, 0.05, 4.8e12, 8, 1, 64),
)


def flop_a_pass() -> tuple[float, float]:
    """FLOP of one fit's objective with first and second derivatives, and of its value, by XLA's own count."""
    runs = simulated()
    prepared = Problem.of(sf.laws.Chinchilla(), runs, sf.noise.Huber(1e-3)).arrays
    curve, data = prepared.curve, jax.tree.map(lambda a: np.asarray(a)[0], prepared.data._replace(resamples=None))

    def objective(theta: Any) -> Any:
        one = jax.vmap(lambda point: curve(tuple(theta), point, data.constant))(data.point)
        return jnp.sum(sf.noise.Huber(1e-3).rho(data.target - jnp.log(one)))

    def count(program: Any) -> float:
        return float(jax.jit(program).lower(jnp.zeros(5)).compile().cost_analysis()["flops"])

    return count(lambda t: (jax.grad(objective)(t), jax.hessian(objective)(t))), count(objective)


def of_host() -> tuple[float, float]:
    """Seconds a fit by this machine's Python alone, and those of its devices, on one chunk."""
    config = Config.model_validate(
        {"sources": [{"runs": simulated()}], "laws": [sf.laws.Chinchilla], "splits": "resample", "seeds": 2 * BATCH}
    )
    grid = grid_of(config, Path())
    cell = grid.cells[0]
    done(cell, config, laid(cell, config, 0, BATCH))
    watch = cProfile.Profile()
    watch.enable()
    done(cell, config, laid(cell, config, BATCH, BATCH))
    watch.disable()
    stats: Any = pstats.Stats(watch)
    waiting = sum(row[2] for where, row in stats.stats.items() if "asarray" in where[2] or "acquire" in where[2])
    return (stats.total_tt - waiting) / BATCH, waiting / BATCH


def main() -> None:
    given = options(__doc__)
    full, value = flop_a_pass()
    host, device = of_host()
    flop = STARTS * PASSES * full + NODES * 2.0 * value
    report = Report(
        "pod_plan",
        f"{FITS:.0e} Chinchilla fits of {RUNS} runs, calculated.",
        ("machine", "precision", "compute, s", "memory, s", "host, s", "expected, min", "bound by"),
        given,
    )
    for machine in MACHINES:
        size = 4 if machine.precision == "float32" else 8
        traffic = (STARTS * PASSES + NODES) * RUNS * 4 * size
        compute = FITS * flop / (machine.vector * machine.share * machine.chips)
        memory = FITS * traffic / (machine.bandwidth * machine.chips)
        hosts = FITS * host / (machine.hosts * machine.processes)
        whole = max(compute, memory, hosts)
        by = {compute: "compute", memory: "memory", hosts: "host"}[whole]
        report.add(machine.name, machine.precision, compute, memory, hosts, whole / 60.0, by)
    report.note(
        f"A pass with two derivatives is {full:,.0f} FLOP and a value {value:,.0f} (XLA's count); {STARTS} starts of "
        f"{PASSES} passes and a screen of {NODES} nodes make {flop / 1e6:.3g} MFLOP a fit."
    )
    report.note(
        f"Python of the host takes {1e6 * host:.3g} µs a fit on one core of this machine, profiler included (drawing, "
        f"laying out, judging, writing; its devices {1e6 * device:.3g} µs more). Every array of a pass is taken to be "
        f"read from memory once; in fact lanes are kept in caches. Vector units are taken to reach 5 % of their peak. "
        f"Starts take as many passes as in lane_width.py. Nothing here was run on such machines."
    )
    report.finish()


if __name__ == "__main__":
    main()
