"""The layout of a sweep: its fits, the chunk that each is in, and the runs that each takes."""

import numpy as np
import pytest

import scalefit as sf
from scalefit.sweeps import MAX_DRAWS, MAX_FITS, grid_of, laid, number_of, read_config, splits_of


@pytest.fixture(scope="module")
def layout(runs):
    """The grid of a sweep of the runs by group."""

    def of(**changed):
        given = {"sources": [{"runs": runs, "by": "group"}], "laws": ["PowerLaw"]}
        return grid_of(*read_config(given | changed))

    return of


def test_counts(layout):
    """Groups × laws × noises × splits × seeds × verbs; what draws nothing at random is there once."""
    assert layout().fits == 4
    assert layout(seeds=5).fits == 4
    assert layout(seeds=5, splits=["all", "resample"]).fits == 4 + 4 * 5
    assert layout(seeds=5, splits="folds:3").fits == 4 * 3 * 5
    assert layout(seeds=[7, 9], noises=["gaussian", "huber:1e-3"], splits=["resample"]).fits == 4 * 2 * 2
    assert layout(seeds=5, verbs=["fit", {"verb": "bootstrap", "num": 8}]).fits == 4 + 4 * 5


@pytest.mark.parametrize("chunk", [1, 3, 7, 1000])
def test_every_fit_is_in_one_chunk(layout, chunk):
    grid = layout(seeds=3, splits=["all", "resample", "folds:2"], chunk=chunk)
    chunks = list(grid.chunks())
    fits = [(c.cell, at) for c in chunks for at in range(c.first, c.first + c.count)]
    assert len(fits) == len(set(fits)) == grid.fits
    assert [c.place for c in chunks] == list(range(len(grid)))
    assert max(c.count for c in chunks) <= chunk
    assert sum(grid.counts) == len(grid)


def test_sizes_follow_memory(layout):
    size = {memory: layout(memory=memory).sizes[0] for memory in ("10kB", "100kB", "1MB", "100GB")}
    assert 1 <= size["10kB"] < size["100kB"] < size["1MB"] <= size["100GB"] == MAX_FITS
    assert layout(memory=1.0).sizes == (1,)
    drawn = layout(memory="1TB", verbs=[{"verb": "bootstrap", "num": 4096}])
    assert drawn.sizes[0] == MAX_DRAWS // 4096
    assert layout(memory="1MB", chunk=1000).bytes == layout(memory="1MB", chunk=4).bytes  # of fits there are


def test_groups_of_other_entries_are_other_tables():
    """A law with parameters by label has them for the labels of each group only."""
    x, loss = np.tile(np.geomspace(1e6, 1e9, 8), 4), np.linspace(3.0, 2.0, 32)
    runs = sf.Runs(loss, x=x, group=np.repeat(["one", "two"], 16)).with_column("size", np.repeat([1, 2, 1, 3], 8))
    law = sf.laws.Own.of(sf.laws.PowerLaw(), "A", by="size")
    grid = grid_of(*read_config({"sources": [{"runs": runs, "by": "group"}], "laws": [{"law": law, "name": "own"}]}))
    assert [(cell.law_name, cell.table.entries, len(cell.table.runs)) for cell in grid.cells] == [
        ("own", ("1", "2"), 16), ("own", ("1", "3"), 16)
    ]  # fmt: skip
    other = sf.laws.Own.of(sf.laws.PowerLaw(), "E", by="size")
    changed = grid_of(
        *read_config({"sources": [{"runs": runs, "by": "group"}], "laws": [{"law": other, "name": "own"}]})
    )
    assert changed.document() != grid.document()


def test_what_makes_two_sweeps_the_same(layout, runs):
    """Memory does, by the sizes of chunks only; runs by their numbers, whatever they were read from."""
    whole = layout(chunk=2).document()
    assert layout(chunk=2, memory="3GB").document() == whole
    copy = sf.Runs(loss=runs.target, **runs.inputs, group=runs.labels["group"], name=runs.name)
    assert layout(chunk=2, sources=[{"runs": copy, "by": "group"}]).document() == whole
    for changed in ({"seed": 1}, {"starts": 3}, {"noises": "gaussian"}, {"sources": [{"runs": runs}]},
                    {"laws": [{"law": "PowerLaw", "fixed": {"E": 1.0}}]}, {"chunk": 3}):  # fmt: skip
        assert layout(**({"chunk": 2} | changed)).document() != whole


