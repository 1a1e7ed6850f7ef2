"""A noise is a cost whose slope, weight and curvature belong together, and that costs what it says."""

import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import t as student

import scalefit as sf
from scalefit.noise import AbstractNoise, Asymmetric, Gaussian, Huber, StudentT, check_noise
from scalefit.problem import Problem

NOISES = {
    "gaussian": Gaussian(),
    "huber-narrow": Huber(1e-3),
    "huber-wide": Huber(2.0),
    "student": StudentT(),
    "student-30": StudentT(30.0),
    "asymmetric": Asymmetric(),
}
every_noise = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES.keys())


@pytest.fixture
def z():
    """Residuals of either sign, from far inside the narrowest knee to far outside the widest; none on a knee."""
    far = np.geomspace(1e-6, 30.0, 40)
    return jnp.asarray(np.concatenate([-far[::-1], far]))


def derivative(function, z):
    return jax.vmap(jax.grad(function))(z)


def test_every_exported_noise_is_tested():
    found = [getattr(sf.noise, name) for name in dir(sf.noise)]
    final = {f for f in found if isinstance(f, type) and issubclass(f, AbstractNoise) and not inspect.isabstract(f)}
    assert {type(noise) for noise in NOISES.values()} == final


@every_noise
def test_psi_is_the_slope_of_rho(noise, z):
    np.testing.assert_allclose(noise.psi(z), derivative(noise.rho, z), rtol=1e-12)


@every_noise
def test_curvature_is_the_slope_of_psi(noise, z):
    np.testing.assert_allclose(noise.curvature(z), derivative(noise.psi, z), rtol=1e-12, atol=1e-15)


@every_noise
def test_weight_is_psi_over_the_residual(noise, z):
    np.testing.assert_allclose(noise.weight(z), noise.psi(z) / z, rtol=1e-12)


@every_noise
def test_a_residual_of_zero_costs_nothing_and_weighs_most(noise, z):
    zero = jnp.zeros(1)
    assert noise.rho(zero) == noise.psi(zero) == 0.0
    assert np.isfinite(noise.weight(zero)).all()
    if isinstance(noise, Asymmetric):  # whose weight is that of the side
        return
    assert (noise.weight(z) <= noise.weight(zero)).all()
    np.testing.assert_array_equal(noise.rho(z), noise.rho(-z))


def test_asymmetric_has_a_density_of_its_scale():
    """Its integral is 1, its root mean square the scale; samples and score belong to it."""
    noise, s = Asymmetric(10.0), 0.3
    z = np.linspace(-8.0, 8.0, 400_001) * s
    p = np.exp(noise.log_density(z, np.log(s)))
    np.testing.assert_allclose([np.trapezoid(p, z), np.sqrt(np.trapezoid(p * z**2, z))], [1.0, s], rtol=1e-6)
    np.testing.assert_allclose(
        noise.information, s**2 * np.trapezoid(p * noise.score(z, np.log(s))[0] ** 2, z), rtol=1e-6
    )
    drawn = noise.sample(np.full(200_000, s), np.random.default_rng(0))
    np.testing.assert_allclose(np.mean(drawn < 0.0), np.trapezoid(p[z < 0], z[z < 0]), atol=0.004)
    np.testing.assert_allclose(np.sqrt(np.mean(drawn**2)), s, rtol=0.01)


class Plain(Gaussian):
    """A noise of one's own whose field is no number and not static."""

    kind: str = "plain"


def test_plain_fields_are_one_sentence():
    with pytest.raises(sf.InputError, match=r"field 'kind' is 'plain' and not static. Declare it as kind: str = "):
        check_noise(Plain())
    check_noise(Huber(1e-3))


class Listed(Gaussian):
    """A noise of one's own whose field no program can be compiled for."""

    knees: Any = eqx.field(default_factory=list, static=True)


def test_fields_that_may_change_are_one_sentence():
    with pytest.raises(
        sf.InputError, match=r"field 'knees' is \[\], which may change. Hold it as a tuple: knees: tuple"
    ):
        check_noise(Listed())


class Knee(Gaussian):
    """A noise of one's own that holds a plain number."""

    knee: float = 0.5


def test_plain_numbers_are_arrays_in_a_problem():
    runs = sf.Runs([3.0, 2.0, 1.5], x=[1.0, 2.0, 4.0])
    held = Problem.of(sf.laws.PowerLaw(), runs, Knee()).noise
    assert isinstance(held, Knee)
    assert isinstance(held.knee, np.ndarray)
    assert held.knee == 0.5


@every_noise
def test_shapes_and_precision_are_those_of_the_residuals(noise):
    z = jnp.ones((2, 3), jnp.float32)
    for function in (noise.rho, noise.psi, noise.weight, noise.curvature):
        assert (function(z).shape, function(z).dtype) == ((2, 3), np.float32)


def test_huber_is_quadratic_to_its_knee_and_linear_beyond():
    noise = Huber(0.5)
    z = jnp.asarray([0.25, 0.5, 1.0, -3.0])
    np.testing.assert_allclose(noise.rho(z), [0.03125, 0.125, 0.375, 1.375], rtol=1e-15)
    np.testing.assert_allclose(noise.psi(z), [0.25, 0.5, 0.5, -0.5], rtol=1e-15)
    np.testing.assert_allclose(noise.weight(z), [1.0, 1.0, 0.5, 1 / 6], rtol=1e-15)
    np.testing.assert_array_equal(noise.curvature(jnp.asarray([0.49, -0.49, 0.51, -0.51])), [1.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize("df", [1.0, 4.0, 30.0])
def test_student_is_minus_the_log_density_up_to_a_constant(df, z):
    cost = np.asarray(StudentT(df).rho(z))
    np.testing.assert_allclose(cost, student.logpdf(0.0, df) - student.logpdf(np.asarray(z), df), rtol=1e-9, atol=1e-14)


def test_student_bends_back_beyond_the_root_of_its_degrees_of_freedom():
    assert np.sign(StudentT(4.0).curvature(jnp.asarray([1.9, 2.1]))).tolist() == [1.0, -1.0]


def test_only_student_estimates_its_scale():
    assert {name for name, noise in NOISES.items() if noise.free_scale} == {"student", "student-30"}


@pytest.mark.parametrize("make", [Gaussian, Huber, StudentT])
def test_residuals_are_of_logarithms_unless_said(make):
    assert (make().log, make(log=False).log) == (True, False)


def test_knees_share_a_compilation_and_scales_of_residual_do_not():
    # The knee is a leaf and `log` is structure: a batch of knees is one program, another kind of residual another.
    assert jax.tree.structure(Huber(1e-3)) == jax.tree.structure(Huber(1e-2))
    assert jax.tree.structure(Huber(1e-3)) != jax.tree.structure(Huber(1e-3, log=False))


@pytest.mark.parametrize("bad", [0.0, -1e-3, np.nan, np.inf, "1e-3", None])
@pytest.mark.parametrize(("make", "field"), [(Huber, "delta"), (StudentT, "df")])
def test_a_knee_that_is_none_is_refused(make, field, bad):
    with pytest.raises(sf.InputError, match=rf"{field} is .*; expected a number above 0"):
        make(bad)
