"""Do the intervals that a fit has by itself hold the truth, with one run more than numbers and with many?

Studies of two laws are drawn and fitted by the default noise, a batch for each count of runs; the 90 % interval to
first order of an exponent, of the loss at ten times the compute and of the best size there is asked whether it holds
what is true. A study without an interval is counted apart and holds nothing.
"""

from typing import Any

import numpy as np
from _benchmarks import Report, options

import scalefit as sf
from scalefit.results import nearby, to_first_order

CHINCHILLA = sf.laws.Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.31)
POWER = sf.laws.PowerLaw(E=1.8, A=95.0, alpha=0.22)
LEFT = (1, 2, 3, 5, 8, 20, 60)
SCATTER = 0.005
FAR = {"N": 1.6e10, "D": 3.2e11}


def drawn(law: Any, runs: int, errors: str, studies: int, seed: int) -> sf.Runs:
    """So many studies of a law, as one table."""
    rng = np.random.default_rng([seed, runs, len(errors)])
    shape = studies, runs
    off = rng.standard_normal(shape) if errors == "normal" else rng.standard_t(4, shape)
    study = np.repeat(np.arange(studies), runs)
    if isinstance(law, sf.laws.PowerLaw):
        inputs = {"x": np.exp(rng.uniform(np.log(1e18), np.log(1e21), shape))}
        value = law.E + law.A * (inputs["x"] / 1e15) ** -law.alpha
        inputs["x"] /= 1e15
    else:
        inputs = {"N": np.exp(rng.uniform(np.log(5e7), np.log(5e9), shape)),
                  "D": np.exp(rng.uniform(np.log(1e9), np.log(1e11), shape))}  # fmt: skip
        value = law.E + law.A * inputs["N"] ** -law.alpha + law.B * inputs["D"] ** -law.beta
    return sf.Runs(
        (value * np.exp(SCATTER * off)).ravel(),
        study=study,
        **{name: column.ravel() for name, column in inputs.items()},
    )


def best_size(law: Any, budget: float) -> Any:
    """The best N for a budget (arXiv 2203.15556, equation 4), studies along an axis."""
    with np.errstate(all="ignore"):
        G = (law.alpha * law.A / (law.beta * law.B)) ** (1.0 / (law.alpha + law.beta))
        return G * (budget / 6.0) ** (law.beta / (law.alpha + law.beta))


def held(interval: Any, truth: float) -> tuple[float, float]:
    """The share of studies that have an interval, and of these that hold the truth."""
    low, high = (np.atleast_1d(end) for end in (interval.low, interval.high))
    has = ~np.isnan(low) & ~np.isnan(high)
    return float(np.mean((low <= truth) & (truth <= high) & has)), float(np.mean(has))


def intervals(fits: Any, law: Any) -> dict[str, tuple[float, float]]:
    """By what is asked."""
    alpha = [one["alpha"] for one in sf.summary(fits, 0.9).values()]
    ends = [[np.nan if end is None else float(end) for end in (one.low, one.high)] for one in alpha]
    known = np.isfinite([low for low, _ in ends])
    found = {
        "alpha": (float(np.mean([low <= law.alpha <= high for low, high in ends])), float(known.mean())),
    }
    if isinstance(law, sf.laws.PowerLaw):
        return found | {"10x": held(sf.predict(fits, level=0.9, x=1e7), float(law.E + law.A * 1e7**-law.alpha))}
    found["10x"] = held(sf.predict(fits, level=0.9, **FAR), float(law(**FAR)))
    budget = 6.0 * FAR["N"] * FAR["D"]
    # As `allocate` has it of one study.
    about = nearby(fits)
    size = to_first_order(best_size(fits.law, budget), best_size(about.laws, budget), about, 0.9)
    return found | {"N*": held(size, float(best_size(law, budget)))}


def main() -> None:
    given = options(__doc__)
    studies = 60 if given.quick else 300
    report = Report(
        "calibration_default",
        f"Shares of {studies} studies whose default 90 % interval holds the truth; seed 0.",
        ("law", "errors", "runs", "runs less numbers", "alpha", "10x", "N*", "have one"),
        given,
    )
    for law in (CHINCHILLA, POWER):
        numbers = 5 if law is CHINCHILLA else 3
        for errors in ("normal", "student"):
            for left in LEFT[1:3] if given.quick else LEFT:
                runs = drawn(law, left + numbers, errors, studies, 0)
                fits = sf.fit(type(law), runs, by="study", throw=False)
                rates = intervals(fits, law)
                report.add(
                    type(law).__name__, errors, left + numbers, left,
                    *(rates[name][0] if name in rates else None for name in ("alpha", "10x", "N*")),
                    min(has for _, has in rates.values()),
                )  # fmt: skip
    report.note(
        f"Scatter {100 * SCATTER:g} %, normal or Student-t with 4 degrees of freedom, and the default noise. 10x: the "
        "loss at ten times the compute of the largest run; N*: the best size there. An interval may have no end."
    )
    report.finish()


if __name__ == "__main__":
    main()
