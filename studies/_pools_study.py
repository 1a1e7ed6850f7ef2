"""Runs on pools as a cube, laws fitted to the single pools of some of it, and what they say of everything else."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

import scalefit as sf
from scalefit.laws import AbstractLaw

POOLS = tuple("ABCDSL")
"""Those of every window; E, with noise on its inputs, only where a window says so."""
SIZE = {"teacher": 1024, "signals": 2048}
"""Unique samples of the pools A to E: passes are theirs."""
FOREVER = 1e9
"""A half-life that ignores repetition."""
SEEDS = 20
HALVES = np.stack([np.arange(SEEDS) % 2 == 0, np.arange(SEEDS) % 2 == 1]).astype(float)
EVERY = np.ones(SEEDS)


class Law(NamedTuple):
    """A law to be judged; `start` has natural values by field, `fixed` the fields that are held there."""

    name: str
    of: Any
    start: tuple[tuple[str, float], ...]
    fixed: tuple[str, ...] = ()


_UTILITY = (("d", 0.01), ("a", 1e4), ("b", -0.3), ("tau", 8.0))
LAWS = (
    Law("utility", sf.laws.PoolsQQT, _UTILITY),
    Law("utility, over-fitting", sf.laws.PoolsOverfit, (*_UTILITY, ("rho", 0.3))),
    Law("effective data", sf.laws.PoolsEffective, _UTILITY),
    Law("data-constrained, b by pool", sf.laws.PoolsDataConstrained, _UTILITY),
    Law("exchange, one b", sf.laws.PoolsExchange, (("d", 0.01), ("b", -0.3), ("q", 5e3), ("tau", 8.0))),
    Law("no repetition, refitted", sf.laws.PoolsQQT, (*_UTILITY[:3], ("tau", FOREVER)), ("tau",)),
)


class Cube(NamedTuple):
    """One task: log error by plan, sample count and seed, and what each plan draws from pools of which size."""

    task: str
    plans: np.ndarray
    kind: np.ndarray
    w: dict[str, np.ndarray]
    U: dict[str, np.ndarray]
    counts: np.ndarray
    logs: Float[np.ndarray, "plan count seed"]

    def mean(self, weight: np.ndarray = EVERY) -> Float[np.ndarray, "plan count"]:
        """The mean over seeds, each drawn so many times."""
        return self.logs @ (weight / weight.sum())

    def noise(self, cells: "Cells") -> float:
        """The standard error of a mean over the seeds, root mean square over cells."""
        se = self.logs[cells.plan, cells.count].std(axis=-1, ddof=1) / np.sqrt(SEEDS)
        return float(np.sqrt(np.mean(se**2)))


class Cells(NamedTuple):
    """Places in a cube, one after the other."""

    plan: np.ndarray
    count: np.ndarray


class Window(NamedTuple):
    """What of a task is fitted (single pools to so many passes) and what is judged (all plans, from `above` on)."""

    name: str
    task: str
    passes: float
    unlimited: bool = True
    above: float | None = None
    upto: float = 32
    pools: tuple[str, ...] = POOLS


def _extrapolated(task: str, passes: float, upto: float, unlimited: bool) -> Window:
    runs = "unlimited" if unlimited else "finite"
    return Window(f"{task} to {passes:g}, judged to {upto:g}, {runs}", task, passes, unlimited, passes, upto)


WITH_E = (*POOLS[:4], "E", *POOLS[4:])
MAIN = Window("teacher 32, unlimited", "teacher", 32)
FINITE = Window("teacher 32, finite", "teacher", 32, unlimited=False)
SIGNALS = Window("signals 32, unlimited", "signals", 32)
MANY = Window("teacher 64, unlimited", "teacher", 64)
E_IN = (MAIN._replace(name=f"{MAIN.name}, E", pools=WITH_E), SIGNALS._replace(name=f"{SIGNALS.name}, E", pools=WITH_E))
WINDOWS = (
    Window("teacher 16, unlimited", "teacher", 16),
    MAIN,
    FINITE,
    _extrapolated("teacher", 8, 32, True),
    _extrapolated("teacher", 8, 32, False),
    Window("signals 16, unlimited", "signals", 16),
    SIGNALS,
    Window("signals 16, finite", "signals", 16, unlimited=False),
    _extrapolated("signals", 8, 16, True),
)


def load(task: str) -> Cube:
    """A task of the bundled pools."""
    runs = sf.load_data(f"pools-{task}")
    plan, first, place = np.unique(np.asarray(runs.labels["pool"], str), return_index=True, return_inverse=True)
    counts, count = np.unique(runs.inputs["n"], return_inverse=True)
    logs = np.full((len(plan), len(counts), SEEDS), np.nan)
    logs[place, count, np.asarray(runs.labels["seed"], int)] = np.log(runs.target)
    if not np.isfinite(logs).all():
        raise ValueError(f"pools-{task} is not every plan at every count for every seed.")
    w, U = ({p: runs.inputs[f"{x}[{p}]"][first] for p in WITH_E} for x in "wU")
    return Cube(task, plan, runs.columns["kind"][first], w, U, counts, logs)


def cells(cube: Cube, window: Window, kinds: Sequence[str], judged: bool = False) -> Cells:
    """Which cells a window fits, or those on which it is judged."""
    elsewhere = sum(cube.w[p] for p in WITH_E if p not in window.pools)
    plan = np.flatnonzero(np.isin(cube.kind, kinds) & (elsewhere + np.zeros(len(cube.plans)) == 0.0))
    most = (window.upto if judged and window.above is not None else window.passes) * SIZE[cube.task]
    least = window.above * SIZE[cube.task] * 1.01 if judged and window.above is not None else 0.0
    count = np.flatnonzero((cube.counts > least) & (cube.counts <= most))
    return Cells(*(a.ravel() for a in np.meshgrid(plan, count, indexing="ij")))


def fitted_kinds(window: Window) -> tuple[str, ...]:
    """The kinds of plan that a window fits; mixtures never."""
    return ("single", "unlimited") if window.unlimited else ("single",)


class Study(NamedTuple):
    """A window as seen by some of the seeds."""

    window: Window
    weight: np.ndarray


def fit(cubes: dict[str, Cube], law: Law, studies: Sequence[Study], starts: Any = None) -> sf.Fit[Any]:
    """The law of every study, all in one batch: least squares on logarithms, of means over seeds.

    Over whole seeds that are drawn several times this is what a bootstrap by seed refits, with a twentieth of the rows.
    """
    pools = studies[0].window.pools
    columns: dict[str, list[np.ndarray]] = {}
    for i, (window, weight) in enumerate(studies):
        cube = cubes[window.task]
        at = cells(cube, window, fitted_kinds(window))
        own = {"error": np.exp(cube.mean(weight)[at.plan, at.count]), "n": cube.counts[at.count]}
        own |= {"group": np.full(len(at.plan), i)}
        own |= {f"{x}[{p}]": table[p][at.plan] for x, table in (("w", cube.w), ("U", cube.U)) for p in pools}
        for name, column in own.items():
            columns.setdefault(name, []).append(column)
    joined: dict[str, Any] = {name: np.concatenate(column) for name, column in columns.items()}
    runs = sf.Runs(joined.pop("error"), target="error", name="pools", group=joined.pop("group"), **joined)
    given = dict(law.start)
    template = dataclasses.replace(law.of.of(pools), **{f: np.full(len(pools), given[f]) for f in law.fixed})
    return sf.fit(
        template, runs, noise=sf.noise.Gaussian(), by="group", fixed=law.fixed, throw=False,
        starts=[_start(template, law)] if starts is None else starts,
    )  # fmt: skip


def _start(template: AbstractLaw, law: Law) -> dict[str, float]:
    names = [slot.name for slot in sf.params.slots(template)]
    given = dict(law.start)
    return {name: given[name.partition("[")[0]] for name in names}


def some(law: AbstractLaw, which: Any) -> Any:
    """Some laws of a batch."""
    return jax.tree.map(lambda a: np.asarray(a)[which], law)


def predicted(law: Any, cube: Cube, at: Cells, rules: Iterable[Any]) -> Float[np.ndarray, "rule law cell"]:
    """Log error by half-life rule, law of a batch and cell. A rule is g of h = w^g/tau, "p" for 1/(p tau), or None.

    The rules differ in how a pool's half-life is multiplied in a mixture, so one compiled formula serves all of them.
    """
    w, U = (np.stack([x[p][at.plan] for p in law.pool], axis=-1) for x in (cube.w, cube.U))
    n = cube.counts[at.count]
    longer = np.stack([_longer(rule, w) for rule in rules])
    law = dataclasses.replace(law, half_life="own").sized_for({"n": n, "w": w, "U": U})
    law = law.compact()
    with jax.enable_x64(True):
        return np.log(np.asarray(_values(law, n, w, U, longer)))


def _longer(rule: Any, w: np.ndarray) -> np.ndarray:
    if rule is None:
        return np.full_like(w, FOREVER)
    if rule == "p":
        return np.broadcast_to((w > 0).sum(axis=-1, keepdims=True), w.shape).astype(float)
    return np.where(w > 0, w, 1.0) ** -float(rule)


@eqx.filter_jit
def _values(law: Any, n: Any, w: Any, U: Any, longer: Any) -> Any:
    def at(point: Any) -> Any:
        n, w, U, longer = point

        def one(law: Any, more: Any) -> Any:
            return eqx.tree_at(lambda x: x.tau, law, law.tau * more)(n, w, U)

        return jax.vmap(lambda more: eqx.filter_vmap(one, in_axes=(eqx.if_array(0), None))(law, more))(longer)

    # A few points at once: all of them would hold every pass of every pool of every law.
    found = jax.lax.map(at, (n, w, U, jax.numpy.moveaxis(longer, 0, 1)), batch_size=8)
    return jax.numpy.moveaxis(found, 0, -1)


def rms(difference: np.ndarray, axis: Any = -1) -> np.ndarray:
    """Root mean square."""
    return np.sqrt(np.mean(difference**2, axis=axis))
