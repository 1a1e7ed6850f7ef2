"""`scalefit plan`: load, allocate, print."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, Phrase, check_distinct, check_number
from ._config import print_document
from ._errors import as_options
from ._options import LEVEL, Allow, AnyBudget, At, CacheDir, Cost, FitOrLaw, Json, Level, MaxPasses, OwnLaw
from ._terminal import ends_of, human, number

NUMBERS = ("N", "D", "D_per_N", "loss")


def plan(
    folder: FitOrLaw,
    budget: AnyBudget = None,
    loss: Annotated[
        list[str] | None,
        typer.Option(
            "--target-loss",
            metavar="LOSS,…",
            help="Say what compute reaches a loss, instead of budgets or beside them.",
        ),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N,…",
            help="Sizes to judge beside the best of each budget, as 7B,13B: how far their loss lies above its, and how "
            "much of the budget they waste; may be repeated.",
        ),
    ] = None,
    cost: Cost = "6ND",
    unique: Annotated[str | None, typer.Option(metavar="TOKENS", help="Unique tokens there are, as 2T.")] = None,
    max_passes: MaxPasses = None,
    min_N: Annotated[str | None, typer.Option("--min-N", metavar="NUMBER", help="The least size, as 1B.")] = None,
    max_N: Annotated[str | None, typer.Option("--max-N", metavar="NUMBER", help="The largest size.")] = None,
    held: At = None,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Say the hours of it that budgets take: H100, A100, TPU-v5p, …")
    ] = None,
    utilisation: Annotated[float, typer.Option(help="Share of its peak that a training has, for --device.")] = 0.4,
    price: Annotated[float | None, typer.Option(help="Of an hour of it, for --device.")] = None,
    level: Level = None,
    law: OwnLaw = None,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say what size to train on how much data for a budget, how sure that is, and which sizes are as good."""
    level = level or LEVEL
    begun = time.perf_counter()
    from .._core import cache
    from ..plan import NeverReached
    from ..results import versions
    from ..specs import said_of_published
    from ._checks import Checks
    from ._document import draws_of, freedom_of, law_name
    from ._terminal import quiet
    from ._words import by_pool, number_of, result_or_law, several, single_numbers_of

    budgets, losses = several(budget, "budget", "1e24"), several(loss, "loss", "2.1")
    if not budgets and not losses:
        raise InputError("budget", Phrase("was not given, nor `loss`"), "one of the two at least",
                         "give `budget=1e24`, or `loss=2.1`, or both")  # fmt: skip
    sizes = several(size, "size", "7B")
    if sizes and not budgets:
        raise InputError("size", sizes, "sizes beside budgets", "give `budget=1e24`, or leave it out")
    for argument, given in (("budget", budgets), ("loss", losses), ("size", sizes)):
        check_distinct(argument, given)
    for one in sizes:
        check_number("size", one, above=0.0, example="7B")
    passes = by_pool(max_passes, "max_passes", above=0.0)
    if isinstance(passes, dict):
        raise InputError("max_passes", ",".join(max_passes or ()), "one number, as no pools are planned")
    limits: dict[str, Any] = {
        "unique": number_of(unique, "unique", "2T"),
        "max_passes": passes,
        "min_N": number_of("1" if min_N is None else min_N, "min_N", "1B"),
        "max_N": number_of(max_N, "max_N", "70B"),
        "held": single_numbers_of(held, "held", "k=4"),
    }
    if device is None and price is not None:
        raise InputError(
            "price", price, "the price of an hour of a device", 'give `device="H100"` too, or leave it out'
        )
    spent = None
    if device is not None and budgets:
        spent = sf.device_hours(budgets, device, utilisation=utilisation, price=price)
    checks = Checks(allow)
    with quiet(json, checks):
        result = result_or_law(folder, law)
        known = not isinstance(result, sf.Fit | sf.Ensemble)
        if not known and result.fit.keys is None and not result.fit.converged:
            unfit = f"The fit in {folder!r} did not converge: no plan follows from it."
            raise sf.NotConverged(f"{unfit} Fit again with more --max-steps.")
        if not known:
            checks.of_saved(result, folder, plans=True)
        cache(cache_dir)
        asked = {"cost": cost, "level": level, **limits}
        planned = sf.allocate(result, budget=budgets, **asked) if budgets else None
        needed, notes = None, list(() if planned is None else planned.notes)
        try:
            needed = sf.compute_for(result, loss=losses, **asked) if losses else None
            notes += () if needed is None else needed.notes
        except NeverReached as error:
            if planned is None:
                raise
            notes.append(as_options(error).rstrip("."))
        judged, more = ([], []) if planned is None else _judged(planned, sizes)
    notes += more + (said_of_published(result) if known else [])
    found = {
        "law": law_name(result if known else result.fit.law),
        "cost": cost,
        "budgets": [] if planned is None else [_budget(planned, judged, b) for b in range(len(planned.budgets))],
        "targets": [] if needed is None else [_target(needed, i) for i in range(len(needed.loss))],
        "device": device,
        "device_hours": None if spent is None else spent.device_hours,
        "money": None if spent is None else spent.money,
        "level": level,
        "draws": None if known else draws_of(result),
        "freedom": None if known else freedom_of(result),
        "notes": checks.without(notes),
        "checks": checks.document(),
        "seconds": time.perf_counter() - begun,
        "versions": versions(),
    }
    if json:
        print_document(found)
    else:
        _show(found, checks)


