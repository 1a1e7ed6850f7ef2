"""Draws from a posterior: densities, priors, both samplers against integration, and what is refused."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import integrate, stats

import scalefit as sf
from scalefit import params
from scalefit.posterior import _draw
from scalefit.posterior._coordinates import Coordinates
from scalefit.posterior._diagnostics import warn_of_draws
from scalefit.posterior._draw import draw
from scalefit.posterior._importance import Weighed, worth
from scalefit.posterior._mode import mode
from scalefit.posterior._offsets import offset_slopes, over_offsets
from scalefit.posterior._prior import GROWTH, RUN, Prior, natural_numbers
from scalefit.posterior._psis import pareto_tail, psis
from scalefit.posterior._study import studies_of
from scalefit.problem import LawCurve

NUM, FEWER = 4000, 1600


@pytest.fixture
def wide():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def runs() -> sf.Runs:
    rng = np.random.default_rng(3)
    N, D = 10 ** rng.uniform(7, 10, 96), 10 ** rng.uniform(9, 12, 96)
    loss = 1.8 + 480.0 * N**-0.35 + 2100.0 * D**-0.37
    return sf.Runs(loss * np.exp(0.01 * rng.standard_t(4, 96)), N=N, D=D)


@pytest.fixture(scope="module")
def fit(runs):
    return sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.StudentT())


@pytest.fixture(scope="module")
def draws(fit, runs):
    return {"is": sf.sample(fit, num=NUM, method="is"), "nuts": sf.sample(fit, num=FEWER, method="nuts")}


@pytest.mark.parametrize("spread", [0.3, 1.0, 2.0])
def test_densities_of_runs_are_those_of_their_names(spread):
    r, log_s = np.linspace(-5.0, 5.0, 11), np.log(spread)
    np.testing.assert_allclose(
        sf.noise.Gaussian().log_density(r, log_s), stats.norm.logpdf(r, scale=spread), rtol=1e-12
    )
    np.testing.assert_allclose(
        sf.noise.StudentT(5.0).log_density(r, log_s), stats.t.logpdf(r, 5.0, scale=spread), rtol=1e-12
    )
    huber = sf.noise.Huber(0.7)
    ends = (0.0, 0.7), (0.7, 400.0)
    mass = [integrate.quad(lambda x: np.exp(huber.log_density(np.array(x), log_s)), *part)[0] for part in ends]
    assert 2.0 * sum(mass) == pytest.approx(1.0, rel=1e-7)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("noise", [sf.noise.Gaussian(), sf.noise.StudentT(5.0), sf.noise.Huber(0.7)])
def test_slopes_of_densities_are_their_derivatives(noise):
    r, log_s = np.linspace(-3.0, 3.1, 12), np.full(12, np.log(0.6))

    def whole(r, log_s):
        return jnp.sum(noise.log_density(r, log_s))

    expected = jax.jit(jax.grad(whole, (0, 1)))(jnp.asarray(r), jnp.asarray(log_s))
    np.testing.assert_allclose(noise.score(r, log_s), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", ["Chinchilla", "Kaplan", "BNSL-1", "PoolsExchange", "DataConstrained"])
def test_a_prior_of_natural_values_brings_the_volume_of_the_map(name):
    curve = LawCurve.of(helpers.LAWS[name].truth, ())
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=curve.size + 3)
    constant = np.array([*rng.normal(size=len(curve.units)), 2.0])
    names = [curve.slots[k].name for k in curve.free]
    given = dict.fromkeys([*names, "scale", "growth", "run"], dist.Normal(0.3, 2.0))
    # One that is bounded on both sides, where a parameter depends on no other.
    bounded = next((k for k in names if k in ("alpha", "E")), None)
    given |= {} if bounded is None else {bounded: dist.Uniform(0.25, 1.5)}
    prior = Prior.of(curve, (GROWTH, RUN), given)
    assert list(prior.bounds.values()) == ([] if bounded is None else [(0.25, 1.5)])

    def natural(u):
        return jnp.stack([jnp.asarray(x) for x in natural_numbers(prior, u, constant)])

    _, volume = jnp.linalg.slogdet(jax.jit(jax.jacfwd(natural))(jnp.asarray(numbers)))
    free = np.array([name != bounded for name in given])
    logs = jnp.where(free, stats.norm.logpdf(jax.jit(natural)(jnp.asarray(numbers)), 0.3, 2.0), -jnp.log(1.25))
    expected = jnp.sum(logs) + volume
    assert float(prior.slopes(numbers[None], constant)[0][0]) == pytest.approx(float(expected), rel=1e-10)


def test_both_samplers_are_those_of_the_integral():
    rng = np.random.default_rng(1)
    x = 10 ** rng.uniform(7, 10, 12)
    runs = sf.Runs(1.7 + 410.0 * x**-0.34 + 0.05 * rng.standard_normal(12), x=x)
    noise = sf.noise.Gaussian(log=False)
    fitted = sf.fit(sf.laws.PowerLaw(alpha=0.34, A=410.0), runs, noise=noise, fixed=("alpha", "A"))
    priors = {"E": dist.Normal(1.7, 0.5), "scale": dist.LogNormal(-3.0, 1.0)}
    typical = np.exp(np.mean(np.log(runs.target)))
    E, s = np.meshgrid(np.linspace(1.5, 1.9, 401), np.linspace(np.log(0.005), np.log(0.3), 401), indexing="ij")
    logp = stats.norm.logpdf(E, 1.7, 0.5) + stats.norm.logpdf(s, -3.0, 1.0)
    for at, y in zip(x, runs.target, strict=True):
        logp += stats.norm.logpdf(y, E + 410.0 * at**-0.34, typical * np.exp(s))
    p = np.exp(logp - logp.max())
    mean = np.sum(p * E) / p.sum()
    sd = np.sqrt(np.sum(p * (E - mean) ** 2) / p.sum())
    scatter = typical * np.sum(p * np.exp(s)) / p.sum()
    for method in ("is", "nuts"):
        found = sf.sample(fitted, num=NUM, method=method, priors=priors)
        assert found.law.E.mean() == pytest.approx(mean, abs=0.1 * sd)
        assert found.law.E.std() == pytest.approx(sd, rel=0.06)
        assert found.scale.mean() == pytest.approx(scatter, rel=0.02)


def test_the_samplers_agree_and_say_how_good_they_are(draws):
    for name in ("E", "A", "B", "alpha", "beta"):
        # On logarithms: the variance of what has a long tail is that of its few largest draws.
        one, two = (np.log(getattr(draws[method].law, name)) for method in ("is", "nuts"))
        assert (one.shape, two.shape) == ((NUM,), (FEWER,))
        assert abs(one.mean() - two.mean()) < 0.1 * two.std()
        assert one.std() == pytest.approx(two.std(), rel=0.1)
    by_weight, by_chain = (draws[method].diagnostics for method in ("is", "nuts"))
    assert (by_weight["method"], by_chain["method"]) == ("is", "nuts")
    assert by_weight["khat"] < 0.7
    assert by_chain["divergences"] == 0
    assert by_chain["ess_bulk"] > 400
    assert by_chain["ess_tail"] > 200
    assert max(by_chain["rhat"].values()) < 1.02
    assert set(by_chain["rhat"]) == {"E", "A", "B", "alpha", "beta", "scale"}
    assert min(by_chain["contraction"].values()) > 0.9


def test_other_verbs_take_these_draws(draws, tmp_path):
    band = sf.predict(draws["is"], N=1e11, D=1e13)
    assert band.low is not None
    assert band.high is not None
    assert band.low < band.value < band.high
    sf.save(draws["is"], tmp_path / "posterior")
    again = sf.load(tmp_path / "posterior")
    assert isinstance(again, sf.Ensemble)
    np.testing.assert_array_equal(again.law.alpha, draws["is"].law.alpha)
    assert again.diagnostics["priors"] == draws["is"].diagnostics["priors"]


def test_the_seed_decides_the_draws(fit, runs, draws):
    again = sf.sample(fit, num=NUM, method="is")
    np.testing.assert_array_equal(again.law.alpha, draws["is"].law.alpha)
    other = sf.sample(fit, num=NUM, method="is", seed=1)
    assert not np.array_equal(other.law.alpha, draws["is"].law.alpha)


def test_a_strong_prior_is_heard_and_said(fit, runs, draws):
    with pytest.warns(UserWarning, match=r"alpha lies outside the central 95 % of the draws"):
        found = sf.sample(fit, num=NUM, method="is", priors={"alpha": dist.Normal(0.5, 0.001)})
    assert found.law.alpha.mean() > draws["is"].law.alpha.mean() + 0.05
    assert found.diagnostics["priors"]["alpha"] == "Normal(0.5, 0.001)"
    # What the prior says is not said by the runs.
    assert found.diagnostics["contraction"]["alpha"] < 0.3
    assert found.diagnostics["priors"]["beta"].startswith("LogNormal(log ")


def test_importance_sampling_that_fails_gives_way(fit, runs, monkeypatch):
    monkeypatch.setattr(_draw, "TOO_FAR", -1.0)
    found = sf.sample(fit, num=400)
    assert found.diagnostics["method"] == "nuts"
    assert found.diagnostics["khat"] < 0.7
    assert set(found.drawn["chain"]) == set(range(4))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"method": "is", "khat": 0.9}, r"Pareto k 0\.90\)\. Use `method='nuts'`"),
        ({"method": "svi", "khat": 0.9}, r"far from normal \(Pareto k 0\.90\)\. Use `method='nuts'`"),
        ({"divergences": 3}, r"3 transitions diverged\. Give stronger priors"),
        ({"rhat": {"alpha": 1.2}}, r"have not mixed \(R-hat 1\.20\)"),
    ],
)
def test_draws_that_are_not_to_be_trusted_are_said(draws, found, message):
    fine = {"method": "nuts", "khat": np.nan, "divergences": 0, "rhat": {"alpha": 1.0}}
    with pytest.warns(UserWarning, match=message):
        warn_of_draws(dataclasses.replace(draws["is"], diagnostics=fine | found))
    warn_of_draws(dataclasses.replace(draws["is"], diagnostics=fine))


@pytest.mark.parametrize("shape", [0.3, 0.8])
def test_the_tail_of_weights_is_measured(shape):
    x = np.sort(stats.genpareto.rvs(shape, scale=2.0, size=4000, random_state=0))
    found, scale = pareto_tail(x)
    assert float(found) == pytest.approx(shape, abs=0.06)
    assert float(scale) == pytest.approx(2.0, rel=0.1)


def test_weights_of_a_proposal_that_is_the_target_are_equal():
    found = psis(np.zeros(1000))
    np.testing.assert_allclose(found.weight, 1e-3, rtol=1e-5)
    assert float(found.ess) == pytest.approx(1000.0, rel=1e-5)


def test_priors_are_said_in_words():
    curve = LawCurve.of(helpers.LAWS["Chinchilla"].truth, ())
    words = Prior.of(curve).described()
    assert words["E"].endswith("as a share of the typical target")
    assert words["A"].endswith("at the runs' mean inputs")
    assert words["alpha"].startswith("LogNormal(log ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priors": {"gamma": dist.Normal(0.0, 1.0)}}, "priors names 'gamma'; expected .*'E'"),
        ({"priors": {"alpha": 0.3}}, "the prior of alpha is 0.3; expected a NumPyro distribution"),
        ({"priors": {"A": dist.Uniform(100.0, 900.0)}}, r"Uniform\(100, 900\), which leaves out values .* as 50"),
        ({"priors": {"alpha": dist.Poisson(3.0)}}, r"Poisson\(3\), of whole numbers; expected a continuous one"),
        ({"growth": "T"}, "growth names 'T'; expected .*'N' and 'D'"),
        ({"num": 1}, "num is 1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_sampled_is_refused(fit, runs, options, message):
    with pytest.raises(sf.InputError, match=message):
        sf.sample(fit, **options)


@pytest.mark.parametrize(
    ("noise", "rtol", "sloped"),
    [(sf.noise.Gaussian(), 1e-10, 1e-6), (sf.noise.StudentT(4.0), 1e-3, 1e-3), (sf.noise.Huber(0.02), 1e-2, 0.1)],
)
def test_what_rows_of_a_run_share_is_integrated_out(noise, rtol, sloped):
    rng = np.random.default_rng(0)
    first = np.array([0, 4])
    residual = rng.normal(size=6) * 0.02 + np.repeat([0.05, -0.03], [4, 2])
    given = residual[None], 0.2 * rng.normal(size=(1, 6)), np.log([[0.02]]), np.log([[0.04]])
    b = np.linspace(-0.4, 0.4, 200_001)[:, None]

    def expected(place=0, step=0.0):
        """By run, the integral where one of residuals, sharpness, scatter and spread has moved."""
        r, q, log_s, log_spread = (part + step * (k == place) for k, part in enumerate(given))
        rows = noise.log_density((r - b) * np.exp(q), log_s) + q
        total = np.add.reduceat(rows, first, axis=1) + stats.norm.logpdf(b, 0.0, np.exp(log_spread))
        return np.log(integrate.trapezoid(np.exp(total), b, axis=0))

    np.testing.assert_allclose(over_offsets(noise, *given, first)[0], expected(), rtol=rtol, atol=1e-12)
    value, slopes = offset_slopes(noise, *given, first)
    np.testing.assert_allclose(value[0], expected(), rtol=rtol, atol=1e-12)
    assert slopes.log_spread is not None
    told = [*(np.add.reduceat(part[0], first) for part in slopes[:3]), slopes.log_spread[0]]
    for place, slope in enumerate(told):
        moved = (expected(place, 1e-5) - expected(place, -1e-5)) / 2e-5
        np.testing.assert_allclose(slope, moved, rtol=sloped)


def test_rows_of_one_training_share_an_offset():
    rng = np.random.default_rng(5)
    count, each = 40, 5
    N, D = np.repeat(10 ** rng.uniform(7, 10, count), each), 10 ** rng.uniform(9, 12, count * each)
    offset = np.repeat(0.02 * rng.standard_normal(count), each)
    loss = 1.8 + 480.0 * N**-0.35 + 2100.0 * D**-0.37
    loss = loss * np.exp(offset + 0.004 * rng.standard_normal(count * each))
    runs = sf.Runs(loss, N=N, D=D, run=np.repeat(np.arange(count), each))
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian())
    found = sf.sample(fit, num=NUM)
    assert np.quantile(found.drawn["run"], [0.02, 0.98]).tolist() == pytest.approx([0.016, 0.026], rel=0.25)
    assert found.scale.mean() == pytest.approx(0.004, rel=0.15)
    alone = sf.sample(fit, num=NUM, cluster=None)
    # Forty trainings say less of N than two hundred independent runs would.
    assert found.law.alpha.std() > 1.3 * alone.law.alpha.std()
    assert "run" not in alone.drawn
    curve, new = (sf.predict(found, N=1e9, D=1e11, new_run=new) for new in (False, True))
    # A new run is of a training of its own.
    assert new.low is not None
    assert new.high is not None
    assert curve.low is not None
    width = np.log(new.high / new.low) / (2 * 1.96)
    assert width == pytest.approx(np.hypot(0.02, 0.004), rel=0.25)


def test_a_scatter_that_grows_is_found():
    rng = np.random.default_rng(6)
    N, D = 10 ** rng.uniform(7, 10, 300), 10 ** rng.uniform(9, 12, 300)
    scatter = 0.01 * (N / 10**8.5) ** -0.3
    loss = (1.8 + 480.0 * N**-0.35 + 2100.0 * D**-0.37) * np.exp(scatter * rng.standard_normal(300))
    runs = sf.Runs(loss, N=N, D=D)
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian())
    found = sf.sample(fit, num=NUM, growth="N")
    assert found.drawn["growth[N]"].mean() == pytest.approx(-0.3, abs=0.06)
    assert found.scale.mean() == pytest.approx(0.01, rel=0.1)
    small, large = (sf.predict(found, N=size, D=1e12, new_run=True) for size in (1e7, 1e10))
    assert small.low is not None
    assert small.high is not None
    assert large.low is not None
    assert large.high is not None
    ratio = np.log(small.high / small.low) / np.log(large.high / large.low)
    assert ratio == pytest.approx(1000**0.3, rel=0.25)


def test_a_batch_is_sampled_as_its_studies_are(fit, runs):
    both = runs.with_fields(labels={"group": np.where(np.arange(96) % 2, "a", "b")})
    fits = sf.fit(sf.laws.Chinchilla, both, noise=sf.noise.StudentT(), by="group")
    found = sf.sample(fits, num=500)
    assert found.law.alpha.shape == (2, 500)
    assert found.diagnostics["khat"].shape == (2,)
    one = sf.sample(fits["b"], num=500)
    np.testing.assert_allclose(found["b"].law.alpha, one.law.alpha, rtol=1e-6)
    assert found["b"].diagnostics["khat"] == pytest.approx(one.diagnostics["khat"], rel=1e-6)


def test_a_fit_that_did_not_converge_is_no_ground_for_a_posterior(fit, runs):
    failed = dataclasses.replace(fit, result=np.asarray(1))
    with pytest.raises(sf.InputError, match="did not converge"):
        sf.sample(failed)


def test_the_nearest_normal_distribution_is_near(fit, runs, draws):
    found = sf.sample(fit, num=NUM, method="svi")
    assert found.diagnostics["method"] == "svi"
    assert found.diagnostics["khat"] < 0.7
    for name in ("E", "alpha", "beta"):
        one, two = getattr(found.law, name), getattr(draws["nuts"].law, name)
        assert abs(one.mean() - two.mean()) < 0.25 * two.std()
        assert one.std() == pytest.approx(two.std(), rel=0.25)


def test_draws_of_the_prior_are_those_of_its_words(fit, runs):
    found = sf.prior(fit, num=NUM, priors={"alpha": dist.Uniform(0.2, 0.6), "beta": dist.LogNormal(-1.0, 0.2)})
    assert found.method == "prior"
    np.testing.assert_allclose(np.quantile(found.law.alpha, [0.1, 0.5, 0.9]), [0.24, 0.4, 0.56], atol=0.012)
    np.testing.assert_allclose(np.quantile(np.log(found.law.beta), [0.1, 0.5, 0.9]), [-1.256, -1.0, -0.744], atol=0.02)
    assert max(abs(v) for v in found.diagnostics["contraction"].values()) < 0.1


def test_a_bounded_prior_is_kept_to(fit, runs, draws):
    alpha = draws["nuts"].law.alpha
    low, high = alpha.mean() - 1.5 * alpha.std(), alpha.mean() + 1.5 * alpha.std()
    found = sf.sample(fit, num=NUM, priors={"alpha": dist.Uniform(low, high)})
    assert low < found.law.alpha.min() < found.law.alpha.max() < high
    inside = alpha[(alpha > low) & (alpha < high)]
    assert found.law.alpha.mean() == pytest.approx(inside.mean(), abs=0.1 * alpha.std())
    assert found.law.alpha.std() == pytest.approx(inside.std(), rel=0.1)


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in helpers.LAWS.items()])
def test_priors_that_are_not_given_have_a_middle_and_a_width(row):
    """Also of a parameter whose typical range begins at 0, though it is sampled by its logarithm."""
    prior = Prior.of(LawCurve.of(row.truth, ()))
    assert np.isfinite(prior.centre).all()
    assert np.isfinite(prior.spread).all()
    assert np.min(prior.spread) > 0.0


class Softplus(params.Constraint):
    """Above 0 by a map of a user's own."""

    @property
    def low(self):
        return 0.0

    def constrain(self, free):
        return params.namespace(free).log1p(params.namespace(free).exp(free))

    def unconstrain(self, value):
        return params.namespace(value).log(params.namespace(value).expm1(value))

    def __str__(self):
        return "> 0 by softplus"


