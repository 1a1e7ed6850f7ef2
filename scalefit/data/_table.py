"""A source (file, data frame or dictionary) to one table: arrays by header, as they stand there."""

import codecs
import contextlib
import decimal
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._core import InputError, Phrase, counted, hint
from ._cells import with_numbers
from ._columns import our_name
from ._csv import from_csv, refuse_other_separator
from ._events import event_records, is_event_file
from ._folder import files_in, one_table, run_of
from ._numbers import one_column, series_column
from ._parquet import parquet_frame

_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")

Table = dict[str, np.ndarray]


class Source(NamedTuple):
    """A table, what to call it, what was done to read it, and the units that its cells say, by header."""

    table: Table
    name: str
    notes: tuple[str, ...]
    units: dict[str, str]


def table_of(source: Any) -> tuple[Table, str]:
    """Return the table of a path, data frame or dictionary, and what to call it."""
    return source_of(source)[:2]


def source_of(source: Any) -> Source:
    """Read a path, a data frame, a dictionary, or a list of them."""
    name, separator, notes = "runs", ",", ()
    if isinstance(source, (str, os.PathLike)):
        path = Path(os.fspath(source))
        table, separator, notes = _from_file(path)
        table, name = _checked(table, repr(path.name)), path.name
    elif isinstance(source, list | tuple) and source and all(isinstance(one, (str, os.PathLike)) for one in source):
        files = [Path(os.fspath(one)) for one in source]
        base = Path(os.path.commonpath([path.absolute().parent for path in files]))
        table, separator, notes = _from_files([path.absolute() for path in files], base)
        table, name = _checked(table, "the files"), base.name or name
    elif hasattr(source, "to_dataframe") and hasattr(source, "dims"):  # of xarray, whose data sets are mappings too
        table, notes = _from_xarray(source)
        table = _checked(table, "the data set")
    elif isinstance(source, Mapping):
        table = _checked({str(k): _given(str(k), v) for k, v in source.items()}, "the dictionary")
    elif isinstance(source, list | tuple) and source and all(isinstance(row, Mapping) for row in source):
        table = _checked(_from_records([dict(row) for row in source], "the list"), "the list")
    else:
        table = _checked(_from_frame(source), "the data frame")
    cells = with_numbers(table, comma=separator == ";")
    return Source(cells.table, name, (*notes, *cells.notes), cells.units)


def _checked(table: Table, what: str) -> Table:
    lengths = {len(v) for v in table.values()}
    if len(lengths) > 1:
        sizes = ", ".join(f"{k!r} {len(v)}" for k, v in list(table.items())[:6])
        raise InputError(f"The columns of {what}", Phrase(f"differ in length ({sizes})"), "one value per run in each")
    if not lengths or lengths == {0}:
        raise InputError(what[0].upper() + what[1:], Phrase("holds no rows"), "a header and at least one run")
    if len(table) == 1:
        ((header, column),) = table.items()
        refuse_other_separator(header, next(iter(column)), what)
    return table


def _from_file(path: Path) -> tuple[Table, str, tuple[str, ...]]:
    """The table of a file, the separator of its cells, and what was done to read it."""
    suffixes = [s.lower() for s in path.suffixes[-2:]]
    packed = suffixes[-1:] == [".gz"]
    suffix = "".join((suffixes[:-1] if packed else suffixes)[-1:])
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"{str(path)[:60]!r}…", Phrase(f"is not a path that can be looked up ({why})"),
            "the path of a file, a data frame or a dictionary of arrays",
        ) from None  # fmt: skip
    if is_folder:
        files, left = files_in(path, _SUFFIXES)
        table, separator, notes = _from_files(files, path)
        return table, separator, (*notes, *left)
    if is_there and is_event_file(path):
        return _from_files([path], path.parent)
    if str(path) == "-" or (is_there and not path.is_file()):
        pipe = Phrase("is a pipe or a device, and no file")
        raise InputError(repr(str(path)), pipe, remedy="write what it gives to a file first")
    if not is_there:
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        where = hint(path.name, beside, what="files beside it") if beside else f"{str(path.parent)!r} is not there"
        raise InputError(repr(str(path)), Phrase("is no file"), remedy=where)
    if suffix not in _SUFFIXES:
        raise InputError(repr(path.name), Phrase("has no known ending"), f"one of {', '.join(_SUFFIXES)}, or with .gz")
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if packed else data
    except (OSError, EOFError, zlib.error) as error:
        remedy = "check its permissions and that it is whole"
        raise InputError(repr(str(path)), Phrase(f"cannot be read ({error})"), remedy=remedy) from None
    if not data.strip():
        raise InputError(repr(path.name), Phrase("is empty"), "a header and at least one run")
    if suffix == ".parquet":
        return _from_parquet(data, path.name), ",", ()
    # What spreadsheets call Unicode text opens with a mark of two bytes.
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"is not UTF-{16 if wide else 8} text ({error.reason} at byte {error.start})"
        raise InputError(repr(path.name), Phrase(why), remedy="save it as UTF-8") from None
    if "\0" in text:
        why = f"is not UTF-8 text (byte {text.index(chr(0))} is 0)"
        raise InputError(repr(path.name), Phrase(why), remedy="save it as UTF-8")
    if suffix in (".csv", ".tsv"):
        return from_csv(text, path.name, "," if suffix == ".csv" else "\t")
    if suffix == ".json":
        table, notes = _from_json(text, repr(path.name))
        return table, ",", notes
    return _from_lines(text, repr(path.name)), ",", ()


