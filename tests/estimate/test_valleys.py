"""Searches along narrow curved valleys, and to where parameters run away, against published answers."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import linregress

import scalefit as sf
from scalefit.params import Param, Scalar, interval, nonnegative, positive, real

PLAIN = sf.noise.Gaussian(log=False)


class MGH10(sf.laws.AbstractLaw):
    """The first of NIST's hard ones: the amplitude is a ten-millionth of the target."""

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}
    b1: Param = nonnegative(amplitude=True)
    b2: Param = positive(dims={"x": 1.0})
    b3: Param = positive(dims={"x": 1.0})

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * jnp.exp(self.b2 / (x + self.b3))


class Grow(sf.laws.AbstractLaw):
    """c + A x^b, every sign allowed: b = 0 is a pole of the amplitudes."""

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}
    c: Param = real(amplitude=True)
    A: Param = real(amplitude=True, dims={"x": lambda law: -law.b})
    b: Param = real(typical=(-3.0, 3.0))

    def __call__(self, x: Scalar) -> Scalar:
        return self.c + self.A * x**self.b


class Boxed(Grow):
    """The same in a box."""

    c: Param = interval(-2, 2)
    A: Param = interval(-2, 10)
    b: Param = interval(0.1, 0.9)


class Peaks(sf.laws.AbstractLaw):
    """Two peaks on a decline, as in NIST's Gauss3; either may shrink to nothing between two runs."""

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}
    height: Param = nonnegative(amplitude=True)
    rate: Param = positive(dims={"x": -1.0})
    first: Param = nonnegative(amplitude=True)
    place: Param = positive(dims={"x": 1.0})
    width: Param = positive(dims={"x": 1.0})
    second: Param = nonnegative(amplitude=True)
    other: Param = positive(dims={"x": 1.0})
    spread: Param = positive(dims={"x": 1.0})

    def __call__(self, x: Scalar) -> Scalar:
        one = self.first * jnp.exp(-(((x - self.place) / self.width) ** 2))
        two = self.second * jnp.exp(-(((x - self.other) / self.spread) ** 2))
        return self.height * jnp.exp(-self.rate * x) + one + two


# NIST StRD, nonlinear regression, MGH10.
RESISTANCE = [
    34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872,
]  # fmt: skip
# Public threads: stackoverflow 32334509, 69317927.
POLE = [24, 25, 28, 37, 58, 104, 200, 235, 235], [340, 350, 370, 400, 430, 460, 490, 520, 550]
BOX = np.arange(1.05, 0.54, -0.05), [1.26, 1.24, 1.2, 1.17, 1.1, 1.01, 0.95, 0.84, 0.75, 0.71, 0.63]


def values_of(fit, names):
    return [float(getattr(fit.law, name)) for name in names]


