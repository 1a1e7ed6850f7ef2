"""Each law of the catalogue where it becomes a simpler one, or written another way."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import LAWS

from scalefit.laws import (
    BoundedRational,
    Chinchilla,
    CriticalBatch,
    DataConstrained,
    InfoLaw,
    MixingAdditive,
    Padded,
    PassRate,
    PowerLaw,
    RewardOfPolicy,
    Rosenfeld,
)

SIZES = {"N": np.array([1e7, 1e9, 1e11]), "D": np.array([1e11, 1e9, 1e12])}
CHINCHILLA = Chinchilla(E=1.8, A=482.0, B=2085.0, alpha=0.35, beta=0.37)
X = np.geomspace(1e3, 1e9, 7)


def along(law, **columns):
    return np.asarray(jax.vmap(lambda point: law(**point))({k: np.asarray(v, float) for k, v in columns.items()}))


def known(name) -> Any:
    return LAWS[name].truth


def changed(name, **numbers):
    return dataclasses.replace(known(name), **numbers)


SIMPLER = {
    "a shift of 0": (changed("ShiftedPowerLaw", s=0.0), PowerLaw(E=1.7, A=410.0, alpha=0.34), {"x": X}, {"x": X}),
    "a curve without end": (changed("M3", gamma=0.0), PowerLaw(E=1.0, A=410.0, alpha=0.34), {"x": X}, {"x": X}),
    "M4 of alpha 1": (
        changed("M4", alpha=1.0), BoundedRational(E=0.08, y0=0.9, beta=30.0, c=0.5), {"x": X}, {"x": X},
    ),
    "M4 of alpha 0": (
        changed("M4", alpha=1e-9, y0=1e3), PowerLaw(E=0.08, A=30.0, alpha=0.5), {"x": X}, {"x": X},
    ),
    "samples without end": (
        changed("T2", E=1.8), CHINCHILLA, {**SIZES, "k": np.full(3, 1e60)}, SIZES,
    ),
    "the best quality": (changed("Quality"), CHINCHILLA, {**SIZES, "Q": np.ones(3)}, SIZES),
    "nothing but clean": (
        changed("CleanNoisy"), PowerLaw(E=0.2, A=30.0, alpha=0.3), {"D": X, "D_noisy": 0 * X}, {"x": X},
    ),
    "all noisy": (
        changed("CleanNoisy"), PowerLaw(E=0.2, A=30.0, alpha=0.3), {"D": 0 * X, "D_noisy": 1.7 * X}, {"x": X},
    ),
    "nothing pruned": (
        changed("Pruned"), PowerLaw(E=0.1, A=20.0, alpha=0.35), {"D": X, "f": 0 * X + 1}, {"x": X},
    ),
    "within one pass": (changed("Lovelace"), CHINCHILLA, {**SIZES, "U": SIZES["D"]}, SIZES),
    "dense, repeated": (
        changed("SparseRepetition"),
        DataConstrained(
            **{n: known("SparseRepetition").__dict__[n] for n in ("E", "A", "B", "alpha")},
            beta=0.326822, R_N=11.08764, R_D=4.40475,
        ),
        {"N": [1e9, 1e10, 1e12], "D": [1e11] * 3, "U": [1e10] * 3, "s": [1.0] * 3},
        {"N": [1e9, 1e10, 1e12], "D": [1e11] * 3, "U": [1e10] * 3},
    ),
    "no zeros": (
        changed("SparseWeights"), Chinchilla(E=0.6, A=31.3, B=300.0, alpha=0.24, beta=0.27),
        {**SIZES, "S": [0.0] * 3}, SIZES,
    ),
    "one stream": (
        changed("ParScale"), PowerLaw(E=1.2, A=80.0, alpha=0.2), {"N": X, "P": 0 * X + 1}, {"x": X},
    ),
    "many bits": (
        changed("Precision"), CHINCHILLA, {**SIZES, **dict.fromkeys(("P_w", "P_a", "P_kv"), np.full(3, 200.0))}, SIZES,
    ),
    "experts that are not cut": (
        changed("FineMoE"), Chinchilla(E=0.47, A=20.2, B=30.8, alpha=0.115, beta=0.147),
        {**SIZES, "G": [1.0] * 3}, SIZES,
    ),
    "modalities that share nothing": (
        changed("MixedModal", C=0.0, G=0.0, H=0.0, **{n: np.full(2, v) for n, v in CHINCHILLA.__dict__.items()}),
        CHINCHILLA, {"N": SIZES["N"], "D": np.stack([SIZES["D"]] * 2, axis=1)}, SIZES,
    ),
    "one expert": (
        changed("JointMoE"), Chinchilla(E=1.3, A=35.0, B=70.0, alpha=0.22, beta=0.21),
        {**SIZES, "E": [1.0] * 3}, SIZES,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("law", "simpler", "at", "there"), SIMPLER.values(), ids=SIMPLER)
def test_it_becomes_a_simpler_law(law, simpler, at, there):
    np.testing.assert_allclose(along(law, **at), along(simpler, **there), rtol=1e-6)


def test_m4_solves_its_equation():
    law = known("M4")
    x = np.geomspace(1.0, 1e9, 19)
    y = along(law, x=x)
    np.testing.assert_allclose((y - law.E) / (law.y0 - y) ** law.alpha, law.beta * x**-law.c, rtol=1e-8)


@pytest.mark.parametrize("size", [1e3, 1e12])
def test_rosenfeld_runs_from_a_guess_to_a_sum_of_powers(size):
    law = Rosenfeld(A=60.0, B=60.0, E=1e-4, y0=0.9, alpha=0.5, beta=0.5)
    z = 60.0 * size**-0.5 + 60.0 * size**-0.5 + 1e-4
    assert float(law(N=size, D=size)) == pytest.approx(min(z, 0.9), rel=0.05)
    assert float(law(N=1e-9, D=size)) == pytest.approx(0.9)


def test_parts_of_a_schedule_add_as_the_sources_sum_them():
    """Step by step, as arXiv 2408.11029 and 2503.12811 have it."""
    point = jax.tree.map(lambda column: column[4], LAWS["MultiPower"].sample(np.random.default_rng(2), 8))
    shown = int(point["lr"].real.sum())
    assert shown < 40
    rate = np.repeat(point["lr"].values[:shown], 600)
    drops = [(k, rate[k - 1] - rate[k]) for k in range(1, len(rate)) if rate[k - 1] != rate[k]]
    one, two = known("Annealing"), known("MultiPower")
    memory = sum(drop * (1 - 1 / one.m) ** (i - k) for k, drop in drops for i in range(k, len(rate)))
    expected = one.L0 + one.A * rate.sum() ** -one.alpha - one.C * memory
    assert float(one(**point)) == pytest.approx(float(expected), rel=1e-10)
    gained = sum(drop * (1 - (1 + two.C * rate[k] ** -two.gamma * rate[k:].sum()) ** -two.beta) for k, drop in drops)
    expected = two.L0 + two.A * rate.sum() ** -two.alpha - two.B * gained
    assert float(two(**point)) == pytest.approx(float(expected), rel=1e-10)


def test_a_warm_up_lifts_all_that_follows_alike():
    law = known("MultiPower")
    rate = np.concatenate([np.linspace(1e-4, 3e-4, 5), np.full(7, 3e-4)])
    flat = float(law.L0 + law.A * (600.0 * rate.sum()) ** -law.alpha)
    lifted = float(law(lr=Padded(rate, np.ones(12, bool)))) - flat
    assert 0.5 * law.B * 2e-4 < lifted < law.B * 2e-4


def test_steps_and_examples_at_the_critical_batch_are_twice_their_least():
    law = CriticalBatch(S_min=1e4, E_min=3e9)
    B = 3e9 / 1e4
    assert float(law(B=B)) == pytest.approx(2e4)
    steps = along(law, B=X)
    np.testing.assert_allclose((steps / 1e4 - 1) * (X * steps / 3e9 - 1), 1.0, rtol=1e-9)


def test_reward_is_greatest_where_the_source_says():
    law = RewardOfPolicy(alpha=1.0, beta=0.3)
    assert float(jax.grad(lambda d: law(d=d))(math.exp(1.0 / 0.3 - 1.0))) == pytest.approx(0.0, abs=1e-12)


def test_slopes_of_passing_rates_are_those_of_their_size():
    law = known("PassRate")
    assert isinstance(law, PassRate)
    slope = jax.grad(lambda log_x: jnp.log(law(N=7e9, X=jnp.exp(log_x), size=2)))(3.0)
    assert float(slope) == pytest.approx(-0.3 / (1.0 + 2e9 / 7e9), rel=1e-12)


def test_a_skill_of_a_family_shifts_every_benchmark_by_its_loading():
    law = known("Sloth")
    at = {"N": 1e9, "D": 1e12}

    def level(family, benchmark):
        y, g = law(**at, family=family, benchmark=benchmark), law.g[benchmark]
        return float(jnp.log((y - g) / (1.0 - y)))

    apart = [level(1, b) - level(0, b) for b in range(3)]
    np.testing.assert_allclose(apart, 0.8 * np.array([0.3, 0.5, 0.2]), rtol=1e-9)


def information(N, D, w, U, law):
    """As the source sums it: different tokens of each bucket, and how often each is seen."""
    found = 0.0
    for d, (share, held) in enumerate(zip(w, U, strict=True)):
        taken = max(share, 1e-300) * D
        different = min(taken, held)
        rate, passes = law.a * math.log(N) + law.b, taken / different
        found += math.exp(-law.theta * d) * different * math.log(D) * (1 - math.exp(-rate * passes / math.log(D)))
    return found


def test_information_is_summed_over_buckets_and_their_passes():
    law, at = InfoLaw.published("zhou"), {"N": 1.2e9, "D": 9.2e10, "w": [0.5, 0.3, 0.2], "U": [4.6e9, 1.4e10, 1.8e11]}
    expected = law.alpha * information(**at, law=law) ** -law.beta
    assert float(law(**{k: np.asarray(v) for k, v in at.items()})) == pytest.approx(float(expected), rel=1e-12)


def test_a_repeat_is_worth_less_to_a_larger_model():
    law, once = known("InfoLaw"), {"w": [1.0, 0.0, 0.0], "U": [1e10] * 3}
    for D in (1e10, 1e11):
        gains = [information(N, 10 * D, **once, law=law) / information(N, D, **once, law=law) for N in (1e8, 1e9, 1e10)]
        assert gains == sorted(gains, reverse=True)
        by_law = [float(law(N=N, D=D, w=np.array(once["w"]), U=np.array(once["U"]))) for N in (1e8, 1e9, 1e10)]
        assert by_law == sorted(by_law, reverse=True)


def test_terms_of_size_are_means_over_domains_of_what_each_leaves_alone():
    one = known("MixingJoint")
    w, N, D = np.array([0.2, 0.3, 0.5]), 1e8, 1e10
    published = sum(
        (w @ (size * np.exp(logs)) ** p) ** (1.0 / p) * at**-power
        for size, logs, p, at, power in (
            (one.A, np.array(one.a), one.p_A, N, one.alpha), (one.B, np.array(one.b), one.p_B, D, one.beta)
        )
    )  # fmt: skip
    of_weights = 1.0 / (np.array(one.C) @ w ** np.array(one.gamma))
    np.testing.assert_allclose(one(w=w, N=N, D=D), one.E + of_weights + published, rtol=1e-12)
    # Below and above where a series takes over, and at its end, the geometric mean.
    near = [float(dataclasses.replace(one, p_A=p, p_B=p)(w=w, N=N, D=D)) for p in (0.0, 0.999e-3, 1.001e-3)]
    np.testing.assert_allclose(near[1], near[2], rtol=1e-6)
    geometric = one.A * np.exp(w @ one.a) * N**-one.alpha + one.B * np.exp(w @ one.b) * D**-one.beta
    np.testing.assert_allclose(near[0], one.E + of_weights + geometric, rtol=1e-12)
    even = dataclasses.replace(one, a=np.zeros(3), b=np.zeros(3))
    numbers = {name: getattr(one, name) for name in ("E", "C", "gamma", "A", "B", "alpha", "beta", "domain")}
    np.testing.assert_allclose(even(w=w, N=N, D=D), MixingAdditive(**numbers)(w=w, N=N, D=D), rtol=1e-12)
