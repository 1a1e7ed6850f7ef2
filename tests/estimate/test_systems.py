"""Systems of the field at work: each answers its own question from runs, simulated by its own theory."""

import csv
import functools
import os
from pathlib import Path
from statistics import NormalDist
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

import scalefit as sf
from scalefit.laws import (
    SHARE,
    AbstractLaw,
    BiMix,
    BoundedRational,
    Chinchilla,
    CleanNoisy,
    DataConstrained,
    Effective,
    LogLinear,
    Lovelace,
    PassRate,
    PowerLaw,
    Projektor,
    Pruned,
)
from scalefit.params import Param, Scalar, positive

PLAIN = sf.noise.Gaussian()
RUNS = 64


def observed(law: Any, scatter: float, seed: int = 0, **inputs: Any) -> sf.Runs:
    """Runs that scatter about a law."""
    rng = np.random.default_rng(seed)
    count = len(next(iter(inputs.values())))
    with jax.enable_x64(True):
        value = np.array([float(law(**{n: column[i] for n, column in inputs.items()})) for i in range(count)])
    return sf.Runs(value * np.exp(scatter * rng.standard_normal(len(value))), **inputs)


def sizes(low: float, high: float, seed: int = 1, count: int = RUNS) -> np.ndarray:
    return low * (high / low) ** np.random.default_rng(seed).random(count)


def test_what_to_keep_of_a_pool_shrinks_with_its_size():
    """Sorscher et al. 2022 (arXiv 2206.14486): all of a small pool, little of a large one."""
    truth = Pruned(E=0.05, A=20.0, alpha=0.35, eta=0.0, kappa=0.03)
    kept = np.array([0.1, 0.2, 0.4, 0.7, 1.0])
    f = np.tile(kept, 13)[:RUNS]
    fit = sf.fit(Pruned, observed(truth, 0.003, D=sizes(1e4, 1e7), f=f), noise=PLAIN)
    pool = np.geomspace(2e4, 5e7, 40)
    loss = sf.predict(fit, D=kept[:, None] * pool, f=kept[:, None]).value - float(fit.law.E)
    best = kept[np.argmin(loss, axis=0)]
    assert best[0] == 1.0
    assert best[-1] == 0.1
    assert np.all(np.diff(best) <= 0.0)
    # The crossing of all and a tenth, and how fast the lower envelope falls beyond it.
    at = pool[np.argmax(loss[0] < loss[-1])]
    expected = np.exp((0.35 - 0.03 * np.log(0.1)) / 0.03)
    assert at == pytest.approx(expected, rel=0.5)
    envelope = np.log(loss.min(axis=0))
    steepest = -(envelope[-1] - envelope[-9]) / np.log(pool[-1] / pool[-9])
    assert steepest > 0.35 + 0.05


@functools.cache
def left_by_projections(count: float, alpha: float) -> float:
    """What so many random features leave of a target over a spectrum of k^-(1 + alpha)."""
    spectrum = np.arange(1.0, 20001.0) ** -(1.0 + alpha)
    low, high = 1e-14, 1.0
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if np.sum(spectrum / (spectrum + middle)) > count else (low, middle)
    return low * count


def left_by_the_fewer(N: Any, D: Any) -> np.ndarray:
    """The loss of least squares on N random features and D samples."""
    few, many = np.minimum(N, D), np.maximum(N, D)
    return np.vectorize(left_by_projections)(few, 0.6) / (1.0 - few / many)


