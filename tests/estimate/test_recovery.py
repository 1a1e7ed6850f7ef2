"""Runs without noise give the law back, whatever the law."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import LAWS, one_by_one, runs_at

import scalefit as sf

RUNS = 64
_values = eqx.filter_jit(jax.vmap(lambda law, point: law(**point), in_axes=(None, 0)))


def clean(row, seed) -> tuple[dict[str, Any], np.ndarray]:
    """Inputs of runs and the true law's values there, in float64."""
    point = row.sample(np.random.default_rng(seed), RUNS)
    with jax.enable_x64(True):
        return point, np.asarray(_values(row.truth, point))


SEVERAL = ("Chinchilla", "DataConstrained", "Kaplan", "PowerLaw", "QQT", "Skaling")
"""Laws that are fitted under more than one noise."""
ELSEWHERE = ("Farseer", "JointMoE", "MultiPower")
"""Laws that are recovered where it is seen, too, how they are centred: `tests/laws/test_walls.py`."""


# Pools that are all seen again, without noise: the floor is found all the same.
@pytest.mark.filterwarnings("ignore:.*trade off:scalefit.FloorWarning")
@pytest.mark.parametrize(
    ("row", "noise"),
    [
        pytest.param(row, noise, id=f"{name}-{kind}")
        for name, row in LAWS.items()
        for kind, noise in {"gaussian": sf.noise.Gaussian(), "huber": sf.noise.Huber(1e-3)}.items()
        if name not in ELSEWHERE and (kind == "gaussian" or name in SEVERAL)
    ],
)
def test_noise_free_runs_give_the_law_back(row, noise, unset):
    point, value = clean(row, 0)
    noise = noise if row.log else dataclasses.replace(noise, log=False)
    fit = sf.fit(unset(row), runs_at(row.truth, point, value), noise=noise, fixed=row.fixed)
    assert fit.reached
    elsewhere, expected = clean(row, 1)
    for at, true in ((point, value), (elsewhere, expected)):
        np.testing.assert_allclose(sf.predict(fit, **one_by_one(row.truth, at)).value, true, rtol=1e-6)


def test_noise_free_runs_give_the_law_back_while_the_scale_vanishes(unset):
    """A free scale would fall for ever on such runs: it rests at its least value, and the law is right."""
    row = LAWS["Chinchilla"]
    point, value = clean(row, 0)
    fit = sf.fit(unset(row), sf.Runs(value, **point), noise=sf.noise.StudentT())
    assert fit.scale == pytest.approx(np.exp(-21.0))
    np.testing.assert_allclose(sf.predict(fit, **point).value, value, rtol=1e-6)
