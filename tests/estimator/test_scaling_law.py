"""The estimator: the verbs' own numbers, and what scikit-learn asks."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.base import clone, is_regressor
from sklearn.model_selection import cross_val_score
from sklearn.utils.validation import check_is_fitted

import scalefit as sf

SETTINGS = {"noise": "gaussian", "num_starts": 2}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 10, 64), 10 ** rng.uniform(9, 12, 64)
    loss = (1.8 + 480 * N**-0.35 + 2100 * D**-0.37) * np.exp(0.01 * rng.standard_normal(64))
    return pd.DataFrame({"N": N, "D": D, "loss": loss})


@pytest.fixture(scope="module")
def fitted(table):
    return sf.ScalingLaw("chinchilla", **SETTINGS).fit(table)


def test_numbers_are_those_of_the_verbs(fitted, table):
    fit = sf.fit(sf.laws.Chinchilla, sf.read_runs(table), noise=sf.noise.Gaussian(), num_starts=2)
    band = fitted.predict(table, interval=0.9, new_run=True)
    expected = sf.predict(fit, N=table["N"], D=table["D"], level=0.9, new_run=True)
    np.testing.assert_array_equal(band.low, expected.low)
    np.testing.assert_array_equal(band.high, expected.high)
    np.testing.assert_array_equal(fitted.predict(table), expected.value)
    assert str(fitted.summary(0.9)) == str(sf.summary(fit, 0.9))
    assert fitted.params_ == dict(zip(fit.free, sf.params.values(fit.law).tolist(), strict=True))
    assert fitted.plan(1e22).N.value == sf.allocate(fit, budget=1e22).N.value
    left = table["loss"] - expected.value
    assert fitted.score(table) == pytest.approx(
        1 - (left**2).sum() / ((table["loss"] - table["loss"].mean()) ** 2).sum()
    )


def test_a_target_may_stand_beside_the_table(fitted, table):
    for X in (table[["N", "D"]], table[["N", "D"]].to_numpy(), table.assign(loss="none")):
        other = sf.ScalingLaw("chinchilla", **SETTINGS).fit(X, table["loss"])
        assert other.params_ == fitted.params_
        assert other.score(X, table["loss"]) == fitted.score(table)
    swapped = sf.ScalingLaw(sf.laws.Chinchilla, inputs=("D", "N"), **SETTINGS)
    assert swapped.fit(table[["D", "N"]].to_numpy(), table["loss"]).params_ == fitted.params_


@pytest.mark.parametrize(
    "X",
    [
        {"N": 7e9, "D": 1e12},
        [{"N": 7e9, "D": 1e12}],
        [[7e9, 1e12]],
        {"params": ["7B"], "tokens": ["1T"]},
        {"N": [7e9], "C": [4.2e22]},
    ],
)
def test_places_to_predict_come_in_many_forms(fitted, X):
    at = fitted.predict(X)
    assert at.shape == (1,)
    assert at[0] == pytest.approx(float(sf.predict(fitted.result_, N=7e9, D=1e12).value), rel=1e-14)


def test_values_are_held(table):
    held = sf.ScalingLaw("chinchilla", fixed={"E": 1.75}, **SETTINGS).fit(table)
    assert held.params_["E"] == 1.75
    assert held.result_.fixed == ("E",)


def test_scikit_learn_takes_it(fitted, table):
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    assert not hasattr(again, "result_")
    assert is_regressor(again)
    check_is_fitted(fitted)
    inside = cross_val_score(again, table, cv=2)
    beside = cross_val_score(again, table[["N", "D"]].to_numpy(), table["loss"], cv=2)
    np.testing.assert_array_equal(inside, beside)
    assert (inside > 0.98).all()


def test_settings_are_read_back_and_shown():
    law = sf.ScalingLaw("skaling").set_params(seed=3, noise="huber:1e-3")
    assert (law.get_params()["seed"], law.get_params()["law"]) == (3, "skaling")
    assert repr(law) == "ScalingLaw('skaling', noise='huber:1e-3', seed=3)"
    with pytest.raises(sf.InputError, match="The nearest is 'noise'"):
        law.set_params(nois=None)


@pytest.mark.parametrize(
    "ask",
    [
        lambda law: law.predict({"N": 1e9, "D": 1e10}),
        lambda law: law.score({"N": [1e9], "D": [1e10], "loss": [2.0]}),
        lambda law: law.summary(),
        lambda law: law.bootstrap(),
        lambda law: law.forecast({"N": 1e9, "D": 1e10}),
        lambda law: law.plan(1e22),
        lambda law: law.plot(),
    ],
)
def test_before_a_fit_it_says_so(ask):
    with pytest.raises(sf.InputError, match=r"^This ScalingLaw is not fitted\. Call `fit` with runs first\.$"):
        ask(sf.ScalingLaw())


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        ([[1e9, 1e10, 1.0]], None, r"X has shape \(1, 3\); expected a column for each of N, D\. Name the columns"),
        (
            {"N": [1e9, 1e10], "D": [1e9, 1e10]},
            [2.0],
            r"y has shape \(1,\); expected one number for each of the 2 rows",
        ),
        (sf.Runs(N=[1e9], D=[1e10], loss=[2.0]), [2.0], "y is given beside Runs"),
    ],
)
def test_tables_that_do_not_go_together_are_refused(X, y, said):
    with pytest.raises(sf.InputError, match=said):
        sf.ScalingLaw().fit(X, y)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"law": 3}, "law is 3; expected the name of a law"),
        ({"law": None, "fixed": {"E": 1.7}}, "law is None; expected the name of a law"),
        ({"law": dict}, "law is .*dict.*; expected the name of a law"),
        ({"fixed": ["E"]}, "fixed is .*; expected values by parameter"),
        ({"fixed": {"E": "x"}}, "fixed holds E at 'x'; expected a number"),
        ({"fixed": {"E": True}}, "fixed holds E at True; expected a number"),
    ],
)
def test_settings_of_another_kind_are_refused(table, settings, said):
    with pytest.raises(sf.InputError, match=said):
        sf.ScalingLaw(**settings).fit(table)


def test_a_row_without_an_input_is_refused(fitted, table):
    with pytest.raises(sf.InputError, match="Row 2 of X"):
        fitted.predict({"N": [1e9, np.nan], "D": [1e10, 1e10]})


def test_further_methods_call_the_verbs(fitted):
    draws = fitted.bootstrap(num=20)
    assert draws.objective.shape == (20,)
    ax = Figure().subplots()
    assert fitted.plot(ax) is ax
