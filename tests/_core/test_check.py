"""Checks return what was given or name the argument."""

import numpy as np
import pytest

from scalefit._core import (
    InputError,
    check_choice,
    check_distinct,
    check_flag,
    check_names,
    check_number,
    check_probability,
    check_type,
)


@pytest.mark.parametrize(
    "value, limits, found",
    [
        (3, {}, 3.0),
        (np.float32(0.5), {"least": 0.0, "most": 1.0}, 0.5),
        (np.int64(4), {"whole": True, "least": 1}, 4),
        (4.0, {"whole": True}, 4),
        (float("inf"), {"endless": True}, float("inf")),
        (np.array(2.0), {"above": 0.0}, 2.0),
    ],
)
def test_numbers_that_will_do(value, limits, found):
    number = check_number("x", value, **limits)
    assert number == found
    assert type(number) is type(found)


@pytest.mark.parametrize(
    "value, limits, said",
    [
        (-1, {"above": 0.0}, "x is -1; expected a number above 0."),
        (True, {}, "x is True; expected a finite number."),
        ("3", {}, "x is '3'; expected a finite number."),
        (float("nan"), {}, "x is nan; expected a finite number."),
        (float("inf"), {"above": 0.0}, "x is inf; expected a number above 0."),
        (2.5, {"whole": True, "least": 1}, "x is 2.5; expected a whole number of at least 1."),
        (0, {"least": 1, "most": 20, "whole": True}, "x is 0; expected a whole number from 1 to 20."),
        (1.0, {"above": 0.0, "below": 1.0, "example": "0.95"}, "x is 1; expected a number between 0 and 1, as 0.95."),
        (5, {"most": 4, "remedy": "lower it"}, "x is 5; expected a number of at most 4. Lower it."),
        (0, {"above": 0, "most": 1}, "x is 0; expected a number above 0 and of at most 1."),
        (None, {}, "x is None; expected a finite number."),
        (np.ones(2), {}, "x is [1, 1]; expected a finite number."),
    ],
)
def test_numbers_that_will_not(value, limits, said):
    with pytest.raises(InputError) as error:
        check_number("x", value, **limits)
    assert str(error.value) == said


@pytest.mark.parametrize("level", [0.0, 1.0, 95, "0.9", None])
def test_probabilities(level):
    assert check_probability("level", 0.9) == 0.9
    with pytest.raises(InputError, match=r"level is .*; expected a number between 0 and 1, as 0\.95\."):
        check_probability("level", level)


def test_choices():
    assert check_choice("method", "nuts", ("auto", "is", "nuts")) == "nuts"
    assert check_choice("cluster", None, ("auto", None)) is None
    with pytest.raises(InputError) as error:
        check_choice("method", "nutz", ("auto", "is", "nuts"))
    assert str(error.value) == "method is 'nutz'; expected 'auto', 'is' or 'nuts'. The nearest is 'nuts'."
    with pytest.raises(InputError, match=r"cluster is 1; expected 'auto' or None\.$"):
        check_choice("cluster", 1, ("auto", None))
    with pytest.raises(InputError):
        check_choice("method", np.ones(3), ("auto", "is"))
    with pytest.raises(InputError):
        check_choice("flag", True, (1, 2))


def test_names():
    check_names("priors", ["E"], ["E", "A"], what="parameters")
    with pytest.raises(InputError) as error:
        check_names("priors", ["E", "alpah"], ["E", "alpha"], what="parameters")
    said = "priors names 'alpah'; expected one of the parameters 'E' and 'alpha'. The nearest is 'alpha'."
    assert str(error.value) == said
    with pytest.raises(InputError, match=r"expected none, as there are no pools\.$"):
        check_names("cost", ["A"], [], what="pools")


def test_types():
    assert check_type("path", "x", str, "a path") == "x"
    with pytest.raises(InputError, match=r"^path is 3; expected a path\. Give text\.$"):
        check_type("path", 3, str, "a path", "give text")


def test_distinct():
    check_distinct("names", ["a", "b"])
    with pytest.raises(InputError, match=r"^names gives 'a' twice\. Give it once\.$"):
        check_distinct("names", ["a", "b", "a"])


def test_an_array_is_no_truth_value():
    assert check_flag("throw", np.True_) is True
    assert check_flag("throw", False) is False
    for wrong in (np.array([True, False]), 1, "yes", None):
        with pytest.raises(InputError, match="True or False"):
            check_flag("throw", wrong)
