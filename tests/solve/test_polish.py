"""Local optimisation: the same optimum whatever the batch, bounds kept, and an honest word on how it ended."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.optimize import least_squares

from scalefit import RESULTS
from scalefit.noise import Gaussian, Huber, StudentT
from scalefit.solve import _compiled as polish_module
from scalefit.solve import _run as run_module
from scalefit.solve import cores, moments, objective, polish, solve
from scalefit.solve import lanes as lane_rows

FITS = 64
FLOOR = 1e-28
LBFGS = optax.lbfgs()


def arguments(curve, noise, data, start, *, max_steps=200):
    """What `polish` takes: each fit looks at its own resample, if there are any."""
    fits = len(start)
    resample = np.arange(fits) if data.resamples is not None else np.zeros(fits)
    return (
        curve, noise, data, jnp.asarray(start), jnp.zeros(fits, jnp.int32), jnp.asarray(resample, jnp.int32),
        jnp.full(data.target.shape[0], FLOOR), jnp.asarray(max_steps, jnp.int32),
    )  # fmt: skip


def polished(curve, noise, data, start, *, count=None, width=8, max_steps=200):
    problem = arguments(curve, noise, data, start, max_steps=max_steps)
    return polish(*problem, count=jnp.asarray(len(start) if count is None else count, jnp.int32), width=width)


def solved(curve, noise, data, start, **options):
    curve, noise, data, start, study, resample, floor, _ = arguments(curve, noise, data, start)
    at = (np.asarray(a) for a in (start, study, resample, floor))
    return solve(curve, noise, data, *at, driver="compiled", **options)


@pytest.fixture
def starts(rng):
    """Starts scattered about the truth."""
    return np.array([1.5, 2.0, 0.7]) * np.exp(0.5 * rng.standard_normal((FITS, 3)))


@pytest.fixture
def resampled(make_data):
    return make_data(log=True, resamples=FITS)


@pytest.fixture
def good(curve, resampled, starts):
    """The fits of all resamples, eight lanes wide."""
    return polished(curve, Huber(0.01), resampled, starts, width=8)


def test_every_resample_reaches_its_optimum(good, curve, resampled, starts):
    """The objective cannot be lowered along any direction by a quarter of a percent."""
    assert (np.asarray(good.result) == RESULTS.successful).all()
    rows = lane_rows(resampled, jnp.zeros(FITS, int), jnp.arange(FITS))
    cost = jax.jit(lambda theta: objective(curve, Huber(0.01), theta, rows))
    for k in range(3):
        for factor in (0.9975, 1.0025):
            moved = good.theta.at[:, k].multiply(factor)
            assert (cost(moved) >= good.objective).all()


@pytest.mark.parametrize("width", [1, 64])
def test_the_number_of_lanes_changes_nothing(width, good, curve, resampled, starts):
    other = polished(curve, Huber(0.01), resampled, starts, width=width)
    np.testing.assert_array_equal(other.result, good.result)
    np.testing.assert_allclose(other.objective, good.objective, rtol=1e-9)


def test_the_number_of_workers_changes_nothing(good, curve, resampled, starts, monkeypatch):
    monkeypatch.setattr(run_module, "SMALL", 0)  # else one core is enough for so few
    other = solved(curve, Huber(0.01), resampled, starts, workers=3)
    assert isinstance(other.objective, np.ndarray)
    np.testing.assert_array_equal(other.result, good.result)
    np.testing.assert_allclose(other.objective, good.objective, rtol=1e-9)


def test_cores_are_those_of_this_process():
    assert cores() >= 1


def test_padding_is_not_touched(good, curve, resampled, starts):
    """Fits beyond `count` cost nothing, whatever stands in them, and the others do not feel them."""
    start = starts.copy()
    start[5:] = np.nan
    out = polished(curve, Huber(0.01), resampled, start, count=5)
    np.testing.assert_array_equal(out.objective[:5], good.objective[:5])
    assert np.isnan(np.asarray(out.objective[5:])).all()
    assert not np.asarray(out.theta[5:]).any()
    assert not np.asarray(out.steps[5:]).any()


def test_gaussian_on_values_is_least_squares(curve, make_data, starts):
    data = make_data()
    x, y = np.asarray(data.point["x"][0]), np.asarray(data.target[0])
    expected = least_squares(lambda t: t[0] + t[1] * np.exp(-t[2] * x) - y, [1.5, 2.0, 0.7], xtol=1e-15, ftol=1e-15)
    out = polished(curve, Gaussian(log=False), data, starts[:8])
    assert (np.asarray(out.result) == RESULTS.successful).all()
    np.testing.assert_allclose(out.objective, expected.cost, rtol=1e-12)
    np.testing.assert_allclose(out.theta, np.tile(expected.x, (8, 1)), rtol=1e-6)


def test_a_free_scale_is_found_with_the_curve(curve, make_data, starts):
    """At the optimum the mean of psi(z) z is one, which is what the scale is."""
    data = make_data(log=True)
    noise = StudentT()
    start = np.concatenate([starts[:8], np.full((8, 1), -3.0)], axis=1)
    out = polished(curve, noise, data, start)
    best = int(np.argmin(np.asarray(out.objective)))
    assert out.result[best] == RESULTS.successful
    E, A, alpha, log_scale = np.asarray(out.theta[best])
    x, target = np.asarray(data.point["x"][0]), np.asarray(data.target[0])
    z = (target - np.log(E + A * np.exp(-alpha * x))) / np.exp(log_scale)
    assert np.mean(z * np.asarray(noise.psi(jnp.asarray(z)))) == pytest.approx(1.0, abs=1e-6)


@pytest.fixture
def at_bound(make_data):
    """Runs that want a negative E."""
    return make_data(truth=(-0.1, 2.0, 0.3), noise=0.005)


def test_an_amplitude_whose_optimum_is_zero_ends_there(curve, at_bound, starts):
    noise = Gaussian(log=False)
    out = polished(curve, noise, at_bound, starts[:8])
    assert (np.asarray(out.result) == RESULTS.successful).all()
    assert (np.asarray(out.theta)[:, 0] == 0.0).all()
    rows = lane_rows(at_bound, jnp.zeros(8, int), jnp.zeros(8, int))
    slope = np.asarray(moments(curve, noise, out.theta, jnp.ones(8, bool), rows)[1])
    assert (slope[:, 0] >= 0).all()
    np.testing.assert_allclose(slope[:, 1:], 0.0, atol=1e-6)


def test_an_amplitude_that_starts_at_zero_comes_back_to_life(curve, make_data):
    data = make_data()
    start = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 0.5], [1.5, 2.0, 0.7]] * 2)
    out = polished(curve, Gaussian(log=False), data, start)
    assert (np.asarray(out.result) == RESULTS.successful).all()
    np.testing.assert_allclose(out.objective, out.objective[3], rtol=1e-9)


def test_noise_free_runs_stop_at_rounding(curve, make_data, starts):
    out = polished(curve, Gaussian(log=False), make_data(noise=0.0), starts[:8])
    assert (np.asarray(out.result) == RESULTS.successful).all()
    np.testing.assert_allclose(out.theta, np.tile([1.5, 2.0, 0.7], (8, 1)), rtol=1e-10)


def test_a_start_without_a_finite_objective_says_so(good, curve, resampled, starts):
    """E = A = 0 has no logarithm; the fits beside it do not feel it."""
    start = starts.copy()
    start[0, :2] = 0.0
    start[1, 0] = np.nan
    out = polished(curve, Huber(0.01), resampled, start)
    assert np.asarray(out.result)[:2].tolist() == [RESULTS.not_finite] * 2
    np.testing.assert_array_equal(out.objective[2:], good.objective[2:])


def test_too_few_steps_say_so(curve, resampled, starts):
    out = polished(curve, Huber(0.01), resampled, starts, max_steps=2)
    assert (np.asarray(out.result) == RESULTS.max_steps_reached).all()
    assert (np.asarray(out.steps) == 2).all()


@pytest.fixture
def optax_promotion():
    """Optax itself adds numbers of unlike types."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.usefixtures("optax_promotion")
