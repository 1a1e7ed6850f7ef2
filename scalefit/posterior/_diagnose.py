"""How well chains of draws have mixed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

TAILS = 0.05, 0.95


def chains_diagnosed(
    numbers: Float[np.ndarray, "chain draw number"], diverging: Bool[np.ndarray, "chain draw"], names: Sequence[str]
) -> dict[str, Any]:
    """Worst effective numbers of draws, of the bulk and of the tails, split R̂ by parameter, and divergences."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    bulk = [float(effective_sample_size(numbers[..., i])) for i in range(numbers.shape[-1])]
    tails = []
    for i in range(numbers.shape[-1]):
        for level in TAILS:
            below = numbers[..., i] <= np.quantile(numbers[..., i], level)
            tails.append(float(effective_sample_size(below.astype(float))))
    rhat = {name: float(split_gelman_rubin(numbers[..., i])) for i, name in enumerate(names)}
    return {"ess_bulk": min(bulk), "ess_tail": min(tails), "rhat": rhat, "divergences": int(diverging.sum())}
