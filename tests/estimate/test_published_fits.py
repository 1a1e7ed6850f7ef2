"""Published coefficients come out of the published runs by the published recipe."""

import csv

import numpy as np
import pytest
from scipy.optimize import minimize

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


@pytest.mark.usefixtures("public_data")
def test_an_exponential_without_a_floor_is_a_regression_of_logarithms():
    runs = sf.load_data("data-mixing-laws-5mix", file="70M.txt", where="step == 30000 and target == 'Github'")
    fit = sf.fit(sf.laws.MixingExp(c=0.0), runs, fixed="c", noise=sf.noise.Gaussian())
    w = np.stack([runs.inputs[f"w[{name}]"] for name in fit.law.domain], axis=1)
    slopes, *_ = np.linalg.lstsq(w, np.log(runs.target))
    np.testing.assert_allclose(np.asarray(fit.law.t), slopes - slopes.mean(), rtol=1e-6, atol=1e-9)
    assert float(fit.law.k) == pytest.approx(np.exp(slopes.mean()), rel=1e-7)
    # A regression and even domains are starts enough.
    assert fit.agreeing == 2
    assert not np.any(fit.scouts)


def test_sixty_four_domains_within_their_tokens_are_mixed_as_by_slsqp(public_data):
    """The runs of arXiv 2602.12237, the mixture within half of the tokens of each domain and near their prior."""
    folder = public_data / "olmix"
    targets = ["hellaswag:rc::olmes", "basic_skills:rc::olmes"]
    tables = (folder / f"full_recomputation_{name}.csv" for name in ("ratios", "metrics"))
    runs = sf.read_mixtures(*tables, targets=targets)
    with pytest.warns(sf.CheckWarning, match="a single run that drew from each of 's2pdf:adult'"):
        fits = sf.fit(sf.laws.MixingExp, runs, by="target", max_steps=100)
    # Some t of the second run to minus infinity, in tens of steps that are no factors and in hundreds that are.
    assert not np.any(fits.scouts)
    with open(folder / "full_recomputation_priors.csv", newline="") as file:
        tokens = {row["domain"]: float(row["token_count"]) for row in csv.DictReader(file)}
    best = sf.optimise_mixture(fits, at={"D": 1e12}, limits={"tokens": tokens, "kl": 0.05, "max_passes": 0.5})

    there = np.array([tokens[name] for name in best.domains])
    most, prior = np.minimum(0.5 * there / 1e12, 1.0), there / there.sum()
    both = [fits[name].law for name in targets]
    c, k, t = (np.array([getattr(law, name) for law in both]) for name in ("c", "k", "t"))

    def cost(w):
        each, far = k * np.exp(t @ w), np.log(np.maximum(w, 1e-300) / prior)
        return (c + each).mean() + 0.05 * w @ far, each @ t / len(t) + 0.05 * (far + 1.0)

    whole = {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like}
    found = minimize(
        cost, prior, jac=True, bounds=[(1e-9, high) for high in most], constraints=[whole], method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )  # fmt: skip
    assert (best.weights <= most + 1e-12).all()
    assert 3 < (best.weights > most - 1e-9).sum() < 60
    assert best.treatments["cap"].gap < 1e-8
    assert cost(best.weights)[0] == pytest.approx(found.fun, abs=1e-7)
    np.testing.assert_allclose(best.weights, found.x, atol=1e-4)
