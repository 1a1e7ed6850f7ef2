"""What was observed of mixtures, and how far from it a mixture lies."""

import numpy as np
from jaxtyping import Float

from ..._core import Finding
from ._known import Known

LOOKED_AT = 64
"""Observed mixtures at most whose distance from the others is looked at."""


def observed_mixtures(known: Known) -> Float[np.ndarray, "mixture domain"] | None:
    """The mixtures of the runs, each once; `None` of laws without runs."""
    runs = known.runs
    if runs is None:
        return None
    shares = np.stack([runs.inputs[f"{known.mixed.shares}[{name}]"] for name in known.domains], axis=1)
    return np.unique(shares, axis=0)


def hull_distance(observed: Float[np.ndarray, "mixture domain"], w: Float[np.ndarray, " domain"]) -> float:
    """Half the sum of differences between weights and the nearest mixture of observed ones (nearest by squares)."""
    from scipy.optimize import nnls  # most calls of the package do without SciPy

    # A row that weighs a lot makes the shares of the observed ones sum to 1.
    system = np.concatenate([observed.T, np.full((1, len(observed)), 1e3)])
    shares, _ = nnls(system, np.append(w, 1e3), maxiter=30 * system.shape[1])
    return float(0.5 * np.abs(observed.T @ (shares / shares.sum()) - w).sum())


def is_outside(distance: float, known_to: float) -> bool:
    """Whether a mixture lies farther from the observed ones than these from each other; up to 5 % is no distance."""
    return bool(distance > max(known_to, 0.05))


def support(distance: float, known_to: float) -> Finding | None:
    """What the check `mixture-support` finds of a mixture that lies so far; `None` where that is near enough."""
    if not is_outside(distance, known_to):
        return None
    said = (
        f"The weights lie outside what was observed: {100 * distance:.3g} % of the whole away from the nearest mixture "
        f"of the runs, where half of these lie within {100 * round(known_to, 4):.3g} % of a mixture of the others"
    )
    return Finding("mixture-support", "warning", said, "train one there before you rely on the prediction",
                   {"outside": distance, "known to": known_to})  # fmt: skip


def known_distance(observed: Float[np.ndarray, "mixture domain"]) -> float:
    """How far observed mixtures lie from what the others make up: the median, of some if there are many."""
    if len(observed) < 3:
        return 0.0
    some = np.unique(np.linspace(0, len(observed) - 1, min(len(observed), LOOKED_AT)).astype(int))
    return float(np.median([hull_distance(np.delete(observed, i, axis=0), observed[i]) for i in some]))
