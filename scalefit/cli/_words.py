"""Words of the command line, as results, numbers, columns, priors and clusters."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._core import InputError, Phrase, check_names
from ..data import Runs, parse_number
from ..data import per_run as one_per_run
from ..laws import AbstractLaw
from ..results import Ensemble, Fit, load
from ..specs import bare, known_laws, law_class, prior_of, published, runs_of

WHICH = ("last", "least", "smoothed")
"""Rows of a run that can be kept of it."""
SEEDS = 6
"""Seeds, at least, for seeds to be drawn as one: of fewer a bootstrap says little."""

_PIECE = re.compile(r"""(?:"[^"]*"|'[^']*'|[^,"'])+""")
_PRIOR = re.compile(r"\s*([^=()]+?)\s*=\s*([\w.\- ]+?\s*\([^()]*\))\s*")


def result_of(folder: Path, law: str | None, argument: str = "folder", more: str = "") -> Fit[Any] | Ensemble[Any]:
    """Read the result that `scalefit fit --out` wrote.

    **Arguments:**

    - `folder`: Where it is.
    - `law`: The user's own law, where the result is of one.
    - `argument`: Argument that the folder was given to.
    - `more`: Clause for what else would have done.

    **Raises:** `InputError` where the folder holds no result.
    """
    if not folder.is_dir():
        said = Phrase(f"is {str(folder)!r}, and there is no folder of that name")
        raise InputError(argument, said, f"one that `scalefit fit --out` wrote{more}")
    return load(folder, law=None if law is None else law_class(law))


def result_or_law(given: str, law: str | None, argument: str = "folder") -> Fit[Any] | Ensemble[Any] | AbstractLaw:
    """Read the result that `scalefit fit --out` wrote, or take a published law, as `chinchilla:epoch`.

    **Arguments:** as `result_of` has them.

    **Raises:** `InputError` where it is neither.
    """
    name, sign, _ = given.partition(":")
    if Path(given).is_dir() or ((not sign or "/" in given) and bare(name) not in map(bare, known_laws())):
        return result_of(Path(given), law, argument, ", or a published law, as chinchilla:epoch")
    found = published(given, argument)
    if law is not None:
        raise InputError("law", Phrase(f"is of a saved result, and {given!r} is a published law"),
                         remedy="leave it out")  # fmt: skip
    return found


def read_source(
    source: str,
    columns: Iterable[str] | None,
    where: str | None,
    target: Sequence[str] | None = None,
    append: Sequence[str] | None = None,
    per_run: str | None = None,
) -> Runs:
    """Read the runs that a command is asked of.

    **Arguments:**

    - `source`, `columns`, `where`, `target`, `append`: As the options of these names have them.
    - `per_run`: Which row of a run is kept, as `smoothed:20`; all unless given.

    **Raises:** `InputError` for every source that cannot be used.
    """
    names = tuple(target or ())
    which, sign, window = (per_run or "").partition(":")
    if per_run is not None and (
        which not in WHICH or (sign and (which != "smoothed" or not window.isdecimal() or int(window) == 0))
    ):
        raise InputError("per_run", per_run, "last, least, smoothed, or smoothed:20 for a mean of 20 rows")
    runs = runs_of(source, columns=columns_of(columns), where=where,
                   target=names if len(names) > 1 else next(iter(names), None), append=append or ())  # fmt: skip
    return runs if per_run is None else one_per_run(runs, which, window=int(window or 5))  # pyright: ignore[reportArgumentType]  looked at above


def columns_of(given: Iterable[str] | None) -> dict[str, str | None]:
    """Our names to headers from `N="Model Size",C="Training FLOP"`; nothing after the sign leaves a column out.

    **Raises:** `InputError` where a piece has no `=` or a name is given twice.
    """
    found: dict[str, str | None] = {}
    for piece in (p for text in given or () for p in _PIECE.findall(text) or [text]):
        name, sign, header = piece.partition("=")
        name, header = name.strip(), _unquoted(header.strip())
        if not sign or not name:
            raise InputError("columns", piece.strip(), 'NAME=HEADER, as in N="Model Size",C=flops')
        if name in found:
            raise InputError("columns", Phrase(f"gives {name!r} twice ({found[name]!r} and {header!r})"),
                             remedy="give it once")  # fmt: skip
        found[name] = header or None
    return found


def number_of(text: str | None, argument: str, example: str) -> float | None:
    """The number of an option, as `70B`; `None` where it was not given.

    **Raises:** `InputError` for what is no finite number.
    """
    if text is None:
        return None
    found = parse_number(text)
    if found is None or not np.isfinite(found):
        raise InputError(argument, text, f"a number, as {example}")
    return found


def several(given: Iterable[str] | None, argument: str, example: str) -> list[float]:
    """The numbers of an option that may be repeated and holds several, as `1e22,1e24`.

    **Raises:** `InputError` for what is no finite number.
    """
    texts = [text for one in given or () for text in one.split(",")]
    return [number for text in texts if (number := number_of(text, argument, example)) is not None]


