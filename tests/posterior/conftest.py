"""A fit and draws that several files of tests look at: one compilation of each."""

import numpy as np
import pytest

import scalefit as sf

COUNT, DRAWS = 64, 1000


@pytest.fixture(scope="package")
def few() -> sf.Runs:
    rng = np.random.default_rng(8)
    N, D = 10 ** rng.uniform(7, 10, COUNT), 10 ** rng.uniform(9, 12, COUNT)
    loss = 1.8 + 480.0 * N**-0.35 + 2100.0 * D**-0.37
    return sf.Runs(loss * np.exp(0.01 * rng.standard_normal(COUNT)), N=N, D=D)


@pytest.fixture(scope="package")
def few_fit(few):
    return sf.fit(sf.laws.Chinchilla, few, noise=sf.noise.Gaussian())


@pytest.fixture(scope="package")
def few_draws(few_fit, few):
    return sf.sample(few_fit, num=DRAWS, method="is")


@pytest.fixture(scope="package")
def trainings() -> sf.Runs:
    """Four checkpoints of each of 16 trainings, which share an offset."""
    rng = np.random.default_rng(5)
    N, D = np.repeat(10 ** rng.uniform(7, 10, 16), 4), 10 ** rng.uniform(9, 12, COUNT)
    offset = np.repeat(0.02 * rng.standard_normal(16), 4)
    loss = 1.8 + 480.0 * N**-0.35 + 2100.0 * D**-0.37
    loss = loss * np.exp(offset + 0.004 * rng.standard_normal(COUNT))
    return sf.Runs(loss, N=N, D=D, run=np.repeat(np.arange(16), 4), seed=np.zeros(COUNT, int))


@pytest.fixture(scope="package")
def trained_draws(trainings):
    fit = sf.fit(sf.laws.Chinchilla, trainings, noise=sf.noise.Gaussian())
    return sf.sample(fit, num=DRAWS, method="is", cluster=("run", "seed"), growth="N")
