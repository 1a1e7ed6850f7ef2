"""What laws say of mixtures that somebody names, and whether these keep the limits."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ._known import at_one_scale, known_of
from ._limits import MixtureLimits
from ._objective import objective_of
from ._optimise import Task, keeps


class Judged(NamedTuple):
    """Mixtures as the laws see them.

    **Arguments:**

    - `value`: Of the objective, by the fit itself; `allowed`: whether the limits are kept.
    """

    value: Float[np.ndarray, " mixture"]
    allowed: Bool[np.ndarray, " mixture"]


def judged(
    result: Any,
    weights: Float[np.ndarray, "mixture domain"],
    *,
    objective: Any = "mean",
    limits: MixtureLimits | Mapping[str, Any] | None = None,
    at: Mapping[str, Any] | None = None,
) -> Judged:
    """The objective of mixtures, in the order of the law's domains, and whether they keep the limits of a plan.

    The other arguments are those of `optimise_mixture`, whose errors it raises.
    """
    result, at = at_one_scale(result, at, objective)
    known = known_of(result, 2)
    task = Task.of(known, objective_of(objective, known.targets), MixtureLimits.of(limits), at or {}, None, 0.9, 0)
    box = task.treatments[task.recommended][1]
    return Judged(task.values(weights), np.array([keeps(w, box) for w in weights]))
