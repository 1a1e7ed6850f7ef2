"""The one pass over the runs gives what differentiating the objective gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalefit.noise import Gaussian, Huber, StudentT
from scalefit.solve import _moments, derivatives, moments, objective, predictions
from scalefit.solve import lanes as lane_rows

LANES = 3
NOISES = {
    "gaussian": Gaussian(),
    "gaussian-value": Gaussian(log=False),
    "huber": Huber(0.03),
    "huber-value": Huber(0.05, log=False),
    "student": StudentT(),
    "student-value": StudentT(log=False),
}
every_noise = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES.keys())
# One study shared by the lanes, or a study each with weights and standard errors of its own.
every_layout = pytest.mark.parametrize("studies", [1, LANES], ids=["shared", "by-lane"])


@pytest.fixture
def rows(noise, studies, make_data):
    data = make_data(studies, noise=0.05, log=noise.log, precision=studies > 1)
    return lane_rows(data, jnp.arange(LANES) % studies, jnp.zeros(LANES, int))


@pytest.fixture
def theta(noise):
    """Three lanes near the truth, and the logarithm of a scale where it is free."""
    at = np.array([[1.5, 2.0, 0.7], [1.3, 2.2, 0.6], [1.6, 1.7, 0.9]])
    return jnp.asarray(np.concatenate([at, np.log([[0.05], [0.1], [0.04]])], axis=1) if noise.free_scale else at)


def by_formula(noise, theta, rows):
    """The objective in NumPy, from the definition."""
    at, x = np.asarray(theta), np.asarray(rows.point["x"])
    value = at[:, :1] + at[:, 1:2] * np.exp(-at[:, 2:3] * x)
    z = np.asarray(rows.target) - (np.log(value) if noise.log else value)
    z = z if rows.precision is None else z * np.asarray(rows.precision)
    log_scale = at[:, 3:4] if noise.free_scale else 0.0
    z = z * np.exp(-log_scale)
    if isinstance(noise, Huber):
        delta = float(noise.delta)
        cost = np.where(np.abs(z) <= delta, 0.5 * z**2, delta * (np.abs(z) - 0.5 * delta))
    elif isinstance(noise, StudentT):
        cost = 2.5 * np.log(1 + z**2 / 4.0) + log_scale
    else:
        cost = 0.5 * z**2
    return np.sum(np.asarray(rows.weight) * cost, axis=1)


@every_noise
@every_layout
def test_moments_are_the_derivatives_of_the_objective(noise, theta, rows, curve):
    def cost(t):
        return objective(curve, noise, t, rows)

    def lane_sum(t):
        return jnp.sum(cost(t))

    @jax.jit
    def both(t):
        everything = jax.hessian(lane_sum)(t)
        hessian = jnp.stack([everything[k, :, k] for k in range(LANES)])
        exact = moments(curve, noise, t, jnp.ones(LANES, bool), rows)
        return exact, (cost(t), jax.grad(lane_sum)(t), hessian)

    exact, expected = both(theta)
    np.testing.assert_allclose(expected[0], by_formula(noise, theta, rows), rtol=1e-12)
    for found, wanted in zip(exact, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10)


@every_noise
@pytest.mark.parametrize("studies", [LANES], ids=["by-lane"])
def test_the_gauss_newton_matrix_is_symmetric_and_bends_up_only(noise, theta, rows, curve):
    step = jax.jit(lambda t, exact: moments(curve, noise, t, exact, rows))
    value, gradient, matrix = step(theta, jnp.zeros(LANES, bool))
    np.testing.assert_allclose(matrix, np.swapaxes(matrix, 1, 2), rtol=1e-13)
    spectrum = np.linalg.eigvalsh(matrix)
    assert (spectrum[:, 0] >= -1e-12 * spectrum[:, -1]).all()
    # The phase changes the matrix and nothing else.
    other = step(theta, jnp.ones(LANES, bool))
    np.testing.assert_allclose(value, other[0], rtol=1e-14)
    np.testing.assert_allclose(gradient, other[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("noise", [NOISES["huber"], NOISES["student"]], ids=["huber", "student"])
@every_layout
def test_runs_taken_in_blocks_give_the_same(noise, theta, rows, curve, monkeypatch):
    exact = jnp.asarray([True, False, True])
    whole = jax.jit(lambda t: moments(curve, noise, t, exact, rows))(theta)
    monkeypatch.setattr(_moments, "BLOCK", 20)  # 48 runs: the third block is padded
    blocks = jax.jit(lambda t: moments(curve, noise, t, exact, rows))(theta)
    for found, wanted in zip(blocks, whole, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-12)


def test_each_lane_has_the_matrix_it_asks_for(curve, make_data):
    noise = Gaussian()
    rows = lane_rows(make_data(log=True), jnp.zeros(2, int), jnp.zeros(2, int))
    theta = jnp.asarray([[1.3, 2.2, 0.6]] * 2)
    step = jax.jit(lambda exact: moments(curve, noise, theta, exact, rows)[2])
    mixed, reweighted, hessian = (step(jnp.asarray(e)) for e in ([True, False], [False, False], [True, True]))
    np.testing.assert_allclose(mixed, [hessian[0], reweighted[1]], rtol=1e-13)
    assert np.max(np.abs(hessian[0] - reweighted[0])) > 1e-3


def test_second_derivatives_that_are_zero_for_every_run_are_left_out(curve):
    """E bends nothing, and A only together with alpha."""
    theta = tuple(jnp.asarray(t) for t in (1.5, 2.0, 0.7))
    value, slopes, curvatures = derivatives(curve, theta, {"x": jnp.asarray(1.2)}, jnp.zeros(1))
    fall = np.exp(-0.7 * 1.2)
    assert float(value) == pytest.approx(1.5 + 2.0 * fall, rel=1e-14)
    np.testing.assert_allclose(slopes, [1.0, fall, -1.2 * 2.0 * fall], rtol=1e-14)
    np.testing.assert_allclose(curvatures, [-1.2 * fall, 1.2**2 * 2.0 * fall], rtol=1e-14)


def test_predictions_are_the_curve(curve, make_data):
    rows = lane_rows(make_data(), jnp.zeros(2, int), jnp.zeros(2, int))
    theta = np.array([[1.5, 2.0, 0.7], [0.0, 1.0, -0.2]])
    x = np.asarray(rows.point["x"])
    expected = theta[:, :1] + theta[:, 1:2] * np.exp(-theta[:, 2:] * x)
    np.testing.assert_allclose(predictions(curve, jnp.asarray(theta), rows), expected, rtol=1e-14)
