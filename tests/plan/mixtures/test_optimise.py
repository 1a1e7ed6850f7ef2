"""The best mixture: published allocations, limits with their prices, repetition, draws, and what is refused."""

import dataclasses
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import scalefit as sf
from scalefit.plan.mixtures._honesty import hull_distance

DOMAINS = ("common_crawl", "github", "books", "wiki", "c4", "stackexchange", "arxiv")
# arXiv 2407.20177, notebooks of feiyang-k/AutoScale: amounts relative to those of the base run, 7 in all.
AUTOSCALE = sf.laws.AutoScale(
    E=0.0, A=np.ones(7), domain=DOMAINS,
    a=[2.66587, 6.61618, 2.67360, 2.46311, 2.51838, 2.88996, 3.31917],
    b=[1.24920, 1.43600, 1.53626, 1.82873, 1.18587, 1.95363, 1.92667],
)  # fmt: skip
WORDS = ("web", "books", "code")


def laws(draws: int = 0):
    """Three targets over three domains, each helped by one of them."""
    rng = np.random.default_rng(2)
    t = np.array([[-2.0, 0.5, 1.5], [1.0, -3.0, 2.0], [1.0, 1.5, -2.5]])
    found = {}
    for i, name in enumerate(("c4", "pg19", "mbpp")):
        found[name] = sf.laws.MixingExp(c=2.0 - 0.5 * i, k=0.5, t=t[i], domain=WORDS)
    del rng, draws
    return found


def made_up_runs(noise: float = 0.002, runs: int = 40):
    rng = np.random.default_rng(3)
    w = rng.dirichlet(np.ones(3), runs)
    losses = {}
    for name, law in laws().items():
        clean = law.c + law.k * np.exp(w @ np.asarray(law.t))
        losses[name] = clean * np.exp(noise * rng.standard_normal(runs))
    return sf.Runs(losses, run=np.arange(runs), **{f"w[{d}]": w[:, i] for i, d in enumerate(WORDS)})  # pyright: ignore[reportArgumentType]  entries in brackets


@pytest.fixture(scope="module")
def fits():
    return sf.fit(sf.laws.MixingExp, made_up_runs(), by="target", noise=sf.noise.Gaussian())


@pytest.fixture(scope="module")
def ensemble(fits):
    return sf.bootstrap(fits, num=40, together=True)


def test_the_published_allocation_of_autoscale():
    best = sf.optimise_mixture(AUTOSCALE, at={"D": 7.0}, limits={"least": {"github": 0.2 / 7}})
    published = [1.62475, 0.2, 1.27415, 1.17980, 1.85190, 0.63716, 0.23224]
    np.testing.assert_allclose(7 * best.weights, published, atol=5e-5)
    assert best.value == pytest.approx(0.787175, abs=2e-6)
    assert best.convex
    assert best.treatments["none"].gap < 1e-9
    (github,) = best.active
    assert (github.name, github.kind) == ("github", "least")
    # The price of a limit is what loosening it brings.
    looser = sf.optimise_mixture(AUTOSCALE, at={"D": 7.0}, limits={"least": {"github": 0.2 / 7 - 1e-4}})
    assert (best.value - looser.value) / 1e-4 == pytest.approx(github.price, rel=1e-3)
    free = best.treatments["unconstrained"]
    np.testing.assert_allclose(7 * free.weights, [1.6664, 0, 1.3081, 1.2079, 1.8956, 0.6632, 0.2587], atol=6e-5)
    assert free.value == pytest.approx(0.780612, abs=3e-6)


