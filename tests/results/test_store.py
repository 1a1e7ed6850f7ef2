"""Results on disk: every bit comes back, whole or not at all, and nothing is ever unpickled."""

import dataclasses
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from helpers import LAWS, OF_EACH_KIND

import scalefit as sf
from scalefit.laws import AbstractLaw
from scalefit.params import positive
from scalefit.problem import Problem
from scalefit.results import _store


def load(folder: Path, **options: Any) -> Any:
    return sf.load(folder, **options)


def same(found: Any, expected: Any) -> None:
    """Equal in type, structure, static options and every bit of every array."""
    assert type(found) is type(expected)
    for field in dataclasses.fields(expected):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(b, np.ndarray):
            assert isinstance(a, np.ndarray), field.name
            assert a.dtype == b.dtype, field.name
            assert a.shape == b.shape, field.name
            assert a.tobytes() == b.tobytes(), field.name
        elif isinstance(b, Problem):
            same_problem(a, b)
        elif dataclasses.is_dataclass(b):
            same(a, b)
        else:
            assert a == b, field.name


def same_problem(found: Problem, expected: Problem) -> None:
    """The same runs, noise and choices, by which the fit can be resampled as it could before."""
    assert found.runs.fingerprint == expected.runs.fingerprint
    assert (found.runs.name, found.runs.dropped, found.runs.units) == (
        expected.runs.name, expected.runs.dropped, expected.runs.units,
    )  # fmt: skip
    assert found.runs.rows.tolist() == expected.runs.rows.tolist()
    same(found.noise, expected.noise)
    same(found.source, expected.source)
    for name in ("fixed", "free", "by", "keys", "key"):
        assert getattr(found, name) == getattr(expected, name), name
    for name, column in expected.inputs.items():
        for a, b in zip(jax.tree.leaves(found.inputs[name]), jax.tree.leaves(column), strict=True):
            assert a.tobytes() == b.tobytes(), name


@pytest.mark.parametrize(
    ("name", "batch"),
    [*(pytest.param(name, (), id=f"{name}-single") for name in LAWS),
     *(pytest.param(name, (3,), id=f"{name}-batch") for name in OF_EACH_KIND)],
)  # fmt: skip
def test_every_law_comes_back_bit_for_bit(name, batch, tmp_path, new_fit, new_draws):
    fit = new_fit(LAWS[name].truth, batch=batch)
    for result in (fit, new_draws(fit)):
        folder = sf.save(result, tmp_path / "result")
        same(load(folder), result)
    assert jax.tree.structure(load(folder)) == jax.tree.structure(result)


NOISES = [sf.noise.Gaussian(), sf.noise.Gaussian(log=False), sf.noise.Huber(0.02, log=False), sf.noise.StudentT(3.0)]


@pytest.mark.parametrize("noise", NOISES, ids=["gaussian", "gaussian-value", "huber-value", "student"])
def test_every_noise_comes_back(noise, tmp_path, new_fit):
    fit = new_fit(LAWS["PowerLaw"].truth, noise=noise)
    same(load(sf.save(fit, tmp_path / "result")).noise, noise)


