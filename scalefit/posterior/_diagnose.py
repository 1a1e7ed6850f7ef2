"""How well chains of draws have mixed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

TAILS = 0.05, 0.95


def chains_diagnosed(
    numbers: Float[np.ndarray, "*study chain draw number"],
    diverging: Bool[np.ndarray, "*study chain draw"],
    names: Sequence[str],
) -> dict[str, Any]:
    """Worst effective numbers of draws, of the bulk and of the tails, split R̂ by parameter, and divergences.

    Each is one number, or one for each study.
    """
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    # Chains and draws come first there.
    by_chain = np.moveaxis(numbers, (-3, -2), (0, 1))
    # Chains that do not move divide 0 by 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        bulk = np.asarray(effective_sample_size(by_chain)).min(axis=-1)
        tails = [
            np.asarray(effective_sample_size((by_chain <= np.quantile(by_chain, level, axis=(0, 1))).astype(float)))
            for level in TAILS
        ]
        split = np.asarray(split_gelman_rubin(by_chain))
    found = {
        "ess_bulk": bulk,
        "ess_tail": np.min(tails, axis=(0, -1)),
        "rhat": {name: split[..., i] for i, name in enumerate(names)},
        "divergences": np.sum(diverging, axis=(-2, -1)),
    }
    return found