def test_repetition_is_treated_in_three_ways_side_by_side():
    limits = {"tokens": {"web": 1e12, "books": 2e10, "code": 1e11}, "max_passes": 4}
    best = sf.optimise_mixture(laws(), at={"D": 1e12}, limits=limits)
    assert set(best.treatments) == {"cap", "discounted", "none", "unconstrained"}
    assert best.recommended == "cap"
    assert best.weights[1] == pytest.approx(0.08)
    assert best.passes[1] == pytest.approx(4.0)
    assert ("books", "tokens") in [(a.name, a.kind) for a in best.active]
    none, discounted = best.treatments["none"], best.treatments["discounted"]
    assert none.weights[1] > 0.2
    # Repeats that lose value are not worth what they were: fewer of them are best, and the objective is higher.
    assert 0.0 < discounted.weights[1] < none.weights[1]
    assert discounted.value > none.value
    assert discounted.kkt > -1e-5
    assert discounted.gap < 1e-9
    assert best.values["natural"] > best.value


def test_tokens_fill_the_cheapest_domains_first_and_repeats_lose_what_a_grid_says():
    cost, there = np.array([2.0, 2.4, 3.0]), np.array([1e10, 4e10, 9e10])
    target = {"a": cost, "b": np.array([3.0, 2.2, 2.6])}
    laws = {name: sf.laws.MixingLinear(t=t, domain=WORDS) for name, t in target.items()}
    limits, at = {"tokens": dict(zip(WORDS, there.tolist(), strict=True))}, {"D": 2e11}
    best = sf.optimise_mixture(laws["a"], limits=limits, at=at)
    np.testing.assert_allclose(best.weights, [0.2, 0.8, 0.0], atol=1e-9)  # four passes over the first
    grid = np.array([(i, j, 100 - i - j) for i in range(101) for j in range(101 - i)]) / 100.0
    passes = np.maximum(grid * 2e11 / there, 1.0)
    worth = grid * (1.0 + 15.387756 * (1.0 - np.exp((1.0 - passes) / 15.387756))) / passes
    lost = 1.0 - worth.sum(axis=1)
    natural = there / there.sum()
    ratios = [(worth @ t + lost * t.max()) / (t @ natural) for t in target.values()]
    for objective, values in (("a", ratios[0] * (cost @ natural)), ("worst", np.max(ratios, axis=0))):
        found = sf.optimise_mixture(laws, objective=objective, limits=limits, at=at).treatments["discounted"]
        assert values.min() - 1e-2 < found.value < values.min() + 1e-6
        assert found.gap < 1e-9


def test_a_law_that_knows_what_repeats_are_worth_is_asked_with_the_tokens_there_are():
    # arXiv 2605.02364: of six buckets .548 and .444 of the best two were found best for 7B parameters at 3e11 tokens.
    shares = {f"bucket {i}": share for i, share in enumerate((0.05, 0.15, 0.2, 0.2, 0.2, 0.2))}
    law = dataclasses.replace(sf.laws.InfoLaw.published("zhou"), bucket=tuple(shares))
    limits = {"tokens": {name: 3.1e11 * share for name, share in shares.items()}, "max_passes": 100}
    best = sf.optimise_mixture(law, at={"N": 7e9, "D": 3e11}, limits=limits)
    np.testing.assert_allclose(best.weights[:2], [0.548, 0.444], atol=0.012)
    none, discounted = best.treatments["none"], best.treatments["discounted"]
    assert discounted.gap < 1e-9
    assert none.weights[0] == pytest.approx(1.0)
    assert none.value < discounted.value < none.plain
    with pytest.raises(sf.InputError, match="tokens of each domain are what InfoLaw takes beside the weights"):
        sf.optimise_mixture(law, at={"N": 7e9, "D": 3e11})


def test_projected_gradient_by_optax_ends_at_the_same_weights_or_says_that_it_did_not():
    limits = {"most": {"web": 0.3}}
    exact = sf.optimise_mixture(laws(), limits=limits)
    best = sf.optimise_mixture(laws(), limits=limits, solver=optax.sgd(0.3))
    assert best.value == pytest.approx(exact.value, abs=1e-9)
    np.testing.assert_allclose(best.weights, exact.weights, atol=1e-6)
    assert best.treatments["none"].gap < 1e-6
    with pytest.warns(sf.OptimumWarning, match="not known to be the best: others may be better by"):
        lost = sf.optimise_mixture(laws(), limits=limits, solver=optax.sgd(1e-9))
    assert lost.value > exact.value
    with pytest.raises(sf.InputError, match="an Optax optimiser"):
        sf.optimise_mixture(laws(), solver="adam")


