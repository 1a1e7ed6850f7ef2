"""Sizes of 0, which some formulas take, and shares by themselves."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from programs import count_programs

import scalefit as sf
from scalefit.laws import AbstractLaw, BestOfN, Chinchilla, RewardOfPolicy
from scalefit.params import Param, nonnegative, positive, real

GAUSSIAN = sf.noise.Gaussian(log=False)


class Decay(AbstractLaw):
    """c + a exp(-t / s)."""

    inputs: ClassVar = {"t": "s"}
    c: Param = nonnegative(amplitude=True)
    a: Param = nonnegative(amplitude=True)
    s: Param = positive(dims={"s": 1.0})

    def __call__(self, t):
        return self.c + self.a * jnp.exp(-t / self.s)


class Swift(Decay):
    """The same, which no other test fits."""


class Mixture(AbstractLaw):
    """c + exp(t r) of a share r whose rest nobody lists."""

    inputs: ClassVar = {"r": "share"}
    c: Param = nonnegative(amplitude=True)
    t: Param = real(typical=(-5.0, 5.0))

    def __call__(self, r):
        return self.c + jnp.exp(self.t * r)


def test_a_formula_that_is_finite_at_zero_takes_it():
    truth = Decay(c=2.0, a=3.0, s=50.0)
    t = np.array([0.0, 0.0, 10.0, 20.0, 50.0, 100.0, 200.0])
    fit = sf.fit(Decay, sf.Runs(np.asarray(2.0 + 3.0 * np.exp(-t / 50.0)), t=t), noise=GAUSSIAN)
    np.testing.assert_allclose([fit.law.c, fit.law.a, fit.law.s], [truth.c, truth.a, truth.s], rtol=1e-9)
    np.testing.assert_allclose(sf.predict(fit, t=0.0).value, 5.0, rtol=1e-9)


@pytest.mark.parametrize("law", [BestOfN(alpha=0.9, beta=0.18), RewardOfPolicy(alpha=0.9, beta=0.48)])
def test_a_reward_of_0_where_nothing_was_trained(law):
    """The run says nothing, as the law is 0 there whatever its numbers are; the others are fitted as without it."""
    d = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
    beyond = np.log(np.maximum(d, 0.5)) if isinstance(law, RewardOfPolicy) else d
    fit = sf.fit(type(law), sf.Runs(d * (0.9 - float(law.beta) * beyond), d=d), noise=GAUSSIAN)
    np.testing.assert_allclose([fit.law.alpha, fit.law.beta], [law.alpha, law.beta], rtol=1e-9)
    assert float(sf.predict(fit, d=0.0).value) == 0.0


def test_no_table_of_a_law_compiles_anything_of_its_own():
    """Sizes of 0 and units are tried at runs of each table, by the programs of the one before."""
    for count, compiles in ((6, True), (9, False), (23, False)):
        t = np.array([0.0, *np.geomspace(1.0, 30.0 * count, count)])
        with count_programs() as compiled:
            sf.fit(Swift, sf.Runs(1.0 + count * np.exp(-t / 50.0), t=t), noise=GAUSSIAN)
        assert bool(compiled) == compiles


def test_a_formula_that_is_not_finite_at_zero_refuses_it():
    D = np.geomspace(1e9, 1e11, 6)
    runs = sf.Runs(np.linspace(3.0, 2.0, 6), N=np.array([0.0, 1e7, 1e8, 1e9, 1e8, 1e7]), D=D)
    with pytest.raises(sf.InputError, match=r"'N' in row 1 of 'runs' is 0; expected a number above 0"):
        sf.fit(Chinchilla, runs)


def test_a_share_by_itself():
    r = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    fit = sf.fit(Mixture, sf.Runs(2.0 + np.exp(-1.5 * r), r=r), noise=GAUSSIAN)
    np.testing.assert_allclose([fit.law.c, fit.law.t], [2.0, -1.5], rtol=1e-9)
    with pytest.raises(sf.InputError, match="from 0 to 1"):
        sf.predict(fit, r=1.5)
