"""Results of a sweep are those of the verbs on the same runs, however it is cut."""

import linecache
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import scalefit as sf
from scalefit._core import Finding
from scalefit.params import Param, positive
from scalefit.sweeps import FIT, grid_of, laid, number_of, read_config
from scalefit.sweeps._engines import Outcome
from scalefit.sweeps._grid import Chunk
from scalefit.sweeps._sweep import _followed

DRAWS = 16
HEAD = ["source", "group", "law", "noise", "split", "seed", "verb"]
NOISE = "gaussian"


def swept(out, runs, **changed):
    given = {"sources": [{"runs": runs, "by": "group"}], "laws": ["PowerLaw"], "noises": NOISE, "starts": 2}
    return sf.sweep(given | changed, out=out)


@pytest.fixture(scope="module")
def both(runs, tmp_path_factory):
    """One sweep in a few chunks and in many."""
    given = {
        "splits": ["all", "resample", "random:0.9"],
        "seeds": 2,
        "verbs": ["fit", {"verb": "bootstrap", "num": DRAWS}],
        "keep_draws": True,
    }
    few, many = (swept(tmp_path_factory.mktemp("out"), runs, chunk=chunk, **given) for chunk in (1000, 4))
    return few, many


@pytest.fixture(scope="module")
def table(both):
    return both[0].table()


def test_account(both, table):
    """A row a fit, in the order of the grid."""
    for done in both:
        assert (done.fits, done.done, done.failed, done.chunks_failed) == (44, 44, 0, {})
        assert done.rate > 0.0
    assert len(table) == 44
    assert table.columns[: len(HEAD)] == HEAD
    assert len(table.select(HEAD).unique()) == 44
    assert table.null_count().select("objective", "E", "A", "alpha").sum_horizontal().item() == 0
    assert set(table["message"]) == {""}


def test_no_result_depends_on_chunks(both, table):
    """Draws are of the same runs, and only the last digits tell in what batch they were fitted."""
    other = both[1].table()
    assert other.columns == table.columns
    assert other.select(HEAD, "runs", "left_out", "draws", "message").equals(
        table.select(HEAD, "runs", "left_out", "draws", "message")
    )
    np.testing.assert_allclose(other["objective"], table["objective"], rtol=1e-9)
    drawn = pl.col("verb") == "bootstrap"
    for name in ("E", "A", "alpha"):
        np.testing.assert_allclose(other[name], table[name], rtol=1e-9)
        for column in (f"{name}_draws", f"{name}_se", f"{name}_low", f"{name}_high"):
            mine, theirs = (np.array(found.filter(drawn)[column].to_list(), float) for found in (table, other))
            np.testing.assert_allclose(theirs, mine, rtol=1e-9)


def test_fits_are_those_of_fit(runs, table):
    fits = sf.fit(sf.laws.PowerLaw, runs, noise=sf.noise.Gaussian(), by="group", num_starts=2)
    rows = table.filter(verb="fit", split="all")
    assert rows["group"].to_list() == ["s0", "s1", "s2", "s3"]
    np.testing.assert_allclose(rows["objective"], fits.objective, rtol=1e-9)
    np.testing.assert_allclose(rows["scale"], fits.scale, rtol=1e-9)
    for name in ("E", "A", "alpha"):
        np.testing.assert_allclose(rows[name], getattr(fits.law, name), rtol=1e-6)
    assert rows["converged"].all()
    assert rows["left_out_error"].null_count() == 4  # nothing is left out


def test_draws_are_those_of_bootstrap(runs, table):
    """A fit is named by the number that its names give."""
    rows = table.filter(verb="bootstrap", split="all", seed=1)
    numbers = [number_of("\0".join(["made.csv", group, "all", "1"])) for group in rows["group"]]
    named = runs.with_column(FIT, np.repeat(numbers, 20))
    fits = sf.fit(sf.laws.PowerLaw, named, noise=sf.noise.Gaussian(), by=FIT, num_starts=2)
    draws = sf.bootstrap(fits, num=DRAWS)
    np.testing.assert_allclose(rows["alpha_draws"].to_list(), draws.law.alpha, rtol=1e-6)
    np.testing.assert_allclose(rows["alpha_se"], np.std(draws.law.alpha, axis=1, ddof=1), rtol=1e-6)
    np.testing.assert_allclose(rows["A_low"], np.quantile(draws.law.A, 0.025, axis=1), rtol=1e-6)
    assert rows["draws"].to_list() == [DRAWS] * 4


