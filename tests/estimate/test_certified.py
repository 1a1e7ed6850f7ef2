"""Public runs with published answers: the optimum, the bootstrap, and a bound that the runs do not set."""

import json
from typing import Any

import numpy as np
import pytest

import scalefit as sf
from scalefit.data import load_table

BEST = 0.0010182740179
DELTA = 1e-3


@pytest.fixture(scope="module")
def epoch(public_data):
    """240 of the 245 runs digitised from the Chinchilla paper."""
    return sf.load_data("epoch-chinchilla").where("loss < 3.44")


@pytest.fixture(scope="module")
def epoch_fit(epoch):
    return sf.fit(sf.laws.Chinchilla, epoch, noise=sf.noise.Huber(DELTA), seed=0)


@pytest.fixture(scope="module")
def published_resamples(epoch):
    """How often each run is in each of the 4,000 resamples behind the published errors."""
    legacy = np.random.RandomState(42)
    rows = [legacy.choice(len(epoch), size=len(epoch), replace=True) for _ in range(4000)]
    return np.stack([np.bincount(row, minlength=len(epoch)) for row in rows]).astype(float)


@pytest.fixture(scope="module")
def published_draws(epoch, epoch_fit, published_resamples):
    return sf.bootstrap(epoch_fit, weights=published_resamples)


def test_the_published_runs_are_there(epoch):
    assert len(epoch) == 240
    assert epoch.excluded == 5


def test_the_default_call_reaches_the_best_objective(epoch):
    fit = sf.fit(sf.laws.Chinchilla, epoch)
    assert fit.converged
    assert fit.objective <= BEST


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_reaches_the_best_objective(epoch, seed):
    fit = sf.fit(sf.laws.Chinchilla, epoch, noise=sf.noise.Huber(DELTA), seed=seed)
    assert fit.objective <= BEST
    assert fit.tried == 8


def test_the_objective_is_the_published_sum(epoch, epoch_fit):
    """Recomputed here: the sum of Huber(1e-3) over residuals of log loss."""
    point, _ = epoch.select(["N", "D"])
    law = epoch_fit.law
    value = law.E + law.A * point["N"] ** -law.alpha + law.B * point["D"] ** -law.beta
    size = np.abs(np.log(epoch.target) - np.log(value))
    cost = np.where(size < DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA))
    assert epoch_fit.objective == pytest.approx(np.sum(cost), rel=1e-9)


@pytest.mark.parametrize(
    "name, value", [("A", 477.8), ("B", 2143.0), ("E", 1.81721), ("alpha", 0.34731), ("beta", 0.36717)]
)
def test_parameters_are_the_published_ones(epoch_fit, name, value):
    digits = {"A": 0.05, "B": 0.5, "E": 1e-5, "alpha": 5e-6, "beta": 5e-6}
    assert getattr(epoch_fit.law, name) == pytest.approx(value, abs=digits[name])


@pytest.mark.parametrize("seed", range(3))
def test_bootstrap_errors_are_the_published_ones(epoch, epoch_fit, seed):
    draws = sf.bootstrap(epoch_fit, num=4000, seed=seed)
    assert draws.converged.all()
    law = draws.law
    assert law.alpha.shape == draws.objective.shape == (4000,)
    errors = [np.std(v, ddof=1) for v in (np.log(law.A), np.log(law.B), law.E, law.alpha, law.beta)]
    np.testing.assert_allclose(errors, [0.258, 0.421, 0.0257, 0.0154, 0.0206], rtol=0.1)