def test_limits_that_clash_are_named():
    def refused(said, at=None, **limits):
        with pytest.raises(sf.InputError, match=said):
            sf.optimise_mixture(laws(), limits=limits, at=at)

    refused("the least weights of all domains sum to 1.2", least=0.4)
    refused("the domains may have 0.9 of the whole at most", most=0.3)
    refused("'web' is fixed at 0.5, and it is to have 0 to 0.2", most={"web": 0.2}, fixed={"web": 0.5})
    refused("4 passes over the 1e\\+10 tokens of 'code' are 0.04 of 1e\\+12, and it is to have 0.1", at={"D": 1e12},
            tokens={"web": 1e12, "books": 1e12, "code": 1e10}, least={"code": 0.1})  # fmt: skip
    refused(
        "with the tokens that there are the domains can make up 0.12", at={"D": 1e12}, tokens=dict.fromkeys(WORDS, 1e10)
    )
    refused("the group 'text' is to have 0.9 at least, and its domains may have 0.5",
            groups={"text": {"domains": ["web", "books"], "least": 0.9}}, most={"web": 0.3, "books": 0.2})  # fmt: skip
    refused("has 'web' in 'a' and in 'b'", groups={"a": {"domains": ["web"]}, "b": {"domains": ["web"]}})
    refused(
        "no number for the domain 'code', which the runs drew from", at={"D": 1e12}, tokens={"web": 1e12, "books": 1e12}
    )
    refused("tokens names 'wbe'.*The nearest is 'web'", at={"D": 1e12}, tokens={"wbe": 1e12})
    refused("of the domains are given, and not those of the run", tokens=dict.fromkeys(WORDS, 1e12))
    refused(
        "gives 'code' nothing, from which the relative entropy is infinite", prior={"web": 0.5, "books": 0.5}, kl=0.1
    )
    refused("is the price of straying from a prior, and there is none", kl=0.1)
    refused("'wbe'.*The nearest is 'web'", most={"wbe": 0.2})
    refused("gives 'N', and the law takes", at={"N": 1e9})


@pytest.mark.parametrize(
    ("said", "given"),
    [
        (
            "gives NoneType; expected a function of 3 predicted targets that gives one number",
            {"objective": lambda y: None},
        ),
        ("gives float64 of the shape \\(3,\\)", {"objective": lambda y: y}),
        ("raises IndexError", {"objective": lambda y: y[7]}),
        ("raises ConcretizationTypeError", {"objective": lambda y: float(np.mean(y))}),
        ("gives int64", {"objective": lambda y: 1}),
        ("is no finite number at any weights", {"objective": lambda y: jnp.log(jnp.sum(y) - 100.0)}),
        ("objective is \\[1, 1, 1\\]; expected 'mean'", {"objective": np.ones(3)}),
        ("objective is 'c5'.*The nearest is 'c4'", {"objective": "c5"}),
        ("risk is 5; expected 'mean', 'cvar' or 'quantile'", {"risk": 5}),
        ("seed is 0.5; expected a whole number", {"seed": 0.5}),
        ("domains of the group 'a' is 'web'", {"limits": {"groups": {"a": {"domains": "web"}}}}),
        ("domains of the group 'a' is \\(\\)", {"limits": {"groups": {"a": {"least": 0.1}}}}),
        ("least and fixed weights of all domains sum to 1.1", {"limits": {"fixed": {"web": 0.5, "books": 0.6}}}),
        ("every domain is fixed, and the weights sum to 0.9", {"limits": {"fixed": dict.fromkeys(WORDS, 0.3)}}),
    ],
)
def test_each_wrong_argument_has_its_sentence(said, given):
    with pytest.raises(sf.InputError, match=said):
        sf.optimise_mixture(laws(), **given)