def test_error_of_what_is_left_out(runs, table):
    """Root mean square of log(measured / law) over the runs that the split left out."""
    given = {"sources": [{"runs": runs, "by": "group"}], "laws": ["PowerLaw"], "splits": ["random:0.9"], "seeds": 2}
    (cell,) = grid_of(*read_config(given)).cells
    rows = table.filter(verb="fit", split="random:0.9").to_dicts()
    for row, part in zip(rows, laid(cell, read_config(given)[0], 0, 8).parts, strict=True):
        assert (row["group"], row["seed"], row["left_out"]) == (f"s{part.study}", part.seed, 2)
        law = row["E"] + row["A"] * runs.inputs["x"][part.left] ** -row["alpha"]
        missed = np.log(runs.target[part.left] / law)
        np.testing.assert_allclose(row["left_out_error"], np.sqrt(np.mean(missed**2)), rtol=1e-9)


def test_a_refused_fit_holds_up_no_other(runs, tmp_path):
    """Its row says why, by the name of its group."""
    few = sf.Runs(
        loss=np.r_[runs.target, 2.0, 1.9], x=np.r_[runs.inputs["x"], 1e7, 1e8],
        group=np.r_[runs.labels["group"], ["few", "few"]], name="made.csv",
    )  # fmt: skip
    done = swept(tmp_path, few, splits=["all", "resample"])
    rows = done.table()
    assert (done.done, done.failed) == (10, 2)
    refused = rows.filter(group="few")
    assert refused["converged"].to_list() == [False, False]
    assert refused["objective"].null_count() == refused["alpha"].null_count() == 2
    for message in refused["message"]:
        assert "few" in message
        assert "2 " in message
        assert "\n" not in message
    assert rows.filter(pl.col("group") != "few")["converged"].all()


def test_plans_are_those_of_allocate(tmp_path):
    truth = sf.laws.Chinchilla(E=1.7, A=400.0, B=2000.0, alpha=0.34, beta=0.37)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(1e8, 5e9, 5), np.geomspace(1e9, 1e11, 4)))
    loss = truth.E + truth.A * N**-truth.alpha + truth.B * D**-truth.beta
    loss = loss * np.exp(1e-3 * np.random.default_rng(0).standard_normal(20))
    runs = sf.Runs(loss=loss, N=N, D=D, name="grid")
    verbs = [{"verb": "plan", "budgets": [1e21, 1e22]}]
    given = {"sources": runs, "laws": "Chinchilla", "noises": NOISE, "verbs": verbs}
    (row,) = sf.sweep(given, out=tmp_path).table().to_dicts()
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian(), num_starts=2)
    plan = sf.allocate(fit, budget=[1e21, 1e22])
    for b, budget in enumerate(("1e+21", "1e+22")):
        for name in ("N", "D", "loss"):
            np.testing.assert_allclose(row[f"{name}@{budget}"], getattr(plan, name).value[b], rtol=1e-5)
    assert row["group"] == ""


def test_progress(runs, tmp_path):
    """From what there is to all there is to do."""
    told = []
    given = {"sources": [{"runs": runs, "by": "group"}], "laws": ["PowerLaw"], "noises": NOISE, "chunk": 2}
    sf.sweep(given, out=tmp_path, progress=lambda done, of: told.append((done, of)))
    assert told == [(0, 4), (2, 4), (4, 4)]


def test_outline(runs):
    """Nothing is written, and every fit is in one kind."""
    given = {"sources": [{"runs": runs, "by": "group"}], "laws": ["PowerLaw"], "noises": NOISE, "seeds": 2}
    given |= {"splits": ["all", "resample"], "chunk": 3}
    found = sf.outline(given, within=600.0)
    assert (found.fits, found.chunks) == (12, 5)
    assert sum(kind.fits for kind in found.kinds) == 12
    assert found.seconds > 0.0
    assert found.notes == (
        "1 of 2 combinations draw nothing at random (all runs, no draws): they are done for seed 0 only",
    )
    assert np.isnan(sf.outline(given, trial=False).seconds)
    late = sf.outline(given, within=0.0)
    assert np.isnan(late.seconds)
    assert late.notes[-1] == "1 of 1 kinds were not tried in 0 s: their time is the mean of the others'"


