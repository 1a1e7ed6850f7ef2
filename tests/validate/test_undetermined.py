"""What runs leave open of a law is said in words, with what they tell instead."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

import scalefit as sf
from scalefit.params import Param, nonnegative, real


class Twice(sf.laws.AbstractLaw):
    """c + k exp(a u + b v): with u + v = 1 k and a shift of a and b are one number."""

    inputs: ClassVar[dict[str, Any]] = {"u": sf.laws.Number(""), "v": sf.laws.Number("")}
    c: Param = nonnegative(amplitude=True)
    k: Param = nonnegative(amplitude=True)
    a: Param = real(typical=(-3.0, 3.0))
    b: Param = real(typical=(-3.0, 3.0))

    def __call__(self, u, v):
        return self.c + self.k * jnp.exp(self.a * u + self.b * v)


def said(fit):
    return [one.says for one in sf.diagnose(fit).findings if one.check == "conditioning"]


def test_numbers_that_change_together_are_named():
    u = np.linspace(0.05, 0.95, 16)
    loss = 1.6 + 0.5 * np.exp(-1.0 * u + 1.5 * (1.0 - u))
    rng = np.random.default_rng(0)
    runs = sf.Runs(loss * np.exp(0.002 * rng.standard_normal(16)), u=u, v=1.0 - u)
    fit = sf.fit(Twice, runs, noise=sf.noise.Gaussian())
    (words,) = said(fit)
    assert words.startswith("k and a shift of a and b are one number to these runs")
    told: Any = sf.summary(fit)
    assert [name for name, one in told.items() if one.unbounded] == ["k", "a", "b"]
    draws: Any = sf.summary(sf.bootstrap(fit, num=50))
    assert [name for name, one in draws.items() if one.unbounded] == ["k", "a", "b"]
    assert draws["c"].high < 2.0
    held = sf.fit(Twice(k=1.0), runs, noise=sf.noise.Gaussian(), fixed=("k",))
    assert float(held.objective) == pytest.approx(float(fit.objective), rel=1e-8)
    assert not said(held)


@pytest.mark.parametrize(
    ("varies", "noise"), [(1e-4, sf.noise.StudentT(4)), (1e-3, sf.noise.StudentT(4)), (1e-4, sf.noise.Gaussian())]
)
def test_an_input_that_hardly_varies_is_said_so(varies, noise):
    """E and the term of N are one number, 1.8 + 120 (1e9)^-.3 = 2.0394; it and β are those of a law without N."""
    rng = np.random.default_rng(1)
    N, D = 1e9 * np.exp(varies * rng.standard_normal(24)), np.geomspace(1e9, 2e11, 24)
    loss = (1.8 + 120.0 * N**-0.3 + 400.0 * D**-0.28) * np.exp(1e-3 * rng.standard_t(4, 24))
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D), noise=noise, throw=False)
    words = said(fit)
    assert words[0].startswith("N varies only from")
    assert fit.result in (sf.RESULTS.successful, sf.RESULTS.undetermined)
    # SciPy's least squares on log loss.
    right, cov = optimize.curve_fit(
        lambda D, c, b, beta: np.log(c + b * (D / 1e10) ** -beta), D, np.log(loss), (2, 1, 0.3)
    )
    error = np.sqrt(np.diag(cov))
    found = np.array([fit.law.E + fit.law.A * 1e9**-fit.law.alpha, fit.law.B * 1e10**-fit.law.beta, fit.law.beta])
    assert (np.abs(found - right) < (0.02 if noise == sf.noise.Gaussian() else 2.0) * error).all()
    assert (np.abs(found - [1.8 + 120.0 * 1e9**-0.3, 400.0 * 1e10**-0.28, 0.28]) < 2.6 * error).all()
    assert words[1].startswith("the terms of E and A are one number to these runs, 2.0")
    if fit.converged:
        told: Any = sf.summary(fit)["A"]
        assert told.low is None or told.unbounded


def test_an_input_that_hardly_varies_in_one_study_is_said_of_it():
    rng = np.random.default_rng(1)
    N, D = 10 ** rng.uniform(8.0, 10.0, 32), np.tile(np.geomspace(1e9, 2e11, 16), 2)
    N[16:] = 1e9 * np.exp(1e-4 * rng.standard_normal(16))
    loss = (1.8 + 120.0 * N**-0.3 + 400.0 * D**-0.28) * np.exp(1e-3 * rng.standard_normal(32))
    runs = sf.Runs(loss, N=N, D=D, group=["wide"] * 16 + ["narrow"] * 16)
    fits = sf.fit(sf.laws.Chinchilla, runs, by="group", noise=sf.noise.Gaussian(), throw=False)
    assert not any("varies only" in words for words in said(fits["wide"]))
    assert said(fits["narrow"])[0].startswith("N varies only from")


@pytest.mark.parametrize(
    ("law", "size", "seed", "held"),
    [
        ("Chinchilla", "N", 5, "alpha"),
        ("Chinchilla", "D", 5, "beta"),
        ("Kaplan", "N", 0, "N_c"),
        ("PowerLaw", "x", 3, "alpha"),
    ],
)
def test_a_number_that_no_run_tells_does_not_take_the_law_out_of_float64(law, size, seed, held):
    rng, kind = np.random.default_rng(seed), getattr(sf.laws, law)
    columns: dict[str, Any] = {name: 10.0 ** rng.uniform(8.0, 10.0, 12) for name in kind.inputs}
    columns[size] = 1e9 * np.exp(1e-4 * rng.standard_normal(12))
    loss = 2.4 + sum(100.0 * c**-0.3 for name, c in columns.items() if name != size)
    runs = sf.Runs(loss * np.exp(2e-3 * rng.standard_normal(12)), **columns)
    fit = sf.fit(kind, runs, noise=sf.noise.Gaussian(), num_starts=2)
    assert fit.result == sf.RESULTS.undetermined
    assert float(fit.scale) < (0.004 if law != "Kaplan" else 0.02)  # which has no floor
    at_runs = np.asarray(sf.predict(fit, **columns).value)
    np.testing.assert_allclose(np.log(runs.target / at_runs), fit.residuals, atol=1e-10)
    assert max(np.ravel(abs(getattr(fit.law, name))) for name in fit.free) < 1e50
    words = said(fit) + [f"{name} is lost" for name, lost in zip(fit.free, fit.unidentified, strict=True) if lost]
    assert any(one.startswith(held) for one in words)


def test_a_law_that_can_only_fall_on_runs_that_rise_is_named():
    """A learning curve of accuracies: what is missing to 1 falls as the law does."""
    samples, accuracy = 50.0 * 2.0 ** np.arange(7), np.array([0.62, 0.68, 0.735, 0.78, 0.812, 0.836, 0.853])
    (words,) = said(sf.fit(sf.laws.PowerLaw, sf.Runs(accuracy, x=samples, target="accuracy"), throw=False))
    assert words.startswith("accuracy rises with x, from 0.62 to 0.853, and the term of A can only fall")
    assert words.endswith("fit what is missing, 1 - accuracy, which falls")
    missing = sf.fit(sf.laws.PowerLaw, sf.Runs(1.0 - accuracy, x=samples, target="error"))
    assert missing.converged
    assert not said(missing)
