"""Parameters with errors and intervals, and honest words where there is no upper end."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers import LAWS

import scalefit as sf


def summary(result, level=0.95) -> Any:
    return sf.summary(result, level)


def test_a_fit_has_values_and_units(chinchilla):
    found = summary(chinchilla)
    assert list(found) == ["E", "A", "B", "alpha", "beta"]
    assert (found["A"].value, found["A"].unit) == (482.0, "error·parameters^alpha")
    assert not any(e.fixed for e in found.values())


def test_what_was_fixed_is_said_to_be(new_fit, new_draws):
    fit = new_fit(LAWS["Chinchilla"].truth, fixed=("E",))
    for result in (fit, new_draws(fit)):
        found = summary(result)
        assert (found["E"].value, found["E"].unit, found["E"].low) == (1.82, "error", None)
        assert found["E"].fixed
        assert not found["A"].fixed


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_draws_give_errors_and_intervals(level, chinchilla, new_draws):
    draws = new_draws(chinchilla)
    found = summary(draws, level)
    for name, estimate in found.items():
        column = getattr(draws.law, name)
        assert estimate.value == float(getattr(chinchilla.law, name))
        assert estimate.se == pytest.approx(np.std(column, ddof=1), rel=1e-12)
        ends = np.quantile(column, [0.5 - level / 2, 0.5 + level / 2])
        assert [estimate.low, estimate.high] == pytest.approx(ends, rel=1e-12)


def test_draws_that_did_not_converge_take_no_part(chinchilla, new_draws):
    draws = new_draws(chinchilla)
    result = draws.result.copy()
    result[::2] = sf.RESULTS.max_steps_reached
    found = summary(dataclasses.replace(draws, result=result))
    assert found["alpha"].se == pytest.approx(np.std(draws.law.alpha[1::2], ddof=1), rel=1e-12)


def test_a_batch_has_one_summary_a_study(chinchilla_batch, new_draws):
    found = summary(chinchilla_batch)
    assert list(found) == ["study 0", "study 1", "study 2"]
    assert found["study 1"]["E"].value == chinchilla_batch.law.E[1]
    drawn = summary(new_draws(chinchilla_batch))
    assert drawn["study 2"]["E"].se == pytest.approx(np.std(new_draws(chinchilla_batch).law.E[2], ddof=1), rel=1e-12)


def test_entries_of_an_array_have_names_of_their_own(new_fit):
    found = summary(new_fit(LAWS["BNSL-2"].truth))
    assert list(found) == ["a", "b", "c0", "c[1]", "c[2]", "d[1]", "d[2]", "f[1]", "f[2]"]
    assert found["c[2]"].value == -0.2


def lost(draws, name, share):
    """Draws of which the largest lost a parameter."""
    place = draws.free.index(name)
    column = getattr(draws.law, name)
    unidentified = draws.unidentified.copy()
    unidentified[np.argsort(column)[::-1][: int(share * len(draws))], place] = True
    return dataclasses.replace(draws, unidentified=unidentified)


def test_an_interval_has_no_upper_end_where_draws_lost_the_parameter(new_fit, new_draws):
    draws = lost(new_draws(new_fit(LAWS["DataConstrained"].truth)), "R_D", 0.2)
    found = summary(draws)
    assert found["R_D"].unbounded
    assert found["R_D"].high == np.inf
    assert found["R_D"].se is None
    assert found["R_D"].low == pytest.approx(np.quantile(draws.law.R_D, 0.025), rel=1e-12)
    assert not found["R_N"].unbounded


def test_few_lost_draws_inside_the_interval_leave_it_closed(new_fit, new_draws):
    """The lost ones are the smallest: the upper end is felt."""
    draws = new_draws(new_fit(LAWS["DataConstrained"].truth))
    unidentified = draws.unidentified.copy()
    unidentified[np.argmin(draws.law.R_D), draws.free.index("R_D")] = True
    found = summary(dataclasses.replace(draws, unidentified=unidentified))
    assert not found["R_D"].unbounded
    assert np.isfinite(found["R_D"].high)


def test_an_amplitude_that_vanished_is_a_number_not_an_open_end(chinchilla, new_draws):
    found = summary(lost(new_draws(chinchilla), "A", 0.2))
    assert not found["A"].unbounded
    assert np.isfinite(found["A"].high)


def test_a_parameter_that_no_run_feels_has_no_value(chinchilla, new_draws):
    """The exponent of a term that vanished means nothing; that its amplitude is zero does."""
    unidentified = np.isin(chinchilla.free, ("A", "alpha"))
    draws = new_draws(dataclasses.replace(chinchilla, unidentified=unidentified))
    found = summary(draws)
    assert np.isnan(found["alpha"].value)
    assert found["alpha"].se is found["alpha"].low is found["alpha"].high is None
    assert found["A"].value == chinchilla.law.A
    assert found["beta"].value == chinchilla.law.beta
