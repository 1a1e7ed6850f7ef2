"""Systems of the field at work: each answers its own question from runs, simulated by its own theory."""

from typing import Any

import jax
import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import Chinchilla, CleanNoisy, DataConstrained, Lovelace, PassRate, PowerLaw, Projektor, Pruned

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


@pytest.mark.parametrize(("alpha", "limited_by_variance"), [(1.0, True), (0.35, False)])
def test_which_regime_a_study_is_in(alpha, limited_by_variance):
    """Bahri et al. 2021 (arXiv 2102.06701): an exponent of 1 where variance limits, of less where resolution does."""
    x = sizes(1e4, 1e7)
    truth = PowerLaw(E=0.4, A=0.3 * 1e4**alpha, alpha=alpha)
    found: Any = sf.summary(sf.fit(PowerLaw, observed(truth, 0.002, x=x), noise=PLAIN))["alpha"]
    assert bool(found.low <= 1.0 <= found.high) is limited_by_variance
    assert found.low <= alpha <= found.high


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
    whole = sf.fit(PowerLaw, sf.Runs(ends, x=np.unique(D), se=spread), noise=PLAIN)
    band: Any = sf.predict(whole, x=30.0)
    assert band.low < 1.9 + 0.88 * 30.0**-0.24 < band.high
    assert np.ptp([float(band.low), float(band.high)]) > float(spread.min())


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
    """Tan et al. 2025 (arXiv 2509.25300): slopes that saturate with size, a level of each size."""
    names = ("s", "m", "l", "xl")
    truth = PassRate(A=[1.1, 1.0, 0.9, 0.8], K=0.3, N_0=2e9, size=names)
    size, X = np.arange(RUNS) % 4, sizes(10.0, 1e4)
    N = np.array([5e8, 1.5e9, 7e9, 3e10])[size]
    rng = np.random.default_rng(0)
    failed = np.array([float(truth(N=n, X=x, size=s)) for n, x, s in zip(N, X, size, strict=True)])
    early = (size < 3) | (X < 100.0)
    label = np.array(names)[size]
    runs = sf.Runs(failed * np.exp(0.005 * rng.standard_normal(RUNS)), N=N, X=X).with_column("size", label)
    fit = sf.fit(PassRate, runs.take(np.flatnonzero(early)), noise=PLAIN)
    later = ~early
    foreseen = sf.predict(fit, N=N[later], X=X[later], size=label[later]).value
    np.testing.assert_allclose(foreseen, failed[later], rtol=0.03)


def test_a_mixture_at_full_scale_from_two_pilot_scales():
    """Kang et al. 2023 (arXiv 2307.02460): linear in log N between and beyond two pilots, as their notebook has it."""
    truth = Projektor(a0=3.0, a1=-0.1, b0=0.5, b1=-0.02)
    N, x = np.repeat([1e3, 3e3], 6), np.tile(np.linspace(0.0, 2.0, 6), 2)
    fit = sf.fit(Projektor, observed(truth, 0.0, N=N, x=x), noise=PLAIN)
    low, high = (sf.predict(fit, N=n, x=0.7).value for n in (1e3, 3e3))
    expected = (np.log(1e4 / 1e3) * high - np.log(1e4 / 3e3) * low) / np.log(3e3 / 1e3)
    assert float(sf.predict(fit, N=1e4, x=0.7).value) == pytest.approx(float(expected), rel=1e-9)