@pytest.mark.parametrize(
    "by, keys", [(("size", "seed"), (("a", 1), ("b", 2), ("c", 3))), ("size", (1, 2, 3)), ("size", (0.5, 1.5, 2.5))]
)
def test_studies_keep_their_keys(by, keys, tmp_path, chinchilla_batch):
    runs, order = chinchilla_batch.problem.runs, np.arange(3).repeat(len(chinchilla_batch.problem.runs) // 3)
    columns = zip(*keys) if isinstance(by, tuple) else [keys]
    for name, column in zip(by if isinstance(by, tuple) else [by], columns, strict=True):
        runs = runs.with_column(name, np.array(column)[order])
    problem = Problem.of(chinchilla_batch.template, runs, chinchilla_batch.noise, by=by)
    batch = dataclasses.replace(chinchilla_batch, problem=problem)
    loaded = load(sf.save(batch, tmp_path / "result"))
    assert loaded.by == by
    assert loaded.keys == keys


def test_numbers_that_are_not_finite_come_back(tmp_path, chinchilla):
    fit = dataclasses.replace(chinchilla, objective=np.asarray(np.inf), scale=np.asarray(np.nan))
    same(load(sf.save(fit, tmp_path / "result")), fit)


def test_what_is_fixed_comes_back(tmp_path, new_fit):
    loaded = load(sf.save(new_fit(LAWS["Chinchilla"].truth, fixed=("E",)), tmp_path / "result"))
    assert loaded.fixed == ("E",)


def test_a_real_fit_and_its_draws_predict_the_same_after_a_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    x = 10 ** rng.uniform(7, 10, 64)
    runs = sf.Runs((1.7 + 410 * x**-0.34) * np.exp(0.01 * rng.standard_normal(64)), x=x)
    fit = sf.fit(sf.laws.PowerLaw, runs, noise=sf.noise.Gaussian())
    draws = sf.bootstrap(fit, num=32)
    loaded = load(sf.save(draws, tmp_path / "result"))
    same(loaded, draws)
    for new_run in (False, True):
        found, expected = (sf.predict(d, x=1e11, new_run=new_run) for d in (loaded, draws))
        assert (found.low, found.high) == (expected.low, expected.high)
    # A loaded fit is as good as the one that was saved.
    np.testing.assert_array_equal(sf.bootstrap(loaded.fit, num=32).law.A, draws.law.A)


def test_the_document_is_strict_json_and_the_arrays_need_no_pickle(tmp_path, chinchilla):
    fit = dataclasses.replace(chinchilla, law=dataclasses.replace(chinchilla.law, E=np.asarray(np.nan)))
    folder = sf.save(fit, tmp_path / "result")

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    document = json.loads((folder / "result.json").read_text(), parse_constant=refuse)
    assert document["format"] == _store.FORMAT
    assert document["kind"] == "fit"
    assert document["versions"]["scalefit"] == sf.__version__  # pyright: ignore[reportAttributeAccessIssue]
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored.files)
    assert sorted(p.name for p in folder.iterdir()) == ["arrays.npz", "result.json", "runs.parquet"]


def test_further_files_stand_beside_the_result(tmp_path, chinchilla):
    folder = sf.save(chinchilla, tmp_path / "result", files={"loss.svg": b"<svg/>"})
    assert (folder / "loss.svg").read_bytes() == b"<svg/>"
    same(load(folder), chinchilla)


def test_folders_above_are_made(tmp_path, chinchilla):
    same(load(sf.save(chinchilla, tmp_path / "a" / "b" / "result")), chinchilla)


class Flat(AbstractLaw):
    """A law of the user's own."""

    inputs = {"x": "x"}  # noqa: RUF012
    level: Any = positive()

    def __call__(self, **inputs):
        return self.level


def test_a_law_of_the_users_own_is_read_with_its_class(tmp_path, new_fit):
    fit = new_fit(Flat(level=2.0))
    folder = sf.save(fit, tmp_path / "result")
    same(load(folder, law=Flat), fit)
    with pytest.raises(sf.InputError, match=r"'Flat'.*law="):
        load(folder)


# What is in the way, and what fails half-way.


