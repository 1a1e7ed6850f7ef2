"""How runs scatter unless it is said: Student's t, and normally where runs are few for the law."""

import numpy as np
import pytest

import scalefit as sf

LAW = sf.laws.PowerLaw(E=2.0, A=50.0, alpha=0.4)


def columns(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, losses that scatter by 1 %, and the study of each run."""
    x = np.concatenate([np.geomspace(1e3, 1e9, count) for count in counts])
    scatter = 0.01 * np.random.default_rng(0).standard_normal(x.size)
    return x, (2.0 + 50.0 * x**-0.4) * np.exp(scatter), np.repeat(np.arange(len(counts)), counts)


def of(*counts: int) -> sf.Runs:
    """Studies of so many runs."""
    x, loss, study = columns(counts)
    return sf.Runs(loss, x=x, study=study)


def test_the_default_is_students_t_of_four_degrees_on_logarithms():
    fit = sf.fit(sf.laws.PowerLaw, of(20))
    assert (str(fit.noise), fit.noise.log) == ("StudentT(4)", True)
    named = sf.fit(sf.laws.PowerLaw, of(20), noise=sf.noise.StudentT(4))
    assert fit.problem == named.problem
    assert fit.objective == named.objective


# With n runs and p numbers the scale of Student's t goes to nothing where 4 (n - p) <= p.
@pytest.mark.parametrize(
    ("count", "fixed", "expected"),
    [(3, (), "Gaussian"), (4, (), "StudentT"), (2, ("E",), "Gaussian"), (3, ("E",), "StudentT")],
)
def test_few_runs_for_the_free_numbers_are_taken_for_normal(count, fixed, expected):
    fit = sf.fit(LAW, of(count), fixed=fixed)
    assert type(fit.noise).__name__ == expected
    assert expected in repr(fit)


def test_the_bound_is_of_free_numbers_and_runs_to_spare():
    """Chinchilla's law has 5: one run to spare leaves 4 · 1 ≤ 5, two leave 4 · 2 > 5."""
    rng = np.random.default_rng(1)
    found = []
    for count in (6, 7):
        N, D = 10 ** rng.uniform(7.0, 10.0, count), 10 ** rng.uniform(9.0, 12.0, count)
        loss = (1.8 + 480.0 * N**-0.35 + 2100.0 * D**-0.37) * np.exp(0.01 * rng.standard_normal(count))
        found.append(type(sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D), throw=False).noise))
    assert found == [sf.noise.Gaussian, sf.noise.StudentT]


def test_a_noise_that_is_named_is_kept_however_few_runs_there_are():
    """With a run for each number the law passes through all of them, by whatever noise."""
    fit = sf.fit(sf.laws.PowerLaw, of(3), noise=sf.noise.StudentT(4))
    normal = sf.fit(sf.laws.PowerLaw, of(3))
    assert type(fit.noise) is sf.noise.StudentT
    assert fit.converged
    assert np.abs(fit.residuals).max() < 1e-9
    assert fit.law.alpha == pytest.approx(float(normal.law.alpha), rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "expected"), [((20, 20, 3), "StudentT"), ((20, 3, 3), "Gaussian"), ((20, 3), "StudentT")]
)
def test_most_studies_of_a_batch_decide(counts, expected):
    fits = sf.fit(sf.laws.PowerLaw, of(*counts), by="study")
    assert type(fits.noise).__name__ == expected
    assert fits.converged.all()
    assert fits.law.alpha == pytest.approx(np.full(len(counts), 0.4), abs=0.05)


def test_runs_without_scatter_are_recovered():
    x, _, _ = columns((20,))
    law = sf.fit(sf.laws.PowerLaw, sf.Runs(2.0 + 50.0 * x**-0.4, x=x)).law
    assert [law.E, law.A, law.alpha] == pytest.approx([2.0, 50.0, 0.4], rel=1e-9)
