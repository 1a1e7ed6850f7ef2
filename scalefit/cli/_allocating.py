"""What `scalefit plan` does: load, allocate, print."""

import dataclasses
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer

from .._core import InputError, NotConverged
from ..data import parse_number
from ..plan import Allocation, Needed, NeverReached, Quantity, allocate, compute_for
from ..results import Ensemble, Fit, load, versions
from ..specs import law_class
from ._cache import keep_compiled
from ._document import draws_of, law_name, to_json
from ._errors import as_options
from ._plan_document import human
from ._quiet import quiet
from ._spec import number, numbers_of, single

PERCENT = "{:g}%"


@dataclasses.dataclass(frozen=True)
class AllocateJob:
    """Everything that `scalefit plan` was asked for, in its own words."""

    folder: Path
    budget: tuple[str, ...]
    target_loss: tuple[str, ...]
    size: tuple[str, ...]
    cost: str
    unique: str | None
    max_passes: str | None
    min_N: str | None
    max_N: str | None
    hold: tuple[str, ...]
    level: float
    law: str | None
    json: bool
    cache_dir: str | None


def run_plan(job: AllocateJob, begun: float) -> None:
    """Plan from a saved result and print the best sizes with intervals and the flat region about them.

    Budgets are answered beside a loss that is never reached, and what is possible is then a note.

    **Raises:** `InputError` where the folder holds no result, neither a budget nor a loss was asked for, or a number is
    none; `NotConverged` where the fit is none.
    """
    budgets, losses = _several("--budget", job.budget, "1e24"), _several("--target-loss", job.target_loss, "2.1")
    if not budgets and not losses:
        raise InputError("Nothing was asked for: give --budget 1e24, or --target-loss 2.1, or both.")
    sizes = _several("--size", job.size, "7B")
    if sizes and not budgets:
        raise InputError("--size is judged beside the best of a budget: give --budget 1e24, or leave it out.")
    for option, given in (("--budget", budgets), ("--target-loss", losses), ("--size", sizes)):
        twice = next((one for i, one in enumerate(given) if one in given[:i]), None)
        if twice is not None:
            raise InputError(f"{option} gives {twice:g} twice; give it once.")
    if sizes and min(sizes) <= 0:
        raise InputError(f"--size is {min(sizes):g}; expected sizes above 0, as 7B.")
    limits = {
        "unique": _one("--unique", job.unique, "2T"),
        "max_passes": _one("--max-passes", job.max_passes, "4"),
        "min_N": 1.0 if job.min_N is None else _one("--min-N", job.min_N, "1B"),
        "max_N": _one("--max-N", job.max_N, "70B"),
        "held": single(numbers_of(job.hold, "--hold", "k=4"), "--hold"),
    }
    if not job.folder.is_dir():
        raise InputError(f"There is no folder {str(job.folder)!r}; give one that `scalefit fit --out` wrote.")
    with quiet(job.json), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        result = load(job.folder, law=None if job.law is None else law_class(job.law))
        fit = result if isinstance(result, Fit) else result.fit
        if fit.keys is None and not fit.converged:
            raise NotConverged(
                f"The fit in {str(job.folder)!r} did not converge: no plan follows from it. Fit again with more "
                f"`max_steps`."
            )
        keep_compiled(job.cache_dir)
        asked = {"cost": job.cost, "level": job.level, **limits}
        planned = allocate(result, budget=budgets, **asked) if budgets else None
        judged = [] if planned is None else [_judged(planned, N) for N in sizes]
        needed, never = None, ()
        try:
            needed = compute_for(result, loss=losses, **asked) if losses else None
        except NeverReached as error:
            if planned is None:
                raise
            never = (as_options(str(error)).rstrip("."),)
    notes = [*(() if planned is None else planned.notes), *(() if needed is None else needed.notes), *never]
    notes += [*(note for one in judged for note in one.notes), *(str(w.message).rstrip(".") for w in caught)]
    notes = list(dict.fromkeys(notes))
    if job.json:
        typer.echo(to_json(plan_document(result, planned, judged, needed, job, notes, time.perf_counter() - begun)))
    else:
        _show(result, planned, judged, needed, job, notes)


