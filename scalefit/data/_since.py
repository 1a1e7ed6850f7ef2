"""Tables of runs done since others were, read as these were."""

import os
from collections.abc import Mapping

import numpy as np

from .._core import InputError, Phrase
from ._columns import Roles, roles_of
from ._numbers import parse_number
from ._read import read_runs
from ._runs import Runs
from ._select import DERIVED
from ._table import source_of
from ._where import names_in


def read_since(
    source: str | os.PathLike[str],
    first: Runs,
    *,
    columns: Mapping[str, str | None] | None = None,
    where: str | None = None,
) -> Runs:
    """Read runs done since: what a header of the first table means there it means here, and our names mean themselves.

    **Arguments:**

    - `source`: A path.
    - `first`: The runs done before.
    - `columns`, `where`: As these were read. A condition on a column that the table lacks is not of this table: all of
        its rows are taken, with a note.

    **Returns:** the runs, to be `joined` to the first.

    **Raises:** `InputError` for a table that cannot be used, or in which nothing was measured yet.
    """
    given = source_of(source)
    table, name = given.table, given.name
    said = {ours: theirs for ours, theirs in (columns or {}).items() if theirs is None or theirs in table}
    called = {ours: theirs for ours, theirs in first.headers.items() if theirs in table and ours not in said}
    if first.target_header in table and first.target_name not in said:
        called[first.target_name] = first.target_header
    taken = {*said.values(), *called.values()}
    own = {ours: ours for ours in first.inputs if ours in table and ours not in (*said, *called) and ours not in taken}
    columns = {**own, **called, **said}
    if "target" in first.labels:
        known = first.codes("target")[0]
        target = tuple(one for one in known if one in columns or one in table) or tuple(known)
        roles = [roles_of(table, columns, one) for one in target]
    else:
        target = next((header for header in (first.target_header, first.target_name) if header in table), None)
        roles = [roles_of(table, columns, target)]
    headers = [role.target[1] for role in roles]
    if all((cell := parse_number(c)) is not None and np.isnan(cell) for h in headers for c in table[h].tolist()):
        raise InputError(
            repr(name), Phrase(f"has nothing that was measured yet, as the column {headers[0]!r} is empty"),
            remedy="fill it in for the runs that are done, or leave the table out until then",
        )  # fmt: skip
    lacking = sorted(names_in(where) - set().union(*(_names(table, role) for role in roles))) if where else []
    # What the table has under another header is asked of it, and refused with the name to use.
    theirs = {first.headers.get(ours) for role in roles for ours in role.headers} | {first.target_header}
    lacking = [] if theirs & set(lacking) else lacking
    runs = read_runs(table, columns=columns, where=None if lacking else where, target=target, name=name)
    runs = runs.with_fields(notes=(*given.notes, *runs.notes))
    if lacking:
        note = f"all rows are taken, whatever {where!r} says of others: the table has no {', '.join(lacking)}"
        runs = runs.with_fields(notes=(*runs.notes, note))
    return runs


def _names(table: Mapping[str, np.ndarray], roles: Roles) -> set[str]:
    """Names that a condition over a table may use."""
    names = {*table, *roles.headers, roles.target[0]}
    return names | {name for name, (left, right, _) in DERIVED.items() if {left, right} <= names}
