import gzip
import json
import pickle
import subprocess
import sys

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from scalefit._core import InputError
from scalefit.data import header_of, our_name, read_runs

TABLE = {"params": [1e6, 2e6, 4e6], "tokens": [1e9, 2e9, 3e9], "loss": [3.0, 2.5, 2.0], "family": ["a", "b", "a"]}


def csv(folder, text, name="runs.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def write_jsonl(path):
    rows = [dict(zip(TABLE, row)) for row in zip(*TABLE.values())]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")


def write_json(path):
    path.write_text(json.dumps([dict(zip(TABLE, row)) for row in zip(*TABLE.values())]), encoding="utf-8")


WRITERS = {
    "runs.csv": lambda path: pl.DataFrame(TABLE).write_csv(path),
    "runs.CSV": lambda path: pl.DataFrame(TABLE).write_csv(path),
    "runs.tsv": lambda path: pl.DataFrame(TABLE).write_csv(path, separator="\t"),
    "runs.csv.gz": lambda path: path.write_bytes(gzip.compress(pl.DataFrame(TABLE).write_csv().encode())),
    "runs.jsonl": write_jsonl,
    "runs.ndjson": write_jsonl,
    "runs.json": write_json,
    "columns.json": lambda path: path.write_text(json.dumps(TABLE), encoding="utf-8"),
    "runs.parquet": lambda path: pl.DataFrame(TABLE).write_parquet(path),
    "bom.csv": lambda path: path.write_text("\ufeff" + pl.DataFrame(TABLE).write_csv(), encoding="utf-8"),
}
FRAMES = {
    "dict": lambda: TABLE,
    "arrays": lambda: {k: np.array(v) for k, v in TABLE.items()},
    "pandas": lambda: pd.DataFrame(TABLE),
    "pandas-nullable": lambda: pd.DataFrame(TABLE).convert_dtypes(),
    "polars": lambda: pl.DataFrame(TABLE),
    "polars-lazy": lambda: pl.LazyFrame(TABLE),
    "pyarrow": lambda: pa.table(TABLE),
    "narwhals": lambda: nw.from_native(pl.DataFrame(TABLE)),
}


def same_as_table(runs):
    assert runs.inputs["N"].tolist() == TABLE["params"]
    assert runs.inputs["D"].tolist() == TABLE["tokens"]
    assert runs.target.tolist() == TABLE["loss"]
    assert runs.columns["family"].tolist() == TABLE["family"]


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_runs(tmp_path, name):
    WRITERS[name](tmp_path / name)
    runs = read_runs(tmp_path / name)
    same_as_table(runs)
    assert runs.name == name
    same_as_table(read_runs(str(tmp_path / name)))


@pytest.mark.parametrize("frame", FRAMES)
def test_every_kind_of_frame_gives_the_same_runs(frame):
    same_as_table(read_runs(FRAMES[frame]()))


def test_nested_json_has_dotted_headers(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps([{"hyperparameters": {"params": 7, "tokens": 9}, "loss": 2.0, "tags": ["x"]}]))
    runs = read_runs(path)
    assert runs.inputs["N"].tolist() == [7.0]
    assert "hyperparameters.tokens" in runs.columns


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("N", "N"),
        ("n", "n"),
        ("Model Size", "N"),
        ("model_size", "N"),
        ("num_params", "N"),
        ("params_active_precise", "N"),
        ("Model Size (B)", "N"),
        ("token_num", "D"),
        ("D_tokens", "D"),
        ("Pretraining Data Size (T)", "D"),
        ("Training FLOP", "C"),
        ("FLOPs (1E21)", "C"),
        ("U_D", "U"),
        ("unique_tokens", "U"),
        ("samples_seen", "n"),
        ("passes", "epochs"),
        ("val/loss", "loss"),
        ("C4 Eval Loss", "loss"),
        ("loss (nats)", "loss"),
        ("final_loss", "loss"),
        ("error", "error"),
        ("accuracy", "accuracy"),
        ("loss_se", "se"),
        ("run_id", "run"),
        ("x", "x"),
        ("X", None),
        ("c", None),
        ("N_no_emb", None),
    ],
)
def test_usual_headers_are_known(header, ours):
    assert our_name(header) == ours


@pytest.mark.parametrize(
    ("header", "scale", "unit"),
    [
        ("FLOPs (1E21)", 1e21, None),
        ("FLOPs [10^18]", 1e18, None),
        ("Model Size (B)", 1e9, None),
        ("tokens (x1e9)", 1e9, None),
        ("tokens (billions)", 1e9, None),
        ("Data (T)", 1e12, None),
        ("params (M)", 1e6, None),
        ("loss (nats)", 1.0, "nats"),
        ("loss (10)", 1.0, "10"),
        ("N", 1.0, None),
    ],
)
def test_scales_and_units_in_headers(header, scale, unit):
    assert header_of(header)[1:] == (scale, unit)