class Softened(sf.laws.PowerLaw):
    """A power law whose exponent has a constraint of a user's own."""

    alpha: params.Param = params.parameter(Softplus(), typical=(0.05, 1.5))


def test_a_constraint_of_ones_own_has_a_prior_with_its_typical_range_in_the_middle():
    prior = Prior.of(LawCurve.of(Softened(), ()))
    place = prior.names.index("alpha")
    ends = prior.centre[place] + prior.spread[place] * np.array([-1.0, 1.0])
    np.testing.assert_allclose(Softplus().constrain(ends), [0.05, 1.5], rtol=1e-12)
    assert prior.described()["alpha"].endswith("mapped to what is > 0 by softplus")


def test_priors_of_parts_of_a_law_go_by_their_path():
    """They say of a part what they say of it alone."""
    alone, within = sf.laws.Chinchilla(), sf.laws.Link(sf.laws.Sigmoid(), of=sf.laws.Chinchilla())
    said = []
    for law, name in ((alone, "alpha"), (within, "x.alpha")):
        curve = LawCurve.of(law, ())
        numbers, constant = np.zeros((1, curve.size + 1)), np.array([0.3, -0.2, 1.0])
        usual, own = (
            Prior.of(curve, (), given).slopes(numbers, constant)[0] for given in ({}, {name: dist.LogNormal(-1.0, 0.5)})
        )
        said.append(own - usual)
    np.testing.assert_allclose(said[0], said[1], rtol=1e-12)


