"""Sizes and targets that a table has in another form: logarithms, tokens per parameter, steps of so many tokens."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ._columns import MEASURED, header_of, is_ratio, logarithm_of, our_name
from ._numbers import objects, one_column, parse_number

# More than models have: a logarithm whose base is not said is natural where powers of ten would be beyond.
_BEYOND = {"N": 1e13, "D": 1e15, "C": 1e28, "U": 1e15, "n": 1e15}

# Headers, in small letters without spaces and signs, of what multiplies to tokens.
_FACTORS = {
    "steps": "step steps numsteps nsteps trainsteps trainingsteps totalsteps maxsteps iterations iters updates",
    "tokens": "batchtokens tokensperbatch tokensperstep batchsizetokens batchsizeintokens globalbatchsizetokens",
    "batch": "batch batchsize bs bsz globalbatch globalbatchsize gbs trainbatchsize totalbatchsize",
    "length": "length seq seqlen seqlength sequencelength contextlength ctx ctxlen contextlen maxseqlen blocksize",
}

Columns = Mapping[str, str | None]


def with_sizes(
    table: dict[str, np.ndarray], columns: Columns | None, target: str | None
) -> tuple[dict[str, np.ndarray], Columns | None, tuple[str, ...]]:
    """Add the sizes that are there as logarithms (`log10_N`) or as a ratio (`tokens_per_param`), with notes.

    **Arguments:**

    - `table`: Columns by header.
    - `columns`, `target`: As `read_runs` takes them. A size that the table has, or that is left out, is not made.
    """
    made, said, notes = dict(table), dict(columns or {}), []
    roles = {h: our_name(h) for h in table if h not in said.values() and h != target}

    def header(ours: str) -> str | None:
        found = [said[ours]] if ours in said else [h for h, role in roles.items() if role == ours]
        return found[0] if len(found) == 1 and found[0] in made else None

    for log in [h for h in table if h != target]:
        base, inner = logarithm_of(log) or (None, "")
        ours = our_name(inner)
        if ours is None or ours in made or (said[ours] != log if ours in said else ours in roles.values()):
            continue
        numbers = [c for c in map(parse_number, table[log].tolist()) if c is not None]
        largest = max((c for c in numbers if c == c), default=0.0)
        natural = base is None and 10.0 ** min(largest, 300.0) > _BEYOND[ours]
        base = base or (math.e if natural else 10.0)
        scale = header_of(inner).scale
        made[ours] = _changed(ours, table[log], lambda c, _, base=base, scale=scale: np.float64(base) ** c * scale)
        roles[ours] = ours
        said.pop(ours, None)
        shown = "e" if base == math.e else f"{base:g}"
        times = "" if scale == 1.0 else f" times {scaled(scale)}"
        notes.append(f"{ours} = {shown} to the power of {log!r}{times}" + (", as its values tell" if natural else ""))
    notes += _with_tokens(made, {*said}, {*roles.values()}, target)
    roles |= {"D": "D"} if "D" in made else {}
    ratio = next((h for h in table if is_ratio(h) and h != target and h not in said.values()), None)
    there = {ours: header(ours) for ours in ("N", "D", "C")}
    if ratio is None or sum(h is not None for h in there.values()) != 1:
        return made, said if columns is not None else None, tuple(notes)
    known = next(k for k, h in there.items() if h is not None)
    ours = "D" if known == "N" else "N"
    if ours not in made and ours not in said and ours not in roles.values():
        own = there[known] or ""
        scale = header_of(own, known).scale
        change, formula = {
            "N": (lambda r, n: r * n * scale, "N times {}"),
            "D": (lambda r, d: d * scale / r, "D over {}"),
            "C": (lambda r, c: np.sqrt(c * scale / (6.0 * r)), "the root of C / 6 over {}"),
        }[known]
        made[ours] = _changed(ours, table[ratio], change, made[own])
        notes.append(f"{ours} = {formula.format(repr(ratio))}, tokens per parameter")
    return made, said if columns is not None else None, tuple(notes)


def _with_tokens(
    table: dict[str, np.ndarray], said: set[str], roles: set[str | None], target: str | None
) -> tuple[str, ...]:
    """Add D where a table has steps and what each of them takes, and neither tokens nor compute; what was done."""
    if {"D", "C"} & (said | roles | set(table)):
        return ()
    named = {h: _plain(h) for h in table if h != target}

    def the(factor: str) -> str | None:
        found = [h for h, plain in named.items() if plain in _FACTORS[factor].split()]
        return found[0] if len(found) == 1 else None

    steps, tokens, batch, length = map(the, _FACTORS)
    headers = [h for h in ([steps, tokens] if tokens else [steps, batch, length]) if h is not None]
    if len(headers) < 2 + (tokens is None):
        return ()
    scale = math.prod(header_of(h).scale for h in headers)
    product = _changed("D", table[headers[0]], lambda a, b: scale * a * b, table[headers[1]])
    for header in headers[2:]:
        product = _changed("D", product, lambda a, b: a * b, table[header])
    table["D"] = product
    times = "" if scale == 1.0 else f", times {scaled(scale)}"
    return (f"D = {' times '.join(map(repr, headers))}{times}: the table has no token column",)


def _plain(header: str) -> str:
    """A header without signs and units, but with tokens where these are the unit."""
    name = header_of(header).name
    unit = "tokens" if "tok" in header.removeprefix(name).lower() else ""
    return re.sub(r"[\W_]", "", name + unit).lower()


def with_target(
    table: dict[str, np.ndarray], columns: Columns | None, target: str | None
) -> tuple[dict[str, np.ndarray], Columns | None, str | None, tuple[str, ...]]:
    """Add the target where the table has its logarithm (`ln_loss`), with a note; what is called log loss is a loss.

    **Arguments:**

    - `table`, `columns`, `target`: As of `with_sizes`.

    **Returns:** these three anew, and the note.
    """
    said = dict(columns or {})
    asked = target or next((said[name] for name in MEASURED & said.keys()), None)
    there = any(our_name(header) in MEASURED for header in table)
    for log in [asked] if asked else [] if there else list(table):
        base, inner = logarithm_of(log, MEASURED) or (None, "")
        if base is None or log not in table:
            continue
        name = inner if inner not in table else f"exp({log})"
        made = {**table, name: _changed(name, table[log], lambda c, _, base=base: np.float64(base) ** c)}
        said = {ours: header for ours, header in said.items() if header != log}
        shown = "e" if base == math.e else f"{base:g}"
        note = (
            f"{name} = {shown} to the power of {log!r}; an se, where there is one, is taken to be in the unit of {name}"
        )
        return made, said if columns is not None else None, name, (note,)
    return table, columns, target, ()


def scaled(scale: float) -> str:
    """A factor in words: 1e9, or 8.64e19."""
    mantissa, _, power = f"{scale:.15e}".partition("e")
    return f"{float(mantissa):.6g}e{int(power)}"


def _changed(
    name: str, column: np.ndarray, change: Callable[[float, float], float], other: np.ndarray | None = None
) -> np.ndarray:
    """A column with its numbers changed; what is no number stays as it is, for whoever asks for it."""
    others: list[Any] = column.tolist() if other is None else other.tolist()
    cells = []
    for cell, beside in zip(column.tolist(), others, strict=True):
        number, second = parse_number(cell), parse_number(beside)
        strange = cell if number is None else beside if second is None else None
        if number is None or second is None:
            cells.append(strange)
        else:
            with np.errstate(all="ignore"):
                cells.append(float(change(np.float64(number), np.float64(second))))
    return objects(cells) if any(isinstance(c, str) for c in cells) else one_column(name, cells)
