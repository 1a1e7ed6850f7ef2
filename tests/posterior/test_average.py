"""Several laws as one forecast: weights against optimisers of others, and the mixture against its parts."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers import posed
from scipy import optimize, special

import scalefit as sf


@pytest.fixture(scope="module")
def two(few_draws):
    """The draws, and those of a law a little off, with a wider scatter."""
    law = few_draws.law
    off = dataclasses.replace(law, alpha=law.alpha * 1.002, B=law.B * 1.01)
    other = dataclasses.replace(few_draws, law=off, scale=few_draws.scale * 1.2)
    return {"one": few_draws, "other": other}


@pytest.fixture(scope="module")
def pointwise(two, few):
    return np.stack([sf.loo(draws).pointwise for draws in two.values()])


def told(draws, **diagnostics):
    return dataclasses.replace(draws, diagnostics={**draws.diagnostics, **diagnostics})


def test_stacking_finds_the_best_mixture(two, few, pointwise):
    found = sf.average(two)
    best: Any = optimize.minimize_scalar(
        lambda w: -np.sum(np.logaddexp(np.log(w) + pointwise[0], np.log1p(-w) + pointwise[1])),
        bounds=(1e-9, 1.0 - 1e-9), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert 0.02 < best.x < 0.98
    assert found.weight["one"] == pytest.approx(best.x, abs=1e-5)
    assert sum(found.weight.values()) == pytest.approx(1.0)
    assert repr(found) == f"Average of 2 laws by stacking: one {best.x:.3f}, other {1.0 - best.x:.3f}"


@pytest.mark.filterwarnings("ignore:Weights rest on runs:UserWarning")
def test_a_law_that_is_nowhere_better_is_not_heard(two, few):
    law = two["one"].law
    off = dataclasses.replace(two["one"], law=dataclasses.replace(law, E=law.E + 0.2), scale=two["one"].scale * 2.0)
    assert sf.average({"one": two["one"], "off": off}).weight["off"] == pytest.approx(0.0, abs=1e-6)


def test_pseudo_weights_are_those_of_resampled_totals(two, few, pointwise):
    found = sf.average(two, method="pseudo").weight["one"]
    share = np.random.default_rng(7).dirichlet(np.ones(64), 4000)
    expected = special.softmax(64 * share @ pointwise.T, axis=1).mean(axis=0)[0]
    assert found == pytest.approx(expected, abs=0.03)


def test_evidences_are_of_targets(two, few):
    one = told(two["one"], log_evidence=100.0)
    other = told(two["other"], log_evidence=99.0)
    weight = sf.average({"one": one, "other": other}, method="evidence").weight
    assert weight["one"] == pytest.approx(special.expit(1.0))
    # On values, densities are of the targets as they are.
    fit = posed(other.fit, noise=sf.noise.Gaussian(log=False))
    as_good = dataclasses.replace(told(other, log_evidence=100.0 - np.log(few.target).sum()), fit=fit)
    weight = sf.average({"one": one, "other": as_good}, method="evidence").weight
    assert weight["one"] == pytest.approx(0.5)


def test_the_mixture_is_of_the_draws(two, few):
    found = sf.average(two)
    found = dataclasses.replace(found, weight={"one": 0.5, "other": 0.5})
    at = {"N": [[1e9], [1e11]], "D": [1e11, 1e13, 1e14]}
    band, spread = found.predict(**at), found.spread(**at)
    assert band.low is not None
    assert band.high is not None
    assert band.value.shape == band.low.shape == spread.within.shape == spread.between.shape == (2, 3)
    N, D = np.broadcast_arrays(at["N"], at["D"])
    law = [draws.law for draws in two.values()]
    drawn = np.stack([one.E + one.A * N[..., None] ** -one.alpha + one.B * D[..., None] ** -one.beta for one in law])
    whole = np.moveaxis(drawn, 0, -1).reshape(2, 3, -1)
    np.testing.assert_allclose(band.value, whole.mean(axis=-1), rtol=1e-12)
    np.testing.assert_allclose(np.hypot(spread.within, spread.between), whole.std(axis=-1), rtol=1e-9)
    np.testing.assert_allclose(spread.between, np.abs(np.subtract(*drawn.mean(axis=-1))) / 2.0, rtol=1e-9)
    np.testing.assert_allclose([band.low, band.high], np.quantile(whole, [0.025, 0.975], axis=-1), rtol=5e-4)
    np.testing.assert_allclose(spread.by_law["other"], drawn[1].mean(axis=-1), rtol=1e-12)
    new = found.spread(N=1e9, D=1e11, new_run=True)
    assert new.within.shape == ()
    assert new.within > 2.0 * spread.within[0, 0]


def test_one_law_alone_is_as_it_was(two, few):
    found = dataclasses.replace(sf.average(two), weight={"one": 1.0, "other": 0.0})
    alone, band = sf.predict(two["one"], N=1e11, D=1e13), found.predict(N=1e11, D=1e13)
    assert alone.low is not None
    assert alone.high is not None
    assert band.low is not None
    assert band.high is not None
    np.testing.assert_allclose([band.low, band.high], [alone.low, alone.high], rtol=5e-4)
    assert found.spread(N=1e11, D=1e13).between == 0.0


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda two: {"one": two["one"]}, {}, "ensembles has 1 laws; expected two or more"),
        (lambda two: list(two.values()), {}, "ensembles has two laws of one name"),
        (
            lambda two: two | {"other": dataclasses.replace(two["other"], method="bootstrap")},
            {},
            "the ensemble of other has draws of 'bootstrap'; expected those of a posterior",
        ),
        (
            lambda two: two | {"other": told(two["other"], log_evidence=None)},
            {"method": "evidence"},
            "the ensemble of other has no evidence. Sample it with method='is'",
        ),
    ],
)
def test_what_cannot_be_weighed_is_refused(two, few, change, options, message):
    with pytest.raises(sf.InputError, match=message):
        sf.average(change(two), **options)


@pytest.mark.usefixtures("unchecked")
def test_other_ways_to_weigh_are_refused(two, few):
    aic: Any = "aic"
    with pytest.raises(sf.InputError, match="method is 'aic'; expected 'stacking'"):
        sf.average(two, method=aic)


def test_odd_inputs_are_refused(two, few):
    found = sf.average(two)
    with pytest.raises(sf.InputError, match="inputs names 'T'"):
        found.predict(N=1e9, D=1e11, T=3.0)
    with pytest.raises(sf.InputError, match="inputs are N; expected N, D, from which Chinchilla predicts"):
        found.predict(N=1e9)
    with pytest.raises(sf.InputError, match="do not go together"):
        found.predict(N=[1e9, 1e10], D=[1e11, 1e12, 1e13])


def test_an_evidence_that_is_a_guess_is_said(two, few):
    doubtful = two | {"other": told(two["other"], khat=0.9)}
    with pytest.warns(UserWarning, match=r"evidence of other is a guess \(Pareto k 0\.90\)"):
        sf.average(doubtful, method="evidence")
