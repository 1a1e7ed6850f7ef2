"""Compute for a loss, and one family beside another: against closed forms."""

import dataclasses
import re

import jax
import numpy as np
import pytest
from helpers import made_up_draws

import scalefit as sf
from scalefit.laws import Chinchilla, Frontier, LogLinear, MultiPower, PowerLaw

LAW = Chinchilla(E=1.8, A=400.0, B=400.0, alpha=0.32, beta=0.32)
STEEPER = Chinchilla(E=1.8, A=1000.0, B=1000.0, alpha=0.36, beta=0.36)


def six(N, D):
    return 6.0 * N * D


def best(law: Chinchilla, budget):
    """The least loss where both terms are alike."""
    return law.E + 2.0 * law.A * (np.asarray(budget) / 6.0) ** (-law.alpha / 2.0)


def compute(law: Chinchilla, loss):
    return 6.0 * ((np.asarray(loss) - law.E) / (2.0 * law.A)) ** (-2.0 / law.alpha)


@pytest.mark.parametrize("cost", ["6ND", six])
def test_compute_for_a_loss(cost):
    found = sf.compute_for(LAW, loss=[2.5, 2.1], cost=cost)
    assert found.compute.value == pytest.approx(compute(LAW, [2.5, 2.1]), rel=1e-9)
    assert found.probability is None
    plan = sf.allocate(LAW, budget=found.compute.value, cost=cost)
    assert plan.loss.value == pytest.approx([2.5, 2.1], rel=1e-12)


def test_served_models_are_smaller_than_the_best_to_train():
    """A quality and a life of 5T tokens: cheaper in all than the model that is cheapest to train (arXiv 2401.00448)."""
    law = Chinchilla.published("hoffmann")
    trained = sf.compute_for(law, loss=1.95)
    whole = sf.compute_for(law, loss=1.95, cost="inference:5e12")
    usual = sf.allocate(law, budget=trained.compute.value)
    served = sf.allocate(law, budget=whole.compute.value, cost="inference:5e12")
    assert served.loss.value == pytest.approx([1.95], rel=1e-12)
    assert served.N.value[0] < 0.7 * usual.N.value[0]
    assert whole.compute.value[0] < trained.compute.value[0] + 2.0 * usual.N.value[0] * 5e12


def test_a_loss_below_the_floor_is_a_probability(draws):
    """Where some draws allow it; of none at all a note says what is possible, and a law alone is refused with it."""
    floor = float(draws.fit.law.E)
    with pytest.warns(UserWarning, match="times above the range of the runs"):
        found = sf.compute_for(draws, loss=[floor + 0.2, floor + 0.005])
    below = np.mean(np.asarray(draws.law.E) < floor + 0.005)
    assert found.probability is not None
    assert found.probability == pytest.approx([1.0, below], abs=0.05)
    assert found.compute.high is not None
    assert np.isfinite(found.compute.high).tolist() == [True, False]
    never = sf.compute_for(draws, loss=1.0)
    assert (never.probability, never.compute.low, never.compute.high) == ([0.0], [np.inf], [np.inf])
    assert re.search(r"loss of 1 is never reached: .* comes to is 1\.8.*, and 1\.7.* in the luckiest", never.notes[0])
    with pytest.raises(sf.InputError, match=r"loss of 1\.1 or less is never reached: .* comes to is 1\.8[^,]*\. Ask"):
        sf.compute_for(draws.fit, loss=[1.0, 1.1])
    with pytest.raises(sf.InputError, match="loss is nan; expected a finite number"):
        sf.compute_for(draws, loss=np.nan)


def test_limits_raise_the_floor():
    with pytest.raises(sf.InputError, match="loosen the limits"):
        sf.compute_for(LAW, loss=1.85, unique=1e9, max_N=1e9)


def test_compute_equivalent_gain():
    """Against the closed form, of laws alone; the gain of the one is what the other lacks."""
    budgets = np.array([1e20, 1e24])
    found = sf.gain(STEEPER, LAW, budget=budgets)
    assert found.gain.value == pytest.approx(compute(LAW, best(STEEPER, budgets)) / budgets, rel=1e-9)
    assert found.probability is None
    beyond = dataclasses.replace(LAW, E=2.5)
    assert sf.gain(LAW, beyond, budget=[1e20, 1e24]).gain.value[1] == np.inf


def test_where_one_family_overtakes():
    """Both terms alike: A (C / 6)^(-alpha / 2) cross where (C / 6)^((a2 - a1) / 2) is A2 / A1."""
    expected = 6.0 * (1000.0 / 400.0) ** (2.0 / 0.04)
    found = sf.overtakes(LAW, STEEPER, between=(1e16, 1e24))
    assert found.budget.value == pytest.approx(expected, rel=1e-9)
    assert found.budget.draws is None
    assert np.isnan(sf.overtakes(STEEPER, LAW, between=(1e16, 1e24)).budget.value)


