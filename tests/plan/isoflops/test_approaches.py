"""Three approaches to the compute-optimal size: what each finds of a surface that is known."""

import sys
import warnings

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import Chinchilla, PowerLaw
from scalefit.plan.isoflops._approaches import cut
from scalefit.plan.sizes import best_sizes

SYMMETRIC = Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.31, beta=0.31)
ASYMMETRIC = Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.465, beta=0.155)
# N* of the parabola over the true one, on sizes spaced evenly within a factor of the best one either way.
BIAS = {2.0: 1.02, 4.0: 1.07, 8.0: 1.17, 16.0: 1.31}


def exact(law, C):
    ratio = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    return ratio * (C / 6) ** (law.beta / (law.alpha + law.beta))


def value(law, N, D):
    return law.E + law.A * N**-law.alpha + law.B * D**-law.beta


def isoflop_runs(law, factor):
    """Six budgets without noise, nine sizes each."""
    C = np.geomspace(1e18, 1e21, 6)[:, None]
    N = exact(law, C) * np.geomspace(1 / factor, factor, 9)
    N, C = N.ravel(), np.broadcast_to(C, N.shape).ravel()
    return sf.Runs(value(law, N, C / 6 / N), N=N, D=C / 6 / N, C=C, name="made up")


def training_curves(law, noise=0.0, sizes=24):
    """Checkpoints of trainings whose best size lies within; each training is off by so much."""
    N, passed = np.meshgrid(np.geomspace(1e7, 1e10, sizes), np.geomspace(0.05, 20.0, 12), indexing="ij")
    off = noise * np.random.default_rng(0).standard_normal((sizes, 1))
    loss = value(law, N, passed * N) * np.exp(off)
    run = np.broadcast_to(np.arange(sizes)[:, None], N.shape)
    return sf.Runs(loss.ravel(), N=N.ravel(), D=(passed * N).ravel(), run=run.ravel(), name="made up")


@pytest.mark.parametrize("law", [SYMMETRIC, ASYMMETRIC], ids=["symmetric", "3:1"])
def test_the_surface_recovers_the_optima_of_noise_free_runs(law):
    fitted = sf.fit(Chinchilla, isoflop_runs(law, 4.0)).law
    C = np.array([1e18, 1e21, 1e24])
    found = np.exp(best_sizes(Chinchilla(*([getattr(fitted, k)] for k in ("E", "A", "B", "alpha", "beta"))), C)[0])
    np.testing.assert_allclose(found, exact(law, C), rtol=1e-8)


@pytest.mark.filterwarnings("ignore:'made up'. the sizes of")
@pytest.mark.parametrize("factor", BIAS)
def test_the_parabola_finds_the_optima_of_a_symmetric_surface_and_not_of_a_3_to_1_one(factor):
    fine, biased = (
        sf.isoflop(isoflop_runs(law, factor), method="parabola", noise=0.0) for law in (SYMMETRIC, ASYMMETRIC)
    )
    np.testing.assert_allclose(fine.N, exact(SYMMETRIC, fine.C), rtol=2e-3)
    np.testing.assert_allclose(biased.N / exact(ASYMMETRIC, biased.C), BIAS[factor], atol=0.03)


def test_a_law_without_a_best_size_within_reach_has_none():
    lonely = Chinchilla(E=np.ones(1), A=np.ones(1), B=np.zeros(1), alpha=np.ones(1), beta=np.ones(1))
    assert np.isnan(best_sizes(lonely, np.array([1e20]))).all()


def test_the_envelope_follows_the_best_size():
    found = sf.envelope(training_curves(SYMMETRIC), num=50)
    assert float(found.trend_N.exponent) == pytest.approx(0.5, abs=0.01)
    assert float(found.trend_D.exponent) == pytest.approx(0.5, abs=0.01)
    there = np.isfinite(found.N)
    np.testing.assert_allclose(found.N[there], exact(SYMMETRIC, found.C[there]), rtol=0.25)
    assert not there[0]
    assert not there[-1]
    assert (np.diff(found.loss[there]) < 0).all()


