"""The three approaches to the compute-optimal size, side by side."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Float

from ..._core import InputError, NotConverged, Phrase, check_probability, warn_of
from ...data import Runs
from ...estimate import bootstrap, fit
from ...laws import AbstractLaw, Chinchilla
from ...noise import AbstractNoise
from ...results import Estimate
from .._cost import SIX_ND
from ..sizes import best_sizes
from ._envelope import Envelope, envelope
from ._isoflop import IsoFLOP, check_options, isoflop
from ._trainings import slices, trainings, with_curves
from ._trend import Trend, of_setting, trend

NUM_BUDGETS = 12
"""Compute budgets at which training curves are cut into isoFLOP curves, and the surface is looked at."""


@dataclasses.dataclass(frozen=True, eq=False)
class Approaches:
    """Exponents of the compute-optimal size by each approach that the runs allow, and how far these are apart.

    **Arguments:**

    - `trends`: Power laws of N* in compute, by approach: `envelope`, `isoflop` and `surface`.
    - `between`: Standard deviation of the exponents over the approaches, NaN of one; `within`: that of the replicates
        of each.
    - `envelope`, `isoflop`: The results themselves, `None` where the runs do not allow one; `left_out` says why.
    - `curves`: The runs of the isoFLOP curves: those given, or what the training curves were cut into, rows of their
        own.
    - `notes`: What else to know, of each approach.
    """

    trends: Mapping[str, Trend]
    between: float
    within: Mapping[str, float]
    envelope: Envelope | None
    isoflop: IsoFLOP | None
    curves: Runs
    left_out: Mapping[str, str]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        lines = []
        for name, found in self.trends.items():
            lines.append(f"  {name:<8}  {found.said('N*')}, spread within {self.within[name]:.2g}")
        beside = "no other to set beside it" if len(self.trends) == 1 else f"spread between {self.between:.2g}"
        lines.append(f"  {beside}; all: {self.exponent()}")
        left = [f"  without {name}: {why}" for name, why in self.left_out.items()]
        notes = [f"  note: {note}" for note in self.notes]
        return "\n".join([f"Approaches to the compute-optimal size: {len(self.trends)}", *lines, *left, *notes])

    def exponent(self, level: float = 0.95) -> Estimate:
        """The exponent by all approaches alike, the spread between them and within each in one interval.

        The draws of the approaches are thrown together, each approach as heavy as any other.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        value = np.mean([found.exponent for found in self.trends.values()])
        drawn = [_draws(found) for found in self.trends.values()]
        heavy = np.concatenate([np.full(d.size, 1.0 / d.size) for d in drawn]) / len(drawn)
        every = np.concatenate(drawn)
        order = np.argsort(every)
        share = np.cumsum(heavy[order]) - 0.5 * heavy[order]
        low, high = np.interp([0.5 - 0.5 * level, 0.5 + 0.5 * level], share, every[order])
        return Estimate(float(value), float(low), float(high), level)


def _draws(found: Trend) -> Float[np.ndarray, " draw"]:
    if found.draws is None:
        return np.atleast_1d(found.exponent)
    a = found.draws[..., 0]
    return a[np.isfinite(a)]


def approaches(
    runs: Runs,
    *,
    law: type[AbstractLaw] | AbstractLaw = Chinchilla,
    noise: AbstractNoise | None = None,
    by: str = "auto",
    method: Literal["parabola", "spline"] = "parabola",
    outliers: Literal["keep", "drop"] = "keep",
    within: float = 0.1,
    cluster: str | tuple[str, ...] | None = "auto",
    num: int = 500,
    seed: int = 0,
) -> Approaches:
    r"""The exponent of the compute-optimal size $N^* \propto C^a$ by all three approaches (arXiv 2203.15556).

    The lower envelope of training curves (`envelope`), isoFLOP curves (`isoflop`), and the least loss of a law of N and
    D fitted to all runs, C = 6 N D. Where a `run` says which training each row is a checkpoint of, isoFLOP curves are
    cut from the training curves at twelve budgets, and what a training is off by counts at all of them; other rows are
    trainings that have ended. Approaches err in different ways that their own intervals do not know of: how far they
    are apart is a part of how unsure the exponent is, and stands beside the spread within each.

    **Arguments:**

    - `runs`: Runs with N, D and C (one of them may follow from the other two by C = 6 N D).
    - `law`: The law of the surface; `noise`: how runs scatter about it, see `fit`.
    - `by`, `method`, `outliers`, `within`: Of the isoFLOP curves, see `isoflop`; those of checkpoints are at budgets
        of their own.
    - `cluster`: What tells the trainings apart that rows are checkpoints of: see `Runs.clusters`; `None` for trainings
        that are all ended.
    - `num`, `seed`: Replicates of each approach, and their seed.

    **Returns:** an `Approaches`.

    **Warns:** of an approach that the runs do not allow, and of what `envelope` and `isoflop` warn of.

    **Raises:** `InputError` for runs without N, D or C, a law of other inputs, `by` of checkpoints, and where no
    approach tells an exponent.
    """
    _check_law(law)
    check_options(method, outliers, within, num, seed)
    complete, _ = with_curves(runs)
    found: dict[str, Any] = {}
    left: dict[str, str] = {}
    curves, told = runs, cluster
    if np.bincount(trainings(complete, cluster)[0]).max() > 1:
        if by not in ("auto", "C"):
            expected = "'auto' or 'C' for checkpoints, whose isoFLOP curves are cut at computes of their own"
            remedy = "leave it out, or say `cluster=None` where each row is a training that ended"
            raise InputError("by", by, expected, remedy)
        _try("envelope", found, left, lambda: envelope(runs, cluster=cluster, num=num, seed=seed))
        curves, told = cut(runs, cluster), "run"
    else:
        left["envelope"] = "no two rows are said to be of one training, by a `run` or with cluster="
    of_curves: dict[str, Any] = {"by": by, "method": method, "outliers": outliers, "within": within, "cluster": told}
    _try("isoflop", found, left, lambda: isoflop(curves, num=num, seed=seed, **of_curves))
    trends = {name: one.trend_N for name, one in found.items()}
    _try("surface", trends, left, lambda: _surface(complete, law, noise, cluster, num, seed))
    if not trends:
        raise InputError(
            repr(runs.name), Phrase(f"tells no exponent by any approach: {'; '.join(map(_of, left.items()))}")
        )
    a = [float(one.exponent) for one in trends.values()]
    notes = [(name, note) for name, one in found.items() for note in one.notes]
    notes += [("surface", note) for note in trends["surface"].doubts()] if "surface" in trends else []
    return Approaches(
        trends=trends, between=float(np.std(a, ddof=1)) if len(a) > 1 else float("nan"),
        within={name: float(np.std(_draws(one))) for name, one in trends.items()},
        envelope=found.get("envelope"), isoflop=found.get("isoflop"), curves=curves, left_out=left,
        notes=tuple(map(_of, notes)),
    )  # fmt: skip


