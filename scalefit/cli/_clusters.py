"""What `--cluster` asks for, and what a bootstrap draws as one where it does not."""

from typing import Any

import numpy as np

from ..data import Runs

SEEDS = 6
"""Seeds, at least, for seeds to be drawn as one: of fewer a bootstrap says little."""


def clusters_of(runs: Runs, asked: str | None) -> tuple[Any, str]:
    """What is resampled as one, and that in words.

    Seeds that stand under every plan were shared, as far as a table can show: the same pools and initial weights under
    all of them, so that runs of a seed err together and whole seeds are drawn. Too few of them say little; then the
    trainings are drawn, each by itself.
    """
    if asked is not None and asked.lower() != "auto":
        if asked.lower() == "none":
            return None, "runs, each drawn by itself"
        by = tuple(name.strip() for name in asked.split(","))
        return by, f"{np.unique(runs.clusters(by)).size} clusters by {', '.join(by)}"
    if "run" not in runs.labels and "seed" in runs.labels and "pool" in runs.labels:
        seeds = {plan: frozenset(part.labels["seed"].tolist()) for plan, part in runs.split("pool")}
        shared = frozenset.intersection(*seeds.values())
        if len(seeds) > 1 and len(shared) >= SEEDS and None not in shared and len(set(seeds.values())) == 1:
            return "seed", f"{len(shared)} seeds, all runs of one drawn together, as they stand under every plan alike"
    count = int(np.unique(runs.clusters()).size)
    if count == len(runs):
        return "auto", f"{count} runs, each drawn by itself"
    return "auto", f"{count} trainings, the rows of each drawn together"