def test_which_of_four_regimes_a_study_is_in():
    """Bahri et al. 2021 (arXiv 2102.06701): of N or D, resolution limits where it is the fewer, variance where not.

    Least squares on N random features and D samples, whose loss is what the fewer leave over 1 - fewer/more.
    """
    few = np.geomspace(10.0, 200.0, 8)
    studies = {
        "N limits": (few, 1e7),
        "D limits": (1e7, few),
        "D varies": (20.0, 100.0 * few),
        "N varies": (100.0 * few, 20.0),
    }
    x = {name: N if name[0] == "N" else D for name, (N, D) in studies.items()}
    loss = {name: left_by_the_fewer(*sizes) for name, sizes in studies.items()}
    scatter = np.exp(1e-4 * np.random.default_rng(0).standard_normal(32))
    runs = sf.Runs(np.concatenate(list(loss.values())) * scatter, x=np.concatenate(list(x.values())),
                   group=np.repeat(list(loss), 8))  # fmt: skip
    table: Any = sf.summary(sf.fit(PowerLaw, runs, by="group", noise=PLAIN), level=0.99)
    for name in loss:
        found = table[name]["alpha"]
        assert bool(found.low <= 1.0 <= found.high) is name.endswith("varies")
        assert found.value == pytest.approx(0.6 if name.endswith("limits") else 1.0, abs=0.05)


def test_a_learning_curve_has_three_regions():
    """Hestness et al. 2017 (arXiv 1712.00409): guesses of small data, a power law, what no data take away."""
    x = np.geomspace(1e1, 1e9, RUNS)
    truth = BoundedRational(E=0.1, y0=0.9, beta=200.0, c=0.5)
    law: Any = sf.fit(BoundedRational, observed(truth, 0.003, x=x), noise=PLAIN).law
    # The power law begins where half the way from the guess is gone, and ends where as much is left as never goes.
    begins, ends = float(law.beta) ** (1 / law.c), float(law.beta * (law.y0 / law.E - 2.0)) ** (1 / law.c)
    assert begins == pytest.approx(200.0**2, rel=0.1)
    assert ends == pytest.approx((200.0 * 7.0) ** 2, rel=0.1)
    assert float(law.c) == pytest.approx(0.5, rel=0.02)


def test_the_asymptote_of_asymptotes_has_the_errors_of_both():
    """Kim et al. 2025 (arXiv 2509.14786): the best loss of endless parameters, then of endless data."""
    D, N = (a.ravel() for a in np.meshgrid([0.2, 0.4, 0.8, 1.6, 3.2], np.geomspace(1e7, 3e10, 8), indexing="ij"))
    best = 1.9 + 0.88 * D**-0.24
    loss = (best + 60.0 * N**-0.3) * np.exp(0.001 * np.random.default_rng(0).standard_normal(len(N)))
    fits = sf.fit(PowerLaw, sf.Runs(loss, x=N, D=D), by="D", noise=PLAIN)
    table: Any = sf.summary(fits)
    ends = np.array([table[key]["E"].value for key in fits.keys or ()])
    spread = np.array([table[key]["E"].high - table[key]["E"].low for key in fits.keys or ()]) / 4.0
    np.testing.assert_allclose(ends, 1.9 + 0.88 * np.unique(D) ** -0.24, rtol=0.02)
    known = sf.noise.Gaussian(absolute=True)
    whole, doubtful = (
        sf.fit(PowerLaw, sf.Runs(ends, x=np.unique(D), se=times * spread), noise=known) for times in (1.0, 2.0)
    )
    band: Any = sf.predict(whole, x=30.0)
    assert band.low < 1.9 + 0.88 * 30.0**-0.24 < band.high
    ends_at: list[Any] = [sf.summary(fit) for fit in (whole, doubtful)]
    assert ends_at[0]["E"].low < 1.9 < ends_at[0]["E"].high
    width, wider = (float(one["E"].high - one["E"].low) for one in ends_at)
    assert wider == pytest.approx(2.0 * width, rel=1e-4)


def test_how_many_noisy_samples_are_worth_a_clean_one():
    """Daras et al. 2024 (arXiv 2411.02780)."""
    noisy = np.resize([0.0, 1e6, 1e7, 1e8], RUNS)
    truth = CleanNoisy(E=0.2, A=30.0, alpha=0.3, p=1.7)
    found: Any = sf.summary(sf.fit(CleanNoisy, observed(truth, 0.003, D=sizes(1e5, 1e8), D_noisy=noisy), noise=PLAIN))
    assert found["p"].low < 1.7 < found["p"].high
    assert found["p"].high / found["p"].low < 1.3


