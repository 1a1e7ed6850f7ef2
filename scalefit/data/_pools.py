"""Pools of data: how large they are, what they cost, and which run drew how much from which."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_names, check_type, hint, listed
from ._labels import empty_cells
from ._measured import falling, warn_of_rise
from ._runs import Runs

UNLIMITED = 1e18
"""The size that a pool has for a run to which its samples came fresh, none of them twice."""

Numbers = float | Mapping[str, float]
"""One number for every pool, or one by the name of the pool."""


@dataclasses.dataclass(frozen=True, init=False, eq=False)
class Pools:
    """Named pools of unique samples.

    - `names`: Of the pools.
    - `sizes`: Unique samples in each.
    - `cost`: What a sample of each costs to train on, in any unit; all the same unless given.
    - `max_passes`: How often each may be seen; infinite unless given.
    """

    names: tuple[str, ...]
    sizes: Float[np.ndarray, " pool"]
    cost: Float[np.ndarray, " pool"]
    max_passes: Float[np.ndarray, " pool"]

    def __init__(self, sizes: Mapping[str, float], *, cost: Numbers = 1.0, max_passes: Numbers = np.inf):
        """Name the pools.

        **Arguments:**

        - `sizes`: Unique samples by the name of the pool, above 0.
        - `cost`: Cost of a sample, above 0: one number, or by name for every pool.
        - `max_passes`: The most passes allowed, above 0: one number, or by name; a pool not named has no limit.

        **Raises:** `InputError` where there is no pool, a number is missing or not above 0, or a name is unknown.
        """
        if not isinstance(sizes, Mapping) or not sizes:
            raise InputError("sizes", sizes, 'the unique samples by pool, as {"A": 1e6, "B": 5e6}')
        names = tuple(_named("sizes", sizes))
        object.__setattr__(self, "names", names)
        for field, given, usual in (("sizes", sizes, None), ("cost", cost, None), ("max_passes", max_passes, np.inf)):
            object.__setattr__(self, field, _by_name(field, given, names, usual))
        for field, numbers in (("sizes", self.sizes), ("cost", self.cost)):
            if not np.isfinite(numbers).all():
                remedy = "give a pool without an end a very large size"
                raise InputError(field, numbers, "finite numbers", remedy)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Pools({', '.join(f'{name}: {size:g}' for name, size in zip(self.names, self.sizes, strict=True))})"

    @property
    def natural(self) -> Float[np.ndarray, " pool"]:
        """Weights in proportion to the sizes: every sample is as likely as any other."""
        return self.sizes / self.sizes.sum()

    @property
    def uniform(self) -> Float[np.ndarray, " pool"]:
        """The same weight for every pool."""
        return np.full(len(self), 1.0 / len(self))

    def weights(self, plan: Mapping[str, float] | ArrayLike) -> Float[np.ndarray, " pool"]:
        """Weights in the order of the pools, from a mapping by name (0 for the others) or a sequence.

        **Raises:** `InputError` for unknown pools, weights below 0, or a sum that is not 1.
        """
        if isinstance(plan, Mapping):
            plan = _named("weights", plan)
            check_names("weights", plan, self.names, what="pools")
            plan = [plan.get(name, 0.0) for name in self.names]
        try:
            found = np.asarray(plan, float)
        except (TypeError, ValueError):
            raise InputError("weights", plan, "numbers") from None
        if found.shape != (len(self),):
            given = Phrase(f"are {found.size} for {len(self)} pools ({listed(self.names)})")
            raise InputError("weights", given, "one for each pool")
        refuse_shares("weights", found[None])
        return found

    @classmethod
    def of(cls, runs: Runs) -> "Pools":
        """The pools of runs that say the size of each (`pooled`); runs with fresh samples only do not count.

        **Raises:** `InputError` where the runs hold no pools, or a pool has several sizes or none.
        """
        _refuse_no_runs("Pools.of", runs)
        names = [name[2:-1] for name in runs.inputs if name.startswith("U[") and name.endswith("]")]
        if not names:
            raise InputError(
                repr(runs.name), Phrase("says nothing of pools"), remedy="make it with `pooled(runs, pools)`"
            )
        sizes = {}
        for name in names:
            there = np.unique(runs.inputs[f"U[{name}]"])
            there = there[there < UNLIMITED]
            if len(there) != 1:
                wrong = (
                    "only fresh samples" if len(there) == 0 else f"several sizes ({listed(f'{u:g}' for u in there)})"
                )
                remedy = "give the sizes as `Pools({...})`"
                raise InputError(f"Pool {name!r}", Phrase(f"has {wrong} in {runs.name!r}"), remedy=remedy)
            sizes[name] = float(there[0])
        return cls(sizes)


def pooled(
    runs: Runs,
    pools: Pools | Mapping[str, float] | None = None,
    *,
    plans: Mapping[str, Mapping[str, float] | Sequence[float]] | None = None,
    unlimited: Collection[str] | str | None = None,
    metric: str = "auto",
) -> Runs:
    """Say of every run how much it drew from which pool: the inputs n, `w[pool]` and `U[pool]` of the laws of pools.

    Each run names in its label `pool` the one pool it was trained on, or a plan. Samples seen are the input `n` (or
    `samples`); a column `epochs` will do for runs on one pool.

    **Arguments:**

    - `runs`: The table: pool, samples seen or epochs, what was measured.
    - `pools`: The pools, or their sizes by name; unless given, those of the label, sized by the column `U`.
    - `plans`: Weights by the name of a plan, for runs on several pools.
    - `unlimited`: Names (of pools or plans), or one, under which every sample was fresh, none seen twice.
    - `metric`: What was measured: `"error"`, `"accuracy"` (turned into an error) or `"loss"`; if `"auto"`, by the words
        of its name, as in `val_acc` or `error_rate`. Any other name is taken for a loss, and a note says so.

    **Returns:** a new table with those inputs.

    **Warns:** where what was measured rises with the samples on every pool, as an accuracy does.

    **Raises:** `InputError` where a run names no known pool or plan, sizes or samples are missing, columns that say how
    much was seen of how much disagree, weights are off the simplex, or an error or accuracy lies outside [0, 1].
    """
    _refuse_no_runs("pooled", runs)
    if "pool" not in runs.labels:
        raise InputError(
            repr(runs.name), Phrase("does not say which pool a run was trained on"),
            remedy='name the column with `columns={"pool": "its header"}`, or give it as Runs(..., pool=...)',
        )  # fmt: skip
    label = runs.labels["pool"]
    empty = empty_cells(label)
    if empty.any():
        raise InputError(runs.place(int(np.argmax(empty))), Phrase("names no pool"))
    plan_of = np.asarray([str(v) for v in label.tolist()])
    if not isinstance(pools, Pools):
        pools = _pools_of(runs, plan_of) if pools is None else Pools(pools)
    table = _plans(pools, {} if plans is None else plans)
    fresh = _fresh(unlimited, table)
    unknown = [plan for plan in dict.fromkeys(plan_of.tolist()) if plan not in table]
    if unknown:
        near = hint(unknown[0], table, what="pools and plans")
        has = Phrase(f"has runs on {unknown[0]!r}, which is neither a pool nor a plan: {near}")
        raise InputError(repr(runs.name), has, remedy="add it to `plans`, or leave such runs out")
    weights = np.stack([table[plan] for plan in plan_of.tolist()])
    sizes = np.broadcast_to(pools.sizes, weights.shape).copy()
    sizes[np.isin(plan_of, fresh)] = UNLIMITED
    n, notes = _samples(runs, weights, sizes)
    target, name, said = falling(runs, metric)
    warn_of_rise(runs, (weights == 1.0).any(axis=1), n, target, name)
    own = {"n", "U", "samples", "epochs"}
    others = {k: v for k, v in runs.inputs.items() if k not in own and not k.startswith(("w[", "U["))}
    shares = {f"w[{p}]": weights[:, i] for i, p in enumerate(pools.names)}
    unique = {f"U[{p}]": sizes[:, i] for i, p in enumerate(pools.names)}
    inputs = {**others, "n": n, **shares, **unique}
    units = {k: u for k, u in runs.units.items() if k in inputs}
    units |= {"n": "samples seen"} | dict.fromkeys(shares, "share of the samples") | dict.fromkeys(unique, "samples")
    return runs.with_fields(
        inputs=inputs, units=units, target=target, target_name=name, notes=(*runs.notes, *notes, *said)
    )


def with_rounded_shares(runs: Runs, base: str) -> Runs:
    """Divide shares that were rounded, to as many digits as the table has, by their sum, with a note.

    **Arguments:**

    - `base`: Their name before the bracket: w of `w[web]`.
    """
    names = [name for name in runs.inputs if name.startswith(f"{base}[")]
    shares = np.array([runs.inputs[name] for name in names]).reshape(len(names), len(runs))
    # Fewer than two digits are rather a mistake, and more than nine are not rounded.
    digits = (k for k in range(2, 10) if np.allclose(shares * 10.0**k, np.round(shares * 10.0**k), rtol=0, atol=1e-6))
    if not names or np.isnan(shares).any() or (k := next(digits, None)) is None:
        return runs
    total = shares.sum(axis=0)
    off = np.abs(total - 1.0)
    mend = (off > 1e-9) & (off <= len(names) * 0.5 * 10.0**-k * (1 + 1e-6))
    if not mend.any():
        return runs
    shares = np.where(mend, shares / np.where(mend, total, 1.0), shares)
    said = f"{base} sums to {total[mend].min():.10g} to {total[mend].max():.10g} in {int(mend.sum())} rows"
    note = f"{said}, which is 1 within the rounding to {k} digits: the shares were divided by their sum"
    inputs = {**runs.inputs, **dict(zip(names, shares, strict=True))}
    return runs.with_fields(inputs=inputs, notes=(*runs.notes, note))


def refuse_shares(name: str, shares: Float[np.ndarray, "run pool"], rows: np.ndarray | None = None) -> None:
    """Refuse weights that are not 0 or more with a sum of 1."""
    wrong = ~np.isfinite(shares).all(axis=1) | (shares < 0).any(axis=1) | (np.abs(shares.sum(axis=1) - 1.0) > 1e-6)
    if wrong.any():
        first = int(np.argmax(wrong))
        given = f"{np.array2string(shares[first], separator=', ')} with a sum of {shares[first].sum():g}"
        where = "" if rows is None else f" in row {rows[first]}"
        raise InputError(f"{name}{where}", Phrase(f"are {given}"), "shares of 0 or more with a sum of 1")


def _named(what: str, given: Mapping[Any, Any]) -> dict[str, Any]:
    """The same by names that are text, as labels are read.

    **Raises:** `InputError` where two names are the same then.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if str(name) in found:
            raise InputError(what, Phrase(f"names {str(name)!r} twice, as text and as a number"), remedy="name it once")
        found[str(name)] = value
    return found