def test_numbers_bound_together_take_no_prior_of_their_own():
    class Shared(sf.laws.AbstractLaw):
        """Shares of one whole by kind."""

        inputs: ClassVar[Mapping[str, Any]] = {"kind": sf.laws.Label(axis="kind")}
        kind: tuple[str, ...] = params.axis()
        share: params.Param = params.simplex(axis="kind")

        def __call__(self, kind):
            return self.share[kind]

    law = Shared(share=[0.2, 0.3, 0.5], kind=("a", "b", "c"))
    with pytest.raises(sf.InputError, match="numbers bound together"):
        Prior.of(LawCurve.of(law, ()), (), {"share[a]": dist.Normal(0.2, 0.1)})


def test_a_range_that_is_a_share_of_the_target_is_one_in_the_prior():
    """Also of what is no amplitude that the screen solves for; and the sampled numbers come back."""
    curve = LawCurve.of(sf.laws.DataConstrained(), ())
    prior, place = Prior.of(curve), [curve.slots[k].name for k in curve.free].index("A")
    small, large = (prior.free(prior.centre[None], np.array([*np.zeros(len(curve.units)), t]))[0] for t in (1.0, 50.0))
    low, high = curve.slots[curve.free[place]].parameter.typical
    constrain = curve.slots[curve.free[place]].parameter.constraint.constrain
    assert constrain(small[place]) == pytest.approx(np.sqrt(low * high))
    assert constrain(large[place]) == pytest.approx(50.0 * np.sqrt(low * high))
    np.testing.assert_allclose(prior.sampled(large[None], np.array([50.0]))[0], prior.centre[: curve.size], atol=1e-12)
    assert "share of the typical target" in prior.described()["A"]