def test_repeats_that_do_harm_are_told_from_repeats_that_level_off():
    """Lovelace et al. 2026 (arXiv 2605.01640), after Muennighoff et al. 2023 (arXiv 2305.16264)."""
    truth = Lovelace(E=1.8, A=482.0, B=2085.0, P=2e-3, alpha=0.35, beta=0.37, gamma=0.8, delta=1.1, kappa=0.4)
    U = sizes(1e8, 1e11, 2)
    runs = observed(truth, 0.003, N=sizes(1e7, 1e10, 3), D=U * sizes(0.3, 60.0, 4), U=U)
    harm, level, fresh = (sf.fit(law, runs, noise=PLAIN) for law in (Lovelace, DataConstrained, Chinchilla))
    scatter = [float(np.std(fit.residuals)) for fit in (harm, level, fresh)]
    assert scatter[0] < 0.004
    assert min(scatter[1:]) > 3 * scatter[0]


def test_a_larger_model_in_reinforcement_from_smaller_ones_and_its_first_steps():
    """Tan et al. 2025 (arXiv 2509.25300): slopes that saturate with size, a level of each size.

    The curves of the released fit to 626 points (`fits_exp1_postopenai.json`), whose form is another.
    """
    N = {"1.5B": 1.5e9, "3B": 3e9, "7B": 7e9, "14B": 1.4e10, "32B": 3.2e10, "72B": 7.2e10}
    B = (134654.508, 41373.284, 4782.96156, 1634.65612, 337.991714, 341.331253)
    C = (412176.126, 142838.367, 27170.3164, 19153.4951, 4333.03925, 4928.63528)
    samples = np.geomspace(2e3, 6e4, 12)
    size, X = np.repeat(list(N), 12), np.tile(samples, 6)
    params = np.repeat(list(N.values()), 12)
    above = (5e8 / params) ** 1.08917237 + np.repeat(B, 12) / (X + np.repeat(C, 12))
    failed = above**0.198114421
    later = (size == "72B") & (X > 6e3)
    runs = sf.Runs(failed, N=params, X=X).with_column("size", size)
    fit = sf.fit(PassRate, runs.take(np.flatnonzero(~later)), noise=PLAIN)
    foreseen = sf.predict(fit, N=params[later], X=X[later], size=size[later]).value
    np.testing.assert_allclose(foreseen, failed[later], rtol=0.025)
    assert 1e9 < float(fit.law.N_0) < 1e11


def test_a_mixture_at_full_scale_from_two_pilot_scales():
    """Kang et al. 2023 (arXiv 2307.02460): linear in log N between and beyond two pilots, as their notebook has it."""
    truth = Projektor(a0=3.0, a1=-0.1, b0=0.5, b1=-0.02)
    N, x = np.repeat([1e3, 3e3], 6), np.tile(np.linspace(0.0, 2.0, 6), 2)
    fit = sf.fit(Projektor, observed(truth, 0.0, N=N, x=x), noise=PLAIN)
    low, high = (sf.predict(fit, N=n, x=0.7).value for n in (1e3, 3e3))
    expected = (np.log(1e4 / 1e3) * high - np.log(1e4 / 3e3) * low) / np.log(3e3 / 1e3)
    assert float(sf.predict(fit, N=1e4, x=0.7).value) == pytest.approx(float(expected), rel=1e-9)


def test_a_datastore_pays_from_a_budget_on():
    """Shao et al. 2024 (arXiv 2407.12854): the larger the budget, the larger the datastore on the frontier.

    Each fourfold of a datastore takes as much off the loss, and costs compute that small budgets miss; both ours.
    """
    stores, C, crossings = np.array([0.0, 1.0, 4.0, 16.0, 64.0]), np.geomspace(1e3, 1e7, 8), np.geomspace(1e4, 1e7, 4)
    E = 2.0 - 0.05 * np.arange(5.0)
    A = 40.0 + np.append(0.0, np.cumsum(0.05 * crossings**0.2))
    loss = (E[:, None] + A[:, None] * C**-0.2).ravel()
    runs = sf.Runs(loss * np.exp(5e-5 * np.random.default_rng(0).standard_normal(40)), x=np.tile(C, 5),
                   group=np.repeat(stores, 8))  # fmt: skip
    fits = sf.fit(PowerLaw, runs, by="group", noise=PLAIN)
    laws = [fits[key].law for key in fits.keys or ()]
    for smaller, larger, crossing in zip(laws[:-1], laws[1:], crossings, strict=True):
        found = sf.overtakes(smaller, larger, between=(1e3, 1e8))
        assert float(found.budget.value) == pytest.approx(crossing, rel=0.2)