def _of(named: tuple[str, str]) -> str:
    return f"{named[0]}: {named[1].rstrip('.')}"


def _try(name: str, found: dict[str, Any], left: dict[str, str], make: Callable[[], Any]) -> None:
    """Keep what an approach gives, or why it gives nothing."""
    try:
        found[name] = make()
    except (InputError, NotConverged) as error:
        left[name] = str(error).rstrip(".")
        warn_of("approach-agreement", f"There is no {name} of these runs: {left[name]}", stacklevel=3)


def cut(runs: Runs, cluster: str | tuple[str, ...] | None) -> Runs:
    """Runs at twelve budgets, read off the training curves, each with the number of its training as `run`."""
    table = slices(runs, NUM_BUDGETS, cluster)
    there = np.isfinite(table.loss)

    def wide(column: np.ndarray) -> np.ndarray:
        return np.broadcast_to(column, there.shape)[there]

    return Runs(
        table.loss[there], N=wide(np.exp(table.log_N)[:, None]), D=np.exp(table.log_D[there]), C=wide(table.C),
        se=None if table.se is None else table.se[there], run=wide(table.training[:, None]),
        target=runs.target_name, name=f"{runs.name}, cut at {NUM_BUDGETS} budgets",
    )  # fmt: skip


def _surface(runs: Runs, law: Any, noise: AbstractNoise | None, cluster: Any, num: int, seed: int) -> Trend:
    """The power law of a law fitted to all runs, over their computes.

    **Raises:** `InputError` where these are one, or the law has no best size in any draw; `NotConverged` as `fit` does.
    """
    C = runs.select(("C",), sizes=True)[0]["C"]
    if C.max() < C.min() * (1.0 + 1e-6):
        raise InputError("C", Phrase(f"is {C.min():.4g} FLOP in all runs"), "two computes, as an exponent needs")
    fitted = fit(law, runs, noise=noise, seed=seed)
    draws = bootstrap(fitted, num=num, cluster=cluster, seed=seed)
    found = surface_trend(fitted.law, draws.law, np.geomspace(C.min(), C.max(), NUM_BUDGETS), draws.converged)
    if not np.isfinite(found.exponent) or not np.any(found.valid):
        raise InputError("law", Phrase("has no best size between its limits at these computes once fitted"))
    return found


def surface_trend(law: AbstractLaw, drawn: Any, C: Float[np.ndarray, " budget"], converged: np.ndarray | None) -> Trend:
    """The power law through the optima of a law at some computes, and of each of its draws."""
    log_C, even = np.log(C)[None], np.ones((1, len(C)))
    one = best_sizes(jax.tree.map(lambda a: np.asarray(a)[None], law), C)
    many = None
    if drawn is not None:
        many = best_sizes(drawn, C)[:, None]
        if converged is not None:
            many = np.where(converged[:, None, None], many, np.nan)
    return of_setting(trend(log_C, one, even, many), 0)


def _check_law(law: AbstractLaw | type[AbstractLaw]) -> None:
    """Check that a law is of N and D alone.

    **Raises:** `InputError` naming its inputs.
    """
    expected = "a law of N and D, between which a compute is shared, as sf.laws.Chinchilla"
    kind = law if isinstance(law, type) else type(law)
    if not issubclass(kind, AbstractLaw):
        raise InputError("law", law, expected)
    if set(law.inputs) != set(SIX_ND.inputs):
        raise InputError("law", Phrase(f"is {kind.__name__}, a law of {', '.join(law.inputs)}"), expected)
