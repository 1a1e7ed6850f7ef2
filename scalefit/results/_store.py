"""Results on disk: one folder, numbers as text in `result.json` and arrays in `arrays.npz`; no pickle."""

import dataclasses
import inspect
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .. import laws as published_laws
from .. import noise as noises
from .._core import InputError, Phrase, check_type, folder_written_whole
from ..data import Runs, parquet_frame, restored, stored
from ..laws import AbstractLaw, Label, input_kinds
from ..noise import AbstractNoise, check_noise
from ..params import parameter_values, parameters, parts, with_constants, with_parameters
from ..problem import Problem, Source
from ._check import check_result
from ._fit import Ensemble, Fit
from ._predict import evaluate

FORMAT = 3
"""Version of what is written; what later versions read."""

_FIT_ARRAYS = ("objective", "result", "scale", "residuals", "unidentified", "agreeing")
_KEPT = ("optima", "scouts")
"""Arrays of a fit that older results lack."""
_DRAW_ARRAYS = ("objective", "result", "scale", "unidentified")
DRAWN = "draws.drawn."
"""What the names of further arrays of the draws begin with."""


def save(result: Fit[Any] | Ensemble[Any], path: str | Path, *, files: Mapping[str, bytes] | None = None) -> Path:
    """Write a result to a folder that `load` reads; the folder appears whole or not at all.

    **Arguments:**

    - `result`: A fit or an ensemble.
    - `path`: The folder. One that holds an earlier result is replaced.
    - `files`: Further files to put beside it, by name (figures, a report).

    **Returns:** the folder.

    **Raises:** `InputError` where something else is in the way.
    """
    folder, fit = Path(check_type("path", path, (str, PathLike), "a folder")), check_result("result", result).fit
    for name, content in check_type(
        "files", {} if files is None else files, Mapping, "contents as bytes, by name"
    ).items():
        check_type(f"The content of {name!r}", content, (bytes, bytearray), "bytes")
    if not may_replace(folder):
        raise InputError(
            "path", Phrase(f"is {str(folder)!r}, which holds more than a result"), remedy="give another folder"
        )
    table, description = stored(fit.problem.runs, _columns(fit.problem))
    document: dict[str, Any] = {
        "format": FORMAT,
        "kind": "fit" if isinstance(result, Fit) else "ensemble",
        "law": _law_document(fit.law) | {"probe": _probe(fit)},
        "noise": _noise_document(fit.noise),
        "fit": {
            "tried": fit.tried,
            "fixed": list(fit.problem.fixed),
            "tie": [list(pair) for pair in fit.problem.tie],
            "seed": fit.seed,
            "by": list(fit.by) if isinstance(fit.by, tuple) else fit.by,
            "keys": None if fit.keys is None else [list(k) if isinstance(k, tuple) else k for k in fit.keys],
            "key": list(fit.key) if isinstance(fit.key, tuple) else fit.key,
            "left_out": [[list(k) if isinstance(k, tuple) else k, why] for k, why in fit.problem.left_out],
            "source": dataclasses.asdict(fit.source),
            "runs": description,
        },
        "files": sorted(files or ()),
        "versions": versions(),
    }
    arrays = {f"fit.{name}": np.asarray(getattr(fit, name)) for name in _FIT_ARRAYS}
    arrays |= {f"fit.{name}": kept for name in _KEPT if (kept := getattr(fit, name)) is not None}
    arrays |= {f"fit.law.{name}": np.asarray(value) for name, value in parameter_values(fit.law).items()}
    if isinstance(result, Ensemble):
        document["ensemble"] = {"method": result.method, "seed": result.seed, "diagnostics": result.diagnostics}
        arrays |= {f"draws.{name}": np.asarray(getattr(result, name)) for name in _DRAW_ARRAYS}
        arrays |= {f"draws.law.{name}": np.asarray(value) for name, value in parameter_values(result.law).items()}
        arrays |= {f"{DRAWN}{name}": np.asarray(column) for name, column in result.drawn.items()}
    with folder_written_whole(folder) as beside:
        (beside / "result.json").write_text(json.dumps(_plain(document), indent=2, allow_nan=False) + "\n")
        with open(beside / "arrays.npz", "wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        table.write_parquet(beside / "runs.parquet")
        for name, content in (files or {}).items():
            (beside / name).write_bytes(content)
    return folder


def _columns(problem: Problem) -> tuple[str, ...]:
    """The columns that the problem speaks of: what tells its studies apart, and labels of its law."""
    by = (problem.by,) if isinstance(problem.by, str) else problem.by or ()
    labels = ((n, said) for n, said in input_kinds(problem.law).items() if isinstance(said, Label))
    return (*by, *(said.column or name for name, said in labels), *problem.inputs)


def may_replace(folder: Path) -> bool:
    """Whether nothing is there, or an empty folder, or an earlier result with nothing of anybody else's in it."""
    if not folder.exists():
        return not folder.is_symlink()
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    if not names:
        return True
    try:
        document = json.loads((folder / "result.json").read_text())
        return isinstance(document["format"], int) and names <= {
            "result.json",
            "arrays.npz",
            "runs.parquet",
            "report.html",  # made from the others
            *document["files"],
        }
    except (OSError, ValueError, KeyError, TypeError):
        return False


def load(path: str | Path, *, law: type[AbstractLaw] | None = None) -> Fit[Any] | Ensemble[Any]:
    """Read a result that `save` wrote.

    **Arguments:**

    - `path`: The folder.
    - `law`: The class of the law, where it is not one of `scalefit.laws`.

    **Raises:** `InputError` where the folder holds no result, a newer one, or one of an unknown law.
    """
    folder = Path(check_type("path", path, (str, PathLike), "a folder that `save` made"))
    try:
        if not all((folder / name).is_file() for name in ("result.json", "arrays.npz", "runs.parquet")):
            raise FileNotFoundError("result.json, arrays.npz or runs.parquet is not there")
        document = json.loads((folder / "result.json").read_text())
        if not zipfile.is_zipfile(folder / "arrays.npz"):
            raise ValueError("arrays.npz is no archive of arrays")
        # Opened here: NumPy leaves the file open where the archive is broken.
        with open(folder / "arrays.npz", "rb") as stream, np.load(stream, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        if not isinstance(document, dict) or "format" not in document:
            raise ValueError("result.json is not one of scalefit")
    except (OSError, EOFError, ValueError, RecursionError, zipfile.BadZipFile, zlib.error) as error:
        said = Phrase(f"holds no result that can be read ({error})")
        raise InputError(repr(str(folder)), said, "a folder that `save` made") from None
    if document["format"] != FORMAT:
        wrote = document.get("versions", {}).get("scalefit")
        said = Phrase(f"was written in format {document.get('format')!r}, and this version reads {FORMAT}")
        raise InputError(repr(str(folder)), said, remedy=f"use the version of scalefit that wrote it ({wrote})")
    try:
        return _result(document, arrays, _runs(folder, document), law)
    except InputError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(repr(str(folder)), Phrase(f"is not a whole result ({what})"), remedy="save it again") from None


def _result(
    document: dict[str, Any], arrays: dict[str, np.ndarray], runs: Runs, law: type[AbstractLaw] | None
) -> Fit[Any] | Ensemble[Any]:
    names = _names(document["law"])
    for name, least in (("seed", 0), ("tried", 1)):
        number = document["fit"][name]
        if type(number) is not int or number < least:
            raise ValueError(f"{name} is {number!r}")
    if law is not None and law.__name__ not in names:
        raise InputError("law", law, f"the class {names[0]}, of which the result is")
    kept = document["fit"]
    unset = _law(document["law"], law)
    fitted = _with_arrays(unset, arrays, "fit.law.")
    template = fitted if kept["keys"] is None else jax.tree.map(lambda a: a[0], fitted)
    by = tuple(kept["by"]) if isinstance(kept["by"], list) else kept["by"]
    source = dict(kept["source"])
    source["ranges"] = {name: tuple(ends) for name, ends in source["ranges"].items()}
    source["dropped"] = tuple((row, reason) for row, reason in source["dropped"])
    source["notes"] = tuple(source["notes"])
    # A study that was taken out of its batch is its own runs, and remembers where they are from.
    alone = kept["keys"] is None
    problem = Problem.of(template, runs, _noise(document["noise"]), kept["fixed"], None if alone else by, kept["tie"])
    key = tuple(kept["key"]) if isinstance(kept["key"], list) else kept["key"]
    left_out = tuple((tuple(k) if isinstance(k, list) else k, str(why)) for k, why in kept.get("left_out", ()))
    problem = dataclasses.replace(problem, by=by, key=key, source=Source(**source), left_out=left_out)
    fit = Fit(
        law=fitted,
        problem=problem,
        tried=kept["tried"],
        seed=kept["seed"],
        **{name: arrays.get(f"fit.{name}") for name in _KEPT},  # pyright: ignore[reportArgumentType]  as below
        **{name: arrays[f"fit.{name}"] for name in _FIT_ARRAYS},  # pyright: ignore[reportArgumentType]  every name is an array field
    )
    _recognise(fit, document["law"]["probe"])
    if document["kind"] == "fit":
        return fit
    counts = {arrays[f"draws.{n}"].shape[: fit.objective.ndim + 1] for n in _DRAW_ARRAYS}
    counts |= {arrays[f"draws.law.{n}"].shape[: fit.objective.ndim + 1] for n in parameters(unset)}
    counts |= {arrays[n].shape for n in arrays if n.startswith(DRAWN)}
    if len(counts) != 1:
        raise ValueError(f"its draws are of different lengths, {sorted(counts)}")
    kept = document["ensemble"]
    return Ensemble(
        law=_with_arrays(unset, arrays, "draws.law."),
        fit=fit,
        method=kept["method"],
        seed=kept["seed"],
        diagnostics=_diagnostics(kept["diagnostics"]),
        drawn={name.removeprefix(DRAWN): arrays[name] for name in arrays if name.startswith(DRAWN)},
        **{name: arrays[f"draws.{name}"] for name in _DRAW_ARRAYS},  # pyright: ignore[reportArgumentType]  every name is an array field
    )


def _runs(folder: Path, document: dict[str, Any]) -> Runs:
    try:
        table = parquet_frame(folder / "runs.parquet")
    except ValueError as error:
        said = Phrase(f"holds no runs that can be read ({error})")
        raise InputError(repr(str(folder)), said, "a folder that `save` made") from None
    return restored(table, document["fit"]["runs"])


OPTIONS = "cluster", "growth"
"""Diagnostics that say what was asked for: names, or nothing."""


def _diagnostics(document: Any) -> Any:
    """Lists as arrays again, and what was not finite as NaN; names stay names."""
    if isinstance(document, dict):
        found = {name: _diagnostics(value) for name, value in document.items() if name not in OPTIONS}
        options = {name: document[name] for name in OPTIONS if name in document}
        return found | {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    if isinstance(document, list):
        return np.asarray([math.nan if value is None else value for value in document])
    return math.nan if document is None else document


def versions() -> dict[str, str]:
    """Versions of what computes, for the record."""
    from importlib.metadata import version
    from platform import python_version

    return {"python": python_version(), **{name: version(name) for name in ("scalefit", "jax", "equinox", "numpy")}}


def _law_document(law: AbstractLaw) -> dict[str, Any]:
    """The class of a law and of its parts, with their options; numbers are arrays of their own."""
    declared = parameters(law)
    held = {path[0] for path, _ in parts(law)}
    skipped = {*held, *(f.name for f in dataclasses.fields(law) if {"parameter", "constant"} & {*f.metadata})}
    options = {f.name: getattr(law, f.name) for f in dataclasses.fields(law) if f.name not in skipped}
    return {
        "name": type(law).__name__,
        "module": type(law).__module__,
        "options": options,
        "parameters": {name: np.asarray(value).tolist() for name, value in parameter_values(law).items()},
        "units": {name: p.unit for name, p in declared.items()},
        "parts": [{"path": list(path), **_law_document(p)} for path, p in parts(law) if isinstance(p, AbstractLaw)],
    }


def _names(document: dict[str, Any]) -> list[str]:
    """The classes of a law and of its parts."""
    return [document["name"], *(name for part in document.get("parts", ()) for name in _names(part))]


def _probe(fit: Fit[Any]) -> dict[str, Any]:
    """The law's values at some of its runs: another formula of the same name says something else."""
    rows = np.unique(np.linspace(0, len(fit.problem.runs) - 1, 9).astype(int))
    return {"rows": rows, "value": evaluate(fit.template, _at(fit.problem, rows), False)}


def _at(problem: Problem, rows: np.ndarray) -> dict[str, Any]:
    return {name: jax.tree.map(lambda a: np.asarray(a)[rows], column) for name, column in problem.inputs.items()}


def _recognise(fit: Fit[Any], probe: dict[str, Any]) -> None:
    rows, law = np.asarray(probe["rows"], int), fit.template
    at, saved = _at(fit.problem, rows), np.asarray(probe["value"], float)
    found = evaluate(law, at, False)
    found = np.where(np.isfinite(found), found, np.nan)  # as the file has it, which knows no infinity
    differ = np.flatnonzero(~np.isclose(found, saved, rtol=1e-9, atol=0.0, equal_nan=True))
    if differ.size:
        first = int(differ[0])
        where = ", ".join(f"{n} = {column[first]:g}" for n, column in at.items() if isinstance(column, np.ndarray))
        said = f"gave {saved[first]:.6g}, and {type(law).__name__} gives {found[first]:.6g}: its formula is another one"
        raise InputError(f"At {where} the saved law", Phrase(said), remedy="give the class that was fitted, `law=Law`")


def _law_class(document: dict[str, Any], given: type[AbstractLaw] | None) -> type[AbstractLaw]:
    name, home = document["name"], document.get("module", published_laws.__name__)
    if given is not None and given.__name__ == name:
        return given
    if not home.startswith(published_laws.__name__):
        said = Phrase(f"is of a law of your own, {name!r} of {home}")
        raise InputError("The result", said, remedy="give its class, `law=Law`")
    found = getattr(published_laws, name, None)
    if not (isinstance(found, type) and issubclass(found, AbstractLaw)) or inspect.isabstract(found):
        said = Phrase(f"is of the law {name!r}, which scalefit does not have")
        raise InputError("The result", said, remedy="give its class, `law=Law`")
    return found


def _law(document: dict[str, Any], given: type[AbstractLaw] | None) -> AbstractLaw:
    """The law with its parts and options, its numbers still unset."""
    held: dict[str, Any] = {}
    for part in document.get("parts", ()):
        field, *key = part["path"]
        one = _law(part, given)
        if not key:
            held[field] = one
        elif isinstance(key[0], int):
            held[field] = (*held.get(field, ()), one)
        else:
            held[field] = {**held.get(field, {}), key[0]: one}
    cls = _law_class(document, given)
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in document["options"].items()}
    own = {name: np.full(np.shape(document["parameters"][name]), np.nan) for name in parameters(cls)}
    return cls(**held, **own, **options)


def _with_arrays(law: AbstractLaw, arrays: dict[str, np.ndarray], prefix: str) -> AbstractLaw:
    """The law with its numbers, which may have leading axes; constants have them too."""
    found = {name: arrays[prefix + name] for name in parameters(law)}
    known = [found[name].shape[: found[name].ndim - len(p.axes)] for name, p in parameters(law).items()]
    return with_constants(with_parameters(law, found), known[0] if known else ())


def _noise_document(noise: AbstractNoise) -> dict[str, Any]:
    if type(noise).__module__.split(".")[:2] != noises.__name__.split("."):
        expected = "one of scalefit.noise, as another could not be read back"
        raise InputError("The noise", Phrase(f"is {type(noise).__name__}, your own"), expected)
    numbers = {f.name: getattr(noise, f.name) for f in dataclasses.fields(noise)}
    return {"name": type(noise).__name__, **numbers}


def _noise(document: dict[str, Any]) -> AbstractNoise:
    numbers = dict(document)
    found = getattr(noises, numbers.pop("name"), None)
    if not (isinstance(found, type) and issubclass(found, AbstractNoise)):
        raise InputError("The result", Phrase(f"has a noise {document['name']!r}, which scalefit does not have"))
    noise = found(**numbers)
    check_noise(noise)
    return noise


def _plain(value: Any) -> Any:
    """JSON has no NaN: what is not finite is written as null; the arrays keep every number as it is."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, eqx.Module):
        return repr(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