def test_numbers_go_by_name(layout):
    """By source, group, split and seed alone: law, noise and verb meet the same draws."""
    assert number_of("made") == 4542040492289331022
    numbers = {
        (cell.split.name, study, seed, number_of(cell.name(study, seed)))
        for cell in layout(seeds=2, splits=["resample", "folds:2"], noises=["gaussian", "huber:1e-3"]).cells
        for study in range(len(cell.table.studies))
        for seed in cell.seeds
    }
    assert len(numbers) == len({number for *_, number in numbers}) == 4 * 3 * 2


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"splits": ["thirds"]}, "splits is 'thirds'; expected all"),
        ({"splits": ["random:1.5"]}, "the share of 'random:1.5' is 1.5"),
        ({"splits": ["random:."]}, "the share of 'random:.' is nan"),
        ({"splits": ["folds:1"]}, "leaves nothing to fit"),
        ({"splits": ["all", "all"]}, "gives 'all' twice"),
        ({"splits": ["smallest:C:0.5"]}, "'C'"),
        ({"laws": ["PowerLaw", "PowerLaw"]}, "laws gives 'PowerLaw' twice. Give each a name of its own"),
        ({"noises": ["gaussian", "gaussian"]}, "noises gives 'gaussian' twice"),
        ({"noises": ["gausian"]}, "noises"),
        ({"laws": ["PowrLaw"]}, "power-law"),
        ({"verbs": ["fit", "fit"]}, "verbs gives 'fit' twice"),
        ({"verbs": [{"verb": "plan", "budgets": [1e20]}]}, "PowerLaw is no law of both"),
        ({"verbs": [{"verb": "curate", "budgets": [1e9], "sizes": {"A": 1e6}}]}, "PowerLaw is no law of pools"),
    ],
)  # fmt: skip
def test_refused(layout, changed, said):
    with pytest.raises(sf.InputError, match=r"^[^\n]*$") as refused:
        layout(**changed)
    assert said in str(refused.value)


def test_sources_of_one_name_are_refused(layout, runs):
    with pytest.raises(sf.InputError, match=r"sources gives 'made\.csv' twice. Give each a name of its own"):
        layout(sources=[runs, runs])
    assert layout(sources=[runs, {"runs": runs, "name": "again"}]).fits == 2


@pytest.fixture(scope="module")
def group():
    """Twelve runs as six clusters of two, rows 100 to 111 of a table."""
    table = sf.Runs(loss=np.ones(112), x=np.r_[np.full(100, 5.0), np.geomspace(1.0, 2.0, 12)[::-1]])
    return table, np.arange(100, 112), np.repeat(np.arange(6), 2)


def chosen(word, group, seed=0):
    runs, rows, cluster = group
    size = runs.inputs["x"][rows]
    return [split.chosen(rows, cluster, size, np.random.default_rng(seed)) for split in splits_of((word,))]


def test_all(group):
    ((kept, left),) = chosen("all", group)
    assert (kept.tolist(), left.tolist()) == (list(range(100, 112)), [])


def test_resample_draws_whole_clusters(group):
    ((kept, left),) = chosen("resample", group)
    rows = group[1]
    times = np.bincount(kept - 100, minlength=12)
    assert len(kept) == 12
    assert np.all(times[0::2] == times[1::2])
    assert set(left) == set(rows[times == 0])
    assert chosen("resample", group, seed=1)[0][0].tolist() != kept.tolist()


def test_random_share(group):
    ((kept, left),) = chosen("random:0.5", group)
    assert sorted([*kept, *left]) == list(range(100, 112))
    assert len(kept) == 6
    assert {(row - 100) // 2 for row in kept}.isdisjoint({(row - 100) // 2 for row in left})


def test_folds_partition_the_runs(group):
    folds = chosen("folds:3", group)
    assert sorted(row for _, left in folds for row in left) == list(range(100, 112))
    for kept, left in folds:
        assert sorted([*kept, *left]) == list(range(100, 112))
        assert len(left) == 4


def test_folds_of_a_sweep_partition_its_runs(layout):
    """Each seed anew."""
    grid = layout(splits="folds:3", seeds=2)
    left = {
        (part.study, part.seed, cell.split.name): part.left.tolist()
        for cell in grid.cells
        for part in laid(cell, grid.config, 0, len(cell)).parts
    }
    for study, rows in enumerate(np.arange(80).reshape(4, 20)):
        for seed in (0, 1):
            whole = [row for k in (1, 2, 3) for row in left[study, seed, f"fold:{k}/3"]]
            assert sorted(whole) == rows.tolist()
        assert left[study, 0, "fold:1/3"] != left[study, 1, "fold:1/3"]


def test_smallest(group):
    """Clusters stay whole: of nine runs wanted the fifth cluster would be cut."""
    ((kept, left),) = chosen("smallest:x:0.75", group)
    assert (kept.tolist(), left.tolist()) == (list(range(104, 112)), [100, 101, 102, 103])
