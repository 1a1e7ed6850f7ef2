"""A noise in a word, and back."""

from typing import Any

import numpy as np

from .._core import InputError, listed, suggestion
from ..data import parse_number
from ..noise import AbstractNoise, Asymmetric, Gaussian, Huber, StudentT
from ._bare import bare

NOISES: dict[str, tuple[type[AbstractNoise], str | None]] = {
    "gaussian": (Gaussian, None),
    "huber": (Huber, "delta"),
    "student-t": (StudentT, "df"),
    "asymmetric": (Asymmetric, "ratio"),
}
"""Name → its class, and the field that a number after the name sets."""

_EXAMPLE = {"huber": "huber:1e-3", "student-t": "student-t:4", "asymmetric": "asymmetric:10"}


def noise_of(spec: str, argument: str = "noise") -> AbstractNoise:
    """Return the noise of `gaussian`, `huber:1e-3`, `student-t:4`, `asymmetric:10`; `:value` leaves logarithms out.

    `gaussian:absolute` takes the runs' `se` as they are.

    **Arguments:**

    - `spec`: The word.
    - `argument`: Argument that it was given to.

    **Raises:** `InputError` naming the nearest noise, or the number expected.
    """
    name, *rest = (part.strip() for part in spec.split(":"))
    found = {bare(known): known for known in NOISES}.get(bare(name))
    if found is None:
        raise InputError(argument, spec, listed(NOISES, last=" or "), suggestion(name, NOISES))
    cls, field = NOISES[found]
    example = _EXAMPLE.get(found, found)
    given: dict[str, Any] = {}
    words = {"value": ("log", False)} | ({"absolute": ("absolute", True)} if cls is Gaussian else {})
    while rest and rest[-1].lower() in words:
        key, meant = words.pop(rest.pop().lower())
        given[key] = meant
    if rest and field is not None:
        number = parse_number(rest[0])
        if number is None or not number > 0 or not np.isfinite(number):
            raise InputError(argument, spec, f"a {field} above 0, as in {example}")
        given[field] = number
        rest.pop(0)
    if rest:
        raise InputError(argument, spec, f"{example} or {example}:value", f"leave out {':'.join(rest)!r}")
    return cls(**given)


def noise_spec(noise: AbstractNoise) -> str:
    """Return the word that gives this noise back."""
    for name, (cls, field) in NOISES.items():
        if type(noise) is cls:
            parts = [name, *([] if field is None else [f"{float(getattr(noise, field)):.17g}"])]
            return ":".join([*parts, *([] if noise.log else ["value"]), *(["absolute"] if noise.absolute else [])])
    return type(noise).__name__
