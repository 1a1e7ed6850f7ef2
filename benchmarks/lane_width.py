"""How many laws a core should take at once: the cost of a pass against the width of the queue, law by law.

The numbers that a pass holds for each lane and run are read again and again; they should stay in the first cache.
"""

import sys

import numpy as np
from _problems import Problem, chinchilla_runs, published_resamples, repeated_runs
from _report import Report, alternate, options

import scalefit as sf
from scalefit.solve import _run
from scalefit.solve._compiled import lane_width


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
        fit = sf.fit(law, runs)
        problem = Problem.of(fit.law, runs, published_resamples(len(runs), refits), fit.noise)
        passes = float(np.sum(problem.solve(refits, workers=1).steps))

        def run(width: int, problem: Problem = problem) -> None:
            _run.lane_width = lambda *_: width
            problem.solve(refits, workers=1)

        contenders = {str(width): (lambda width=width, run=run: run(width)) for width in widths}
        for contender in contenders.values():
            contender()
        for width, timing in alternate(contenders, 2 if given.quick else 4).items():
            core = timing.core_least
            chosen = "*" if int(width) == lane_width(refits, len(runs)) else ""
            report.add(
                name, int(width), 1e6 * core / refits, 1e9 * core / passes / len(runs), chosen, timing=timing
            )  # fmt: skip
        _run.lane_width = lane_width
    report.note("240 runs, one thread. Chosen: the width that a solve takes by itself.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