class Judged(NamedTuple):
    """A size beside the best of each budget; NaN where a budget cannot be spent with it, which the notes say."""

    N: float
    D: np.ndarray
    regret: Quantity
    wasted: Quantity
    notes: tuple[str, ...]


def _judged(planned: Allocation, N: float) -> Judged:
    (low, high), within = planned.sizes, planned.within(N)
    at = np.where(within, N, planned.N.value)
    D, *found = planned.data_for(at), planned.regret(at), planned.misallocation(at)
    regret, wasted = (
        one._replace(**{k: _masked(column, within) for k, column in one._asdict().items()}) for one in found
    )
    notes = tuple(
        f"with {_people(N)} parameters {planned.budgets[b]:.4g} FLOP cannot be spent: sizes from {_people(low[b])} to "
        f"{_people(high[b])} can"
        for b in np.flatnonzero(~within)
    )
    return Judged(N, np.where(within, D, np.nan), regret, wasted, notes)


def _masked(column: np.ndarray | None, within: np.ndarray) -> np.ndarray | None:
    return None if column is None else np.where(within, column, np.nan)


def plan_document(
    result: Fit[Any] | Ensemble[Any],
    planned: Allocation | None,
    judged: Sequence[Judged],
    needed: Needed | None,
    job: AllocateJob,
    notes: list[str],
    seconds: float,
) -> dict[str, Any]:
    """What `scalefit plan --json` prints."""
    fit = result if isinstance(result, Fit) else result.fit
    return {
        "law": law_name(fit),
        "cost": job.cost,
        "budgets": [] if planned is None else [_budget(planned, judged, b) for b in range(len(planned.budgets))],
        "targets": [] if needed is None else [_target(needed, i) for i in range(len(needed.loss))],
        "level": job.level,
        "draws": draws_of(result),
        "notes": notes,
        "seconds": seconds,
        "versions": versions(),
    }


def _budget(planned: Allocation, judged: Sequence[Judged], b: int) -> dict[str, Any]:
    def sizes(found: Any) -> dict[str, Any] | None:
        if found is None:
            return None
        return {PERCENT.format(100 * t): {"N_low": s.low[b], "N_high": s.high[b]} for t, s in found.items()}

    return {
        "budget": planned.budgets[b],
        **{name: _entry(getattr(planned, name), b) for name in ("N", "D", "D_per_N", "loss")},
        "near_optimal": sizes(planned.near_optimal),
        # The sizes that are so near to the best of each draw, in a share `level` of the draws.
        "near_optimal_sure": sizes(planned.near_optimal_sure),
        "at_end": bool(planned.at_end[b]),
        "sizes": [
            {
                "N": one.N,
                "D": one.D[b],
                # Above the best of each draw, so that the mean is what is to be expected.
                "regret": {**_entry(one.regret, b), "mean": one.regret.mean[b]},
                "misallocation": {**_entry(one.wasted, b), "mean": one.wasted.mean[b]},
            }
            for one in judged
        ],
    }


def _target(needed: Needed, i: int) -> dict[str, Any]:
    probability = None if needed.probability is None else needed.probability[i]
    return {"loss": needed.loss[i], "compute": _entry(needed.compute, i), "probability": probability}


def _entry(found: Quantity, place: int) -> dict[str, Any]:
    """An estimate of the document; null where there is no interval, or it has no end."""
    low, high = (None if end is None else end[place] for end in (found.low, found.high))
    return {"value": found.value[place], "low": low, "high": high}


