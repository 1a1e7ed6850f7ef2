"""Scatter that goes by inputs: against a restricted likelihood written out, by chance, and what is refused."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import scalefit as sf
from scalefit.estimate import _dispersion
from scalefit.estimate._dispersion import Layout, constant_test

NAMES = ("a", "b", "c")
VALUES = sf.noise.Gaussian(log=False)
KNOWN = sf.noise.Gaussian(log=False, absolute=True)


def predict(result, **options: Any) -> Any:
    return sf.predict(result, **options)


def mixtures(runs: int = 60, slope: float = 1.5, noise: Any = None, **columns: Any):
    """Two targets linear in weights, of which the first scatters by them."""
    rng = np.random.default_rng(7)
    w = rng.dirichlet(np.ones(3), runs)
    s = 0.01 * np.exp(np.stack([slope * (w[:, 0] - w[:, 1]), np.zeros(runs)]))
    losses = 2.0 + np.stack([w @ [0.3, -0.2, 0.1], w @ [-0.4, 0.2, 0.2]]) + s * rng.standard_normal((2, runs))
    shares: dict[str, Any] = {f"w[{name}]": w[:, i] for i, name in enumerate(NAMES)}
    made = sf.Runs(dict(zip(("one", "two"), losses, strict=True)), run=np.arange(runs), **shares, **columns)
    return sf.fit(sf.laws.MixingLinear, made, by="target", noise=noise or VALUES), w, losses


@pytest.fixture(scope="module")
def known():
    return mixtures()


@pytest.fixture(scope="module")
def found(known):
    return sf.scatter(known[0], by="w")


def minus_restricted(g: np.ndarray, w: np.ndarray, loss: np.ndarray) -> float:
    """Minus the restricted log-likelihood of normal runs about a linear law, its numbers profiled out."""
    log_s = g[0] + w @ [g[1], g[2], -g[1] - g[2]]
    scaled = w * np.exp(-log_s)[:, None]
    y = loss * np.exp(-log_s)
    square = scaled.T @ scaled
    left = y - scaled @ np.linalg.solve(square, scaled.T @ y)
    return float(log_s.sum() + 0.5 * np.linalg.slogdet(square)[1] + 0.5 * left @ left)


def test_of_a_linear_law_it_is_restricted_maximum_likelihood(known, found):
    _, w, losses = known
    for i, loss in enumerate(losses):
        best = minimize(minus_restricted, [-4.5, 0.0, 0.0], args=(w, loss), tol=1e-12).x
        wanted = [*best[1:], -best[1:].sum()]
        np.testing.assert_allclose(found.b[i], wanted, atol=2e-4)
        log_s = best[0] + w @ wanted
        np.testing.assert_allclose(np.log(found.runs.se[i::2]), log_s, atol=2e-4)
        assert found.ratio[i] == pytest.approx(np.exp(np.ptp(log_s)), rel=1e-3)


def test_the_law_is_fitted_by_the_scatter(known, found):
    _, w, losses = known
    s = found.runs.se[::2]
    weighted = np.linalg.lstsq(w / s[:, None], losses[0] / s, rcond=None)[0]
    np.testing.assert_allclose(found.fit["one"].law.t, weighted, atol=1e-9)
    again = sf.fit(sf.laws.MixingLinear, found.runs, by="target", noise=VALUES)
    np.testing.assert_array_equal(again.law.t, found.fit.law.t)


def test_it_says_what_the_runs_show_and_what_they_do_not(found):
    assert found.p[0] < 0.001
    assert found.p[1] > 0.05
    said = repr(found).splitlines()
    assert said[1] == "  scatter goes by w in 1 of 2 studies, where 0.1 would by chance"
    assert "times the least (p < .001); ln s by w[b] -1.3 ± 0.27, w[a] +1.3 ± 0.3" in said[2]
    assert said[3].startswith("  two: the runs do not show that scatter goes by w")
    assert said[3].endswith("constant scatter does as well")


def test_a_study_by_itself_has_the_answer_of_its_batch(known, found):
    alone = sf.scatter(known[0]["one"], by=("w",))
    np.testing.assert_allclose(alone.b, found.b[0], atol=1e-9)
    assert alone.p == found.p[0]
    assert alone.fit.key == "one"
    at = {f"w[{name}]": 1 / 3 for name in NAMES}
    assert alone.at(**at) == pytest.approx(found.at(w=[1 / 3] * 3)[0], rel=1e-9)


def test_constant_scatter_is_called_so_at_the_nominal_rate(monkeypatch):
    """Four numbers of a law and three of the scatter told from 14 runs: χ² would be far off."""
    monkeypatch.setattr(_dispersion, "DRAWS", 500)
    rng, studies, runs = np.random.default_rng(1), 400, 14
    z = np.concatenate([np.ones((studies, runs, 1)), rng.standard_normal((studies, runs, 2))], axis=-1)
    slope = rng.standard_normal((studies, runs, 4))
    q, _ = np.linalg.qr(slope)
    off = rng.standard_normal((studies, runs, 1))
    left = (off - q @ (np.swapaxes(q, 1, 2) @ off))[..., 0]
    _, p = constant_test(Layout(left, slope, z, np.ones((studies, runs), bool)), VALUES, seed=0)
    assert 0.03 <= np.mean(p < 0.05) <= 0.08
    np.testing.assert_allclose(np.quantile(p, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.06)


def test_sizes_and_labels_beside_the_law_and_errors_of_their_own():
    rng, runs = np.random.default_rng(3), 600
    N, x = np.exp(rng.uniform(0, 5, runs)), rng.uniform(1, 2, runs)
    family, own = np.array(["new", "old"])[rng.integers(0, 2, runs)], rng.uniform(0.5, 2.0, runs)
    s = 0.01 * own * N**-0.3 * np.where(family == "new", 1.5, 1 / 1.5)
    table = sf.Runs(1 + 1 / x + s * rng.standard_normal(runs), x=x, N=N, se=own, group=family)
    fit = sf.fit(sf.laws.PowerLaw(E=1.0, A=1.0, alpha=1.0), table, fixed=("E", "alpha"), noise=VALUES)
    found = sf.scatter(fit, by=("N", "group"))
    assert found.names[0] == "N"
    assert set(found.names[1:]) == {"group[new]", "group[old]"}
    by_name = dict(zip(found.names, found.b, strict=True))
    wanted = {"N": -0.3, "group[new]": np.log(1.5), "group[old]": -np.log(1.5)}
    assert all(abs(by_name[name] - wanted[name]) < 3 * e for name, e in zip(found.names, found.se, strict=True))
    assert np.max(found.se) < 0.05
    np.testing.assert_allclose(np.asarray(found.runs.se), s, rtol=0.2)
    # Elsewhere, of a run of the median of the `se` that they had.
    there = found.at(x=1.5, N=[1.0, 100.0], group="new")
    np.testing.assert_allclose(there, 0.015 * np.median(own) * np.array([1.0, 100**-0.3]), rtol=0.15)


def test_intervals_of_new_runs_know_it(found):
    at: dict[str, Any] = {"w": np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])}
    se = found.at(**at)[0]
    one, draws = found.fit["one"], sf.bootstrap(found.fit["one"], num=400)
    for result in (one, draws):
        plain = predict(result, new_run=True, level=0.9, **at)
        wide = predict(result, new_run=True, level=0.9, se=se, **at)
        got = (wide.high - wide.low)[0] / (wide.high - wide.low)[1]
        assert got == pytest.approx(se[0] / se[1], rel=0.25)
        assert (plain.high - plain.low)[0] / (plain.high - plain.low)[1] == pytest.approx(1.0, abs=0.2)
    wide = predict(found.fit, new_run=True, level=0.9, se=found.at(**at), **at)
    single = predict(one, new_run=True, level=0.9, se=se, **at)
    np.testing.assert_allclose(wide.high[0], single.high, rtol=1e-3)
    np.testing.assert_allclose(single[1].at_level(0.9).high, single.high[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`new_run=True`, or leave it out"),
        ({"new_run": True, "se": -1.0}, "finite numbers above 0"),
        ({"new_run": True, "se": [1.0, 2.0]}, "has the shape"),
    ],
)
def test_standard_errors_of_new_runs_that_are_none(found, options, message):
    with pytest.raises(sf.InputError, match=message):
        predict(found.fit["one"], **{"se": 0.1, "w": [0.2, 0.3, 0.5]} | options)


def test_a_standard_error_beside_runs_without_any(known):
    with pytest.raises(sf.InputError, match="the fitted runs have none to hold it against"):
        predict(known[0]["one"], new_run=True, se=0.1, w=[0.2, 0.3, 0.5])


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("v", "by names 'v'"),
        ((), "one name at least"),
        ("w[a]", None),
        ("same", "does not vary among the runs of"),
        (("much", "more"), "vary only together"),
        ("below", "numbers above 0, as scatter goes by their logarithm"),
    ],
)
def test_what_scatter_cannot_go_by(by, message):
    some = np.linspace(1.0, 2.0, 20)
    fits, *_ = mixtures(20, same=np.ones(20), much=some, more=some**2, below=some - 1.5)
    if message is None:
        assert sf.scatter(fits["two"], by=by).names == (by,)
        return
    with pytest.raises(sf.InputError, match=message):
        sf.scatter(fits["two"], by=by)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (sf.noise.Huber(1.0, log=False), "one with a likelihood and alike to both sides"),
        (sf.noise.Asymmetric(3.0, log=False), "one with a likelihood and alike to both sides"),
    ],
)
def test_noises_without_a_scatter_of_their_own(noise, message):
    with pytest.raises(sf.InputError, match=message):
        sf.scatter(mixtures(noise=noise)[0], by="w")


def test_fits_that_cannot_tell(known, found):
    known_scatter = sf.fit(
        sf.laws.MixingLinear, found.runs, by="target", noise=sf.noise.Gaussian(log=False, absolute=True)
    )
    with pytest.raises(sf.InputError, match="one whose scatter is estimated"):
        sf.scatter(known_scatter, by="w")
    with pytest.raises(sf.InputError, match="6 runs, of which the law has 3 numbers and the scatter 3"):
        sf.scatter(mixtures(6)[0], by="w")
    with pytest.raises(sf.InputError, match="Fit the law first"):
        sf.scatter(known[0].law, by="w")
