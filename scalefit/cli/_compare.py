"""`scalefit compare`: read, fit several laws, roll them back, print."""

from __future__ import annotations

import time
import warnings
from typing import Any

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, LeftOutWarning
from ._config import print_document
from ._options import Allow, Append, CacheDir, Columns, Json, Law, Noise, PerRun, Seed, Source, Target, Where
from ._terminal import number


def compare(
    source: Source,
    law: Law,
    columns: Columns = None,
    where: Where = None,
    append: Append = None,
    per_run: PerRun = None,
    target: Target = None,
    noise: Noise = None,
    seed: Seed = 0,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Rank laws by what each would have foreseen of the larger runs, from the smaller ones alone."""
    begun = time.perf_counter()
    from .._core import cache
    from ..results import versions
    from ..specs import law_of, noise_of
    from ._checks import Checks
    from ._document import law_name
    from ._terminal import quiet
    from ._words import read_source

    checks = Checks(allow)
    with quiet(json, checks):
        warnings.simplefilter("ignore", LeftOutWarning)
        specs = [spec.strip() for spec in law.split(",")]
        if not 1 < len(set(specs)) == len(specs):
            raise InputError("law", law, "two laws or more, each once, as chinchilla,kaplan")
        laws = {spec: law_of(spec, {}) for spec in specs}
        the_noise = None if noise is None else noise_of(noise)
        runs = read_source(source, columns, where, target, append, per_run)
        checks.of(runs)
        cache(cache_dir)
        compared = sf.compare(laws, runs, noise=the_noise, seed=seed)
        found = {
            "laws": [{"name": one.name, "law": law_name(one.fit.law), **_of(one)} for one in compared.laws],
            "origins": compared.origins,
            "forecasts": compared.forecasts,
            "notes": list(compared.remedies),
            "checks": checks.document(),
            "source": {"name": runs.name, "fingerprint": runs.fingerprint, "target": runs.target_name},
            "seconds": time.perf_counter() - begun,
            "versions": versions(),
        }
    if json:
        print_document(found)
    else:
        _show(found, checks)


def _of(one: Any) -> dict[str, Any]:
    names = ("error", "behind", "behind_se", "best", "weight", "left_out", "left_out_behind", "left_out_se", "within")
    return {
        "converged": bool(one.fit.converged), **{name: getattr(one, name) for name in (*names, "aic", "bic")},
        "patterns": [found._asdict() for found in one.patterns],
    }  # fmt: skip


def _show(found: dict[str, Any], checks: Any) -> None:
    from ._show import console, say_notes, table

    out, laws = console(), found["laws"]
    headers = ["law", "missed by %", "behind", "best in", "weight", "left out", "AIC", "BIC"]
    least = {name: min((one[name] for one in laws if one[name] == one[name]), default=0.0) for name in ("aic", "bic")}
    rows = [
        [one["name"], number(100 * one["error"], 3), _with_error(100 * one["behind"], 100 * one["behind_se"]),
         number(100 * one["best"], 2) + " %", number(one["weight"], 2),
         _with_error(-one["left_out_behind"], one["left_out_se"]),
         *(f"{one[name] - least[name]:+.1f}" if abs(one[name]) < float("inf") else "–" for name in least)]
        for one in laws
    ]  # fmt: skip
    out.print(table(headers, rows, right=headers[1:]))
    if found["origins"]:
        out.print(f"By {found['forecasts']} forecasts from {found['origins']} origins; AIC and BIC above the least.")
    else:
        out.print("No larger run could be foreseen from smaller ones: by AIC, above the least.")
    say_notes(out, found["notes"])
    checks.show(out)


def _with_error(value: float, error: float) -> str:
    """A difference with its standard error; a dash for what it is a difference to."""
    return "–" if number(value) == "–" or value == 0.0 else f"{number(value, 3)} ± {number(error, 2)}"
