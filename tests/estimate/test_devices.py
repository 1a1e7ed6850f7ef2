"""The same answers on any number of devices, in any precision and from any solver that says it converged."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import optimistix
import pytest

import scalefit as sf

PROGRAM = """
import json
import sys

import jax
import numpy as np
import optax
import scalefit as sf

rng = np.random.default_rng(0)
N, D = 10 ** rng.uniform(7, 10, 64), 10 ** rng.uniform(9, 12, 64)
loss = (1.8 + 480 * N**-0.35 + 2100 * D**-0.37) * np.exp(0.01 * rng.standard_normal(64))
runs = sf.Runs(loss, N=N, D=D)
weights = rng.multinomial(64, np.full(64, 1 / 64), size=101)
draws = sf.bootstrap(sf.fit(sf.laws.Chinchilla, runs), weights=weights)

def refuse(parameters):
    raise RuntimeError("asked")

try:
    sf.fit(sf.laws.Chinchilla, runs, solver=optax.GradientTransformation(refuse, refuse))
    asked = False
except RuntimeError:
    asked = True

few = sf.Runs((1.8 + 480 * N**-0.35)[:32] * np.exp(0.01 * rng.standard_normal(32)), x=N[:32])
start = sf.laws.PowerLaw(E=np.array([1.8, 1.7, 1.6, 1.5]), A=np.full(4, 400.0), alpha=np.full(4, 0.34))
fits = []
for count in (2, 4):
    some = sf.laws.PowerLaw(E=start.E[:count], A=start.A[:count], alpha=start.alpha[:count])
    fit = sf.fit(sf.laws.PowerLaw, few, noise=sf.noise.Gaussian(), starts=some)
    fits.append([fit.tried, int(fit.agreeing), float(fit.objective)])
found = {"devices": len(jax.devices()), "asked": asked, "objectives": draws.objective.tolist(), "fits": fits}
print(json.dumps(found))
"""
"""Refits are mapped over devices that exist, another library's solver is asked all the same, and fits may be fewer."""


def run(devices: int) -> Any:
    environment = os.environ | {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # of which one run of each program is asked
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=600
    )
    return json.loads(done.stdout)


def test_devices_change_no_answer():
    """Neither where there are fewer fits than devices, nor where their number does not divide."""
    one, three = run(1), run(3)
    assert (one["devices"], three["devices"]) == (1, 3)
    assert one["asked"]
    assert three["asked"]
    np.testing.assert_allclose(three["objectives"], one["objectives"], rtol=1e-9)
    for found in (one, three):
        assert [row[:2] for row in found["fits"]] == [[count, count] for count in (2, 4)]
        np.testing.assert_allclose([row[2] for row in found["fits"]], one["fits"][0][2], rtol=1e-9)


@pytest.mark.parametrize(("precision", "within"), [("float32", 1e-5), ("mixed", 1e-9)])
def test_precisions_reach_the_same_optimum(precision, within, runs):
    fit = sf.fit(sf.laws.Chinchilla, runs)
    other = sf.fit(sf.laws.Chinchilla, runs, precision=precision)
    assert other.objective == pytest.approx(float(fit.objective), rel=within)


@pytest.mark.parametrize(
    "solver",
    [optimistix.BFGS(rtol=1e-9, atol=1e-9), optimistix.LevenbergMarquardt(rtol=1e-9, atol=1e-9)],
    ids=["bfgs", "levenberg-marquardt"],
)
def test_optimistix_reaches_the_same_optimum(solver, fit, runs):
    other = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian(), solver=solver, num_starts=2)
    assert other.objective == pytest.approx(float(fit.objective), rel=1e-6)
