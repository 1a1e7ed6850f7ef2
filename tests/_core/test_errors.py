"""Errors are data that reads as a sentence."""

import copy
from pathlib import Path

import numpy as np
import pytest

from scalefit._core import InputError, Phrase, shown


@pytest.mark.parametrize(
    "error, said",
    [
        (InputError("N", -1.0, "a size", "give parameters"), "N is -1; expected a size. Give parameters."),
        (InputError("N", Phrase("has 3 values"), "one a run"), "N has 3 values; expected one a run."),
        (InputError("cost", Phrase("was given twice"), remedy="give it once."), "cost was given twice. Give it once."),
        (InputError("noise", None, "a noise"), "noise is None; expected a noise."),
        (InputError("method", "mcmc", remedy="`method='nuts'` draws"), "method is 'mcmc'. `method='nuts'` draws."),
        (InputError("One whole sentence."), "One whole sentence."),
    ],
)  # fmt: skip
def test_an_error_reads_as_a_sentence(error, said):
    assert str(error) == said


def test_an_error_holds_its_parts():
    value = object()
    error = InputError("runs", value, "a table", "read it")
    assert (error.argument, error.given, error.expected, error.remedy) == ("runs", value, "a table", "read it")
    assert isinstance(error, ValueError)
    assert InputError("One whole sentence.").argument is None


@pytest.mark.parametrize("error", [InputError("f", lambda x: x, "a law", "pass one"), InputError("One sentence.")])
def test_an_error_reaches_another_process(error):
    there = copy.copy(error)
    assert (str(there), there.argument) == (str(error), error.argument)


@pytest.mark.parametrize(
    "value, said",
    [
        (0.1 + 0.2, "0.3"),
        (1e24, "1e+24"),
        (np.float64(2.5), "2.5"),
        (np.arange(3), "[0, 1, 2]"),
        (np.ones((40, 2)), "an array of shape (40, 2)"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, ...]"),
        (Path("a") / "b.csv", repr(str(Path("a") / "b.csv"))),
        (InputError, "InputError"),
        ("x\ny", r"'x\ny'"),
    ],
)
def test_values_are_shown_short(value, said):
    assert shown(value) == said


def test_long_text_is_shortened():
    assert len(shown("x" * 10_000)) <= 120
