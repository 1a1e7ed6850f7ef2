"""A curve that is no law, E + A exp(-alpha x), and runs of it: what the solvers are given in these tests."""

import dataclasses
import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from scalefit.solve import Data

RUNS = 48
TRUTH = (1.5, 2.0, 0.7)


@dataclasses.dataclass(frozen=True)
class Decay:
    """E + A exp(-alpha x), free numbers (E, A, alpha); E and A are amplitudes and may vanish."""

    size: int = 3
    caps: tuple[float, ...] = (1.5, 1.5, 1.5)
    lower: tuple[float, ...] = (0.0, 0.0, -math.inf)
    sized: tuple[bool, ...] = (True,) * 3
    by_factor: tuple[bool, ...] = (True,) * 3
    amplitudes: tuple[int, ...] = (0, 1)
    series: bool = False

    def packed(self, point):
        return point

    def __call__(self, theta, point, constant):
        return theta[0] + theta[1] * jnp.exp(-theta[2] * point["x"]) + constant[0]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240407)


@pytest.fixture
def curve() -> Decay:
    return Decay()


@pytest.fixture
def make_data() -> Callable[..., Data]:
    """Runs of one or more studies, with noise and whatever else is asked for."""

    def make(
        studies: int = 1,
        *,
        truth: tuple[float, ...] = TRUTH,
        noise: float = 0.02,
        log: bool = False,
        precision: bool = False,
        resamples: int | None = None,
        seed: int = 0,
    ) -> Data:
        rng = np.random.default_rng(seed)
        x = np.sort(rng.uniform(0.0, 4.0, (studies, RUNS)), axis=1)
        clean = truth[0] + truth[1] * np.exp(-truth[2] * x)
        value = np.exp(noise * rng.standard_normal(x.shape)) * clean
        return Data(
            {"x": jnp.asarray(x)},
            jnp.asarray(np.log(value) if log else value),
            jnp.asarray(rng.uniform(0.5, 1.5, x.shape) if precision else np.ones_like(x)),
            jnp.asarray(rng.uniform(0.5, 2.0, x.shape)) if precision else None,
            jnp.zeros((studies, 1)),
            None if resamples is None else jnp.asarray(rng.multinomial(RUNS, np.full(RUNS, 1 / RUNS), resamples) * 1.0),
        )

    return make