def few_runs(count: int) -> sf.Runs:
    rng = np.random.default_rng([count, 0])
    N, D = np.exp(rng.uniform(np.log(5e7), np.log(5e9), count)), np.exp(rng.uniform(np.log(1e9), np.log(1e11), count))
    loss = 1.69 + 406.4 * N**-0.34 + 410.7 * D**-0.31
    return sf.Runs(loss * np.exp(0.01 * rng.standard_t(4, count)), N=N, D=D)


@pytest.fixture(scope="module")
def few() -> Any:
    """Twelve runs to five numbers and a scatter: a narrow ridge that bends."""
    fit = sf.fit(sf.laws.Chinchilla, few_runs(12), noise=sf.noise.StudentT(), throw=False)
    return studies_of(fit)[0]


def test_coordinates_have_the_gradient_of_their_density(few):
    at = mode(few.density, few.start)
    coordinates = Coordinates.about(few.density, at.numbers)
    places = coordinates.of_numbers(at.numbers[None])
    np.testing.assert_allclose(coordinates.values(places)[0][0], at.numbers, rtol=1e-12)
    places = places + 0.3 * np.random.default_rng(0).standard_normal((8, places.shape[1]))
    value, slope = coordinates.slopes(places)
    np.testing.assert_allclose(value, coordinates.values(places)[1], rtol=1e-12)
    for k, e in enumerate(1e-5 * np.eye(places.shape[1])):
        across = (coordinates.values(places + e)[1] - coordinates.values(places - e)[1]) / 2e-5
        np.testing.assert_allclose(slope[:, k], across, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_few_runs_are_drawn_from_by_weights(few, seed):
    found = draw([few], 500, "auto", seed)[0]
    assert found.method == "is"
    assert found.khat < 0.7
    assert found.ess_bulk > 100
    assert found.ess_tail > 50


@pytest.mark.parametrize("wide", [0.7, 1.0, 2.0])
def test_weighed_draws_are_worth_what_their_means_scatter_by(wide):
    """Draws of a normal distribution weighed for another, 500 kept of 2,000, four hundred times."""
    rng, means, told = np.random.default_rng(0), [], []
    for _ in range(400):
        numbers = wide * rng.standard_normal((2000, 1))
        weights = psis(0.5 * (wide**-2 - 1.0) * numbers[:, 0] ** 2)
        place = Weighed(numbers, weights, numbers, np.log(weights.weight)).kept(500, rng)
        means.append(numbers[place].mean())
        told.append(worth(numbers, place)[0])
    assert np.median(told) == pytest.approx(1.0 / np.var(means), rel=0.25)


class Scaled(sf.laws.AbstractLaw):
    """A law with a parameter of the scatter's name."""

    inputs: ClassVar[dict[str, str]] = {"x": "x"}
    scale: params.Param = params.positive()

    def __call__(self, x):
        return 1.0 + self.scale / x


def test_a_parameter_of_the_name_of_the_scatter_is_not_hidden():
    prior = Prior.of(LawCurve.of(Scaled(scale=1.0), ()), (), {"noise.scale": dist.LogNormal(-3.0, 1.0)})
    assert prior.names == ["scale", "noise.scale"]
    assert prior.described()["noise.scale"] == "LogNormal(-3, 1)"
    assert prior.described()["scale"].startswith("LogNormal(")