@pytest.mark.parametrize(
    "options, said",
    [
        ({"engine": "spark"}, "engine is 'spark'"),
        ({"shard": (2, 2)}, "shard is (2, 2); expected (i, n) with i from 0 to n - 1"),
        ({"shard": (0, 2), "engine": "ray"}, "shard goes with engine 'local'"),
        ({"cpus": 2}, "cpus is no option of engine 'local'"),
    ],
)
def test_refused(runs, tmp_path, options, said):
    with pytest.raises(sf.InputError) as refused:
        sf.sweep({"sources": runs, "laws": "PowerLaw"}, out=tmp_path / "out", **options)
    assert said in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_draws_are_those_of_sample(runs, tmp_path):
    some = runs.where("group in ['s0', 's1']")
    table = swept(tmp_path, some, verbs=[{"verb": "posterior", "num": 64, "method": "is"}]).table()
    study = grid_of(*read_config({"sources": [{"runs": some, "by": "group"}], "laws": ["PowerLaw"]})).cells[0]
    names = [number_of(study.name(int(k), 0)) for k in study.order]
    counts = study.table.studies.counts[study.order]
    whole = study.table.runs.take(np.concatenate([study.table.studies.rows(int(k)) for k in study.order]))
    again = whole.with_column(FIT, np.repeat(names, counts))
    fits = sf.fit(sf.laws.PowerLaw, again, by=FIT, noise=sf.noise.Gaussian(), num_starts=2)
    draws = sf.sample(fits, num=64, method="is")
    np.testing.assert_allclose(table["alpha_se"], np.std(draws.law.alpha, axis=1, ddof=1), rtol=1e-6)


def test_groups_that_lack_an_input_are_told_of(runs, tmp_path):
    groups = runs.labels["group"]
    N = np.where(groups == "s0", np.nan, runs.inputs["x"])
    table = {"loss": runs.target, "x": [None if np.isnan(n) else n for n in N], "group": groups}
    said = r"1 groups of .*, the first 's0', have no run with every input of PowerLaw, .* \[bad-rows\]"
    with pytest.warns(sf.LeftOutWarning, match=said):
        found = swept(tmp_path, sf.read_runs(table)).table()
    assert "s0" not in set(found["group"])


def test_another_formula_is_told_of(runs, tmp_path):
    """A law of one's own is known by its text."""
    path, out = tmp_path / "law.py", tmp_path / "out"

    def swept_with(power):
        path.write_text(
            "import jax.numpy as jnp\nimport scalefit as sf\n\n\nclass Own(sf.laws.AbstractLaw):\n"
            '    inputs = {"x": "samples"}\n    alpha: sf.params.Param = sf.params.positive()\n\n'
            f"    def __call__(self, x):\n        return {power} * x**-self.alpha\n"
        )
        linecache.checkcache(str(path))
        return swept(out, runs, laws=[f"{path}:Own"])

    assert swept_with(1).done == swept_with(1).done == 4  # and nothing is said
    with pytest.warns(UserWarning, match="The formula of 'Own' has changed since the sweep was begun"):
        swept_with(2)


def test_one_good_group_among_bad_ones(tmp_path):
    """It is tried, however many are refused before it."""
    x = np.concatenate([*[np.geomspace(1.0, 2.0, 2)] * 8, np.geomspace(1.0, 10.0, 20)])
    runs = sf.Runs(1.0 + x**-0.5, x=x, group=np.repeat([f"g{k}" for k in range(9)], [2] * 8 + [20]))
    table = swept(tmp_path, runs).table()
    assert dict(zip(table["group"], table["converged"]))["g8"]
    assert table["converged"].sum() == 1
    assert table.filter(~pl.col("converged"))["message"].str.contains("has 2 runs").all()


def test_a_split_of_one_training_is_refused(tmp_path):
    x = np.geomspace(1.0, 10.0, 40)
    columns = {"group": np.repeat(["a", "b"], 20), "run": np.r_[np.zeros(20, int), np.arange(20)]}
    table = swept(tmp_path, sf.Runs(1.0 + x**-0.5, x=x, **columns), splits="random:0.8").table()
    alone, many = table.filter(pl.col("group") == "a"), table.filter(pl.col("group") == "b")
    assert not alone["converged"].item()
    assert "has 1 clusters, too few for random:0.8" in alone["message"].item()
    assert many["left_out"].item() == 4
    assert many["converged"].item()


