"""Tables of pools and plans, the law of the pools of runs, and runs that say what each drew from which pool."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from .._core import InputError, Phrase, check_choice, check_names, listed, suggestion
from ..data import Pools, Runs, parse_number, pooled, table_of
from ..laws import AbstractLaw, AbstractPools, Size, Weights, along_axes, axes, inputs_of
from ..problem import named_after, usable
from ..results import Ensemble, Fit
from ..specs import bare, known_laws, law_class, with_fixed
from ._words import by_pool

PREFIX = "pools-"
Law = TypeVar("Law", bound=AbstractLaw)


def is_of_pools(law: AbstractLaw) -> bool:
    """Tell whether a law takes weights of pools, and how large these are."""
    kinds = inputs_of(law).values()
    weighed = {one.axis for one in kinds if isinstance(one, Weights)}
    return any(isinstance(one, Size) and one.axis in weighed for one in kinds)


def law_in(result: Any) -> Any:
    """The law of a result, or the law itself."""
    return result.fit.law if isinstance(result, Fit | Ensemble) else result


def pools_law(spec: str) -> type[AbstractPools]:
    """A law of pools by its short name, `qqt` for `pools-qqt`, or from the user's file.

    **Raises:** `InputError` naming the nearest, or for a law of another kind.
    """
    if ".py" not in spec.lower():
        short = {k.removeprefix(PREFIX): c for k, c in known_laws().items() if issubclass(c, AbstractPools)}
        found = {bare(k): c for k, c in short.items()}.get(bare(spec).removeprefix(bare(PREFIX)))
        if found is None:
            expected = f"a law of pools: {listed(short, last=' or ')}"
            raise InputError("law", spec, expected, suggestion(spec, short))
        return found
    cls = law_class(spec)
    if not issubclass(cls, AbstractPools):
        raise InputError("law", spec, f"a law of pools, and {cls.__name__} is no subclass of AbstractPools")
    return cls


def options_of(cls: type[AbstractPools], half_life: str, floor: str) -> dict[str, Any]:
    """The options of a law of pools.

    **Raises:** `InputError` for words that are none of them, and for a floor where the law leaves no choice.
    """
    number = parse_number(half_life)
    half_life = "weighted" if half_life.lower() == "auto" else half_life
    options: dict[str, Any] = {"half_life": half_life.lower()}
    if number is not None and np.isfinite(number):
        options = {"half_life": number}
    elif half_life.lower() not in ("weighted", "own"):
        raise InputError("half_life", half_life, "auto, weighted, own, or a number such as 0.4")
    if check_choice("floor", floor, ("outside", "released")) == "released":
        if "floor" not in cls.__dataclass_fields__:
            raise InputError("floor", floor, f"outside, the one form of {cls.__name__}", "leave it out")
        options["floor"] = "released"
    return options


def sizes_of(
    path: Path | None, given: Sequence[str] | None
) -> tuple[dict[str, float] | None, dict[str, dict[str, float]]]:
    """Sizes by pool from `--pools` or `--pool-size`, the latter first, and what else the table says: cost, max_passes.

    An empty cell of max_passes, or `inf` there, is no limit.

    **Raises:** `InputError` for a table without them, or numbers that are none.
    """
    said = by_pool(given, "sizes", alone=False, above=0.0)
    assert said is None or isinstance(said, dict)
    if path is None:
        return said, {}
    table = table_of(path)[0]
    names = _names(table, "pool", path, "pools")
    header = next((h for h in ("size", "U", "samples", "unique") if h in table), None)
    if header is None:
        raise _lacks("pools", path, "size", table)

    def numbers(header: str, **options: bool) -> dict[str, float]:
        return dict(zip(names, _numbers(table[header], header, path, **options), strict=True))

    found = numbers(header)
    further = {"cost": numbers("cost")} if "cost" in table else {}
    if "max_passes" in table:
        passes = numbers("max_passes", gaps=True, endless=True)
        further["max_passes"] = {name: np.inf if np.isnan(most) else most for name, most in passes.items()}
    return found | (said or {}), further


def plans_of(path: Path | None, names: Sequence[str]) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Weights by plan from `--plans`, and the plans that its column `kind` calls unlimited.

    **Raises:** `InputError` for a table without plans, or with a column that is no pool.
    """
    if path is None:
        return {}, []
    table = table_of(path)[0]
    plans = _names(table, "plan", path, "plans")
    kinds = [str(kind) for kind in table.get("kind", np.full(len(plans), "")).tolist()]
    headers = [h for h in table if h not in ("plan", "kind")]
    check_names("plans", headers, names, what="pools")
    columns = {h: np.nan_to_num(_numbers(table[h], h, path, gaps=True)) for h in headers}
    weights = {plan: {h: float(columns[h][i]) for h in headers} for i, plan in enumerate(plans)}
    return weights, [plan for plan, kind in zip(plans, kinds, strict=True) if kind == "unlimited"]