@pytest.fixture(scope="module")
def three():
    with pytest.warns(UserWarning, match="budgets have no optimum"):
        return sf.approaches(training_curves(SYMMETRIC, noise=2e-3), method="spline", num=60)


def test_three_approaches_stand_side_by_side(three):
    assert list(three.trends) == ["envelope", "isoflop", "surface"]
    assert three.left_out == {}
    a = [float(found.exponent) for found in three.trends.values()]
    assert a == pytest.approx([0.5] * 3, abs=0.05)
    assert three.between == pytest.approx(np.std(a, ddof=1))


def test_the_joint_interval_holds_every_approach(three):
    whole = three.exponent(0.999)
    for found in three.trends.values():
        assert whole.low <= float(found.exponent) <= whole.high
    narrow = three.exponent(0.5)
    assert whole.low < narrow.low < narrow.high < whole.high


def test_runs_without_checkpoints_have_two_approaches():
    runs = isoflop_runs(SYMMETRIC, 4.0)
    with pytest.raises(sf.InputError, match="no training with two checkpoints"):
        sf.envelope(runs)
    found = sf.approaches(runs, num=20)
    assert list(found.trends) == ["isoflop", "surface"]
    assert list(found.left_out) == ["envelope"]
    assert "said to be of one training" in found.left_out["envelope"]
    assert float(found.trends["surface"].exponent) == pytest.approx(0.5, abs=1e-8)


def same_computes(seed=0, off=0.01, **more):
    """Twelve trainings read at the same twenty computes, each off by a number of its own."""
    N, C = np.meshgrid(np.geomspace(3e7, 3e10, 12), np.geomspace(1e18, 1e21, 20), indexing="ij")
    loss = value(SYMMETRIC, N, C / 6 / N) * np.exp(off * np.random.default_rng(seed).standard_normal((12, 1)))
    run = np.broadcast_to(np.arange(12)[:, None], N.shape)
    return sf.Runs(loss.ravel(), N=N.ravel(), C=C.ravel(), run=run.ravel(), name="made up", **more)


def cut_curves(runs):
    """Their isoFLOP curves as `approaches` cuts them."""
    return cut(runs, "auto")


@pytest.mark.filterwarnings("ignore:'made up")
def test_isoflop_intervals_of_checkpoints_count_what_a_training_is_off_by():
    """With independent noise at every budget 95 % intervals hold the exponent in about half of the studies."""
    found = [
        sf.isoflop(cut_curves(same_computes(seed)), method="parabola", num=200, seed=seed).trend_N for seed in range(60)
    ]
    ends = np.array([(one.low, one.high) for one in (trend.interval() for trend in found)])
    assert np.mean((ends[:, 0] < 0.5) & (ends[:, 1] > 0.5)) > 0.8
    sd = [np.std(one.draws[:, 0]) for one in found if one.draws is not None]
    assert np.median(sd) == pytest.approx(np.std([one.exponent for one in found]), rel=0.35)


def test_errors_of_checkpoints_are_those_of_their_curves():
    runs = same_computes(se=np.full(240, 0.01))
    cut = cut_curves(runs)
    assert cut.se is not None
    # Losses are read between checkpoints, and so are their errors as shares of them.
    assert np.all(cut.se > 0.009)
    assert np.all(cut.se < 0.0101)


@pytest.mark.filterwarnings("ignore:'made up'")
def test_a_training_of_one_row_is_said():
    runs = same_computes()
    runs = runs.take(np.r_[np.arange(220), 225])
    with pytest.warns(UserWarning, match="of one row are no curves and take no part .1 of them"):
        found = sf.envelope(runs, num=20)
    assert 11 not in found.training
    assert any("of one row" in note for note in found.notes)


def test_budgets_of_a_column_and_checkpoints_contradict_each_other():
    with pytest.raises(sf.InputError, match="by is 'group'; expected 'auto' or 'C' for checkpoints"):
        sf.approaches(same_computes(group=np.zeros(240, int)), by="group")