def _by_name(field: str, given: Any, names: tuple[str, ...], usual: float | None) -> Float[np.ndarray, " pool"]:
    """Numbers in the order of the pools, the usual one for a pool that is not named, if there is a usual one."""
    if isinstance(given, Mapping):
        given = _named(field, given)
        check_names(field, given, names, what="pools")
        lacking = [name for name in names if name not in given]
        if lacking and usual is None:
            raise InputError(field, Phrase(f"has no number for the pool {lacking[0]!r}"))
        given = [given.get(name, usual) for name in names]
    try:
        numbers = np.broadcast_to(np.asarray(given, float), (len(names),)).copy()
    except (TypeError, ValueError):
        raise InputError(field, given, f"one number, or one for each of {listed(names)}") from None
    if not (numbers > 0).all():
        bad = int(np.argmin(numbers > 0))
        raise InputError(f"{field} of the pool {names[bad]!r}", float(numbers[bad]), "a number above 0")
    numbers.flags.writeable = False
    return numbers


def _refuse_no_runs(verb: str, given: Any) -> None:
    check_type(f"The table given to {verb}", given, Runs, "Runs, as `read_runs` or `load_data` give")


def _plans(pools: Pools, plans: Any) -> dict[str, np.ndarray]:
    """Weights by the name of each pool and plan."""
    if not isinstance(plans, Mapping):
        raise InputError("plans", plans, 'weights by the name of a plan, as {"half": {"A": 0.5, "B": 0.5}}')
    table = dict(zip(pools.names, np.eye(len(pools)), strict=True))
    for name, plan in _named("plans", plans).items():
        try:
            weights = pools.weights(plan)
        except InputError as error:
            raise InputError(f"Plan {name!r}", error.given, error.expected, error.remedy) from None
        if name in pools.names and not np.array_equal(weights, table[name]):
            named = Phrase("is named as a pool is and draws from others too")
            raise InputError(f"Plan {name!r}", named, remedy="give it another name")
        table[name] = weights
    return table


