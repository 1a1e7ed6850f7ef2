"""Plain draws beside a forecast: resampled runs, and the posterior by importance sampling, of the law by itself."""

import numpy as np

import scalefit as sf
from scalefit.calibrate._arms import LawArm
from scalefit.calibrate._rolled import Rolled

DRAWS = 100


def by_draws(found: Rolled) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """By kind of draws, what came less the forecast of the law, and the ends of its 90 % interval of a run, in log.

    All origins at which the law was fitted and converged.
    """
    arm = found.arms["law"]
    assert isinstance(arm, LawArm)
    assert arm.fits is not None
    out = {}
    for name, drawn in (
        ("bootstrap", sf.bootstrap(arm.fits, num=DRAWS)),
        ("posterior", sf.sample(arm.fits, num=DRAWS, method="is")),
    ):
        error, low, high = np.full((3, len(found.origin)), np.nan)
        for origin, place in enumerate(arm.place):
            here = np.flatnonzero(found.origin == origin)
            if place < 0 or not here.size:
                continue
            one = drawn.at[int(place)]
            if not one.fit.converged or not one.converged.any():
                continue
            at = {n: column[found.row[here]] for n, column in found.problem.inputs.items()}
            said = sf.predict(one, level=0.9, new_run=True, **at)
            error[here] = found.log_observed[here] - np.log(said.value)
            low[here], high[here] = (np.log(np.asarray(end)) - np.log(said.value) for end in (said.low, said.high))
        out[name] = error, low, high
    return out
