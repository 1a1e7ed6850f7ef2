"""Curves of every kind on every path: implicit ones, inputs that are places or series, more numbers than pairs."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalefit import RESULTS
from scalefit.noise import Gaussian
from scalefit.solve import Data, exact_moments, lanes, moments, objective, screen, solve

RUNS, LENGTH, GROUPS = 96, 7, 6


@jax.custom_jvp
def root(a):
    """The x with x + exp(x) = a, by a loop."""

    def once(x):
        return x - (x + jnp.exp(x) - a) / (1.0 + jnp.exp(x))

    return jax.lax.fori_loop(0, 30, lambda _, x: once(x), jnp.minimum(a, 1.0))


@root.defjvp
def _root_slope(primals, tangents):
    x = root(primals[0])
    return x, tangents[0] / (1.0 + jnp.exp(x))


@dataclasses.dataclass(frozen=True)
class Implicit:
    """E + A root(alpha x): a while loop inside, whose slope is a rule."""

    size: int = 3
    caps: tuple[float, ...] = (1.5,) * 3
    lower: tuple[float, ...] = (0.0, 0.0, -math.inf)
    sized: tuple[bool, ...] = (True,) * 3
    by_factor: tuple[bool, ...] = (True,) * 3
    amplitudes: tuple[int, ...] = (0, 1)
    truth: tuple[float, ...] = (1.0, 0.5, 0.8)
    series: bool = False

    def __call__(self, theta, point, constant):
        return theta[0] + theta[1] * (3.0 + root(theta[2] * point["x"]))

    def packed(self, point):
        return point


@dataclasses.dataclass(frozen=True)
class Series:
    """E + A times the mean of exp(-alpha x) over a series of x, masked."""

    size: int = 3
    caps: tuple[float, ...] = (1.5,) * 3
    lower: tuple[float, ...] = (0.0, 0.0, -math.inf)
    sized: tuple[bool, ...] = (True,) * 3
    by_factor: tuple[bool, ...] = (True,) * 3
    amplitudes: tuple[int, ...] = (0, 1)
    truth: tuple[float, ...] = (1.0, 2.0, 0.7)
    series: bool = True

    def __call__(self, theta, point, constant):
        there = point["there"]
        part = jnp.where(there, jnp.exp(-theta[2] * point["series"]), 0.0)
        return theta[0] + theta[1] * jnp.sum(part) / jnp.sum(jnp.where(there, 1.0, 0.0))

    def packed(self, point):
        return point


@dataclasses.dataclass(frozen=True)
class Grouped:
    """E of the group of each run, and A exp(-alpha x): as many numbers as groups and two."""

    groups: int = GROUPS
    two: bool = False
    series: bool = False

    @property
    def size(self):
        return self.groups * (1 + self.two) + 2 - self.two

    @property
    def caps(self):
        return (1.5,) * self.size

    @property
    def lower(self):
        return (*(0.0,) * (self.size - 1), -math.inf)

    @property
    def sized(self):
        return (True,) * self.size

    @property
    def by_factor(self):
        return self.sized

    @property
    def amplitudes(self):
        return tuple(range(self.size - 1))

    @property
    def truth(self):
        floors = np.linspace(1.0, 2.0, self.groups)
        slopes = np.linspace(2.0, 1.0, self.groups) if self.two else [1.5]
        return (*floors, *slopes, 0.7)

    def packed(self, point):
        return point

    def __call__(self, theta, point, constant):
        group = point["group"]
        floor = jnp.stack(theta[: self.groups])[group]
        slope = jnp.stack(theta[self.groups : -1])[group if self.two else 0]
        return floor + slope * jnp.exp(-theta[-1] * point["x"])


CURVES = {"implicit": Implicit(), "series": Series(), "places": Grouped(), "many": Grouped(two=True)}
every_curve = pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES.keys())


def data_of(curve, studies, rng):
    shape = (studies, RUNS)
    point = {
        "x": rng.uniform(0.0, 3.0, shape),
        "group": np.tile(np.arange(RUNS) % GROUPS, (studies, 1)).astype(np.int32),
        "series": rng.uniform(0.0, 3.0, (*shape, LENGTH)),
        "there": np.arange(LENGTH) < 1 + rng.integers(LENGTH, size=shape)[..., None],
    }
    value = jax.vmap(jax.vmap(lambda p: curve(tuple(map(jnp.asarray, curve.truth)), p, None)))(point)
    target = np.asarray(value) + 0.01 * rng.standard_normal(shape)
    return Data(point, target, np.ones(shape), None, np.zeros((studies, 1)), None)


@every_curve
@pytest.mark.parametrize("studies", [1, 2])
def test_host_and_program_see_the_same_derivatives(curve, studies, rng):
    data, noise = data_of(curve, studies, rng), Gaussian(log=False)
    theta = np.array(curve.truth) * (1.0 + 0.1 * rng.standard_normal((2, curve.size)))
    study = np.arange(2) % studies
    here = exact_moments(curve, noise, data, theta, study)
    rows = lanes(jax.tree.map(jnp.asarray, data), study, study)
    there = jax.jit(lambda t: moments(curve, noise, t, jnp.ones(2, bool), rows))(theta)
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)
    step = 1e-5 * np.eye(curve.size)
    cost = jax.jit(lambda t: objective(curve, noise, t, rows))
    slope = [(cost(theta + e) - cost(theta - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(here[1].T, slope, rtol=1e-6, atol=1e-6)


@every_curve
def test_every_path_ends_at_the_truth(curve, rng):
    data, noise = data_of(curve, 2, rng), Gaussian(log=False)
    nodes = np.linspace(0.2, 1.4, 13)[:, None]
    study, member = np.arange(2), np.zeros((2, 1), int)
    ends = []
    for driver in ("host", "compiled"):
        starts, _ = screen(curve, noise, data, nodes, (nodes - 0.2) / 1.2, study, member, keep=1, driver=driver)
        solved = solve(curve, noise, data, starts[:, 0, 0], study, np.zeros(2, int), np.full(2, 1e-28), driver=driver)
        assert (solved.result == RESULTS.successful).all()
        np.testing.assert_allclose(solved.theta, np.tile(curve.truth, (2, 1)), rtol=0.1)
        ends.append(solved.objective)
    np.testing.assert_allclose(*ends, rtol=1e-9)