def test_laws_that_are_none_and_discrepancies_are_refused():
    with pytest.raises(sf.InputError, match="result is empty"):
        sf.optimise_mixture({})
    about = object.__new__(sf.Discrepancy)
    with pytest.raises(sf.InputError, match="moves what is foreseen of all weights alike"):
        sf.optimise_mixture(about)


def test_a_domain_of_no_pass_has_no_weight_even_without_end():
    limits = {"tokens": {"web": np.inf, "books": 1e12, "code": 1e12}, "max_passes": {"web": 0.0}}
    best = sf.optimise_mixture(laws(), at={"D": 1e12}, limits=limits)
    assert best.weights[0] == 0.0
    assert best.weights.sum() == pytest.approx(1.0)
    # So few tokens that every domain has more than enough.
    tiny = sf.optimise_mixture(laws(), at={"D": 1e-300}, limits={"tokens": dict.fromkeys(WORDS, 1e12)})
    np.testing.assert_allclose(tiny.weights, sf.optimise_mixture(laws()).weights, atol=1e-9)


def test_repeats_that_lose_nothing_are_as_good_as_fresh():
    limits = {"tokens": dict.fromkeys(WORDS, 1e11), "max_passes": 20, "repeats": np.inf}
    best = sf.optimise_mixture(laws(), at={"D": 1e12}, limits=limits)
    assert best.treatments["discounted"].value == pytest.approx(best.treatments["none"].value, rel=1e-9)


def test_a_price_of_straying_keeps_every_weight_above_0_and_the_gap_holds_there():
    t, prior, price = np.array([2.0, 2.4, 3.0]), np.array([0.2, 0.3, 0.5]), 0.02
    law = sf.laws.MixingLinear(t=t, domain=WORDS)
    best = sf.optimise_mixture(law, limits={"prior": dict(zip(WORDS, prior.tolist(), strict=True)), "kl": price})
    least = t.min() - price * np.log(np.sum(prior * np.exp((t.min() - t) / price)))
    w = np.maximum(best.weights, 1e-300)
    assert best.value + price * w @ np.log(w / prior) - least <= best.treatments["none"].gap + 1e-14
    # exp(-.4/.02) of its part of the prior is 3e-9.
    assert best.weights[1] == pytest.approx(1.5 * np.exp(-20.0), rel=1e-2)
    assert not best.active


def test_a_prior_has_a_price_and_groups_have_limits():
    prior = {"web": 0.8, "books": 0.1, "code": 0.1}
    cheap = sf.optimise_mixture(laws(), limits={"prior": prior, "kl": 0.001})
    dear = sf.optimise_mixture(laws(), limits={"prior": prior, "kl": 10.0})
    np.testing.assert_allclose(dear.weights, list(prior.values()), atol=0.03)
    assert cheap.value < dear.value
    assert dear.treatments["none"].gap < 1e-9
    grouped = sf.optimise_mixture(laws(), limits={"groups": {"text": {"domains": ["web", "books"], "most": 0.3}}})
    assert grouped.weights[:2].sum() == pytest.approx(0.3)
    assert grouped.active[0].name == "text"


def test_a_price_of_straying_from_a_prior_has_its_closed_form():
    # Of a linear cost c the weights are in proportion to the prior times exp(-c / price).
    prior, cost, price = np.array([0.5, 0.3, 0.15, 0.05]), np.array([3.0, 2.5, 2.7, 1.9]), 0.4
    law = sf.laws.MixingLinear(t=cost, domain=tuple("abcd"))
    best = sf.optimise_mixture(law, limits={"prior": dict(zip("abcd", prior.tolist(), strict=True)), "kl": price})
    wanted = prior * np.exp(-cost / price)
    np.testing.assert_allclose(best.weights, wanted / wanted.sum(), atol=1e-7)
    assert best.treatments["none"].gap < 1e-9


