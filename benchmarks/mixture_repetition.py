"""Best mixtures where repeats lose value: `sf.optimise_mixture` against SLSQP with eight times its core time.

Laws drawn at random over 7 and 17 domains, of each of which there are tokens for a twentieth to five times its even
share: a repeat is worth less than a fresh token. Of exponential laws of five targets what is lost counts as tokens of
the domain least useful, which is convex and certified; of additive ones the run is one of fewer fresh tokens, which
need not be convex and is searched from many starts. SLSQP is SciPy's, on one thread, with slopes written out by hand
in NumPy, and starts from mixtures at random until eight times the core time of the whole call is over: that call
finds the mixture under all four treatments of repetition, once things are compiled. Both are measured by the same
NumPy function. An optimum is where no move of weight from one domain to another has a slope below -1e-4, and distinct
where some weight differs by more than .001. An exponent γ above 1 makes a whole share of one domain worth more than
its parts.
"""

import os
import sys
import time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy loads it

import numpy as np
from _report import Report, options
from scipy.optimize import minimize

import scalefit as sf

TARGETS, SEED, BUDGET, SIZE, REPEATS = 5, 20250926, 1e11, 1e9, 15.387756
COLUMNS = ("law", "domains", "problems", "as good or better", "excess at most", "SLSQP's excess at most", "optima",
           "SLSQP's optima", "core-s", "SLSQP's core-s", "SLSQP's starts")  # fmt: skip

EACH = ("excess", "SLSQP's excess", *COLUMNS[6:])


def worth(w: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weights that fresh tokens of the same value would have, and their slopes."""
    passes = w * BUDGET / there
    again = np.maximum(passes - 1.0, 0.0)
    held = -np.expm1(-again / REPEATS)
    lasting = np.where(again > 0.0, (1.0 + REPEATS * held) * there / BUDGET, w)
    return lasting, np.where(again > 0.0, 1.0 - held, 1.0)


class Exponential:
    """The mean of k exp(t · w) over targets."""

    def __init__(self, count: int, rng: np.random.Generator):
        t = rng.normal(0.0, 2.0, (TARGETS, count))
        self.k, self.t = rng.uniform(0.2, 1.0, TARGETS), t - t.mean(axis=1, keepdims=True)

    def laws(self, names: tuple[str, ...]) -> Any:
        """As scalefit has them."""
        each = zip(self.k, self.t, strict=True)
        return {f"target {i}": sf.laws.MixingExp(c=0.0, k=k, t=t, domain=names) for i, (k, t) in enumerate(each)}

    def at(self, w: np.ndarray, there: np.ndarray) -> tuple[float, np.ndarray]:
        """The objective and its slope."""
        new, slope = worth(w, there)
        lost = w.sum() - new.sum()
        most = self.t.max(axis=1)
        value = self.k * np.exp(self.t @ new + most * lost)
        by = value[:, None] * (self.t * slope + most[:, None] * (1.0 - slope))
        return float(value.mean()), by.mean(axis=0)


class Additive:
    """E + 1 / Σ C w^γ + A N^-α + B D^-β."""

    most = 0.9

    def __init__(self, count: int, rng: np.random.Generator):
        self.C, self.gamma = rng.uniform(0.3, 3.0, count), rng.uniform(0.2, self.most, count)

    def laws(self, names: tuple[str, ...]) -> Any:
        """As scalefit has it."""
        return sf.laws.MixingAdditive(
            E=1.2, C=self.C, gamma=self.gamma, A=482.0, B=2085.0, alpha=0.35, beta=0.37, domain=names
        )

    def at(self, w: np.ndarray, there: np.ndarray) -> tuple[float, np.ndarray]:
        """The objective and its slope."""
        new, slope = worth(w, there)
        total = new.sum()
        part = np.maximum(new / total, 1e-12)
        terms = self.C * part**self.gamma
        of_tokens = 2085.0 * (BUDGET * total) ** -0.37
        of_part = -self.gamma * terms / part / terms.sum() ** 2
        of_new = (of_part - of_part @ part) / total - 0.37 * of_tokens / total
        return float(1.2 + 1.0 / terms.sum() + 482.0 * SIZE**-0.35 + of_tokens), of_new * slope


class Whole(Additive):
    """The same with exponents above 1."""

    most = 2.0


def by_slsqp(law: Any, there: np.ndarray, seconds: float, rng: np.random.Generator) -> tuple[float, int, int]:
    """The least value, how many distinct optima, and how many starts there was time for."""
    count = len(there)
    whole = {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(count)}
    ends: list[tuple[float, np.ndarray]] = []
    end = time.process_time() + seconds
    while time.process_time() < end or not ends:
        start, bounds = rng.dirichlet(np.ones(count)), [(0.0, 1.0)] * count
        found = minimize(lambda w: law.at(w, there), start, jac=True, bounds=bounds, constraints=[whole],
                         method="SLSQP", options={"ftol": 1e-12, "maxiter": 500})  # fmt: skip
        w = np.clip(found.x, 0.0, 1.0)
        ends.append((law.at(w / w.sum(), there)[0], w / w.sum()))
    kept: list[np.ndarray] = []
    for _, w in sorted(ends, key=lambda one: one[0]):
        slope = law.at(w, there)[1]
        rests = slope[w < 1.0].min() - slope[w > 1e-9].max() > -1e-4
        if rests and all(np.abs(w - other).max() > 1e-3 for other in kept):
            kept.append(w)
    return min(value for value, _ in ends), len(kept), len(ends)


def main() -> None:
    """Print the table."""
    asked = options(__doc__)
    report = Report("mixture_repetition", "Best mixtures where repeats lose value, against SLSQP", COLUMNS, asked)
    kinds = {"exponential": Exponential, "additive": Additive, "additive, γ up to 2": Whole}
    for name, kind in kinds.items():
        for count in (7, 17):
            rows = []
            for problem in range(1 if asked.quick else 6):
                rng = np.random.default_rng([SEED, count, problem])
                law, names = kind(count, rng), tuple(f"d{i}" for i in range(count))
                there = BUDGET * np.exp(rng.uniform(np.log(0.05 / count), np.log(5.0 / count), count))
                limits = {"tokens": dict(zip(names, there, strict=True))}
                at = {"D": BUDGET} | ({} if kind is Exponential else {"N": SIZE})
                laws = law.laws(names)
                sf.optimise_mixture(laws, at=at, limits=limits)
                begun = time.process_time()
                best = sf.optimise_mixture(laws, at=at, limits=limits).treatments["discounted"]
                taken = time.process_time() - begun
                ours = law.at(best.weights, there)[0]
                assert abs(ours - best.value) < 1e-9 * abs(ours), "the two functions differ"
                theirs, optima, starts = by_slsqp(law, there, 8.0 * taken, rng)
                least = min(ours, theirs)
                rows.append((ours / least - 1.0, theirs / least - 1.0, best.optima, optima, taken, 8.0 * taken, starts))
            table = np.array(rows)
            report.add(
                name, count, len(rows), int((table[:, 0] <= 1e-9).sum()), float(table[:, 0].max()),
                float(table[:, 1].max()), float(np.median(table[:, 2])), float(np.median(table[:, 3])),
                *(float(np.median(table[:, i])) for i in (4, 5, 6)),
                problems_each=[dict(zip(EACH, row, strict=True)) for row in table.tolist()],
            )  # fmt: skip
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