@pytest.mark.parametrize("seed", range(3))
def test_a_valley_over_seven_decades_of_an_amplitude_leads_to_the_certified_optimum(seed):
    runs = sf.Runs(RESISTANCE, x=50.0 + 5.0 * np.arange(16))
    fit = sf.fit(MGH10, runs, noise=PLAIN, seed=seed)
    assert fit.converged
    certified = [5.6096364710e-3, 6.1813463463e3, 3.4522363462e2]
    np.testing.assert_allclose(values_of(fit, ("b1", "b2", "b3")), certified, rtol=1e-8)
    assert 2 * fit.objective == pytest.approx(87.945855171, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_amplitudes_of_either_sign_are_solved_for_across_their_pole(seed):
    x, y = POLE
    fit = sf.fit(Grow, sf.Runs(y, x=x), noise=PLAIN, seed=seed)
    assert fit.converged
    np.testing.assert_allclose(values_of(fit, "cAb"), [859.996, -910.914, -0.182303], rtol=1e-5)
    assert 2 * fit.objective == pytest.approx(1651.2035, rel=1e-7)


def test_a_corner_of_a_box_is_reached():
    x, y = BOX
    fit = sf.fit(Boxed, sf.Runs(y, x=x), noise=PLAIN)
    assert fit.converged
    assert fit.at_end.tolist() == [True, False, False]
    shown: Any = sf.summary(fit)
    # Runs would have it at 8.4 ± 23, beyond the other end of the box.
    assert (shown["c"].value, shown["c"].low, shown["c"].high) == pytest.approx((-2.0, -2.0, 2.0))
    np.testing.assert_allclose(values_of(fit, "cAb"), [-2.0, 3.24929, 0.356099], rtol=1e-5)
    assert 2 * fit.objective == pytest.approx(0.00730309, rel=1e-6)


@pytest.mark.parametrize(("exponent", "end"), [(0.06, 0.1), (1.0, 0.9)])
def test_a_number_at_its_end_has_an_interval_to_one_side(exponent, end):
    x = np.geomspace(1.0, 1e4, 30)
    y = (1.0 + 2.0 * x**-exponent) * np.exp(0.003 * np.random.default_rng(1).standard_normal(30))
    fit = sf.fit(Boxed, sf.Runs(y, x=1.0 / x), noise=sf.noise.Gaussian())
    shown: Any = sf.summary(fit)["b"]
    assert shown.value == pytest.approx(end)
    assert end in (pytest.approx(shown.low), pytest.approx(shown.high))
    assert 0.01 < shown.high - shown.low < 0.05


def test_a_break_beyond_the_runs_is_found_where_they_have_no_noise():
    """A public simulation: the last run is at two thirds of the break."""
    a, b, c0, c, d, f = truth = 0.413885, 2.27727, 0.0550773, 5.6629, 612.584, 0.059193
    x = np.arange(1.0, 406.0)
    loss = a + b * x**-c0 * (1.0 + (x / d) ** (1.0 / f)) ** (-c * f)
    fit = sf.fit(sf.laws.BNSL.of(1), sf.Runs(loss, x=x), noise=sf.noise.Gaussian())
    assert fit.converged
    found = *values_of(fit, ("a", "b", "c0")), fit.law.c[0], fit.law.d[0], fit.law.f[0]
    np.testing.assert_allclose(found, truth, rtol=1e-6)
    # Scouts come there and hardly a start: both are told, and that is no reason to doubt it.
    scouts, sent = fit.followed.tolist()
    assert int(fit.agreeing) < fit.tried
    assert scouts > 1
    assert f"{fit.agreeing} of {fit.tried} starts and {scouts} of {sent} scouts agree" in repr(fit)
    assert "multistart" in sf.diagnose(fit).passed


@pytest.fixture(scope="module")
def runaway():
    """Two breaks on twelve points: the better they are drawn, the further the breaks' numbers run away."""
    x = np.geomspace(1.0, 1e5, 12)
    loss = (0.3 + x**-0.2) * np.exp(0.01 * np.random.default_rng(5).standard_normal(12))
    return sf.fit(sf.laws.BNSL.of(2), sf.Runs(loss, x=x), noise=sf.noise.Gaussian())


def test_parameters_that_run_away_are_a_verdict_of_their_own(runaway):
    assert runaway.result == sf.RESULTS.undetermined
    assert runaway.reached
    assert not runaway.converged
    assert "run away" in repr(runaway)
    assert "max_steps" not in repr(runaway)


def test_what_is_undetermined_is_shown_without_intervals_and_predicted(runaway):
    shown: Any = sf.summary(runaway)
    assert [shown[name].low for name in runaway.free] == [None] * 9
    x = runaway.problem.inputs["x"]
    value = sf.predict(runaway, x=x).value
    np.testing.assert_allclose(np.log(value) + runaway.residuals, np.log(runaway.problem.runs.target))


def test_starts_that_all_lose_a_peak_begin_again():
    """Two peaks on a decline, of which one is narrow and the other wide."""
    x = np.arange(1.0, 251.0)
    rest = 99.0 * np.exp(-0.011 * x)
    peaks = 101.9 * np.exp(-(((x - 107.0) / 23.6) ** 2)) + 72.0 * np.exp(-(((x - 153.3) / 19.5) ** 2))
    y = rest + peaks + 2.5 * np.random.default_rng(1).standard_normal(250)
    fits = [sf.fit(Peaks, sf.Runs(y, x=x), noise=PLAIN, seed=seed) for seed in range(3)]
    assert all(fit.converged and not fit.unidentified.any() for fit in fits)
    np.testing.assert_allclose([fit.objective for fit in fits], fits[0].objective, rtol=1e-9)


class Line(sf.laws.AbstractLaw):
    """a + b q, of either sign."""

    inputs: ClassVar[Mapping[str, Any]] = {"q": sf.laws.Number("")}
    a: Param = real(amplitude=True)
    b: Param = real(amplitude=True)

    def __call__(self, q: Scalar) -> Scalar:
        return self.a + self.b * q


def test_a_slope_that_happens_to_be_zero_is_known_to_be():
    """Symmetric about the middle; the errors are those of least squares."""
    fit = sf.fit(Line, sf.Runs([1.0, -2.0, 1.0, -2.0, 1.0], q=np.arange(1.0, 6.0)), noise=PLAIN)
    assert abs(fit.law.b) < 1e-12
    assert not fit.unidentified.any()
    assert sf.covariance(fit).se["b"] == pytest.approx(np.sqrt(10.8 / 3 / 10))


class InVolts(sf.laws.AbstractLaw):
    """A decay whose rate is in a unit twenty decades from anybody's."""

    inputs: ClassVar[Mapping[str, Any]] = {"t": sf.laws.Number("s")}
    floor: Param = nonnegative(amplitude=True)
    height: Param = nonnegative(amplitude=True)
    rate: Param = positive()

    def __call__(self, t: Scalar) -> Scalar:
        return self.floor + self.height * jnp.exp(-t * self.rate / 1.6e-16)


# A public thread, lmfit 724, by SciPy with the rate in units of 1e-16: 5223.2917 + 2185.2390 exp(-2.6406114 t).
DECAY = [0, 0.131, 0.261, 0.377, 0.503, 0.653, 0.784, 0.88], [
    7349.91, 6889.77, 6354.54, 5952.89, 5709.72, 5599.58, 5618.98, 5405.07
]  # fmt: skip


@pytest.mark.parametrize("begin", [0.0, 1.0])
def test_a_number_decades_from_where_it_is_looked_for_is_found(begin):
    """By no start does any run respond to the rate, or from none is the objective finite."""
    t, y = DECAY
    fit = sf.fit(InVolts, sf.Runs(y, t=np.array(t) - begin), noise=PLAIN)
    assert fit.converged
    assert float(fit.law.floor) == pytest.approx(5223.2917, rel=1e-7)
    assert float(fit.law.rate) / 1.6e-16 == pytest.approx(2.6406114, rel=1e-7)
    assert not fit.unidentified.any()


class Product(sf.laws.AbstractLaw):
    """p q x^-a, of which runs tell p q alone."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": "x"}
    p: Param = positive()
    q: Param = positive()
    a: Param = nonnegative()

    def __call__(self, x):
        return self.p * self.q * x**-self.a


@pytest.mark.parametrize("seed", range(3))
def test_a_valley_that_is_flat_is_reached_by_every_start(seed):
    """Rounding bends it up or down; the slope is that of a straight line through logarithms."""
    x = np.geomspace(1.0, 100.0, 10)
    y = 6.0 * x**-0.5 * np.exp(0.01 * np.random.default_rng(seed).standard_normal(10))
    fit = sf.fit(Product, sf.Runs(y, x=x), noise=sf.noise.Gaussian())
    assert fit.converged
    assert fit.agreeing == fit.tried
    line: Any = linregress(np.log(x), np.log(y))
    shown: Any = sf.summary(fit)
    assert (float(shown["a"].value), float(shown["a"].se)) == pytest.approx((-line.slope, line.stderr), rel=1e-6)
    assert float(fit.law.p * fit.law.q) == pytest.approx(np.exp(line.intercept), rel=1e-9)
    assert shown["p"].unbounded
