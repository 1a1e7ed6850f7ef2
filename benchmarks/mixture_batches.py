"""Best mixtures of convex laws, alone and as the draws of a batch: an interior point against SLSQP, law by law.

Laws drawn at random, each another one: five exponential targets over K domains, each of which has room for at most
three times its even share, so that optima are on the boundary. SLSQP is SciPy's with the gradient, on one thread, from
even weights, to ftol 1e-12, and solves some of the laws of each row, one by one. Times are core-seconds, the least of
three once things are compiled; those of the first call, nothing compiled before, stand beside them. An excess is over
the lesser of the two values, as a share of it; the gap is what the certificate leaves, in the same unit.
"""

import os
import sys
import time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy loads it

import jax
import numpy as np
import scipy
from _report import Report, options
from mixture_gradient_against_search import TARGETS, by_slsqp, cost, timed

from scalefit.solve import minimise_convex

SEED = 20261201
COLUMNS = ("laws", "domains", "where", "at a limit", "within 1e-6", "excess at most", "SLSQP's excess at most",
           "gap at most", "first call, core-s", "core-s", "ms a law", "SLSQP, ms a law", "times SLSQP")  # fmt: skip
ROWS = (
    # laws, domains, where the steps are taken, laws that SLSQP solves
    (1, 17, "host", 1), (32, 17, "host", 32), (2000, 17, "host", 200), (1, 256, "host", 1), (1, 256, "compiled", 1),
    (256, 256, "compiled", 16), (1000, 256, "compiled", 16), (1, 4096, "host", 0), (1, 4096, "compiled", 0),
    (64, 4096, "compiled", 0),
)  # fmt: skip


def laws(count: int, domains: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels and slopes of the targets, and the most that each domain may have."""
    rng = np.random.default_rng(SEED)
    t = rng.normal(0.0, 2.0, (count, TARGETS, domains))
    k = rng.uniform(0.2, 1.0, (count, TARGETS))
    return k, t - t.mean(axis=2, keepdims=True), np.full((count, domains), min(1.0, 3.0 / domains))


def main() -> None:
    """Print the table."""
    asked = options(__doc__)
    report = Report("mixture_batches", "Best mixtures of convex laws, alone and in batches", COLUMNS, asked)
    for count, domains, where, theirs in ROWS[:2] if asked.quick else ROWS:
        k, t, most = laws(count, domains)

        def ours(k: Any = k, t: Any = t, most: Any = most, where: Any = where) -> Any:
            return minimise_convex(cost, (k, t), np.zeros_like(most), most, driver=where)

        jax.clear_caches()
        found, first = timed(ours)
        taken = min(timed(ours)[1] for _ in range(3))
        limited = float(np.mean((found.weights <= 0.0) | (found.weights >= most)))
        gap = float(np.max(found.gap / np.abs(found.value)))
        excess, above, within, each = None, None, None, None
        if theirs:
            begun = time.process_time()
            other = np.array([by_slsqp(k[i], t[i], most[i], 1e-12) for i in range(theirs)])
            each = (time.process_time() - begun) / theirs
            least = np.minimum(other, found.value[:theirs])
            excess = float(np.max(found.value[:theirs] / least - 1.0))
            above = float(np.max(other / least - 1.0))
            within = f"{int(np.sum(found.value[:theirs] / other - 1.0 <= 1e-6))} of {theirs}"
        faster = None if each is None else each / (taken / count)
        report.add(count, domains, where, limited, within, excess, above, gap, first, taken, 1e3 * taken / count,
                   None if each is None else 1e3 * each, faster)  # fmt: skip
    report.note(f"SLSQP is that of SciPy {scipy.__version__}.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
