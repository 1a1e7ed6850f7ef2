"""Predictions: the formula in float64, of any shape, with intervals where there are draws."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest
import scipy.stats
from helpers import LAWS, OF_EACH_KIND, one_by_one

import scalefit as sf
from scalefit.results import width_of_runs

POINT: dict[str, Any] = {"N": 7e10, "D": 1.4e12}


def predict(result, **options: Any) -> Any:
    return sf.predict(result, **options)


def formula(law, N, D):
    return law.E + law.A * N**-law.alpha + law.B * D**-law.beta


def test_a_fit_predicts_its_law_in_float64(chinchilla):
    band = predict(chinchilla, **POINT)
    assert isinstance(band.value, np.ndarray)
    assert band.value.dtype == np.float64
    assert band.value.shape == ()
    assert float(band.value) == pytest.approx(float(formula(chinchilla.law, **POINT)), rel=1e-14)


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_every_law_predicts_in_float64(name, new_fit):
    """Close to the law's own value, which JAX's default setting computes in 32 bits."""
    row = LAWS[name]
    point = row.sample(np.random.default_rng(0), 8)
    value = predict(new_fit(row.truth), **one_by_one(row.truth, point)).value
    own = [float(row.truth(**jax.tree.map(lambda column, i=i: column[i], point))) for i in range(8)]
    assert value.dtype == np.float64
    np.testing.assert_allclose(value, own, rtol=1e-4)


def test_inputs_broadcast(chinchilla):
    N, D = np.array([[1e8], [1e9], [1e10]]), np.array([1e10, 1e11])
    band = predict(chinchilla, N=N, D=D)
    np.testing.assert_allclose(band.value, formula(chinchilla.law, N, D), rtol=1e-14)


def test_whole_numbers_and_lists_will_do(chinchilla):
    band = predict(chinchilla, N=[10**9, 7 * 10**10], D=2 * 10**12)
    np.testing.assert_allclose(band.value, formula(chinchilla.law, np.array([1e9, 7e10]), 2e12), rtol=1e-14)


def test_far_from_the_runs_it_says_what_the_interval_does_not_know(chinchilla):
    near, far = (predict(chinchilla, N=N, D=1e12) for N in (1e11, ["10B", "900B"]))  # of runs up to 1e10
    assert near.note == ""
    assert "note" not in repr(near)
    assert far.note.startswith("N = 9e+11 is 90 times above the range of the runs")
    assert far.note.endswith("see sf.forecast, whose intervals know how laws go astray")
    assert far.note in repr(far)


def test_a_batch_has_its_studies_first(chinchilla_batch):
    D = np.array([[1e10], [1e11]])
    band = predict(chinchilla_batch, N=np.array([1e8, 1e9, 1e10]), D=D)
    assert band.value.shape == (3, 2, 3)
    law = chinchilla_batch.law
    assert band.value[1, 1, 2] == pytest.approx(
        law.E[1] + law.A[1] * 1e10 ** -law.alpha[1] + law.B[1] * 1e11 ** -law.beta[1], rel=1e-14
    )


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_are_quantiles_of_the_draws_and_the_value_is_the_fit(level, chinchilla, new_draws):
    draws = new_draws(chinchilla)
    band = predict(draws, **POINT, level=level)
    each = formula(draws.law, **POINT)
    np.testing.assert_allclose([band.low, band.high], np.quantile(each, [0.5 - level / 2, 0.5 + level / 2]), rtol=1e-13)
    assert float(band.value) == pytest.approx(float(formula(chinchilla.law, **POINT)), rel=1e-14)
    assert band.level == level
    np.testing.assert_allclose(band.draws, each, rtol=1e-14)


def test_a_batch_of_draws_has_intervals_by_study(chinchilla_batch, new_draws):
    draws = new_draws(chinchilla_batch)
    N = np.array([1e9, 1e10])
    band = predict(draws, N=N, D=1e11)
    assert band.value.shape == band.low.shape == band.high.shape == (3, 2)
    one = {name: getattr(draws.law, name)[2] for name in ("E", "A", "B", "alpha", "beta")}
    each = one["E"] + one["A"] * 1e10 ** -one["alpha"] + one["B"] * 1e11 ** -one["beta"]
    assert band.low[2, 1] == pytest.approx(np.quantile(each, 0.025), rel=1e-13)


def test_draws_that_did_not_converge_take_no_part(chinchilla, new_draws):
    good = new_draws(chinchilla)
    result = good.result.copy()
    result[:10] = sf.RESULTS.stalled
    wild = good.law.E.copy()
    wild[:10] = 1e6
    bad = dataclasses.replace(good, law=dataclasses.replace(good.law, E=wild), result=result)
    each = formula(good.law, **POINT)[10:]
    assert float(predict(bad, **POINT).high) == pytest.approx(np.quantile(each, 0.975), rel=1e-13)


NOISES = {
    "huber": sf.noise.Huber(),
    "gaussian-value": sf.noise.Gaussian(log=False),
    "student": sf.noise.StudentT(),
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES.keys())
@pytest.mark.parametrize("batch", [(), (3,)], ids=["single", "batch"])
def test_a_new_run_scatters_more_than_the_mean(noise, batch, new_fit, new_draws):
    draws = new_draws(new_fit(LAWS["Chinchilla"].truth, batch=batch, noise=noise))
    mean, new = (predict(draws, **POINT, new_run=kind) for kind in (False, True))
    assert new.low.shape == mean.low.shape == batch
    assert (new.high - new.low > mean.high - mean.low).all()
    np.testing.assert_array_equal(new.value, mean.value)


def test_a_new_run_of_few_is_as_unsure_as_the_scatter(new_fit):
    """Three residuals that are free say little of the scatter: its interval is Student's t and not normal."""
    fit = new_fit(LAWS["Chinchilla"].truth, noise=sf.noise.StudentT(1e9))
    fit = dataclasses.replace(fit, residuals=fit.residuals[:8])
    band = width_of_runs(fit)(0.9) / (float(fit.scale) * np.sqrt(8 / 3))
    assert band == pytest.approx(scipy.stats.t(3).ppf(0.95), rel=0.03)


