"""How many laws a core should take at once: the cost of a pass against the width of the queue, law by law.

The numbers that a pass holds for each lane and run are read again and again; they should stay in the first cache.
"""

import sys

import jax
import numpy as np
from _problems import Refits, chinchilla_runs, published_resamples, repeated_runs
from _report import Report, alternate, options

import scalefit as sf
from scalefit.noise import AbstractNoise
from scalefit.problem import Prepared
from scalefit.solve import lane_width, polish


def main() -> None:
    given = options(__doc__)
    refits, widths = (256, (8, 16, 64)) if given.quick else (1024, (4, 8, 16, 32, 64, 128))
    report = Report(
        "lane_width",
        "Few lanes, whose numbers stay in the first cache, are the quickest for every law.",
        ("law, parameters", "lanes", "core µs/fit", "ns/point/pass", "chosen"),
        given,
    )
    studies = {
        "Chinchilla, 5": (sf.laws.Chinchilla, chinchilla_runs()),
        "Kaplan, 4": (sf.laws.Kaplan, chinchilla_runs()),
        "data-constrained, 7": (sf.laws.DataConstrained, repeated_runs()),
    }
    for name, (law, runs) in studies.items():
        fit = sf.fit(law, runs, noise=sf.noise.Huber(1e-3))
        problem = Refits.of(fit, published_resamples(len(runs), refits))
        passes = float(np.sum(problem.solve(refits, workers=1, driver="compiled").steps))
        prepared = problem.prepared
        start = np.repeat(problem.start, refits, axis=0)

        def run(width: int, prepared: Prepared = prepared, noise: AbstractNoise = fit.noise, start: np.ndarray = start):
            which = np.arange(refits, dtype=np.int32)
            with jax.enable_x64(True):
                solved = polish(
                    prepared.curve, noise, prepared.data, start, np.zeros_like(which), which, prepared.floor,
                    np.int32(300), count=np.int32(refits), width=width,
                )  # fmt: skip
                jax.block_until_ready(solved)

        contenders = {str(width): (lambda width=width, run=run: run(width)) for width in widths}
        for contender in contenders.values():
            contender()
        for width, timing in alternate(contenders, 2 if given.quick else 4).items():
            core = timing.core_least
            chosen = "*" if int(width) == lane_width(refits, len(runs)) else ""
            report.add(
                name, int(width), 1e6 * core / refits, 1e9 * core / passes / len(runs), chosen, timing=timing
            )  # fmt: skip
    report.note("240 runs, one thread. Chosen: the width that a solve takes by itself.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
