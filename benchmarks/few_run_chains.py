"""Posteriors of 8 to 24 runs under Student's t: what chains cost there and how they end, beside importance sampling."""

import time
import warnings

import numpy as np
from _report import Report, options

import scalefit as sf

TRUTH = sf.laws.Chinchilla(E=1.8, A=400.0, B=410.0, alpha=0.34, beta=0.28)


def study(count: int, seed: int) -> sf.Runs:
    """Runs at random sizes, half a per cent off by Student's t with four degrees of freedom."""
    rng = np.random.default_rng(seed)
    N, D = 10 ** rng.uniform(7.5, 9.5, count), 10 ** rng.uniform(9.0, 11.0, count)
    loss = TRUTH.E + TRUTH.A * N**-TRUTH.alpha + TRUTH.B * D**-TRUTH.beta
    return sf.Runs(loss * np.exp(0.005 * rng.standard_t(4, count)), N=N, D=D)


def main() -> None:
    given = options(__doc__)
    report = Report(
        "few_run_chains",
        "By default posteriors of few runs cost under a core-second; chains cost ten to hundreds of times as much.",
        ("runs", "seed", "method", "core s", "diverged", "R-hat", "khat", "ess", "tail", "intervals", "log alpha, sd"),
        given,
    )
    warnings.simplefilter("ignore", UserWarning)
    cases = [(24, 0)] if given.quick else [(8, 1), (8, 2), (10, 1), (10, 2), (12, 0), (12, 1), (24, 0)]
    for count, seed in cases:
        fit = sf.fit(sf.laws.Chinchilla, study(count, seed), noise=sf.noise.StudentT(4))
        for method in ("auto", "nuts"):
            core = time.process_time()
            draws = sf.sample(fit, num=1000, method=method)
            core = time.process_time() - core
            found = draws.diagnostics
            report.add(
                count, seed, found["method"], core, found["divergences"], max(found["rhat"].values()), found["khat"],
                found["ess_bulk"], found["ess_tail"], "yes" if draws.converged.all() else "none",
                float(np.std(np.log(draws.law.alpha))),
            )  # fmt: skip
    report.note(
        "1,000 draws; chains are four, taken again with smaller steps and three times as long where they diverged."
    )
    report.finish()


if __name__ == "__main__":
    main()