def named_runs(
    runs: Runs,
    sizes: Mapping[str, float] | None = None,
    plans: Path | None = None,
    unlimited: Sequence[str] = (),
    metric: str = "auto",
) -> Runs:
    """Runs that say what each drew from which pool: as they are where they do so already.

    **Raises:** `InputError` where they cannot be made to.
    """
    if any(name.startswith("w[") for name in runs.inputs):
        for argument, given in (("plans", plans), ("unlimited", unlimited), ("metric", metric != "auto")):
            if given:
                why = Phrase(f"was given, and {runs.name!r} says already what its runs drew from which pool")
                raise InputError(argument, why, remedy="leave it out")
        return runs
    pools = None if sizes is None else Pools(sizes)
    if plans is not None and pools is None:
        raise InputError("plans", Phrase("says what runs drew from pools, and nothing says how large these are"),
                         remedy="give `pooled(...)`")  # fmt: skip
    weights, fresh = plans_of(plans, () if pools is None else pools.names)
    there = set(runs.labels["pool"].tolist()) if "pool" in runs.labels else set()
    fresh = [name for name in fresh if str(name) in {str(pool) for pool in there}]
    names = [name.strip() for text in unlimited for name in text.split(",")]
    return pooled(runs, pools, plans=weights, unlimited=[*fresh, *names], metric=metric)


def drawn_from(runs: Runs) -> tuple[str, ...]:
    """The pools that some run drew from."""
    return tuple(name[2:-1] for name, w in runs.inputs.items() if name.startswith("w[") and (w > 0).any())


def pools_of(
    runs: Runs, sizes: Mapping[str, float] | None, further: Mapping[str, Mapping[str, float]]
) -> tuple[Pools, list[str]]:
    """The pools that runs drew from, with their limits; and those of a table that no run drew from.

    **Arguments:**

    - `runs`: As `named_runs` gives them.
    - `sizes`: By pool; `None` where the runs say them.
    - `further`: Of the table of pools: cost and max_passes.

    **Raises:** `InputError` for fewer than two pools, or one of no size.
    """
    names = drawn_from(runs)
    if sizes is None:
        known = Pools.of(runs)
        sizes = dict(zip(known.names, known.sizes.tolist(), strict=True))
    if len(names) < 2:
        raise InputError(f"The runs of {runs.name!r}", Phrase(f"drew from {listed(names)} only"), "two pools or more")
    lacking = [name for name in names if name not in sizes]
    if lacking:
        raise InputError("sizes", Phrase(f"and `pools` do not say how large pool {lacking[0]!r} is"),
                         remedy=f"add it, as {lacking[0]}=1M")  # fmt: skip
    cost, most = further.get("cost", {}), further.get("max_passes", {})
    pools = Pools(
        {name: sizes[name] for name in names},
        cost={name: cost.get(name, 1.0) for name in names},
        max_passes={name: most.get(name, np.inf) for name in names},
    )
    return pools, [name for name in sizes if name not in names]


def named_law(
    law: Law,
    runs: Runs,
    fixed: Mapping[str, float],
    sizes: Mapping[str, float] | None = None,
    plans: Path | None = None,
) -> tuple[Law, Runs]:
    """A law of pools with the pools that the runs drew from, and runs that say so; any other law holds what is fixed.

    A pool of the table that no run drew from would bring parameters that nothing determines.

    **Raises:** `InputError` as `named_runs`, for fixed parameters that the law does not have, and for pools where the
    law is of none.
    """
    if not is_of_pools(law) or all(law.entries(axis) for axis in axes(law)):
        for argument, given in (("sizes", sizes), ("plans", plans)):
            if given is not None:
                expected = f"none, as {type(law).__name__} is no law of pools"
                raise InputError(argument, Phrase("was given"), expected, "leave it out, or fit pools-qqt or another")
        if fixed and any(not law.entries(axis) for axis in axes(law)):  # whose names the runs have
            return cast(Law, with_fixed(named_after(law, usable(law, runs)), fixed)), runs
        return law, runs
    runs = named_runs(runs, sizes, plans)
    named = along_axes(law, (f"w[{name}]" for name in drawn_from(runs)))
    return with_fixed(named, fixed) if fixed else named, runs


def _names(table: Mapping[str, np.ndarray], header: str, path: Path, argument: str) -> list[str]:
    if header not in table:
        raise _lacks(argument, path, header, table)
    names = [str(name) for name in table[header].tolist()]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise InputError(argument, Phrase(f"is {path.name!r}, which has the {header} {twice[0]!r} twice"),
                         remedy="give each once")  # fmt: skip
    return names


def _lacks(argument: str, path: Path, header: str, table: Mapping[str, np.ndarray]) -> InputError:
    there = suggestion(header, table) or f"its columns are {listed(table)}"
    return InputError(argument, Phrase(f"is {path.name!r}, which has no column {header!r}"), remedy=there)


def _numbers(column: np.ndarray, header: str, path: Path, *, gaps: bool = False, endless: bool = False) -> list[float]:
    found = []
    for i, cell in enumerate(column.tolist()):
        number = parse_number(cell)
        if number is None or (np.isinf(number) and not endless) or (np.isnan(number) and not gaps):
            raise InputError(f"Column {header!r} of {path.name!r}, row {i + 1},", cell, "a number")
        found.append(number)
    return found
