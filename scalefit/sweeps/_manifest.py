"""The manifest of a sweep in its folder: written once, read by everybody who resumes it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from .._core import InputError, Phrase
from ..results import versions
from ._config import Config, read_config
from ._folder import Folder
from ._grid import Chunk, Grid

FORMAT = 1
"""Version of what is written."""
NAME = "sweep.json"
CHUNKS, FAILED = "chunks", "failed"
"""Folders of the tables of finished chunks, and of why chunks failed."""


def begin(folder: Folder, grid: Grid, base: Path) -> dict[str, Any]:
    """Say which sweep a folder holds, or see that it is this one.

    **Returns:** what the folder says.

    **Raises:** `InputError` where it holds another sweep, or something else.
    """
    document = _document(grid)
    found = read(folder)
    if found is None:
        if strays := folder.names("") - {NAME, CHUNKS, FAILED}:
            holds = Phrase(f"holds other things than a sweep ({min(strays)})")
            raise InputError(repr(folder.path), holds, remedy="give a new or empty folder")
        mine = {
            "format": FORMAT,
            "sweep": document,
            "digest": _digest(document),
            "fits": grid.fits,
            "chunks": len(grid),
            "sizes": list(grid.sizes),
            "given": _given(grid.config),
            "base": str(base),
            "versions": versions(),
            "formulas": grid.formulas,
        }
        folder.put_first(NAME, (json.dumps(mine, indent=1) + "\n").encode())
        found = read(folder) or mine  # several processes may begin at one moment
    if found["digest"] != _digest(document):
        holds, remedy = _difference(found["sweep"], document)
        raise InputError(repr(folder.path), Phrase(f"holds another sweep: {holds}"), remedy=remedy)
    return found


def read(folder: Folder) -> dict[str, Any] | None:
    """Read the manifest of a folder; `None` where it holds no sweep.

    **Raises:** `InputError` where that is of another format, or cannot be read.
    """
    content = folder.get(NAME)
    if content is None:
        return None
    try:
        found = json.loads(content)
        if found["format"] != FORMAT:
            begun = Phrase(f"was begun in format {found['format']!r} and this version reads {FORMAT}")
            raise InputError(f"The sweep in {folder.path!r}", begun, remedy="resume it with the version that began it")
        if missing := {"digest", "sweep", "fits", "chunks", "sizes", "given", "base", "versions"} - set(found):
            raise KeyError(min(missing))
    except InputError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        wrong = Phrase(f"is not that of a sweep ({error!r})")
        raise InputError(f"{NAME} in {folder.path!r}", wrong, remedy="give another folder") from None
    return found


def given_in(folder: Folder, found: dict[str, Any]) -> tuple[Config, Path]:
    """The sweep that a folder was begun with.

    **Raises:** `InputError` where it was given as objects of a program and not in words.
    """
    if found["given"] is None:
        given = Phrase("was given runs, laws or noises as objects, which it does not keep")
        remedy = f"call sweep with the same ones again, and out={folder.path!r}"
        raise InputError(f"The sweep in {folder.path!r}", given, remedy=remedy)
    base = Path(found["base"])
    return read_config(found["given"])[0], base if base.is_dir() else Path.cwd()


def file_of(chunk: Chunk, sweep: str) -> str:
    """The name of a chunk's table; it says of which sweep."""
    return f"{chunk.place:08d}-{sweep[:12]}.parquet"


def digest_of(grid: Grid) -> str:
    """The sha256 (hex) of what makes two sweeps the same."""
    return _digest(_document(grid))


def _document(grid: Grid) -> Any:
    """As it is when it was written and read."""
    return json.loads(json.dumps(grid.document()))


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def changes(found: dict[str, Any], grid: Grid) -> list[str]:
    """Sentences where the sweep was begun with other versions, or other formulas of one's own, than are here."""
    old = [name for name, text in grid.formulas.items() if found.get("formulas", {}).get(name) != text]
    said = [
        f"The formula of {name!r} has changed since the sweep was begun: rows that are finished are of the former."
        for name in old
    ]
    here = versions()
    other = [
        f"{name} {was} and is now {here.get(name)}" for name, was in found["versions"].items() if here.get(name) != was
    ]
    if not other:
        return said
    return [*said, f"The sweep was begun with {'; '.join(other)}: the last digits of new results may differ."]


def _given(config: Config) -> dict[str, Any] | None:
    """The sweep in words, where all of it was given so."""
    words = [source.runs for source in config.sources] + [law.law for law in config.laws] + list(config.noises)
    if not all(isinstance(word, str) for word in words):
        return None
    return config.model_dump(mode="json", exclude_defaults=True)


def _difference(was: Any, now: Any, place: tuple[str, ...] = ()) -> tuple[str, str]:
    """The first difference of two documents, and what to do, in words."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*was, *now]):
            if was.get(name) != now.get(name):
                return _difference(was.get(name), now.get(name), (*place, str(name)))
    if place[:1] == ("sources",) and place[-1] == "runs":
        return f"the runs of {place[1]!r} have changed since it was begun", "bring them back, or use a new folder"
    differs = f"its {'.'.join(place)} is {_or_usual(was)} and this one's {_or_usual(now)}"
    return differs, "give the same sweep, or a new folder"


def _or_usual(value: Any) -> str:
    return "not given" if value is None else repr(value)
