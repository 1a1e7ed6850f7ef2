"""How what is read off a fit changes as noises and runs do."""

import dataclasses

import numpy as np
import pytest

import scalefit as sf
from scalefit.validate import _again, _robust
from scalefit.validate._again import noises_of


@pytest.fixture(scope="module")
def fit():
    """48 runs of Chinchilla's law, of which the ninth lies 10 % above it."""
    rng = np.random.default_rng(0)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(2e7, 5e9, 8), np.geomspace(1e9, 2e11, 6)))
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(3e-3 * rng.standard_normal(N.size))
    loss[8] *= 1.1
    return sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D), noise=sf.noise.Gaussian())


@pytest.fixture(scope="module")
def found(fit):
    with pytest.MonkeyPatch.context() as patch:  # one other noise will do
        patch.setattr(_again, "NOISES", {name: _again.NOISES[name] for name in ("Gaussian", "StudentT(4)")})
        return sf.robustness(fit, ["alpha", "N@C=1e23"])


def test_each_run_is_left_out_as_influence_does(fit, found):
    runs = [one for one in found.variants if one.kind == "run"]
    exact = sf.influence(fit, of=lambda law: law.alpha)
    assert len(runs) == 48
    assert all(one.exact for one in runs)
    np.testing.assert_allclose([one.values["alpha"] for one in runs], exact.value + exact.change, rtol=1e-9)


def test_what_the_answer_rests_on_is_named(fit, found):
    """A Gaussian fit follows its outlier: without it, and by noises of heavier tails, the exponent is that of truth."""
    assert set(found.kinds) == {"run", "N", "D", "C", "outliers", "noise"}
    (without,) = (one for one in found.variants if one.kind == "outliers")
    assert without.rows == (9,)
    clean = sf.fit(sf.laws.Chinchilla, fit.problem.runs.take(np.arange(48) != 8), noise=fit.noise)
    assert without.values["alpha"] == pytest.approx(float(clean.law.alpha), rel=1e-6)
    least, most = found.spread("alpha")
    assert least.values["alpha"] < found.value["alpha"] < most.values["alpha"]
    assert found.low["N@C=1e23"] < found.value["N@C=1e23"] < found.high["N@C=1e23"]
    assert "without rows named by 'outliers': " in repr(found)
    assert "times its interval" in repr(found)


def test_other_noises_are_of_what_the_fit_sees(fit):
    kept = dataclasses.replace(fit, problem=dataclasses.replace(fit.problem, noise=sf.noise.Gaussian(log=False)))
    assert {shape.log for shape in noises_of(fit).values()} == {True}
    assert {shape.log for shape in noises_of(kept).values()} == {False}


def test_two_quantities_without_a_name_are_two(fit):
    asked = (lambda law: law.E, lambda law: law.alpha)
    assert len(_robust.robustness(fit, of=asked, kinds=("rows",)).value) == 2


def test_without_variants_there_is_the_interval_alone(found):
    assert repr(dataclasses.replace(found, variants=(), failed=0)).startswith("alpha = ")


def test_an_interval_without_an_upper_end_is_said_in_words(found):
    said = repr(dataclasses.replace(found, high={**found.high, "alpha": np.inf}))
    assert "… no upper end)" in said.splitlines()[0]
    assert "inf" not in said
    assert said.count("times its interval") == 1


def test_of_many_runs_each_is_left_out_by_one_step(fit, found, monkeypatch):
    monkeypatch.setattr(_robust, "EXACT", 0)
    step = sf.robustness(fit, "alpha", kinds=["run"])
    near = {one.rows: one.values["alpha"] for one in step.variants if one.kind == "run"}
    exact = {one.rows: one.values["alpha"] for one in found.variants if one.kind == "run"}
    assert not any(one.exact for one in step.variants if one.kind == "run")
    apart = [near[rows] - exact[rows] for rows in exact]
    assert np.max(np.abs(apart)) < 0.3 * np.ptp(list(exact.values()))


@pytest.mark.parametrize("of", ["gamma", "loss@C=no"])
def test_what_cannot_be_read_off_is_refused(fit, of):
    with pytest.raises(sf.InputError):
        sf.robustness(fit, of)


def test_the_picture_names_those_that_go_farthest(found):
    ax = sf.plot.robustness(found, "N@C=1e23")
    assert "without a run" in [label.get_text() for label in ax.get_yticklabels()]
    assert "N@C=1e23" in ax.get_xlabel()
    assert any(one.get_text() == "row 9" for one in ax.texts)
    with pytest.raises(sf.InputError, match="beta"):
        sf.plot.robustness(found, "beta")
