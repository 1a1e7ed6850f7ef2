"""Many files as one table: histories of trackers, curves and models a file each, and events of TensorBoard."""

import json
import re
import sys

import numpy as np
import polars as pl
import pytest

import scalefit as sf


def history(steps, floor):
    return pl.DataFrame(
        {"_step": steps, "_runtime": [0.1 * s for s in steps], "loss": [floor + 1.0 / s for s in steps]}
    )


def test_histories_of_weights_and_biases_are_runs_by_their_folders(tmp_path):
    """Artifacts as `run-ID-history:v0/0000.parquet`, a long one in several parts."""
    for run, part, steps in (("a", "0000", [1, 2]), ("a", "0001", [3, 4]), ("b", "0000", [1, 3])):
        folder = tmp_path / f"run-{run}-history:v0"
        folder.mkdir(exist_ok=True)
        history(steps, 2.0).write_parquet(folder / f"{part}.parquet")
    (tmp_path / "README.md").write_text("histories")
    runs = sf.read_runs(tmp_path)
    assert runs.labels["run"].tolist() == ["run-a-history:v0"] * 4 + ["run-b-history:v0"] * 2
    assert runs.labels["step"].tolist() == [1, 2, 3, 4, 1, 3]
    assert runs.name == tmp_path.name
    assert any("3 files of" in note and "with the label run" in note for note in runs.notes)
    assert "not read there: 1 other file" in runs.notes
    assert sf.per_run(runs, "last").target.tolist() == [2.25, 2.0 + 1.0 / 3.0]


def test_a_thinned_history_is_said(tmp_path):
    for run in "ab":
        history(list(range(1, 501)), 2.0).write_csv(tmp_path / f"{run}.csv")
    found = sf.diagnose(sf.read_runs(tmp_path, columns={"step": "_step"}))
    ((said,),) = ([one.says for one in found.findings if one.check == "sampled-history"],)
    assert "500 steps, as exports that thin a history do" in said


def test_curves_a_file_each_and_tables_with_gaps(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "cosine.csv").write_text("step,lr,loss\n1,0.1,3\n2,0.05,2.5\n")
    (tmp_path / "deep" / "wsd.csv").write_text("step,loss,schedule\n1,3.1,wsd\n")
    runs = sf.read_runs(tmp_path)
    assert runs.labels["run"].tolist() == ["cosine", "cosine", "deep/wsd"]
    assert runs.columns["schedule"].tolist() == [None, None, "wsd"]
    np.testing.assert_array_equal(runs.columns["lr"], [0.1, 0.05, np.nan])
    paths = [tmp_path / "deep" / "wsd.csv", tmp_path / "cosine.csv"]
    assert sf.read_runs(paths).labels["run"].tolist() == ["deep/wsd", "cosine", "cosine"]


def test_models_a_file_each(tmp_path):
    for name, n in (("small", 1e8), ("large", 1e9)):
        model = {"hyperparameters": {"params": n, "tokens": 20 * n}, "loss": 4.0 - n / 1e9}
        (tmp_path / f"{name}.json").write_text(json.dumps(model))
    runs = sf.read_runs(tmp_path, columns={"N": "hyperparameters.params", "D": "hyperparameters.tokens"})
    assert dict(zip(runs.labels["run"].tolist(), runs.inputs["D"].tolist())) == {"large": 2e10, "small": 2e9}


def test_folders_that_say_nothing_are_refused(tmp_path):
    with pytest.raises(sf.InputError, match="is a directory without a table"):
        sf.read_runs(tmp_path)
    (tmp_path / "a.csv").write_text("N,loss\n1,2\n")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(sf.InputError, match=r"tables of several kinds \('?\.csv'?, '?\.json'?\)"):
        sf.read_runs(tmp_path)


def test_files_without_rows_are_said_and_none_is_read_twice(tmp_path):
    (tmp_path / "a.csv").write_text("N,loss\n1,2\n")
    (tmp_path / "b.csv").write_text("N,loss\n")
    assert "2 files of" in (note := sf.read_runs(tmp_path).notes[0])
    assert "'b' without a row" in note
    with pytest.raises(sf.InputError, match=r"The files name '.*a\.csv' twice"):
        sf.read_runs([tmp_path / "a.csv", tmp_path / "a.csv"])


