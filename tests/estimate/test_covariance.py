"""Errors from curvature: against SciPy, against differentiation, and refused where they would be wrong."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

import scalefit as sf


def power_law_runs(*, errors: bool, scatter: float = 0.01) -> sf.Runs:
    rng = np.random.default_rng(0)
    x = 10 ** rng.uniform(7, 10, 64)
    se = scatter * 10 ** rng.uniform(-0.5, 0.5, 64) if errors else np.full(64, scatter)
    y = 1.7 + 410 * x**-0.34 + se * rng.standard_normal(64)
    return sf.Runs(y, x=x, se=se if errors else None)


@pytest.mark.parametrize("errors", [False, True], ids=["equal", "with-se"])
def test_least_squares_covariance_is_that_of_scipy(errors):
    """With alpha held the law is linear: the Hessian is the Jacobian's square and nothing is approximate."""
    runs = power_law_runs(errors=errors)
    fit = sf.fit(sf.laws.PowerLaw(alpha=0.34), runs, noise=sf.noise.Gaussian(log=False), fixed=("alpha",))
    shape = runs.inputs["x"] ** -0.34
    _, expected = curve_fit(
        lambda _, E, A: E + A * shape, runs.inputs["x"], runs.target, [fit.law.E, fit.law.A], runs.se,
        jac=lambda *_: np.stack([np.ones(64), shape], axis=1),
    )  # fmt: skip
    found = sf.covariance(fit)
    assert found.names == ("E", "A")
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-6)
    assert found.se == pytest.approx({"E": expected[0, 0] ** 0.5, "A": expected[1, 1] ** 0.5}, rel=1e-6)


def slopes_of(fit, runs):
    """How the logarithm of the loss moves with E, log A, log B, alpha and beta, in NumPy."""
    law, N, D = fit.law, runs.inputs["N"], runs.inputs["D"]
    size, data = law.A * N**-law.alpha, law.B * D**-law.beta
    columns = [np.ones(len(N)), size, data, -size * np.log(N), -data * np.log(D)]
    return np.stack(columns, axis=1) / (law.E + size + data)[:, None]


def natural(matrix, law):
    """From logarithms of A and B to A and B."""
    slope = np.array([1.0, law.A, law.B, 1.0, 1.0])
    return matrix[:5, :5] * np.outer(slope, slope)


def inverse_square(slope):
    size = np.linalg.norm(slope, axis=0)
    return np.linalg.inv((slope / size).T @ (slope / size)) / np.outer(size, size)


def test_gaussian_covariance_is_that_of_the_slopes(fit, runs):
    spread = 2 * float(fit.objective) / (64 - 5)
    expected = spread * natural(inverse_square(slopes_of(fit, runs)), fit.law)
    np.testing.assert_allclose(sf.covariance(fit).matrix, expected, rtol=1e-5)


@pytest.fixture(scope="module")
def student(runs):
    return sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.StudentT(5.0))


def test_student_covariance_mixes_what_the_scores_and_the_residuals_say(student, runs):
    z = student.residuals / float(student.scale)
    psi, curvature = 6.0 * z / (5.0 + z**2), 6.0 * (5.0 - z**2) / (5.0 + z**2) ** 2
    likely = float(student.scale) ** 2 * np.sum(psi**2) / 59 / np.mean(curvature) ** 2
    share = np.sqrt(5 / 64)
    spread = (1 - share) * likely + share * np.sum(student.residuals**2) / 59
    found = sf.covariance(student)
    assert found.free.shape == (6, 6)
    expected = spread * natural(inverse_square(slopes_of(student, runs)), student.law)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-5)


def test_laplace_draws_have_the_covariance(fit, runs):
    draws = sf.laplace(fit, num=20_000, seed=1)
    expected = sf.covariance(fit)
    columns = np.stack([draws.law.E, draws.law.alpha, draws.law.beta])
    keep = [expected.names.index(name) for name in ("E", "alpha", "beta")]
    matrix = expected.matrix[np.ix_(keep, keep)]
    size = np.sqrt(np.diag(matrix))
    np.testing.assert_allclose(np.cov(columns) / np.outer(size, size), matrix / np.outer(size, size), atol=0.05)
    np.testing.assert_allclose(columns.mean(axis=1), [fit.law.E, fit.law.alpha, fit.law.beta], rtol=0.01)
    assert draws.method == "laplace"
    assert np.isnan(draws.objective).all()


def test_laplace_and_bootstrap_agree_under_gaussian_noise(fit, runs):
    draws = sf.bootstrap(fit, num=400)
    assert np.std(draws.law.alpha) == pytest.approx(sf.covariance(fit).se["alpha"], rel=0.3)


