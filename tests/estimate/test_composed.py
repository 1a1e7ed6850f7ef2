"""Fits of composed laws, with ties and a group's own parameters: what is held stays, what follows is no constant."""

import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import AbstractLaw, Chinchilla, Effective, Own
from scalefit.laws._abstract import Doubt
from scalefit.params import Param, Scalar, axis, interval, positive, simplex

GAUSSIAN = sf.noise.Gaussian()
GROUPS = ("c4", "books", "web")
LAW = Chinchilla(E=1.7, A=400.0, B=410.0, alpha=0.34, beta=0.28)


class Times(AbstractLaw):
    """Parameters count k-fold."""

    inputs: ClassVar[Mapping[str, Any]] = {"N": "parameters"}
    k: Param = positive()

    def __call__(self, N: Scalar) -> Scalar:
        """The parameters that they are worth."""
        return self.k * N


class TimesD(AbstractLaw):
    """Tokens count r-fold."""

    inputs: ClassVar[Mapping[str, Any]] = {"D": "tokens"}
    r: Param = positive()

    def __call__(self, D: Scalar) -> Scalar:
        """The tokens that they are worth."""
        return self.r * D


class Shares(AbstractLaw):
    """A sum of powers by shares."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": "x"}
    kind: tuple[str, ...] = axis()
    w: Param = simplex(axis="kind")

    def __call__(self, x: Scalar) -> Scalar:
        """The value at x."""
        return self.w[0] * x**0.5 + self.w[1] * x**0.2 + self.w[2]


class Bounded(AbstractLaw):
    """A power and a share."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": "x"}
    a: Param = positive()
    r: Param = interval(0.0, 1.0)

    def __call__(self, x: Scalar) -> Scalar:
        """The value at x."""
        return self.a * x**-0.5 + self.r


@pytest.fixture(scope="module")
def runs() -> sf.Runs:
    rng, count = np.random.default_rng(0), 60
    N, D = 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(9, 12, count)
    A = np.array([400.0, 600.0, 300.0])[np.arange(count) % 3]
    loss = (1.7 + A / N**0.34 + 410.0 / D**0.28) * np.exp(rng.normal(0.0, 0.002, count))
    return sf.Runs(loss, N=N, D=D, group=np.array(GROUPS)[np.arange(count) % 3])


def test_parts_keep_their_own_numbers_whatever_order_they_are_given_in(runs):
    law: Any = Effective(Chinchilla(), {"N": Times(k=2.0), "D": TimesD(r=7.0)})
    fitted: Any = sf.fit(law, runs, noise=GAUSSIAN, fixed=("N.k", "D.r")).law
    assert (float(fitted.of["N"].k), float(fitted.of["D"].r)) == (2.0, 7.0)


def test_an_exponent_may_be_a_groups_own(runs):
    fit: Any = sf.fit(Chinchilla, runs, noise=GAUSSIAN, own=("A", "alpha"), by="group")
    draws: Any = sf.laplace(fit, num=16)
    assert draws.law.base.alpha.shape == (16, 3)
    assert sf.bootstrap(fit, num=5).converged.all()


def test_numbers_of_groups_are_held_by_name(runs):
    law = Own(Chinchilla(A=[400.0, 600.0, 300.0]), ("A",), "group")
    fit: Any = sf.fit(law, runs, noise=GAUSSIAN, fixed=("A[c4]",))
    assert fit.fixed == ("A[c4]",)
    assert float(fit.law.base.A[0]) == 400.0
    with pytest.raises(sf.InputError, match=r"fixed names 'A\[1\]'; expected one of the parameters"):
        sf.fit(Chinchilla, runs, own=("A",), by="group", fixed=("A[1]",))
    every: Any = sf.fit(Chinchilla(A=400.0), runs, noise=GAUSSIAN, own=("A",), by="group", fixed=("A",))
    np.testing.assert_array_equal(every.law.base.A, 400.0)


def test_starts_of_another_law_are_refused(runs):
    with pytest.raises(sf.InputError, match=r"a law with a number for each of E, A\[c4\]"):
        sf.fit(Chinchilla, runs, own=("A",), by="group", starts=LAW)


def test_a_tie_is_the_same_from_both_sides(runs):
    one, other = (sf.fit(Chinchilla, runs, noise=GAUSSIAN, tie=tie) for tie in ({"E": "alpha"}, {"alpha": "E"}))
    np.testing.assert_allclose(one.objective, other.objective, rtol=1e-6)


def test_what_is_tied_is_fitted_and_no_constant(runs):
    fit = sf.fit(Chinchilla, runs, noise=GAUSSIAN, tie={"beta": "alpha"})
    assert fit.fixed == ()
    told: Any = sf.summary(sf.laplace(fit, num=50))
    assert not told["beta"].fixed
    assert told["beta"].se == told["alpha"].se
    start = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.3}
    assert sf.fit(Chinchilla, runs, noise=GAUSSIAN, tie={"beta": "alpha"}, starts=start).converged


def test_what_is_fixed_is_tied_to_nothing(runs):
    law = Chinchilla(E=1.7, A=400.0, B=410.0, alpha=0.3, beta=0.4)
    with pytest.raises(sf.InputError, match="tie gives beta the value of alpha, and `fixed` its own; expected one of"):
        sf.fit(law, runs, fixed="beta", tie={"beta": "alpha"})
    fit = sf.fit(law, runs, fixed="alpha", tie={"beta": "alpha"})
    assert float(fit.law.beta) == 0.3


def test_ties_keep_to_the_constraint_of_what_is_tied():
    x = np.arange(1.0, 20.0)
    with pytest.raises(sf.InputError, match="a to lie where r may"):
        sf.fit(Bounded, sf.Runs(3.0 * x**-0.5 + 3.0, x=x), tie={"r": "a"})


def test_shares_may_be_started_from():
    x = np.geomspace(1.0, 100.0, 30)
    runs = sf.Runs(0.2 * x**0.5 + 0.3 * x**0.2 + 0.5, x=x)
    fit = sf.fit(Shares(kind=("a", "b", "c")), runs, noise=GAUSSIAN)
    np.testing.assert_allclose(fit.law.w, [0.2, 0.3, 0.5], rtol=1e-6)
    assert sf.fit(fit.law, runs, noise=GAUSSIAN).converged
    assert fit.fixed == ()


def test_a_fit_can_be_sent_to_another_process(runs):
    fit = sf.fit(Chinchilla, runs, noise=GAUSSIAN)
    again = pickle.loads(pickle.dumps(fit))
    assert again.problem == fit.problem
    assert len(sf.bootstrap(again, num=4)) == 4


def test_problems_with_other_held_values_are_others(runs):
    one, other = (sf.fit(Chinchilla(E=E), runs, noise=GAUSSIAN, fixed="E").problem for E in (1.5, 1.7))
    assert one != other


def test_doubts_of_a_law_of_groups_are_those_of_its_law():
    """As its law says them of the runs of each group, each once."""

    class Doubted(sf.laws.PowerLaw):
        def doubts(self, inputs, target, study, free):
            assert set(inputs) == {"x"}
            yield Doubt(int(study[0]), 0, f"has {len(target)} runs, of {', '.join(free)}", UserWarning)

    law = sf.laws.Own.of(Doubted(), ("A",), "corpus")
    inputs = {"x": np.arange(1.0, 8.0), "corpus": np.array([0, 0, 0, 0, 1, 1, 1])}
    found = list(law.doubts(inputs, np.ones(7), np.zeros(7, int), ("E", "A[c4]", "A[books]")))
    assert [one.message for one in found] == ["has 4 runs, of E, A", "has 3 runs, of E, A"]
