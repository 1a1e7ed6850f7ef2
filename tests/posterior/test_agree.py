"""Two ensembles of one fit side by side."""

import dataclasses
import warnings

import numpy as np
import pytest
from helpers import posed

import scalefit as sf


def widened(draws, times, **changes):
    """The draws with every parameter so many times as far from its mean."""
    law = draws.law
    names = [f.name for f in dataclasses.fields(law)]
    wide = {n: np.mean(getattr(law, n)) + times * (getattr(law, n) - np.mean(getattr(law, n))) for n in names}
    return dataclasses.replace(draws, law=dataclasses.replace(law, **wide), **changes)


def test_widths_and_places_are_compared(few_draws):
    other = widened(few_draws, 1.25)
    found = sf.agree(few_draws, other)
    assert set(found) == {"E", "A", "B", "alpha", "beta"}
    for one in found.values():
        assert one.ratio == pytest.approx(0.8, rel=1e-9)
        assert (one.narrow, one.outside) == (False, False)
    assert abs(found["alpha"].shift) < 0.1


def test_draws_that_are_too_narrow_are_said(few_draws):
    other = widened(few_draws, 2.0, method="bootstrap")
    with pytest.warns(UserWarning, match=r"than two thirds of the bootstrap's \(0\.50 .* rows may not be independent"):
        found = sf.agree(few_draws, other)
    assert all(one.narrow for one in found.values())


def test_the_bootstrap_of_huber_is_of_another_estimator(few_draws):
    fit = posed(few_draws.fit, noise=sf.noise.Huber())
    one = dataclasses.replace(few_draws, fit=fit)
    with pytest.warns(UserWarning, match="the bootstrap is of Huber's estimator"):
        sf.agree(one, widened(one, 2.0, method="bootstrap"))


def test_a_fit_outside_its_interval_is_said(few_draws):
    moved = dataclasses.replace(few_draws.law, alpha=few_draws.law.alpha + 10.0 * few_draws.law.alpha.std())
    with pytest.warns(UserWarning, match="The fit's alpha lies outside the central 95 %"):
        found = sf.agree(dataclasses.replace(few_draws, law=moved), few_draws)
    assert [name for name, one in found.items() if one.outside] == ["alpha"]
    assert found["alpha"].shift == pytest.approx(10.0, rel=0.1)


def test_curvature_and_posterior_agree(few_fit, few, few_draws):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sf.agree(few_draws, sf.laplace(few_fit))


def test_others_cannot_be_compared(few_fit, few_draws):
    batch = dataclasses.replace(few_draws, fit=posed(few_fit, keys=("a",)))
    with pytest.raises(sf.InputError, match="draws are of a batch; expected draws of one study"):
        sf.agree(few_draws, batch)
    source = dataclasses.replace(few_fit.source, fingerprint="other", name="theirs")
    elsewhere = dataclasses.replace(few_draws, fit=posed(few_fit, source=source))
    with pytest.raises(sf.InputError, match="expected two ensembles of one law and the same runs"):
        sf.agree(few_draws, elsewhere)
