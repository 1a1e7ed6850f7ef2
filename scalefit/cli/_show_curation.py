"""The JSON document of weights over pools, their tables, and what they come to in a sentence."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.text import Text

from ..laws import PoolsMixed
from ..params import parameters
from ..plan import Curation
from ..results import Ensemble, Estimate, Fit, versions
from ._document import document, draws_of, entry_of, law_name
from ._formula import formula
from ._pools import law_in
from ._show import optimum_lines, run_lines, table, unidentified_lines
from ._terminal import ends_of, human, interval, number

BASELINES = ("natural", "uniform", "best_single")
SLIGHT = 0.005
"""Shares of a budget that are not spoken of."""
WORDS = {
    "best": "best weights",
    "union": "best union",
    "best_single": "best single pool",
    "natural": "natural proportions",
    "uniform": "equal shares",
}


class Planned(NamedTuple):
    """Weights, what they were made from, what there is to say of that, and those under `other_rules`."""

    curation: Curation
    result: Any
    name: str
    clusters: str | None
    notes: tuple[str, ...]
    others: Mapping[str, Curation] | None


def curation_document(planned: Planned, *, level: float, seconds: float) -> dict[str, Any]:
    """Return what `scalefit curate --json` prints.

    **Arguments:**

    - `planned`: The weights and what they were made from.
    - `level`: Probability of the intervals.
    - `seconds`: Duration of the job.
    """
    found, result = planned.curation, planned.result
    law, fitted, drawn = law_in(result), None, None
    if law is result:
        entries = _published(result)
    else:
        whole = document(result, level=level, seconds=seconds)
        entries, drawn = whole["parameters"], draws_of(result)
        of_fit = ("objective", "converged", "status", "starts", "unidentified", "at_end", "runs", "noise", "source")
        fitted = {key: whole[key] for key in of_fit}
    return {
        "law": law_name(law),
        "half_life": "fitted" if isinstance(law, PoolsMixed) else law.half_life,
        "pools": {
            name: {
                "size": found.pools.sizes[i],
                "cost": found.pools.cost[i],
                "max_passes": found.pools.max_passes[i],
                "half_life": entries.get(f"tau[{name}]"),
            }
            for i, name in enumerate(found.pools.names)
        },
        "parameters": entries,
        "budgets": [_budget(planned, b, level) for b in range(len(found.budgets))],
        "verdict": verdict(found),
        "fit": fitted,
        "draws": None if drawn is None else {**drawn, "drawn_as_one": planned.clusters},
        "source": planned.name,
        "level": level,
        "notes": list(planned.notes),
        "seconds": seconds,
        "versions": versions(),
    }


def _published(law: Any) -> dict[str, dict[str, Any]]:
    """Parameters by name of a law that was not fitted."""
    found = {}
    for field, declared in parameters(law).items():
        names = (field,) if declared.axis is None else tuple(f"{field}[{name}]" for name in law.pool)
        unit = "error" if declared.unit == "target" else declared.unit
        numbers = np.ravel(getattr(law, field))
        found |= {k: entry_of(Estimate(float(v), unit=unit)) for k, v in zip(names, numbers, strict=True)}
    return found


def by_name(found: Curation, row: np.ndarray) -> dict[str, float] | None:
    """Numbers by pool; `None` for a plan that is none."""
    return None if np.isnan(row).any() else dict(zip(found.pools.names, row.tolist(), strict=True))


def _budget(planned: Planned, b: int, level: float) -> dict[str, Any]:
    found, others = planned.curation, planned.others
    value, weights = found.interval(level), found.weights_interval(level)
    union = found.union[b]
    return {
        "budget": found.budgets[b],
        "samples": found.samples[b],
        "best": {
            "weights": by_name(found, found.weights[b]),
            "passes": by_name(found, found.passes[b]),
            **ends_of(value[b]),
            "kkt": found.kkt[b],
            **{
                f"weights_{end}": row if row is None else by_name(found, row)
                for end, row in ends_of(weights[b]).items()
                if end != "value"
            },
        },
        "union": {"pools": list(union), "value": found.values["union"][b] if union else None},
        "baselines": {
            name: {
                "weights": by_name(found, found.plans[name][b]),
                "value": found.values[name][b],
                "allowed": bool(found.allowed[name][b]),
            }
            for name in BASELINES
        },
        "other_rules": None
        if others is None
        else {
            rule: {"weights": by_name(other, other.weights[b]), "value": other.value[b]}
            for rule, other in others.items()
        },
        "probability_best": None if found.draws is None else found.probability_best[b],
    }


def verdict(found: Curation) -> str:
    """Compare the weights at the largest budget with the best that one would do without them."""
    b = int(np.argmax(found.budgets))
    least = int(np.argmin(found.budgets))
    beside = {k: v[b] for k, v in found.values.items() if found.allowed[k][b] and np.isfinite(v[b])}
    text = f"With {human(found.budgets[b])} take {mixture(found, b)}"
    if least != b and mixture(found, least) != mixture(found, b):
        text = (
            f"With {human(found.budgets[least])} take {mixture(found, least)}, and with {human(found.budgets[b])} "
            + (mixture(found, b))
        )
    if not beside:
        return f"{text}: an error of {number(found.value[b], 4)} is foreseen there."
    name = min(beside, key=lambda k: beside[k])
    if name == "union":
        what = f"the best union, {' + '.join(found.union[b])}"
    elif name == "best_single":
        what = f"{found.pools.names[int(np.argmax(found.plans[name][b]))]} alone"
    else:
        what = {"natural": "all pools in proportion to their sizes", "uniform": "equal shares of all pools"}[name]
    gain = 100.0 * (1.0 - found.value[b] / beside[name])
    ahead = f"{number(gain, 2)} % less than" if gain > 0.005 else "as much as"
    text += f": there an error of {number(found.value[b], 4)} is foreseen, {ahead} with {what}"
    if found.draws is None:
        return f"{text}; how sure that is nothing here says."
    share = 100.0 * found.probability_best[b]
    return f"{text}; in {number(share, 3)} % of the draws none of the plans beside it is better."


def mixture(found: Curation, b: int) -> str:
    """The recommended weights in words."""
    order = np.argsort(-found.weights[b], kind="stable")
    parts = [f"{100 * found.weights[b, i]:.3g} % {found.pools.names[i]}" for i in order if found.weights[b, i] > SLIGHT]
    if len(parts) == 1:
        return f"{found.pools.names[int(order[0])]} alone"
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def show_curation(planned: Planned, found: Mapping[str, Any], out: Console) -> None:
    """Print weights: their law, its pools, a table for each budget, and what they come to.

    **Arguments:**

    - `planned`: The weights and what they were made from.
    - `found`: Their document.
    - `out`: Where to.
    """
    result, level, fitted = planned.result, found["level"], found["fit"]
    law, curation = law_in(result), planned.curation
    fit = result if isinstance(result, Fit) else result.fit if isinstance(result, Ensemble) else None
    notes = [] if fit is None else list(fit.source.notes)
    out.print(Text.assemble((type(law).__name__, "bold"), f"   {formula(law)}"))
    lines = [] if fit is None else run_lines(fitted["runs"], fitted["source"]["name"], notes)
    lines += [f"note: {note}" for note in planned.notes if note not in notes]
    out.print(Text("\n".join([*lines, ""])))
    out.print(_pools(curation, found, law))
    out.print(Text(_shared(found, law)))
    dear = bool((curation.pools.cost != 1.0).any())
    for b in range(len(curation.budgets)):
        bought = f" in the unit of costs, {human(curation.samples[b])} samples" if dear else ""
        out.print()
        out.print(Text.assemble(("budget ", ""), (human(curation.budgets[b]), "bold"), bought))
        out.print(_plans(curation, b, level))
        if planned.others:
            plans = {law.half_life: curation, **planned.others}
            said = [f"{rule} {mixture(plan, b)} (error {number(plan.value[b], 5)})" for rule, plan in plans.items()]
            out.print(Text(f"best weights by the rule of half-lives: {'; '.join(said)}"))
    of = ", % of the samples and not of what is spent" if dear else ""
    lines = [f"(2×): each sample of the pool is seen twice{of}; *: outside the limits"]
    if isinstance(law, PoolsMixed):
        lines.append("the half-life of a pool in a mixture is τ over its weight to the power g, fitted to the mixtures")
    elif not isinstance(law.half_life, str):
        lines.append(f"the half-life of a pool in a mixture is τ over its weight to the power {law.half_life:g}")
    elif planned.others is None:
        lines.append("the runs hold mixtures, to which the half-lives were fitted: see --half-life for another rule")
    else:
        lines.append("fitted to no mixture, the law does not say which rule of half-lives holds (--half-life)")
    if fit is not None:
        lines += [*optimum_lines(fitted, fit.noise.log), *unidentified_lines(fitted)]
        lines.append(_sure(found) if found["draws"] else "no intervals: ask for them with --bootstrap 100")
    out.print(Text("\n".join([*lines, "", found["verdict"]])))


def _sure(found: Mapping[str, Any]) -> str:
    """Origin of the intervals."""
    draws = found["draws"]
    by = f" of {draws['drawn_as_one']}" if draws["drawn_as_one"] else ""
    failed = draws["num"] - int(draws["converged"])
    lost = f"; {failed} did not converge and take no part" if failed else ""
    return f"intervals: {100 * found['level']:g} %, from {draws['num']} {draws['method']} draws{by}{lost}"


def _pools(curation: Curation, found: Mapping[str, Any], law: Any) -> Any:
    """Sizes, and every parameter that pools have of their own."""
    own = [field for field, declared in parameters(law).items() if declared.axis == "pool"]
    sure = found["draws"] is not None
    named = [{"tau": "half-life (passes)", "b": "exponent b", "q": "worth q"}.get(field, field) for field in own]
    ends = [f"{100 * found['level']:g} % interval"] if sure else []
    limits = {"cost": (curation.pools.cost, 1.0), "most passes": (curation.pools.max_passes, np.inf)}
    shown = {k: column for k, (column, usual) in limits.items() if (column != usual).any()}
    rows = []
    for i, name in enumerate(curation.pools.names):
        cells = [name, human(curation.pools.sizes[i])]
        for field in own:
            entry = found["parameters"][f"{field}[{name}]"]
            cells += [number(entry["value"], 4), *([interval(entry)] if sure else [])]
        rows.append([*cells, *(number(column[i], 4) for column in shown.values())])
    headers = ["pool", "unique samples", *(one for name in named for one in [name, *ends]), *shown]
    return table(headers, rows, right=["unique samples", "half-life (passes)", "exponent b", "worth q", *shown])


def _shared(found: Mapping[str, Any], law: Any) -> str:
    """The parameters that all pools have together, with their intervals where there are draws."""
    said = []
    for field in [field for field, declared in parameters(law).items() if declared.axis is None]:
        entry = found["parameters"][field]
        said.append(f"{field} = {number(entry['value'], 4)}" + (f" ({interval(entry)})" if found["draws"] else ""))
    return f"of all pools: {', '.join(said)}"


def _plans(found: Curation, b: int, level: float) -> Any:
    """The table of a budget: the best weights and what one would do without them."""
    draws, rows = found.draws, []
    sure = [] if draws is None else [f"{100 * level:g} % interval", "best of draws"]
    for name, words in WORDS.items():
        best = name == "best"
        weights, value = (found.weights, found.value) if best else (found.plans[name], found.values[name])
        weights, allowed = weights[b], best or bool(found.allowed[name][b])
        cells = [words + ("" if allowed else " *"), number(value[b], 5)]
        if np.isnan(weights).any():
            cells = [words, "no finite error" + (" within the limits" if name == "union" else "")]
            weights = np.zeros(len(weights))
        if draws is not None:
            drawn = (draws.of_best if best else draws.of_plans[name])[:, b]
            there = drawn[np.isfinite(drawn)]
            low, high = np.quantile(there, [0.5 - level / 2, 0.5 + level / 2]) if there.size else (np.nan, np.nan)
            share = f"{100 * found.probabilities[name][b]:.0f} %" if allowed else "–"
            cells += [f"{number(low, 4)} … {number(high, 4)}" if there.size else "–", share]
        total = found.budgets[b] / float(np.sum(weights * found.pools.cost)) if weights.any() else 0.0
        for w, size in zip(weights, found.pools.sizes, strict=True):
            cells.append("–" if w <= 0 else f"{number(100 * w, 3)} % ({number(w * total / size, 3)}×)")
        rows.append(cells)
        known = found.weights_interval(level)[b]
        if best and known.low is not None and known.high is not None:
            ends = zip(100.0 * known.low, 100.0 * known.high, strict=True)
            between = [f"{number(low, 3)} … {number(high, 3)} %" for low, high in ends]
            rows.append([Text(f"  {100 * level:g} % of its weights", style="dim"), "", "", "", *between])
    headers = ["plan", "error", *sure, *found.pools.names]
    return table(headers, rows, right=["error", "best of draws", *found.pools.names])
