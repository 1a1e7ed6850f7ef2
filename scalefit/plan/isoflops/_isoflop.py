"""The best size at each compute budget from isoFLOP curves, and how it grows."""

import dataclasses
import warnings
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ..._core import InputError, Phrase, check_choice, check_flag, check_number, named, warn_of
from ...data import Runs
from .._budgets import range_of
from ._curves import FEWEST, Curves, called_budget, curves
from ._minima import minima
from ._outliers import doubts_of_parabolas, doubts_of_runs, off_curve, scatter_of_runs
from ._trend import Replicates, Trend, of_setting, trend_of_estimates

Method = Literal["parabola", "spline"]
FIELDS = ("C", "N", "D", "loss", "se_N", "se_D", "valid")


@dataclasses.dataclass(frozen=True, eq=False)
class IsoFLOP:
    """The best size at each compute budget, and the power laws through them; several settings have an axis of them.

    **Arguments:**

    - `keys`: The settings, or `None` where there is one only.
    - `C`: The mean compute of each budget, NaN where a setting has fewer budgets.
    - `N`, `D`, `loss`: Where its loss is least, NaN where that was left out; `se_N`, `se_D`: standard errors of the
        logarithms over the replicates.
    - `valid`: Share of the replicates with a minimum inside the sizes.
    - `trend_N`, `trend_D`, `trend_ratio`: Power laws in C of N*, D* and D*/N*.
    - `left_out`: Setting, compute and reason of each budget without an optimum.
    - `setting`, `budget`: By run, the place of its setting, and of its budget there, -1 where the run takes no part;
        `flagged`: whether it lies far above the curve of its neighbours.
    - `noise`: The standard deviation of log loss by setting, NaN where runs have their own.
    - `method`: `"parabola"` or `"spline"`; `log`: whether of the logarithm of the loss; `notes`: what to know of them.
    """

    keys: tuple[Any, ...] | None
    C: Float[np.ndarray, "*setting budget"]
    N: Float[np.ndarray, "*setting budget"]
    D: Float[np.ndarray, "*setting budget"]
    loss: Float[np.ndarray, "*setting budget"]
    se_N: Float[np.ndarray, "*setting budget"]
    se_D: Float[np.ndarray, "*setting budget"]
    valid: Float[np.ndarray, "*setting budget"]
    trend_N: Trend
    trend_D: Trend
    trend_ratio: Trend
    left_out: tuple[tuple[Any, float, str], ...]
    setting: Int[np.ndarray, " run"]
    budget: Int[np.ndarray, " run"]
    flagged: Bool[np.ndarray, " run"]
    noise: Float[np.ndarray, "*setting"]
    method: str
    log: bool
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        lines = [f"IsoFLOP by {self.method}: {int(np.isfinite(self.N).sum())} optima"]
        for i, key in enumerate([None] if self.keys is None else self.keys):
            trends = self.trend_N, self.trend_D
            one, other = trends if self.keys is None else (of_setting(some, i) for some in trends)
            lines.append(f"  {'' if key is None else f'{key}: '}{one.said('N*')}, {other.said('D*')}")
        if self.left_out:
            lines.append(f"  {len(self.left_out)} budgets have no optimum, the first: {self.left_out[0][2]}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def __getitem__(self, key: Any) -> "IsoFLOP":
        """One setting of several, by its key; runs of the others have no budget there."""
        if self.keys is None or key not in self.keys:
            raise InputError("key", key, f"one of {', '.join(map(repr, (self.keys or ())[:8])) or 'no settings'}")
        i = self.keys.index(key)
        one = {name: getattr(self, name)[i] for name in FIELDS}
        trends = {name: of_setting(getattr(self, name), i) for name in ("trend_N", "trend_D", "trend_ratio")}
        one["budget"] = np.where(self.setting == i, self.budget, -1)
        one["flagged"] = self.flagged & (self.setting == i)
        left = tuple(row for row in self.left_out if row[0] == key)
        return dataclasses.replace(self, keys=None, noise=np.asarray(self.noise[i]), left_out=left, **one, **trends)


def isoflop(
    runs: Runs,
    *,
    by: str = "auto",
    groups: str | tuple[str, ...] | None = None,
    method: Method = "spline",
    log: bool = True,
    noise: float | None = None,
    weighted: bool = True,
    scatter: float | None = None,
    outliers: Literal["keep", "drop"] = "keep",
    between: tuple[float, float] | None = None,
    within: float = 0.1,
    cluster: str | tuple[str, ...] | None = "auto",
    num: int = 1000,
    seed: int = 0,
) -> IsoFLOP:
    r"""The best size at each compute budget from isoFLOP curves, and the power laws $N^* = k\,C^a$ through them.

    At each budget the loss is a curve in log N, and another in log D; the minimum of each is found by a parabola
    through all runs, or by an Akima spline between them on a grid of 25 points a gap (arXiv 2406.19146). Sizes much
    nearer to each other than the others, as repeats and digitised points are, are one point of the spline, their mean.
    A minimum at the end of its sizes is left out and never clamped. Replicates, in which the noise is added to every
    loss once more, give standard errors. Optima scatter about a line by more than that: the line is weighed by their
    errors and a scatter between curves, of largest restricted likelihood, and its interval is by Student's t of the
    degrees of freedom left. Checkpoints of one training are taken to be off by the same, so that in a replicate their
    noise is one number.

    A parabola is wrong in a known way (arXiv 2603.22339): its vertex is off where sizes span too much, are not centred
    on the minimum, or the exponents of N and D differ; that shifts N*, and where it drifts with compute the exponent
    too. The interval knows nothing of that. A spline has no such bias, and more variance.

    **Arguments:**

    - `runs`: Runs with N, D and C (one of them may follow from the other two by C = 6 N D).
    - `by`: The column of the budgets. `"C"` groups the runs themselves: from the least compute on, those that exceed
        the first of a budget by no more than `within` belong to it. `"auto"` takes a column that is called budget or
        isoFLOP where each of its groups has three sizes or more and computes near each other, else `"C"`.
    - `groups`: A name, or names, whose values are settings of their own, all done as one batch.
    - `method`: `"spline"` or `"parabola"`.
    - `log`: Whether curves are of the logarithm of the loss or of its value.
    - `noise`: Standard deviation of log loss; 0 for no replicates. Without it, that of `runs.se`, or what third
        differences of neighbouring sizes leave, by setting.
    - `weighted`: Whether optima count by their standard errors, or all the same.
    - `scatter`: Standard deviation of the logarithm of an optimum about the line beyond its own error, where it is
      known; 0 for intervals that know the errors of optima alone, as those of arXiv 2406.19146. Without it, estimated.
    - `outliers`: Whether runs that lie far above the curve of their neighbours, as diverged ones do, stay or are left
        out. They are flagged and warned of either way.
    - `between`: Compute, in FLOP, outside which budgets take no part in the line.
    - `within`: See `by`.
    - `cluster`: What tells the trainings apart that rows are of: see `Runs.clusters`.
    - `num`, `seed`: Replicates, and their seed.

    **Returns:** an `IsoFLOP`.

    **Warns:** of rows without N, D or C; of runs far above their curves, that stand twice or that a spline takes for
    one; of budgets without a minimum inside their sizes or not of one compute, and of C far from 6 N D; of settings and
    replicates without a line; of parabolas that are too wide or off-centre.

    **Raises:** `InputError` for runs without N, D or C, where no setting has two budgets with an optimum, and where the
    noise is not known.
    """
    check_options(method, outliers, within, num, seed)
    if noise is not None:
        check_number("noise", noise, least=0.0, example="0.002 of log loss")
    if scatter is not None:
        check_number("scatter", scatter, least=0.0, example="0.1 of the logarithm of a size")
    low, high = (0.0, np.inf) if between is None else range_of(between, example="(5e18, 2e20)")
    table = curves(runs, by, within, groups, cluster)
    y = np.log(table.loss) if check_flag("log", log) else table.loss
    check_flag("weighted", weighted)
    flagged = off_curve(table.log_N, np.log(table.loss), table.there)
    there = table.there & ~flagged if outliers == "drop" else table.there
    spread, relative = _spread(table, there & ~flagged, log, noise, runs.name)
    fields, at, reason = _optima(table, y, there, spread, method, log, num if np.any(spread) else 0, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        compute = np.sum(np.where(there, table.C, 0.0), axis=-1) / np.sum(there, axis=-1)
    inside = np.isfinite(compute) & (compute >= low * (1.0 - 1e-9)) & (compute <= high * (1.0 + 1e-9))
    log_C = np.where(inside, np.log(np.where(inside, compute, 1.0)), np.nan)
    trends: dict[str, Any] = _trends(table, log_C, at, weighted, scatter, seed)
    if not np.isfinite(trends["trend_N"].exponent).any():
        given = Phrase("has no setting with two compute budgets whose optimum lies inside their sizes")
        remedy = f"add sizes beyond the best, or say with `by` what a budget is{_called(runs, table.by)}"
        raise InputError(repr(runs.name), given, remedy=remedy)
    setting, budget, by_run = _by_run(runs, table, there, flagged)
    left = tuple(
        (table.keys[i], float(compute[i, b]), str(reason[i, b]))
        for i, b in zip(*np.nonzero((reason != "") & np.isfinite(compute)))
    )
    notes = (
        *table.notes, *_notes(runs, table.by, within, by_run, left, outliers), *_without_line(table, trends["trend_N"]),
        *doubts_of_runs(table, there, method), *trends["trend_N"].doubts(),
    )  # fmt: skip
    if method == "parabola":
        notes += doubts_of_parabolas(table.log_N, there, np.log(fields["N"]))
    for note in notes:
        warn_of("design", f"{runs.name!r}: {note}")
    whole = IsoFLOP(
        keys=table.keys, C=compute, **fields, **trends, left_out=left,
        setting=setting, budget=budget, flagged=by_run, noise=relative, method=method, log=log,
        notes=notes,
    )  # fmt: skip
    return whole if groups is not None else whole[None]


class _Best(NamedTuple):
    """Logarithms of what is best at each budget, their standard errors and replicates."""

    at: Float[np.ndarray, "setting budget"]
    se: Float[np.ndarray, "setting budget"]
    draws: Float[np.ndarray, "draw setting budget"] | None


def check_options(method: Any, outliers: Any, within: Any, num: Any, seed: Any) -> None:
    """Check options of isoFLOP curves.

    **Raises:** `InputError` naming what is expected.
    """
    check_choice("method", method, ("parabola", "spline"))
    check_choice("outliers", outliers, ("keep", "drop"))
    check_number("within", within, least=0.0, example="0.1 for budgets a tenth wide")
    check_number("num", num, least=2, whole=True)
    check_number("seed", seed, least=0, whole=True)


def _spread(
    table: Curves, there: np.ndarray, log: bool, noise: float | None, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """The standard deviation of each run on the scale of the curves, and that of log loss by setting."""
    settings = len(table.keys)
    if noise is None and table.se is not None:
        se = np.where(table.there, table.se, 0.0)
        return (se / np.where(table.there, table.loss, 1.0) if log else se), np.full(settings, np.nan)
    found = (
        np.full(settings, noise, float)
        if noise is not None
        else scatter_of_runs(table.log_N, np.log(table.loss), there)
    )
    if np.isnan(found).all():
        given = Phrase("has no budget with four sizes to tell the scatter of its runs from")
        raise InputError(
            repr(name), given, remedy="give `noise`, the standard deviation of log loss, or runs with `se`"
        )
    # A setting that cannot tell its own scatter has the largest of the others.
    found = np.where(np.isnan(found), np.nanmax(found), found)
    relative = np.where(table.there, found[:, None, None], 0.0)
    return (relative if log else relative * np.where(table.there, table.loss, 1.0)), found


def _optima(
    table: Curves, y: np.ndarray, there: np.ndarray, spread: np.ndarray, method: Method, log: bool, num: int, seed: int
) -> tuple[dict[str, Any], dict[str, _Best], np.ndarray]:
    """The optima and, by name, their logarithms, standard errors and replicates; and why some are left out."""
    shape = there.shape
    noisy = np.empty((num, *shape))
    for i, key in enumerate(table.keys):
        # One number for all rows of a training: what it is off by, it is off by at every budget.
        rng = np.random.default_rng([seed, 0x150F, *named(key)])
        off = rng.standard_normal((num, int(table.training[i].max()) + 1))
        noisy[:, i] = np.where(there[i], off[:, table.training[i]], 0.0) * spread[i]
    whole = np.concatenate([y[None], y[None] + noisy])
    flat = (-1, shape[-1])
    found = {}
    for name, x in (("N", table.log_N), ("D", table.log_D)):
        at, value = minima(x.reshape(flat), whole.reshape(-1, *y.reshape(flat).shape), there.reshape(flat), method)
        found[name] = at.reshape(-1, *shape[:2]), value.reshape(-1, *shape[:2])
    sizes = table.sizes(there)
    # Too few sizes have no minimum of their own, however many runs a parabola finds there.
    inside = np.all([np.isfinite(found[name][0]) for name in found], axis=0) & (sizes >= FEWEST)
    valid = inside[1:].mean(axis=0) if num else inside[0].astype(float)
    reason = _reasons(y, there, sizes, inside[0], valid)
    good = reason == ""
    best: dict[str, _Best] = {}
    for name, x in (("N", table.log_N), ("D", table.log_D)):
        at = np.where(inside & good, found[name][0], np.nan)
        best[name] = _Best(at[0], _error(x, there, sizes, at[1:], valid, method), at[1:] if num else None)
    N, D = best["N"], best["D"]
    both = None if N.draws is None or D.draws is None else D.draws - N.draws
    best["ratio"] = _Best(D.at - N.at, N.se + D.se, both)
    value = np.where(good, found["N"][1][0], np.nan)
    fields: dict[str, Any] = {
        "N": np.exp(N.at), "D": np.exp(D.at), "loss": np.exp(value) if log else value,
        "se_N": N.se, "se_D": D.se, "valid": valid,
    }  # fmt: skip
    return fields, best, reason


def _reasons(y: np.ndarray, there: np.ndarray, sizes: np.ndarray, inside: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Why a budget has no optimum, in words; empty where it has one."""
    lowest = np.argmin(np.where(there, y, np.inf), axis=-1)
    last = there.shape[-1] - 1 - np.argmax(there[..., ::-1], axis=-1)
    end = np.where(lowest == np.argmax(there, axis=-1), "smallest", np.where(lowest == last, "largest", "last"))
    reason = np.full(inside.shape, "", object)
    for i, b in zip(*np.nonzero(~inside | (valid < 0.5))):
        if sizes[i, b] < FEWEST:
            reason[i, b] = f"it has {int(sizes[i, b])} sizes, and {FEWEST} at least make a curve"
        elif not inside[i, b]:
            reason[i, b] = f"its minimum is at the {end[i, b]} size, or beyond"
        else:
            reason[i, b] = f"{1 - valid[i, b]:.0%} of its replicates have their minimum at the end of the sizes"
    return reason


def _error(
    x: np.ndarray, there: np.ndarray, sizes: np.ndarray, at: np.ndarray, valid: np.ndarray, method: str
) -> np.ndarray:
    """Standard errors over replicates: wider where few of them have an optimum and, of splines, never below a third
    of a gap between sizes."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.filterwarnings("ignore", "Degrees of freedom|Mean of empty", RuntimeWarning)
        se = np.nanstd(at, axis=0) if len(at) else np.zeros(valid.shape)
        if method == "spline":
            gaps = np.maximum(sizes - 1, 1)
            wide = np.max(np.where(there, x, -np.inf), axis=-1) - np.min(np.where(there, x, np.inf), axis=-1)
            # As arXiv 2406.19146 has it.
            se = np.maximum(se, 0.33 * wide / gaps)
        return se / valid


def _trends(
    table: Curves, log_C: np.ndarray, at: dict[str, _Best], weighted: bool, scatter: float | None, seed: int
) -> dict[str, Trend]:
    """The power laws through the optima, by name."""
    # A training in several budgets is off by the same in all of them.
    together = table.training.max(axis=(1, 2)) + 1 < np.count_nonzero(table.there, axis=(1, 2))
    found = {}
    for number, (name, best) in enumerate(at.items()):
        drawn = None
        if best.draws is not None:
            num, settings, budgets = best.draws.shape
            uniform, normal = np.empty((num, settings)), np.empty((num, settings, budgets))
            for i, key in enumerate(table.keys):
                rng = np.random.default_rng([seed, 0x7E2D, number, *named(key)])
                uniform[:, i], normal[:, i] = rng.uniform(size=num), rng.standard_normal((budgets, num)).T
            drawn = Replicates(best.draws, normal, uniform, together)
        found[f"trend_{name}"] = trend_of_estimates(log_C, best.at, best.se, drawn, weighted, scatter)
    return found


def _by_run(runs: Runs, table: Curves, there: np.ndarray, flagged: np.ndarray) -> tuple[np.ndarray, ...]:
    """By run: the places of its setting and its budget, -1 without one, and whether it is flagged."""
    complete = np.flatnonzero(np.isin(runs.rows, runs.complete(("N", "D", "C")).rows))
    setting, budget, far = np.full(len(runs), -1), np.full(len(runs), -1), np.zeros(len(runs), bool)
    setting[complete[table.row[table.there]]] = np.nonzero(table.there)[0]
    budget[complete[table.row[there]]] = np.nonzero(there)[1]
    far[complete[table.row[flagged]]] = True
    return setting, budget, far


def _called(runs: Runs, by: str) -> str:
    """How the column that is called the budget would be given, where runs were grouped by their compute."""
    column = called_budget(runs) if by == "C" else None
    return f", as by={column!r}" if column else ""


def _notes(
    runs: Runs, by: str, within: float, flagged: np.ndarray, left: tuple[Any, ...], outliers: str
) -> tuple[str, ...]:
    found = []
    if flagged.any():
        rows = [int(row) for row in runs.rows[flagged]]
        some = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
        what = "left out" if outliers == "drop" else "kept: outliers='drop' leaves them out"
        found.append(f"{len(rows)} runs lie far above the curve of their neighbours (rows {some}) and were {what}")
    if left:
        key, C, why = left[0]
        of = "" if key is None else f" of {key!r}"
        found.append(f"{len(left)} budgets have no optimum, the first at {C:.3g} FLOP{of}: {why}")
        if called := _called(runs, by):
            told = f"budgets were told from the compute of runs, within {within:.0%} of each other"
            found.append(f"{told}; a column names them{called}")
    return tuple(found)


def _without_line(table: Curves, trend_N: Trend) -> tuple[str, ...]:
    none = [key for key, a in zip(table.keys, trend_N.exponent, strict=True) if not np.isfinite(a)]
    if not none:
        return ()
    some = ", ".join(map(repr, none[:3])) + (", …" if len(none) > 3 else "")
    return (f"{len(none)} of {len(table.keys)} settings have fewer than two optima, and so no line: {some}",)