def test_scaled_headers_multiply_and_are_noted():
    runs = read_runs(
        {"Model Size (B)": [7.0], "Pretraining Data Size (T)": [1.4], "FLOPs (1E21)": [84.0], "loss (nats)": [2.0]}
    )
    assert runs.inputs["N"].tolist() == [7e9]
    assert runs.inputs["D"].tolist() == pytest.approx([1.4e12], rel=1e-15)
    assert runs.inputs["C"].tolist() == pytest.approx([8.4e22], rel=1e-15)
    assert runs.units["loss"] == "nats"
    assert sum("as the header says" in n for n in runs.notes) == 3


def test_sizes_in_cells_are_read_and_noted(tmp_path):
    runs = read_runs(csv(tmp_path, "num_params,token_num,loss\n2.8B,1.4T,2.0\n350M,12k,3.0\n"))
    assert runs.inputs["N"].tolist() == [2.8e9, 350e6]
    assert runs.inputs["D"].tolist() == [1.4e12, 12e3]
    assert any("2.8B" in n for n in runs.notes)


def test_columns_says_which_header_is_which():
    runs = read_runs(
        {"size": [1.0], "params": [2.0], "flop": [12.0], "seed": [3], "lr": [-0.1], "loss": [1.0]},
        columns={"N": "size", "seed": None, "lr": "lr"},
    )
    assert {k: v.tolist() for k, v in runs.inputs.items()} == {"N": [1.0], "C": [12.0], "lr": [-0.1]}
    assert "seed" not in runs.labels
    assert runs.columns["params"].tolist() == [2]


def test_any_numeric_column_can_be_selected_by_its_header():
    runs = read_runs({"N": [1.0, 2.0], "bs": [32, 64], "opt": ["a", "b"], "loss": [3.0, 2.0]})
    assert runs.select(["bs"])[0]["bs"].tolist() == [32.0, 64.0]
    with pytest.raises(InputError, match="'opt' in row 1 is 'a'; expected a number"):
        runs.select(["opt"])


def test_our_very_name_wins_over_another_header_and_is_noted():
    runs = read_runs({"D": [1.0], "train_tokens": [2.0], "loss": [3.0]})
    assert runs.inputs["D"].tolist() == [1.0]
    assert "'train_tokens' could be it too" in runs.notes[0]


@pytest.mark.parametrize(
    ("target", "columns", "name", "value"),
    [
        ("loss_c4", None, "loss_c4", 3.0),
        ("val loss", None, "loss", 2.0),
        ("error", None, "error", 0.4),
        ("acc", None, "accuracy", 0.6),
        (None, {"loss": "loss_c4"}, "loss", 3.0),
        ("ppl", {"ppl": "loss_c4"}, "ppl", 3.0),
        ("loss_c4", {"ppl": "loss_c4"}, "ppl", 3.0),
        ("error", {"error": "loss_c4"}, "error", 3.0),
    ],
)
def test_the_target_is_the_one_asked_for(target, columns, name, value):
    table = {"N": [1.0], "val loss": [2.0], "loss_c4": [3.0], "error": [0.4], "acc": [0.6]}
    runs = read_runs(table, target=target, columns=columns)
    assert (runs.target_name, runs.target.tolist()) == (name, [value])
    assert set(runs.inputs) == {"N"}


GAPS = "params,D,loss,lr,note\n1,1,3,.1,\n,2,3,.1,x\n\n3,NaN,,.1,\n,,2,.1,\n4,4,1.5,,\n"


def test_only_what_was_measured_drops_a_row_at_reading(tmp_path):
    runs = read_runs(csv(tmp_path, GAPS))
    assert runs.rows.tolist() == [1, 2, 4, 5]
    assert runs.dropped == ((3, "loss is missing"),)
    assert runs.excluded == 0
    assert np.isnan(runs.inputs["N"]).tolist() == [False, True, True, False]
    assert np.isnan(runs.inputs["D"]).tolist() == [False, False, True, False]
    assert "1 … 4  parameters, 2 empty" in repr(runs)


def test_a_row_without_an_input_that_is_needed_is_dropped_and_listed(tmp_path):
    runs = read_runs(csv(tmp_path, GAPS))
    whole = runs.complete(("N", "D"))
    assert whole.rows.tolist() == [1, 5]
    assert whole.dropped == (
        (2, "N is missing (column 'params')"),
        (3, "loss is missing"),
        (4, "N is missing (column 'params'); D is missing"),
    )
    assert whole.select(("N", "D"))[0]["N"].tolist() == [1.0, 4.0]
    assert whole.complete(("N", "D")) is whole
    assert runs.complete(()) is runs
    assert runs.complete("D").rows.tolist() == [1, 2, 5]
    assert runs.complete(("lr",)).rows.tolist() == [1, 2, 4]


def test_a_derived_input_is_as_complete_as_what_it_comes_from():
    runs = read_runs({"N": [1.0, None, 3.0], "C": [6.0, 6.0, None], "loss": [3.0, 2.0, 1.0]})
    whole = runs.complete(("D",))
    assert whole.select(("D",))[0]["D"].tolist() == [1.0]
    assert whole.dropped == ((2, "N is missing"), (3, "C is missing"))
    with pytest.raises(
        InputError, match=r"'C' in row 3 is missing .* and D is derived from it; .* `where=\"C is not null"
    ):
        runs.select(("D",))


