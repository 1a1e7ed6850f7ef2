"""Independent studies in one batch: 1,000 and 10,000 of 64 runs each, every one screened, polished and judged."""

import sys

import numpy as np
from _report import Report, alternate, options, within

import scalefit as sf

RUNS = 64


def simulated(studies: int, seed: int = 0) -> sf.Runs:
    """Chinchilla studies that differ in everything: parameters, sizes, budgets and scatter of half a percent."""
    rng = np.random.default_rng(seed)
    shape = (studies, RUNS)

    def own(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (studies, 1))

    N, D = 10 ** rng.uniform(7, 10, shape), 10 ** rng.uniform(9, 12, shape)
    E, alpha, beta = own(1.4, 2.2), own(0.25, 0.45), own(0.25, 0.45)
    # Both terms are of the order of one at the centre of the runs.
    capacity = own(0.1, 0.6) * (N / 10**8.5) ** -alpha
    data = own(0.1, 0.6) * (D / 10**10.5) ** -beta
    loss = (E + capacity + data) * np.exp(0.005 * rng.standard_normal(shape))
    group = np.repeat(np.arange(studies), RUNS)
    return sf.Runs(loss=loss.ravel(), N=N.ravel(), D=D.ravel(), group=group, name="simulated studies")


def main() -> None:
    given = options(__doc__)
    report = Report(
        "many_studies",
        "10,000 studies of 64 runs, screen included: at least 5,000 fits/s.",
        ("studies", "starts kept", "fits/s", "best fits/s", "core µs/fit", "converged", "within 1e-6 of 8 starts'",
         "8 starts within 1e-6 of these"),
        given,
    )  # fmt: skip
    for studies in (1000,) if given.quick else (1000, 10_000):
        runs = simulated(studies)
        fits = {}

        def fit(fits: dict[int, sf.Fit], runs: sf.Runs, starts: int) -> None:
            fits[starts] = sf.fit(
                sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3), by="group", num_starts=starts, throw=False
            )

        contenders = {k: (lambda k=k, runs=runs, fits=fits: fit(fits, runs, k)) for k in (2, 1, 8)}
        for run in contenders.values():
            run()
        times = alternate({str(k): run for k, run in contenders.items()}, 2 if given.quick else 5)
        objective = {k: np.asarray(f.objective) for k, f in fits.items()}
        for k in contenders:
            timing = times[str(k)]
            report.add(
                studies,
                k,
                studies / timing.median,
                studies / timing.least,
                1e6 * timing.core_least / studies,
                float(np.mean(fits[k].converged)),
                within(objective[k], objective[8], 1e-6),
                within(objective[8], objective[k], 1e-6),
                timing=timing,
            )
    report.note("sf.fit(by='group') keeps 2 starts of the screen by default. Times are of the whole call.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
