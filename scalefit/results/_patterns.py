"""Patterns in residuals that a law of another form would not leave."""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..laws import Weights, input_kinds
from ._check import check_fit
from ._fit import Fit
from ._trainings import basis_of, numbers_of, residuals_by_training, rest_of

OWN = 0.3
"""Size of what the law cannot follow of a pattern, at least, as a share of all of it."""


class Pattern(NamedTuple):
    """What residuals do along the inputs.

    **Arguments:**

    - `name`: `"trend N"`, they rise or fall with an input; `"curvature N"`, too high at both ends or in the middle;
        `"saddle N D"`, two inputs act together as they do not in the law.
    - `t`: Its size over its standard error, by Student's t of what the law and the pattern leave free.
    - `p`: Two-sided probability of as much by chance; of the law's own kind there is none, and it is left out.
    """

    name: str
    t: float
    p: float


def patterns(fit: Fit[Any]) -> tuple[Pattern, ...]:
    r"""How far residuals follow each simple pattern that the law cannot, the strongest first.

    A pattern $d$ of standardised inputs, of sizes their logarithms: $x$, $x^2 - 1$, and $x_1 x_2$. What the slopes of
    the law can follow is taken out of it, so that $t = z \cdot d_\perp/(s\,|d_\perp|)$ is that of one more number in
    the law (a score test). Trainings of several rows count once; outliers are drawn in.

    **Arguments:**

    - `fit`: One fit that converged; of another there is none.
    """
    scores, freedom = pattern_scores(fit)
    if not scores:
        return ()
    from scipy.special import stdtr  # a third of a second, which few fits need

    found = (Pattern(name, t, 2.0 * float(stdtr(freedom, -abs(t)))) for name, t in scores.items())
    return tuple(sorted(found, key=lambda one: one.p))


def pattern_scores(fit: Fit[Any]) -> tuple[dict[str, float], int]:
    """The t of each pattern by name, and what the law and a pattern leave free: see `patterns`."""
    check_fit("fit", fit)
    if fit.keys is not None or not fit.converged:
        return {}, 0
    z, slope, rows = residuals_by_training(fit)
    basis = basis_of(slope)
    left, freedom = rest_of(basis, z), len(z) - basis.shape[1] - 1
    found = {}
    for name, direction in _directions(fit, rows).items() if freedom >= 1 else ():
        off = rest_of(basis, direction)
        size = float(np.linalg.norm(off))
        # What is left of a pattern that the law follows nearly is no longer of its name.
        if size < OWN * np.linalg.norm(direction):
            continue
        along = float(left @ off) / size
        scatter = np.sqrt(max(float(left @ left) - along**2, 0.0) / freedom)
        found[name] = along / scatter if scatter > 0.0 else 0.0
    return found, freedom


def _directions(fit: Fit[Any], rows: Any) -> dict[str, Float[np.ndarray, " training"]]:
    """Patterns by name, over the trainings, each row of which has its share."""
    counts, kinds = np.bincount(rows), input_kinds(fit.law)
    columns = {name: np.bincount(rows, x) / counts for name, x in numbers_of(fit).items()}
    columns = {n: (x - x.mean()) / x.std() for n, x in columns.items() if np.ptp(x) > 0.0}
    found = {f"trend {n}": x for n, x in columns.items()}
    # Of two values, the square is a constant.
    found |= {f"curvature {n}": x**2 - 1.0 for n, x in columns.items() if np.unique(np.round(x, 9)).size > 2}
    alone = [n for n in columns if not isinstance(kinds[n], Weights)]
    found |= {f"saddle {a} {b}": columns[a] * columns[b] for a, b in combinations(alone, 2) if len(alone) <= 4}
    return {name: d * np.sqrt(counts) for name, d in found.items()}