def test_a_gap_in_a_column_that_no_law_asks_for_costs_no_run():
    gaps = {"epochs": [1, None], "U": [None, 5.0], "pool": [None, "a"], "seed": [0, None], "group": ["a", None]}
    runs = read_runs({"N": [1.0, 2.0], "loss": [3.0, 2.0]} | gaps)
    assert runs.complete(("N",)) is runs
    assert len(runs) == 2


def test_a_gap_is_never_handed_out_as_a_number():
    runs = read_runs({"params": [1.0, None], "bs": ["1k", "nan"], "loss": [2.0, 2.0]})
    for name, header in (("N", "params"), ("bs", "bs")):
        with pytest.raises(InputError, match=rf"'{header}' in row 2 is missing .*`where=.{name} is not null"):
            runs.select([name], sizes=True)
        assert runs.complete([name]).rows.tolist() == [1]


def test_what_a_table_does_not_have_is_left_to_select():
    runs = read_runs({"N": [1.0], "loss": [2.0]})
    assert runs.complete(("N", "D", "x")) is runs


def test_a_table_without_a_complete_run_is_refused():
    runs = read_runs({"N": [1.0, None], "D": [None, 1.0], "loss": [2.0, 1.0]})
    with pytest.raises(InputError, match=r"No row of 'runs' is left: 2 of 2 lack a value \(row 1: D is missing\)"):
        runs.complete(("N", "D"))
    alone = read_runs({"N": [None], "loss": [3.0]}, columns={"N": "N"})
    assert "N     no value  parameters, 1 empty" in repr(alone)
    with pytest.raises(InputError, match="'N' in row 1 is missing"):
        alone.select(["N"])


def test_conditions_splits_and_copies_bear_gaps(tmp_path):
    runs = read_runs(csv(tmp_path, "N,D,loss,seed,pool\n1,2,3,0,a\n,2,2.5,,b\n3,,2,1,\n3,1,1,1,b\n"))
    assert runs.where("N < 5").rows.tolist() == [1, 3, 4]
    assert runs.where("not N < 2").rows.tolist() == [3, 4]
    assert runs.where("N is null or seed == 1").rows.tolist() == [2, 3, 4]
    assert runs.where("pool != 'a'").rows.tolist() == [2, 4]
    assert runs.where("C > 1").rows.tolist() == [1, 4]
    with pytest.raises(InputError, match="'a' is text"):
        runs.where("seed < 'a'")
    for by in ("N", "seed", "pool", ("seed", "pool")):
        with pytest.raises(InputError, match="is missing"):
            runs.split(by)
    again = pickle.loads(pickle.dumps(runs))
    assert (again.fingerprint, repr(again)) == (runs.fingerprint, repr(runs))
    assert "seed: 2 different, 1 empty" in repr(runs)


def test_runs_without_their_gaps_are_those_read_without_them(tmp_path):
    text = "N,loss,seed,run\n1,3,0,a\n2,2.5,,b\n3,2,1,\n3,1,1,b\n"
    gone = read_runs(csv(tmp_path, text)).where("seed is not null and run is not null")
    plain = read_runs(csv(tmp_path, "N,loss,seed,run\n1,3,0,a\n3,1,1,b\n"))
    assert gone.fingerprint == plain.fingerprint
    assert gone.labels["seed"].dtype == plain.labels["seed"].dtype
    assert [k for k, _ in gone.split(("seed", "run"))] == [(0, "a"), (1, "b")]


@pytest.mark.parametrize(
    ("labels", "note", "clusters"),
    [
        ({"seed": [0, None, 0, None]}, "2 rows (the first is row 2) have no seed: each is a run of its own",
         [0, 1, 0, 2]),
        ({"seed": [0, 0, 0, 0], "pool": ["a", "a", "a", None]}, "row 4 has no pool: it is a run of its own",
         [0, 0, 0, 1]),
        ({"run": ["r", "r", None, "s"]}, "row 3 has no run: it is a run of its own", [0, 0, 1, 2]),
        ({"run": ["r", "r", "s", "s"], "seed": [1, 1, 1, None]}, "row 4 has no seed", [0, 0, 1, 1]),
        ({"seed": [1, 1, 1, 1], "step": [1, 2, 3, None]}, "row 4 has no step", [0, 0, 0, 0]),
    ],
)  # fmt: skip
def test_an_empty_label_is_a_training_of_its_own_and_said(labels, note, clusters):
    runs = read_runs({"N": [1.0] * 4, "D": [1.0, 2.0, 3.0, 4.0], "loss": [4.0, 3.0, 2.0, 1.0]} | labels)
    assert runs.notes == (note,)
    assert runs.clusters().tolist() == clusters


def test_clusters_by_a_label_bear_gaps_and_by_another_column_do_not():
    runs = read_runs({"loss": [3.0, 2.0, 1.0], "seed": [0, None, None], "team": ["a", None, "a"]})
    assert runs.clusters("seed").tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="'team' in row 2 of 'runs' is missing"):
        runs.clusters("team")


