"""How often 95 % intervals of the exponent hold it, where all rows are checkpoints of a few trainings."""

import sys
import warnings

import numpy as np
from _benchmarks import Report, options

import scalefit as sf

LAW = sf.laws.Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.31)
TRUE = float(LAW.beta / (LAW.alpha + LAW.beta))
SCATTER = {
    "1 % by training": (0.01, 0.0),
    ".7 % by training, .7 % by checkpoint": (0.007, 0.007),
    "1 % by checkpoint": (0.0, 0.01),
}
"""Standard deviation of what a training is off by throughout, and of what each of its checkpoints adds."""
SIZES = (12, 24)
CHECKPOINTS = 30


def checkpoints(sizes: int, common: float, own: float, seed: int) -> sf.Runs:
    """Trainings of sizes from 3e7 to 3e10, read from 1e18 to 1e21 FLOP."""
    rng = np.random.default_rng([seed, sizes])
    N, C = np.meshgrid(np.geomspace(3e7, 3e10, sizes), np.geomspace(1e18, 1e21, CHECKPOINTS), indexing="ij")
    off = common * rng.standard_normal((sizes, 1)) + own * rng.standard_normal(N.shape)
    loss = (LAW.E + LAW.A * N**-LAW.alpha + LAW.B * (C / 6 / N) ** -LAW.beta) * np.exp(off)
    run = np.broadcast_to(np.arange(sizes)[:, None], N.shape)
    return sf.Runs(loss.ravel(), N=N.ravel(), C=C.ravel(), run=run.ravel(), name=f"study {seed}")


def found(runs: sf.Runs, seed: int) -> dict[str, tuple[float, float, float]]:
    """The exponent and the ends of its interval by every approach, and by all of them."""
    three = sf.approaches(runs, method="parabola", num=200, seed=seed)
    trends = dict(three.trends)
    trends["isoflop, parabola"] = trends.pop("isoflop")
    cut = three.curves
    trends["isoflop, spline"] = sf.isoflop(cut, method="spline", num=200, seed=seed).trend_N
    trends["isoflop, parabola, each checkpoint by itself"] = sf.isoflop(
        cut, method="parabola", cluster=None, num=200, seed=seed
    ).trend_N
    found = {name: one.interval() for name, one in trends.items()} | {"all three approaches": three.exponent()}
    return {
        name: (float(one.value), *(np.nan if end is None else float(end) for end in (one.low, one.high)))
        for name, one in found.items()
    }


def main() -> None:
    given = options(__doc__)
    count = 6 if given.quick else 100
    report = Report(
        "checkpoint_intervals",
        "The exponent of N* from checkpoints: 95 % intervals of each approach against what it is.",
        ("trainings", "scatter", "approach", "bias", "sd", "sd by interval", "holds the exponent"),
        given,
    )
    warnings.simplefilter("ignore", UserWarning)
    for sizes in SIZES:
        for name, (common, own) in SCATTER.items():
            every = [found(checkpoints(sizes, common, own, seed), seed) for seed in range(count)]
            for approach in sorted(every[0]):
                a, low, high = np.array([one[approach] for one in every]).T
                held = np.mean((low <= TRUE) & (high >= TRUE))
                report.add(sizes, name, approach, a.mean() - TRUE, a.std(), np.median(high - low) / 3.92, held)
    report.note(f"{count} studies of each, {CHECKPOINTS} checkpoints a training; the exponent is {TRUE:.4f}.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