def _from_files(files: Sequence[Path], base: Path) -> tuple[Table, str, tuple[str, ...]]:
    """The tables of files as one, as `_from_file` gives that of one."""
    if len(set(files)) < len(files):
        twice = next(path for i, path in enumerate(files) if path in files[:i])
        raise InputError("The files", Phrase(f"name {str(twice)!r} twice"), "each file once")
    events = [path for path in files if is_event_file(path)]
    if 0 < len(events) < len(files):
        given = Phrase(
            f"are event files of TensorBoard and others, as {next(p.name for p in files if p not in events)!r}"
        )
        raise InputError("The files", given, "one kind, a run a file")
    if events:
        names = [run_of(path, base) for path in files]
        (records, more), what = event_records(files, names), f"{counted(len(files), 'file')} of {base.name!r}"
        if not records:
            why = f" ({'; '.join(more[:-1])})" if more[1:] else ""
            given = Phrase(f"holds event files without a scalar{why}")
            raise InputError(repr(str(base)), given, "losses by step")
        note = f"{what} with events of TensorBoard: {counted(len(set(names)), 'run')}, a row for each step"
        return _from_records(records, what), ",", (note, *more)
    tables, separators, notes = zip(*map(_from_file, files), strict=True)
    table, note = one_table(tables, files, base)
    return table, next(iter(separators)), (note, *dict.fromkeys(one for each in notes for one in each))


def _from_xarray(source: Any) -> tuple[Table, tuple[str, ...]]:
    """The table of a data set or array of xarray, and a note of each variable that some dimension does not change."""
    try:
        data = source if hasattr(source, "data_vars") else source.to_dataset(name=source.name or "value")
        frame = data.to_dataframe() if data.sizes else None
    except ValueError as error:
        given = Phrase(f"cannot be read as a table ({_first_line(error)})")
        raise InputError("The data set", given, "variables along dimensions of other names") from None
    if frame is None:
        raise InputError("The data set", Phrase("has no dimension"), "variables with a value for each run")
    notes = []
    for name, one in data.data_vars.items():
        if lacks := [repr(axis) for axis in data.sizes if axis not in one.dims]:
            notes.append(f"{name!r} has no dimension {' or '.join(lacks)}: it stands in a row for each value there")
    return _from_frame(frame.reset_index()), tuple(notes)


def _from_parquet(data: bytes, name: str) -> Table:
    try:
        frame = parquet_frame(io.BytesIO(data))
    except ValueError as error:
        why = Phrase(f"cannot be read as Parquet ({error})")
        raise InputError(repr(name), why, remedy="check that it is whole") from None
    return _from_frame(frame)


def _from_lines(text: str, what: str) -> Table:
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            with _plain_json(f"{what}, line {number}"):
                records.append(json.loads(line, object_pairs_hook=_object))
    return _from_records(records, what)


def _from_json(text: str, what: str) -> tuple[Table, tuple[str, ...]]:
    with _plain_json(what):
        document = json.loads(text, object_pairs_hook=_object)
        document = _of_split(document)
        if isinstance(document, dict) and len(document) == 1:
            (only,) = document.values()
            document = only if isinstance(only, list) and only and isinstance(only[0], dict) else document
        if isinstance(document, dict) and document and all(isinstance(v, list) for v in document.values()):
            return {k: _column(k, v) for k, v in document.items()}, ()
        if isinstance(document, dict) and len(document) > 1 and all(isinstance(v, dict) for v in document.values()):
            return _from_objects(document, what)
    return _from_records(document if isinstance(document, list) else [document], what), ()