@pytest.mark.parametrize("optimiser", [LBFGS, optax.adam(0.02)], ids=["lbfgs", "adam"])
def test_optax_solvers_reach_the_same_optimum(optimiser, curve, make_data, starts):
    data = make_data()
    newton = solved(curve, Gaussian(log=False), data, starts[:8])
    other = solved(curve, Gaussian(log=False), data, starts[:8], solver=optimiser, max_steps=10_000)
    assert type(other) is type(newton)
    assert other.result.tolist() == [RESULTS.successful] * 8
    np.testing.assert_allclose(other.objective, newton.objective, rtol=1e-6)
    np.testing.assert_allclose(other.theta, newton.theta, rtol=1e-3)


@pytest.mark.usefixtures("optax_promotion")
def test_optax_solvers_keep_the_bounds(curve, at_bound, starts):
    newton = solved(curve, Gaussian(log=False), at_bound, starts[:8])
    other = solved(curve, Gaussian(log=False), at_bound, starts[:8], solver=LBFGS, max_steps=2000)
    assert (other.theta[:, 0] >= 0).all()
    np.testing.assert_allclose(other.objective, newton.objective, rtol=1e-6)


@pytest.mark.usefixtures("optax_promotion")
def test_optax_solvers_say_when_steps_ran_out(curve, make_data, starts):
    short = solved(curve, Gaussian(log=False), make_data(), starts[:8], solver=LBFGS, max_steps=2)
    assert short.result.tolist() == [RESULTS.max_steps_reached] * 8


