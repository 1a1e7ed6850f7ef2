"""A third input that a plan chooses with the size: the best of its values, for each budget and each draw."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import made_up_problem

import scalefit as sf
from scalefit.laws import Count, Number
from scalefit.params import Param, nonnegative, real

BUDGETS = np.array([1e20, 1e22, 1e24])
EXPERTS = (1, 4, 16, 64)


class Experts(sf.laws.AbstractLaw):
    """Chinchilla's law, times a penalty for other numbers of experts than suit the compute: (6 N D / 1e20)^κ."""

    inputs = {"N": "parameters", "D": "tokens", "experts": Count("experts"), "shift": Number()}  # noqa: RUF012
    A: Param = nonnegative(amplitude=True)
    alpha: Param = nonnegative()
    kappa: Param = real()

    def __call__(self, N, D, experts, shift):
        dense = self.A * (N**-self.alpha + D**-self.alpha)
        off = jnp.log(experts) - self.kappa * jnp.log(6.0 * N * D / 1e20) - shift
        return 1.7 + dense * jnp.cosh(0.1 * off)


LAW = Experts(A=400.0, alpha=0.3, kappa=0.5)


def best_experts(kappa: float) -> list[float]:
    """The number of experts that is nearest to what suits each budget, by its logarithm."""
    wanted = kappa * np.log(BUDGETS / 1e20)
    return [float(EXPERTS[np.argmin(np.abs(np.log(EXPERTS) - at))]) for at in wanted]


@pytest.fixture(scope="module")
def plan():
    return sf.allocate(LAW, budget=BUDGETS, choose={"experts": EXPERTS}, held={"shift": 0.0})


def test_the_best_of_the_values_is_chosen_at_each_budget(plan):
    assert plan.chosen["experts"].value.tolist() == best_experts(0.5) == [1.0, 16.0, 64.0]
    # Both terms are alike, so that half of the exponents is the size's at any number of experts.
    assert plan.N.value == pytest.approx(np.sqrt(BUDGETS / 6.0), rel=1e-6)
    assert "experts 16" in repr(plan)


def test_the_plan_is_the_best_of_those_with_each_value_held(plan):
    held = [sf.allocate(LAW, budget=BUDGETS, held={"experts": e, "shift": 0.0}).loss.value for e in EXPERTS]
    assert plan.loss.value == pytest.approx(np.min(held, axis=0), rel=1e-12)
    assert plan.regret(plan.N.value).value == pytest.approx(np.zeros(3), abs=1e-12)
    for low, high in plan.near_optimal.values():
        assert ((low < plan.N.value) & (plan.N.value < high)).all()


def test_several_inputs_are_chosen_together():
    found = sf.allocate(LAW, budget=BUDGETS, choose={"experts": EXPERTS, "shift": [0.0, np.log(4.0)]})
    wanted = 0.5 * np.log(BUDGETS / 1e20)
    off = np.abs(np.log(found.chosen["experts"].value) - wanted - found.chosen["shift"].value)
    every = [np.abs(np.log(e) - wanted - s) for e in EXPERTS for s in (0.0, np.log(4.0))]
    assert off == pytest.approx(np.min(every, axis=0), abs=1e-12)


@pytest.mark.filterwarnings("ignore:The training of the plan")
def test_each_draw_chooses_for_itself():
    kappa = np.array([0.0, 0.3, 0.5])
    moved = dataclasses.replace(LAW, A=np.full(3, 400.0), alpha=np.full(3, 0.3), kappa=kappa)
    problem = made_up_problem(LAW, 40, noise=sf.noise.Gaussian(), name="made")
    fit = sf.Fit(
        law=LAW, objective=np.asarray(0.1), result=np.asarray(0), scale=np.asarray(0.01), residuals=np.zeros(40),
        unidentified=np.zeros(3, bool), agreeing=np.asarray(8), problem=problem, tried=8, seed=0,
    )  # fmt: skip
    draws = sf.Ensemble(
        law=moved, objective=np.zeros(3), result=np.zeros(3, int), scale=np.full(3, 0.01),
        unidentified=np.zeros((3, 3), bool), fit=fit, method="made", seed=0,
    )  # fmt: skip
    found = sf.allocate(draws, budget=BUDGETS, choose={"experts": EXPERTS}, held={"shift": 0.0}).chosen["experts"]
    assert found.draws is not None
    assert found.draws.tolist() == [best_experts(one) for one in kappa]


@pytest.mark.parametrize(
    "asked, said",
    [
        (
            {"choose": {"experts": []}, "held": {"shift": 0.0}},
            "experts in choose is .*; expected numbers 0 or more, as .1, 8, 64",
        ),
        ({"choose": {"experts": [-1, 2]}, "held": {"shift": 0.0}}, "expected numbers 0 or more"),
        ({"choose": {"expert": [1, 2]}}, "choose names 'expert'; expected one of the further inputs that are not held"),
        ({"choose": {"N": [1e9, 2e9]}}, "choose names 'N'"),
        ({"choose": {"experts": [1, 2]}, "held": {"experts": 4}}, "choose names 'experts'"),
        ({"held": {"experts": -4, "shift": 0.0}}, "experts in held is -4; expected a number 0 or more"),
        ({}, "Experts also takes experts, shift"),
    ],
)
def test_what_cannot_be_chosen(asked, said):
    with pytest.raises(sf.InputError, match=said):
        sf.allocate(LAW, budget=1e22, **asked)