def test_a_parameter_may_not_be_called_as_a_column(runs, tmp_path):
    (path := tmp_path / "law.py").write_text(
        "import scalefit as sf\n\n\nclass Own(sf.laws.AbstractLaw):\n"
        '    inputs = {"x": "samples"}\n    scale: sf.params.Param = sf.params.positive()\n\n'
        "    def __call__(self, x):\n        return x**-self.scale\n"
    )
    with pytest.raises(sf.InputError, match="Own has a parameter 'scale', which is a column of every sweep"):
        swept(tmp_path / "out", runs, laws=[f"{path}:Own"])


def test_groups_of_other_pools_have_laws_of_their_own():
    """And what is held in them."""
    share = np.tile([1.0, 0.0, 0.5], 8)
    none = np.zeros(24)
    table = {
        "loss": 0.2 + np.geomspace(0.5, 0.1, 48), "n": np.tile(np.geomspace(1e3, 1e5, 24), 2),
        "group": np.repeat(["one", "other"], 24),
        "w[A]": np.r_[share, share], "w[B]": np.r_[1.0 - share, none], "w[C]": np.r_[none, 1.0 - share],
        **{f"U[{pool}]": np.full(48, 1e4) for pool in "ABC"},
    }  # fmt: skip
    laws = [{"law": "pools-qqt", "fixed": {"d": 0.2}}]
    grid = grid_of(*read_config({"sources": [{"runs": sf.Runs(**table), "by": "group"}], "laws": laws}))
    laws: list[Any] = [cell.law for cell in grid.cells]
    found = [(law.pool, float(law.d)) for law in laws]
    assert found == [(("A", "B"), 0.2), (("A", "C"), 0.2)]
    assert [cell.table.studies.keys for cell in grid.cells] == [("one",), ("other",)]


def test_a_billion_seeds_are_not_held(runs):
    grid = grid_of(*read_config({"sources": [runs], "laws": "PowerLaw", "splits": "resample", "seeds": 10**9}))
    assert grid.fits == 10**9


def test_laws_of_labels_and_series(tmp_path):
    """Targets of one table share an exponent, a series is padded, and runs that are left out are predicted."""
    x = np.geomspace(1e6, 1e9, 12)
    losses = {"a": 1.0 + 50.0 * x**-0.3, "b": 2.0 + 50.0 * x**-0.3}
    both = sf.Runs(losses, x=x, steps=[np.full(1 + k % 3, 1.0 + k) for k in range(12)], name="both")
    law = sf.laws.Own.of(sf.laws.PowerLaw(), "E", by="target")
    given = {"sources": [both], "laws": [{"law": law, "name": "own"}, Steps], "noises": "gaussian", "splits": "folds:3"}
    with pytest.warns(sf.CheckWarning, match="'both' has 2 targets, which Steps takes for one"):
        done = sf.sweep(given, out=tmp_path / "out")
    table = done.table()
    assert (done.fits, done.failed, table["left_out"].unique().to_list()) == (6, 0, [8])
    own = table.filter(pl.col("law") == "own")
    np.testing.assert_allclose(own["E[b]"] - own["E[a]"], 1.0, rtol=1e-6)
    assert own["left_out_error"].max() < 1e-6
    assert table["left_out_error"].null_count() == 0


class Steps(sf.laws.AbstractLaw):
    """A loss that falls with the number of steps of a schedule, and the size."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": "", "steps": sf.laws.Series("steps")}
    E: Param = positive(typical=(0.5, 5.0))
    A: Param = positive(typical=(1.0, 1e4))
    alpha: Param = positive(typical=(0.1, 1.0))

    def __call__(self, x: Any, steps: Any) -> Any:
        """The loss."""
        return self.E + self.A * (x * jnp.sum(jnp.where(steps.real, steps.values, 0.0))) ** -self.alpha


def test_what_fits_of_chunks_warn_of_is_said_once_as_findings():
    """Those that differ in numbers and names alone are one; other sentences stay as they are."""
    found = [Finding("design", "warning", f"{k} runs of 's{k}' are alike", "train others", {"k": k}) for k in (2, 3, 5)]
    chunk = Chunk(0, 0, 0, 4)
    outcomes = pickle.loads(pickle.dumps([Outcome(chunk, None, 0, (one, "It is late.")) for one in found]))  # as to Ray
    with pytest.warns(UserWarning, match="2 more like this") as told:
        _followed(iter(outcomes), 0, 12, lambda done, of: None)
    first, other = (one.message for one in told)
    assert isinstance(first, sf.CheckWarning)
    assert str(first) == "2 runs of 's2' are alike (2 more like this). Train others. [design]"
    assert first.finding is not None
    assert (first.finding.numbers, str(other)) == ({"k": 2}, "It is late. (2 more like this)")
