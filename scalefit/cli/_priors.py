"""What `--prior` says in a word, as NumPyro's distributions."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._core import InputError
from ..data import hint, parse_number
from ..specs import bare

DISTRIBUTIONS = (
    "Normal", "LogNormal", "StudentT", "Cauchy", "Laplace", "Logistic", "Gumbel", "Gamma", "InverseGamma",
    "Exponential", "Weibull", "HalfNormal", "HalfCauchy", "TruncatedNormal", "Beta", "Kumaraswamy", "Uniform",
    "LogUniform",
)  # fmt: skip
"""Continuous distributions of one number, by NumPyro's names."""
EXAMPLE = "'alpha=Normal(0.35, 0.1)'"

_PRIOR = re.compile(r"\s*([^=()]+?)\s*=\s*([\w.\- ]+?)\s*\(([^()]*)\)\s*")


def priors_of(given: Iterable[str]) -> dict[str, Any]:
    """Distributions by parameter from `alpha=Normal(0.35, 0.1)` or `alpha=Normal(loc=0.35, scale=0.1)`.

    **Raises:** `InputError` for what is not of that form, unknown distributions, numbers that these cannot have, or
    a parameter given twice.
    """
    found: dict[str, Any] = {}
    for text in given:
        match = _PRIOR.fullmatch(text)
        if match is None:
            raise InputError(f"--prior {text!r}: expected NAME=DISTRIBUTION(NUMBER,…), as in {EXAMPLE}.")
        name, distribution, inside = match.groups()
        if name in found:
            raise InputError(f"--prior gives {name!r} twice; give it once.")
        found[name] = _made(text, distribution, inside)
    return found


def _made(text: str, name: str, inside: str) -> Any:
    known = {bare(one): one for one in DISTRIBUTIONS}.get(bare(name))
    if known is None:
        raise InputError(
            f"--prior {text!r}: there is no distribution {name!r} here; "
            f"{hint(name, DISTRIBUTIONS, what='distributions')}."
        )
    import jax
    import numpyro.distributions as distributions  # it takes a while to import

    make = getattr(distributions, known)
    form = inspect.signature(make).replace(return_annotation=inspect.Signature.empty)
    form = form.replace(parameters=[p for p in form.parameters.values() if p.name != "validate_args"])
    takes = f"{known}({', '.join(form.parameters)})"
    ordered, named = _numbers(text, inside, takes)
    try:
        given = form.bind(*ordered, **named)
    except TypeError as error:
        raise InputError(f"--prior {text!r}: {error}; expected {takes}.") from error
    given.apply_defaults()
    low, high = (given.arguments.get(name) for name in ("low", "high"))
    if low is not None and high is not None and low >= high:  # NumPyro takes these
        raise InputError(f"--prior {text!r}: low must be below high; give other numbers to {takes}.")
    try:
        with jax.enable_x64(True):
            return make(*ordered, **named, validate_args=True)
    except ValueError as error:
        raise InputError(f"--prior {text!r}: {str(error).rstrip('.')}; give other numbers to {takes}.") from error


def _numbers(text: str, inside: str, takes: str) -> tuple[list[float], dict[str, float]]:
    """Numbers in their order, then those with a name."""
    ordered: list[float] = []
    named: dict[str, float] = {}
    for piece in inside.split(",") if inside.strip() else []:
        name, sign, cell = (part.strip() for part in piece.rpartition("="))
        value = parse_number(cell)
        if value is None or not np.isfinite(value) or (sign and not name):
            raise InputError(f"--prior {text!r}: {piece.strip()!r} is no finite number; expected {takes} of numbers.")
        if name in named or (named and not sign):
            raise InputError(f"--prior {text!r}: {piece.strip()!r} comes twice or after a name; expected {takes}.")
        if sign:
            named[name] = value
        else:
            ordered.append(value)
    return ordered, named