def test_uncertainty_shrinks_the_faster_the_fewer_numbers_there_are():
    """Rosso et al. 2025 (arXiv 2506.09648): as 1/N where a model is identified, slower where it is not.

    Expected variances of a Bayesian line of five numbers, and of Gaussian processes of spectra k^-(1 + a), as
    N^(-a/(1 + a)).
    """
    N, modes = np.geomspace(30.0, 3e4, 8), np.arange(1.0, 2e5)
    variance = {"five numbers": 5.0 / (N + 5.0)}
    for a in (0.5, 1.0, 2.0, 3.0):
        spectrum = modes ** -(1.0 + a)
        variance[f"{a:g}"] = np.array([np.sum(spectrum / (1.0 + n * spectrum)) for n in N])
    value = np.concatenate(list(variance.values())) * np.exp(0.03 * np.random.default_rng(0).standard_normal(40))
    runs = sf.Runs(value, x=np.tile(N, 5), group=np.repeat(list(variance), 8))
    table: Any = sf.summary(sf.fit(PowerLaw, runs, by="group", noise=PLAIN))
    for name in variance:
        expected = 1.0 if name == "five numbers" else float(name) / (1.0 + float(name))
        assert table[name]["alpha"].value == pytest.approx(expected, abs=0.06)
        assert bool(table[name]["alpha"].high > 0.95) is (name == "five numbers")


def test_better_data_give_more_of_a_budget_to_size():
    """DeepSeek 2024 (arXiv 2401.02954): the exponents of their early data, their current ones and OpenWebText2."""
    exponents = {"early": 0.450, "current": 0.524, "OpenWebText2": 0.578}
    C = np.geomspace(1e18, 1e20, 5)[:, None]
    columns = []
    for name, a in exponents.items():
        # Of Chinchilla's law a = beta / (alpha + beta).
        alpha, beta = 0.7 * (1.0 - a), 0.7 * a
        best = 3e8 * (C / 1e19) ** a
        N = best * np.geomspace(0.3, 3.0, 7)
        D = C / (6.0 * N)
        ratio = 3e8**0.7 * (1e19 / 6.0) ** -beta  # so that the best size of 1e19 FLOP is 3e8
        loss = 1.8 + 300.0 * (N**-alpha + alpha / beta / ratio * D**-beta)
        columns.append((loss.ravel(), N.ravel(), D.ravel(), np.broadcast_to(C, N.shape).ravel(), [name] * N.size))
    loss, N, D, budget, data = (np.concatenate(column) for column in zip(*columns, strict=True))
    runs = sf.Runs(loss * np.exp(2e-4 * np.random.default_rng(0).standard_normal(len(loss))), N=N, D=D)
    found = sf.isoflop(runs.with_column("budget", budget).with_column("data", data), by="budget", groups="data")
    for k, name in enumerate(found.keys or ()):
        assert float(found.trend_N.exponent[k]) == pytest.approx(exponents[name], abs=0.012)
    assert np.all(np.diff([found.trend_N.exponent[(found.keys or ()).index(name)] for name in exponents]) > 0.02)


