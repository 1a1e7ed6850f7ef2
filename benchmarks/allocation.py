"""What to train for the compute of Chinchilla, from 4,000 resamples of its 240 digitised runs.

The resamples are those behind the published errors (arXiv 2404.10102): rows drawn by NumPy's legacy generator, seed 42.
"""

import numpy as np
from _report import Report, alternate, options

import scalefit as sf

BUDGETS = (5.76e23, 1e26)
CANDIDATES = (4e10, 1e11, 2.8e11)
"""Sizes whose regret and waste are told at the first budget: the last is that of Gopher."""


def main() -> None:
    given = options(__doc__)
    count = 400 if given.quick else 4000
    runs = sf.load_data("epoch-chinchilla").where("loss < 3.44")
    legacy = np.random.RandomState(42)
    rows = [legacy.choice(len(runs), size=len(runs), replace=True) for _ in range(count)]
    weights = np.stack([np.bincount(row, minlength=len(runs)) for row in rows]).astype(float)
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3), seed=0)
    draws = sf.bootstrap(fit, weights=weights)

    report = Report(
        "allocation",
        "What to train for a budget: the loss is known, where it is reached is not (95 % intervals).",
        ("what", "FLOP", "value", "low", "high"),
        given,
    )
    times = alternate({"plan": lambda: sf.allocate(draws, budget=BUDGETS[0])}, 2 if given.quick else 5)
    for b, budget in enumerate(BUDGETS):
        plan = sf.allocate(draws, budget=BUDGETS)
        for words, name, unit in (
            ("N, 1e9", "N", 1e9),
            ("D, 1e9", "D", 1e9),
            ("D/N", "D_per_N", 1.0),
            ("loss", "loss", 1.0),
        ):
            found = getattr(plan, name)
            report.add(words, f"{budget:g}", *(float(a[b]) / unit for a in (found.value, found.low, found.high)))
        for share, (low, high) in plan.near_optimal.items():
            report.add(f"N, 1e9, within {100 * share:g} %", f"{budget:g}", None, low[b] / 1e9, high[b] / 1e9)
    plan = sf.allocate(draws, budget=BUDGETS[0])
    for size in CANDIDATES:
        wasted = plan.misallocation(size, price=1 / BUDGETS[0])
        for words, found in (("regret", plan.regret(size)), ("share wasted", wasted)):
            ends = (float(a[0]) for a in (found.value, found.low, found.high))
            report.add(f"{words} at N = {size:g}", f"{BUDGETS[0]:g}", *ends)
    for name in ("hoffmann", "hoffmann-rounded"):
        alone = sf.allocate(sf.laws.Chinchilla.published(name), budget=BUDGETS[0])
        report.add(f"D/N by {name}", f"{BUDGETS[0]:g}", float(alone.D_per_N.value[0]), None, None)
    report.note(f"{count} draws; one budget takes {times['plan'].least:.2g} s with every draw, compiled before.")
    report.finish()


if __name__ == "__main__":
    main()
