"""Pooling over groups: what simulated groups were, what two runs and the others say, and what is refused."""

import dataclasses
import warnings
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

import scalefit as sf
from scalefit.posterior._density import Likelihood
from scalefit.posterior._diagnostics import warn_of_draws
from scalefit.posterior._groups import _natural
from scalefit.posterior._hierarchical import Hierarchy, Population, in_population
from scalefit.posterior._mode import Ascent, Curved
from scalefit.posterior._prior import Prior
from scalefit.problem import LawCurve, Problem

TRUTH = {"E": (1.7, 0.06), "A": (0.7, 0.2), "alpha": (0.35, 0.15)}
"""Middle and spread of each number between groups, at the mean input."""
MIDDLE = 10**8.5
GROUPS, RUNS, SCATTER = 7, 12, 0.004
SPARSE = "g2"


def value(laws: dict[str, np.ndarray], group: Any, x: Any) -> Any:
    return laws["E"][group] + laws["A"][group] * (x / MIDDLE) ** -laws["alpha"][group]


@pytest.fixture(scope="module")
def laws() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {n: middle * np.exp(spread * rng.standard_normal(GROUPS)) for n, (middle, spread) in TRUTH.items()}


@pytest.fixture(scope="module")
def runs(laws) -> sf.Runs:
    rng = np.random.default_rng(6)
    counts = [2 if f"g{g}" == SPARSE else RUNS for g in range(GROUPS)]
    group = np.repeat(np.arange(GROUPS), counts)
    x = 10 ** rng.uniform(7, 10, len(group))
    loss = value(laws, group, x) * np.exp(SCATTER * rng.standard_t(4, len(group)))
    return sf.Runs(loss, x=x, group=[f"g{g}" for g in group], name="families")


@pytest.fixture(scope="module")
def draws(runs) -> sf.Ensemble:
    with warnings.catch_warnings():
        # On some processors a few of the thousands of transitions diverge.
        warnings.filterwarnings("ignore", message=r"\d+ transitions diverged", category=UserWarning)
        return sf.sample_groups(sf.laws.PowerLaw, runs, by="group")


def test_the_population_is_found(draws):
    found = draws.diagnostics["population"]
    assert set(found) == {"E", "A", "alpha", "scale"}
    for name, (middle, spread) in TRUTH.items():
        one = found[name]
        assert abs(one["middle"]["mean"] - middle) < 3.0 * one["middle"]["sd"]
        assert abs(one["spread"]["mean"] - spread) < 3.0 * one["spread"]["sd"]
    assert found["scale"]["middle"]["mean"] == pytest.approx(SCATTER, rel=0.5)


def test_two_runs_and_the_others_say_what_two_runs_do_not(draws, laws):
    own, place = draws[SPARSE], draws.fit.keys.index(SPARSE)
    for name in ("E", "alpha"):
        low, high = np.quantile(getattr(own.law, name), [0.005, 0.995])
        assert low < laws[name][place] < high
    # Narrower than a group of which nothing is known, by what its two runs say.
    assert np.std(np.log(own.law.E)) < draws.diagnostics["population"]["E"]["spread"]["mean"]
    band = sf.predict(own, x=[1e7, 1e10], level=0.99)
    assert band.low is not None
    assert band.high is not None
    truth = value(laws, place, np.array([1e7, 1e10]))
    assert np.all((band.low < truth) & (truth < band.high))


def test_chains_mix_and_say_so(draws):
    found = draws.diagnostics
    assert found["method"] == "nuts"
    assert found["divergences"] <= 0.01 * draws.drawn["chain"].shape[1]
    assert found["ess_bulk"].shape == (GROUPS,)
    assert found["ess_bulk"].min() > 200
    assert max(r.max() for r in found["rhat"].values()) < 1.05
    assert set(found["contraction"]) == {"E", "A", "alpha", "scale"}
    assert found["priors"]["alpha"].endswith("; between groups HalfNormal(0.567)")
    assert draws.drawn["chain"].shape == (GROUPS, 2000)
    assert np.all(draws.fit.converged)
    assert np.all(draws.fit.agreeing == 1)
    residuals = draws.fit[SPARSE].residuals
    assert residuals.shape == (2,)
    assert np.max(np.abs(draws.fit.residuals[np.isfinite(draws.fit.residuals)])) < 20.0 * SCATTER


def test_groups_of_many_runs_are_what_each_says_alone(draws, runs):
    part = runs.where("group == 'g4'")
    alone = sf.sample(sf.fit(sf.laws.PowerLaw, part, noise=sf.noise.StudentT()), method="is")
    for at in (3e7, 3e9):
        one, two = (sf.predict(d, x=at, level=0.9) for d in (alone, draws["g4"]))
        assert one.low is not None
        assert one.high is not None
        assert one.low < two.value < one.high


def test_other_verbs_take_these_draws(draws, tmp_path):
    sf.save(draws, tmp_path / "groups")
    again: Any = sf.load(tmp_path / "groups")
    np.testing.assert_array_equal(again[SPARSE].law.alpha, draws[SPARSE].law.alpha)
    np.testing.assert_array_equal(again.drawn["chain"], draws.drawn["chain"])
    assert again.diagnostics["population"] == draws.diagnostics["population"]
    assert again[SPARSE].diagnostics["rhat"]["E"] == draws[SPARSE].diagnostics["rhat"]["E"]
    band = sf.predict(draws, x=1e11, new_run=True)
    assert band.value.shape == (GROUPS,)
    assert set(sf.summary(draws)) == set(draws.fit.keys)