def test_pruning_goes_from_easy_to_hard_examples():
    """Sorscher et al. 2022 (arXiv 2206.14486, eqs. 1-3): with many samples keep the hard ones, with few the easy ones.

    Theory of a perceptron taught on the 30 % of a pool of least or of largest margin: samples a dimension, by error.
    """
    error = np.geomspace(0.14, 0.03, 8)
    easy, hard = margins(error, NormalDist().inv_cdf(0.85), 8.0), margins(error, 0.0, NormalDist().inv_cdf(0.65))
    runs = sf.Runs(np.tile(error, 2), x=np.concatenate([easy, hard]), group=np.repeat(["easy", "hard"], 8))
    fits = sf.fit(PowerLaw, runs, by="group", noise=PLAIN)
    found = sf.overtakes(fits["easy"].law, fits["hard"].law, between=(1.0, 4.0))
    fine = np.geomspace(0.14, 0.05, 100)
    apart = [margins(fine, *ends) for ends in ((NormalDist().inv_cdf(0.85), 8.0), (0.0, NormalDist().inv_cdf(0.65)))]
    assert float(found.budget.value) == pytest.approx(apart[1][np.argmax(apart[1] < apart[0])], rel=0.15)


def margins(error: np.ndarray, low: float, high: float) -> np.ndarray:
    """Samples a dimension of teacher's margins between two ends, until the largest margin errs so often."""
    R, t = np.cos(np.pi * error)[:, None], np.linspace(-9.0, 9.0, 901)
    q = np.sqrt(1.0 - R**2)
    share = 2.0 * (NormalDist().cdf(high) - NormalDist().cdf(low))
    seen = ndtr((high - R * t) / q) - ndtr((low - R * t) / q)
    slope = (np.exp(-(((low - R * t) / q) ** 2) / 2.0) - np.exp(-(((high - R * t) / q) ** 2) / 2.0)) / q
    normal = np.exp(-(t**2) / 2.0) / np.sqrt(2.0 * np.pi) * (t[1] - t[0])
    least, most, count = np.zeros(R.shape), np.full(R.shape, 60.0), R
    for _ in range(50):
        middle = (least + most) / 2.0
        short = np.maximum(middle - t, 0.0)
        count = (1.0 - R**2) * share / 2.0 / np.sum(seen * short**2 * normal, axis=1, keepdims=True)
        pulled = 2.0 * count / share * np.sum(slope * short * normal, axis=1, keepdims=True) / np.sqrt(2.0 * np.pi)
        least, most = np.where(pulled > R, middle, least), np.where(pulled > R, most, middle)
    return count.ravel()


def test_a_family_lends_its_exponent_to_few_runs_of_another():
    """Choshen et al. 2024 (arXiv 2410.11840): three small runs of a new family foresee a model 100 times as large."""
    rng = np.random.default_rng(0)
    N = np.concatenate([np.geomspace(1e8, 3e10, 12), np.geomspace(1e8, 3e8, 3)])
    family = np.repeat(["known", "new"], [12, 3])
    loss = 1.8 + np.where(family == "known", 180.0, 150.0) * N**-0.3
    runs = sf.Runs(loss * np.exp(0.002 * rng.standard_normal(15)), x=N, group=family)
    fit = sf.fit(PowerLaw, runs, by="group", own=("A",), noise=PLAIN)
    found = sf.predict(fit, x=3e10, group="new")
    assert found.low < 1.8 + 150.0 * 3e10**-0.3 < found.high
    assert found.low is not None
    assert float(found.high - found.low) < 0.05


@pytest.mark.usefixtures("public_data")
def test_checkpoints_of_three_small_models_foresee_a_large_one():
    """Choshen et al. 2024 (arXiv 2410.11840): OPT of 175B from three sizes, by their ends alone and by the rest."""
    path = Path(os.environ["SCALEFIT_DATA"]) / "colpret" / "opt_trajectories.csv"
    with path.open(encoding="utf-8") as file:
        rows = [(row["model_size"], 10.0 ** float(row["num_token"]), float(row["ppl"])) for row in csv.DictReader(file)]
    size, D, perplexity = (np.array(column) for column in zip(*rows, strict=True))
    N = np.array([float(s[:-1]) * {"m": 1e6, "b": 1e9}[s[-1]] for s in size])
    loss = np.log(perplexity)
    sizes, most = np.unique(N), D.max()
    last = np.array([np.flatnonzero(n == N)[np.argmax(D[n == N])] for n in sizes])
    few = last[:3]
    late = (0.3 * most < D) & (sizes[3] > N)
    ends = sf.predict(sf.fit(PowerLaw, sf.Runs(loss[few], x=N[few]), noise=PLAIN), x=sizes[-1])
    whole = sf.predict(sf.fit(Chinchilla, sf.Runs(loss[late], N=N[late], D=D[late]), noise=PLAIN), N=sizes[-1], D=most)
    off = [abs(float(np.log(found.value / loss[last[-1]]))) for found in (ends, whole)]
    assert off[1] < 0.02
    assert off[1] < 0.5 * off[0]


