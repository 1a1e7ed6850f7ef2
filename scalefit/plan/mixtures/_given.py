"""Mixtures as people give them: weights by domain, or a mixture that was found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_names, check_number, check_type
from ._result import BestMixture

MISSED = 1e-3
"""By how much weights that people write may miss the sum of 1; they are divided by it."""


def weights_given(argument: str, given: Any, domains: Sequence[str]) -> Float[np.ndarray, " domain"]:
    """Weights in the order of the domains.

    **Raises:** `InputError` for unknown domains, numbers that are no weights, and another sum than 1.
    """
    if isinstance(given, BestMixture):
        given = given.weights_by_name()
    check_type(argument, given, Mapping, "weights by domain, as {'web': 0.7, 'code': 0.3}, or a mixture that was found")
    check_names(argument, given, domains, what="domains")
    found = np.array([check_number(f"{argument}: {d}", given.get(d, 0.0), least=0.0) for d in domains])
    if not abs(found.sum() - 1.0) <= MISSED:
        raise InputError(argument, Phrase(f"sums to {found.sum():.6g}"), "weights with a sum of 1")
    return found / found.sum()
