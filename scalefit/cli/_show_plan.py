"""A plan for people: a table for each budget, the pools, and a sentence."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from ..params import parameters
from ..plan import Curation
from ..results import Ensemble, Fit
from ._plan_document import estimates_of, human, law_in, mixture
from ._show import formula, interval, run_lines, table, trust_lines
from ._spec import number

WORDS = {
    "best": "best weights",
    "union": "best union",
    "natural": "natural proportions",
    "uniform": "equal shares",
    "best_single": "best single pool",
}


def show_plan(planned: Any, found: Mapping[str, Any], out: Console) -> None:
    """Print a plan: its law, its pools, a table for each budget, and what it comes to.

    **Arguments:**

    - `planned`: The plan and what it was made from.
    - `found`: Its document.
    - `out`: Where to.
    """
    result, level = planned.result, found["level"]
    law = law_in(result)
    out.print(Text.assemble((type(law).__name__, "bold"), f"   {formula(law)}"))
    fitted = result if isinstance(result, Fit) else result.fit if isinstance(result, Ensemble) else None
    if fitted is not None:
        for line in run_lines(fitted.source):
            out.print(Text(line))
    for note in planned.notes:
        if fitted is None or note not in fitted.source.notes:
            out.print(Text(f"note: {note}"))
    out.print()
    out.print(_pools(planned, level))
    out.print(Text(_shared(planned, level)))
    dear = bool((planned.curation.pools.cost != 1.0).any())
    for b in range(len(planned.curation.budgets)):
        out.print()
        bought = f" in the unit of costs, {human(planned.curation.samples[b])} samples" if dear else ""
        out.print(Text.assemble(("budget ", ""), (human(planned.curation.budgets[b]), "bold"), bought))
        out.print(_budget(planned.curation, b, level))
        if planned.others:
            plans = {law.half_life: planned.curation, **planned.others}
            said = [f"{rule} {mixture(plan, b)} (error {number(plan.value[b], 5)})" for rule, plan in plans.items()]
            out.print(Text(f"best weights by the rule of half-lives: {'; '.join(said)}"))
    of = ", % of the samples and not of what is spent" if dear else ""
    out.print(Text(f"(2×): each sample of the pool is seen twice{of}; *: outside the limits"))
    if planned.others is None:
        out.print(Text("the runs hold mixtures, to which the half-lives were fitted: see --half-life for another rule"))
    else:
        out.print(Text("fitted to no mixture, the law does not say which rule of half-lives holds (--half-life)"))
    if fitted is not None:
        first, *rest = trust_lines(fitted, None, level)
        out.print(Text(first))
        for line in rest:
            if not line.startswith("no intervals"):
                out.print(Text(line))
    if isinstance(result, Ensemble):
        count, good = result.objective.shape[-1], int(np.sum(result.converged))
        by = f" of {planned.clusters}" if planned.clusters else ""
        lost = f"; {count - good} did not converge and take no part" if good < count else ""
        out.print(Text(f"intervals: {100 * level:g} %, from {count} {result.method} draws{by}{lost}"))
    elif fitted is not None:
        out.print(Text("no intervals: ask for them with --bootstrap 100"))
    out.print()
    out.print(Text(found["verdict"]))


def _pools(planned: Any, level: float) -> Any:
    """Sizes, and every parameter that pools have of their own."""
    found, law = planned.curation, law_in(planned.result)
    estimates = estimates_of(planned.result, level)
    own = [field for field, declared in parameters(law).items() if declared.axis == "pool"]
    sure = isinstance(planned.result, Ensemble)
    headers = ["unique samples"]
    for field in own:
        headers += [{"tau": "half-life (passes)", "b": "exponent b", "q": "worth q"}.get(field, field)]
        headers += [f"{100 * level:g} % interval"] if sure else []
    limits = {"cost": (found.pools.cost, 1.0), "most passes": (found.pools.max_passes, np.inf)}
    limits = {k: column for k, (column, usual) in limits.items() if (column != usual).any()}
    headers += list(limits)
    made = table("pool", *headers, right=["unique samples", "half-life (passes)", "exponent b", "worth q", *limits])
    for i, name in enumerate(found.pools.names):
        cells = [name, human(found.pools.sizes[i])]
        for field in own:
            estimate = estimates[f"{field}[{name}]"]
            cells += [number(estimate.value, 4), *([interval(estimate)] if sure else [])]
        cells += [number(column[i], 4) if np.isfinite(column[i]) else "–" for column in limits.values()]
        made.add_row(*(Text(cell) for cell in cells))
    return made


def _shared(planned: Any, level: float) -> str:
    """The parameters that all pools have together, with their intervals where there are draws."""
    estimates = estimates_of(planned.result, level)
    sure = isinstance(planned.result, Ensemble)
    along = [field for field, declared in parameters(law_in(planned.result)).items() if declared.axis is None]
    said = [f"{f} = {number(estimates[f].value, 4)}" + (f" ({interval(estimates[f])})" if sure else "") for f in along]
    return f"of all pools: {', '.join(said)}"


def _budget(found: Curation, b: int, level: float) -> Any:
    band = None if found.draws is None else found.interval(level)
    sure = [f"{100 * level:g} % interval", "best of draws"] if band is not None else []
    made = table("plan", "error", *sure, *found.pools.names, right=["error", "best of draws", *found.pools.names])
    plans = {"best": (found.weights[b], found.value[b], True)}
    plans |= {
        name: (found.plans[name][b], found.values[name][b], bool(found.allowed[name][b]))
        for name in ("union", "best_single", "natural", "uniform")
    }
    for name, (weights, value, allowed) in plans.items():
        cells = [WORDS[name] + ("" if allowed else " *"), number(value, 5)]
        if np.isnan(weights).any():
            cells = [WORDS[name], "no finite error" + (" within the limits" if name == "union" else "")]
            weights = np.zeros(len(weights))
        if band is not None and found.draws is not None and band.low is not None and band.high is not None:
            draws = found.draws.of_best[:, b] if name == "best" else found.draws.of_plans[name][:, b]
            there = draws[np.isfinite(draws)]
            ends = np.quantile(there, [0.5 - level / 2, 0.5 + level / 2]) if there.size else (np.nan, np.nan)
            share = f"{100 * found.probabilities[name][b]:.0f} %"
            cells += [f"{number(ends[0], 4)} … {number(ends[1], 4)}" if there.size else "–", share if allowed else "–"]
        total = found.budgets[b] / float(np.sum(weights * found.pools.cost)) if weights.any() else 0.0
        for w, size in zip(weights, found.pools.sizes, strict=True):
            cells.append("–" if w <= 0 else f"{number(100 * w, 3)} % ({number(w * total / size, 3)}×)")
        made.add_row(*(Text(cell) for cell in cells))
        if name == "best" and found.draws is not None:
            low, high = (100.0 * ends[b] for ends in found.weights_interval(level))
            between = [f"{number(x, 3)} … {number(y, 3)} %" for x, y in zip(low, high, strict=True)]
            made.add_row(Text(f"  {100 * level:g} % of its weights", style="dim"), *[""] * 3, *map(Text, between))
    return made
