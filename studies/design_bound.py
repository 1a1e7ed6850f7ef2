"""How well any choice from a pool could forecast, the law being known: what designs can reach at most."""

import sys

import numpy as np
from _benchmarks import Report, options
from design_simulated import NOISE, SEED, SHARES, TARGET, bound, pools, simulated


def main() -> None:
    given = options(__doc__)
    count = 8 if given.quick else 64
    often = (1, 4, 16, np.inf)
    report = Report(
        "design_bound",
        "The least error of any design by that of the whole pool, each of its runs done once.",
        (
            "pool",
            "share of cost",
            *("once" if n == 1 else "any number" if n == np.inf else f"{n} seeds" for n in often),
        ),
        given,
    )
    for name, pool in pools().items():
        if not pool.once.all():
            continue
        law = simulated(count, pool, SEED).law
        for share in SHARES:
            report.add(name, share, *(bound(law, pool, share, seeds) for seeds in often))
    report.note(
        f"{count} studies of each pool, noise {100 * NOISE:g} %, seed {SEED}; rms over studies of the standard "
        f"deviation of the log loss at the best size for {TARGET:g} FLOP, by Fisher's information at the true law. "
        f"Runs in parts, no pilot; a number of seeds is how often each run of the pool may be done at the most."
    )
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
