"""Published coefficients come out of the published runs by the published recipe."""

import pytest

import scalefit as sf

LEAST_SQUARES = sf.noise.Gaussian(log=False)


@pytest.mark.usefixtures("public_data")
@pytest.mark.parametrize(("name", "data"), [("c4", "c4_original"), ("refinedweb", "rw_original")])
def test_over_training_from_five_small_runs(name, data):
    """Gadre et al. 2024 (arXiv 2403.08540): four sizes at 20 tokens a parameter, the smallest at 320."""
    small = f"train_dataset == '{data}' and params < 5e8"
    runs = sf.load_data("gadre-overtraining", where=f"{small} and chinchilla_multiplier <= 16")
    once = runs.where("chinchilla_multiplier == 1 or (chinchilla_multiplier == 16 and params < 2e7)")
    fit = sf.fit(sf.laws.Overtraining, once, noise=LEAST_SQUARES)
    assert len(fit.problem.runs) == 5
    for field, value in sf.laws.Overtraining.published_sets[name].values.items():
        assert float(getattr(fit.law, field)) == pytest.approx(value, rel=0.01), field


@pytest.mark.usefixtures("public_data")
def test_an_exponential_of_weights_at_26_mixtures():
    """Ye et al. 2024 (arXiv 2403.16952), 70M parameters, GitHub; floor and objective by SciPy's least squares.

    Mixtures of one share alone, and shares of 0, are among them.
    """
    runs = sf.load_data("data-mixing-laws-5mix", file="70M.txt", where="step == 30000 and target == 'Github'")
    fit = sf.fit(sf.laws.MixingExp, runs, noise=sf.noise.Gaussian())
    assert len(fit.problem.runs) == 26
    assert float(fit.law.c) == pytest.approx(1.59959, abs=5e-6)
    assert float(fit.objective) == pytest.approx(6.1340e-4, rel=2e-5)
