"""Checks of which kind of result a verb was given: each returns it, or says what makes one."""

from os import PathLike
from typing import Any

from .._core import InputError
from ..data import Runs
from ..laws import AbstractLaw
from ._fit import Ensemble, Fit


def check_fit(argument: str, value: Any) -> Fit[Any]:
    """Check that a fit was given, or a batch of them.

    **Raises:** `InputError` for anything else.
    """
    if isinstance(value, Fit):
        return value
    draws = "give the fit that they are about, `draws.fit`"
    raise InputError(argument, value, "a fit", draws if isinstance(value, Ensemble) else _first(value))


def check_draws(argument: str, value: Any) -> Ensemble[Any]:
    """Check that draws about a fit were given.

    **Raises:** `InputError` for anything else.
    """
    if isinstance(value, Ensemble):
        return value
    draw = "draw some about it: bootstrap(fit), or sample(fit) for those of a posterior"
    raise InputError(argument, value, "draws about a fit", draw if isinstance(value, Fit) else _first(value))


def check_result(argument: str, value: Any) -> Fit[Any] | Ensemble[Any]:
    """Check that a fit or draws about one were given.

    **Raises:** `InputError` for anything else.
    """
    if isinstance(value, Fit | Ensemble):
        return value
    raise InputError(argument, value, "a fit, or draws about one", _first(value))


def _first(value: Any) -> str:
    """What to do first with something that is no result."""
    if isinstance(value, AbstractLaw) or (isinstance(value, type) and issubclass(value, AbstractLaw)):
        return "fit the law first: fit(law, runs)"
    if isinstance(value, Runs):
        return "fit a law to the runs first: fit(law, runs)"
    if isinstance(getattr(value, "fit", None), Fit):  # a discrepancy, or what else knows its fit
        return "give its `fit`, or ask `forecast`, which takes the discrepancy of a fit"
    return "read it first: load(path)" if isinstance(value, str | PathLike) else ""