def _fresh(unlimited: Any, table: Mapping[str, Any]) -> list[str]:
    """The names under which every sample was fresh."""
    given = () if unlimited is None else (unlimited,) if isinstance(unlimited, str) else unlimited
    if not isinstance(given, Collection):
        raise InputError("unlimited", given, 'names of pools or plans, as ["A"]')
    names = [str(name) for name in given]
    check_names("unlimited", names, table, what="pools and plans")
    return names


def _pools_of(runs: Runs, plan_of: np.ndarray) -> Pools:
    if "U" not in runs.inputs:
        remedy = "give them as `pooled(runs, Pools({...}))`, or a column U"
        raise InputError(repr(runs.name), Phrase("does not say how large its pools are"), remedy=remedy)
    runs.check("U", ~(runs.inputs["U"] <= 0), "a number above 0")
    sizes = {}
    for name in dict.fromkeys(plan_of.tolist()):
        there = np.unique(runs.inputs["U"][plan_of == name])
        if len(there) != 1 or np.isnan(there[0]):
            has = Phrase(f"has the sizes {listed(f'{u:g}' for u in there)} in {runs.name!r}")
            raise InputError(f"Pool {name!r}", has, "one", "give the pools as `pooled(runs, Pools({...}))`")
        sizes[name] = float(there[0])
    return Pools(sizes)


