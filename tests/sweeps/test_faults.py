"""Faults in a sweep: what is kept, what is said, and that it can be resumed."""

import errno
import json
import os
import shutil

import polars as pl
import pytest
from typer.testing import CliRunner

import scalefit as sf
from scalefit.cli import main
from scalefit.sweeps import Swept, _engines

LAW = '''
"""A power law of one's own, which may fail."""
import jax.numpy as jnp
from typing import ClassVar
from scalefit.laws import AbstractLaw
from scalefit.params import Param, positive

class Mine(AbstractLaw):
    inputs: ClassVar[dict[str, str]] = {"x": ""}
    E: Param = positive(typical=(0.5, 5.0))
    A: Param = positive(typical=(1.0, 1e4))
    alpha: Param = positive(typical=(0.1, 1.0))

    def __call__(self, x):
        if BROKEN:
            raise ZeroDivisionError("a fault of the formula")
        return self.E + self.A * x ** -self.alpha
'''


def given(runs, **changed):
    """Eight fits in four chunks of two."""
    least = {"sources": [{"runs": runs, "by": "group"}], "laws": ["PowerLaw"], "noises": "gaussian", "chunk": 2}
    return least | {"splits": ["all", "resample"]} | changed


@pytest.fixture(scope="module")
def whole(runs, tmp_path_factory):
    """A sweep that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "out"
    sf.sweep(given(runs), out=out)
    return out


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "out")


def chunks(out):
    """Finished chunks, each with what tells whether it was written again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in sorted((out / "chunks").iterdir())}


def files(out):
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def same(out, whole):
    return pl.read_parquet(out / "results.parquet").equals(pl.read_parquet(whole / "results.parquet"))


def test_resume_does_what_is_missing(runs, copy, whole):
    before = chunks(copy)
    for name in list(before)[1:3]:
        (copy / "chunks" / name).unlink()
    (copy / "results.parquet").unlink()
    done = sf.sweep(given(runs), out=copy)
    after = chunks(copy)
    assert (done.fits, done.done, list(after)) == (8, 8, list(before))
    assert [after[name] == before[name] for name in before] == [True, False, False, True]
    assert same(copy, whole)


def test_nothing_is_left_to_do(runs, copy):
    before = chunks(copy)
    done = sf.sweep(given(runs), out=copy)
    assert (done.done, done.rate, chunks(copy)) == (8, 0.0, before)


def test_words_are_kept_and_objects_are_not(csv, runs, copy, tmp_path):
    """`resume` without a sweep."""
    out = tmp_path / "words"
    words = given(str(csv), verbs="fit", splits="all")
    sf.sweep(words, out=out)
    (out / "chunks" / sorted(chunks(out))[0]).unlink()
    assert sf.sweep(out=out).done == 4
    with pytest.raises(
        sf.InputError, match=r"was given runs, laws or noises as objects.*Call sweep with the same ones"
    ):
        sf.sweep(out=copy)
    with pytest.raises(sf.InputError, match="holds no sweep to resume"):
        sf.sweep(out=tmp_path / "nothing")


@pytest.mark.parametrize(
    "changed, said",
    [
        (
            {"starts": 3},
            "holds another sweep: its starts is not given and this one's 3. Give the same sweep, or a new folder",
        ),
        ({"noises": "huber:1e-3"}, "its noises is ['gaussian']"),
        ({"laws": [{"law": "PowerLaw", "fixed": {"E": 1.0}}]}, "its laws.PowerLaw is"),
        ({"chunk": 3}, "its chunk is 2 and this one's 3"),
    ],
)
def test_a_changed_sweep_is_refused(runs, copy, changed, said):
    before = chunks(copy)
    with pytest.raises(sf.InputError) as refused:
        sf.sweep(given(runs, **changed), out=copy)
    assert said in str(refused.value)
    assert chunks(copy) == before


def test_changed_runs_are_refused(runs, copy):
    other = sf.Runs(loss=runs.target * 1.0001, **runs.inputs, group=runs.labels["group"], name=runs.name)
    with pytest.raises(
        sf.InputError, match=r"the runs of 'made\.csv' have changed since it was begun. Bring them back"
    ):
        sf.sweep(given(other), out=copy)


def test_a_folder_with_other_things_is_refused(runs, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(sf.InputError, match=r"holds other things than a sweep \(thesis\.tex\)\. Give a new or empty"):
        sf.sweep(given(runs), out=tmp_path)
    assert files(tmp_path) == {"thesis.tex"}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 99}'])