def test_published_resamples_give_the_published_draws(epoch, published_draws, published_resamples):
    """The published draws stopped short of the optimum by up to 2e-4 in B: ours cost no more on the same resample."""
    law = published_draws.law
    np.testing.assert_allclose(law.A[:3], [349.556372, 487.836322, 728.410632], rtol=1e-4)
    np.testing.assert_allclose(law.B[:3], [2356.248315, 1509.948214, 2507.010543], rtol=2e-4)
    np.testing.assert_allclose(law.E[:3], [1.793330, 1.803583, 1.861662], rtol=1e-5)
    point, _ = epoch.select(["N", "D"])
    theirs = 1.861662 + 728.410632 * point["N"] ** -0.372424 + 2507.010543 * point["D"] ** -0.375040
    size = np.abs(np.log(epoch.target) - np.log(theirs))
    cost = np.sum(published_resamples[2] * np.where(size < DELTA, 0.5 * size**2, DELTA * (size - 0.5 * DELTA)))
    assert published_draws.objective[2] <= cost


def test_published_resamples_give_the_published_interval(published_draws):
    ends = np.percentile(published_draws.law.B, [2.5, 97.5])
    np.testing.assert_allclose(ends, [1042.357, 5810.344], rtol=1e-4)


def test_published_resamples_give_the_published_errors(published_draws):
    """That of B is 1.5 % larger here: on one resample the published single start ended in a local optimum."""
    law = published_draws.law
    errors = [np.std(v, ddof=1) for v in (law.A, law.E, law.alpha, law.beta)]
    np.testing.assert_allclose(errors, [124.52232, 0.02566, 0.01540, 0.02060], rtol=2e-3)
    assert np.std(law.B, ddof=1) == pytest.approx(1293.284, rel=0.02)
    # The resample in question: 0.00124679976 from the published start, and another B altogether.
    assert published_draws.objective[3178] == pytest.approx(0.00124609835, rel=1e-8)


def test_amplitudes_and_exponents_of_resamples_go_together(published_draws):
    law = published_draws.law
    for amplitude, exponent, known in ((law.A, law.alpha, 0.999), (law.B, law.beta, 1.0)):
        assert np.corrcoef(np.log(amplitude), exponent)[0, 1] == pytest.approx(known, abs=6e-4)


# Muennighoff et al.: the base law is held at its published values and the two decay constants are fitted.
HELD = ("E", "A", "B", "alpha", "beta")
TRIED = 9


@pytest.fixture(scope="module")
def repeated(public_data):
    return sf.load_data("datablations")


@pytest.fixture(scope="module")
def published():
    return sf.laws.DataConstrained.published("c4")


@pytest.fixture(scope="module")
def repeated_fit(repeated, published):
    return sf.fit(published, repeated, noise=sf.noise.Huber(DELTA), fixed=HELD)


def test_repeated_data_reach_a_better_optimum_than_the_published(repeated_fit, repeated, published):
    assert len(repeated) == 182
    assert repeated_fit.objective <= 0.0158047
    assert repeated_fit.free == ("R_D", "R_N")
    assert repeated_fit.tried == TRIED  # the published values are one more start
    assert all(getattr(repeated_fit.law, name) == getattr(published, name) for name in HELD)


def test_the_published_parameters_give_the_published_objective(repeated, published):
    """One pass evaluates a start and moves nothing."""
    at = {name: np.full(TRIED, getattr(published, name)) for name in ("R_D", "R_N")}
    fit = sf.fit(
        published, repeated, noise=sf.noise.Huber(DELTA), fixed=HELD, starts=at, max_steps=1, throw=False
    )  # fmt: skip
    assert fit.objective == pytest.approx(0.015825935258, rel=1e-9)
    assert pytest.approx(15.387756, rel=1e-12) == fit.law.R_D
    assert fit.result == sf.RESULTS.max_steps_reached


def test_an_interval_that_the_runs_do_not_close_has_no_upper_end(repeated, repeated_fit):
    draws = sf.bootstrap(repeated_fit, num=200)
    assert draws.converged.mean() > 0.99
    found: Any = sf.summary(draws)
    assert found["R_D"].unbounded
    assert found["R_D"].low == pytest.approx(6.5, abs=2.0)
    assert not found["R_N"].unbounded
    assert found["R_N"].high == pytest.approx(14.4, rel=0.3)


