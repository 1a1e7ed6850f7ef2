"""Descriptions of sweeps, and what is said of those that cannot be."""

import pytest

import scalefit as sf
from scalefit.sweeps import Config, Law, Source, Verb, read_config

LEAST = {"sources": ["runs.csv"], "laws": ["PowerLaw"]}
TOML = """
laws = ["PowerLaw", {law = "Chinchilla", fixed = {E = 1.7}}]
splits = ["all", "random:0.8"]
seeds = 3
memory = "2GB"

[[sources]]
runs = "runs.csv"
where = "N > 1e7"
columns = {N = "params"}
by = ["study", "task"]

[[verbs]]
verb = "plan"
budgets = [1e20, 1e22]
"""


def test_toml(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(TOML)
    config, base = read_config(path)
    assert base == tmp_path
    assert config.sources == (
        Source(runs="runs.csv", where="N > 1e7", columns={"N": "params"}, by=("study", "task")),
    )  # fmt: skip
    assert config.laws == (Law(law="PowerLaw"), Law(law="Chinchilla", fixed={"E": 1.7}))
    assert config.verbs == (Verb(verb="plan", budgets=(1e20, 1e22)),)
    assert (config.splits, tuple(config.each_seed), config.memory) == (("all", "random:0.8"), (0, 1, 2), 2e9)


def test_a_word_stands_for_a_list_of_tables():
    config, _ = read_config({"sources": "runs.csv", "laws": "PowerLaw", "splits": "resample", "seeds": [4, 2]})
    assert config == Config(sources=(Source(runs="runs.csv"),), laws=(Law(law="PowerLaw"),), splits=("resample",),
                            seeds=(4, 2))  # fmt: skip
    assert config.each_seed == (4, 2)


def test_objects(runs):
    laws = [sf.laws.PowerLaw, sf.laws.PowerLaw(E=1.7, A=400.0, alpha=0.3)]
    config, _ = read_config({"sources": [runs], "laws": laws, "noises": [sf.noise.Gaussian()]})
    assert config.sources[0].runs is runs
    assert [law.law for law in config.laws] == laws
    assert read_config(config)[0] is config


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"sorces": []}, "sorces is not known. The nearest is 'sources'"),
        ({"sources": [{"runs": "a.csv", "wher": "N > 1"}]}, "The nearest is 'where'"),
        ({"verbs": [{"verb": "bootstrap", "nun": 8}]}, "The nearest is 'num'"),
        ({"sources": []}, "sources is empty; expected one at least"),
        ({"sources": [{"by": "study"}]}, "sources.0.runs is missing"),
        ({"sources": [3]}, "expected a file, data:NAME, or Runs"),
        ({"laws": ()}, "laws is empty"),
        ({"laws": [sf.noise.Gaussian()]}, "expected the name of a law"),
        ({"noises": [0.1]}, 'expected words, as "huber:1e-3"'),
        ({"verbs": "boostrap"}, "'boostrap'"),
        ({"verbs": [{"verb": "plan"}]}, "plan needs budgets"),
        ({"verbs": [{"verb": "curate", "budgets": [1e9]}]}, "curate needs the unique samples"),
        ({"verbs": [{"verb": "fit", "draws": "bootstrap"}]}, "draws is no option of fit"),
        ({"verbs": [{"verb": "plan", "budgets": [-1.0]}]}, "verbs.0.budgets.0 is -1"),
        ({"seeds": 0}, "seeds is 0; expected how many seeds"),
        ({"seeds": "many"}, "seeds"),
        ({"seeds": [1, 1]}, "a seed is given twice"),
        ({"seed": -1}, "seed is -1"),
        ({"level": 1.5}, "level is 1.5"),
        ({"chunk": 0}, "chunk is 0"),
        ({"memory": "lots"}, "memory is 'lots'; expected bytes"),
        ({"memory": "-1GB"}, "memory is '-1GB'; expected bytes"),
        ({"memory": -1.0}, "memory is -1"),
        ({"precision": "float16"}, "precision is 'float16'"),
    ],
)  # fmt: skip
def test_refused(changed, said):
    """In one sentence that says what was given."""
    with pytest.raises(sf.InputError) as refused:
        read_config(LEAST | changed)
    sentence = str(refused.value)
    assert said in sentence
    assert "\n" not in sentence
    assert len(sentence) < 250


@pytest.mark.parametrize("text", ["laws = [", "", None])
def test_a_file_that_is_no_sweep(tmp_path, text):
    path = tmp_path / "sweep.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(sf.InputError, match=r"is no file; expected|cannot be read as TOML|sources is missing. Give it"):
        read_config(path)
