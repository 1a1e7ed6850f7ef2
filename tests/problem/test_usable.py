"""Which runs a law can use, by the kinds of its inputs."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import AbstractLaw, Label, Number, Series
from scalefit.params import Param, axis, real
from scalefit.problem import Problem


class Everything(AbstractLaw):
    """A number, a series and a label, all of which a run must have."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": Number(), "lr": Series(), "family": Label(axis="family")}
    family: tuple[str, ...] = axis()
    a: Param = real(amplitude=True, axis="family")

    def __call__(self, x: Any, lr: Any, family: Any) -> Any:
        """No scaling law."""
        return self.a[family] * (1.0 + x + lr.values[0])


def test_rows_without_a_number_a_series_or_a_label_are_listed():
    runs = sf.read_runs(
        {
            "x": [-1.0, None, 2.0, 3.0, 4.0],
            "lr": [[0.1], [0.1, 0.2], None, [0.3], [0.1]],
            "family": ["a", "b", "b", None, "b"],
            "loss": [1.0, 2.0, 3.0, 4.0, 5.0],
        }
    )
    problem = Problem.of(Everything(), runs, sf.noise.Gaussian())
    assert problem.runs.rows.tolist() == [1, 5]
    assert [(one.row, name in one.reason) for one, name in zip(problem.runs.dropped, ("x", "lr", "family"))] == [
        (2, True),
        (3, True),
        (4, True),
    ]
    assert problem.law.entries("family") == ("a", "b")
    np.testing.assert_array_equal(problem.inputs["family"], [0, 1])


class Line(AbstractLaw):
    """A line through a number that may be below 0."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": Number()}
    a: Param = real(amplitude=True)
    b: Param = real(amplitude=True)

    def __call__(self, x: Any) -> Any:
        """No scaling law."""
        return self.a + self.b * x


def test_a_number_may_be_below_zero_and_a_size_may_not():
    runs = sf.Runs([1.0, 2.0, 3.0], x=[-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(Problem.of(Line(), runs, sf.noise.Gaussian()).inputs["x"], [-1.0, 0.0, 1.0])
    with pytest.raises(sf.InputError, match=r"'x' in row 1 of 'runs' is -1; expected a number above 0"):
        Problem.of(sf.laws.PowerLaw(), runs, sf.noise.Gaussian())


class Mixing(AbstractLaw):
    """Shares along an axis that has no field of its own."""

    inputs: ClassVar[Mapping[str, Any]] = {"w[domain]": "share"}
    c: Param = real(amplitude=True)
    t: Param = real(axis="domain")

    def __call__(self, w: Any) -> Any:
        """No scaling law."""
        return self.c + (w * self.t).sum()


def test_an_axis_needs_no_field_and_rounded_shares_are_divided_by_their_sum():
    columns = {"w[a]": [0.333, 0.2, 0.7], "w[b]": [0.333, 0.3, 0.1], "w[c]": [0.333, 0.5, 0.2], "loss": [1.0, 2.0, 3.0]}
    problem = Problem.of(Mixing(), sf.read_runs(columns), sf.noise.Gaussian())
    assert problem.law.entries("domain") == ("a", "b", "c")
    assert "divided by their sum" in problem.runs.notes[0]
    np.testing.assert_allclose(sum(problem.inputs.values()), 1.0, rtol=1e-15)


def test_what_is_held_at_published_values_is_said_with_what_they_are_of():
    """They belong to a tokenizer and a way to count, which the runs may not share."""
    law, held = sf.laws.Chinchilla.published("epoch"), ("E", "A", "alpha")
    runs = sf.Runs(np.linspace(3.0, 2.0, 8), N=np.geomspace(1e7, 1e9, 8), D=np.geomspace(1e9, 1e11, 8))
    (note,) = Problem.of(law, runs, sf.noise.Gaussian(), held).source.notes
    assert note.startswith("E, A, alpha are held at the published 'epoch' [run], which are of 240 of the 245")
    assert not Problem.of(law, runs, sf.noise.Gaussian(), ("E",)).source.notes
    assert not Problem.of(dataclasses.replace(law, A=400.0, E=1.7), runs, sf.noise.Gaussian(), held).source.notes


@pytest.mark.parametrize("law", [sf.laws.MixingLinear, sf.laws.MixingExp, sf.laws.AutoScale])
def test_laws_of_weights_say_that_a_table_has_none(law):
    runs = sf.Runs([3.0, 2.8, 2.7, 2.6], D=[1e9, 2e9, 4e9, 8e9], name="four")
    with pytest.raises(sf.InputError, match=r"'four' has no w along the domain, .* a column w\[name\] for each domain"):
        sf.fit(law, runs)
