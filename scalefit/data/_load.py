"""Data sets by name: as runs, as fitted parameters, or as a plain table."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict, overload

import numpy as np

from .._core import InputError, Phrase, check_type
from ._data_sets import BUNDLED, BUNDLED_POOLS, BUNDLED_UNITS, data_set
from ._fetch import fetch
from ._mixture_paths import read_mixture_paths
from ._pools import Pools, pooled
from ._read import read_runs
from ._runs import Runs
from ._table import table_of


class PoolForm(TypedDict):
    """The parameters of one form: arrays per pool, and what the pools share."""

    b: np.ndarray
    tau: np.ndarray
    a: float
    d: float


@dataclasses.dataclass(frozen=True, eq=False)
class PoolParameters:
    """Published parameters of data pools (arXiv 2404.07177), in the two forms fitted there.

    Each form holds `b` (utility) and `tau` (half-life in epochs), one value per pool in the order of `names`, and the
    shared `a` (inside the power, samples in units of 1e5) and `d` (floor of the error). The file does not record `d`
    for the effective-data form; 0.1 is its authors' default.
    """

    names: tuple[str, ...]
    utility: PoolForm
    effective: PoolForm


# The one name that gives no runs; pyright takes the overlap with `str` for a mistake.
@overload
def load_data(name: Literal["qqt"]) -> PoolParameters: ...  # pyright: ignore[reportOverlappingOverload]  as said
@overload
def load_data(
    name: str,
    *,
    file: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    where: str | None = None,
    target: str | Sequence[str] | None = None,
) -> Runs: ...
def load_data(
    name: str,
    *,
    file: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    where: str | None = None,
    target: str | Sequence[str] | None = None,
) -> Runs | PoolParameters:
    """Load a data set by name: a public one, or `"bundled"`, the runs that ship with the package.

    **Arguments:**

    - `name`: `"bundled"` or a name of `data_sets()`. `"qqt"` holds no runs and gives `PoolParameters`; mixtures are
        read by `read_mixture_paths`.
    - `file`: Another file of the set than its first, such as `"pools_teacher.csv"` of the bundled ones.
    - `columns`, `where`, `target`: As `read_runs` takes them; what `columns` does not name stays as the set has it.

    **Returns:** [`scalefit.Runs`][], with sizes in parameters and tokens and compute in FLOP; the bundled runs count
    samples and nats per sample, as their `units` say.

    **Raises:** `InputError` where the name is unknown (the nearest is named) or the file cannot be had.
    """
    check_type("name", name, str, "the name of a data set")
    if name in BUNDLED_POOLS:
        if file is not None or columns or target is not None:
            raise InputError(
                repr(name), Phrase("is read as it is, with what each run drew from which pool"),
                remedy="leave out the file, `columns` and `target`, or read a file of 'bundled'",
            )  # fmt: skip
        return _bundled_pools(name, where)
    if name == BUNDLED:
        path = fetch(name, file=file)
        runs = read_runs(path, columns=columns, where=where, target=target, name=name)
        counted = BUNDLED_UNITS.get(path.name, {})
        headers = {runs.target_name: runs.target_header, **{k: runs.headers.get(k, k) for k in runs.inputs}}
        said = {k: counted[header] for k, header in headers.items() if header in counted}
        return runs.with_fields(units={**runs.units, **said})
    record = data_set(name)
    if record.name == "qqt":
        if file not in (None, record.files[0].path):
            remedy = f"read its tables with load_table('qqt', {file!r})"
            raise InputError("'qqt'", Phrase("holds no runs"), remedy=remedy)
        return _pool_parameters()
    if record.domains:
        if columns or target is not None:
            raise InputError(repr(name), Phrase("has its weights in names of folders, and no columns"),
                             remedy="leave out `columns` and `target`: each row says its target")  # fmt: skip
        mixed = read_mixture_paths(fetch(name, file=file), domains=record.domains).with_fields(name=name)
        return mixed if where is None else mixed.where(where)
    usual = record.columns if columns is None else columns
    if isinstance(columns, Mapping):
        usual = {**record.columns, **columns}
    return read_runs(fetch(name, file=file), columns=usual, where=where, target=target, name=name)


def _bundled_pools(name: str, where: str | None) -> Runs:
    """The runs of a task, each with what it drew from which pool; `kind` is a column of its own."""
    task = name.removeprefix("pools-")
    plans, sizes = load_table(BUNDLED, "pools_plans.csv"), load_table(BUNDLED, "pools_sizes.csv")
    rows = zip(sizes["task"], sizes["pool"], sizes["size"], strict=True)
    pools = Pools({pool: float(size) for row, pool, size in rows if row == task})
    weights = {plan: {p: float(plans[p][i]) for p in pools.names} for i, plan in enumerate(plans["plan"])}
    fresh = [plan for plan, kind in zip(plans["plan"], plans["kind"], strict=True) if kind == "unlimited"]
    path = fetch(BUNDLED, file=f"pools_{task}.csv")
    runs = pooled(read_runs(path, columns={"pool": "plan"}, name=name), pools, plans=weights, unlimited=fresh)
    kinds = dict(zip(plans["plan"], plans["kind"], strict=True))
    kind = np.asarray([kinds[plan] for plan in runs.labels["pool"].tolist()])
    runs = runs.with_fields(columns={**runs.columns, "kind": kind})
    return runs if where is None else runs.where(where)


def load_table(name: str, file: str) -> dict[str, np.ndarray]:
    """Load a file of a public data set, or of the bundled one, as it stands: arrays by header.

    **Raises:** `InputError` where the name or the file is unknown or cannot be had.
    """
    return table_of(fetch(name, file=file))[0]


def _pool_parameters() -> PoolParameters:
    lines = fetch("qqt").read_text(encoding="utf-8").splitlines()
    forms = {record["id"]: record for record in map(json.loads, filter(str.strip, lines))}
    utility, effective = forms["tmars_imagenet1k_utility"], forms["tmars_imagenet1k_data"]
    return PoolParameters(
        names=tuple(_short(n) for n in utility["names"]),
        utility=_form(utility, utility["d_value"]),
        # The file does not record the floor of this form: the default of the upstream script.
        effective=_form(effective, 0.1),
    )


def _form(record: dict, floor: float) -> PoolForm:
    return {"b": np.array(record["b_values"]), "tau": np.array(record["c_values"]), "a": record["best_a"], "d": floor}


def _short(name: str) -> str:
    """`tmars_top0to10p` is the pool `top0-10`, as in the derived table."""
    name = name.removeprefix("tmars_")
    if name == "top0to40p_random25p":
        return "random25_of_top0-40"
    return re.sub(r"^top(\d+)to(\d+)p$", r"top\1-\2", name)
