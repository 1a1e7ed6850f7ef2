"""The JSON document of a result: the same keys whatever was fitted, and what tables for people are made from."""

import json
import math
import re
import sys
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from .._core import RESULTS, visible
from ..problem import Source
from ..results import Ensemble, Estimate, Fit, spread, summary, versions
from ..specs import known_laws, noise_spec
from ._terminal import ends_of


def document(
    result: Fit[Any] | Ensemble[Any], *, level: float, seconds: float, checks: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return what `scalefit fit --json` prints; with studies, `fits` holds the same for each.

    **Arguments:**

    - `result`: A fit, or an ensemble about one; single, or a batch.
    - `level`: Probability of the intervals.
    - `seconds`: Duration of the job.
    - `checks`: What they found, as `Checks.document` has it.
    """
    fit = result.fit
    estimates: Any = summary(result, level)
    job = {"noise": noise_spec(fit.noise), "seed": fit.seed, "level": level, "checks": list(checks)}
    source, runs, law = fit.source, runs_of(fit.source), law_name(fit.law)
    last = {
        "draws": draws_of(result),
        "freedom": freedom_of(result),
        "source": {"name": source.name, "fingerprint": source.fingerprint, "target": source.target},
        "notes": list(source.notes),
        "seconds": seconds,
        "versions": versions(),
    }
    if fit.keys is None:
        return {"law": law, **_study(fit, estimates, ...), "runs": runs, **job, **last}
    used = np.sum(np.isfinite(fit.residuals), axis=-1)
    fits = [
        {"key": key, "law": law, **_study(fit, estimates[key], s), "runs": {"used": int(used[s])}, **job}
        for s, key in enumerate(fit.keys)
    ]
    return {
        "law": law,
        "by": [fit.by] if isinstance(fit.by, str) else fit.by,
        "fits": fits,
        "left_out": [{"key": key, "reason": reason} for key, reason in fit.problem.left_out],
        "converged": bool(np.all(fit.converged)),
        "runs": runs,
        **job,
        **last,
    }


def runs_of(source: Source) -> dict[str, Any]:
    """The runs that were used, and the others with the reason."""
    return {
        "used": source.used,
        "dropped": [{"row": row, "reason": reason} for row, reason in source.dropped],
        "excluded": source.excluded,
    }


def draws_of(result: Fit[Any] | Ensemble[Any]) -> dict[str, Any] | None:
    """Origin of the draws behind the intervals; `None` where there are none."""
    if isinstance(result, Fit):
        return None
    found = {
        "method": result.method,
        "num": int(result.objective.shape[-1]),
        "converged": np.sum(result.converged, axis=-1),
        "seed": result.seed,
        # What was drawn as one, and of how many runs: null where draws are not of runs.
        **{name: result.diagnostics.get(name) for name in ("cluster", "clusters", "runs")},
    }
    if result.method == "posterior":  # how good they are, and what was taken to be known before
        diagnostics = dict(result.diagnostics)
        found |= {"priors": diagnostics.pop("priors", None), "diagnostics": diagnostics}
    return found


def freedom_of(result: Fit[Any] | Ensemble[Any]) -> dict[str, Any] | None:
    """What intervals to first order stand on, by study of a batch; `None` for draws and where nothing converged."""
    if not isinstance(result, Fit) or not np.any(result.converged):
        return None
    found, rows = spread(result), np.sum(np.isfinite(np.atleast_2d(result.residuals)), axis=-1)
    told = {"left": found.freedom, "trainings": found.units, "runs": rows}
    return {name: a if result.keys is not None else a[0] for name, a in told.items()}


def law_name(law: Any) -> str:
    """The name of a law on the command line; of a user's own law, its class."""
    return next((name for name, known in known_laws().items() if known is type(law)), type(law).__name__)


def _study(fit: Fit[Any], estimates: Mapping[Hashable, Any], study: Any) -> dict[str, Any]:
    return {
        "parameters": {name: entry_of(estimate) for name, estimate in estimates.items()},
        "objective": fit.objective[study],
        "converged": bool(np.asarray(fit.converged)[study]),
        "status": RESULTS(int(fit.result[study])).name,
        "starts": {"tried": fit.tried, "agreeing": fit.agreeing[study], "optima": fit.met[study]}
        | {"scouts": dict(zip(("agreeing", "tried"), fit.followed[study], strict=True))},
        # Free parameters that no run responds to at the optimum, and those at an end of where they may lie.
        "unidentified": [n for n, gone in zip(fit.free, (fit.unidentified & ~fit.at_end)[study], strict=True) if gone],
        "at_end": {n: estimates[n].value for n, there in zip(fit.free, fit.at_end[study], strict=True) if there},
    }


def entry_of(estimate: Estimate) -> dict[str, Any]:
    """A parameter of the document; `unbounded` and `fixed` are there only where they hold."""
    entry = {**ends_of(estimate, "se"), "unit": estimate.unit}
    return entry | {key: True for key in ("unbounded", "fixed") if getattr(estimate, key)}


def to_json(found: Any) -> str:
    """Strict JSON: arrays as lists, and null for a number that is not finite."""
    plain = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    text = json.dumps(_strict(found), indent=2, allow_nan=False, ensure_ascii=not plain)
    # JSON escapes the first control characters itself; the others are escaped as it would.
    return re.sub(r"[^\n\x20-\x7e]", lambda c: c[0] if visible(c[0]) == c[0] else json.dumps(c[0])[1:-1], text)


def _strict(found: Any) -> Any:
    if isinstance(found, np.ndarray | np.generic):
        found = found.tolist()
    if isinstance(found, Mapping):
        return {str(key): _strict(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_strict(value) for value in found]
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return found
