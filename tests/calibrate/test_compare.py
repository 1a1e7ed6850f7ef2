"""Laws ranked by what they would have foreseen, with the criteria of information beside."""

import numpy as np
import pytest
from helpers import curves_of_budgets

import scalefit as sf
from scalefit.calibrate import _scores as scores
from scalefit.laws import Chinchilla, Kaplan


@pytest.fixture(scope="module")
def found(study):
    return sf.compare([Chinchilla, Kaplan], study)


def test_the_law_of_the_runs_foresees_best(found):
    assert list(found) == ["Chinchilla", "Kaplan"]
    best, other = found.laws
    assert best.behind == 0.0
    assert best.best > 0.9
    assert other.behind > 2 * other.behind_se > 0
    assert other.aic > best.aic + 10


def test_forecasts_are_those_of_a_backtest_of_each_law(found, tested):
    missed = np.abs(np.log(tested.observed / tested.law))
    by_origin = [missed[tested.origin == o].mean() for o in range(len(tested.reached))]
    np.testing.assert_allclose(found["Chinchilla"].error, np.mean(by_origin), rtol=1e-6)


def test_criteria_are_those_of_the_likelihood():
    """Of a normal: n log(2 π σ²) + n, by hand."""
    x = np.geomspace(1.0, 1e4, 12)
    loss = 2.0 * x**-0.1 * np.exp(0.01 * np.random.default_rng(0).standard_normal(12))
    runs = sf.Runs(loss, x=x)
    noise = sf.noise.Gaussian()
    one = sf.compare({"a": sf.laws.PowerLaw, "b": sf.laws.PowerLaw}, runs, noise=noise)["a"]
    square = np.mean(one.fit.residuals**2)
    likelihood = -6.0 * (np.log(2 * np.pi * square) + 1.0) - np.log(loss).sum()
    np.testing.assert_allclose(one.bic, 4 * np.log(12) - 2 * likelihood, rtol=1e-6)
    np.testing.assert_allclose(one.aic, 8 - 2 * likelihood + 2 * 4 * 5 / 7, rtol=1e-6)


def test_runs_that_do_not_reach_far_are_ranked_by_aic():
    some = curves_of_budgets(0).take(np.arange(12))
    found = sf.compare({"additive": Chinchilla, "Kaplan's": Kaplan}, some)
    assert found.origins == 0
    assert found.laws[0].aic <= found.laws[1].aic
    assert "so by AIC" in repr(found)


def test_runs_left_out_are_foreseen_by_refits_without_them():
    """Of a power law in one input, by hand."""
    x = np.geomspace(1.0, 1e3, 8)
    loss = 2.0 * x**-0.1 * np.exp(0.01 * np.random.default_rng(0).standard_normal(8))
    runs, noise = sf.Runs(loss, x=x), sf.noise.Gaussian()
    law = sf.laws.PowerLaw(E=0.0)
    fit = sf.fit(law, runs, fixed="E", noise=noise)
    by_hand = []
    for i in range(8):
        some = np.arange(8) != i
        slope, at = np.polyfit(np.log(x[some]), np.log(loss[some]), 1)
        z = (np.log(loss[i]) - slope * np.log(x[i]) - at) / (float(fit.scale) * np.sqrt(8 / 6))
        by_hand.append(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - np.log(float(fit.scale) * np.sqrt(8 / 6) * loss[i]))
    np.testing.assert_allclose(scores.left_out(fit), by_hand, rtol=1e-6)


def test_of_runs_left_out_the_right_law_foresees_more(found):
    best, other = found.laws
    assert best.left_out_behind == 0.0
    assert other.left_out_behind > 2 * other.left_out_se > 0
    np.testing.assert_allclose(best.left_out - other.left_out, other.left_out_behind)


def test_weights_are_those_of_the_least_square():
    log = np.random.default_rng(0).standard_normal((3, 40)) * np.array([[1.0], [1.5], [4.0]])
    errors = scores.Missed(log, np.repeat([0, 1], 20), np.array([20, 20]))
    w = scores.stacking(errors)
    np.testing.assert_allclose(w.sum(), 1.0)
    assert np.all(w >= 0)
    least = np.mean((w @ log) ** 2)
    for other in np.random.default_rng(1).dirichlet(np.ones(3), 200):
        assert least <= np.mean((other @ log) ** 2) + 1e-9


