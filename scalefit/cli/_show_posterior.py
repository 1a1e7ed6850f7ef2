"""How good draws of a posterior are, what was taken to be known before, and what runs added to that: for people."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._spec import number

SAMPLER = {"is": "importance sampling", "nuts": "the No-U-Turn sampler", "svi": "a variational approximation"}
INFORMED = 0.5
"""The contraction below which runs leave most of what is not known of a parameter to its prior."""


def posterior_lines(found: Mapping[str, Any], batch: bool) -> list[str]:
    """A line of diagnosis, the priors in words, and the parameters that are known from those alone.

    **Arguments:**

    - `found`: The diagnostics of posterior draws.
    - `batch`: Whether they are of several studies: each number is then that of the worst.
    """
    lines = [f"drawn by {_samplers(found)}: {', '.join(_quality(found))}" + " (of the worst study)" * batch]
    lines += _priors(found.get("priors") or {})
    low = {name: float(np.nanmin(c)) for name, c in (found.get("contraction") or {}).items() if np.nanmin(c) < INFORMED}
    if low:
        said = ", ".join(f"{name} ({number(c, 2)})" for name, c in low.items())
        where = " of some study" * batch
        lines.append(
            f"warning: the runs{where} say little of {said}: the share of the prior's variance that they took away is "
            f"in brackets, and the rest of the interval is the prior's"
        )
    return lines


def _samplers(found: Mapping[str, Any]) -> str:
    used = dict.fromkeys(str(one) for one in np.ravel(found.get("method", "")))
    return " and ".join(SAMPLER.get(one, one) for one in used)


def _quality(found: Mapping[str, Any]) -> list[str]:
    """Effective draws, and what each sampler says of itself, as far as it does."""
    said = []
    method = np.atleast_1d(found.get("method", ""))
    # Draws of an approximation are as many as they are; weights that gave way to chains are no matter.
    bulk, tail = (_worst(found.get(name), np.nanmin, method != "svi") for name in ("ess_bulk", "ess_tail"))
    if bulk is not None:
        said.append(f"{bulk:.0f} effective draws" + (f", {tail:.0f} in the tails" if tail not in (None, bulk) else ""))
    khat = _worst(found.get("khat"), np.nanmax, method != "nuts")
    if khat is not None:
        said.append(f"Pareto k {khat:.2f}")
    rhat = _worst(list((found.get("rhat") or {}).values()), np.nanmax)
    if rhat is not None:
        diverged = _worst(found.get("divergences"), np.nanmax)
        said += [f"R-hat {rhat:.3f}", f"{diverged or 0:.0f} divergences"]
    return said


def _worst(numbers: Any, which: Any, where: Any = True) -> float | None:
    """The worst of what is known; `None` where nothing is."""
    known = np.atleast_1d(np.asarray([] if numbers is None else numbers, dtype=float))
    known = np.where(where, known, np.nan) if known.size else known
    return float(which(known)) if np.isfinite(known).any() else None


def _priors(words: Mapping[str, Any]) -> list[str]:
    """Priors, one line for all parameters that share one."""
    names: dict[str, list[str]] = {}
    for name, said in words.items():
        names.setdefault(" / ".join(dict.fromkeys(str(one) for one in np.ravel(said))), []).append(name)
    return ["priors:", *(f"  {', '.join(those)}: {said}" for said, those in names.items())] if names else []
