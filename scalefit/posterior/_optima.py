"""The optima of a fit that has several, each as likely as its evidence says."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..estimate import rivals_of
from ..results import Fit
from ._draw import modes_of
from ._importance import shares
from ._mode import mode
from ._study import studies_of


class Optima(NamedTuple):
    """Where the posterior density has its maxima.

    **Arguments:**

    - `law`: The law at each along a leading axis, the likeliest first.
    - `weight`: The share of each: its evidence by the curvature about it.
    """

    law: Any
    weight: Float[np.ndarray, " optimum"]


def optima(fit: Fit[Any], *, cluster: str | tuple[str, ...] | None = "auto", seed: int = 0) -> Optima | None:
    """Find the optima that are reached from those of a single fit and from draws of the prior; `None` for a fit of one.

    **Arguments:** as `sample` has them.

    **Raises:** `InputError` as `sample` does.
    """
    ((which, prepared),) = fit.problem.parts()
    if not len(rivals_of(prepared, fit, which)[0]):
        return None
    (study,) = studies_of(fit, cluster)
    found = modes_of(study, mode(study.density, study.start), seed)
    law = study.laws(np.stack([one.numbers for one in found]))
    return Optima(law, shares(np.array([one.evidence for one in found])))