def test_laws_that_foresee_the_same_share_what_they_win():
    errors = np.array([[1.0, 2.0, 1.0], [1.0, 2.0, 1.0], [3.0, 1.0, 3.0]])
    np.testing.assert_allclose(scores.shares_of_best(errors), [1 / 3, 1 / 3, 1 / 3])
    log = np.random.default_rng(0).standard_normal(40) * np.array([[1.0], [1.0], [9.0]])
    np.testing.assert_allclose(
        scores.stacking(scores.Missed(log, np.zeros(40, int), np.array([40]))), [0.5, 0.5, 0], atol=1e-3
    )


def test_of_trainings_of_several_rows_each_counts_once(study):
    """Rows of one training are one error: their sum has the spread of sums."""
    run = np.repeat(np.arange(6), 6)
    other = sf.compare(
        [Chinchilla, Kaplan], sf.Runs(study.target, N=study.inputs["N"], D=study.inputs["D"], run=run)
    ).laws[1]
    best, lost = (scores.left_out(sf.fit(law, other.fit.problem.runs)) for law in (Chinchilla, Kaplan))
    by_run = (best - lost).reshape(6, 6).sum(axis=1)
    np.testing.assert_allclose(other.left_out_se, np.sqrt(6) * by_run.std(ddof=1), rtol=1e-4)


def test_along_what_has_no_size_nothing_is_foreseen():
    class Share(sf.laws.AbstractLaw):
        """a + b s."""

        inputs = {"s": sf.laws.Fraction()}  # noqa: RUF012
        a: sf.params.Param = sf.params.positive(amplitude=True)
        b: sf.params.Param = sf.params.positive(amplitude=True)

        def __call__(self, s):
            return self.a + self.b * s

    s = np.linspace(0.05, 0.95, 12)
    assert scores.missed({"share": sf.fit(Share, sf.Runs(1.0 + 0.5 * s, s=s))}).log.shape == (1, 0)


def test_what_a_law_leaves_is_said_with_the_law_that_does_not():
    plain = curves_of_budgets(0, scatter=0.0)
    N, D = (plain.inputs[n] for n in ("N", "D"))
    law = sf.laws.Skaling(E=1.2, A=3.6e4, B=1.7e5, alpha=0.6, beta=0.55, k=0.5)
    clean = 1.2 + (law.A * N**-law.alpha + law.B * D**-law.beta) ** law.k
    runs = sf.Runs(clean * np.exp(0.002 * np.random.default_rng(0).standard_normal(36)), N=N, D=D)
    found = sf.compare([Chinchilla, sf.laws.Skaling], runs)
    said = [one for one in found.remedies if one.startswith("Chinchilla leaves a saddle N D")]
    assert said
    assert said[0].endswith("Skaling does not")
    assert said[0] in repr(found)


@pytest.mark.parametrize(
    "laws, said",
    [
        ([Chinchilla], "has 1"),
        ([Chinchilla, Chinchilla], "two of one name"),
        ([Chinchilla, 3], "laws is 3"),
        (["chinchilla", "kaplan"], "laws is 'chinchilla'"),
        ("Chinchilla", "laws"),
    ],
)
def test_what_cannot_be_compared(study, laws, said):
    with pytest.raises(sf.InputError, match=said):
        sf.compare(laws, study)


def test_targets_are_compared_one_by_one():
    runs = sf.Runs({"one": np.ones(8), "two": np.ones(8)}, N=np.arange(1.0, 9.0), D=np.ones(8))
    with pytest.raises(sf.InputError, match="runs have 2 targets; expected runs of one"):
        sf.compare([Chinchilla, Kaplan], runs)


def test_a_seed_is_a_whole_number(study):
    with pytest.raises(sf.InputError, match="seed is -1"):
        sf.compare([Chinchilla, Kaplan], study, seed=-1)
