"""A prior in words, as NumPyro's distribution."""

import inspect
from typing import Any

import numpy as np

from .._core import InputError, Phrase, suggestion
from ..data import parse_number
from ._bare import bare

DISTRIBUTIONS = (
    "Normal", "LogNormal", "StudentT", "Cauchy", "Laplace", "Logistic", "Gumbel", "Gamma", "InverseGamma",
    "Exponential", "Weibull", "HalfNormal", "HalfCauchy", "TruncatedNormal", "Beta", "Kumaraswamy", "Uniform",
    "LogUniform",
)  # fmt: skip
"""Continuous distributions of one number, by NumPyro's names."""


def prior_of(spec: str, argument: str = "priors") -> Any:
    """Return the distribution of `Normal(0.35, 0.1)` or `Normal(loc=0.35, scale=0.1)`.

    **Arguments:**

    - `spec`: The words.
    - `argument`: Argument that they were given to.

    **Raises:** `InputError` for another form, an unknown distribution, or numbers that it cannot have.
    """
    name, bracket, inside = spec.strip().partition("(")
    known = {bare(one): one for one in DISTRIBUTIONS}.get(bare(name))
    if not bracket or not inside.endswith(")") or known is None:
        expected = f"a distribution of numbers, as {'Normal' if known is None else known}(0.35, 0.1)"
        raise InputError(argument, spec, expected, "" if known else suggestion(name.strip(), DISTRIBUTIONS))
    import jax
    import numpyro.distributions as distributions  # it takes a while to import

    make = getattr(distributions, known)
    form = inspect.signature(make).replace(return_annotation=inspect.Signature.empty)
    form = form.replace(parameters=[p for p in form.parameters.values() if p.name != "validate_args"])
    takes = f"{known}({', '.join(form.parameters)})"
    ordered, named = _numbers(argument, spec, inside.removesuffix(")"), takes)
    try:
        given = form.bind(*ordered, **named)
    except TypeError as error:
        raise InputError(argument, Phrase(f"is {spec!r} ({error})"), takes) from error
    given.apply_defaults()
    low, high = (given.arguments.get(name) for name in ("low", "high"))
    if low is not None and high is not None and low >= high:  # NumPyro takes these
        raise InputError(argument, spec, f"{takes} with low below high")
    try:
        with jax.enable_x64(True):
            return make(*ordered, **named, validate_args=True)
    except ValueError as error:
        said = Phrase(f"is {spec!r} ({str(error).rstrip('.')})")
        raise InputError(argument, said, remedy=f"give other numbers to {takes}") from error


def _numbers(argument: str, spec: str, inside: str, takes: str) -> tuple[list[float], dict[str, float]]:
    """Numbers in their order, then those with a name."""
    ordered: list[float] = []
    named: dict[str, float] = {}
    for piece in inside.split(",") if inside.strip() else []:
        name, sign, cell = (part.strip() for part in piece.rpartition("="))
        value = parse_number(cell)
        if value is None or not np.isfinite(value) or (sign and not name):
            raise InputError(argument, Phrase(f"is {spec!r}, with {piece.strip()!r}"), f"finite numbers for {takes}")
        if name in named or (named and not sign):
            raise InputError(
                argument, Phrase(f"is {spec!r}, with {piece.strip()!r} twice or after a name"), f"numbers for {takes}"
            )
        if sign:
            named[name] = value
        else:
            ordered.append(value)
    return ordered, named