def test_a_new_run_scatters_as_the_fitted_runs_did(chinchilla, new_draws):
    """Draws that all agree: the interval is that of the residuals, widened by what five parameters took up."""
    many = 20_000
    law = dataclasses.replace(
        chinchilla.law, **{n: np.full(many, getattr(chinchilla.law, n)) for n in ("E", "A", "B", "alpha", "beta")}
    )
    sure = new_draws(
        chinchilla, law=law, objective=np.zeros(many), result=np.zeros(many, np.int32), scale=np.full(many, 0.02),
        unidentified=np.zeros((many, 5), bool),
    )  # fmt: skip
    band = predict(sure, **POINT, level=0.8, new_run=True)
    ends = np.quantile(chinchilla.residuals, [0.1, 0.9]) * np.sqrt(64 / 59)
    np.testing.assert_allclose(np.log([band.low / band.value, band.high / band.value]), ends, atol=2e-3)


def test_a_new_run_scatters_as_the_fit_does_where_resamples_do_not(new_fit, new_draws):
    """A law passes through few runs of which some are drawn twice: the scale of such a draw says nothing."""
    fit = new_fit(LAWS["Chinchilla"].truth, noise=sf.noise.StudentT(4.0))
    draws = new_draws(fit)
    shrunk = dataclasses.replace(draws, scale=np.full_like(draws.scale, 1e-9))
    one, other = (predict(some, **POINT, new_run=True) for some in (draws, shrunk))
    assert (one.low, one.high) == (other.low, other.high)


def test_a_pool_may_be_seen_more_often_than_in_the_fit(new_fit):
    """The law grows to as many passes as are asked for."""
    law = sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7)
    value = predict(new_fit(law), n=np.array([1e6, 1e9]), U=1e7).value
    assert np.isfinite(value).all()
    assert value[1] < value[0]


BAD = {
    "missing": ({"N": 1e9}, ["N, D", "inputs are N;"]),
    "unknown": ({**POINT, "C": 1e21}, ["N, D", "C"]),
    "nothing": ({}, ["N, D", "inputs are none"]),
    "zero": ({"N": 0.0, "D": 1e9}, ["N", "above 0"]),
    "negative": ({"N": 1e9, "D": [1e9, -1.0]}, ["D", "above 0"]),
    "infinite": ({"N": np.inf, "D": 1e9}, ["N", "finite"]),
    "not-a-number": ({"N": 1e9, "D": np.nan}, ["D", "finite"]),
    "level-zero": ({**POINT, "level": 0.0}, ["level is 0;", "between 0 and 1"]),
    "level-percent": ({**POINT, "level": 95.0}, ["level is 95;", "0.95"]),
    "shapes": ({"N": [1e9, 1e10], "D": [1e9, 1e10, 1e11]}, ["N", "D", "shape"]),
    "text": ({"N": "large", "D": 1e12}, ["N"]),
    "truth": ({"N": True, "D": 1e12}, ["N is True", "numbers"]),
    "truth-of-numpy": ({"N": np.array([True, False]), "D": 1e12}, ["N", "truth"]),
    "truth-among-numbers": ({"N": 1e9, "D": [1e12, True]}, ["D", "truth"]),
}


@pytest.mark.parametrize("inputs, words", BAD.values(), ids=BAD.keys())
def test_bad_inputs_are_refused_in_a_sentence(inputs, words, chinchilla):
    given: Any = inputs
    with pytest.raises(sf.InputError) as caught:
        sf.predict(chinchilla, **given)
    assert [word for word in words if word not in str(caught.value)] == []


def test_sizes_as_people_write_them(chinchilla):
    found = sf.predict(chinchilla, N="1B", D=["20B", "1.4T"])
    np.testing.assert_array_equal(found.value, sf.predict(chinchilla, N=1e9, D=[2e10, 1.4e12]).value)
    with pytest.raises(sf.InputError, match="N is 'large'; expected numbers"):
        sf.predict(chinchilla, N="large", D=2e10)


def test_a_domain_that_no_fitted_run_drew_from_may_have_no_weight_and_no_other():
    rng = np.random.default_rng(0)
    w = rng.dirichlet(np.ones(2), 12)
    loss = 2.0 + 0.5 * w[:, 0] + 0.01 * rng.standard_normal(12)
    columns: dict[str, Any] = {"w[web]": w[:, 0], "w[books]": w[:, 1]}
    fit = sf.fit(sf.laws.MixingLinear, sf.Runs(loss, **columns))
    at = {"w[web]": [0.3, 1.0], "w[books]": [0.7, 0.0]}
    found = predict(fit, **at, **{"w[travel]": 0.0})
    np.testing.assert_array_equal(found.low, predict(fit, **at).low)
    with pytest.raises(sf.InputError, match=r"w\[travel\] is above 0, and no fitted run drew from this domain"):
        predict(fit, **at, **{"w[travel]": [0.0, 0.1]})
