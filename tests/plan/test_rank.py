"""Arms beside each other: probabilities of being the best, alone and by common draws."""

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import PowerLaw

X = np.geomspace(1.0, 1e3, 12)


@pytest.fixture(scope="module")
def arms():
    """Four arms that differ in their floor alone, by a little; what scatters is the same in all."""
    off = 2e-3 * np.random.default_rng(0).standard_normal(12)
    loss = [(floor + 1.5 * X**-0.4) * np.exp(off) for floor in (1.0, 1.001, 1.01, 1.2)]
    runs = sf.Runs(np.concatenate(loss), x=np.tile(X, 4)).with_column("recipe", np.repeat(list("abcd"), 12))
    return sf.fit(PowerLaw, runs, by="recipe", noise=sf.noise.Gaussian())


def test_the_best_is_the_most_probable(arms):
    found = sf.rank(arms, x=1e4)
    assert found.arms == ("a", "b", "c", "d")
    np.testing.assert_allclose(found.best.sum(), 1.0)
    assert found.best[0] == found.best.max()
    assert found.best[3] < 1e-3
    assert found.regret[3] > found.regret[0] > 0.0
    assert "a: best with" in repr(found)


def test_of_two_alike_each_is_as_likely():
    runs = sf.Runs(1.0 + 1.5 * X**-0.4 + 1e-3 * np.random.default_rng(0).standard_normal(12), x=X)
    fit = sf.fit(PowerLaw, runs, noise=sf.noise.Gaussian())
    found = sf.rank({"one": fit, "other": fit}, x=[1e4, 1e5], new_run=True)
    np.testing.assert_allclose(found.best, 0.5, atol=0.03)
    np.testing.assert_allclose(found.value.value, sf.predict(fit, x=[1e4, 1e5]).value[None].repeat(2, 0))


def test_common_draws_take_out_what_arms_share(arms):
    weights = np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), 300) + 0.2
    draws = {key: sf.bootstrap(arms[key], weights=weights) for key in "abc"}
    alone, together = (sf.rank(draws, paired=paired, x=1e4) for paired in (False, True))
    assert together.best[0] > alone.best[0]
    assert together.best[0] > 0.95
    assert together.paired


def test_what_is_larger_may_be_better():
    x = np.linspace(0.5, 2.0, 20)
    off = 1e-3 * np.random.default_rng(0).standard_normal(20)
    fits = {
        name: sf.fit(
            sf.laws.Sigmoid(floor=0.25, ceiling=1.0),
            sf.Runs(0.25 + 0.75 / (1 + np.exp(5 * (x - at))) + off, x=x, target="accuracy"),
            noise=sf.noise.Gaussian(log=False),
            fixed=("floor", "ceiling"),
        )
        for name, at in (("late", 0.8), ("early", 1.2))
    }
    assert sf.rank(fits, x=1.0).best[1] > 0.99


@pytest.mark.parametrize(
    "given, said",
    [({}, "is a single result"), ({"arms": None}, "arms is None"), ({"paired": True}, "paired is True")],
)
def test_what_cannot_be_ranked(arms, given, said):
    first = arms["a"]
    if given.get("paired"):
        first = {"a": first, "b": first}
    with pytest.raises(sf.InputError, match=said):
        sf.rank(**{"arms": first, **given}, x=1e4)
