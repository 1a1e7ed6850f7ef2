"""The host's driver: the same steps and the same answers as the compiled one, from few small programs."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalefit import RESULTS, InputError
from scalefit.laws import PoolsEffective, PoolsQQT
from scalefit.noise import Gaussian, Huber, StudentT
from scalefit.problem import LawCurve
from scalefit.solve import _run, driver, lanes, moments, polish, solve
from scalefit.solve._derivatives import curvature_operations
from scalefit.solve._programs import DEAR, Layout, _derivatives, moments_at, slopes_at

NOISES = [Gaussian(log=False), Huber(0.01), StudentT()]
LANES = 3


def both(curve, noise, data, start, study=None, resample=None, **options):
    nothing = np.zeros(len(start), int)
    study, resample = (nothing if a is None else a for a in (study, resample))
    floor = np.full(data.target.shape[0], 1e-28)
    problem = (curve, noise, data, start, study, resample, floor)
    return [solve(*problem, driver=name, **options) for name in ("host", "compiled")]


@pytest.fixture
def starts(rng):
    return np.array([1.5, 2.0, 0.7]) * np.exp(0.5 * rng.standard_normal((100, 3)))


# Every noise, and either layout: each pair of them is a loop to be compiled.
@pytest.mark.parametrize(
    ("noise", "studies"),
    list(zip(NOISES, (1, 70, 70), strict=True)),
    ids=["gaussian-resamples", "huber-studies", "student-studies"],
)
def test_both_drivers_end_at_the_same_places(noise, studies, curve, make_data, starts):
    data = make_data(studies, log=noise.log, precision=True, resamples=100)
    start = np.concatenate([starts, np.full((100, 1), -3.0)], axis=1) if noise.free_scale else starts
    here, there = both(curve, noise, data, start, np.arange(100) % studies, np.arange(100))
    assert np.mean(here.result == RESULTS.successful) > 0.9
    np.testing.assert_array_equal(here.result, there.result)
    good = here.result == RESULTS.successful
    np.testing.assert_allclose(here.objective[good], there.objective[good], rtol=1e-9)


def test_a_start_without_a_finite_objective_says_so_on_the_host(curve, make_data, starts):
    starts[0, :2], starts[1, 0] = 0.0, np.nan
    here, there = both(curve, Huber(0.01), make_data(log=True), starts)
    assert here.result[:2].tolist() == [RESULTS.not_finite] * 2
    np.testing.assert_array_equal(here.result, there.result)


def test_too_few_steps_say_so_on_the_host(curve, make_data, starts):
    here, _ = both(curve, Huber(0.01), make_data(log=True), starts, max_steps=2)
    assert (here.result == RESULTS.max_steps_reached).all()
    assert (here.steps == 2).all()


def test_threads_change_nothing(curve, make_data, starts, monkeypatch):
    data = make_data(log=True)
    one, _ = both(curve, Huber(0.01), data, starts)
    monkeypatch.setattr(_run, "SPREAD", 0)
    other, _ = both(curve, Huber(0.01), data, starts, workers=3)
    np.testing.assert_array_equal(one.result, other.result)
    np.testing.assert_allclose(one.objective, other.objective, rtol=1e-12)


@pytest.mark.parametrize("noise", NOISES, ids=["gaussian", "huber", "student"])
@pytest.mark.parametrize("studies", [1, LANES], ids=["shared", "by-lane"])
def test_the_moments_of_both_are_one(noise, studies, curve, make_data):
    data = make_data(studies, noise=0.05, log=noise.log, precision=studies > 1)
    rows = jax.tree.map(np.asarray, lanes(data, jnp.arange(LANES) % studies, jnp.zeros(LANES, int)))
    theta = np.array([[1.5, 2.0, 0.7], [1.3, 2.2, 0.6], [1.6, 1.7, 0.9]])
    theta = np.concatenate([theta, np.full((LANES, 1), -2.5)], axis=1) if noise.free_scale else theta
    exact = np.array([True, False, True])
    layout = Layout.of(curve, rows.point, rows.constant, shared=studies == 1)
    found = moments_at(curve, noise, rows, layout, theta, exact)
    wanted = moments(curve, noise, jnp.asarray(theta), jnp.asarray(exact), jax.tree.map(jnp.asarray, rows))
    for here, there in zip(found, wanted, strict=True):
        assert isinstance(here, np.ndarray)
        np.testing.assert_allclose(here, there, rtol=1e-11, atol=1e-12)


def test_tables_of_any_length_share_programs(curve, rng):
    """A second table of another length, in several blocks, compiles nothing."""

    def at(runs):
        x = rng.uniform(0.0, 4.0, (1, runs))
        value, first = slopes_at(curve, theta, Layout.of(curve, {"x": x}, np.zeros((1, 1)), shared=True))
        np.testing.assert_allclose(value, theta[:, :1] + theta[:, 1:2] * np.exp(-theta[:, 2:] * x), rtol=1e-13)
        assert first.shape == (3, 2, runs)

    theta = np.array([[1.5, 2.0, 0.7], [1.3, 2.2, 0.6]])
    at(250)
    before = _derivatives._cache_size()  # pyright: ignore[reportAttributeAccessIssue]
    for runs in (9, 100, 200, 256, 257, 700):
        at(runs)
    assert _derivatives._cache_size() == before  # pyright: ignore[reportAttributeAccessIssue]


@dataclasses.dataclass(frozen=True)
class Long:
    """E + A times the mean of exp(-alpha k x) over many k, which is long to write out and to differentiate twice."""

    terms: int
    size: int = 3
    caps: tuple[float, ...] = (1.5,) * 3
    lower: tuple[float, ...] = (0.0, 0.0, -math.inf)
    sized: tuple[bool, ...] = (True,) * 3
    by_factor: tuple[bool, ...] = (True,) * 3
    amplitudes: tuple[int, ...] = (0, 1)
    series: bool = False

    def packed(self, point):
        return point

    def __call__(self, theta, point, constant):
        k = jnp.arange(1, self.terms + 1) / self.terms
        return theta[0] + theta[1] * jnp.mean(jnp.exp(-theta[2] * k * point["x"]))


def test_slopes_come_without_curvatures_where_these_are_dear(rng):
    x, theta = rng.uniform(0.0, 4.0, (1, 9)), np.array([[1.5, 2.0, 0.7]])
    short, long = (Layout.of(Long(n), {"x": x}, np.zeros((1, 1)), shared=True) for n in (30, 6_000))
    assert short.curved
    assert not long.curved
    alone, beside = (slopes_at(Long(6_000), theta, long._replace(curved=curved)) for curved in (False, True))
    for one, other in zip(alone, beside, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(("law", "dear"), [(PoolsQQT, False), (PoolsEffective, True)])
def test_one_program_serves_a_law_of_four_pools_whose_curvatures_cost_little(law, dear):
    """A program of slopes alone would take longer to compile than a first fit of `PoolsQQT` has."""
    names = ("a", "b", "c", "d")
    found = LawCurve.of(law.of(names).covering(32))
    point = {"n": np.float64(1e6)} | {f"{x}[{k}]": np.float64(0.25) for k in names for x in ("w", "U")}
    constant = np.ones(len(found.units) + 1 + len(found.fixed))
    assert (curvature_operations(found, point, constant) > DEAR) == dear


def test_what_the_host_cannot_do_is_said(curve, make_data, starts):
    with pytest.raises(InputError, match="driver is 'host'"):
        both(curve, Huber(0.01), make_data(log=True), starts, precision="float32")


def compilations(monkeypatch):
    """Counts the calls of the compiled loop."""
    calls = []
    monkeypatch.setattr(_run, "polish", lambda *args, **options: calls.append(args) or polish(*args, **options))
    return calls


def test_the_host_hands_over_once_it_has_done_as_much_as_compiling_costs(curve, make_data, starts, monkeypatch):
    data, calls = make_data(log=True), compilations(monkeypatch)
    nothing = np.zeros(8, int)
    problem = (curve, Huber(0.01), data, starts[:8], nothing, nothing, np.zeros(1))
    with driver():
        first = solve(*problem)
        assert not calls
        monkeypatch.setattr(_run, "ENOUGH", 2.0 * int(first.steps.max()) * _run.LEAST)
        solve(*problem)
        assert not calls
        np.testing.assert_allclose(solve(*problem).objective, first.objective, rtol=1e-9)
        assert len(calls) == 1
        with driver():  # counts anew
            solve(*problem)
            assert len(calls) == 1
        # Another kind of job has a loop of its own.
        solve(*problem[:2], data._replace(precision=np.ones_like(data.target)), *problem[3:])
        assert len(calls) == 1


def test_the_block_says_where_its_fits_run(curve, make_data, starts, monkeypatch):
    calls = compilations(monkeypatch)
    nothing = np.zeros(8, int)
    problem = (curve, Huber(0.01), make_data(log=True), starts[:8], nothing, nothing, np.zeros(1))
    monkeypatch.setattr(_run, "ENOUGH", 0)
    with driver("host"), driver():
        solve(*problem)
    assert not calls
    monkeypatch.setattr(_run, "ENOUGH", np.inf)
    with driver("compiled"):
        solve(*problem)
    assert len(calls) == 1