def test_dimensions_of_xarray():
    xarray = pytest.importorskip("xarray")
    data = {"N": ("model", [1e8, 1e9]), "D": ("at", [1e9, 2e9, 3e9]), "loss": (("model", "at"), np.full((2, 3), 2.0))}
    runs = sf.read_runs(xarray.Dataset(data))
    assert runs.inputs["D"].tolist() == [1e9, 2e9, 3e9] * 2
    assert runs.notes == (
        "'N' has no dimension 'at': it stands in a row for each value there",
        "'D' has no dimension 'model': it stands in a row for each value there",
    )
    for given in (xarray.Dataset({"loss": 3.0}), xarray.Dataset(), xarray.DataArray(3.0)):
        with pytest.raises(sf.InputError, match="The data set has no dimension"):
            sf.read_runs(given)
    with pytest.raises(sf.InputError, match="The data set cannot be read as a table"):
        sf.read_runs(xarray.DataArray([3.0, 2.0], dims=("loss",), coords={"loss": [1e8, 2e8]}, name="loss"))


def test_events_of_tensorboard(tmp_path, monkeypatch):
    writer = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]  made by protobuf
    from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]  as above
    from tensorboard.plugins.hparams import summary_v2

    def written(run, steps, **settings):
        events = writer.EventFileWriter(str(tmp_path / run))
        if settings:
            events.add_event(Event(wall_time=0.0, summary=summary_v2.hparams_pb(settings)))
        for step, tags in steps:
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in tags.items()]
            events.add_event(Event(step=step, wall_time=1.0 + step, summary=Summary(value=values)))
        events.close()

    written(
        "small", [(1, {"train/loss": 3.5}), (2, {"train/loss": 3.25, "val/loss": 3.5})], params=1e8, optimizer="adam"
    )
    written("large", [(2, {"val/loss": 2.5})], params=1e9)
    runs = sf.read_runs(tmp_path, target="val/loss")
    assert runs.labels["run"].tolist() == ["large", "small"]
    assert (runs.inputs["N"].tolist(), runs.target.tolist()) == ([1e9, 1e8], [2.5, 3.5])
    assert runs.columns["optimizer"].tolist() == [None, "adam"]
    assert len(runs.dropped) == 1
    (one,) = (tmp_path / "small").iterdir()
    assert sf.read_runs(one, target="train/loss").target.tolist() == [3.5, 3.25]
    assert not any("breaks off" in note for note in runs.notes)
    # Of a killed training the file ends within a record; of a damaged one TensorBoard reads what stands before.
    whole = one.read_bytes()
    other = bytearray(whole)
    other[-3] ^= 255
    for damaged in (whole[:-3], bytes(other), whole + b"\0" * 5):
        one.write_bytes(damaged)
        notes = sf.read_runs(tmp_path, target="val/loss").notes
        assert f"{one.name!r} of 'small' breaks off: what follows there was not read" in notes
    one.write_bytes(b"")
    assert "no scalar was read of 'small'" in sf.read_runs(tmp_path, target="val/loss").notes
    one.write_bytes(b"no event at all, but some words")
    with pytest.raises(sf.InputError, match=r"without a scalar \(.*breaks off"):
        sf.read_runs(one)
    (tmp_path / "a.csv").write_text("N,loss\n1,2\n")
    with pytest.raises(sf.InputError, match=r"The files are event files of TensorBoard and others, as 'a\.csv'"):
        sf.read_runs([one, tmp_path / "a.csv"])
    one.write_bytes(whole)
    monkeypatch.setitem(sys.modules, "tensorboard.util", None)
    with pytest.raises(
        sf.InputError, match=re.escape("the package tensorboard is not installed. Install tensorboard.")
    ):
        sf.read_runs(one)


FRAMES = ["dict", "records", "pandas", "polars", "pyarrow", "xarray"]


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_is_the_same_table(kind):
    table = {"params": [1e8, 1e9], "tokens": [2e9, 2e10], "loss": [3.0, 2.5], "family": ["a", "b"]}
    given = {
        "dict": lambda: table,
        "records": lambda: [dict(zip(table, row)) for row in zip(*table.values())],
        "pandas": lambda: pytest.importorskip("pandas").DataFrame(table),
        "polars": lambda: pl.DataFrame(table),
        "pyarrow": lambda: pytest.importorskip("pyarrow").table(table),
        "xarray": lambda: pytest.importorskip("xarray").Dataset({k: ("model", v) for k, v in table.items()}),
    }[kind]()
    runs = sf.read_runs(given)
    assert {k: v.tolist() for k, v in runs.inputs.items()} == {"N": [1e8, 1e9], "D": [2e9, 2e10]}
    assert (runs.target.tolist(), runs.columns["family"].tolist()) == ([3.0, 2.5], ["a", "b"])