def _samples(runs: Runs, weights: np.ndarray, sizes: np.ndarray) -> tuple[Float[np.ndarray, " run"], tuple[str, ...]]:
    """Samples seen by each run, and a note where they were derived.

    **Raises:** `InputError` where nothing says so, or two columns say otherwise.
    """
    own = np.sum(weights * sizes, axis=1)
    alone = (weights == 1.0).any(axis=1) & (own < UNLIMITED)
    _refuse_other(runs, "U", own, alone, "the size of its pool")
    said = [name for name in ("n", "samples") if name in runs.inputs]
    epochs = runs.inputs.get("epochs")
    if said:
        n = runs.select(said[:1], sizes=True)[0][said[0]]
        _refuse_other(runs, "samples", n, np.ones(len(runs), bool), "n")
        _refuse_other(runs, "epochs", n / own, alone, f"{said[0]} over the size of its pool")
        return n, ()
    if epochs is None:
        says = Phrase("does not say how many samples a run has seen")
        raise InputError(repr(runs.name), says, remedy="give a column n, or epochs")
    runs.check("epochs", epochs > 0, "a number above 0")
    if not alone.all():
        gives = Phrase("gives epochs for a run that is not on one pool of known size")
        raise InputError(runs.place(int(np.argmin(alone))), gives, remedy="give samples seen, n, there")
    return epochs * own, ("n is epochs times the size of the pool",)


def _refuse_other(
    runs: Runs, name: str, expected: Float[np.ndarray, " run"], where: Bool[np.ndarray, " run"], what: str
) -> None:
    """Refuse a column, where there is one, that says otherwise than what is known from elsewhere."""
    column = runs.inputs.get(name)
    if column is None:
        return
    wrong = where & (np.abs(column - expected) > 1e-6 * expected)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{name} in {runs.place(row)}", float(column[row]), f"{expected[row]:.7g}, as {what} makes it",
            f"correct it, or leave the column out with `columns={{{name!r}: None}}`",
        )  # fmt: skip
