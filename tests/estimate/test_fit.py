"""What a fit keeps to: units, order, studies, fixed values, starts, standard errors of runs, precision."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import numpy as np
import pytest
from scipy.optimize import least_squares

import scalefit as sf
from scalefit.params import Param, Scalar, nonnegative, real

GAUSSIAN = sf.noise.Gaussian()
NEW: dict[str, Any] = {"N": np.array([3e10, 1e11]), "D": np.array([2e12, 1e13])}


class Line(sf.laws.AbstractLaw):
    """a + b q."""

    inputs: ClassVar = {"q": "q"}
    a: Param = real(amplitude=True)
    b: Param = real(amplitude=True, dims={"q": -1.0})

    def __call__(self, q):
        return self.a + self.b * q


def chinchilla(runs, **options):
    return sf.fit(sf.laws.Chinchilla, runs, noise=GAUSSIAN, **options)


def test_a_fit_of_noisy_runs_is_the_least_squares_optimum(fit, runs):
    """SciPy on logarithms of the same residuals, from the truth."""
    N, D = runs.inputs["N"], runs.inputs["D"]

    def residual(p):
        value = np.exp(p[0]) + np.exp(p[1] - p[3] * np.log(N / 1e8)) + np.exp(p[2] - p[4] * np.log(D / 1e10))
        return np.log(runs.target) - np.log(value)

    at = least_squares(residual, [0.6, -0.3, -0.9, 0.35, 0.37], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert fit.converged
    assert fit.objective <= at.cost * (1 + 1e-9)
    assert [fit.law.alpha, fit.law.beta] == pytest.approx(at.x[3:], rel=1e-5)
    assert fit.agreeing == fit.tried == 8
    np.testing.assert_allclose(0.5 * np.sum(fit.residuals**2), fit.objective, rtol=1e-9)


def test_a_fit_holds_its_problem(fit, runs):
    problem = fit.problem
    assert (problem.runs.fingerprint, problem.noise, problem.free) == (runs.fingerprint, GAUSSIAN, fit.free)
    assert fit.source.fingerprint == runs.fingerprint


def test_units_of_the_inputs_change_no_prediction(fit, runs):
    scaled = sf.Runs(runs.target, N=runs.inputs["N"] / 1e6, D=runs.inputs["D"] / 1e9)
    other = chinchilla(scaled)
    assert other.objective == pytest.approx(fit.objective, rel=1e-9)
    found = sf.predict(other, N=NEW["N"] / 1e6, D=NEW["D"] / 1e9).value
    np.testing.assert_allclose(found, sf.predict(fit, **NEW).value, rtol=1e-7)
    assert pytest.approx(fit.law.A * 1e6**-fit.law.alpha, rel=1e-5) == other.law.A


def test_units_of_the_target_change_no_exponent(fit, runs):
    other = chinchilla(sf.Runs(runs.target * 1e-3, **runs.inputs))
    assert other.objective == pytest.approx(fit.objective, rel=1e-9)
    assert other.law.alpha == pytest.approx(fit.law.alpha, rel=1e-6)
    np.testing.assert_allclose(sf.predict(other, **NEW).value, 1e-3 * sf.predict(fit, **NEW).value, rtol=1e-7)


def test_the_order_of_the_runs_does_not_matter(fit, runs):
    other = chinchilla(runs.take(np.random.default_rng(1).permutation(len(runs))))
    assert other.objective == pytest.approx(fit.objective, rel=1e-9)


def test_a_law_that_derives_its_tokens_says_so(fit, runs):
    N, D = runs.inputs["N"], runs.inputs["D"]
    other = chinchilla(sf.Runs(runs.target, N=N, C=6 * N * D))
    assert other.objective == pytest.approx(fit.objective, rel=1e-9)
    assert any("D = C / (6 N)" in note for note in other.source.notes)


# Studies of one batch.


def test_a_batch_gives_what_separate_fits_give(fits, studies):
    assert fits.keys == tuple(key for key, _ in studies.split("group"))
    assert len(fits) == 24
    for key in ("study-0", "study-7", "study-15"):
        place = fits.keys.index(key)
        alone = chinchilla(studies.where(f'group == "{key}"'))
        assert fits.objective[place] == pytest.approx(alone.objective, rel=1e-9)
        assert fits.law.alpha[place] == pytest.approx(alone.law.alpha, rel=1e-5)
        np.testing.assert_allclose(fits.residuals[place][: len(alone.residuals)], alone.residuals, atol=1e-6)


def test_a_batch_pads_its_shorter_studies_with_nan(fits, studies):
    sizes = [len(part) for _, part in studies.split("group")]
    assert fits.residuals.shape == (24, max(sizes))
    assert np.isfinite(fits.residuals).sum(axis=1).tolist() == sizes
    assert fits.law.E.shape == fits.objective.shape == fits.result.shape == (24,)


def test_a_batch_by_several_names_has_tuples_for_keys(fits, studies):
    other = chinchilla(studies, by=("group", "pool"))
    assert other.keys == tuple((key, 1) for key in fits.keys)
    np.testing.assert_allclose(other.objective, fits.objective, rtol=1e-9)


def test_a_study_that_cannot_be_fitted_holds_up_no_other(fits, studies, tmp_path):
    """Of too few runs, of one size only, of one loss: each is left out with its reason, which a saved result keeps."""
    some = studies.where("group == 'study-0' or group == 'study-1'")
    N, D, group = (np.array(a) for a in (some.inputs["N"], some.inputs["D"], some.labels["group"]))
    more = [("short", [1e8, 1e9], [1e9, 2e9], [3.0, 2.9]),
            ("one size", [1e8] * 6, np.geomspace(1e9, 1e11, 6), np.linspace(3.0, 2.0, 6)),
            ("one loss", np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 6), [3.0] * 6)]  # fmt: skip
    runs = sf.Runs(
        np.concatenate([some.target, *(loss for *_, loss in more)]),
        N=np.concatenate([N, *(n for _, n, _, _ in more)]),
        D=np.concatenate([D, *(d for _, _, d, _ in more)]),
        group=np.concatenate([group, *([name] * len(n) for name, n, _, _ in more)]),
    )
    with pytest.warns(sf.LeftOutWarning, match="3 of 5 studies could not be fitted"):
        found = chinchilla(runs, by="group")
    assert found.keys is not None
    assert sorted(map(str, found.keys)) == ["study-0", "study-1"]
    for key in found.keys:
        assert found[key].objective == pytest.approx(fits[key].objective, rel=1e-9)
    said = dict(found.problem.left_out)
    assert "has 2 runs" in said["short"]
    assert "has the same N" in said["one size"]
    assert "has the same loss" in said["one loss"]
    assert sf.load(sf.save(found, tmp_path / "out")).fit.problem.left_out == found.problem.left_out


def standard_errors(fit: sf.Fit[Any]) -> list[float]:
    told: Any = sf.summary(fit)
    return [float(one.se) for one in told.values()]


def test_absolute_errors_are_taken_as_they_are():
    """A straight line: (X' W X)^-1 by hand, with W the inverse squares of the errors."""
    q, se = np.arange(1.0, 6.0), np.array([1.0, 2.0, 1.0, 2.0, 1.0])
    runs = sf.Runs(np.array([1.0, -2.0, 1.0, -2.0, 1.0]), q=q, se=se)
    for times in (1.0, 10.0):
        noise = sf.noise.Gaussian(log=False, absolute=True)
        one = sf.fit(Line, sf.Runs(runs.target, q=q, se=times * se), noise=noise)
        found = standard_errors(one)
        np.testing.assert_allclose(found, [1.159542 * times, 0.342997 * times], rtol=1e-5)
    relative = sf.fit(Line, runs, noise=sf.noise.Gaussian(log=False))
    found = standard_errors(relative)
    np.testing.assert_allclose(found, [1.313, 0.388], rtol=2e-2)
    with pytest.raises(sf.InputError, match="takes the `se` of runs as it is, and 'runs' has none"):
        sf.fit(Line, sf.Runs(runs.target, q=q), noise=noise)


# Values held and starts given.


def test_what_is_fixed_stays_exactly_and_the_rest_is_optimal(runs):
    """A is held in the paper's convention, at N = 1, while alpha is free."""
    fit = sf.fit(sf.laws.Chinchilla(A=400.0), runs, noise=GAUSSIAN, fixed=("A",))
    assert fit.law.A == 400.0
    assert fit.free == ("E", "B", "alpha", "beta")
    assert fit.fixed == ("A",)
    N, D = runs.inputs["N"], runs.inputs["D"]

    def residual(p):
        return np.log(runs.target) - np.log(p[0] + 400.0 * N ** -p[2] + np.exp(p[1] - p[3] * np.log(D / 1e10)))

    at = least_squares(residual, [1.8, -0.9, 0.35, 0.37], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert fit.objective == pytest.approx(at.cost, rel=1e-9)
    assert [fit.law.E, fit.law.alpha, fit.law.beta] == pytest.approx(at.x[[0, 2, 3]], rel=1e-4)


FACTOR = np.linspace(1.0, 1.2, 6)
STARTS: dict[str, Any] = {
    "E": 1.8 / FACTOR, "A": 480.0 * FACTOR, "B": 2100.0 * FACTOR, "alpha": 0.35 * FACTOR, "beta": 0.37 * FACTOR
}  # fmt: skip
FORMS: dict[str, Any] = {
    "mapping": STARTS,
    "list": [{name: column[i] for name, column in STARTS.items()} for i in range(6)],
    "law": sf.laws.Chinchilla(**STARTS),
}


@pytest.mark.parametrize("starts", FORMS.values(), ids=FORMS.keys())
def test_starts_given_are_the_ones_that_are_polished(starts, fit, runs):
    other = chinchilla(runs, starts=starts)
    assert other.tried == 6
    assert other.objective == pytest.approx(fit.objective, rel=1e-9)


def test_a_start_is_where_the_solver_begins(runs):
    """One pass evaluates the starts: the best is returned as it was given."""
    first = chinchilla(runs, starts=STARTS, max_steps=1, throw=False)
    value = 1.8 + 480.0 * runs.inputs["N"] ** -0.35 + 2100.0 * runs.inputs["D"] ** -0.37
    assert first.objective == pytest.approx(0.5 * np.sum(np.log(runs.target / value) ** 2), rel=1e-9)
    assert pytest.approx(480.0, rel=1e-12) == first.law.A


def test_a_law_with_all_its_values_is_one_more_start(fit, runs):
    other = sf.fit(sf.laws.Chinchilla(**FORMS["list"][0]), runs, noise=GAUSSIAN, num_starts=5)
    assert other.tried == 6
    assert other.objective == pytest.approx(fit.objective, rel=1e-9)


def test_seeds_move_the_starts_and_not_the_optimum(fit, runs):
    other = chinchilla(runs, seed=7)
    assert other.seed == 7
    assert other.objective == pytest.approx(fit.objective, rel=1e-9)


# Runs of unequal precision.


def test_standard_errors_weigh_the_runs():
    """Weighted least squares on values, as SciPy has it."""
    rng = np.random.default_rng(0)
    x = 10 ** rng.uniform(7, 10, 64)
    se = 0.01 * 10 ** rng.uniform(-1, 1, 64)
    y = 1.7 + 410 * x**-0.34 + se * rng.standard_normal(64)

    def residual(p):
        return (y - p[0] - np.exp(p[1]) * (x / 1e8) ** -p[2]) / se

    at = least_squares(residual, [1.7, -0.2, 0.34], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    fit = sf.fit(sf.laws.PowerLaw, sf.Runs(y, x=x, se=se), noise=sf.noise.Gaussian(log=False))
    assert [fit.law.E, fit.law.alpha] == pytest.approx(at.x[[0, 2]], rel=1e-6)
    assert fit.objective == pytest.approx(at.cost * np.median(se) ** 2, rel=1e-9)


# How it ends.


def test_targets_that_are_taken_for_one_are_warned_of():
    w = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    shares: dict[str, np.ndarray] = {f"w[{name}]": w[:, i] for i, name in enumerate("abc")}
    runs = sf.Runs({"one": 2.0 + w[:, 0], "two": 3.0 + w[:, 1]}, **shares)  # pyright: ignore[reportArgumentType]  entries in brackets
    with pytest.warns(sf.CheckWarning, match="has 2 targets, which MixingLinear takes for one"):
        sf.fit(sf.laws.MixingLinear, runs)


def test_a_fit_that_does_not_converge_raises_once(runs):
    with pytest.raises(sf.NotConverged, match="max_steps"):
        chinchilla(runs, max_steps=2)


def test_a_fit_that_does_not_converge_can_be_looked_at(runs):
    fit = chinchilla(runs, max_steps=2, throw=False)
    assert not fit.converged
    assert fit.result == sf.RESULTS.max_steps_reached
    assert fit.agreeing == 0


def test_a_batch_that_does_not_converge_says_how_many(studies):
    with pytest.raises(sf.NotConverged, match=r"24 of 24 fits.*throw=False"):
        chinchilla(studies, by="group", max_steps=2)


def test_nothing_leaks(runs):
    """Host verbs work in 64 bits, give NumPy float64, and leave JAX's switch as it was."""
    assert not jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
    fit = chinchilla(runs)
    draws = sf.bootstrap(fit, num=64)
    band = sf.predict(draws, **NEW)
    assert not jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
    arrays = [fit.objective, fit.residuals, fit.scale, draws.objective, draws.scale, band.value, band.low, band.high]
    arrays += jax.tree.leaves((fit.law, draws.law))
    assert all(isinstance(a, np.ndarray | np.float64) and a.dtype == np.float64 for a in arrays)


def test_an_optax_solver_gives_the_same_fit(fit, runs):
    import optax

    other = chinchilla(runs, solver=optax.lbfgs(), num_starts=2, max_steps=3000)
    assert other.converged
    assert other.objective == pytest.approx(fit.objective, rel=1e-6)


def test_an_input_that_does_not_vary_is_no_hindrance_where_its_term_is_held():
    """Runs of one size say nothing of A and alpha, and all of the rest once these are known."""
    rng = np.random.default_rng(0)
    D = 10 ** rng.uniform(9, 12, 64)
    runs = sf.Runs(1.8 + 480 * 1e8**-0.35 + 2100 * D**-0.37, N=np.full(64, 1e8), D=D)
    known = sf.laws.Chinchilla(A=480.0, alpha=0.35)
    fit = sf.fit(known, runs, fixed=("A", "alpha"))
    assert fit.law.beta == pytest.approx(0.37, rel=1e-6)
    with pytest.raises(sf.InputError, match="same N"):
        sf.fit(known, runs, fixed=("A",))


def test_rows_without_an_input_of_the_law_are_left_out_and_listed(tmp_path):
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 10, 64), 10 ** rng.uniform(9, 12, 64)
    loss = 1.8 + 480 * N**-0.35 + 2100 * D**-0.37
    lines = [f"{n!r},{d!r},{y!r}" for n, d, y in zip(N.tolist(), D.tolist(), loss.tolist(), strict=True)]
    lines[4] = f"{float(N[4])!r},,{float(loss[4])!r}"
    (tmp_path / "runs.csv").write_text("\n".join(["N,D,loss", *lines]))
    runs = sf.read_runs(tmp_path / "runs.csv")
    fit = sf.fit(sf.laws.Chinchilla, runs)
    assert fit.source.used == 63
    assert [row for row, _ in fit.source.dropped] == [5]
    assert len(sf.bootstrap(fit, num=20)) == 20
    alone = sf.fit(sf.laws.PowerLaw, sf.read_runs(tmp_path / "runs.csv", columns={"x": "N", "N": None}))
    assert alone.source.used == 64


class Uncentred(sf.laws.AbstractLaw):
    """Chinchilla's law in the raw inputs, as it comes from a paper: neither amplitudes nor dims are declared."""

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}
    E: Param = nonnegative()
    A: Param = nonnegative()
    B: Param = nonnegative()
    alpha: Param = nonnegative()
    beta: Param = nonnegative()

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss."""
        return self.E + self.A * N**-self.alpha + self.B * D**-self.beta


def test_a_term_that_damping_alone_holds_is_no_optimum(runs):
    """Where the term of size is a billionth, steps gain nothing and an undamped one would: the fit begins again."""
    lost = {"E": 1.6, "A": 0.8, "B": 100.0, "alpha": 1.3, "beta": 0.2}
    fit = sf.fit(Uncentred, runs, starts=lost)
    best = sf.fit(sf.laws.Chinchilla, runs)
    assert fit.objective == pytest.approx(float(best.objective), rel=1e-6)
    draws = sf.bootstrap(fit, num=50)
    np.testing.assert_allclose(draws.objective, sf.bootstrap(best, num=50).objective, rtol=1e-6)


def test_a_term_that_every_start_lost_is_looked_for_elsewhere():
    """At the best constant a steep power is felt by the smallest run alone, which is far below: it stays at zero."""
    x = np.geomspace(1e7, 1e10, 64)
    loss = (1.8 + 480 * x**-0.35) * np.exp(0.01 * np.random.default_rng(0).standard_normal(64))
    loss[0] *= 0.1
    runs = sf.Runs(loss, x=x)
    lost = {"E": float(np.exp(np.mean(np.log(loss)))), "A": 0.0, "alpha": 5.0}
    fit = sf.fit(sf.laws.PowerLaw, runs, noise=GAUSSIAN, starts=lost)
    assert fit.law.A > 0
    assert fit.objective == pytest.approx(float(sf.fit(sf.laws.PowerLaw, runs, noise=GAUSSIAN).objective), rel=1e-9)


def test_where_the_optimum_lacks_a_term_the_smaller_law_is_reported():
    """The loss depends on data alone: A is zero, and alpha is no number."""
    rng = np.random.default_rng(1)
    N, D = 10 ** rng.uniform(7, 10, 64), 10 ** rng.uniform(9, 12, 64)
    runs = sf.Runs((1.8 + 2100 * D**-0.37 - 10 * N**-0.35) * np.exp(0.01 * rng.standard_normal(64)), N=N, D=D)
    fit = chinchilla(runs)
    assert [name for name, unidentified in zip(fit.free, fit.unidentified, strict=True) if unidentified] == [
        "A",
        "alpha",
    ]
    assert "no run responds to A, alpha" in repr(fit)
    found: Any = sf.summary(fit)
    assert found["A"].value == 0.0
    assert np.isnan(found["alpha"].value)
    smaller = sf.fit(sf.laws.PowerLaw, sf.Runs(runs.target, x=D), noise=GAUSSIAN)
    assert fit.objective == pytest.approx(float(smaller.objective), rel=1e-9)