def _show(
    result: Fit[Any] | Ensemble[Any],
    planned: Allocation | None,
    judged: Sequence[Judged],
    needed: Needed | None,
    job: AllocateJob,
    notes: list[str],
) -> None:
    from rich.text import Text

    from ._show import console, table

    out = console()
    sure = isinstance(result, Ensemble)
    if planned is not None:
        flats = [f"N within {100 * t:g} %" for t in planned.near_optimal]
        names = {"N": "N", "D": "D", "D_per_N": "D/N", "loss": "loss"}
        headers = ["budget (FLOP)", *names.values(), *flats]
        made = table(*headers, right=headers)
        for b, budget in enumerate(planned.budgets):
            cells = [number(budget, 4), *(_cell(getattr(planned, name), b, _WORDS[name]) for name in names)]
            cells += [f"{_people(s.low[b])} … {_people(s.high[b])}" for s in planned.near_optimal.values()]
            made.add_row(*(Text(cell) for cell in cells))
        out.print(made)
        out.print("The last two are all sizes whose loss, data following from the budget, is so near to the best.")
    if planned is not None and judged:
        headers = ["budget (FLOP)", "N", "D", "loss above the best", *(["expected"] if sure else []), "FLOP wasted"]
        made = table(*headers, right=headers)
        for b, budget in enumerate(planned.budgets):
            for one in judged:
                cells = [number(budget, 4), _people(one.N), _people(one.D[b]), _cell(one.regret, b, _loss)]
                cells += [_loss(one.regret.mean[b])] if sure else []
                made.add_row(*(Text(cell) for cell in [*cells, _cell(one.wasted, b, _flop)]))
        out.print(made)
        out.print("Wasted is what the budget exceeds the least that reaches the same loss.")
    if needed is not None:
        headers = ["loss", "compute (FLOP)", *(["reached in"] if sure else [])]
        made = table(*headers, right=headers)
        for i, loss in enumerate(needed.loss):
            cells = [number(loss), _cell(needed.compute, i, _flop)]
            if needed.probability is not None:
                cells.append(f"{100 * needed.probability[i]:.3g} % of draws")
            made.add_row(*(Text(cell) for cell in cells))
        out.print(made)
    for note in notes:
        out.print(Text(f"note: {note}"))
    if isinstance(result, Ensemble):
        count = int(np.sum(result.converged))
        out.print(f"intervals: {100 * job.level:g} %, from {count} {result.method} draws, each at its own best")
    else:
        out.print("no intervals: the result holds no draws; fit with --bootstrap 1000 to have them")


def _cell(found: Quantity, place: int, say: Callable[[float], str]) -> str:
    value = say(found.value[place])
    if found.low is None or found.high is None:
        return value
    if not np.isfinite([found.value[place], found.low[place], found.high[place]]).any():
        return value  # never, or nothing, in all of the draws
    return f"{value} [{say(found.low[place])}, {say(found.high[place])}]"


def _people(value: float) -> str:
    """A size as people write it, to three digits; a dash where there is none."""
    return human(float(f"{value:.3g}")) if np.isfinite(value) else "–"


def _loss(value: float) -> str:
    return number(value, 3)


def _flop(value: float) -> str:
    return "never" if np.isposinf(value) else number(value, 3)


_WORDS: dict[str, Callable[[float], str]] = {
    "N": _people,
    "D": _people,
    "D_per_N": lambda value: number(value, 3),
    "loss": lambda value: number(value, 4),
}


def _several(option: str, given: Sequence[str], example: str) -> list[float]:
    """Numbers of an option that may be repeated, and hold several."""
    return [_number(option, text, example) for one in given for text in one.split(",")]


def _one(option: str, text: str | None, example: str) -> float | None:
    return None if text is None else _number(option, text, example)


def _number(option: str, text: str, example: str) -> float:
    found = parse_number(text)
    if found is None or not np.isfinite(found):
        raise InputError(f"{option} {text!r}: expected a number, as {example}.")
    return found