@pytest.mark.parametrize("where", [None, "N > 0", "family == 'a'"])
def test_an_empty_row_is_listed_and_a_blank_line_is_no_row(tmp_path, where):
    text = 'N,family,loss\n1,a,3\n,,\n\n  \n2,a,\n3,"a",2\n,"",\n\n\n'
    runs = read_runs(csv(tmp_path, text), where=where)
    assert runs.rows.tolist() == [1, 4]
    assert runs.dropped == ((2, "every cell is empty"), (3, "loss is missing"), (5, "every cell is empty"))
    assert runs.excluded == 0
    tabs = csv(tmp_path, text.replace(",", "\t"), "runs.tsv")
    assert read_runs(tabs, where=where).dropped == runs.dropped


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2"], np.array([1, -2])),
        (["18446744073709551615", "1"], np.array([2**64 - 1, 1], np.uint64)),
        (["9" * 30, "1"], np.array([1e30, 1.0])),
        (["1e9", " 2.5"], np.array([1e9, 2.5])),
        (["1", ""], np.array([1.0, np.nan])),
        (["nan", "-inf"], np.array([np.nan, -np.inf])),
        (["true", "False"], np.array([True, False])),
        (["true", ""], np.array(["true", None], object)),
        (["1_0", "2"], np.array(["1_0", "2"], object)),
        (["1B", "2"], np.array(["1B", "2"], object)),
        (["", " "], np.array([np.nan, np.nan])),
    ],
)
def test_cells_of_a_text_are_numbers_where_all_are(tmp_path, cells, expected):
    path = csv(tmp_path, "loss,cell\n" + "".join(f"1,{cell}\n" for cell in cells))
    column = read_runs(path).columns["cell"]
    assert column.dtype == expected.dtype
    assert [repr(c) for c in column.tolist()] == [repr(c) for c in expected.tolist()]


def test_rows_end_early(tmp_path):
    runs = read_runs(csv(tmp_path, "loss,N,note\r\n3,1\r\n2,2,a\r\n"))
    assert (runs.inputs["N"].tolist(), runs.columns["note"].tolist()) == ([1.0, 2.0], [None, "a"])


def test_a_blank_line_inside_quotes_stays(tmp_path):
    runs = read_runs(csv(tmp_path, 'N,note,loss\n1,"a\n\nb",3\n\n2,c,2\n'))
    assert runs.columns["note"].tolist() == ["a\n\nb", "c"]


def test_a_row_that_a_condition_cannot_judge_is_dropped_and_listed():
    runs = read_runs(
        {"N": [1.0, None, 3.0, None], "D": [1.0, 1.0, None, None], "team": ["a", "a", None, "b"], "loss": [4, 3, 2, 1]},
        where="N > 0 and team == 'a'",
    )
    assert runs.rows.tolist() == [1]
    assert runs.dropped == ((2, "N is missing"),)
    assert runs.excluded == 2


def test_a_recognised_column_without_any_value_is_left_out():
    runs = read_runs({"N": [1.0, 2.0], "se": [None, None], "loss": [2.0, 1.0]})
    assert runs.se is None
    assert len(runs) == 2
    assert "'se' is empty" in runs.notes[0]


def test_where_goes_before_dropping_and_is_counted_apart():
    table = {
        "N": [1.0, 2.0, None, 4.0, 5.0],
        "state": ["ok", "ok", "ok", "crashed", "ok"],
        "loss": ["3", None, "2", "diverged", "9"],
    }
    runs = read_runs(table, where="state == 'ok' and loss < 5")
    assert runs.rows.tolist() == [1, 3]
    assert runs.excluded == 2
    assert runs.dropped == ((2, "loss is missing"),)


def test_where_sees_headers_and_scaled_names_alike():
    table = {"Model Size (B)": [1.0, 7.0, 70.0], "loss": [3.0, 2.0, 1.0]}
    assert read_runs(table, where="N > 2e9 and `Model Size (B)` < 50").rows.tolist() == [2]


def test_where_does_not_hide_text_in_a_number():
    table = {"N": [1.0, 2.0], "loss": ["3", "diverged"]}
    with pytest.raises(InputError, match="row 2 is 'diverged'"):
        read_runs(table, where="loss < 5")
    assert len(read_runs(table, where="loss != 'diverged'")) == 1