def test_where_one_curve_overtakes_another():
    """Curves of one size cross where their formulas do, losses and scores alike; the size is the budget."""
    high, low = PowerLaw(E=0.0, A=2.0, alpha=0.2), PowerLaw(E=0.0, A=3.0, alpha=0.3)
    found = sf.overtakes(high, low, between=(1.0, 1e6))
    assert found.budget.value == pytest.approx(1.5**10, rel=1e-9)
    assert np.isnan(sf.overtakes(low, high, between=(1.0, 1e6)).budget.value)
    slow, fast = LogLinear(a=0.4, b=0.02), LogLinear(a=0.1, b=0.05)
    assert sf.overtakes(slow, fast, between=(1.0, 1e9)).budget.value == pytest.approx(np.exp(10.0), rel=1e-9)
    with pytest.raises(sf.InputError, match="both laws are of x alone"):
        sf.overtakes(high, low, between=(1.0, 1e6), cost="inference:1e12")
    with pytest.raises(sf.InputError, match="a loss where the first is of a score"):
        sf.overtakes(slow, low, between=(1.0, 1e6))
    assert np.isnan(sf.overtakes(low, low, between=(1.0, 1e6)).budget.value)


def test_what_are_no_two_curves():
    curve, schedule = PowerLaw(E=0.0, A=2.0, alpha=0.2), MultiPower.published("25m")
    with pytest.raises(sf.InputError, match="second is a law of C where the first is one of x; expected two curves"):
        sf.overtakes(curve, Frontier(E=0.0, A=2.0, alpha=0.2), between=(1.0, 1e6))
    with pytest.raises(sf.InputError, match="MultiPower is a law of lr; expected a law of N and D"):
        sf.overtakes(schedule, schedule, between=(1.0, 10.0))
    with pytest.raises(sf.InputError, match="held is None; expected one for each of the two"):
        sf.overtakes(curve, curve, between=(1.0, 1e6), held=None)  # pyright: ignore[reportArgumentType]  what a user may try


def test_paired_draws_leave_out_what_they_share(draws):
    """A family that is the other with all of its loss 1 % lower is ahead in every draw of a pair, else in some."""
    E, A, B = (0.99 * np.asarray(getattr(draws.law, name)) for name in ("E", "A", "B"))
    lower = dataclasses.replace(draws, law=dataclasses.replace(draws.law, E=E, A=A, B=B))
    together = sf.gain(lower, draws, budget=[1e22, 1e24], paired=True)
    apart = sf.gain(lower, draws, budget=[1e22, 1e24])
    assert together.probability is not None
    assert apart.probability is not None
    assert np.all(together.probability == 1.0)
    assert np.all((apart.probability > 0.5) & (apart.probability < 1.0))
    assert together.gain.low is not None
    assert np.all(together.gain.low > 1.0)


def test_a_crossing_over_draws(draws):
    """Against the crossing of one draw by itself."""
    law = jax.tree.map(lambda a: a[3], draws.law)
    other = Chinchilla(E=1.85, A=300.0, B=1500.0, alpha=0.35, beta=0.37)
    with pytest.warns(UserWarning, match="times above the range of the runs"):
        found = sf.overtakes(other, draws, between=(1e18, 1e26))
    assert found.budget.draws is not None
    alone = sf.overtakes(other, law, between=(1e18, 1e26)).budget.value
    assert found.budget.draws[3] == pytest.approx(alone, rel=1e-9, nan_ok=True)
    assert found.probability == pytest.approx(np.mean(np.isfinite(found.budget.draws)))


def test_what_cannot_be_paired(draws):
    with pytest.raises(sf.InputError, match="paired is True; expected two ensembles"):
        sf.gain(draws, LAW, budget=1e22, paired=True)
    failed = draws.result.copy()
    failed[:3] = 1
    with pytest.raises(sf.InputError, match="3 draws did not converge"):
        sf.gain(draws, dataclasses.replace(draws, result=failed), budget=1e22, paired=True)
    with pytest.raises(sf.InputError, match="expected the lowest and the highest"):
        sf.overtakes(LAW, STEEPER, between=(1e24, 1e16))


@pytest.mark.usefixtures("unchecked")
def test_losses_and_budgets_that_are_hardly_meant(draws):
    with pytest.warns(
        UserWarning, match=r"for a loss of 20, .* times below the range .* Is the loss in the unit of the runs"
    ):
        sf.compute_for(draws, loss=20.0)
    with pytest.raises(sf.InputError, match=r"loss is 1e.300; expected less than .* the smallest model on one token"):
        sf.compute_for(draws, loss=[2.5, 1e300])
    with pytest.raises(sf.InputError, match="loss is '2'; expected a finite number"):
        sf.compute_for(draws, loss="2")
    with pytest.warns(UserWarning, match="A budget of 1e.14 FLOP .* below the range .* Is it in FLOP"):
        sf.gain(draws, STEEPER, budget=1e14)
    with pytest.raises(sf.InputError, match=r"between is \(0, 1\); expected the lowest and the highest"):
        sf.overtakes(LAW, STEEPER, between=(0, 1))
    percent = dataclasses.replace(LAW, E=180.0, A=4e4, B=4e4)
    with pytest.warns(UserWarning, match=r"the losses are 2.* and 2.*\. Are both in the same unit\? \[loss-kind\]"):
        assert np.isinf(sf.gain(LAW, percent, budget=1e22).gain.value)
    with pytest.raises(sf.InputError, match="expected a loss that the second does not reach with one parameter"):
        sf.gain(dataclasses.replace(LAW, E=1e6), LAW, budget=1e22)


def test_draws_without_another_are_noted(draws):
    fewer = made_up_draws(300)
    assert sf.gain(draws, draws, budget=1e22).notes == ()
    said = sf.gain(draws, fewer, budget=1e22).notes
    assert said == ("100 of 400 draws of the first are left out: a draw of each makes a pair, and the other has 300",)
