"""How far forecasts go astray by the experience of many studies: what a study begins with."""

import functools
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

MOST_EXCESS = 0.5
"""Beyond this excess forecasts are not known to go farther astray."""
LEVELS = 4.0
"""Spread of the logarithms of a law's terms, of which other studies say nothing."""


class Prior(NamedTuple):
    r"""What public studies tell of forecasts, made by `studies/forecasts.py --prior`.

    An arm is expected to miss by $c_0 + c_1 T + c_2 T^2 + c_3 x$ in log loss, T e-folds of compute beyond the runs and
    x above the least loss at that compute. What the stack of arms misses beyond scatter, errors and the disagreement of
    its arms has the standard deviation $\sqrt{(k T)^2 + (q x^4 / (x^4 + h^4))^2}$.

    **Arguments:**

    - `arms`: Name of an arm → the four numbers.
    - `rate`: k, by e-fold of compute; `excess`: q, far off the frontier; `edge`: h, the excess at which it is half.
    - `size`: How far the best size for a budget is astray, in log N, where runs end; half as far more by e-fold beyond.
    - `shapes`: Mean and spread over families of log E over the least loss, and of log kα, log kβ and log k, of the
      coupled law near the frontier.
    - `region`: The excess at which a run counts half; `walk`: by root of an e-fold of compute, how far the law may
      walk; `tilt`: the share of the excess by which it may miss what is off the frontier.
    - `scale`: Of the scatter near the frontier, which counts as `scale_count` runs.
    - `odds`: Of the law itself being right, before any backtest.
    - `power`: Of the expected miss, with which weights fall.
    - `arm_count`, `width_count`: For how many backtests of a study its prior counts.
    - `families`: From how many families of studies it was learnt, `forecasts`: from how many forecasts.
    """

    arms: Mapping[str, tuple[float, ...]]
    rate: float
    excess: float
    edge: float
    size: float
    shapes: tuple[tuple[float, ...], tuple[float, ...]]
    region: float
    walk: float
    tilt: float
    scale: float
    scale_count: float
    odds: float
    power: float
    arm_count: float
    width_count: float
    families: int
    forecasts: int

    def misses(
        self, names: Sequence[str], T: Float[np.ndarray, " forecast"], x: Float[np.ndarray, " forecast"]
    ) -> Float[np.ndarray, "arm forecast"]:
        """By arm, how far a forecast is expected to go astray."""
        known = np.array([self.arms[name] for name in names])
        T, x = np.maximum(T, 0.0), np.clip(x, 0.0, MOST_EXCESS)
        return known @ np.stack([np.ones_like(T), T, T**2, x])

    def variance(self, T: Float[np.ndarray, "..."], x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Of what the stack misses, beyond what its parts know."""
        power = np.maximum(x, 0.0) ** 4
        return (self.rate * np.maximum(T, 0.0)) ** 2 + (self.excess * power / (power + self.edge**4)) ** 2

    @property
    def of_shapes(self) -> tuple[Float[np.ndarray, "6"], Float[np.ndarray, "6"]]:
        """Mean and spread of the numbers of a coupled law, both terms being alike at the centre."""
        (E, p, q, k), spread = self.shapes
        level = np.log1p(-np.exp(E)) * np.exp(-k) - np.log(2.0)
        return np.array([E, level, level, p, q, k]), np.array([spread[0], LEVELS, LEVELS, *spread[1:]])


@functools.cache
def prior_of_studies() -> Prior:
    """The prior that comes with the package."""
    said = json.loads(resources.files("scalefit.calibrate").joinpath("prior.json").read_text("utf-8"))
    arms = {name: tuple(numbers) for name, numbers in said["arms"].items()}
    return Prior(**{**said, "arms": arms, "shapes": tuple(tuple(numbers) for numbers in said["shapes"])})