@pytest.mark.parametrize(
    ("table", "given", "message"),
    [
        ({"N": [1.0], "los": [2.0]}, {}, "no column 'loss' nor a usual name.* 'N', 'los'"),
        ({"N": [1.0], "loss_c4": [2.0]}, {}, "look like one are 'loss_c4'"),
        ({"N": [1.0], "loss": [1.0], "val_loss": [2.0]}, {}, "'loss', 'val_loss' could each be the target"),
        ({"loss": [1.0], "error": [2.0]}, {}, "'loss', 'error' could each be the target"),
        ({"loss": [1.0]}, {"target": "lss"}, "target names 'lss'.*[Tt]he nearest is 'loss'"),
        (
            {"params": [1.0], "model_size": [1.0], "loss": [1.0]},
            {},
            "'params', 'model_size' could each be 'N'.*columns=",
        ),
        (
            {"N": np.ma.array([1.0], mask=[True]), "loss": [-np.inf]},
            {},
            "'loss' in row 1 is -inf; expected a finite number",
        ),
        ({"N": [[1.0], [2.0]], "loss": [1.0, 1.0]}, {}, "'N' in row 1 is a series of 1 numbers; expected one number"),
        (
            {"N": np.array(["2024-01-01"], "M8[D]"), "loss": [1.0]},
            {},
            "'N' in row 1 is '2024-01-01'; expected a number",
        ),
        ({"N": ["1e400"], "loss": [1.0]}, {}, "'N' in row 1 is inf; expected a finite number"),
        ({"N": [1.0], "loss": [1.0]}, {"columns": {"D": "tokns"}}, "columns names 'tokns' for 'D'"),
        ({"N": [1.0], "loss": [1.0]}, {"columns": {"name": "N"}}, "columns names 'name', which is no input"),
        ({"Model Size": [1.0], "loss": [1.0]}, {"columns": {"N": "Model Sise"}}, "[Tt]he nearest is 'Model Size'"),
        ({"N": ["1", "big"], "loss": [1.0, 1.0]}, {}, "'N' in row 2 is 'big'; expected a number"),
        ({"N": ["1,5,0"], "loss": [1.0]}, {}, "is '1,5,0'; expected a number"),
        ({"lr": ["1,250"], "loss": [1.0]}, {"columns": {"lr": "lr"}}, "'1,250', which may be 1250 or 1.250"),
        ({"N": [1.0], "loss": ["inf"]}, {}, "'loss' in row 1 is inf; expected a finite number"),
        ({"N": ["1e999B"], "loss": [1.0]}, {}, "'N' in row 1 is inf; expected a finite number"),
        ({"N": [None, 1.0], "loss": [1.0, np.inf]}, {}, "'loss' in row 2 is inf; expected a finite number"),
        ({"Model Size (B)": ["7B"], "loss": [1.0]}, {}, "scaled by its header and holds '7B' too"),
        ({"N": [1.0], "loss": [3.0]}, {"where": "loss < 1"}, "keeps none of the 1 rows.*'loss' runs from 3 to 3"),
        ({"N": [1.0], "loss": [None]}, {}, "No row of 'runs' is left: 1 of 1 lack a value"),
        ({"N": [1.0], "loss": [1.0, 2.0]}, {}, "differ in length"),
        ({"N": [], "loss": []}, {}, "holds no rows"),
        ({}, {}, "holds no rows"),
        (3, {}, "cannot be read from int; expected a path"),
        ([1, 2], {}, "cannot be read from list"),
    ],
)
def test_bad_tables_are_refused(table, given, message):
    with pytest.raises(InputError, match=message):
        read_runs(table, **given)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "'a.csv' is empty"),
        ("a.csv", b" \n\n", "'a.csv' is empty"),
        ("a.csv", b"N,loss\n", "'a.csv' holds no rows"),
        ("a.csv", b"N,loss\n1,2\n\n1,2,3\n", r"cannot be read as CSV \(row 2 has 3 cells and the header 2\)"),
        ("a.csv", b'N,loss\n"1,2\n', r"cannot be read as CSV \(line 2: unexpected end of data\)"),
        ("a.tsv", b"N\tloss\n1\t2\t3\n", "cannot be read as TSV"),
        ("a.csv", b"N,loss\n1,\xff\n", "is not UTF-8 text"),
        ("a.csv", b"N,loss,loss\n1,2,3\n", "'loss', 'loss_duplicated_0' could each be the target"),
        ("a.csv.gz", b"no gzip", "cannot be read"),
        ("a.xlsx", b"1", "no known ending; expected one of .csv"),
        ("a", b"1", "no known ending"),
        ("a.parquet", b"1234", "cannot be read as Parquet"),
        ("a.jsonl", b'{"N": 1}\n{"N": \n', "line 2 is not JSON"),
        ("a.jsonl", b"3\n", "record 1 is int; expected an object"),
        ("a.json", b"[1", "line 1 is not JSON"),
        ("a.json", b'[{"N": 1, "N": 2, "loss": 1}]', "'a.json' has the key 'N' twice in one object"),
        ("a.json", b'[{"a": {"N": 1}, "a.N": 2, "loss": 1}]', "record 1 has the key 'a.N' twice"),
        ("a.jsonl", b'{"N": 1, "loss": 1}\n{"N": 1, "loss": 1, "loss": 2}\n', "line 2 has the key 'loss' twice"),
        ("a.json", b'{"N": [1, 2], "N": [2, 3], "loss": [1, 1]}', "the key 'N' twice"),
        ("a.json", b"[]", "holds no rows"),
    ],
)
def test_bad_files_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_runs(path)


def test_a_missing_file_is_refused(tmp_path):
    csv(tmp_path, "N,loss\n1,2\n")
    with pytest.raises(InputError, match=r"is no file\. The nearest is 'runs\.csv'"):
        read_runs(tmp_path / "run.csv")
    with pytest.raises(InputError, match="is not there"):
        read_runs(tmp_path / "nowhere" / "run.csv")


def test_frames_with_two_columns_of_one_name_are_refused():
    with pytest.raises(InputError, match="Give each column its own name"):
        read_runs(pd.DataFrame([[1.0, 2.0]], columns=["loss", "loss"]))


