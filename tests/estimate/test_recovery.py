"""Runs without noise give the law back, whatever the law."""

from typing import Any

import jax
import numpy as np
import pytest
from helpers import LAWS, one_by_one

import scalefit as sf

RUNS = 64


def clean(row, seed) -> tuple[dict[str, Any], np.ndarray]:
    """Inputs of runs and the true law's values there, in float64."""
    point = row.sample(np.random.default_rng(seed), RUNS)
    with jax.enable_x64(True):
        return point, np.asarray(jax.jit(jax.vmap(lambda at: row.truth(**at)))(point))


# Pools that are all seen again, without noise: the floor is found all the same.
@pytest.mark.filterwarnings("ignore:.*trade off:scalefit.FloorWarning")
@pytest.mark.parametrize(
    ("row", "noise"),
    [
        pytest.param(row, noise, id=f"{name}-{kind}")
        for name, row in LAWS.items()
        for kind, noise in {"gaussian": sf.noise.Gaussian(), "huber": sf.noise.Huber(1e-3)}.items()
        # Every law under one noise, and laws of few programs under the other, too.
        if kind == "gaussian" or not name.startswith(("Pools", "BNSL"))
    ],
)
def test_noise_free_runs_give_the_law_back(row, noise, unset):
    point, value = clean(row, 0)
    fit = sf.fit(unset(row.truth), sf.Runs(value, **one_by_one(row.truth, point)), noise=noise)
    assert fit.converged
    elsewhere, expected = clean(row, 1)
    np.testing.assert_allclose(sf.predict(fit, **point).value, value, rtol=1e-6)
    np.testing.assert_allclose(sf.predict(fit, **elsewhere).value, expected, rtol=1e-6)


def test_noise_free_runs_give_the_law_back_while_the_scale_vanishes(unset):
    """A free scale would fall for ever on such runs: it rests at its least value, and the law is right."""
    row = LAWS["Chinchilla"]
    point, value = clean(row, 0)
    fit = sf.fit(unset(row.truth), sf.Runs(value, **point), noise=sf.noise.StudentT())
    assert fit.scale == pytest.approx(np.exp(-21.0))
    np.testing.assert_allclose(sf.predict(fit, **point).value, value, rtol=1e-6)
