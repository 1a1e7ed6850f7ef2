"""Roles of the columns of a source: by their usual names, the units in headers, and what the user says."""

import difflib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from .._core import InputError, Phrase, hint, listed
from ._labels import LABELS
from ._units import scale_of

# Our name → what else a header calls it, in small letters without spaces and signs.
# Our own names of one letter count as they are written: n (samples seen) is not N (parameters).
_ALIASES = {
    "N": "params parameters numparams nparams numparameters nparameters numberofparameters modelsize modelparams "
    "modelparameters totalparams trainableparams paramsactiveprecise hyperparametersparams",
    "D": "tokens tokennum numtokens ntokens numberoftokens tokencount trainingtokens traintokens numtrainingtokens "
    "numtokenstraining tokensseen totaltokens dtokens trainingdatasize pretrainingdatasize pretrainingtokens "
    "hyperparameterstokens",
    "C": "flop flops trainingflop trainingflops trainflop trainflops totalflops numflops numflopstraining compute "
    "trainingcompute traincompute",
    "U": "uniquetokens numuniquetokens utokens ud poolsize uniquedata",
    "n": "samplesseen samples nsamples numsamples numberofsamples examplesseen seenexamples",
    "x": "x",
    "epochs": "epochs passes numepochs nepochs numpasses",
    "se": "se lossse lossstderr stderr standarderror sem errorse accuracyse sepct sepercent losssepct",
    "group": "group",
    "run": "run runname runid",
    "seed": "seed randomseed",
    "step": "step trainingstep trainstep globalstep currentstep currentsteps",
    "pool": "pool poolname",
}
_TARGETS = {
    "loss": "loss finalloss valloss validationloss evalloss testloss finalvalloss finalvalidationloss finalevalloss "
    "trainloss trainingloss c4evalloss c4loss lossmean",
    "error": "error errorrate testerror valerror finalerror zeroshoterror top1error",
    "accuracy": "accuracy acc testaccuracy valaccuracy finalaccuracy acc1 top1accuracy",
}
_SCATTERS = frozenset({"se", "sem", "stderr", "std", "sd", "stdev", "sigma", "err", "uncertainty", "standard"})
_MEASURED = frozenset({"loss", "val", "validation", "eval", "test", "train", "final", "seed", "accuracy", "acc"})
_OF_ITSELF = ("se", "sem", "stderr", "standarderror")
_RATIOS = frozenset(
    f"{tokens}{joint}{params}{end}"
    for tokens in ("token", "tokens", "tok", "d")
    for joint in ("per", "to", "")
    for params in ("param", "params", "parameter", "parameters", "n")
    for end in ("", "ratio")
) | {"tpp", "ratio"}
_OURS = {alias: name for name, aliases in {**_ALIASES, **_TARGETS}.items() for alias in aliases.split()}
INPUTS = ("N", "D", "C", "U", "n", "x", "epochs")
# Counts that grow during a run. Only its header tells what an x is; if none does, it is taken to grow.
_GROWING = frozenset({"D", "C", "n", "epochs", "step"})
_GROWING_TOO = frozenset({"x", "steps", "iteration", "iterations", "iters", "updates", "examples", "batches"})
_ENTRY = re.compile(r"(\w+)\[(.+)\]")
# polars gives a second column of the same header this ending.
_REPEATED = re.compile(r"_duplicated_\d+$")
_IN_BRACKETS = re.compile(r"^(.*?)\s*[(\[]([^()\[\]]*)[)\]]\s*$")
# Where trackers put what a run was told and what it gave.
_WRAPPED = re.compile(
    r"^(config|args|hparams|hyperparameters|params|results?|metrics?|summary|final|model)\.(?=.)", re.I
)
# A measure of compute by itself, as PF-days and ZFLOPs; GFLOPs may be a rate.
_SAYS_COMPUTE = re.compile(r"(day|hour|year)s?$|^[ezy]flops?$", re.IGNORECASE)
COUNTS = frozenset({"N", "D", "C", "U", "n"})
MEASURED = frozenset(_TARGETS)
_LOGARITHM = re.compile(r"(log[\s_]?10|log[\s_]?2|log|ln)[\s_]*(?:[(\[](.+)[)\]]|(.+))", re.IGNORECASE)


