"""Checks of annotations at run time: as type checkers read them, so that an `int` may stand for a `float`.

jaxtyping's import hook decorates every function, those too that are made anew at each call and those of no array; that
took most of the suite's time. Here functions of modules and classes are checked that annotate an array, each the
first times that a test calls it: of thousands of calls in a loop the last are like the first.
"""

import collections
import functools
import inspect
from collections.abc import Callable
from typing import Any, get_args

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, jaxtyped

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
OFTEN = 6
"""Calls of a function that are checked in one test."""
CALLS: collections.Counter[Callable[..., Any]] = collections.Counter()
"""Calls so far, by function; forgotten from test to test."""


def install() -> None:
    """Have scalefit checked, which nothing may have imported yet."""
    jaxtyping.jaxtyped = where_arrays_are  # what the hook writes above each function
    jaxtyping.install_import_hook("scalefit", "runtime_checks.check")


def where_arrays_are(thing: Any = None, *, typechecker: Any = None) -> Any:
    """`jaxtyped` for classes, and for functions that annotate arrays and are made once."""
    if thing is not None:
        return jaxtyped(thing, typechecker=typechecker)

    def decorated(thing: Any) -> Any:
        if inspect.isclass(thing):
            return jaxtyped(thing, typechecker=typechecker)
        made_once = "<locals>" not in thing.__qualname__
        return at_first(thing, typechecker) if made_once and annotates_arrays(thing) else thing

    return decorated


def at_first(function: Callable[..., Any], typechecker: Any) -> Callable[..., Any]:
    """A function whose first calls in a test are checked."""
    checked = jaxtyped(function, typechecker=typechecker)

    @functools.wraps(checked)
    def called(*arguments: Any, **options: Any) -> Any:
        if CALLS[function] >= OFTEN:
            return function(*arguments, **options)
        CALLS[function] += 1
        return checked(*arguments, **options)

    return called


def annotates_arrays(function: Callable[..., Any]) -> bool:
    """Whether a function annotates an array, or something that holds one."""
    return any(of_array(said) for said in function.__annotations__.values())


def of_array(said: Any) -> bool:
    """Whether an annotation, which may stand in quotes, is of an array or of something that holds one."""
    if isinstance(said, str):
        return any(f"{kind}[" in said for kind in ("Float", "Int", "Bool", "Shaped"))
    return (inspect.isclass(said) and issubclass(said, AbstractArray)) or any(map(of_array, get_args(said)))