def test_two_domains_have_their_optimum_in_closed_form():
    both = {"a": sf.laws.MixingExp(c=2.0, k=0.5, t=[-2.0, 2.0], domain=("x", "y")),
            "b": sf.laws.MixingExp(c=1.0, k=0.2, t=[1.5, -1.5], domain=("x", "y"))}  # fmt: skip
    best = sf.optimise_mixture(both)
    lead = np.log(0.2 * 1.5 / (0.5 * 2.0)) / (-2.0 - 1.5)  # of x over y, where the slopes of both are level
    assert best.weights[0] == pytest.approx(0.5 * (1.0 + lead), abs=1e-8)


def test_the_worst_of_lines_and_what_limits_cost_are_those_of_a_linear_program():
    from scipy.optimize import linprog

    rng = np.random.default_rng(3)
    lines = rng.normal(3.0, 0.6, (3, 4))
    laws = {f"t{k}": sf.laws.MixingLinear(t=line, domain=tuple("abcd")) for k, line in enumerate(lines)}
    limits = {"prior": dict.fromkeys("abcd", 0.25), "most": {"b": 0.2, "c": 0.3},
              "groups": {"ab": {"domains": ["a", "b"], "most": 0.45}}}  # fmt: skip

    def least(group: float = 0.45, b: float = 0.2) -> float:
        scaled = lines / lines.mean(axis=1, keepdims=True)
        table = [[1.0, 1.0, 0.0, 0.0, 0.0], *np.column_stack([scaled, -np.ones(3)])]
        bounds = [(0, 1), (0, b), (0, 0.3), (0, 1), (None, None)]
        return linprog([0, 0, 0, 0, 1], table, [group, 0, 0, 0], [[1, 1, 1, 1, 0]], [1.0], bounds).fun

    best = sf.optimise_mixture(laws, objective="worst", limits=limits)
    assert best.value == pytest.approx(least(), abs=1e-9)
    assert 0.0 <= best.treatments["none"].gap < 1e-9
    prices = {one.name: one.price for one in best.active if one.bound > 0.0}
    slopes = {"ab": (least() - least(group=0.45 + 1e-5)) / 1e-5, "b": (least() - least(b=0.2 + 1e-5)) / 1e-5}
    for name, slope in slopes.items():
        assert prices.get(name, 0.0) == pytest.approx(slope, abs=1e-6)


def test_one_mixture_is_certified_whatever_is_made_small(ensemble):
    held = {"fixed": dict(zip(WORDS, (0.2, 0.3, 0.5), strict=True))}
    for risk in (None, "cvar"):
        best = sf.optimise_mixture(ensemble, objective="worst", risk=risk, limits=held)
        assert best.treatments["none"].gap < 1e-15


def test_the_mean_of_the_worst_draws_is_least_on_no_grid(ensemble):
    law, share = ensemble.law, 0.17
    best = sf.optimise_mixture(ensemble, risk=("cvar", 1.0 - share))
    grid = np.array([(i, j, 60 - i - j) for i in range(61) for j in range(61 - i)]) / 60.0

    def risk(w):
        values = np.mean(law.c[..., None] + law.k[..., None] * np.exp(law.t @ w.T), axis=0)
        values = -np.sort(-values, axis=0) / (share * len(values))
        return np.clip(share * len(values) - np.arange(len(values)), 0.0, 1.0) @ values

    found = risk(best.weights[None])[0]
    assert found <= risk(grid).min() + 1e-12
    assert found == pytest.approx(risk(grid).min(), abs=1e-3)
    assert 0.0 <= best.treatments["none"].gap < 1e-7


