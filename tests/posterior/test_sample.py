"""Draws from a posterior: densities, priors, both samplers against integration, and what is refused."""

import dataclasses

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import integrate, stats

import scalefit as sf
from scalefit.estimate import LawCurve
from scalefit.posterior._density import _log_density
from scalefit.posterior._importance import pareto_tail, weigh
from scalefit.posterior._prior import default, described, log_prior, natural_numbers, with_given
from scalefit.posterior._sample import _warn_of_quality

NUM = 4000


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
    return {method: sf.sample(fit, runs, num=NUM, method=method) for method in ("is", "nuts")}


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("spread", [0.3, 1.0, 2.0])
def test_densities_of_runs_are_those_of_their_names(spread):
    r = jnp.linspace(-5.0, 5.0, 11)
    log_s = jnp.log(jnp.asarray(spread))
    np.testing.assert_allclose(
        _log_density(sf.noise.Gaussian(), r, log_s), stats.norm.logpdf(r, scale=spread), rtol=1e-12
    )
    np.testing.assert_allclose(
        _log_density(sf.noise.StudentT(5.0), r, log_s), stats.t.logpdf(r, 5.0, scale=spread), rtol=1e-12
    )
    huber = sf.noise.Huber(0.7)
    density = jax.jit(lambda x: jnp.exp(_log_density(huber, x, log_s)))
    mass, _ = integrate.quad(lambda x: float(density(x)), 0.0, 400.0, limit=200)
    assert 2.0 * mass == pytest.approx(1.0, rel=1e-7)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", ["Chinchilla", "Kaplan", "BNSL-1", "PoolsExchange"])
def test_a_prior_of_natural_values_brings_the_volume_of_the_map(name):
    law = helpers.LAWS[name].truth
    curve = LawCurve.of(law, ())
    rng = np.random.default_rng(0)
    numbers = jnp.asarray(rng.normal(size=curve.size + 1))
    constant = jnp.asarray([*rng.normal(size=len(curve.units)), 2.0])
    names = [curve.slots[k].name for k in curve.free]
    prior = with_given(default(curve), curve, dict.fromkeys([*names, "scale"], dist.Normal(0.3, 2.0)))
    natural = jnp.stack([jnp.asarray(x) for x in natural_numbers(curve, numbers, constant)])
    _, volume = jnp.linalg.slogdet(
        jax.jacfwd(lambda u: jnp.stack([jnp.asarray(x) for x in natural_numbers(curve, u, constant)]))(numbers)
    )
    expected = jnp.sum(stats.norm.logpdf(natural, 0.3, 2.0)) + volume
    assert float(log_prior(prior, curve, numbers, constant)) == pytest.approx(float(expected), rel=1e-10)


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
        found = sf.sample(fitted, runs, num=NUM, method=method, priors=priors)
        assert found.law.E.mean() == pytest.approx(mean, abs=0.1 * sd)
        assert found.law.E.std() == pytest.approx(sd, rel=0.06)
        assert found.scale.mean() == pytest.approx(scatter, rel=0.02)


def test_the_samplers_agree_and_say_how_good_they_are(draws):
    for name in ("E", "A", "B", "alpha", "beta"):
        one, two = (getattr(draws[method].law, name) for method in ("is", "nuts"))
        assert one.shape == (NUM,)
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
    again = sf.sample(fit, runs, num=NUM, method="is")
    np.testing.assert_array_equal(again.law.alpha, draws["is"].law.alpha)
    other = sf.sample(fit, runs, num=NUM, method="is", seed=1)
    assert not np.array_equal(other.law.alpha, draws["is"].law.alpha)


def test_a_strong_prior_is_heard_and_said(fit, runs, draws):
    with pytest.warns(UserWarning, match=r"alpha lies outside the central 95 % of the draws"):
        found = sf.sample(fit, runs, num=NUM, method="is", priors={"alpha": dist.Normal(0.5, 0.001)})
    assert found.law.alpha.mean() > draws["is"].law.alpha.mean() + 0.05
    assert found.diagnostics["priors"]["alpha"] == "Normal(0.5, 0.001)"
    # What the prior says is not said by the runs.
    assert found.diagnostics["contraction"]["alpha"] < 0.3
    assert found.diagnostics["priors"]["beta"].startswith("LogNormal(log ")


def test_importance_sampling_that_fails_gives_way(fit, runs, monkeypatch):
    monkeypatch.setattr(sf.posterior._sample, "FINE", -1.0)
    found = sf.sample(fit, runs, num=NUM)
    assert found.diagnostics["method"] == "nuts"
    assert found.diagnostics["khat"] is not None


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"method": "is", "khat": 0.9}, r"Pareto k 0\.90\): use method='nuts'"),
        ({"divergences": 3}, "3 transitions diverged: give stronger priors"),
        ({"rhat": {"alpha": 1.2}}, r"have not mixed \(R-hat 1\.20\)"),
    ],
)
def test_draws_that_are_not_to_be_trusted_are_said(found, message):
    fine = {"method": "nuts", "khat": None, "divergences": 0, "rhat": {"alpha": 1.0}}
    with pytest.warns(UserWarning, match=message):
        _warn_of_quality(fine | found)
    _warn_of_quality(fine)


@pytest.mark.parametrize("shape", [0.3, 0.8])
def test_the_tail_of_weights_is_measured(shape):
    x = np.sort(stats.genpareto.rvs(shape, scale=2.0, size=4000, random_state=0))
    found, scale = pareto_tail(x)
    assert found == pytest.approx(shape, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.1)


def test_weights_of_a_proposal_that_is_the_target_are_equal():
    found = weigh(np.zeros((1000, 2)), np.zeros(1000))
    np.testing.assert_allclose(found.weight, 1e-3)
    assert found.ess == pytest.approx(1000.0)


def test_priors_are_said_in_words():
    curve = LawCurve.of(helpers.LAWS["Chinchilla"].truth, ())
    words = described(default(curve), curve)
    assert words["E"].endswith("as a share of the typical target")
    assert words["A"].endswith("at the runs' mean inputs")
    assert words["alpha"].startswith("LogNormal(log ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priors": {"gamma": dist.Normal(0.0, 1.0)}}, "priors names 'gamma', which is not fitted"),
        ({"priors": {"alpha": 0.3}}, "The prior of alpha is 0.3; expected a NumPyro distribution"),
        ({"priors": {"alpha": dist.Uniform(0.1, 0.2)}}, r"Uniform\(0.1, 0.2\), which leaves out values .* as 0.00248"),
        ({"num": 1}, "num is 1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_sampled_is_refused(fit, runs, options, message):
    with pytest.raises(sf.InputError, match=message):
        sf.sample(fit, runs, **options)


def test_rows_of_one_training_are_no_independent_runs(runs):
    together = sf.Runs._replace(runs, labels={"run": np.arange(96) // 4})
    fit = sf.fit(sf.laws.Chinchilla, together, noise=sf.noise.StudentT())
    with pytest.raises(sf.InputError, match="96 rows are of 24 trainings"):
        sf.sample(fit, together)


def test_a_batch_is_sampled_study_by_study(fit, runs):
    both = sf.Runs._replace(runs, labels={"group": np.where(np.arange(96) % 2, "a", "b")})
    fits = sf.fit(sf.laws.Chinchilla, both, noise=sf.noise.StudentT(), by="group")
    with pytest.raises(sf.InputError, match=r"sample one study of it, as fits\['"):
        sf.sample(fits, both)
    failed = dataclasses.replace(fit, result=np.asarray(1))
    with pytest.raises(sf.InputError, match="did not converge"):
        sf.sample(failed, runs)