# McLeish et al.: five of their subsets with two Huber knees, and the best objectives found with the finer one.
SUBSETS = {
    "slim_chinchilla": 1.304e-5,
    "hot_sampled_like_chinchilla": 2.257e-5,
    "cool_end": 2.0478e-4,
    "hot": 2.0751e-4,
    "hot_120b+_only": 4.0808e-4,
}
SHORT_OF_BEST = ["slim_chinchilla", "cool_end", "hot"]
PRINTED = 5e-11
"""Half of the last digit of the published objectives."""


@pytest.fixture(scope="module")
def gemstones(public_data):
    """The subsets as one table."""
    parts = [sf.load_data("gemstones", file=f"wandb_df_for_fitting_{name}.jsonl") for name in SUBSETS]
    inputs: Any = {name: np.concatenate([part.inputs[name] for part in parts]) for name in ("N", "D")}
    group = np.repeat(list(SUBSETS), [len(part) for part in parts])
    return sf.Runs(np.concatenate([part.target for part in parts]), **inputs, group=group, name="gemstones")


def published_optima(knee):
    """By subset: the objective, and E, A, B, alpha, beta."""
    table, found = load_table("gemstones", "published_fits.csv"), {}
    for name in SUBSETS:
        file = f"parameters_delta-{knee}/approach_3_parameters_grid_search_0_{name}.json"
        (row,) = np.flatnonzero(table["upstream_file"] == file)
        alpha, beta = json.loads(table["alpha_or_exponents"][row])
        A, B = np.exp(json.loads(table["log_coefficients"][row]))
        found[name] = table["objective"][row], (np.exp(table["log_E"][row]), A, B, alpha, beta)
    return found


@pytest.fixture(scope="module")
def gemstone_fits(gemstones):
    """All subsets with a Huber knee of 1e-3, and with one of 1e-4."""
    noises = {knee: sf.noise.Huber(10.0**-knee) for knee in (3, 4)}
    return {knee: sf.fit(sf.laws.Chinchilla, gemstones, noise=noise, by="group") for knee, noise in noises.items()}


@pytest.mark.parametrize("knee", [3, 4])
def test_no_gemstone_fit_is_worse_than_the_published(gemstone_fits, gemstones, knee):
    """Whose objectives are recomputed here from their parameters."""
    delta, fits = 10.0**-knee, gemstone_fits[knee]
    assert fits.keys == tuple(SUBSETS)
    for i, (name, (objective, (E, A, B, alpha, beta))) in enumerate(published_optima(knee).items()):
        runs = gemstones.take(gemstones.labels["group"] == name)
        value = E + A * runs.inputs["N"] ** -alpha + B * runs.inputs["D"] ** -beta
        size = np.abs(np.log(runs.target / value))
        cost = np.sum(np.where(size < delta, 0.5 * size**2, delta * (size - 0.5 * delta)))
        assert objective == pytest.approx(cost, abs=10 * PRINTED)
        assert fits.objective[i] <= objective + PRINTED


def test_gemstone_fits_with_a_knee_of_1e_3_are_the_published(gemstone_fits):
    fits = gemstone_fits[3]
    for i, (objective, (*_, alpha, beta)) in enumerate(published_optima(3).values()):
        assert fits.objective[i] == pytest.approx(objective, rel=1e-5)
        assert fits.law.alpha[i] == pytest.approx(alpha, abs=2e-3)
        assert fits.law.beta[i] == pytest.approx(beta, abs=2e-3)


def test_three_gemstone_fits_with_a_knee_of_1e_4_are_better_than_the_published(gemstone_fits):
    objective = dict(zip(SUBSETS, gemstone_fits[4].objective))
    assert all(float(f"{objective[name]:.4g}") <= best for name, best in SUBSETS.items() if best < 1e-4)
    assert all(float(f"{objective[name]:.5g}") <= best for name, best in SUBSETS.items() if best > 1e-4)
    theirs = {name: found for name, (found, _) in published_optima(4).items()}
    assert [name for name in SUBSETS if objective[name] < theirs[name] * (1 - 1e-4)] == SHORT_OF_BEST