def _judged(planned: sf.Allocation, sizes: Iterable[float]) -> tuple[list[dict[str, Any]], list[str]]:
    """Sizes beside the best of each budget, NaN where a budget cannot be spent with one, and notes that say so."""
    import numpy as np

    found, notes = [], []
    for N in sizes:
        (low, high), within = planned.sizes, planned.within(N)
        at = np.where(within, N, planned.N.value)
        numbers = {"regret": planned.regret(at), "misallocation": planned.misallocation(at)}
        found.append({"N": N, "D": np.where(within, planned.data_for(at), np.nan)})
        for name, one in numbers.items():
            # Above the best of each draw, so that the mean is what is to be expected.
            columns = ends_of(one, "mean")
            found[-1][name] = {k: None if c is None else np.where(within, c, np.nan) for k, c in columns.items()}
        notes += [
            f"with {_people(N)} parameters {planned.budgets[b]:.4g} FLOP cannot be spent: sizes from {_people(low[b])} "
            f"to {_people(high[b])} can"
            for b in np.flatnonzero(~within)
        ]
    return found, notes


def _budget(planned: sf.Allocation, judged: list[dict[str, Any]], b: int) -> dict[str, Any]:
    def sizes(found: Any) -> dict[str, Any] | None:
        if found is None:
            return None
        return {f"{100 * t:g}%": {"N_low": s.low[b], "N_high": s.high[b]} for t, s in found.items()}

    def at(one: Any) -> Any:
        return {k: at(c) for k, c in one.items()} if isinstance(one, Mapping) else one if one is None else one[b]

    return {
        "budget": planned.budgets[b],
        **{name: ends_of(getattr(planned, name)[b]) for name in NUMBERS},
        "near_optimal": sizes(planned.near_optimal),
        # The sizes that are so near to the best of each draw, in a share `level` of the draws.
        "near_optimal_sure": sizes(planned.near_optimal_sure),
        "at_end": bool(planned.at_end[b]),
        "sizes": [{"N": one["N"], **{k: at(v) for k, v in one.items() if k != "N"}} for one in judged],
    }


def _target(needed: Any, i: int) -> dict[str, Any]:
    probability = None if needed.probability is None else needed.probability[i]
    return {"loss": needed.loss[i], "compute": ends_of(needed.compute[i]), "probability": probability}


def _show(found: Mapping[str, Any], checks: Any) -> None:
    from ._show import console, first_order_line, say_notes, table

    out, draws = console(), found["draws"]
    if found["budgets"]:
        flats = [f"N within {tolerance.removesuffix('%')} %" for tolerance in found["budgets"][0]["near_optimal"]]
        headers = ["budget (FLOP)", "N", "D", "D/N", "loss", *flats]
        words = (_people, _people, lambda value: number(value, 3), lambda value: number(value, 4))
        rows = [
            [number(one["budget"], 4), *(_cell(one[name], say) for name, say in zip(NUMBERS, words, strict=True)),
             *(f"{_people(s['N_low'])} … {_people(s['N_high'])}" for s in one["near_optimal"].values())]
            for one in found["budgets"]
        ]  # fmt: skip
        out.print(table(headers, rows, right=headers))
        out.print("The last two are all sizes whose loss, data following from the budget, is so near to the best.")
    judged = [(one["budget"], size) for one in found["budgets"] for size in one["sizes"]]
    if judged:
        expected = ["expected"] if draws else []
        headers = ["budget (FLOP)", "N", "D", "loss above the best", *expected, "FLOP wasted"]
        rows = [
            [number(budget, 4), _people(one["N"]), _people(one["D"]), _cell(one["regret"], _loss),
             *([_loss(one["regret"]["mean"])] if draws else []), _cell(one["misallocation"], _flop)]
            for budget, one in judged
        ]  # fmt: skip
        out.print(table(headers, rows, right=headers))
        out.print("Wasted is what the budget exceeds the least that reaches the same loss.")
    if found["targets"]:
        headers = ["loss", "compute (FLOP)", *(["reached in"] if draws else [])]
        rows = [
            [number(one["loss"]), _cell(one["compute"], _flop),
             *([] if one["probability"] is None else [f"{100 * one['probability']:.3g} % of draws"])]
            for one in found["targets"]
        ]  # fmt: skip
        out.print(table(headers, rows, right=headers))
    if found["device_hours"] is not None:
        for b, hours in enumerate(found["device_hours"]):
            paid = "" if found["money"] is None else f", {found['money'][b]:,.0f} to pay"
            out.print(f"{number(found['budgets'][b]['budget'], 4)} FLOP: {hours:,.0f} hours of {found['device']}{paid}")
    say_notes(out, found["notes"])
    checks.show(out)
    if draws:
        level = f"{100 * found['level']:g} %"
        out.print(f"intervals: {level}, from {draws['converged']} {draws['method']} draws, each at its own best")
    elif found["freedom"] is not None:
        entries = [one["loss"] for one in found["budgets"]] + [one["compute"] for one in found["targets"]]
        sure = any(entry["low"] is not None for entry in entries)
        out.print(first_order_line(found, f"intervals: {100 * found['level']:g} %", sure))


def _cell(entry: Mapping[str, Any], say: Callable[[float], str]) -> str:
    value, low, high = (entry[name] for name in ("value", "low", "high"))
    # Neither: never, or nothing, in all of the draws.
    if low is None or high is None or all(number(end) == "–" for end in (value, low, high)):
        return say(value)
    return f"{say(value)} [{say(low)}, {say(high)}]"


def _people(value: float) -> str:
    """A size as people write it, to three digits; a dash where there is none."""
    return "–" if number(value) == "–" else human(float(f"{value:.3g}"))


def _loss(value: float) -> str:
    return number(value, 3)


def _flop(value: float) -> str:
    return "never" if value == float("inf") else number(value, 3)
