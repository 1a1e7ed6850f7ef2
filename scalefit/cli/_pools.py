"""What the command line says of pools: numbers by pool, tables of sizes and plans, the law of the pools of runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .._core import InputError
from ..data import Pools, Runs, hint, listed, parse_number, pooled, table_of
from ..laws import AbstractLaw, AbstractPools
from ..specs import known_laws, law_class, with_fixed

PREFIX = "pools-"
Law = TypeVar("Law", bound=AbstractLaw)


def pools_law(spec: str) -> type[AbstractPools]:
    """A law of pools by its short name, `qqt` for `pools-qqt`, or from the user's file.

    **Raises:** `InputError` naming the nearest, or for a law of another kind.
    """
    if ".py" not in spec.lower():
        short = {k.removeprefix(PREFIX): c for k, c in known_laws().items() if issubclass(c, AbstractPools)}
        plain = {_key(k): c for k, c in short.items()}
        found = plain.get(_key(spec)) or plain.get(_key(spec).removeprefix(_key(PREFIX)))
        if found is None:
            raise InputError(
                f"--law {spec!r}: there is no law of pools of that name; {hint(spec, short, what='laws')}."
            )
        return found
    cls = law_class(spec)
    if not issubclass(cls, AbstractPools):
        raise InputError(f"--law {spec!r}: {cls.__name__} is no law of pools; expected a subclass of AbstractPools.")
    return cls


def options_of(cls: type[AbstractPools], half_life: str, floor: str) -> dict[str, Any]:
    """The options of a law of pools.

    **Raises:** `InputError` for words that are none of them, and for a floor where the law leaves no choice.
    """
    number = parse_number(half_life)
    options: dict[str, Any] = {"half_life": half_life.lower()}
    if number is not None and np.isfinite(number):
        options = {"half_life": number}
    elif half_life.lower() not in ("weighted", "own"):
        raise InputError(f"--half-life is {half_life!r}; expected weighted, own, or a number such as 0.4.")
    if floor not in ("outside", "released"):
        raise InputError(f"--floor is {floor!r}; expected outside or released.")
    if floor == "released":
        if "floor" not in cls.__dataclass_fields__:
            raise InputError(f"--floor released: {cls.__name__} has one form only; leave --floor out.")
        options["floor"] = "released"
    return options


def by_pool(
    given: Sequence[str], option: str, *, alone: bool = True, above: float | None = None, endless: bool = False
) -> dict[str, float] | float | None:
    """Numbers by pool from `A=1024,B=2M`, or one number for all where that makes sense; nothing is `None`.

    **Arguments:**

    - `given`, `option`: What was given for which option.
    - `alone`: Whether one number for all makes sense.
    - `above`: What every number must be above.
    - `endless`: Whether `inf` is a number, for no limit.

    **Raises:** `InputError` for a piece that is neither, a number that is not above, or a name given twice.
    """
    pieces = [piece.strip() for text in given for piece in text.split(",")]
    if not pieces:
        return None
    expected = "expected POOL=NUMBER,…, as A=4,B=8" + (", or one number for all" if alone else "")
    found: dict[str, float] = {}
    for piece in pieces:
        name, sign, text = (part.strip() for part in piece.rpartition("="))
        number = parse_number(text)
        none = number is None or np.isnan(number) or (np.isinf(number) and not endless)
        if number is None or none or (sign and not name) or not (sign or alone):
            raise InputError(f"{option} {piece!r}: {expected}.")
        if above is not None and not number > above:
            of = f" of the pool {name!r}" if sign else ""
            raise InputError(f"{option}{of} is {number:g}; it must be above {above:g}.")
        if not sign:
            if len(pieces) > 1:
                raise InputError(f"{option} gives {piece!r} beside other numbers; {expected}.")
            return number
        if name in found:
            raise InputError(f"{option} gives {name!r} twice; give it once.")
        found[name] = number
    return found


def every(given: dict[str, float] | float | None, usual: Mapping[str, float], option: str) -> dict[str, float]:
    """The usual number of each pool, but where another was given, for it or for all.

    **Raises:** `InputError` for a pool that is not there.
    """
    if given is None:
        return dict(usual)
    if not isinstance(given, Mapping):
        return dict.fromkeys(usual, given)
    for name in given:
        if name not in usual:
            raise InputError(f"{option} names a pool {name!r}; {hint(name, usual, what='pools')}.")
    return dict(usual) | given


def sizes_of(path: Path | None, given: Sequence[str]) -> tuple[dict[str, float] | None, dict[str, dict[str, float]]]:
    """Sizes by pool from `--pools` or `--size`, the latter first, and what else the table says: cost, max_passes.

    An empty cell of max_passes, or `inf` there, is no limit.

    **Raises:** `InputError` for a table without them, or numbers that are none.
    """
    said = by_pool(given, "--size", alone=False, above=0.0)
    assert said is None or isinstance(said, dict)
    if path is None:
        return said, {}
    table = table_of(path)[0]
    names = _names(table, "pool", path, "--pools")
    header = next((h for h in ("size", "U", "samples", "unique") if h in table), None)
    if header is None:
        raise InputError(f"--pools {path.name!r} has no column 'size': {hint('size', table)}.")

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
    plans = _names(table, "plan", path, "--plans")
    kinds = [str(kind) for kind in table.get("kind", np.full(len(plans), "")).tolist()]
    headers = [h for h in table if h not in ("plan", "kind")]
    for header in headers:
        if header not in names:
            raise InputError(
                f"--plans {path.name!r} has a column {header!r}, which is no pool; {hint(header, names, what='pools')}."
            )
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
        for option, given in (("plans", plans), ("unlimited", unlimited), ("metric", metric != "auto")):
            if given:
                raise InputError(f"{runs.name!r} says already what its runs drew from which pool, and --{option} would "
                                 f"say it otherwise: leave it out.")  # fmt: skip
        return runs
    pools = None if sizes is None else Pools(sizes)
    if plans is not None and pools is None:
        raise InputError("--plans says what runs drew from pools, and nothing says how large these are: give --size "
                         "A=1024,B=2048, or --pools sizes.csv.")  # fmt: skip
    weights, fresh = plans_of(plans, () if pools is None else pools.names)
    there = set(runs.labels["pool"].tolist()) if "pool" in runs.labels else set()
    fresh = [name for name in fresh if str(name) in {str(pool) for pool in there}]
    names = [name.strip() for text in unlimited for name in text.split(",")]
    return pooled(runs, pools, plans=weights, unlimited=[*fresh, *names], metric=metric)


def drawn_from(runs: Runs) -> tuple[str, ...]:
    """The pools that some run drew from."""
    return tuple(name[2:-1] for name, w in runs.inputs.items() if name.startswith("w[") and (w > 0).any())


def named_law(
    law: Law,
    runs: Runs,
    fixed: Mapping[str, float],
    sizes: Mapping[str, float] | None = None,
    plans: Path | None = None,
) -> tuple[Law, Runs]:
    """A law of pools with the pools that the runs drew from, and runs that say so; any other law as it is.

    A pool of the table that no run drew from would bring parameters that nothing determines.

    **Raises:** `InputError` as `named_runs`, for fixed parameters that the law does not have, and for pools where the
    law is of none.
    """
    if not isinstance(law, AbstractPools) or law.pool:
        if sizes is not None or plans is not None:
            raise InputError(
                f"--size, --pools and --plans go with a law of pools, and {type(law).__name__} is none: leave them "
                f"out, or choose one such as --law pools-qqt."
            )
        return law, runs
    runs = named_runs(runs, sizes, plans)
    named = type(law).of(drawn_from(runs))
    return with_fixed(named, fixed) if fixed else named, runs


def _names(table: Mapping[str, np.ndarray], header: str, path: Path, option: str) -> list[str]:
    if header not in table:
        raise InputError(f"{option} {path.name!r} has no column {header!r}: {hint(header, table)}.")
    names = [str(name) for name in table[header].tolist()]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise InputError(
            f"{option} {path.name!r} has the {header} {twice[0]!r} twice; give each once ({listed(set(names))})."
        )
    return names


def _numbers(column: np.ndarray, header: str, path: Path, *, gaps: bool = False, endless: bool = False) -> list[float]:
    found = []
    for i, cell in enumerate(column.tolist()):
        number = parse_number(cell)
        if number is None or (np.isinf(number) and not endless) or (np.isnan(number) and not gaps):
            raise InputError(f"{path.name!r}, column {header!r}, row {i + 1}: {cell!r} is no number.")
        found.append(number)
    return found


def _key(name: str) -> str:
    return "".join(c for c in name.lower() if c not in " _-.")