def test_labels_are_whole_numbers_or_text(tmp_path):
    runs = read_runs(csv(tmp_path, "N,loss,seed,run,step\n1,2,0,r1,1k\n1,1,1,r2,2k\n"))
    assert runs.labels["seed"].dtype == np.int64
    assert runs.labels["run"].tolist() == ["r1", "r2"]
    assert runs.labels["step"].tolist() == [1000, 2000]


def test_split_by_any_column_of_the_source():
    runs = read_runs(TABLE | {"size class": [1, 1, None]})
    assert [k for k, _ in runs.split("family")] == ["a", "b"]
    with pytest.raises(InputError, match="'size class' in row 3 of 'runs' is missing"):
        runs.split("size class")


NDL = {"N": [1.0, 2.0], "D": [3.0, 4.0], "loss": [3.0, 2.0]}


@pytest.mark.parametrize(
    ("table", "columns", "inputs"),
    [
        ({"x": [5.0, 6.0], "loss": [3.0, 2.0]}, None, {"x": [5.0, 6.0]}),
        ({"x (k)": [5.0, 6.0], "loss": [3.0, 2.0]}, None, {"x": [5e3, 6e3]}),
        (NDL, {"x": "D"}, {"x": [3.0, 4.0], "N": [1.0, 2.0]}),
        ({"x": [5.0, 6.0], "loss": [3.0, 2.0]}, {"x": None}, {}),
        (NDL | {"x": [-5.0, 6.0]}, None, {"N": [1.0, 2.0], "D": [3.0, 4.0]}),
        (NDL | {"x": [5.0, 6.0]}, {"x": "x", "D": None}, {"N": [1.0, 2.0], "x": [5.0, 6.0]}),
        ({"x": [5.0, 6.0], "lr": [0.1, 0.2], "loss": [3.0, 2.0]}, {"lr": "lr"}, {"lr": [0.1, 0.2]}),
        ({"tokens": [3.0, 4.0], "loss": [3.0, 2.0]}, {"x": "D"}, {"x": [3.0, 4.0]}),
    ],
)
def test_an_x_is_what_is_called_so_or_given_to_it(table, columns, inputs):
    runs = read_runs(table, columns=columns)
    assert {k: v.tolist() for k, v in runs.inputs.items()} == inputs
    if columns == {"x": "D"}:
        with pytest.raises(InputError, match="has no input 'D'"):
            runs.select(["D"])


def test_a_label_is_no_target():
    table = NDL | {"run": [2.0, 1.0]}
    with pytest.raises(InputError, match=r"target names 'run', .* `columns=\{'loss': 'run'\}"):
        read_runs(table, target="run")
    assert read_runs(table, columns={"loss": "run"}).target.tolist() == [2.0, 1.0]


