"""Laws whose inputs a table has."""

import numpy as np

from .._core import InputError
from ..data import Runs
from ..laws import AbstractLaw, axes, inputs_of
from ..noise import Gaussian
from ..problem import Problem
from ._law import known_laws


def candidates(runs: Runs) -> tuple[dict[str, AbstractLaw], Runs]:
    """The laws that runs can be fitted by, and those of the runs that all of them can use.

    That is, every law whose inputs the table has, alone or by what is derived from others, with more rows than numbers
    to fit. Laws of one x are tried where the table has one input; where it has sizes, those of losses if the target
    falls with them, and those of scores if it rises.

    **Raises:** `InputError` where there is none.
    """
    found: dict[str, AbstractLaw] = {}
    alone = len(runs.inputs) == 1
    for name, cls in known_laws().items():
        law = cls()
        if "x" in inputs_of(law) and not alone:
            continue
        # The least loss of a compute is no law of all the sizes that were tried at it.
        if set(inputs_of(law)) == {"C"} and law.smaller_is_better and {"N", "D"} <= set(runs.inputs):
            continue
        try:
            problem = Problem.of(law, runs, Gaussian())
        except InputError:
            continue
        named = all(problem.law.entries(axis) for axis in axes(problem.law))
        if named and len(problem.runs) > problem.curve.size and (alone or _alike(problem)):
            found[name] = law
    if not found:
        raise InputError("law", "auto", "runs with the inputs of some law", "see `scalefit laws`, and name one")
    for law in found.values():
        runs = Problem.of(law, runs, Gaussian()).runs
    return found, runs


def _alike(problem: Problem) -> bool:
    """Whether the target goes with sizes as that of the law does: losses fall, scores rise."""
    sizes = [np.log(problem.inputs[name]) for name, said in problem.curve.kinds.items() if said.logarithm]
    if not sizes:
        return True
    with np.errstate(invalid="ignore"):
        along = np.corrcoef([np.asarray(problem.runs.target), *sizes])[0, 1:]
    return bool(np.nansum(along) <= 0.0) is problem.law.smaller_is_better