def misspelt(name: str, headers: Iterable[str]) -> str | None:
    """The header most like one of the usual names of an input, or `None` where nothing is like any."""
    usual = {name.lower(), *_ALIASES.get(name, "").split()}
    rated = [
        (max(difflib.SequenceMatcher(None, re.sub(r"[^a-z0-9]", "", h.lower()), u).ratio() for u in usual), h)
        for h in headers
    ]
    best = max(rated, default=(0.0, ""))
    # Whatever else its name says, as non-embedding params do.
    held = [h for h in headers if any(len(u) > 4 and u in _plain(header_of(h).name) for u in usual)]
    return best[1] if best[0] >= 0.7 else held[0] if len(held) == 1 else None


class Header(NamedTuple):
    """A header taken apart: `FLOPs (1E21)` is the name FLOPs, to be multiplied by 1e21, without a unit."""

    name: str
    scale: float
    unit: str | None


class Roles(NamedTuple):
    """The header of the target, of each input and label by our name, and what to say about the choice."""

    target: tuple[str, str]
    headers: dict[str, str]
    notes: tuple[str, ...]


def header_of(header: str, ours: str | None = None) -> Header:
    """Take a header apart into its name, what its numbers are multiplied by, and its unit.

    The unit of a count stands in brackets or after its name, `tokens_B`, or is all there is, `PF-days`. A header that
    is `ours` itself is not taken apart where it is an entry along an axis: `w[B]`, the share of a pool B, is no w in
    billions.
    """
    if header == ours and _ENTRY.fullmatch(header):
        return Header(header, 1.0, None)
    header = _REPEATED.sub("", header)
    match = _IN_BRACKETS.match(header)
    if match is None:
        return _unbracketed(header, ours)
    name, inside = match[1], re.sub(r"(?<=\d),(?=\d{3}\b)", "", match[2].strip())
    role = ours if ours in COUNTS else _role(name)
    scale, rest = 1.0, []
    for part in re.split(r"\s*[,;]\s*", inside):
        own = scale_of(part, compute=role not in COUNTS - {"C"})
        if own is None and role == "C":
            own = scale_of(f"{part}FLOP", compute=True)
        scale *= own or 1.0
        if own in (None, 1.0):
            rest.append(part)
    return Header(name, scale, ", ".join(filter(None, rest)) or None)


def _unbracketed(header: str, ours: str | None) -> Header:
    """A count with its unit after or before its name, or that is its unit."""
    if (ours is not None and ours not in COUNTS) or _role(header) is not None:
        return Header(header, 1.0, None)
    for gap in re.finditer(r"[\s_,/-]+", header):
        name, unit = header[: gap.start()], header[gap.end() :].replace("_", " ")
        role = ours or _role(name)
        scale = scale_of(unit, compute=role == "C") if role in COUNTS else None
        if scale is not None and (scale != 1.0 or (ours is None and "/" not in gap[0])):
            return Header(name, scale, None)
    of = re.fullmatch(r"(\w+) of (tokens|params|parameters)|(.+?)\s*:\s*(.+)", header, re.IGNORECASE)
    if of is not None:
        name, unit = of[2] or of[3], of[1] or of[4]
        role = ours or _role(name)
        if role in COUNTS and (scale := scale_of(unit, compute=role == "C")) not in (None, 1.0):
            return Header(name, scale, None)
    joined = re.fullmatch(r"(.*[a-z])([KMBT])", header)
    if joined is not None and (ours or _role(joined[1])) in COUNTS:
        return Header(joined[1], scale_of(joined[2], compute=False) or 1.0, None)
    before = re.fullmatch(r"(.+?)[\s_-]*(tok(?:en)?s?|params|parameters)", header, re.IGNORECASE)
    if before is not None and (scale := scale_of(before[1].replace("_", " "), compute=False)) not in (None, 1.0):
        return Header("params" if before[2].lower().startswith("p") else "tokens", scale, None)
    scale = scale_of(header, compute=True)
    if scale not in (None, 1.0) and (ours == "C" or _SAYS_COMPUTE.search(header)):
        return Header("compute", scale, None)
    return Header(header, 1.0, None)


def our_name(header: str) -> str | None:
    """Return our name for a header, or `None` where it is not one of the usual names."""
    return _role(header_of(header).name)


def _role(name: str) -> str | None:
    name = _WRAPPED.sub("", name.strip())
    if len(name) == 1:
        return name if name in _ALIASES else None
    return _OURS.get(_plain(name))


def logarithm_of(header: str, of: Collection[str] = COUNTS) -> tuple[float | None, str] | None:
    """The base and the header of what a header is the logarithm of, as 10 and N of `log10_N`; of sizes unless given.

    **Returns:** `None` where it is no logarithm of these; the base is `None` where the header does not say.
    """
    match = _LOGARITHM.fullmatch(header.strip())
    if match is None or our_name(match[2] or match[3]) not in of:
        return None
    base = {"log10": 10.0, "log2": 2.0, "ln": math.e}.get(re.sub(r"[\s_]", "", match[1]).lower())
    return base, match[2] or match[3]


