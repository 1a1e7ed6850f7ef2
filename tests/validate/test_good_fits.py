"""Fits of good runs by laws of other kinds are left alone, and each check is robust to what another one names."""

import dataclasses
import warnings
from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import LAWS, runs_at

import scalefit as sf
from scalefit.cli._checks import Checks
from scalefit.params import slots, values, with_values
from scalefit.validate import Finding, _robust
from scalefit.validate._again import scores_of_laws
from scalefit.validate._case import Case
from scalefit.validate._fitted import apart
from scalefit.validate._used import extrapolation

GAUSSIAN = sf.noise.Gaussian()


def grid() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(3)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(2e7, 5e9, 6), np.geomspace(1e9, 2e11, 6)))
    return N, D, (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(3e-3 * rng.standard_normal(36))


def words(result: Any, **options: Any) -> dict[str, str]:
    return {one.check: one.says for one in reversed(sf.diagnose(result, **options).findings)}


@pytest.mark.parametrize("name", ["Sigmoid", "DownstreamError", "LossToLoss"])
def test_runs_of_a_law_with_its_own_noise_raise_no_alarm(name):
    """A ceiling, a factor, a loss that is an input: none of them is a fault of the runs."""
    row, rng = LAWS[name], np.random.default_rng(100)
    point = row.sample(rng, 64)
    with jax.enable_x64(True):
        value = np.asarray(eqx.filter_vmap(lambda law, at: law(**at), in_axes=(None, 0))(row.truth, point))
    scatter = rng.standard_normal(64)
    value = value * np.exp(3e-3 * scatter) if row.log else value + 0.01 * np.std(value) * scatter
    held = [known if slot.name in row.fixed else np.nan
            for slot, known in zip(slots(row.truth), values(row.truth), strict=True)]  # fmt: skip
    law = with_values(row.truth, np.array(held))
    fit = sf.fit(law, runs_at(row.truth, point, value), noise=sf.noise.Gaussian(log=row.log), fixed=row.fixed)
    assert not {"range", "bad-rows", "bounds"} & set(words(fit))


def test_whole_schedules_are_what_a_law_of_them_takes():
    point = LAWS["MultiPower"].sample(np.random.default_rng(0), 64)
    runs = runs_at(LAWS["MultiPower"].truth, point, np.linspace(3.0, 2.0, 64))
    assert "schedule-match" in words(runs)
    assert "schedule-match" in sf.diagnose(runs, law=sf.laws.MultiPower).skipped


def test_one_repeat_that_diverged_is_not_the_noise_of_all():
    N, D, loss = grid()
    again = loss * np.exp(3e-3 * np.random.default_rng(4).standard_normal(36))
    again[7] *= 1.2
    seed = np.repeat([1, 2], 36)
    runs = sf.Runs(np.append(loss, again), N=np.append(N, N), D=np.append(D, D), seed=seed)
    found = {one.check: one for one in sf.diagnose(sf.fit(sf.laws.Chinchilla, runs)).findings}
    assert found["seeds"].severity == "note"
    assert found["seeds"].numbers["noise"] == pytest.approx(3e-3, rel=0.5)
    assert found["seeds"].numbers["scale"] == pytest.approx(3e-3, rel=0.5)


@pytest.mark.parametrize(
    ("header", "times", "says"),
    [("accuracy", 1.0, "1 - accuracy"), ("accuracy", 100.0, "100 - accuracy"), ("reward", 100.0, "a law that rises")],
)
def test_a_target_that_rises_is_told_once_and_what_would_fall(header, times, says):
    N, D, loss = grid()
    runs = sf.Runs(times * (1.0 - 0.2 * loss), N=N, D=D, target=header)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = sf.diagnose(sf.fit(sf.laws.Chinchilla, runs, throw=False))
    assert any(f"{header} rises with" in one.says and says in one.says for one in told.findings)
    assert "rises where the law can only fall" in told.skipped["bounds"]


def test_sizes_in_proportion_have_one_term_and_a_term_of_0_is_at_its_end():
    """With D = 20 N the law is E + k N^-a, and E, whose interval has an upper end, is not one that no run feels."""
    N = np.geomspace(3e7, 3e9, 10)
    loss = 1e3 * N**-0.3 * np.exp(0.002 * np.random.default_rng(0).standard_normal(10))
    one = words(sf.fit(sf.laws.PowerLaw, sf.Runs(loss, x=N)))
    assert one["bounds"].startswith("E is 0 at the optimum: the runs follow")
    two = words(sf.fit(sf.laws.Chinchilla, sf.Runs(loss + 1.8, N=N, D=20.0 * N), throw=False))
    assert "no run tells their terms apart" in two["design"]


def test_the_sign_of_a_target_below_0_may_be_turned():
    with pytest.raises(sf.InputError, match="Turn its sign, as of a log-likelihood, or use a noise on values"):
        sf.fit(sf.laws.PowerLaw, sf.Runs(-np.linspace(3.0, 2.0, 8), x=np.geomspace(1.0, 100.0, 8)), noise=GAUSSIAN)


def test_forecasts_below_0_are_missed_by_an_amount(monkeypatch):
    N, D, loss = grid()
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D))
    value = np.array([-0.2, 0.1, 0.3])
    rolled = SimpleNamespace(value=value, observed=value + 0.01, low=value - 1.0, high=value + 1.0, level=0.9)
    monkeypatch.setattr("scalefit.calibrate.backtest", lambda _: rolled)
    (one,) = extrapolation(Case(fit.problem.runs, fit.law, fit, deep=True))
    assert isinstance(one, Finding)
    assert one.says.endswith("half were missed by more than 0.01")


