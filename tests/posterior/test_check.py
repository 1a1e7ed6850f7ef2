"""Replicated runs beside those that were fitted."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import posed

import scalefit as sf
from scalefit.laws import AbstractLaw, Fraction, Label, Padded, Series
from scalefit.params import Param, axis, nonnegative
from scalefit.posterior._pointwise import pointwise

NAMES = {
    *("scatter", "largest", "skewness", "inside 50 %", "inside 90 %"),
    *("trend N", "trend D", "curvature N", "curvature D", "saddle N D"),
}


class Level(AbstractLaw):
    """A level for each size, a term of a share, and a schedule."""

    inputs: ClassVar[Mapping[str, Any]] = {"S": Fraction(), "lr": Series(), "size": Label(axis="size")}
    size: tuple[str, ...] = axis()
    E: Param = nonnegative(amplitude=True, typical=(0.2, 1.0), axis="size")
    k: Param = nonnegative(amplitude=True, typical=(0.02, 1.0))
    b: Param = nonnegative(typical=(0.2, 1.5))

    def __call__(self, S: Any, lr: Padded, size: Any) -> Any:
        """The loss."""
        rest = jnp.mean(lr.values) * 0.0 + self.k * jnp.exp(self.b * jnp.log1p(-S))
        return self.E[size] + rest


def under(draws, noise, **changes):
    """The draws as if they were about a fit with another noise."""
    return dataclasses.replace(draws, fit=posed(draws.fit, noise=noise), **changes)


def test_runs_as_the_law_gives_them_are_not_found_odd(few_draws, few):
    found = sf.check(few_draws)
    assert set(found) == NAMES
    assert min(one.p for one in found.values()) > 0.02
    assert found["inside 50 %"].expected == pytest.approx(0.5, abs=0.01)
    assert found["inside 90 %"].observed == pytest.approx(0.9, abs=0.1)
    # |z| of a normal distribution.
    assert found["scatter"].expected == pytest.approx(np.sqrt(2.0 / np.pi), abs=0.01)
    assert all(type(part) is float for one in found.values() for part in one)


def test_what_the_law_leaves_out_is_found(few):
    N, D = (np.log(few.inputs[n]) for n in "ND")
    x, y = ((a - a.mean()) / a.std() for a in (N, D))
    odd = sf.Runs(few.target * np.exp(0.02 * x * y), N=few.inputs["N"], D=few.inputs["D"])
    found = sf.check(sf.laplace(sf.fit(sf.laws.Chinchilla, odd, noise=sf.noise.Gaussian())))
    assert found["saddle N D"].p < 0.02
    assert found["saddle N D"].observed > found["saddle N D"].expected


def test_a_law_that_is_too_steep_leaves_a_trend(few_draws, few):
    steep = dataclasses.replace(few_draws.law, B=few_draws.law.B * 1e12**0.05, beta=few_draws.law.beta + 0.05)
    found = sf.check(dataclasses.replace(few_draws, law=steep))
    assert found["trend D"].p < 0.01
    assert found["scatter"].p < 0.01
    assert found["scatter"].observed > 1.5 * found["scatter"].expected
    assert found["inside 90 %"].observed < 0.8


@pytest.mark.parametrize(
    ("noise", "median"), [(sf.noise.Gaussian(), 0.6745), (sf.noise.StudentT(), 0.7407), (sf.noise.Huber(0.1), 0.6745)]
)
def test_replicates_scatter_as_the_noise_says(few_draws, few, noise, median):
    both = pointwise(under(few_draws, noise)).replicated(np.random.default_rng(0))
    assert np.median(np.abs(both.new / both.unit)) == pytest.approx(median, rel=0.02)


def test_replicates_of_a_training_share_an_offset(trained_draws, trainings):
    back = pointwise(trained_draws)
    new = back.replicated(np.random.default_rng(0)).new.reshape(len(back.log_s), 16, 4)
    between = np.sqrt(np.mean(trained_draws.drawn["run"] ** 2))
    assert new.mean(axis=2).std() == pytest.approx(between, rel=0.15)
    assert min(one.p for one in sf.check(trained_draws).values()) > 0.02


def test_resamples_are_checked_with_the_scatter_that_is_likely(few_draws, few):
    # With the knee far inside, the scatter of the residuals is that of a far wider density.
    resamples = under(few_draws, sf.noise.Huber(0.001), method="bootstrap")
    found = sf.check(resamples)
    assert found["inside 90 %"].observed == pytest.approx(0.9, abs=0.08)
    assert found["scatter"].observed == pytest.approx(found["scatter"].expected, rel=0.25)


@pytest.mark.parametrize(("options", "message"), [({"num": 5}, "num is 5"), ({"seed": -1}, "seed is -1")])
def test_odd_options_are_refused(few_draws, few, options, message):
    with pytest.raises(sf.InputError, match=message):
        sf.check(few_draws, **options)


def test_inputs_that_are_no_sizes_are_looked_at_as_they_are():
    """Shares of 0 have no logarithm; labels and series give no direction."""
    rng = np.random.default_rng(0)
    S = rng.choice([0.0, 0.5, 0.75, 0.875], 60)
    loss = (1.0 + 0.3 * (1.0 - S) ** 0.7) * np.exp(0.003 * rng.standard_normal(60))
    runs = sf.Runs(loss, S=S, lr=[np.full(3, 1e-3)] * 60).with_column("size", np.tile(["s", "l"], 30))
    fit = sf.fit(Level, runs, noise=sf.noise.Gaussian())
    found = sf.check(sf.laplace(fit, num=100))
    assert {name for name in found if name.split()[0] in ("trend", "curvature", "saddle")} == {"trend S", "curvature S"}
    assert min(found["trend S"].p, found["curvature S"].p) > 0.02
    with pytest.raises(sf.InputError, match="growth names 'S'"):
        sf.sample(fit, growth="S")