def test_arguments_of_another_type_are_refused():
    """In a process of its own: within the tests types are checked before the call."""
    script = """
from scalefit.data import Runs, read_runs
table = {"N": [1.0, 2.0], "loss": [3.0, 2.0]}
for call in (
    lambda: read_runs(table, where=3), lambda: read_runs(table, columns=["N"]), lambda: read_runs(table, target=3),
    lambda: read_runs(table, columns={"N": 3}), lambda: read_runs(table, name=3),
    lambda: Runs([1.0]).where(3), lambda: Runs([1.0]).split(3),
):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    expected = ["where is 3", "columns is ['N']", "target is 3", "columns gives 3 for 'N'", "name is 3", "where is 3"]
    for line, said in zip(done.stdout.splitlines(), [*expected, "by is 3"], strict=True):
        assert line.startswith(f"InputError {said}")
        assert "expected" in line


def test_where_at_reading_knows_the_derived_input():
    table = {"N": [1.0, 2.0, 3.0, None], "C": [6.0, 24.0, 54.0, 1.0], "loss": [4.0, 3.0, 2.0, 1.0]}
    runs = read_runs(table, where="D > 1")
    assert (runs.rows.tolist(), runs.excluded, runs.dropped) == ([2, 3], 1, ((4, "N is missing"),))
    with pytest.raises(InputError, match=r"'D' runs from 1 to 3"):
        read_runs(table, where="D > 7 and N is not null")
    assert read_runs(table | {"D": [1.0, 1.0, 1.0, 2.0]}, where="D > 1").rows.tolist() == [4]
    with pytest.raises(InputError, match="'C' in row 1 is 'much'; expected a number"):
        read_runs({"N": [1.0, 2.0], "C": ["much", "12"], "loss": [2.0, 1.0]}, where="D > 0")


HUGE = 10**400


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"columns": {"N": "D", "D": "D"}}, "gives the one column 'D' to both 'N' and 'D'"),
        ({"columns": {"N": "D"}}, "gives the column 'D' to 'N', and its header makes it the input 'D' too"),
        ({"columns": {"loss": "N"}}, "gives the column 'N' to 'loss', and its header makes it the input 'N' too"),
        ({"columns": {"loss": "loss", "se": "loss"}}, "'loss' to both 'loss' and 'se'"),
        ({"columns": {"N": "N"}, "target": "N"}, "'N' is given both to 'N' by columns and to the target"),
        ({"columns": {"se": "loss"}, "target": "loss"}, "'loss' is given both to 'se' by columns and to the target"),
        ({"columns": {"se": "loss"}}, "No column is left for the target: `columns` gives 'loss' to 'se'"),
        ({"columns": {"run": "loss"}}, "No column is left for the target: `columns` gives 'loss' to 'run'"),
    ],
)
def test_one_column_has_one_role(given, message):
    with pytest.raises(InputError, match=message):
        read_runs(NDL, **given)


def test_columns_may_swap_headers_and_leave_an_input_out():
    swapped = read_runs(NDL, columns={"N": "D", "D": "N"})
    assert swapped.select(["N", "D"])[0]["N"].tolist() == NDL["D"]
    renamed = read_runs(NDL, columns={"n": "N", "N": None})
    with pytest.raises(InputError, match="has no input 'N'"):
        renamed.select(["N"])


@pytest.mark.parametrize(
    ("given", "name"), [({"target": "N"}, "N"), ({"columns": {"loss": "ppl"}}, "ppl"), ({"target": "ppl"}, "ppl")]
)
def test_the_target_is_no_input(given, name):
    runs = read_runs({"N": [1.0, 2.0], "D": [3.0, 4.0], "C": [5.0, 6.0], "ppl": [3.0, 2.0]}, **given)
    for some in (runs, runs.take([0])):
        with pytest.raises(InputError, match=f"'{name}' is asked for as an input of 'runs', and is its target"):
            some.select([name])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("N,N,D,loss", "'N', 'N_duplicated_0' could each be 'N'"),
        ("seed,seed,D,loss", "'seed', 'seed_duplicated_0' could each be 'seed'"),
        ("N (B),N (B),D,loss", r"'N \(B\)', 'N \(B\)_duplicated_0' could each be 'N'"),
    ],
)
def test_two_columns_of_one_header_are_refused(tmp_path, header, message):
    with pytest.raises(InputError, match=message):
        read_runs(csv(tmp_path, f"{header}\n1,2,3,4\n"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": ["2.5B", "2"]}, "'loss' in row 1 is '2.5B'; expected a number without a suffix"),
        ({"se": ["1", "1k"]}, "'se' in row 2 is '1k'; expected a number without a suffix"),
        ({"loss": [True, True]}, "'loss' in row 1 is True; expected a number such as"),
        ({"N": [True, True]}, "'N' in row 1 is True; expected a number such as"),
        ({"N": [2.0, True]}, "'N' in row 2 is 'True'; expected a number"),
        ({"N": [HUGE, 1]}, "'N' in row 1 is inf; expected a finite number"),
        ({"N": [1.5, -HUGE]}, "'N' in row 2 is -inf; expected a finite number"),
        ({"N": ["1e" + "9" * 5000, "1"]}, "'N' in row 1 is inf; expected a finite number"),
        ({"C (1E400)": [1.0, 2.0]}, r"header 'C \(1E400\)' scales by a power of ten above 300"),
        ({f"C (1E{'9' * 5000})": [1.0, 2.0]}, "scales by a power of ten above 300"),
        ({"C (1E300)": [1e300, 2.0]}, "row 1 is inf; expected a finite"),
    ],
)
def test_no_size_truth_or_overflow_is_taken_for_a_number(change, message):
    with pytest.raises(InputError, match=message):
        read_runs(NDL | change)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"N": ' + "9" * 5000 + ', "loss": 1}', "holds a number of thousands of digits"),
        ('{"N": ' + "9" * 400 + ', "loss": 1}', "'N' in row 1 is inf; expected a finite number"),
        ("[" * 100000, "nests too deeply"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nests too deeply"),
    ],
)
def test_json_beyond_bounds_is_refused(tmp_path, name, text, message):
    with pytest.raises(InputError, match=message):
        read_runs(csv(tmp_path, text, name))


def test_a_source_too_long_for_a_path_is_refused():
    with pytest.raises(InputError, match="is not a path that can be looked up"):
        read_runs("N,loss\n" * 800)


@pytest.mark.parametrize("where", ["True", "1 < 2", "'a' < 'b'"])
def test_a_condition_names_a_column(where):
    with pytest.raises(InputError, match="names no column; expected a condition"):
        read_runs(NDL, where=where)
    with pytest.raises(InputError, match="names no column"):
        read_runs(NDL).where(where)


@pytest.mark.parametrize("sign", [";", "\t", "|", " "])
def test_another_separator_is_suspected_in_a_frame(sign):
    with pytest.raises(InputError, match="seems to be separated by"):
        read_runs({f"N{sign}loss": [f"1{sign}2"]})


def test_an_error_behind_a_number_has_its_own_column():
    with pytest.raises(InputError, match="expected a number alone, and its standard error in a column"):
        read_runs({**NDL, "loss": ["4.96 ± 0.01"] * len(NDL["loss"])})


def test_masked_cells_are_missing():
    runs = read_runs({"N": np.ma.array([1.0, 2.0], mask=[False, True]), "loss": [3.0, 2.0]})
    assert runs.complete(("N",)).rows.tolist() == [1]
    assert np.isnan(runs.inputs["N"]).tolist() == [False, True]


def test_lines_end_where_the_format_says(tmp_path):
    text = '{"N": 1, "note": "a\u2028b", "loss": 2}\r\n{"N": 2, "loss": 1}\r\n'
    assert read_runs(csv(tmp_path, text, "runs.jsonl")).inputs["N"].tolist() == [1.0, 2.0]
    (tmp_path / "old.csv").write_bytes(b"N,loss\r1,2\r\r2,1\r")
    assert read_runs(tmp_path / "old.csv").inputs["N"].tolist() == [1.0, 2.0]


def test_nested_cells_of_parquet_are_no_numbers_and_harm_nobody_elsewhere(tmp_path):
    path = tmp_path / "runs.parquet"
    pl.DataFrame({"N": [[1.0], [2.0]], "loss": [2.0, 1.0]}).write_parquet(path)
    with pytest.raises(InputError, match=r"'N' in row 1 is a series of 1 numbers; expected one number"):
        read_runs(path)
    pl.DataFrame({"N": [1, 2], "tags": [["a"], []], "loss": [2.0, 1.0]}).write_parquet(path)
    assert len(read_runs(path)) == 2


@pytest.mark.parametrize(
    ("table", "name", "message"),
    [
        ({"N": [1e200], "D": [1e200], "loss": [1.0]}, "C", "'C' in row 1 is inf; expected a finite number"),
        ({"C": [1e-300], "N": [1e200], "loss": [1.0]}, "D", "'D' in row 1 is 0; expected a number above 0"),
    ],
)
def test_a_derived_input_out_of_range_is_refused(table, name, message):
    runs = read_runs(table)
    with pytest.raises(InputError, match=message):
        runs.select([name], sizes=True)
    assert len(runs.where(f"{name} >= 0")) == 1


def test_what_is_drawn_from_a_pool_is_no_unit():
    """A pool may be called B, which is otherwise a billion."""
    table = {"n": [1e4], "w[A]": [0.25], "w[B]": [0.75], "U[A]": [1e3], "U[B]": [2e3], "U (B)": [1.0], "loss": [2.0]}
    runs = read_runs(table, columns={name: name for name in table if name.endswith("]")} | {"U": "U (B)"})
    assert {name: column.tolist() for name, column in runs.inputs.items()} == {
        "n": [1e4], "w[A]": [0.25], "w[B]": [0.75], "U[A]": [1e3], "U[B]": [2e3], "U": [1e9]
    }  # fmt: skip
    assert set(runs.units) == {"n", "U"}


@pytest.mark.parametrize(
    ("header", "taken", "note"),
    [
        ("val_loss_se", True, ""),
        ("rel_se", False, "se is a column of it times 'val_loss'"),
        ("loss_std", False, "say `columns={'se': 'loss_std'}`"),
        ("sigma", False, "say `columns={'se': 'sigma'}`"),
        ("init_std", False, ""),
        ("test_error", False, ""),
    ],
)
def test_columns_of_standard_errors_are_taken_or_named(header, taken, note):
    table = {"params": [1e7, 1e8, 1e9], "val_loss": [3.0, 2.5, 2.2], header: [0.01, 0.01, 0.02]}
    runs = read_runs(table, target="val_loss")
    assert (runs.se is not None) is taken
    assert note in " ".join(runs.notes)
    assert bool(note) is any(header in one for one in runs.notes)


def test_a_header_with_a_usual_name_inside_is_named_where_there_is_none():
    runs = read_runs({"Non-embedding params (M)": [10.0, 20.0], "tokens": [1e9, 2e9], "loss": [3.0, 2.9]})
    with pytest.raises(InputError, match=r"the nearest is 'Non-embedding params \(M\)'"):
        runs.select(("N",))


def test_a_header_among_the_rows_is_called_so():
    with pytest.raises(InputError, match="'loss' in row 2 is the header again, as where files were joined"):
        read_runs({"params": ["1e7", "params", "1e8"], "loss": ["3.1", "loss", "2.9"]})


@pytest.mark.parametrize("ask", [lambda _: {}, lambda ln: {"target": ln}, lambda ln: {"columns": {"loss": ln}}])
@pytest.mark.parametrize(("header", "base"), [("ln_loss", np.e), ("log10(val loss)", 10.0), ("log2 loss", 2.0)])
def test_the_logarithm_of_a_loss_is_no_loss(header, base, ask):
    """It is raised, with a note, however it is asked for."""
    runs = read_runs({"N": [1e8, 1e9], "D": [1e9, 1e10], header: [0.5, 0.25]}, **ask(header))
    np.testing.assert_allclose(runs.target, base ** np.array([0.5, 0.25]))
    assert any(repr(header) in note and "to the power of" in note for note in runs.notes)
    assert "loss" in runs.target_name


def test_what_is_called_log_loss_is_a_loss():
    runs = read_runs({"N": [1e8, 1e9], "D": [1e9, 1e10], "log_loss": [2.5, 2.25]}, target="log_loss")
    assert runs.target.tolist() == [2.5, 2.25]
    both = read_runs({"N": [1e8, 1e9], "loss": [2.5, 2.25], "ln_loss": [0.5, 0.25]}, target="ln_loss")
    np.testing.assert_allclose(both.target, np.exp([0.5, 0.25]))
    assert both.target_name == "exp(ln_loss)"