def test_the_worst_target_and_functions_of_ones_own():
    worst = sf.optimise_mixture(laws(), objective="worst")
    assert worst.convex
    assert worst.treatments["none"].gap < 1e-9
    ratios = worst.predicted / sf.optimise_mixture(laws(), limits={"fixed": dict.fromkeys(WORDS, 1 / 3)}).predicted
    assert ratios.max() == pytest.approx(worst.value, rel=1e-5)
    assert np.sum(ratios > ratios.max() - 1e-3) >= 2
    own = sf.optimise_mixture(laws(), objective=lambda y: jnp.mean(y))
    mean = sf.optimise_mixture(laws(), objective="mean")
    assert not own.convex
    np.testing.assert_allclose(own.weights, mean.weights, atol=1e-4)
    one = sf.optimise_mixture(laws(), objective={"mbpp": 1.0}, limits={"most": 0.7})
    np.testing.assert_allclose(one.weights[2], 0.7, atol=1e-9)


def test_draws_say_how_sure_the_gain_is(fits, ensemble):
    best = sf.optimise_mixture(ensemble)
    assert best.draws is not None
    assert best.draws.weights.shape == (40, 3)
    gain = best.gains()["uniform"]
    assert gain.low is not None
    assert 0.0 < float(gain.low) < float(gain.value)
    assert best.careful_gains["uniform"] < float(gain.value)
    assert best.probabilities["uniform"] == 1.0
    low, high = best.weights_interval().low, best.weights_interval().high
    assert low is not None
    assert high is not None
    truth = sf.optimise_mixture(laws())
    assert (truth.weights > low - 0.02).all()
    assert (truth.weights < high + 0.02).all()
    careful = sf.optimise_mixture(ensemble, risk=("cvar", 0.8))
    np.testing.assert_allclose(careful.weights, best.weights, atol=0.05)
    assert careful.treatments["none"].gap < 1e-7
    alone = sf.optimise_mixture(fits)
    np.testing.assert_allclose(alone.weights, best.weights, atol=1e-9)
    with pytest.raises(sf.InputError, match="risk is taken over draws, and the result has none"):
        sf.optimise_mixture(fits, risk="cvar")


def test_the_gain_over_natural_is_what_the_laws_say_of_both(fits, ensemble):
    prior = {"web": 0.6, "books": 0.3, "code": 0.1}
    best = sf.optimise_mixture(ensemble, limits={"prior": prior})

    def mean(law, w):
        return np.mean(np.asarray(law.c) + np.asarray(law.k) * np.exp(np.asarray(law.t) @ w), axis=0)

    natural = np.array(list(prior.values()))
    gain = best.gains()["natural"]
    assert float(gain.value) == pytest.approx(mean(fits.law, natural) - mean(fits.law, best.weights), rel=1e-9)
    drawn = mean(ensemble.law, natural) - mean(ensemble.law, best.weights)
    assert gain.draws is not None
    assert gain.low is not None
    assert gain.high is not None
    np.testing.assert_allclose(gain.draws, drawn, rtol=1e-9)
    assert drawn.min() < float(gain.low) < np.median(drawn) < float(gain.high) < drawn.max()
    careful = float(gain.value) - np.std(drawn, ddof=1) - max(np.mean(best.drawn.optimism), 0.0)
    assert best.careful_gains["natural"] == pytest.approx(careful)
    # Of tokens the natural mixture is in proportion to them.
    there = sf.optimise_mixture(fits, limits={"tokens": {"web": 6e9, "books": 3e9, "code": 1e9}}, at={"D": 1e9})
    np.testing.assert_allclose(there.plans["natural"], natural)
    assert float(there.gains()["natural"].value) == pytest.approx(mean(fits.law, natural) - there.value)