def test_laplace_repeats_itself(fit, runs):
    one, two = (sf.laplace(fit, num=50, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.law.A, two.law.A)


@pytest.mark.parametrize("verb", [sf.covariance, sf.laplace])
def test_a_knee_below_the_residuals_is_refused_by_name_of_the_bootstrap(verb, runs):
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3))
    with pytest.raises(
        sf.InputError, match=r"noise is Huber\(0.001\).*of 64 runs lie inside the knee; expected more.*bootstrap"
    ):
        verb(fit)


def test_a_knee_beyond_the_residuals_is_least_squares(fit, runs):
    wide = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1.0))
    assert sf.covariance(wide).se == pytest.approx(sf.covariance(fit).se, rel=1e-4)


def test_a_parameter_that_no_run_feels_is_refused():
    """A flat curve says nothing of its exponent."""
    rng = np.random.default_rng(2)
    x = 10 ** rng.uniform(7, 10, 64)
    runs = sf.Runs(1.7 + 1e-9 * x**0.5 * rng.uniform(0.9, 1.1, 64), x=x)
    fit = sf.fit(sf.laws.PowerLaw, runs, noise=sf.noise.Gaussian(log=False))
    assert fit.unidentified.any()
    with pytest.raises(sf.InputError, match="unidentified: no run responds"):
        sf.covariance(fit)


def test_rows_of_one_training_count_together(fit, runs):
    """By the sum over clusters of the squared sum of their scores, as a robust covariance has it."""
    _, code = np.unique(runs.clusters("seed"), return_inverse=True)
    slope = slopes_of(fit, runs)
    score = np.zeros((32, 5))
    np.add.at(score, code, slope * fit.residuals[:, None])
    inverse = inverse_square(slope)
    expected = natural(inverse @ score.T @ score @ inverse * 32 / 27, fit.law)
    np.testing.assert_allclose(sf.covariance(fit, cluster="seed").matrix, expected, rtol=1e-5)
    assert sf.laplace(fit, cluster="seed", num=10).converged.all()


def test_a_spread_of_no_draws_is_refused(fit, runs):
    with pytest.raises(sf.InputError, match="num is 0"):
        sf.laplace(fit, num=0)


def test_draws_stay_where_parameters_may_lie_and_keep_together():
    """A floor near zero: no draw is below it, and predictions inside the runs keep their width."""
    rng = np.random.default_rng(1)
    x = 10 ** rng.uniform(3, 10, 64)
    near = sf.Runs((0.02 + 30.0 * x**-0.2) * np.exp(0.02 * rng.standard_normal(64)), x=x)
    fit = sf.fit(sf.laws.PowerLaw, near, noise=sf.noise.Gaussian())
    assert sf.covariance(fit).se["E"] > fit.law.E / 5
    draws = sf.laplace(fit, num=2000)
    assert np.min(draws.law.E) >= 0
    band = sf.predict(draws, x=1e8)
    assert band.low is not None
    assert band.high is not None
    assert band.high - band.low < 0.05 * band.value


def test_rows_of_one_schedule_err_together_with_and_without_a_label():
    """Six curves of seven rows, whose errors walk along the curve."""
    place = np.arange(30)
    curves = [
        np.ones(30), np.where(place < 15, 1.0, 1.0 - 0.06 * (place - 14)), 0.55 + 0.45 * np.cos(np.pi * place / 30.0),
        np.where(place < 20, 1.0, 0.3), np.linspace(1.0, 0.2, 30), np.where(place < 8, 1.0, 0.5),
    ]  # fmt: skip
    lr = [1e-3 * curve[:end] for curve in curves for end in range(6, 31, 4)]
    walk = np.cumsum(2e-3 * np.random.default_rng(1).standard_normal((6, 7)), axis=1).ravel()
    loss = np.array([2.4 + 0.6 * (600.0 * one.sum()) ** -0.45 - 200.0 * (one[0] - one[-1]) for one in lr])
    law = sf.laws.Annealing(alpha=0.45, m=1000.0, stride=600.0)
    labelled, bare = (
        sf.fit(law, sf.Runs(loss * np.exp(walk), lr=lr, run=run), fixed=("alpha", "m"))
        for run in (np.repeat(np.arange(6), 7), None)
    )
    expected = sf.covariance(labelled).matrix
    np.testing.assert_allclose(sf.covariance(bare).matrix, expected, rtol=1e-9)
    assert np.max(np.abs(sf.covariance(bare, cluster=None).matrix / expected - 1.0)) > 0.1
    one, two = (np.quantile(sf.jackknife(fit, num=50).law.C, (0.05, 0.95)) for fit in (labelled, bare))
    np.testing.assert_allclose(two, one, rtol=1e-9)
