"""The global search: nodes that fill the cube, amplitudes solved for, starts from distinct regions."""

import functools

import numpy as np
import pytest
from scipy.stats import qmc

from scalefit.noise import Gaussian, Huber
from scalefit.solve import kronecker
from scalefit.solve import screen as searched

TRUTH = (1.5, 2.0, 0.7)


@pytest.fixture(params=["host", "compiled"])
def screen(request):
    """The search by either driver."""
    return functools.partial(searched, driver=request.param)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5])
def test_kronecker_fills_the_cube_more_evenly_than_chance(dimensions, rng):
    points = kronecker(256, dimensions, rng.random(dimensions))
    assert points.shape == (256, dimensions)
    assert points.min() >= 0.0
    assert points.max() < 1.0
    random = [qmc.discrepancy(rng.random((256, dimensions))) for _ in range(5)]
    assert qmc.discrepancy(points) < 0.5 * min(random)


def test_kronecker_moves_with_its_shift():
    moved = kronecker(32, 2, np.array([0.25, 0.5])) - kronecker(32, 2, np.zeros(2))
    np.testing.assert_allclose(np.mod(moved, 1.0), np.tile([0.25, 0.5], (32, 1)), atol=1e-12)


def nodes():
    """Rates with the true one among them, and where they lie in the unit interval."""
    rates = np.append(np.linspace(-0.4, 2.4, 31), TRUTH[2])
    return np.asarray(rates[:, None]), np.asarray((rates[:, None] + 0.4) / 2.8)


@pytest.mark.parametrize("log", [True, False], ids=["log", "value"])
def test_amplitudes_are_found_exactly_at_the_true_shape(log, screen, curve, make_data):
    data = make_data(noise=0.0, log=log)
    starts, cost = screen(curve, Gaussian(log=log), data, *nodes(), np.zeros(1, int), np.zeros((1, 1), int), keep=4)
    assert starts.shape == (1, 1, 4, 3)
    np.testing.assert_allclose(starts[0, 0, 0], TRUTH, rtol=1e-10)
    assert cost[0, 0, 0] == pytest.approx(0.0, abs=1e-14)
    assert (np.diff(cost[0, 0]) >= 0).all()


def test_an_amplitude_that_would_be_negative_is_zero(screen, curve, make_data):
    data = make_data(truth=(-0.1, 2.0, 0.3), noise=0.0)
    node = np.asarray([[0.3]])
    starts, cost = screen(curve, Gaussian(log=False), data, node, node, np.zeros(1, int), np.zeros((1, 1), int), keep=1)
    x, y = np.asarray(data.point["x"][0]), np.asarray(data.target[0])
    shape = np.exp(-0.3 * x)
    best = np.sum(shape * y) / np.sum(shape**2)
    np.testing.assert_allclose(starts[0, 0, 0], [0.0, best, 0.3], rtol=1e-10)
    assert cost[0, 0, 0] == pytest.approx(np.mean((y - best * shape) ** 2), rel=1e-9)


def test_starts_come_from_distinct_regions(screen, curve, make_data):
    starts, _ = screen(
        curve, Gaussian(log=False), make_data(), *nodes(), np.zeros(1, int), np.zeros((1, 1), int), keep=4
    )
    places = np.sort((np.asarray(starts)[0, 0, :, 2] + 0.4) / 2.8)
    assert np.diff(places).min() >= 0.5 / 8


def test_each_study_and_resample_has_its_own_starts(screen, curve, make_data):
    """Of a batch, each is as if it had been screened alone with its weights."""
    data = make_data(2, resamples=3)
    study, resample = np.asarray([1, 0]), np.asarray([[0, 2], [1, 1]])
    starts, cost = screen(curve, Gaussian(log=False), data, *nodes(), study, resample, keep=2)
    assert data.resamples is not None
    for g in range(2):
        for m in range(2):
            s, r = int(study[g]), int(resample[g, m])
            alone = data._replace(
                point={"x": data.point["x"][s : s + 1]}, target=data.target[s : s + 1],
                weight=data.weight[s : s + 1] * data.resamples[r : r + 1], constant=data.constant[:1], resamples=None,
            )  # fmt: skip
            one = screen(curve, Gaussian(log=False), alone, *nodes(), np.zeros(1, int), np.zeros((1, 1), int), keep=2)
            np.testing.assert_allclose(starts[g, m], one[0][0, 0], rtol=1e-9)
            np.testing.assert_allclose(cost[g, m], one[1][0, 0], rtol=1e-9)


def test_runs_far_off_count_for_less_as_the_noise_has_it(screen, curve, make_data):
    """Every sixth run is spoiled: reweighting takes most of that out of the amplitudes."""
    clean = make_data(noise=0.0)
    data = clean._replace(target=clean.target.at[:, ::6].add(2.0))
    at = (*nodes(), np.zeros(1, int), np.zeros((1, 1), int))
    off = {}
    for noise in (Gaussian(log=False), Huber(1e-3, log=False)):
        starts, _ = screen(curve, noise, data, *at, keep=1)
        x = np.asarray(data.point["x"][0])
        E, A, alpha = np.asarray(starts[0, 0, 0])
        off[type(noise)] = np.median(np.abs(E + A * np.exp(-alpha * x) - np.asarray(clean.target[0])))
    assert off[Huber] < 0.6 * off[Gaussian]