def numbers_of(given: Iterable[str] | None, argument: str, example: str) -> dict[str, np.ndarray]:
    """Numbers by name from `N=70B`, `D=1.4T,2.8T`: arrays of one or more.

    **Raises:** `InputError` where a piece has no `=`, holds no finite number, or a name is given twice.
    """
    found: dict[str, np.ndarray] = {}
    for piece in given or ():
        name, sign, text = (part.strip() for part in piece.partition("="))
        numbers = [parse_number(t) for t in text.split(",")]
        if not sign or not name or any(n is None or not np.isfinite(n) for n in numbers):
            each = "give each by itself" if "=" in text else ""
            raise InputError(argument, piece, f"NAME=NUMBER, as in {example}", each)
        if name in found:
            raise InputError(argument, Phrase(f"gives {name!r} twice"), remedy="give it once")
        found[name] = np.array(numbers, dtype=np.float64)
    return found


def single_numbers_of(given: Iterable[str] | None, argument: str, example: str) -> dict[str, float]:
    """The same with one number a name.

    **Raises:** `InputError` where a name has several.
    """
    found = numbers_of(given, argument, example)
    for name, numbers in found.items():
        if numbers.size != 1:
            raise InputError(argument, Phrase(f"gives {numbers.size} numbers for {name!r}"), "one")
    return {name: float(numbers[0]) for name, numbers in found.items()}


def by_pool(
    given: Iterable[str] | None, argument: str, *, alone: bool = True, above: float | None = None, endless: bool = False
) -> dict[str, float] | float | None:
    """Numbers by pool from `A=1024,B=2M`, or one number for all where that makes sense; nothing is `None`.

    **Arguments:**

    - `given`, `argument`: The texts, and the option that they were given to.
    - `alone`: Whether one number for all makes sense.
    - `above`: Bound that every number must be above.
    - `endless`: Whether `inf` is a number, for no limit.

    **Raises:** `InputError` for a piece that is neither, a number that is not above, or a name given twice.
    """
    pieces = [piece.strip() for text in given or () for piece in text.split(",")]
    if not pieces:
        return None
    expected = "POOL=NUMBER,…, as A=4,B=8" + (", or one number for all" if alone else "")
    found: dict[str, float] = {}
    for piece in pieces:
        name, sign, text = (part.strip() for part in piece.rpartition("="))
        number = parse_number(text)
        none = number is None or np.isnan(number) or (np.isinf(number) and not endless)
        if number is None or none or (sign and not name) or not (sign or alone):
            raise InputError(argument, piece, expected)
        if above is not None and not number > above:
            of = f"of the pool {name!r} " if sign else ""
            raise InputError(argument, Phrase(f"{of}is {number:g}"), f"a number above {above:g}")
        if not sign:
            if len(pieces) > 1:
                raise InputError(argument, Phrase(f"gives {piece!r} beside other numbers"), expected)
            return number
        if name in found:
            raise InputError(argument, Phrase(f"gives {name!r} twice"), remedy="give it once")
        found[name] = number
    return found


def every(given: dict[str, float] | float | None, usual: Mapping[str, float], argument: str) -> dict[str, float]:
    """The usual number of each pool, but where another was given, for it or for all.

    **Raises:** `InputError` for a pool that is not there.
    """
    if given is None:
        return dict(usual)
    if not isinstance(given, Mapping):
        return dict.fromkeys(usual, given)
    check_names(argument, given, usual, what="pools")
    return dict(usual) | given


def priors_of(given: Iterable[str] | None) -> dict[str, Any]:
    """Distributions by parameter from `alpha=Normal(0.35, 0.1)`.

    **Raises:** `InputError` for what is not of that form, or a parameter given twice.
    """
    found: dict[str, Any] = {}
    for text in given or ():
        match = _PRIOR.fullmatch(text)
        if match is None:
            raise InputError("priors", text, "NAME=DISTRIBUTION(NUMBER,…), as in 'alpha=Normal(0.35, 0.1)'")
        name, distribution = match.groups()
        if name in found:
            raise InputError("priors", Phrase(f"gives {name!r} twice"), remedy="give it once")
        found[name] = prior_of(distribution)
    return found


def clusters_of(runs: Runs, asked: str | None) -> tuple[Any, str]:
    """Choose what is resampled as one, by `--cluster` or without it, and say it in words.

    Seeds that stand under every plan were shared, as far as a table can show: the same pools and initial weights under
    all of them, so that runs of a seed err together and whole seeds are drawn. Too few of them say little; then the
    trainings are drawn, each by itself.
    """
    if asked is not None and asked.lower() != "auto":
        if asked.lower() == "none":
            return None, "runs, each drawn by itself"
        by = tuple(name.strip() for name in asked.split(","))
        return by, f"{np.unique(runs.clusters(by)).size} clusters by {', '.join(by)}"
    if "run" not in runs.labels and "seed" in runs.labels and "pool" in runs.labels:
        seeds = {plan: frozenset(part.labels["seed"].tolist()) for plan, part in runs.split("pool")}
        shared = frozenset.intersection(*seeds.values())
        if len(seeds) > 1 and len(shared) >= SEEDS and None not in shared and len(set(seeds.values())) == 1:
            return "seed", f"{len(shared)} seeds, all runs of one drawn together, as they stand under every plan alike"
    count = int(np.unique(runs.clusters()).size)
    if count == len(runs):
        return "auto", f"{count} runs, each drawn by itself"
    return "auto", f"{count} trainings, the rows of each drawn together"


def by_of(columns: Sequence[str] | None) -> str | tuple[str, ...] | None:
    """One name by itself, several together."""
    return columns[0] if columns and len(columns) == 1 else tuple(columns or ()) or None


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
