"""Where numbers or formulas end: a fit that has no numbers to show says so, and why."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import scalefit as sf
from scalefit.estimate._held import brought_back
from scalefit.params import Param, Scalar, nonnegative, values
from scalefit.problem import laws_at


@pytest.fixture(scope="module")
def steep() -> sf.Runs:
    """Sizes within a hundredth of each other, on which the loss depends by a power of 60."""
    rng = np.random.default_rng(0)
    N, D = 1e9 * (1 + 0.01 * rng.uniform(-1, 1, 64)), 10 ** rng.uniform(9, 12, 64)
    loss = (1.7 + 0.4 * (N / 1e9) ** -60 + 400 * D**-0.28) * np.exp(0.001 * rng.standard_normal(64))
    return sf.Runs(loss, N=N, D=D)


@pytest.fixture(scope="module")
def beyond(steep):
    return sf.fit(sf.laws.Chinchilla, steep, throw=False)


def forecast(law):
    return law(N=1e9, D=1e11)


def test_an_amplitude_beyond_float64_is_no_fit(steep, beyond):
    with pytest.raises(sf.NotConverged, match=r"A cannot be held.*N varies by only 2 %.*own size"):
        sf.fit(sf.laws.Chinchilla, steep)
    assert beyond.result == sf.RESULTS.overflow
    assert not beyond.converged


@pytest.mark.parametrize("verb", [sf.influence, sf.sensitivity])
def test_nothing_is_said_from_an_amplitude_beyond_float64(verb, steep, beyond):
    with pytest.raises(sf.InputError):
        verb(beyond, of=forecast)
    with pytest.raises(sf.InputError):
        sf.bootstrap(beyond, num=4)
    with pytest.raises(sf.InputError, match=r"is nan at N = 1e\+09"):
        sf.predict(beyond, N=1e9, D=1e11)


def test_inputs_near_their_own_size_bring_the_amplitude_back(steep):
    N, D = steep.inputs["N"] / 1e9, steep.inputs["D"]
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(steep.target, N=N, D=D))
    assert [fit.law.A, fit.law.alpha] == pytest.approx([0.4, 60], rel=0.05)


def test_a_study_beyond_float64_holds_up_no_other(steep, runs):
    columns: dict[str, Any] = {name: np.concatenate([steep.inputs[name], runs.inputs[name]]) for name in ("N", "D")}
    both = sf.Runs(np.concatenate([steep.target, runs.target]), **columns, group=["steep"] * 64 + ["plain"] * 64)
    fits = sf.fit(sf.laws.Chinchilla, both, by="group", throw=False)
    assert fits.keys is not None
    assert dict(zip(fits.keys, fits.result.tolist(), strict=True)) == {"steep": sf.RESULTS.overflow, "plain": 0}
    value = sf.predict(fits, N=1e9, D=1e11).value
    assert np.isfinite(value).tolist() == [key == "plain" for key in fits.keys]


def test_two_amplitudes_beyond_float64_are_brought_back_with_their_exponents(fit):
    """While the first exponent is held, the other's amplitude is infinite still."""
    ((_, prepared),) = fit.problem.parts()
    steep = {"alpha": 90.0, "beta": 80.0}
    theta = np.array([[steep.get(prepared.curve.slots[k].name, 1.0) for k in prepared.curve.free]])
    # So poor an objective that what is held is as good.
    found, _, result = brought_back(prepared, fit.noise, (theta, np.array([1e6]), np.array([1])), 0)
    assert result.tolist() == [sf.RESULTS.undetermined]
    assert np.isfinite(values(laws_at(prepared, found, np.array([0])))).all()


def test_a_law_that_cannot_reach_the_target_is_not_fitted(runs):
    below = sf.Runs(-np.asarray(runs.target), **runs.inputs)
    with pytest.raises(sf.NotConverged, match="nothing was fitted"):
        sf.fit(sf.laws.Chinchilla, below, noise=sf.noise.Gaussian(log=False))


class Undefined(sf.laws.AbstractLaw):
    """A power law that is NaN for every size."""

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters"}
    E: Param = nonnegative(amplitude=True)
    alpha: Param = nonnegative()

    def __call__(self, N: Scalar) -> Scalar:
        """NaN."""
        return self.E * jnp.log(-N) * N**-self.alpha


class Edged(Undefined):
    """NaN for small exponents, where its optimum would be."""

    alpha: Param = nonnegative(typical=(0.6, 1.5))

    def __call__(self, N: Scalar) -> Scalar:
        """A power law."""
        return self.E * N**-self.alpha + jnp.where(self.alpha > 0.5, 0.0, jnp.nan)


@pytest.mark.parametrize(
    "law, words",
    [(Undefined, "not finite at any start.*its formula"), (Edged, "Steps end where the law is not finite")],
)
def test_a_formula_that_is_nan_is_named_as_the_cause(law, words, runs):
    with pytest.raises(sf.NotConverged, match=words):
        sf.fit(law, runs)


def test_a_solver_that_diverges_is_told_to_go_slower(runs):
    with pytest.raises(sf.NotConverged, match="learning rate"):
        sf.fit(sf.laws.Chinchilla, runs, solver=optax.sgd(1e10), num_starts=1, max_steps=30)