def test_a_manifest_that_is_none(runs, tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(sf.InputError, match=r"is not that of a sweep|was begun in format 99"):
        sf.sweep(given(runs), out=tmp_path)


def test_other_versions_are_said(runs, copy):
    kept = json.loads((copy / "sweep.json").read_text())
    kept["versions"]["jax"] = "0.1"
    (copy / "sweep.json").write_text(json.dumps(kept))
    with pytest.warns(UserWarning, match=r"was begun with jax 0\.1 and is now"):
        assert sf.sweep(given(runs), out=copy).done == 8


def test_a_chunk_that_fails(runs, tmp_path, monkeypatch, whole):
    """It is recorded with its reason and holds up no other; the next time it is done."""
    out = tmp_path / "out"
    done, calls = _engines.done, []

    def failing(cell, config, ready):
        calls.append(cell)
        if len(calls) == 2:
            raise ZeroDivisionError("a fault of the formula")
        return done(cell, config, ready)

    monkeypatch.setattr(_engines, "done", failing)
    first = sf.sweep(given(runs), out=out)
    ((name, why),) = first.chunks_failed.items()
    assert (first.done, first.failed, why) == (6, 2, "ZeroDivisionError: a fault of the formula")
    with pytest.warns(UserWarning, match="2 of 8 fits have no row"):
        assert len(first.table()) == 6
    told = json.loads((out / "failed" / f"{name}.json").read_text())
    assert (told["source"], told["law"], told["split"], told["first"], told["fits"]) == (
        "made.csv",
        "PowerLaw",
        "all",
        2,
        2,
    )
    assert "in failing" in told["traceback"]
    before = chunks(out)
    second = sf.sweep(given(runs), out=out)
    assert (second.done, second.failed, dict(second.chunks_failed)) == (8, 0, {})
    assert {name: chunks(out)[name] for name in before} == before
    assert list((out / "failed").iterdir()) == []
    assert same(out, whole)


def test_a_formula_that_fails(csv, tmp_path):
    """One law of two: exit status 4, and the other's rows; mended, the sweep is resumed."""
    law, out, sweep = tmp_path / "law.py", tmp_path / "out", tmp_path / "sweep.toml"
    sweep.write_text(f'laws = ["PowerLaw", "law.py:Mine"]\nnoises = ["gaussian"]\nchunk = 2\n'
                     f'[[sources]]\nruns = {str(csv)!r}\nby = "group"\n')  # fmt: skip
    law.write_text(LAW.replace("BROKEN", "True"))
    code, out_, err = status(sweep, "--out", out, "--json")
    print(code, out_, err)
    assert code == 4
    told = json.loads(out_, parse_constant=pytest.fail)
    assert (told["fits"], told["done"], told["failed"], len(told["chunks_failed"])) == (8, 4, 4, 2)
    assert set(told) >= {"fits", "done", "failed", "seconds", "rate"}
    assert all("a fault of the formula" in why for why in told["chunks_failed"].values())
    law.write_text(LAW.replace("BROKEN", "False"))
    code, out_, _ = status("--resume", out)
    assert (code, "8 of 8 fits done" in out_) == (0, True)


def status(*arguments):
    """Exit status, output and errors of the command line."""
    done = CliRunner().invoke(main, ["sweep", *map(str, arguments), "--cache-dir", "off"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


def test_a_full_disk(runs, tmp_path, monkeypatch, whole):
    """One sentence, no half file, and what was finished is kept."""
    out, sync, room = tmp_path / "out", os.fsync, [3]

    def full(descriptor):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(sf.InputError, match=r"could not be written: No space left.*Make room and resume: what is"):
        sf.sweep(given(runs), out=out)
    before = chunks(out)
    assert len(files(out)) == 3  # the manifest and two chunks
    assert len(before) == 2
    monkeypatch.undo()
    assert sf.sweep(given(runs), out=out).done == 8
    assert {name: chunks(out)[name] for name in before} == before
    assert same(out, whole)


def test_a_joined_table_that_is_damaged_is_named(tmp_path):
    (tmp_path / "results.parquet").write_bytes(b"PAR1 no table PAR1")
    swept = Swept(str(tmp_path), fits=1, done=1, failed=0, chunks_failed={}, seconds=1.0, rate=1.0)
    with pytest.raises(sf.InputError, match=r"holds a results.parquet that cannot be read \(.*Merge it again"):
        swept.table()


def test_a_chunk_that_is_cut_short(runs, copy):
    """Is named when it is to be joined, and done again when the sweep is gone on with."""
    name = list(chunks(copy))[1]
    path = copy / "chunks" / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(sf.InputError, match=rf"The finished chunk '.*{name}' cannot be read.*Take it away and resume"):
        sf.merge(copy)
    path.unlink()
    with pytest.warns(UserWarning, match=r"1 of 4 chunks are not finished, and their fits have no row"):
        sf.merge(copy)
    code, _, err = status("merge", copy)
    assert (code, "1 of 4 chunks are not finished" in err) == (0, True)
    path.write_bytes(b"no table")
    with pytest.warns(UserWarning, match="1 finished chunks are cut off or no tables, and are done again"):
        again = sf.sweep(given(runs), out=copy)
    assert (again.done, again.table()["converged"].sum()) == (8, 8)


def test_nothing_to_merge(runs, tmp_path):
    with pytest.raises(sf.InputError, match="holds no sweep"):
        sf.merge(tmp_path)
    sf.sweep(given(runs), out=tmp_path, shard=(6, 8))
    with pytest.raises(sf.InputError, match=r"The sweep in .* has no finished chunk yet"):
        sf.merge(tmp_path)


def test_shares_of_others_are_left_alone(runs, tmp_path, whole):
    """Each share counts what is there, the last one joins it."""
    first = sf.sweep(given(runs), out=tmp_path, shard=(0, 2))
    assert (first.fits, first.done) == (8, 4)
    assert not (tmp_path / "results.parquet").exists()
    assert sf.sweep(given(runs), out=tmp_path, shard=(0, 2)).rate == 0.0
    assert sf.sweep(given(runs), out=tmp_path, shard=(1, 2)).done == 8
    assert same(tmp_path, whole)


def test_a_bucket(runs, whole):
    """In memory here; `s3://` and others go the same way."""
    out = "memory://sweeps/one"
    first = sf.sweep(given(runs), out=out, shard=(1, 2))
    assert (first.done, first.failed) == (4, 0)
    second = sf.sweep(given(runs), out=out)
    assert (second.done, second.failed) == (8, 0)
    assert second.table().equals(pl.read_parquet(whole / "results.parquet"))
    with pytest.raises(sf.InputError, match="its starts is not given and this one's 3"):
        sf.sweep(given(runs, starts=3), out=out)
    with pytest.raises(sf.InputError, match="cannot be opened"):
        sf.sweep(given(runs), out="nosuch://place")
