"""How often 90 % intervals of the bootstrap hold the truth, where rows are checkpoints of 9 to 20 trainings.

Trainings are drawn whole. The exponent, the loss at ten times the compute of the largest run, and the best size there.
"""

import warnings
from typing import Any

import numpy as np
from _benchmarks import Report, options

import scalefit as sf

TRUTH = sf.laws.Chinchilla.published("epoch")
FAR = 1e10 * 10**0.5, 3e11 * 10**0.5
TRAININGS = (9, 12, 16, 20)
CHECKPOINTS = 4
SCATTER = {
    ".5 % by training": (0.005, 0.0),
    ".35 % by training, .35 % by checkpoint": (0.0035, 0.0035),
    ".5 % by checkpoint": (0.0, 0.005),
}
"""Standard deviation of what a training is off by throughout, and of what each of its checkpoints adds."""
DRAWS = 150


def asked(law: Any) -> dict[str, Any]:
    """What intervals are asked for."""
    N, D = FAR
    with np.errstate(all="ignore"):
        G = (law.alpha * law.A / (law.beta * law.B)) ** (1.0 / (law.alpha + law.beta))
        far = law.E + law.A * N**-law.alpha + law.B * D**-law.beta
        return {"alpha": law.alpha, "10x": far, "N*": G * (N * D) ** (law.beta / (law.alpha + law.beta))}


def studies_of(trainings: int, common: float, own: float, count: int) -> sf.Runs:
    """Trainings of sizes and lengths even in the logarithm, each read at a fifth to all of its tokens."""
    rng = np.random.default_rng([1, trainings, int(common * 1e4)])
    shape = count, trainings, CHECKPOINTS
    N = np.broadcast_to((3e7 * (1e10 / 3e7) ** rng.random(shape[:2]))[..., None], shape)
    D = (1e9 * 300.0 ** rng.random(shape[:2]))[..., None] * np.linspace(0.2, 1.0, CHECKPOINTS)
    off = common * rng.standard_normal((*shape[:2], 1)) + own * rng.standard_normal(shape)
    loss = (TRUTH.E + TRUTH.A * N**-TRUTH.alpha + TRUTH.B * D**-TRUTH.beta) * np.exp(off)
    study, run = (np.broadcast_to(a, shape).ravel() for a in np.ogrid[:count, :trainings, :1][:2])
    return sf.Runs(loss.ravel(), N=N.ravel(), D=D.ravel(), run=run).with_column("study", study)


def main() -> None:
    given = options(__doc__)
    count = 20 if given.quick else 200
    claim = "Shares of studies whose 90 % interval holds the truth, trainings drawn whole."
    report = Report("checkpoint_draws", claim, ("trainings", "scatter", "alpha", "10x", "N*", "width of 10x, %"), given)
    warnings.simplefilter("ignore", UserWarning)
    true = {name: float(value) for name, value in asked(TRUTH).items()}
    for trainings in TRAININGS:
        for scatter, (common, own) in SCATTER.items():
            runs = studies_of(trainings, common, own, count)
            fits = sf.fit(sf.laws.Chinchilla, runs, by="study", num_starts=2, throw=False)
            draws = sf.bootstrap(fits, num=DRAWS)
            held, wide = [], np.nan
            for name, column in asked(draws.law).items():
                low, high = np.nanquantile(np.where(draws.converged, column, np.nan), [0.05, 0.95], axis=-1)
                held.append(float(np.mean(((low <= true[name]) & (true[name] <= high))[fits.converged])))
                wide = 100.0 * float(np.nanmedian(np.log(high / low))) if name == "10x" else wide
            report.add(trainings, scatter, *held, wide)
    report.note(f"{count} studies of each, {CHECKPOINTS} checkpoints a training; a share is uncertain by .02.")
    report.finish()


if __name__ == "__main__":
    main()