def is_ratio(header: str) -> bool:
    """Say whether a header is a usual name of tokens per parameter."""
    return _plain(header) in _RATIOS


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-/#]", "", name).lower()


def grows(name: str, header: str) -> bool:
    """Say whether an input grows during a run, by its name or what the source calls it."""
    ours = next((o for o in map(our_name, (name, header)) if o not in (None, "x")), None)
    return ours in _GROWING if ours is not None else _plain(name) in _GROWING_TOO


def entries_of(headers: Iterable[str]) -> frozenset[str]:
    """The headers along an axis: shares `w[A]`, two or more `name[A]`, `name[B]`, and others of the same entries.

    A single `name[unit]` has a unit, and so have targets.
    """
    parts = {header: match.groups() for header in headers if (match := _ENTRY.fullmatch(header))}
    parts = {header: part for header, part in parts.items() if our_name(part[0]) not in (*_TARGETS, "se")}
    count = Counter(name for name, _ in parts.values())
    axes = {name for name in count if name == "w" or count[name] > 1}
    known = {entry for name, entry in parts.values() if name in axes}
    return frozenset(header for header, (name, entry) in parts.items() if name in axes or entry in known)


def roles_of(headers: Iterable[str], columns: Mapping[str, str | None] | None, target: str | None) -> Roles:
    """Say which header is the target and which are inputs and labels.

    What the user names in `columns` is taken as said; every other of our names goes to the one header that is a
    usual name for it. Two such headers are an error, unless one is our very name (the others are then noted). Headers
    along an axis, as `w[A]` and `U[A]` (`entries_of`), are inputs of these names.
    """
    headers = list(headers)
    entries = entries_of(headers)
    said = dict(columns or {})
    if said.get("x") is not None:
        said["x"] = _header_of_ours(str(said["x"]), headers)
    for ours, theirs in said.items():
        if theirs is not None and theirs not in headers:
            given = Phrase(f"names {theirs!r} for {ours!r}, and the table has no such column")
            raise InputError("columns", given, remedy=hint(str(theirs), headers))
        if ours in ("units", "name"):
            raise InputError("columns", Phrase(f"names {ours!r}, which is no input"), "one such as 'N', 'D' or 'lr'")
    _refuse_shared(said)
    taken = set(said.values())
    found: dict[str, list[str]] = {}
    for header in headers:
        ours = header if header in entries else our_name(header)
        if ours is not None and ours not in said and header not in taken:
            found.setdefault(ours, []).append(header)

    chosen_target = _target(headers, said, found, target)
    if chosen_target[0] in LABELS:
        given = Phrase(f"names {target!r}, which is what runs are told apart by and not what was measured")
        remedy = f"if it was measured, say so with `columns={{'loss': {chosen_target[1]!r}}}`"
        raise InputError("target", given, remedy=remedy)
    roles = {k: v for k, v in said.items() if v is not None and k not in _TARGETS}
    notes = []
    for ours, theirs in found.items():
        theirs = [t for t in theirs if t != chosen_target[1]]
        if ours in _TARGETS or not theirs:
            continue
        repeated = any(_REPEATED.sub("", t) == ours != t for t in theirs)
        if len(theirs) > 1 and (ours not in theirs or repeated):
            remedy = f"say which with `columns={{{ours!r}: {theirs[0]!r}}}`"
            raise InputError(listed(theirs), Phrase(f"could each be {ours!r}"), remedy=remedy)
        roles[ours] = ours if ours in theirs else theirs[0]
        if len(theirs) > 1:
            others = listed(t for t in theirs if t != ours)
            notes.append(f"{ours} is the column {ours!r}; {others} could be it too")
    roles = {k: v for k, v in roles.items() if v != chosen_target[1]}
    if "se" not in said and "se" not in roles:
        free = [header for header in headers if header not in (*roles.values(), chosen_target[1], *taken)]
        own = {_plain(chosen_target[1]) + end for end in _OF_ITSELF}
        of_target = [header for header in free if _plain(header_of(header).name) in own]
        if len(of_target) == 1:
            roles["se"] = of_target[0]
        else:
            notes += [_unused(header, chosen_target[1]) for header in free if _is_scatter(header, chosen_target[1])]
    if "x" not in said and any(k not in ("x", "se", *LABELS) for k in roles):
        roles.pop("x", None)  # beside other inputs an x may be anything, as a coordinate of a digitised figure
    return Roles(chosen_target, roles, tuple(notes))


