"""A source (file, data frame or dictionary) to one table: arrays by header, as they stand there."""

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._core import InputError, hint
from ._csv import from_csv, refuse_other_separator
from ._numbers import one_column, whole_numbers

_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")

Table = dict[str, np.ndarray]


def table_of(source: Any) -> tuple[Table, str]:
    """Return the table of a path, data frame or dictionary, and what to call it."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(os.fspath(source))
        return _checked(_from_file(path), f"{path.name!r}"), path.name
    if isinstance(source, Mapping):
        return _checked({str(k): one_column(str(k), v) for k, v in source.items()}, "the dictionary"), "runs"
    return _checked(_from_frame(source), "the data frame"), "runs"


def _checked(table: Table, what: str) -> Table:
    lengths = {len(v) for v in table.values()}
    if len(lengths) > 1:
        sizes = ", ".join(f"{k!r} {len(v)}" for k, v in list(table.items())[:6])
        raise InputError(f"The columns of {what} differ in length ({sizes}); give one value per run in each.")
    if not lengths or lengths == {0}:
        raise InputError(f"{what[0].upper() + what[1:]} holds no rows; expected a header and at least one run.")
    if len(table) == 1:
        refuse_other_separator(next(iter(table)), what)
    return table


def _from_file(path: Path) -> Table:
    suffixes = [s.lower() for s in path.suffixes[-2:]]
    packed = suffixes[-1:] == [".gz"]
    suffix = (suffixes[:-1] if packed else suffixes)[-1:]
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(path)[:60]!r}… is not a path that can be looked up ({getattr(error, 'strerror', None) or error}); "
            f"expected the path of a file, a data frame or a dictionary of arrays."
        ) from None
    if is_folder:
        raise InputError(f"{str(path)!r} is a directory; expected a file ({', '.join(_SUFFIXES)}).")
    if not is_there:
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        where = hint(path.name, beside, what="files beside it") if beside else f"{str(path.parent)!r} is not there"
        raise InputError(f"There is no file {str(path)!r}; {where}.")
    if not suffix or suffix[0] not in _SUFFIXES:
        raise InputError(
            f"{path.name!r} has no known ending; expected one of {', '.join(_SUFFIXES)} (or those with .gz)."
        )
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if packed else data
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{str(path)!r} cannot be read ({error}); check its permissions and that it is whole."
        ) from None
    if not data.strip():
        raise InputError(f"{path.name!r} is empty; expected a header and at least one run.")
    if suffix[0] == ".parquet":
        return _from_parquet(data, path.name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name!r} is not UTF-8 text ({error.reason} at byte {error.start}); save it so."
        ) from None
    if suffix[0] in (".csv", ".tsv"):
        return from_csv(text, path.name, "," if suffix[0] == ".csv" else "\t")
    if suffix[0] == ".json":
        return _from_json(text, path.name)
    return _from_lines(text, path.name)


def _from_parquet(data: bytes, name: str) -> Table:
    import polars as pl

    try:
        return _from_frame(pl.read_parquet(io.BytesIO(data)))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{name!r} cannot be read as Parquet ({_first_line(error)}); check that it is whole."
        ) from None


def _from_lines(text: str, name: str) -> Table:
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append(json.loads(line, object_pairs_hook=_object))
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{name!r}, line {number} is not JSON ({error.msg}); expected an object a line."
                ) from None
            except (ValueError, RecursionError) as error:
                raise _unreadable_json(f"{name!r}, line {number}", error) from None
            except _Twice as error:
                raise error.refusal(f"{name!r}, line {number}") from None
    return _from_records(records, name)


def _from_json(text: str, name: str) -> Table:
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name!r}, line {error.lineno} is not JSON ({error.msg}); expected a list of objects."
        ) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable_json(repr(name), error) from None
    except _Twice as error:
        raise error.refusal(repr(name)) from None
    if isinstance(document, dict) and document and all(isinstance(v, list) for v in document.values()):
        try:
            return {k: one_column(k, [_cell(c) for c in v]) for k, v in document.items()}
        except RecursionError as error:
            raise _unreadable_json(repr(name), error) from None
    return _from_records(document if isinstance(document, list) else [document], name)


def _unreadable_json(what: str, error: ValueError | RecursionError) -> InputError:
    why = "nests too deeply" if isinstance(error, RecursionError) else "holds a number of thousands of digits"
    return InputError(f"{what} {why}; expected objects of plain numbers and text, so write it in that form.")


def _from_records(records: Sequence[Any], name: str) -> Table:
    flat: list[dict[str, Any]] = []
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise InputError(f"{name!r}, record {number} is {type(record).__name__}; expected an object for each run.")
        try:
            flat.append(_object(list(_flat(record))))
        except RecursionError as error:
            raise _unreadable_json(f"{name!r}, record {number}", error) from None
        except _Twice as error:
            raise error.refusal(f"{name!r}, record {number}") from None
    headers = list(dict.fromkeys(k for r in flat for k in r))
    return {h: one_column(h, [r.get(h) for r in flat]) for h in headers}


class _Twice(Exception):
    """A key stands twice in one object."""

    def refusal(self, what: str) -> InputError:
        return InputError(f"{what} has the key {self.args[0]!r} twice in one object; give each value a key of its own.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in pairs:
        if key in record:
            raise _Twice(key)
        record[key] = value
    return record


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested objects under dotted headers, as in `hyperparameters.params`."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _cell(value)


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _from_frame(source: Any) -> Table:
    import narwhals as nw

    try:
        frame = nw.from_native(source)
    except TypeError:
        raise InputError(
            f"Runs cannot be read from {type(source).__name__}; expected a path, a data frame "
            f"(pandas, polars, pyarrow, ...) or a dictionary of arrays."
        ) from None
    except ValueError as error:
        raise InputError(
            f"The data frame cannot be read ({_first_line(error)}); give each column its own name."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    table: Table = {}
    for series in frame.iter_columns():
        missing, dtype = series.is_null().to_list(), series.dtype
        cells = series.to_list()
        if dtype.is_integer() and not any(missing):
            column = whole_numbers(cells)
        elif dtype == nw.Boolean and not any(missing):
            column = np.array(cells, dtype=bool)
        elif dtype.is_numeric():
            column = np.array([np.nan if m else float(c) for c, m in zip(cells, missing)], dtype=np.float64)
        else:
            column = one_column(str(series.name), [None if m else _cell(c) for c, m in zip(cells, missing)])
        table[str(series.name)] = column
    return table


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
