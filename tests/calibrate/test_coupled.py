"""The coupled law with shapes near those of other studies: its slopes, its fits, and what they foresee."""

import jax
import numpy as np
import pytest
from helpers import curves_of_budgets

from scalefit.calibrate._coupled import SHAPES, Seen, coupled, imbalance, law_and_slopes, log_loss
from scalefit.calibrate._law import CoupledLaw
from scalefit.calibrate._prior import prior_of_studies
from scalefit.calibrate._reach import excess
from scalefit.laws import Skaling

LAW = Skaling(E=1.2, A=20.0, B=30.0, alpha=0.3, beta=0.27, k=0.7)


def seen_of(runs) -> Seen:
    N, D, loss = (np.log(np.asarray(a)) for a in (runs.inputs["N"], runs.inputs["D"], runs.target))
    return Seen(N, D, loss, excess(N + D, loss))


@pytest.fixture(scope="module")
def studies():
    return [seen_of(curves_of_budgets(seed, budgets=4 + seed)) for seed in range(3)]


@pytest.fixture(scope="module")
def fits(studies):
    return coupled(prior_of_studies(), studies)


def test_slopes_are_those_of_differences():
    rng = np.random.default_rng(0)
    numbers, (n, d) = rng.normal([-0.4, -2.0, -1.5, -1.2, -1.0, -0.5], 0.3, (4, SHAPES)), rng.normal(size=(2, 4, 5))
    for i, step in enumerate(1e-6 * np.eye(SHAPES)):
        by_hand = (law_and_slopes(numbers + step, n, d)[0] - law_and_slopes(numbers - step, n, d)[0]) / 2e-6
        np.testing.assert_allclose(law_and_slopes(numbers, n, d)[1][..., i], by_hand, rtol=1e-6, atol=1e-9)


def test_the_best_size_is_that_of_the_law():
    numbers = np.array([[-0.4, -2.0, -1.5, -1.2, -1.0, -0.5]])
    n = np.linspace(-6.0, 6.0, 2001)[None]
    side, above = imbalance(numbers, n, 1.0 - n)
    loss = law_and_slopes(numbers, n, 1.0 - n)[0]
    np.testing.assert_allclose(above, loss - loss.min(), atol=1e-5)
    assert abs(side[0, np.argmin(loss)]) < 0.01


def test_a_study_is_fitted_alike_in_any_company(studies, fits):
    for k, study in enumerate(studies):
        alone = coupled(prior_of_studies(), [study])
        for one, whole in zip(alone, fits, strict=True):
            np.testing.assert_allclose(one[0], whole[k], rtol=1e-4, atol=1e-6)


def test_what_came_of_the_law_is_foreseen():
    rng = np.random.default_rng(1)
    C, away = np.meshgrid(np.geomspace(1e17, 1e21, 8), np.linspace(-1.0, 1.0, 5), indexing="ij")
    N = (np.sqrt(C / 120.0) * np.exp(away)).ravel()
    D = C.ravel() / 6.0 / N
    loss = np.log(np.asarray(jax.vmap(LAW)(N, D))) + 0.002 * rng.standard_normal(N.size)
    fit = coupled(prior_of_studies(), [Seen(np.log(N), np.log(D), loss, excess(np.log(N * D), loss))])
    later = np.array([1e10, 3e10]), np.array([2e11, 6e11])
    value, error, above = fit.foreseen(np.zeros(2, int), *map(np.log, later))
    truth = np.log([float(LAW(*one)) for one in zip(*later, strict=True)])
    assert np.all(np.abs(value - truth) < 2.5 * error)
    assert np.all(error < 0.03)
    assert np.all((above >= 0.0) & (above < 0.01))


def test_as_a_law_it_says_the_same(fits):
    N, D = np.array([1e8, 1e9, 1e10]), np.array([1e11, 1e11, 1e9])
    value, *_ = fits.foreseen(np.ones(3, int), np.log(N), np.log(D))
    law = CoupledLaw.of(fits, 1)
    with jax.enable_x64(True):
        np.testing.assert_allclose(np.log([float(law(*one)) for one in zip(N, D, strict=True)]), value, rtol=1e-9)


def test_draws_scatter_by_the_error(fits):
    rng, at = np.random.default_rng(0), (np.log([[1e10]]), np.log([[2e11]]))
    draws = fits.draws(2, 4000, rng)
    n, d = (x - fits.centre[2, i] for i, x in enumerate(at))
    values = log_loss(draws, np.repeat(n, 4000, 0), np.repeat(d, 4000, 0))
    _, error, _ = fits.foreseen(np.array([2]), at[0][0], at[1][0])
    np.testing.assert_allclose(values.std(), error[0], rtol=0.15)
