"""Laws whose inputs a table has."""

from .._core import InputError
from ..data import Runs
from ..laws import AbstractLaw, axes
from ..params import values
from ..problem import usable
from ._law import known_laws


def candidates(runs: Runs) -> tuple[dict[str, AbstractLaw], Runs]:
    """The laws that runs can be fitted by, and those of the runs that all of them can use.

    That is, every law whose inputs the table has, alone or by what is derived from others, with more rows than numbers
    to fit. Laws that say nothing of their own are left out: a law of one x where there are several inputs, and those of
    pools, weights or labels that the table does not name.

    **Raises:** `InputError` where there is none.
    """
    found: dict[str, AbstractLaw] = {}
    kept: dict[str, Runs] = {}
    for name, cls in known_laws().items():
        law = cls()
        try:
            kept[name] = usable(law, runs)
        except InputError:
            continue
        if not axes(law) and len(kept[name]) > values(law).size:
            found[name] = law
    if not found:
        raise InputError("law", "auto", "runs with the inputs of some law", "see `scalefit laws`, and name one")
    for name in found:
        runs = usable(found[name], runs)
    return found, runs
