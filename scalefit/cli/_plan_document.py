"""The JSON document of a plan, and what it comes to in a sentence."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..laws import AbstractPools
from ..params import parameters
from ..plan import Curation
from ..results import Estimate, Fit, summary, versions
from ..specs import known_laws
from ._document import document, draws_of, entry_of
from ._spec import number

BASELINES = ("natural", "uniform", "best_single")
SLIGHT = 0.005
"""Shares of a budget that are not spoken of."""


def plan_document(planned: Any, *, level: float, seconds: float) -> dict[str, Any]:
    """What `scalefit curate --json` prints.

    **Arguments:**

    - `planned`: The plan and what it was made from.
    - `level`: Probability of the intervals.
    - `seconds`: What the job took.
    """
    found, result = planned.curation, planned.result
    law = law_in(result)
    estimates = estimates_of(result, level)
    fitted = None
    if not isinstance(result, AbstractPools):
        whole = document(result, level=level, seconds=seconds)
        fitted = {key: whole[key] for key in ("objective", "converged", "starts", "dead", "runs", "noise", "source")}
    drawn = None if isinstance(result, AbstractPools) else draws_of(result)
    names = {cls: name for name, cls in known_laws().items()}
    return {
        "law": names.get(type(law), type(law).__name__),
        "half_life": law.half_life,
        "pools": {
            name: {
                "size": found.pools.sizes[i],
                "cost": found.pools.cost[i],
                "max_passes": found.pools.max_passes[i],
                "half_life": entry_of(estimates[f"tau[{name}]"]) if f"tau[{name}]" in estimates else None,
            }
            for i, name in enumerate(found.pools.names)
        },
        "parameters": {name: entry_of(estimate) for name, estimate in estimates.items()},
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


def law_in(result: Any) -> AbstractPools:
    """The law of a result, or the law itself."""
    if isinstance(result, AbstractPools):
        return result
    return result.law if isinstance(result, Fit) else result.fit.law


def estimates_of(result: Any, level: float) -> Mapping[str, Estimate]:
    """Parameters by name, with intervals where something gave them."""
    if isinstance(result, AbstractPools):
        found = {}
        for field, declared in parameters(result).items():
            entries = (field,) if declared.axis is None else tuple(f"{field}[{name}]" for name in result.pool)
            unit = "error" if declared.unit == "target" else declared.unit
            found |= {k: Estimate(float(v), unit) for k, v in zip(entries, np.ravel(getattr(result, field)))}
        return found
    return summary(result, level)  # pyright: ignore[reportReturnType]  a single fit


def by_name(found: Curation, row: np.ndarray) -> dict[str, float] | None:
    """Numbers by pool; `None` for a plan that is none."""
    return None if np.isnan(row).any() else dict(zip(found.pools.names, row.tolist(), strict=True))


def _budget(planned: Any, b: int, level: float) -> dict[str, Any]:
    found, others = planned.curation, planned.others
    band = None if found.draws is None else found.interval(level)
    ends = None if found.draws is None else found.weights_interval(level)
    union = found.union[b]
    return {
        "budget": found.budgets[b],
        "samples": found.samples[b],
        "best": {
            "weights": by_name(found, found.weights[b]),
            "passes": by_name(found, found.passes[b]),
            "value": found.value[b],
            "low": None if band is None or band.low is None else band.low[b],
            "high": None if band is None or band.high is None else band.high[b],
            "kkt": found.kkt[b],
            "weights_low": None if ends is None else by_name(found, ends[0][b]),
            "weights_high": None if ends is None else by_name(found, ends[1][b]),
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
    """What the plan at the largest budget comes to, beside the best that one would do without it."""
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


def human(budget: float) -> str:
    """A budget as people write it: `32M`, `3B`."""
    for scale, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if budget >= scale:
            short = f"{budget / scale:.4g}"
            return f"{short}{letter}" if budget >= 1e6 or float(short) * scale == budget >= 1e4 else f"{budget:.6g}"
    return f"{budget:.4g}"
