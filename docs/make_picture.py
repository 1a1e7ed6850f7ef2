"""Draw the picture of the README, and print what it shows.

    python docs/make_picture.py

Runs of Chinchilla (digitised, arXiv 2404.10102): the smaller half by compute is fitted, and the larger half foreseen.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

import scalefit as sf

PICTURE = Path(__file__).parent / "images" / "readme.png"
BLUE, ORANGE, INK = "#0072b2", "#d55e00", "#222222"


def foreseen() -> tuple[Any, ...]:
    """The larger half of the runs by forecasts from the smaller: fit, which runs it saw, forecasts, the law alone."""
    runs = sf.load_data("epoch-chinchilla", where="loss < 3.44")
    C, N = runs.inputs["C"], runs.inputs["N"]
    small = np.median(C) >= C
    fit = sf.fit(sf.laws.Chinchilla, runs.take(np.flatnonzero(small)))
    late = {"N": N[~small], "D": C[~small] / (6.0 * N[~small])}
    return runs, small, fit, sf.forecast(fit, **late).run, sf.predict(fit, **late, level=0.9, new_run=True)


def held(one: Any, loss: Any) -> float:
    """The share of losses in their intervals, in per cent."""
    return float(np.mean((one.low <= loss) & (loss <= one.high))) * 100.0


def main() -> None:
    """Fit, foresee, plan, draw."""
    import matplotlib.pyplot as plt

    warnings.filterwarnings("ignore", message="The training of the plan for")  # as is the point of a forecast
    runs, small, fit, one, alone = foreseen()
    C, loss = runs.inputs["C"], runs.target
    print(f"fitted to {np.sum(small)} runs up to {C[small].max():.3g} FLOP, foreseen up to {C.max():.3g}")
    for name, by in (("forecast", one), ("law alone", alone)):
        print(f"{name}: {held(by, loss[~small]):.1f} % of {np.sum(~small)} larger runs lie in their 90 % interval")
    budgets = np.geomspace(C.min(), C.max(), 60)
    plan = sf.allocate(fit, budget=budgets)
    least = sf.forecast(fit, N=plan.N.value, D=plan.D.value).curve
    draws = sf.bootstrap(sf.fit(sf.laws.Chinchilla, runs), num=200)
    plans = sf.allocate(draws, budget=np.geomspace(1e20, 1e24, 33))

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.6), layout="constrained")
    left.fill_between(budgets, least.low, least.high, color=ORANGE, alpha=0.3, lw=0)
    left.plot(budgets, least.value, color=INK, lw=1.3, label="least loss, forecast")
    left.plot(C[small], loss[small], "o", ms=3, mew=0, color=BLUE, label="smaller half, fitted")
    left.plot(C[~small], loss[~small], "o", ms=3, mew=0, color=ORANGE, label="larger half, not seen")
    left.set_yscale("log")
    left.set_yticks([2.0, 2.5, 3.0, 3.5], ["2", "2.5", "3", "3.5"])
    left.minorticks_off()
    _name(left, "How will the large runs turn out?", "training compute (FLOP)", "loss (nats per token)", "upper right")

    order = np.argsort(C[~small])
    for by, color, label in ((one, ORANGE, "forecast"), (alone, BLUE, "law alone")):
        low, high = (_smooth(100.0 * (end / one.value - 1.0)[order]) for end in (by.low, by.high))
        middle.fill_between(C[~small][order], low, high, color=color, alpha=0.3, lw=0, label=f"90 % interval, {label}")
    middle.plot(C[~small], 100.0 * (loss[~small] / one.value - 1.0), "o", ms=3, mew=0, color=ORANGE)
    middle.axhline(0.0, color=INK, lw=0.8)
    _name(middle, "How sure is that?", "training compute (FLOP)", "what came, above the forecast (%)", "lower left")

    flat = plans.near_optimal[0.005]
    right.fill_between(plans.budgets, flat.low, flat.high, color="0.85", lw=0, label="loss within 0.5 % of the best")
    right.fill_between(plans.budgets, plans.N.low, plans.N.high, color=BLUE, alpha=0.4, lw=0, label="95 % interval")
    right.plot(plans.budgets, plans.N.value, color=INK, lw=1.3, label="best size")
    right.set_yscale("log")
    _name(right, "What should I train?", "budget (FLOP)", "model size (parameters)", "upper left")
    figure.savefig(PICTURE, dpi=160, metadata={"Software": None})


def _smooth(ends: Any) -> Any:
    """Medians of 15 runs of like compute, as each run has an interval of its own."""
    return np.array([np.median(ends[max(i - 7, 0) : i + 8]) for i in range(len(ends))])


def _name(ax: Any, title: str, x: str, y: str, legend: str) -> None:
    """The look of every panel."""
    ax.set_xscale("log")
    ax.set_title(title, fontsize=11, loc="left", fontweight="bold")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(color="0.92")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8.5, loc=legend)


if __name__ == "__main__":
    main()
