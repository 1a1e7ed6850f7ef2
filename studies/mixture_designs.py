"""What mixtures to train next are worth: the regret left by six more mixtures that were designed, or drawn at random.

Twelve mixtures of four domains and three targets come first; the law is fitted, six more are chosen by V, by D, or
drawn evenly, measured and fitted with the others. Regret is by how much the mean target at the weights then found best
exceeds its least by the truth.
"""

import warnings
from typing import Any

import numpy as np
from _benchmarks import Report, options

import scalefit as sf

DOMAINS = ("web", "books", "code", "maths")
SLOPES = np.array([[-1.6, 0.4, 0.9, 0.3], [0.8, -2.4, 1.2, 0.4], [0.5, 0.9, -2.0, 0.6]])
LAWS = {
    f"target {i + 1}": sf.laws.MixingExp(c=2.0, k=0.5, t=row - row.mean(), domain=DOMAINS)
    for i, row in enumerate(SLOPES)
}
SCATTER = 0.01
FIRST, MORE = 12, 6


def clean(law: Any, w: np.ndarray) -> np.ndarray:
    """A target at mixtures, without scatter."""
    return law.c + law.k * np.exp(w @ np.asarray(law.t))


def fitted(w: np.ndarray, measured: dict[str, np.ndarray]) -> sf.Fit[Any]:
    """The law of each target from runs on mixtures."""
    shares: dict[str, Any] = {f"w[{name}]": w[:, i] for i, name in enumerate(DOMAINS)}
    runs = sf.Runs(measured, run=np.arange(len(w)), **shares)
    return sf.fit(sf.laws.MixingExp, runs, by="target", noise=sf.noise.Gaussian(), throw=False)


def study(seed: int) -> dict[str, float] | None:
    """The regret of one study by how it went on; `None` where a fit has no optimum."""
    rng = np.random.default_rng(seed)

    def measure(w: np.ndarray) -> dict[str, np.ndarray]:
        return {name: clean(law, w) * np.exp(SCATTER * rng.standard_normal(len(w))) for name, law in LAWS.items()}

    w = rng.dirichlet(np.ones(len(DOMAINS)), FIRST)
    measured = measure(w)
    first = fitted(w, measured)
    if not first.reached.all():
        return None
    found = {"none": sf.optimise_mixture(first).weights}
    for way in ("V", "D", "random"):
        drawn = rng.dirichlet(np.ones(len(DOMAINS)), MORE)
        more = drawn if way == "random" else sf.design_mixtures(first, num=MORE, criterion=way).weights
        also = measure(more)
        again = fitted(np.concatenate([w, more]), {name: np.concatenate([measured[name], also[name]]) for name in LAWS})
        if not again.reached.all():
            return None
        found[way] = sf.optimise_mixture(again).weights
    least = sf.optimise_mixture(LAWS).value
    return {way: float(np.mean([clean(law, w) for law in LAWS.values()])) - least for way, w in found.items()}


def main() -> None:
    given = options(__doc__)
    claim = "Six more mixtures that were designed leave less regret than as many drawn at random."
    columns = ("six more", "mean regret, 1e-3", "its standard error", "median, 1e-3")
    report = Report("mixture_designs", claim, columns, given)
    warnings.simplefilter("ignore", UserWarning)
    each = [study(seed) for seed in range(3 if given.quick else 24)]
    whole = [one for one in each if one is not None]
    for way in ("none", "random", "V", "D"):
        regret = 1e3 * np.array([one[way] for one in whole])
        report.add(way, float(regret.mean()), float(regret.std() / np.sqrt(len(regret))), float(np.median(regret)))
    report.note(f"{len(whole)} studies; {len(each) - len(whole)} without an optimum of every fit are left out.")
    report.finish()


if __name__ == "__main__":
    main()