def compiled() -> int:
    return polish._cache_size()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_second_call_of_the_same_shapes_compiles_nothing(good, curve, resampled, starts):
    """Curves that are equal share a program, and so do noises with other numbers and other counts of fits."""
    before = compiled()
    polished(type(curve)(), Huber(0.02), resampled._replace(target=resampled.target + 0.1), starts + 0.01, count=7)
    assert compiled() == before


def test_calls_of_similar_size_share_one_program(curve, resampled, starts):
    solved(curve, Huber(0.01), resampled, starts[:60], workers=1)
    before = compiled()
    solved(curve, Huber(0.01), resampled, starts[:35], workers=1)
    assert compiled() == before


def test_the_logarithm_of_a_scale_moves_by_three_at_most_whatever_its_size(curve, make_data):
    """It is no number that falls to zero: how far it may move does not depend on the unit of the target."""
    start = np.array([[1.2, 1.8, 0.6, log_scale] for log_scale in (0.02, 6.0, 15.0)])
    moved = polished(curve, StudentT(log=False), make_data(), start, max_steps=2).theta[:, 3] - start[:, 3]
    assert (moved >= -3.0).all()
    assert moved[2] == pytest.approx(-3.0)


@pytest.mark.parametrize("fits, runs", [(1, 10), (3, 240), (100, 240), (4000, 240), (4000, 100_000)])
def test_lane_width_is_a_power_of_two_that_fits_hold(fits, runs):
    width = polish_module.lane_width(fits, runs)
    assert width & (width - 1) == 0
    assert 1 <= width < 2 * max(fits, 1)


def test_what_factorises_by_lapack_runs_in_one_thread(curve, make_data, monkeypatch):
    """Two such programs in threads of their own wait in one pool for each other, for ever."""

    def refuse(*_):
        raise AssertionError("a pool of threads")

    monkeypatch.setattr(run_module, "ThreadPoolExecutor", refuse)
    fits = 2 * run_module.SMALL // 48
    start, nothing = np.tile(np.array([1.0, 1.0, 0.5]), (fits, 1)), np.zeros(fits, int)
    problem = (curve, Gaussian(log=False), make_data(), start, nothing, nothing, np.zeros(1))
    with jax.numpy_dtype_promotion("standard"):  # Optax adds whole numbers of two widths
        solve(*problem, solver=LBFGS, max_steps=3, workers=2)
    with pytest.raises(AssertionError, match="pool of threads"):
        solve(*problem, workers=2, driver="compiled")
