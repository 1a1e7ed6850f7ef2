"""Forecasts beyond the runs: what they rest on, what they hold, and plans by them."""

import numpy as np
import pytest
from helpers import LADDER, curves_of_budgets

import scalefit as sf
from scalefit.laws import Chinchilla, PowerLaw


def best(law: Chinchilla, C: float) -> tuple[float, float]:
    found = sf.allocate(law, budget=C)
    return float(found.N.value[0]), float(found.D.value[0])


def ends(of: sf.Estimate) -> tuple[np.ndarray, np.ndarray]:
    assert of.low is not None
    assert of.high is not None
    return of.low, of.high


def width(of: sf.Estimate) -> np.ndarray:
    low, high = ends(of)
    return high / low


@pytest.mark.parametrize("times", [3.0, 30.0, 300.0])
def test_the_truth_lies_inside(about, times):
    N, D = best(LADDER, times * about.reached[0])
    one = sf.forecast(about, N=N, D=D)
    np.testing.assert_allclose(np.exp(one.distance), times, rtol=1e-6)
    (low, high), (lower, higher) = ends(one.curve), ends(one.run)
    assert lower < float(LADDER(N, D)) < higher
    assert lower < low < high < higher
    np.testing.assert_allclose(sum(one.shares.values()), 1.0)
    np.testing.assert_allclose(sum(one.weight.values()), 1.0)


def test_widths_grow_with_distance_and_with_excess(about):
    C = about.reached[0] * np.array([1.0, 10.0, 100.0])
    N = np.sqrt(C / 120)
    near = sf.forecast(about, N=N, D=C / 6 / N)
    assert np.all(np.diff(width(near.run)) > 0)
    far = sf.forecast(about, N=8 * N, D=C / 48 / N)
    assert np.all(far.excess > near.excess)
    assert np.all(width(far.run) > width(near.run))


def test_within_the_runs_little_is_added(about, fitted):
    one = sf.forecast(about, N=1e8, D=1e10)
    np.testing.assert_allclose(one.curve.value, sf.predict(fitted, N=1e8, D=1e10).value, rtol=0.01)
    assert one.distance < 0
    assert "beyond" in one.shares


def test_loss_in_another_unit(study, about):
    """Bits in place of nats: every forecast by the same factor."""
    bits = sf.Runs(np.asarray(study.target) / np.log(2), N=study.inputs["N"], D=study.inputs["D"])
    one, other = (sf.forecast(it, N=1e9, D=1e11) for it in (about, sf.fit(Chinchilla, bits)))
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(
            getattr(other.run, name) * np.log(2), getattr(one.run, name), rtol=2e-4, err_msg=name
        )


def test_draws_stand_for_their_fit(fitted, about):
    draws = sf.bootstrap(fitted, num=50)
    one = sf.forecast(draws, N=1e9, D=1e11)
    np.testing.assert_allclose(one.run.value, sf.forecast(about, N=1e9, D=1e11).run.value)


def test_studies_of_a_batch_are_foreseen_alike():
    runs = [curves_of_budgets(seed) for seed in (0, 1)]
    N, D = (np.concatenate([one.inputs[n] for one in runs]) for n in ("N", "D"))
    whole = sf.Runs(np.concatenate([one.target for one in runs]), N=N, D=D).with_column("study", np.repeat([0, 1], 36))
    both = sf.forecast(sf.fit(Chinchilla, whole, by="study"), N=[1e9, 2e9], D=1e11)
    assert both.run.value.shape == (2, 2)
    alone = sf.forecast(sf.fit(Chinchilla, runs[1]), N=[1e9, 2e9], D=1e11)
    np.testing.assert_allclose(ends(both.run)[1][1], ends(alone.run)[1], rtol=1e-4)


def test_few_runs_have_the_prior_alone():
    x = np.geomspace(1e18, 1e20, 5)
    fit = sf.fit(PowerLaw, sf.Runs(1.7 + 5e2 * x**-0.15, x=x))
    one = sf.forecast(fit, x=1e22)
    assert one.checked == 0
    assert one.like is None
    assert "other studies" in one.notes[0]
    assert width(one.run) > 1.02


def test_plans_take_discrepancy(fitted, about):
    budget = 100 * float(about.reached[0])
    plain, honest = sf.allocate(fitted, budget=budget), sf.allocate(about, budget=budget, num_draws=200)
    N, D = (float(of.value[0]) for of in (honest.N, honest.D))
    np.testing.assert_allclose(honest.loss.value[0], sf.forecast(about, N=N, D=D).curve.value, rtol=2e-3)
    assert width(honest.loss)[0] > width(plain.loss)[0]
    assert ends(honest.N)[0][0] < N < ends(honest.N)[1][0]


def test_laws_without_a_size_are_refused():
    x = np.linspace(0.05, 0.95, 30)

    class Share(sf.laws.AbstractLaw):
        """a + b s."""

        inputs = {"s": sf.laws.Fraction()}  # noqa: RUF012
        a: sf.params.Param = sf.params.positive(amplitude=True)
        b: sf.params.Param = sf.params.positive(amplitude=True)

        def __call__(self, s):
            return self.a + self.b * s

    fit = sf.fit(Share, sf.Runs(1.0 + 0.5 * x, s=x), noise=sf.noise.Gaussian())
    with pytest.raises(sf.InputError, match="takes no size"):
        sf.discrepancy(fit)