def _is_scatter(header: str, target: str) -> bool:
    """Whether a header says that it is of standard errors, or of how runs scatter."""
    words = set(re.findall("[a-z]+", header_of(header).name.lower()))
    about = {"rel", "relative", "pct", "percent", "of", "error", "deviation", *re.findall("[a-z]+", target.lower())}
    return bool(_SCATTERS & words) and words <= _SCATTERS | about | _MEASURED


def is_error_of(header: str, targets: Iterable[str]) -> bool:
    """Say whether a header is a usual name of standard errors, alone or after the name of what they are of."""
    return our_name(header) == "se" or _plain(header) in {_plain(t) + end for t in targets for end in _OF_ITSELF}


def _unused(header: str, target: str) -> str:
    relative = any(word in header.lower() for word in ("rel", "pct", "percent", "%"))
    if relative:
        return f"the column {header!r} is not used: if it is of standard errors, se is a column of it times {target!r}"
    return f"the column {header!r} is not used: if it is of standard errors, say `columns={{'se': {header!r}}}`"


def _header_of_ours(name: str, headers: list[str]) -> str:
    """The header that is one of our names: `D` for the column `tokens`, where no header is called `D`."""
    meant = [header for header in headers if our_name(header) == name]
    return meant[0] if name not in headers and len(meant) == 1 else name


def _refuse_shared(said: Mapping[str, str | None]) -> None:
    """Raise where one header is given to two roles, by `columns` alone or by `columns` and by what it is called."""
    roles: dict[str, str] = {}
    for ours, theirs in said.items():
        if theirs is None:
            continue
        if theirs in roles:
            given = Phrase(f"gives the one column {theirs!r} to both {roles[theirs]!r} and {ours!r}")
            raise InputError("columns", given, remedy="give each a column of its own")
        roles[theirs] = ours
        # An x has no meaning of its own, so that a column given to it is simply that.
        if theirs in INPUTS and theirs not in said and ours != "x":
            given = f"gives the column {theirs!r} to {ours!r}, and its header makes it the input {theirs!r} too"
            remedy = f"say which column is {theirs!r}, or leave that input out with `columns={{{theirs!r}: None}}`"
            raise InputError("columns", Phrase(given), remedy=remedy)


def _target(
    headers: list[str], said: Mapping[str, str | None], found: Mapping[str, list[str]], target: str | None
) -> tuple[str, str]:
    """Return our name of the target and its header."""
    named = [(k, v) for k, v in said.items() if k in _TARGETS and v is not None]
    if target is not None:
        given = next((k for k, v in said.items() if v is not None and k in _ALIASES and target in (k, v)), None)
        if given is not None:
            raise InputError(
                f"The column {said[given]!r}",
                Phrase(f"is given both to {given!r} by columns and to the target by `target={target!r}`"),
                remedy="give each a column of its own",
            )
        if said.get(target) is not None:
            return target, str(said[target])
        if target in headers:
            ours = next((k for k, v in said.items() if v == target), None) or our_name(target)
            return (ours if ours is not None and (ours in _TARGETS or ours in said) else target), target
        candidates = found.get(target, [])
        if len(candidates) == 1:
            return target, candidates[0]
        if not candidates:
            given = Phrase(f"names {target!r}, and the table has no such column")
            raise InputError("target", given, remedy=hint(str(target), headers))
    elif named:
        candidates = [v for _, v in named]
        if len(candidates) == 1:
            return named[0]
    else:
        candidates = [h for k in _TARGETS for h in found.get(k, [])]
        if len(candidates) == 1:
            return next(k for k in _TARGETS if candidates[0] in found.get(k, [])), candidates[0]
    if len(candidates) > 1:
        remedy = f"say which with `target={candidates[0]!r}`"
        raise InputError(listed(candidates), Phrase("could each be the target"), remedy=remedy)
    elsewhere = next((k for k, v in said.items() if v is not None and our_name(v) in _TARGETS), None)
    if elsewhere is not None:
        raise InputError(
            "No column", Phrase(f"is left for the target: `columns` gives {said[elsewhere]!r} to {elsewhere!r}"),
            remedy=f"give {elsewhere!r} another column, or say which one is the target with `target=...`",
        )  # fmt: skip
    like = [h for h in headers if any(w in h.lower() for w in ("loss", "error", "acc", "ppl", "perplexity"))]
    seen = f"columns that look like one are {listed(like)}" if like else f"the columns are {listed(headers)}"
    missing = Phrase(f"has no column 'loss' nor a usual name for it; {seen}")
    raise InputError("The table", missing, remedy="say which with `target=...`")
