"""Mixtures to train next: where they are known in closed form, within limits, and never worse than others."""

import numpy as np
import pytest

import scalefit as sf

WORDS = ("web", "books", "code")
BOTH = {
    "c4": sf.laws.MixingLinear(t=[3.0, 3.0, 3.0], domain=WORDS),
    "pg19": sf.laws.MixingLinear(t=[2.0, 4.0, 3.0], domain=WORDS),
}


def test_linear_laws_are_known_best_from_pure_domains():
    found = sf.design_mixtures(BOTH, num=3, criterion="D", noise=0.01)
    np.testing.assert_allclose(np.sort(np.argmax(found.weights, axis=1)), [0, 1, 2])
    np.testing.assert_allclose(found.weights.max(axis=1), 1.0, atol=1e-6)
    # Each number is known to within its typical size before; slopes of the logarithm there are that over the number.
    slopes = np.array([[2.5, 3.5, 3.0]]) / np.array([BOTH[name].t for name in BOTH])
    after = -np.mean(np.sum(np.log1p((slopes / 0.01) ** 2), axis=1))
    np.testing.assert_allclose([found.left[0], found.left[-1]], [0.0, after], rtol=1e-6)
    assert list(found.runs) == list(WORDS)


def test_within_limits_the_corners_of_these_are_best():
    found = sf.design_mixtures(BOTH, num=3, criterion="D", noise=0.01, limits={"most": 0.5, "least": {"web": 0.1}})
    assert (found.weights <= 0.5 + 1e-9).all()
    assert (found.weights[:, 0] >= 0.1 - 1e-9).all()
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0)
    corners = np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.1, 0.4, 0.5], [0.1, 0.5, 0.4]])
    off = np.abs(found.weights[:, None] - corners[None]).max(axis=2).min(axis=1)
    assert (off < 0.02).all()


def test_where_limits_leave_one_mixture_it_is_trained_again():
    held = dict(zip(WORDS, (0.5, 0.25, 0.25), strict=True))
    found = sf.design_mixtures(BOTH, num=2, noise=0.01, limits={"fixed": held})
    np.testing.assert_allclose(found.weights, [list(held.values())] * 2, atol=1e-9)


@pytest.mark.parametrize("criterion", ["V", "D"])
def test_what_is_chosen_leaves_less_than_what_is_drawn(criterion):
    from scalefit.plan.mixtures._known import known_of
    from scalefit.plan.mixtures._limits import MixtureLimits
    from scalefit.plan.mixtures._next import _About, _asked, _within
    from scalefit.plan.mixtures._objective import objective_of
    from scalefit.plan.mixtures._optimise import Task

    found = sf.design_mixtures(BOTH, num=6, criterion=criterion, noise={"c4": 0.01, "pg19": 0.02})
    assert (np.diff(found.left) < 0.0).all()
    known = known_of(BOTH, 2)
    task = Task.of(known, objective_of("mean", known.targets), MixtureLimits(), {}, None, 0.9, 0)
    box = task.treatments["none"][1]
    pool = _within(box, 0)
    about = _About.of(known, task, pool, {}, {"c4": 0.01, "pg19": 0.02})
    aim = about.aim(_asked(known, task, pool, box), task)

    def left(weights):
        shown = about.slopes(weights)
        after = np.linalg.inv(np.eye(shown.shape[-1]) + np.swapaxes(shown, 1, 2) @ shown)
        if criterion == "D":
            return np.mean(np.linalg.slogdet(after)[1])
        return np.mean(np.sum((aim @ after) * aim, axis=(1, 2)))

    assert left(found.weights) == pytest.approx(found.left[-1], rel=1e-6)
    rng = np.random.default_rng(0)
    drawn = [left(rng.dirichlet(np.full(3, alpha), 6)) for alpha in (0.2, 1.0, 3.0) for _ in range(20)]
    assert found.left[-1] < min(drawn)


def test_what_cannot_be_designed_is_refused():
    def refused(said, result=BOTH, **given):
        with pytest.raises(sf.InputError, match=said):
            sf.design_mixtures(result, **{"num": 2, "noise": 0.01, **given})

    refused("the scatter of a run, which a law alone does not say", noise=None)
    refused("noise has no number for the target 'pg19'", noise={"c4": 0.01})
    refused("num is 0; expected a whole number", num=0)
    refused("criterion is 'E'", criterion="E")
    refused("the least weights of all domains sum to 1.2", limits={"least": 0.4})
    refused("'D'", train={"D": 1e9})
    refused("seed is -1; expected a whole number", seed=-1)
    several = sf.laws.CapacityMix(c=[40.0, 60.0], b=[0.3, 0.35], A=[2e3, 3e3], a=[0.37, 0.35], E=[1.0, 1.5], H=1e6,
                                  domain=("a", "b"))  # fmt: skip
    refused("a law of all targets at once", several, at={"N": 1e9, "D": 1e10})
