"""Every verb over a result says what it takes, where it is given something else."""

import re
from typing import Any, ClassVar

import numpy as np
import pytest

import scalefit as sf
from scalefit.params import Param, nonnegative

pytestmark = pytest.mark.usefixtures("unchecked")

RUNS = sf.Runs(1.0 + 2.0 * np.arange(1.0, 7.0) ** -0.5 * [1.01, 0.99, 1.0, 1.02, 0.98, 1.0], x=np.arange(1.0, 7.0))
ARRAY: Any = np.ones(3)
THREE: Any = 3
NOTHING: Any = None
PLANNED = sf.laws.Chinchilla.published("epoch")


class Inputless(sf.laws.AbstractLaw):
    A: Param = nonnegative()

    def __call__(self, x):
        return self.A * x


class Listed(sf.laws.AbstractLaw):
    inputs: ClassVar[Any] = ["x"]
    A: Param = nonnegative()

    def __call__(self, x):
        return self.A * x


@pytest.fixture(scope="module")
def fit():
    return sf.fit(sf.laws.PowerLaw, RUNS, noise=sf.noise.Gaussian())


@pytest.fixture(scope="module")
def draws(fit):
    return sf.bootstrap(fit, num=4)


def forecast(law):
    return law(x=5.0)


OF_A_FIT = {
    "backtest": sf.backtest,
    "bootstrap": sf.bootstrap,
    "covariance": sf.covariance,
    "influence": lambda it: sf.influence(it, of=forecast),
    "laplace": sf.laplace,
    "prior": sf.prior,
    "sample": sf.sample,
    "scatter": lambda it: sf.scatter(it, by="x"),
    "sensitivity": lambda it: sf.sensitivity(it, of=forecast),
}
OF_DRAWS = {
    "agree": lambda it: sf.agree(it, it),
    "average": lambda it: sf.average([it, it]),
    "check": sf.check,
    "loo": sf.loo,
    "to_arviz": sf.to_arviz,
}
OF_EITHER = {
    "discrepancy": sf.discrepancy,
    "forecast": lambda it: sf.forecast(it, x=1.0),
    "predict": lambda it: sf.predict(it, x=1.0),
    "save": lambda it: sf.save(it, "unused"),
    "summary": sf.summary,
}
NEITHER = [
    (sf.laws.PowerLaw, "Fit the law first: fit(law, runs)."),
    (sf.laws.PowerLaw(E=1.0, A=2.0, alpha=0.5), "Fit the law first: fit(law, runs)."),
    (RUNS, "Fit a law to the runs first: fit(law, runs)."),
    ("folder", "Read it first: load(path)."),
    (None, ""),
    (ARRAY, ""),
    ({}, ""),
]


@pytest.mark.parametrize("given, remedy", NEITHER)
@pytest.mark.parametrize("verb", OF_A_FIT | OF_DRAWS | OF_EITHER)
def test_what_is_no_result_is_refused_with_what_makes_one(verb, given, remedy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = "a fit" if verb in OF_A_FIT else "draws about a fit" if verb in OF_DRAWS else "a fit, or draws about one"
    with pytest.raises(sf.InputError, match=re.escape(f"; expected {expected}. {remedy}".rstrip()) + "$"):
        (OF_A_FIT | OF_DRAWS | OF_EITHER)[verb](given)


@pytest.mark.parametrize("verb", OF_A_FIT.values(), ids=OF_A_FIT)
def test_draws_in_place_of_a_fit_are_said_to_have_one(verb, draws):
    with pytest.raises(sf.InputError, match=r"expected a fit. Give the fit that they are about, `draws.fit`"):
        verb(draws)


@pytest.mark.parametrize("verb", OF_DRAWS.values(), ids=OF_DRAWS)
def test_a_fit_in_place_of_draws_is_said_to_need_some(verb, fit):
    with pytest.raises(sf.InputError, match=r"expected draws about a fit. Draw some about it: bootstrap\(fit\)"):
        verb(fit)


def test_a_fit_is_true(fit):
    assert fit


OTHERS = {
    "path to load": lambda fit: sf.load(fit),
    "path to save": lambda fit: sf.save(fit, THREE),
    "cache": lambda fit: sf.cache(ARRAY),
    "data set": lambda fit: sf.load_data(ARRAY),
    "file of a data set": lambda fit: sf.fetch(THREE),
    "ladder": lambda fit: sf.ladder(fit),
    "starts": lambda fit: sf.fit(sf.laws.PowerLaw, RUNS, starts=THREE),
    "starts by place": lambda fit: sf.fit(sf.laws.PowerLaw, RUNS, starts=[1.0, 2.0, 0.5]),
    "start": lambda fit: sf.fit(sf.laws.PowerLaw, RUNS, starts={"E": 1.0, "A": 1.0, "alpha": "steep"}),
    "by": lambda fit: sf.fit(sf.laws.PowerLaw, RUNS, by=()),
    "cluster": lambda fit: sf.bootstrap(fit, num=4, cluster=ARRAY),
    "priors": lambda fit: sf.sample(fit, num=10, priors=THREE),
    "priors as an array": lambda fit: sf.sample(fit, num=10, priors=ARRAY),
    "points": lambda fit: sf.predict(fit, x=[]),
    "tie": lambda fit: sf.fit(sf.laws.PowerLaw, RUNS, tie=ARRAY),
    "own": lambda fit: sf.fit(sf.laws.PowerLaw, RUNS, by="x", own=ARRAY),
    "growth": lambda fit: sf.sample(fit, num=10, growth=ARRAY),
    "forecast": lambda fit: sf.influence(fit, of=THREE),
    "forecast of NumPy": lambda fit: sf.influence(fit, of=lambda law: np.log(law(x=5.0))),
    "forecast as a float": lambda fit: sf.sensitivity(fit, of=lambda law: float(law(x=5.0))),
    "forecast of whether": lambda fit: sf.sensitivity(fit, of=lambda law: law(x=5.0) > 1.0),
    "units": lambda fit: sf.Runs([1.0], x=[1.0], units=ARRAY),
    "noise of groups": lambda fit: sf.sample_groups(sf.laws.PowerLaw, RUNS, by="x", noise=THREE),
    "pooled": lambda fit: sf.sample_groups(sf.laws.PowerLaw, RUNS, by="x", pooled=ARRAY),
    "fixed of groups": lambda fit: sf.sample_groups(sf.laws.PowerLaw, RUNS, by="x", fixed=ARRAY),
    "files": lambda fit: sf.save(fit, "unused", files=ARRAY),
    "content of a file": lambda fit: sf.save(fit, "unused", files={"a": THREE}),
    "file of the bundled": lambda fit: sf.fetch("bundled", file=THREE),
    "held of two": lambda fit: sf.gain(PLANNED, PLANNED, budget=1e20, held=THREE),
    "held of two that cross": lambda fit: sf.overtakes(PLANNED, PLANNED, between=(1e18, 1e20), held=THREE),
    "least size": lambda fit: sf.allocate(PLANNED, budget=1e20, min_N=NOTHING),
    "law without inputs": lambda fit: sf.fit(Inputless, RUNS),
    "law of listed inputs": lambda fit: sf.fit(Listed, RUNS),
    "averaged": lambda fit: sf.average(THREE),
}


@pytest.mark.parametrize("call", OTHERS.values(), ids=OTHERS)
def test_an_argument_of_another_kind_is_refused_in_a_sentence(call, fit):
    with pytest.raises(sf.InputError, match="expected"):
        call(fit)