def tree(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, hidden files too."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


def test_an_earlier_result_is_replaced_whole(tmp_path, chinchilla, new_fit):
    sf.save(chinchilla, tmp_path / "result", files={"old.svg": b"old"})
    other = new_fit(LAWS["Kaplan"].truth)
    same(load(sf.save(other, tmp_path / "result")), other)
    assert sorted(tree(tmp_path)) == ["result", "result/arrays.npz", "result/result.json", "result/runs.parquet"]


def test_an_empty_folder_is_taken(tmp_path, chinchilla):
    same(load(sf.save(chinchilla, tmp_path)), chinchilla)


def test_a_folder_of_something_else_is_refused(tmp_path, chinchilla):
    (tmp_path / "thesis.tex").write_text("years of work")
    before = tree(tmp_path)
    with pytest.raises(sf.InputError, match="another folder"):
        sf.save(chinchilla, tmp_path)
    assert tree(tmp_path) == before


def test_a_file_in_the_way_is_refused(tmp_path, chinchilla):
    (tmp_path / "result").write_text("a file")
    with pytest.raises(sf.InputError, match="another folder"):
        sf.save(chinchilla, tmp_path / "result")
    assert (tmp_path / "result").read_text() == "a file"


class Broken(Exception):
    """The disk is full, the machine goes down."""


def fail(*args: Any, **options: Any) -> Any:
    raise Broken


@pytest.fixture(params=["arrays", "document", "rename"])
def broken(request, monkeypatch):
    """Writing fails: at the arrays, at the document, or when the folder is put in its place."""
    match request.param:
        case "arrays":
            monkeypatch.setattr(np, "savez_compressed", fail)
        case "document":
            monkeypatch.setattr(json, "dumps", fail)
        case "rename":
            rename = Path.rename

            def refuse(self, target):
                if Path(target).name == "result":
                    raise Broken
                return rename(self, target)

            monkeypatch.setattr(Path, "rename", refuse)


@pytest.mark.parametrize("written", [b"", b"scalefit", bytes(range(256)), b"\x93NUMPY"])
def test_arrays_that_are_no_archive_are_named_and_no_way_to_load_them_is_offered(tmp_path, chinchilla, written):
    sf.save(chinchilla, tmp_path / "result")
    (tmp_path / "result" / "arrays.npz").write_bytes(written)
    with pytest.raises(sf.InputError, match=r"can be read \(arrays\.npz is no archive of arrays\); expected a folder"):
        sf.load(tmp_path / "result")


@pytest.mark.usefixtures("broken")
def test_a_save_that_fails_leaves_nothing_behind(tmp_path, chinchilla):
    with pytest.raises(Broken):
        sf.save(chinchilla, tmp_path / "result")
    assert tree(tmp_path) == {}


def test_a_save_that_fails_keeps_the_earlier_result(tmp_path, chinchilla, new_fit, monkeypatch):
    sf.save(chinchilla, tmp_path / "result")
    before = tree(tmp_path)
    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(Broken):
        sf.save(new_fit(LAWS["Kaplan"].truth), tmp_path / "result")
    assert tree(tmp_path) == before


def test_a_save_that_fails_at_the_last_moment_keeps_the_earlier_result(tmp_path, chinchilla, new_fit, monkeypatch):
    """The new folder is complete and cannot be put in the old one's place."""
    sf.save(chinchilla, tmp_path / "result")
    before = tree(tmp_path)
    rename = Path.rename

    def once(self, target):
        monkeypatch.setattr(Path, "rename", rename)
        if (Path(self) / "arrays.npz").is_file() and Path(target).name == "result":
            raise Broken
        found = rename(self, target)
        monkeypatch.setattr(Path, "rename", once)
        return found

    monkeypatch.setattr(Path, "rename", once)
    with pytest.raises(Broken):
        sf.save(new_fit(LAWS["Kaplan"].truth), tmp_path / "result")
    assert tree(tmp_path) == before


# What cannot be read.


@pytest.fixture
def saved(tmp_path, chinchilla):
    return sf.save(chinchilla, tmp_path / "result")


def rewrite(folder: Path, change) -> None:
    document = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(change(document)))