def test_draws_of_a_batch_are_of_one_resample(fits, ensemble):
    # What two targets have in common is kept: the same runs are left out of both.
    again = sf.bootstrap(fits, num=40, together=True)
    np.testing.assert_array_equal(again.law.c, ensemble.law.c)
    rows = np.ones((3, len(fits.problem.runs)))
    rows[1, fits.problem.runs.labels["run"] == 5] = 0.0
    own = sf.bootstrap(fits, weights=rows, together=True)
    np.testing.assert_allclose(own.law.k[:, 0], fits.law.k, rtol=1e-6)
    assert (own.law.k[:, 1] != own.law.k[:, 0]).all()
    with pytest.raises(sf.InputError, match="say `together=True`"):
        sf.bootstrap(fits, weights=rows)


def test_weights_outside_what_was_observed_are_warned_of(fits):
    w = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    assert hull_distance(w, w[:4].mean(axis=0)) < 1e-6
    assert hull_distance(w[w[:, 0] < 0.5], np.array([0.9, 0.05, 0.05])) > 0.3
    narrow = made_up_runs().where("`w[web]` < 0.3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        some = sf.fit(sf.laws.MixingExp, narrow, by="target", noise=sf.noise.Gaussian())
    with pytest.warns(UserWarning, match="lie outside what was observed.*Train one there"):
        sf.optimise_mixture(some, objective="c4", limits={"least": {"web": 0.9}})
    (far,) = (
        one for one in sf.diagnose(some["c4"], at={"w": [0.9, 0.05, 0.05]}).findings if one.check == "mixture-support"
    )
    assert far.says.startswith("The weights lie outside what was observed: ")
    assert "mixture-support" in sf.diagnose(some["c4"], at={"w": [0.2, 0.4, 0.4]}).passed
    assert not sf.optimise_mixture(fits).outside


def test_laws_of_other_kinds_are_refused():
    with pytest.raises(sf.InputError, match=r"takes no weights of domains by themselves.*curate"):
        sf.optimise_mixture(sf.laws.Chinchilla.published("epoch"))
    with pytest.raises(sf.InputError, match="at has no D, which AutoScale takes beside the weights"):
        sf.optimise_mixture(AUTOSCALE)
    unset = {"a": dataclasses.replace(laws()["c4"], k=np.nan)}
    with pytest.raises(sf.InputError, match="k of MixingExp is nan"):
        sf.optimise_mixture(unset)


@pytest.fixture(scope="module")
def sizes():
    """One target at two sizes, of which the larger wants another mixture."""
    parts = [made_up_runs().where(f"target == '{target}'") for target in ("c4", "pg19")]
    shares = {f"w[{d}]": np.concatenate([part.inputs[f"w[{d}]"] for part in parts]) for d in WORDS}
    group = np.repeat(["small", "large"], [len(part) for part in parts])
    runs = sf.Runs(np.concatenate([part.target for part in parts]), group=group, **shares)  # pyright: ignore[reportArgumentType]  entries in brackets
    return sf.fit(sf.laws.MixingExp, runs, by="group", noise=sf.noise.Gaussian())


def test_of_fits_by_size_one_is_planned_for(sizes, fits):
    within = {"most": dict.fromkeys(WORDS, 0.5)}
    best = sf.optimise_mixture(sizes, at={"group": "large"}, limits=within)
    np.testing.assert_allclose(best.weights, sf.optimise_mixture(fits["pg19"], limits=within).weights, atol=1e-6)
    assert best.targets == ("large",)
    assert sf.optimise_mixture(sizes, objective="small", limits=within).targets == ("small", "large")
    design = sf.design_mixtures(sf.jackknife(sizes, num=40), num=2, at={"group": "small"}, limits=within)
    assert len(design.weights) == 2


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({}, "by group, .*: these are no targets of one model; expected one of them, as at=.'group': 'large'"),
        ({"group": "huge"}, "at: group is 'huge'; expected one of 'small', 'large'"),
        ({"family": "large"}, "gives 'family', and the law takes"),
    ],
)
def test_sizes_are_no_targets(sizes, at, message):
    options: dict[str, Any] = {} if "family" not in at else {"objective": "small"}
    with pytest.raises(sf.InputError, match=message):
        sf.optimise_mixture(sizes, at=at, **options)
