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
import jax
import numpy as np
import optax
import scalefit as sf

rng = np.random.default_rng(0)
N, D = 10 ** rng.uniform(7, 10, 64), 10 ** rng.uniform(9, 12, 64)
loss = (1.8 + 480 * N**-0.35 + 2100 * D**-0.37) * np.exp(0.01 * rng.standard_normal(64))
runs = sf.Runs(loss, N=N, D=D)
fit = sf.fit(sf.laws.Chinchilla, runs)
weights = rng.multinomial(64, np.full(64, 1 / 64), size=101)

def refuse(parameters):
    raise RuntimeError("asked")

try:
    sf.fit(sf.laws.Chinchilla, runs, solver=optax.GradientTransformation(refuse, refuse))
    asked = False
except RuntimeError:
    asked = True
draws = sf.bootstrap(fit, weights=weights)
print(json.dumps({"devices": len(jax.devices()), "asked": asked, "objectives": np.asarray(draws.objective).tolist()}))
"""


FEW_FITS = """
import json
import numpy as np
import scalefit as sf

rng = np.random.default_rng(0)
x = 10 ** rng.uniform(7, 10, 32)
runs = sf.Runs((1.8 + 480 * x**-0.35) * np.exp(0.01 * rng.standard_normal(32)), x=x)
start = sf.laws.PowerLaw(E=np.array([1.8, 1.7, 1.6, 1.5]), A=np.full(4, 400.0), alpha=np.full(4, 0.34))
found = []
for count in (1, 2, 3, 4):
    some = sf.laws.PowerLaw(E=start.E[:count], A=start.A[:count], alpha=start.alpha[:count])
    fit = sf.fit(sf.laws.PowerLaw, runs, noise=sf.noise.Gaussian(), starts=some)
    found.append([fit.tried, int(fit.agreeing), float(fit.objective)])
print(json.dumps(found))
"""


def run(devices: int, program: str = PROGRAM) -> Any:
    environment = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=600
    )
    return json.loads(done.stdout)


def test_fewer_fits_than_devices_or_a_number_that_does_not_divide():
    found = run(3, FEW_FITS)
    assert [row[:2] for row in found] == [[count, count] for count in (1, 2, 3, 4)]
    np.testing.assert_allclose([row[2] for row in found], found[0][2], rtol=1e-9)


def test_devices_change_no_answer():
    """Refits are mapped over CPU devices that exist; another library's solver is asked all the same."""
    one, two = run(1), run(2)
    assert (one["devices"], two["devices"]) == (1, 2)
    assert one["asked"]
    assert two["asked"]
    np.testing.assert_allclose(two["objectives"], one["objectives"], rtol=1e-9)


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
