"""Over-trained models: five small runs foretell large ones as well, and as badly, as was published."""

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import DownstreamError, Overtraining

VALUES = sf.noise.Gaussian(log=False)
SETS = {"c4": "c4_original", "refinedweb": "rw_original"}
# By training set, size and multiple of 20 tokens a parameter: relative errors in per cent of loss and of error.
PUBLISHED = {
    "c4": {(1.4e9, 1): (0.780, 0.736), (1.4e9, 4): (1.498, 9.582), (6.9e9, 1): (4.295, 0.137)},
    "refinedweb": {(1.4e9, 1): (0.560, 0.419), (1.4e9, 16): (0.005, 5.617), (6.9e9, 1): (1.619, 2.939)},
}


@pytest.fixture(scope="module", params=SETS)
def study(request, public_data):
    """The name of the training set, its runs, and both laws fitted as published."""
    runs = sf.load_data("gadre-overtraining", where=f"train_dataset == '{SETS[request.param]}'")
    smallest = runs.inputs["N"].min()
    small = f"(chinchilla_multiplier == 1 and N < 1e9) or (chinchilla_multiplier == 16 and N <= {smallest})"
    five, six = runs.where(small), runs.where(f"{small} or (chinchilla_multiplier == 1 and N < 2e9)")
    loss = sf.fit(Overtraining, five, noise=VALUES)
    errors = sf.Runs(six.columns["err_avg_17"].astype(float), x=six.target, target="error")
    assert (len(five), len(six)) == (5, 6)
    return request.param, runs, loss, sf.fit(DownstreamError, errors, noise=VALUES)


def test_five_runs_give_the_published_parameters(study):
    name, _, loss, error = study
    for fit, digits in ((loss, 1e-6), (error, 1e-5)):
        published = fit.law.published(name)
        for field in fit.free:
            assert getattr(fit.law, field) == pytest.approx(getattr(published, field), rel=digits), field
    assert 2 * loss.objective == pytest.approx({"c4": 4.141e-4, "refinedweb": 8.244e-5}[name], rel=2e-4)


def test_large_runs_are_missed_by_as_much_as_published(study):
    name, runs, loss, error = study
    for (size, multiple), (of_loss, of_error) in PUBLISHED[name].items():
        run = runs.where(f"chinchilla_multiplier == {multiple} and N > {0.9 * size} and N < {1.1 * size}")
        foreseen = sf.predict(loss, N=run.inputs["N"], D=run.inputs["D"]).value
        downstream = sf.predict(error, x=foreseen).value
        assert 100 * np.abs(foreseen / run.target - 1) == pytest.approx(of_loss, abs=6e-4)
        assert 100 * np.abs(downstream / run.columns["err_avg_17"].astype(float) - 1) == pytest.approx(
            of_error, abs=6e-4
        )


def test_the_law_is_written_in_compute_and_tokens_a_parameter():
    law = Overtraining.published("c4")
    N, M = 1.4e9, 160.0
    C = 6 * M * N**2
    said = law.E + (law.a * M**law.eta + law.b * M**-law.eta) * C**-law.eta
    assert float(law(N=N, D=M * N)) == pytest.approx(float(said), rel=1e-5)