@pytest.mark.filterwarnings("ignore:'made up'")
def test_rows_that_nobody_calls_checkpoints_are_trainings_that_ended():
    """A seed alone does not make curves of them."""
    runs = isoflop_runs(SYMMETRIC, 4.0)
    runs = sf.Runs(runs.target, N=runs.inputs["N"], C=runs.inputs["C"], seed=np.zeros(54, int), name="made up")
    found = sf.approaches(runs, num=20)
    assert list(found.left_out) == ["envelope"]
    assert found.isoflop is not None
    assert np.isfinite(found.isoflop.N).sum() == 6


@pytest.fixture(scope="module")
def gappy():
    """Checkpoints of which one has no size, one stands twice and one training has one row; all three approaches."""
    whole = same_computes()
    order = np.r_[np.arange(221), 30]
    N = whole.inputs["N"][order].copy()
    N[7] = np.nan
    table = {"N": N, "C": whole.inputs["C"][order], "loss": whole.target[order], "run": whole.labels["run"][order]}
    table["loss"][-1] *= 1.002
    runs = sf.read_runs(table, name="made up")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return runs, sf.approaches(runs, num=20)


def test_notes_of_every_approach_are_gathered(gappy):
    _, found = gappy
    for said in ("envelope: 1 of 222 rows lack", "envelope: trainings of one row", "envelope: 1 checkpoints stand at"):
        assert any(note.startswith(said) for note in found.notes), said
    assert all(note in repr(found) for note in found.notes)


def test_what_approaches_give_can_be_drawn(gappy):
    runs, found = gappy
    assert found.curves.name == "made up, cut at 12 budgets"
    sf.plot.isoflop(found.isoflop, found.curves)
    sf.plot.envelope(found.envelope, runs)


@pytest.mark.filterwarnings("ignore:'made up'")
def test_checkpoints_at_one_compute_are_their_mean_in_any_order(gappy):
    runs, found = gappy
    with pytest.warns(UserWarning, match="their mean counts"):
        again = sf.envelope(runs.take(np.arange(len(runs))[::-1]), num=20)
    np.testing.assert_array_equal(again.N, found.envelope.N)
    np.testing.assert_array_equal(again.loss, found.envelope.loss)


@pytest.mark.filterwarnings("ignore:'made up'")
def test_an_approach_that_fails_leaves_the_others(monkeypatch):
    def failing(*_, **__):
        raise sf.NotConverged("It ran out of steps.")

    monkeypatch.setattr(sys.modules["scalefit.plan.isoflops._approaches"], "fit", failing)
    with pytest.warns(UserWarning, match="There is no surface of these runs: It ran out of steps"):
        found = sf.approaches(isoflop_runs(SYMMETRIC, 4.0), num=20)
    assert list(found.trends) == ["isoflop"]
    # One approach is no agreement.
    assert np.isnan(found.between)
    assert "no other to set beside it" in repr(found)


def test_runs_at_one_compute_have_no_exponent():
    N = np.geomspace(1e8, 1e9, 9)
    runs = sf.Runs(value(SYMMETRIC, N, 1e20 / 6 / N), N=N, C=np.full(9, 1e20), name="made up")
    with (
        pytest.warns(UserWarning, match="There is no"),
        pytest.raises(sf.InputError, match=r"tells no exponent by any approach: .* C is 1e.20 FLOP in all runs"),
    ):
        sf.approaches(runs, num=20)


def test_replicates_without_a_line_are_told():
    """Of six sizes few are ever between others, and many resamples lack all but one of them."""
    runs = same_computes()
    runs = runs.take(np.isin(runs.labels["run"], [0, 2, 4, 7, 9, 11]))
    with pytest.warns(UserWarning, match="% of the replicates have no line"):
        found = sf.envelope(runs, num=200)
    assert found.trend_N.valid is not None
    assert 0.05 < found.trend_N.valid < 0.95
    assert "have no line" in repr(found)


def test_a_law_of_other_inputs_is_refused():
    with pytest.raises(sf.InputError, match="law is PowerLaw, a law of x; expected a law of N and D"):
        sf.approaches(isoflop_runs(SYMMETRIC, 4.0), law=PowerLaw)
