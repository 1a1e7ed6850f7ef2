"""Patterns in residuals: found where the law lacks them, as rare by chance as they say."""

import numpy as np
from helpers import LADDER

import scalefit as sf
from scalefit.laws import Chinchilla, Skaling
from scalefit.results import patterns


def runs(k: float, seed: int = 0, count: int = 40) -> sf.Runs:
    rng = np.random.default_rng(seed)
    N, D = 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(9, 12, count)
    loss = LADDER.E + (LADDER.A * N**-LADDER.alpha + LADDER.B * D**-LADDER.beta) ** k
    return sf.Runs(loss * np.exp(0.003 * rng.standard_normal(count)), N=N, D=D)


def test_a_saddle_is_named_and_gone_with_the_law_that_couples():
    table = runs(0.5)
    found = patterns(sf.fit(Chinchilla, table))
    assert found[0].name == "saddle N D"
    assert found[0].p < 1e-6
    assert all(one.p > 0.01 for one in patterns(sf.fit(Skaling, table)) if one.name == "saddle N D")


def test_chance_is_as_rare_as_it_says():
    """Of patterns of 60 right laws about one in ten has p below .1."""
    table = [runs(1.0, seed, 24) for seed in range(60)]
    N, D = (np.concatenate([one.inputs[n] for one in table]) for n in ("N", "D"))
    loss, study = np.concatenate([one.target for one in table]), np.repeat(np.arange(60), 24)
    runs_of_all = sf.Runs(loss, N=N, D=D, study=study)
    fits = sf.fit(Chinchilla, runs_of_all, by="study", noise=sf.noise.Gaussian(), num_starts=2)
    p = np.array([one.p for key in fits.keys or () for one in patterns(fits[key])])
    assert 0.06 < np.mean(p < 0.1) < 0.15
    assert 0.42 < np.mean(p < 0.5) < 0.58


def test_an_exact_law_leaves_nothing():
    x = np.geomspace(1.0, 100.0, 10)
    fit = sf.fit(sf.laws.PowerLaw, sf.Runs(1.0 + x**-0.5, x=x), noise=sf.noise.Gaussian())
    assert all(np.isfinite(one.t) for one in patterns(fit))


def test_a_batch_tells_none():
    x = np.tile(np.geomspace(1.0, 100.0, 6), 2)
    two = sf.Runs(1.0 + x**-0.5, x=x).with_column("of", np.repeat([0, 1], 6))
    assert patterns(sf.fit(sf.laws.PowerLaw, two, by="of")) == ()