@pytest.mark.parametrize("pooled", [(True, True, True, True), (True, True, False, True)])
def test_numbers_are_as_probable_as_the_population_or_their_own_prior_says(pooled):
    curve = LawCurve.of(sf.laws.PowerLaw(), ())
    prior = Prior.of(curve, (), {"alpha": dist.LogNormal(-1.0, 0.3)})
    at = Population(np.array([-0.5, -1.5, -1.2, -4.0]), np.log([0.1, 0.2, 0.4, 0.5]))
    numbers = np.array([[-0.4, -1.4, -0.7, -3.0], [-0.6, -1.8, -1.3, -4.1]])
    found = in_population(prior, np.array(pooled), at).slopes(numbers, np.array([0.0, 1.0]))[0]
    middle, spread = at.middle.copy(), np.exp(at.log_spread)
    if not pooled[2]:
        middle[2], spread[2] = -1.0, 0.3
    np.testing.assert_allclose(found, stats.norm.logpdf(numbers, middle, spread).sum(axis=1), rtol=1e-10)


def test_a_group_whose_every_run_is_met_does_not_spread_the_scatter_without_end():
    curve = LawCurve.of(sf.laws.PowerLaw(), ())
    prior = Prior.of(curve)
    groups = Hierarchy(cast(Any, object.__new__(Likelihood)), prior, prior.spread / 3.0, np.ones(4, bool))
    numbers, none = np.zeros((3, 4)), np.zeros(3)
    numbers[2, -1] = -40.0
    runs = Curved(none, numbers, np.zeros((3, 4, 4)))
    at = Ascent(numbers, runs, np.ones((3, 4)), np.tile(np.eye(4), (3, 1, 1)), none, none, none > 0.0)
    learnt = groups._learnt(at, Population(np.zeros(4), np.zeros(4)))
    assert learnt.log_spread[-1] == pytest.approx(np.log(2.0 * groups.between[-1]))


def test_numbers_that_sum_to_zero_have_a_middle():
    law = sf.laws.MixingExp(c=1.0, k=1.0, t=[0.0, 0.0, 0.0], domain=("a", "b", "c"))
    w = np.random.default_rng(0).dirichlet(np.ones(3), 8)
    table = sf.Runs(np.exp(np.linspace(-1.0, 1.0, 8)), **{f"w[{name}]": w[:, i] for i, name in enumerate("abc")})  # pyright: ignore[reportArgumentType]  entries in brackets
    prepared = Problem.of(law, table, sf.noise.Gaussian(), ()).arrays
    numbers = np.zeros((4, 7, 5))
    numbers[..., 2:4] = -2.0, 0.5
    found = _natural(prepared, Prior.of(prepared.curve), numbers)
    np.testing.assert_allclose(found, np.broadcast_to([1.0, 1.0, -2.0, 0.5, 1.0], (4, 7, 5)))


class Bare(sf.noise.AbstractNoise):
    """Least squares of a user's own, of which no density is known."""

    log: bool = eqx.field(default=True, static=True)

    @property
    def free_scale(self) -> bool:
        return False

    def rho(self, z: jax.Array) -> jax.Array:
        return 0.5 * z * z

    def psi(self, z: jax.Array) -> jax.Array:
        return z

    def weight(self, z: jax.Array) -> jax.Array:
        return jnp.ones_like(z)

    def curvature(self, z: jax.Array) -> jax.Array:
        return jnp.ones_like(z)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "famly"}, "by names 'famly'"),
        ({"by": "one"}, "into one group, which nothing can be learnt of from others"),
        ({"pooled": ("alfa",)}, "pooled names 'alfa'; .* The nearest is 'alpha'"),
        ({"priors": {"gamma": dist.Normal(0.0, 1.0)}}, "priors names 'gamma'; expected .*'alpha'"),
        ({"num": 1}, "num is 1"),
        ({"priors": {"alpha": dist.Uniform(0.1, 0.9)}}, r"Uniform\(0.1, 0.9\), and groups scatter beyond any bound"),
        ({"noise": Bare()}, r"noise is Bare\(\); expected one with a density"),
    ],
)
def test_what_cannot_be_pooled_is_refused(runs, options, message):
    table = runs.with_fields(columns={"one": np.full(len(runs), "a")})
    with pytest.raises(sf.InputError, match=message):
        sf.sample_groups(sf.laws.PowerLaw, table, **({"by": "group"} | options))


def test_rows_of_one_training_are_no_independent_runs(runs):
    together = runs.with_fields(labels={**runs.labels, "run": np.arange(len(runs)) // 2})
    with pytest.raises(sf.InputError, match="runs has 74 rows of 37 runs"):
        sf.sample_groups(sf.laws.PowerLaw, together, by="group")


def test_draws_that_are_not_to_be_trusted_are_said(draws):
    found = {"divergences": 0, "rhat": {"E": np.array([1.0, 1.2])}, "population": {"E": {"rhat": 1.0}}}
    with pytest.warns(UserWarning, match=r"^The chains have not mixed \(R-hat 1\.20\)"):
        warn_of_draws(dataclasses.replace(draws, diagnostics=draws.diagnostics | found))
    with pytest.warns(UserWarning, match=r"^3 transitions diverged"):
        warn_of_draws(dataclasses.replace(draws, diagnostics=draws.diagnostics | {"divergences": 3}))