def test_a_score_rises_with_the_logarithm_of_the_data():
    """Cherti et al. 2023 (arXiv 2212.07143): zero-shot accuracy on ImageNet of three models on LAION-2B."""
    seen = np.array([2.560013e9, 1.3e10, 3.47254e10, 2.560013e9, 1.303463e10, 3.421589e10, 2.560013e9, 1.28e10, 3.2e10])
    accuracy = np.array([0.57358, 0.62526, 0.66474, 0.61822, 0.68134, 0.70222, 0.68928, 0.73096, 0.75202])
    runs = sf.Runs(accuracy, x=seen, group=np.repeat(["B/32", "B/16", "L/14"], 3))
    fits = sf.fit(LogLinear, runs, by="group", noise=sf.noise.Gaussian(log=False))
    for key in fits.keys or ():
        assert np.max(np.abs(fits[key].residuals)) < 0.01
        assert 0.05 < float(fits[key].law.b) * np.log(10.0) < 0.09


class Recent(AbstractLaw):
    r"""The share of a domain that counts at the end: what came last counts most, by $e^{-(1 - t)/h}$."""

    inputs: ClassVar[Any] = {"base": SHARE, "end": SHARE, "f": SHARE}
    h: Param = positive(typical=(0.03, 1.0))

    def __call__(self, base: Scalar, end: Scalar, f: Scalar) -> Scalar:
        """Of a training with the share `base` of the domain, and `end` in its last part f."""
        return base + (end - base) * jnp.expm1(-f / self.h) / jnp.expm1(-1.0 / self.h)


def test_how_long_a_scarce_domain_is_upsampled_at_the_end():
    """Blakeney et al. 2024 (arXiv 2406.03476): schedule × mixture, a domain that comes in the last part alone.

    Two domains by `BiMix`, of shares that count the more the later they come (ours); all of the scarce one, a
    tenth of the tokens, is seen in the last part f, of which it then is the share 0.1/f.
    """
    base, end, f, D = (a.ravel() for a in np.meshgrid([0.02, 0.1], [0.3, 0.9], [0.15, 0.3, 0.6, 0.9], [1e10, 1e11]))
    law = {
        "code": Effective(BiMix(B=20.0, C=0.9, alpha=0.06, beta=0.15), r=Recent(h=0.3)),
        "text": Effective(BiMix(B=10.0, C=2.0, alpha=0.1, beta=0.15), r=Recent(h=0.3)),
    }
    shares = {"code": {"base": base, "end": end}, "text": {"base": 1.0 - base, "end": 1.0 - end}}
    runs = {name: observed(law[name], 0.001, **shares[name], f=f, D=D) for name in law}
    fits: dict[str, Any] = {
        name: sf.fit(Effective(BiMix(), r=Recent()), some, noise=PLAIN).law for name, some in runs.items()
    }
    last = np.linspace(0.11, 0.9, 80)

    def best(laws: Any) -> float:
        """The last part of the least sum of both losses."""
        with jax.enable_x64(True):
            code, text = (
                jax.vmap(lambda end, f, law=laws[name], base=base: law(base=base, end=end, f=f, D=1e11))(end, last)
                for name, base, end in (("code", 0.02, 0.1 / last), ("text", 0.98, 1.0 - 0.1 / last))
            )
        return float(last[np.argmin(code + text)])

    assert 0.15 < best(law) < 0.8
    assert best(fits) == pytest.approx(best(law), abs=0.03)
    for fit in fits.values():
        assert float(fit.of["r"].h) == pytest.approx(0.3, rel=0.05)
