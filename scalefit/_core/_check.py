"""Checks of arguments: each returns what was given, or raises `InputError` naming the argument."""

from collections.abc import Collection, Iterable
from numbers import Real
from typing import Any, TypeGuard, TypeVar

from ._errors import InputError, Phrase, shown
from ._nearest import listed, suggestion

T = TypeVar("T")


def is_number(value: Any) -> TypeGuard[float]:
    """Tell whether a value is a real number; text and truth values, which `float` takes for some, are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_number(
    argument: str, value: Any, *, least: float | None = None, most: float | None = None, above: float | None = None,
    below: float | None = None, whole: bool = False, endless: bool = False, example: str = "", remedy: str = "",
) -> Any:  # fmt: skip
    """Check a number.

    **Arguments:**

    - `argument`: Its name.
    - `value`: What was given.
    - `least`, `most`: Bounds that it may have.
    - `above`, `below`: Bounds that it may not have.
    - `whole`: Whether it must be whole; it is returned as an `int`.
    - `endless`: Whether it may be infinite.
    - `example`: A number that would do, as people write it.
    - `remedy`: What to do instead.

    **Returns:** the number, as a `float` or `int`.

    **Raises:** `InputError` for what is no number, or out of bounds.
    """
    number = value.item() if getattr(value, "shape", None) == () else value  # of NumPy or JAX
    good = is_number(number) and number == number
    good = good and (endless or abs(number) < float("inf")) and (not whole or number == int(number))
    good = good and (least is None or number >= least) and (most is None or number <= most)
    if good and (above is None or number > above) and (below is None or number < below):
        return int(number) if whole else float(number)
    kind = "a whole number" if whole else "a number"
    bounds = [f"{word} {bound:.9g}" for word, bound in (("above", above), ("below", below)) if bound is not None]
    if least is not None and most is not None:
        bounds.append(f"from {least:.9g} to {most:.9g}")
    elif least is not None or most is not None:
        bounds.append(f"of at least {least:.9g}" if most is None else f"of at most {most:.9g}")
    if above is not None and below is not None:
        bounds[:2] = [f"between {above:.9g} and {below:.9g}"]
    words = " ".join([kind if bounds or whole or endless else "a finite number", " and ".join(bounds)]).strip()
    raise InputError(argument, value, words + (f", as {example}" if example else ""), remedy)


def check_flag(argument: str, value: Any) -> bool:
    """Check a truth value, of Python or NumPy; an array of them is none."""
    one = value.item() if getattr(value, "shape", None) == () else value  # of NumPy or JAX
    if not isinstance(one, bool):
        raise InputError(argument, value, "True or False")
    return one


def check_probability(argument: str, value: Any) -> float:
    """Check a probability, or the level of an interval: above 0 and below 1."""
    return check_number(argument, value, above=0.0, below=1.0, example="0.95")


def check_choice(argument: str, value: Any, choices: Iterable[T], *, remedy: str = "") -> T:
    """Check a word, or another value, against those that there are; the nearest is named where one is near.

    **Raises:** `InputError` for any other.
    """
    choices = list(choices)
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    words = [choice for choice in choices if isinstance(choice, str)]
    others = [str(choice) for choice in choices if not isinstance(choice, str)]
    expected = " or ".join([*([listed(words, last=" or ")] if words else []), *others])
    raise InputError(argument, value, expected, remedy or (suggestion(value, words) if len(words) > 2 else ""))


def check_names(
    argument: str, names: Iterable[str], known: Collection[str], *, what: str = "names", remedy: str = ""
) -> None:
    """Check names against those that there are, of columns, parameters, pools or studies.

    **Raises:** `InputError` for the first that is none of them.
    """
    for name in names:
        if name not in known:
            expected = f"one of the {what} {listed(known, last=' and ')}" if known else f"none, as there are no {what}"
            raise InputError(argument, Phrase(f"names {name!r}"), expected, remedy or suggestion(name, known))


def check_type(argument: str, value: Any, types: type[T] | tuple[type[T], ...], expected: str, remedy: str = "") -> T:
    """Check what kind of object was given.

    **Raises:** `InputError` for another.
    """
    if not isinstance(value, types):
        raise InputError(argument, value, expected, remedy)
    return value


def check_distinct(argument: str, values: Iterable[Any]) -> None:
    """Check that nothing was given twice.

    **Raises:** `InputError` naming what was.
    """
    seen = []
    for value in values:
        if value in seen:
            raise InputError(argument, Phrase(f"gives {shown(value)} twice"), remedy="give it once")
        seen.append(value)