def _of_split(document: Any) -> Any:
    """The records of what pandas writes as `columns`, `index` and `data`; anything else as it is."""
    if not isinstance(document, dict) or not {"columns", "data"} <= set(document) <= {"columns", "index", "data"}:
        return document
    header, rows = document["columns"], document["data"]
    if not isinstance(header, list) or not isinstance(rows, list):
        return document
    if not all(isinstance(row, list) and len(row) == len(header) for row in rows):
        return document
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def _from_objects(document: dict[str, dict[str, Any]], what: str) -> tuple[Table, tuple[str, ...]]:
    """Objects by key: columns by header, as pandas writes them, or runs where all have a key in common."""
    flat = {key: dict(_flat(own)) for key, own in document.items()}
    if sum(our_name(key) is not None for key in document) > 1:
        rows = dict.fromkeys(row for own in flat.values() for row in own)
        return {key: _column(key, [own.get(row) for row in rows]) for key, own in flat.items()}, ()
    shared = set.intersection(*(set(own) for own in flat.values()))
    if not shared:
        return _from_records([document], what), ()
    label = next(name for name in ("model", "key", "key of the object") if name not in shared)
    notes = (f"{what} is keyed by run: each key is a row, and its column {label!r}",)
    return _from_records([{label: key, **own} for key, own in document.items()], what), notes


def _from_records(records: Sequence[Any], what: str) -> Table:
    flat: list[dict[str, Any]] = []
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            found = Phrase(f"is {type(record).__name__}")
            raise InputError(f"{what}, record {number}", found, "an object for each run")
        with _plain_json(f"{what}, record {number}"):
            flat.append(_object(list(_flat(record))))
    headers = dict.fromkeys(k for r in flat for k in r)
    return {h: _column(h, [r.get(h) for r in flat]) for h in headers}


class _Twice(Exception):
    """A key that stands twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in pairs:
        if key in record:
            raise _Twice(key)
        record[key] = value
    return record


@contextlib.contextmanager
def _plain_json(what: str) -> Iterator[None]:
    """Say of a text, a line or a record why it is no JSON that holds a table."""
    try:
        yield
        return
    except json.JSONDecodeError as error:
        at = "" if ", line" in what else f", line {error.lineno}"
        raise InputError(f"{what}{at}", Phrase(f"is not JSON ({error.msg})"), "an object for each run") from None
    except _Twice as error:
        why, remedy = f"has the key {error.args[0]!r} twice in one object", "give each value a key of its own"
    except RecursionError:
        why, remedy = "nests too deeply", "write objects of plain numbers and text"
    except InputError:
        raise
    except ValueError:
        why, remedy = "holds a number of thousands of digits", "write objects of plain numbers and text"
    raise InputError(what, Phrase(why), remedy=remedy)


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested objects under dotted headers, as in `hyperparameters.params`."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _given(header: str, values: Any) -> np.ndarray:
    series = series_column(values)
    return one_column(header, values) if series is None else series


def _column(header: str, cells: list[Any]) -> np.ndarray:
    """Cells as numbers or series where all are, else as text."""
    series = series_column(cells)
    return one_column(header, [_cell(c) for c in cells]) if series is None else series


def _cell(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _from_frame(source: Any) -> Table:
    import narwhals as nw

    try:
        frame = nw.from_native(source)
    except TypeError:
        raise InputError(
            "The source", Phrase(f"cannot be read from {type(source).__name__}"),
            "a path, a data frame (pandas, polars, pyarrow, xarray, ...) or a dictionary of arrays",
        ) from None  # fmt: skip
    except ValueError as error:
        why = Phrase(f"cannot be read ({_first_line(error)})")
        raise InputError("The data frame", why, remedy="give each column its own name") from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    table: Table = {}
    for series in frame.iter_columns():
        name, kind = str(series.name), series.dtype
        if (kind.is_integer() or kind.is_float()) and not series.null_count():
            numbers = np.asarray(series.to_numpy())
            table[name] = numbers.astype(np.float64) if numbers.dtype.kind == "f" else numbers
        else:
            missing = series.is_null().to_list()
            cells = [c.to_list() if hasattr(c, "to_list") else c for c in series.to_list()]  # whole series, of pandas
            table[name] = _column(name, [None if m else c for c, m in zip(cells, missing)])
    return table


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