def test_less_unique_data_is_less():
    N, D, loss = grid()
    U = np.where(np.arange(36) == 35, 1e9, 2e11)
    worse = np.where(np.arange(36) == 35, 1.5 * loss, loss)
    assert "bad-rows" in words(sf.Runs(worse, N=N, D=D))
    assert "bad-rows" not in words(sf.Runs(worse, N=N, D=D, U=U))


def test_exact_runs_are_scored_against_other_laws():
    N, D, _ = grid()
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37, N=N, D=D), noise=GAUSSIAN)
    scores = scores_of_laws(fit)
    assert min(scores, key=lambda law: scores[law]) == "Chinchilla"
    assert np.isfinite(list(scores.values())).all()


@pytest.mark.parametrize(("low", "high"), [(612.9, 613.4), (1.0, 2.0), (0.123451, 0.123452)])
def test_ends_of_an_interval_are_told_apart(low, high):
    assert len(set(apart(low, high))) == 2


# --- what is asked beside ---


def test_what_would_be_ignored_is_refused():
    N, D, loss = grid()
    runs = sf.Runs(loss, N=N, D=D)
    with pytest.raises(sf.InputError, match="law is given beside a fit"):
        sf.diagnose(sf.fit(sf.laws.Chinchilla, runs), law=sf.laws.Kaplan)
    with pytest.raises(sf.InputError, match="inputs by name"):
        sf.diagnose(runs, at=[1])  # pyright: ignore[reportArgumentType]  refused
    with pytest.raises(sf.InputError, match="num is 0"):
        sf.profile(sf.fit(sf.laws.Chinchilla, runs), "alpha", num=0)


def test_a_better_optimum_than_that_of_the_fit_is_told():
    """A fit that was left beside its optimum, as one that ended early would be."""
    N, D, loss = grid()
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D), noise=GAUSSIAN)
    beside = dataclasses.replace(fit, objective=np.array(float(fit.objective) + 1.0))
    with pytest.warns(sf.CheckWarning, match=r"likelier with alpha held at .*\[multistart\]"):
        sf.profile(beside, "alpha", num=2)


def test_kinds_of_change_are_named_by_what_they_are():
    one = _robust.Variant("N", "without N = 1e+08", (), {}, True)
    assert _robust._words("N", [one]) == "without N = 1e+08"
    assert _robust._words("N", [one, one]) == "without each of 2 values of N"
    assert _robust._words("bad-rows", [one]) == "without rows named by 'bad-rows'"


def test_runs_that_cannot_be_left_out_are_told_of(monkeypatch):
    def refused(*_: Any, **__: Any) -> Any:
        raise sf.InputError("fit", "flat", "a strict minimum")

    N, D, loss = grid()
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D), noise=GAUSSIAN)
    monkeypatch.setattr(_robust, "EXACT", 0)
    monkeypatch.setattr(_robust, "sensitivity", refused)
    found = sf.robustness(fit, "alpha", kinds=("run",))
    assert "could not be left out by one step" in repr(found)


# --- batches ---


@pytest.mark.parametrize("most", [1, 8])
def test_studies_of_a_batch_are_looked_at_or_it_is_said_that_they_are_not(monkeypatch, most):
    N, D, loss = grid()
    wrong = loss.copy()
    wrong[20] *= 1.3
    runs = sf.Runs(np.append(loss, wrong), N=np.append(N, N), D=np.append(D, D), group=np.repeat(["a", "b"], 36))
    monkeypatch.setattr("scalefit.cli._checks.STUDIES", most)
    checks = Checks()
    checks.of(sf.fit(sf.laws.Chinchilla, runs, by="group"))
    found = [f"{one.check}: {one.says}" for one in checks.own]
    if most == 1:
        assert "convergence: of 2 studies the table was looked at as one, and no fit by itself" in found
    else:
        assert any(one.startswith("outliers: b: row 57 lies") for one in found)
