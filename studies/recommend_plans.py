"""The mixtures that the optimiser recommends for the bundled pools, as a file for `train_pools.py --plans`.

The law (`PoolsQQT`) is fitted to single pools and to fresh samples of each quality, up to 32 passes, the mean of the
logarithms over seeds; no mixture takes part. Weights are planned by `curate` under both half-life rules. Then

    python studies/recommend_plans.py recommended.json
    python studies/train_pools.py --plans recommended.json
"""

import argparse
import json
from pathlib import Path

import numpy as np

import scalefit as sf

BUDGETS = {"teacher": (8192, 16384, 32768, 65536), "signals": (16384, 32768, 65536, 131072)}
LONGEST = {"teacher": 32768, "signals": 65536}
"""Samples of the longest runs that take part."""
PASSES = {"teacher": 32.0, "signals": 16.0}
LEFT_OUT = "E"
"""The pool with a floor of its own, which no law here knows."""


def fitting_runs(task: str) -> tuple[sf.Runs, sf.Pools]:
    """Runs on one quality, to so many passes, the mean of the logarithms over seeds for each plan and count."""
    runs = sf.load_data(f"pools-{task}", where=f"kind in ['single', 'unlimited'] and n <= {LONGEST[task]}")
    pools = sf.Pools.of(runs)
    passes = [runs.inputs[f"w[{p}]"] * runs.inputs["n"] / runs.inputs[f"U[{p}]"] for p in pools.names]
    runs = runs.take((np.max(passes, axis=0) <= PASSES[task]) & (runs.inputs[f"w[{LEFT_OUT}]"] == 0))
    _, place = runs.codes(("pool", "n"))
    mean = np.bincount(place, np.log(runs.target)) / np.bincount(place)
    first = runs.take(np.unique(place, return_index=True)[1])
    kept = sf.Pools({p: s for p, s in zip(pools.names, pools.sizes, strict=True) if p != LEFT_OUT})
    return sf.Runs(np.exp(mean), target="error", name=f"pools-{task}", **first.inputs), kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="where the plans are written")
    path = parser.parse_args().file
    entries = []
    for task, budgets in BUDGETS.items():
        runs, pools = fitting_runs(task)
        for rule in ("own", "weighted"):
            fit = sf.fit(sf.laws.PoolsQQT(half_life=rule), runs, noise=sf.noise.Gaussian())
            plan = sf.curate(fit, pools, budget=budgets)
            print(plan)
            for budget, weights in zip(budgets, plan.weights, strict=True):
                shares = {p: round(float(w), 4) for p, w in zip(pools.names, weights, strict=True) if w >= 5e-4}
                most = max(shares, key=lambda p: shares[p])
                shares[most] = round(1.0 - sum(w for p, w in shares.items() if p != most), 4)
                entries.append({"name": f"{task}-{rule}-{budget}", "task": task, "weights": shares})
    path.write_text(json.dumps(entries, indent=1))


if __name__ == "__main__":
    main()