def rearray(folder: Path, change) -> None:
    with np.load(folder / "arrays.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(folder / "arrays.npz", allow_pickle=True, **change(arrays))


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def without(mapping, name):
    return {k: v for k, v in mapping.items() if k != name}


DAMAGE = {
    "no-document": lambda f: (f / "result.json").unlink(),
    "no-arrays": lambda f: (f / "arrays.npz").unlink(),
    "empty-document": lambda f: (f / "result.json").write_text(""),
    "truncated-document": lambda f: truncate(f / "result.json"),
    "truncated-arrays": lambda f: truncate(f / "arrays.npz"),
    "empty-arrays": lambda f: (f / "arrays.npz").write_bytes(b""),
    "arrays-are-no-archive": lambda f: (f / "arrays.npz").write_bytes(b"not an archive"),
    "another-json": lambda f: (f / "result.json").write_text('["something else"]'),
    "json-of-another-tool": lambda f: (f / "result.json").write_text('{"loss": 3.1}'),
    "binary-document": lambda f: (f / "result.json").write_bytes(b"\xff\xfe\x00\x01"),
    "an-array-missing": lambda f: rearray(f, lambda a: without(a, "fit.law.E")),
    "a-field-missing": lambda f: rewrite(f, lambda d: without(d, "fit")),
    "a-noise-unknown": lambda f: rewrite(f, lambda d: d | {"noise": {"name": "Cauchy"}}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_what_cannot_be_read_is_refused_in_a_sentence(damage, saved):
    damage(saved)
    with pytest.raises(sf.InputError):
        load(saved)


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(sf.InputError, match=r"nowhere.*a folder that `save` made"):
        load(tmp_path / "nowhere")


def test_a_newer_format_is_refused_with_the_version_that_wrote_it(saved):
    newer = _store.FORMAT + 1
    rewrite(saved, lambda d: d | {"format": newer, "versions": d["versions"] | {"scalefit": "9.9"}})
    with pytest.raises(sf.InputError, match=rf"format {newer}.*9\.9"):
        load(saved)


def test_a_law_that_is_not_ours_is_refused_with_a_way_out(saved):
    rewrite(saved, lambda d: d | {"law": d["law"] | {"name": "Mystery"}})
    with pytest.raises(sf.InputError, match=r"'Mystery'.*law="):
        load(saved)


@pytest.mark.parametrize("name", ["AbstractLaw", "Published", "__name__", "describe"])
def test_only_laws_are_taken_for_laws(name, saved):
    rewrite(saved, lambda d: d | {"law": d["law"] | {"name": name}})
    with pytest.raises(sf.InputError):
        load(saved)


class Trap:
    """Unpickling it would run code."""

    def __reduce__(self):
        return (Path.touch, (Path("sprung"),))


def test_nothing_is_ever_unpickled(saved, monkeypatch):
    monkeypatch.chdir(saved.parent)
    rearray(saved, lambda a: a | {"fit.objective": np.array([Trap()], dtype=object)})
    with zipfile.ZipFile(saved / "arrays.npz") as archive:
        assert "fit.objective.npy" in archive.namelist()
    with pytest.raises(sf.InputError):
        load(saved)
    assert not (saved.parent / "sprung").exists()


def test_a_law_of_ones_own_is_read_back_by_its_class_alone(tmp_path, new_fit):
    """Neither a law of the library nor another formula passes for it, whatever they are called."""
    truth = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37}

    class Chinchilla(sf.laws.Chinchilla):
        def __call__(self, N, D):
            return 1.0 + super().__call__(N, D)

    fit = new_fit(Chinchilla(**truth))
    source = dataclasses.replace(fit.source, ranges={"N": (1e7, 1e9), "D": (1e9, 1e11)})
    sf.save(dataclasses.replace(fit, problem=dataclasses.replace(fit.problem, source=source)), tmp_path / "own")
    assert sf.load(tmp_path / "own", law=Chinchilla).law.E == 1.8
    with pytest.raises(sf.InputError, match="law of your own, 'Chinchilla'"):
        sf.load(tmp_path / "own")
    with pytest.raises(sf.InputError, match="its formula is another one"):
        sf.load(tmp_path / "own", law=sf.laws.Chinchilla)


def test_a_panic_of_the_reader_of_runs_is_one_sentence(tmp_path, chinchilla, monkeypatch, capfd):
    """It writes to the terminal itself, and is no Exception."""
    import polars as pl

    def panic(_):
        os.write(2, b"thread panicked at row_group_decode.rs")
        raise pl.exceptions.PanicException("assertion failed")

    sf.save(chinchilla, tmp_path / "result")
    monkeypatch.setattr(pl, "read_parquet", panic)
    with pytest.raises(sf.InputError, match=r"no runs that can be read \(parquet: it is damaged\); expected a folder"):
        sf.load(tmp_path / "result")
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"
