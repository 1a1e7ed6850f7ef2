"""`scalefit curate`: the plan at each budget, as a document, as tables, in a folder."""

import dataclasses
import json
import warnings

import numpy as np
import pytest

import scalefit as sf

SIZES = {"A": 1024.0, "B": 8192.0}
TRUTH = {"d": 0.05, "a": 1.5e4, "b": (-0.3, -0.2), "tau": (4.0, 8.0)}
KEYS = {"budget", "samples", "best", "union", "baselines", "other_rules", "probability_best"}


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def error(pool, n):
    """The law written down once more: utility halves in each pass."""
    i = list(SIZES).index(pool)
    u, t = SIZES[pool], n / SIZES[pool]
    lost = sum(2 ** (-k / TRUTH["tau"][i]) * (np.log(min(t, k + 1)) - np.log(k)) for k in range(1, 64) if t > k)
    return TRUTH["d"] + np.exp(TRUTH["b"][i] * (np.log(TRUTH["a"] * min(n, u) / 1e5) + lost))


def lines(seeds=6, headers="pool,n,U,seed,error", scatter=0.01):
    rng = np.random.default_rng(0)
    rows = [headers]
    for seed in range(seeds):
        for pool, size in SIZES.items():
            for n in (600.0, 1200.0, 3000.0, 8000.0, 12000.0, 16000.0):
                y = error(pool, n) * np.exp(scatter * rng.standard_normal())
                rows.append(f"{pool},{n:g},{size:g},{seed},{y:.8f}")
    return rows


@pytest.fixture(scope="module")
def pool_runs(tmp_path_factory):
    path = tmp_path_factory.mktemp("pools") / "runs.csv"
    path.write_text("\n".join(lines()) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def kept(cli, pool_runs, tmp_path_factory):
    """One plan with intervals, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("out") / "plan"
    options = ("--noise", "gaussian", "--bootstrap", "20", "--out", folder)
    answer = cli("curate", pool_runs, "--law", "qqt", "--budget", "2k,40k", *options, "--json")
    assert (answer.status, answer.err) == (0, "")
    return strict(answer.out), folder


def test_published_pools(cli, public_data):
    answer = cli("curate", "data:qqt", "--law", "qqt", "--budget", "32e6,64e6,128e6,640e6,3e9", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = strict(answer.out)
    best = [one["best"]["value"] for one in found["budgets"]]
    assert [one["budget"] for one in found["budgets"]] == [32e6, 64e6, 128e6, 640e6, 3e9]
    assert all(np.asarray(best) <= [0.82964 + 5e-6, 0.76950 + 5e-6, 0.71833 + 5e-6, 0.63925 + 5e-6, 0.60704 + 5e-6])
    assert [len(one["union"]["pools"]) for one in found["budgets"]] == [1, 1, 2, 2, 3]
    unions = [0.82964, 0.77275, 0.72285, 0.64365, 0.61794]
    assert [one["union"]["value"] for one in found["budgets"]] == pytest.approx(unions, abs=5e-6)
    assert list(found["pools"]) == ["top0-10", "top10-20", "top20-30", "top30-40"]
    for one in found["budgets"]:
        assert set(one) == KEYS
        assert set(one["baselines"]) == {"natural", "uniform", "best_single"}
        assert one["best"]["low"] is one["best"]["high"] is one["probability_best"] is None
        assert sum(one["best"]["weights"].values()) == pytest.approx(1.0)
        assert one["best"]["kkt"] == pytest.approx(0.0, abs=1e-5)
        (other,) = one["other_rules"].values()
        assert other["value"] >= one["best"]["value"] - 1e-12  # a pool that lasts as it is alone wears out sooner
    assert found["budgets"][1]["best"]["passes"]["top0-10"] == pytest.approx(4.0)
    assert found["draws"] is found["fit"] is None


def test_limits_that_leave_no_single_pool(cli, public_data):
    answer = cli("curate", "data:qqt", "--budget", "640M", "--max-passes", "16")
    assert (answer.status, answer.err) == (0, "")
    assert "best single pool *" in answer.out


def made_up_plan(*budgets):
    """Of which nothing is known of any single pool or union."""
    one = np.ones(len(budgets))
    none, even = np.full((one.size, 2), np.nan), np.full((one.size, 2), 0.5)
    plans = {"natural": even, "uniform": even, "best_single": none, "union": none}
    return sf.Curation(
        pools=sf.Pools(SIZES), law="PoolsQQT", budgets=np.array(budgets), weights=np.tile([0.3, 0.7], (one.size, 1)),
        samples=np.array(budgets), value=0.3 * one, kkt=0.0 * one, order=np.tile([0, 1], (one.size, 1)), unions=none,
        plans=plans, values={name: np.nan * one if plan is none else 0.4 * one for name, plan in plans.items()},
        allowed=dict.fromkeys(plans, np.ones(one.size, bool)),
    )  # fmt: skip


def test_a_plan_beside_without_an_error_is_left_out(cli, kept, monkeypatch):
    """Whatever the reason, it is no fault: neither in the sentence nor in the table."""
    monkeypatch.setattr(sf, "curate", lambda *_, **__: made_up_plan(1e4))
    said = " ".join(cli("curate", kept[1], "--budget", "10k").out.split())
    assert "25 % less than with all pools in proportion to their sizes" in said
    assert "no finite error within the limits" in said
    assert said.count("no finite error") == 2


def test_what_the_other_rule_is_warned_of_is_said_to_be_its(cli, kept, monkeypatch):
    def unsure(*_, **__):
        warnings.warn("unsure", stacklevel=1)
        return made_up_plan(1e4)

    monkeypatch.setattr(sf, "curate", unsure)
    said = cli("curate", kept[1], "--budget", "10k").err
    assert said == "scalefit: unsure\nscalefit: With --half-life own: unsure\n"


def test_the_other_rule_of_half_lives_stands_beside(cli, kept):
    """What it recommends is what it would if it were asked for; neither rule is called right."""
    found, folder = kept
    drawn = sf.load(folder)
    assert isinstance(drawn, sf.Ensemble)
    law = drawn.fit.law
    own = sf.curate(dataclasses.replace(law, half_life="own"), sf.Pools(SIZES), budget=[2e3, 40e3])
    for b, one in enumerate(found["budgets"]):
        assert list(one["other_rules"]) == ["own"]
        assert one["other_rules"]["own"]["value"] == pytest.approx(own.value[b])
        assert list(one["other_rules"]["own"]["weights"].values()) == pytest.approx(own.weights[b].tolist())
    said = " ".join(cli("curate", folder, "--budget", "2k,40k").out.split())
    assert "best weights by the rule of half-lives: weighted" in said
    assert "fitted to no mixture, the law does not say which rule of half-lives holds" in said


def test_document(kept):
    found, _ = kept
    assert found["law"] == "pools-qqt"
    for name, b, tau in zip(SIZES, TRUTH["b"], TRUTH["tau"], strict=True):
        assert found["parameters"][f"b[{name}]"]["value"] == pytest.approx(b, rel=0.2)
        assert found["pools"][name]["half_life"] == found["parameters"][f"tau[{name}]"]
        assert found["pools"][name]["half_life"]["value"] == pytest.approx(tau, rel=0.5)
        assert found["pools"][name]["size"] == SIZES[name]
    small, large = found["budgets"]
    assert small["best"]["weights"]["A"] > 0.9
    assert large["best"]["weights"]["B"] > 0.2
    for one in found["budgets"]:
        assert set(one) == KEYS
        assert one["best"]["low"] < one["best"]["value"] < one["best"]["high"]
        assert one["best"]["value"] <= min(b["value"] for b in one["baselines"].values()) + 1e-12
        assert 0.0 <= one["probability_best"] <= 1.0
    assert found["draws"]["clusters"] == 6
    assert "6 seeds" in found["draws"]["drawn_as_one"]
    assert found["fit"]["converged"] is True
    assert found["verdict"].endswith(".")


def test_folder(cli, kept):
    """It holds the document, and the fit for later commands: to predict from, and to plan with again."""
    found, folder = kept
    assert {p.name for p in folder.iterdir()} == {
        "curation.json",
        "frontier.png",
        "result.json",
        "arrays.npz",
        "runs.parquet",
    }
    assert strict((folder / "curation.json").read_text(encoding="utf-8")) == found
    assert isinstance(sf.load(folder), sf.Ensemble)
    said = strict(cli("predict", folder, "n=2k", "w[A]=1", "--json").out)
    assert said["value"] == pytest.approx(error("A", 2000.0), rel=0.02)
    again = strict(cli("curate", folder, "--budget", "2k,40k", "--json").out)
    assert again["budgets"][1]["best"]["value"] == pytest.approx(found["budgets"][1]["best"]["value"], abs=1e-9)
    assert again["budgets"][1]["best"]["low"] == pytest.approx(found["budgets"][1]["best"]["low"], abs=1e-9)


def test_tables_for_people(cli, kept):
    answer = cli("curate", kept[1], "--budget", "40k", "--max-weight", "A=0.3,B=0.9", "--max-passes", "B=8")
    assert answer.status == 0
    for piece in (
        "half-life (passes)",
        "budget 40k",
        "best weights",
        "best union",
        "best single pool *",
        "×)",
        "20 boot",
    ):
        assert piece in answer.out
    assert answer.out.rstrip().endswith(".")
    assert "in 100 % of the draws none of the plans beside it is better" in " ".join(answer.out.split())


def test_limits(cli, kept):
    def weights(*options):
        found = strict(cli("curate", kept[1], "--budget", "8k", *options, "--json").out)
        return found["budgets"][0]["best"]

    assert weights("--max-weight", "A=0.3")["weights"] == pytest.approx({"A": 0.3, "B": 0.7})
    assert weights("--max-passes", "A=2")["passes"]["A"] <= 2 + 1e-9
    assert weights("--min-weight", "B=0.6")["weights"]["B"] >= 0.6 - 1e-9
    assert weights("--fixed-weight", "B=0.25")["weights"] == pytest.approx({"A": 0.75, "B": 0.25})
    dear = strict(cli("curate", kept[1], "--budget", "8k", "--sample-cost", "A=100", "--json").out)
    assert dear["pools"]["A"]["cost"] == 100.0
    assert dear["budgets"][0]["best"]["weights"]["B"] > 0.9


def test_limits_and_costs_are_laid_over_the_table(cli, pool_runs, tmp_path):
    """What an option does not name is as --pools says, and a pool of which that says nothing is free of limits."""
    (tmp_path / "pools.csv").write_text("pool,size,cost,max_passes\nA,1024,2,4\nB,8192,3,\n")

    def pools(*options):
        arguments = ("--pools", tmp_path / "pools.csv", "--noise", "gaussian", "--bootstrap", "0", "--budget", "8k")
        found = strict(cli("curate", pool_runs, *arguments, *options, "--json").out)["pools"]
        return [(one["cost"], one["max_passes"]) for one in found.values()]

    assert pools() == [(2, 4), (3, None)]
    assert pools("--sample-cost", "A=9", "--max-passes", "B=2") == [(9, 4), (3, 2)]
    assert pools("--max-passes", "A=inf") == [(2, None), (3, None)]
    (tmp_path / "pools.csv").write_text("pool,size,max_passes\nA,1024,inf\n")
    assert pools("--pool-size", "B=8192") == [(1, None), (1, None)]


def test_a_published_plan_in_a_folder(cli, tmp_path, public_data):
    arguments = ("curate", "data:qqt", "--budget", "32M", "--out", tmp_path / "plan", "--json")
    assert cli(*arguments).err == ""
    assert [p.name for p in (tmp_path / "plan").iterdir()] == ["curation.json"]
    assert "was replaced" in cli(*arguments).err
    assert [p.name for p in tmp_path.iterdir()] == ["plan"]
    (tmp_path / "plan" / "thesis.tex").write_text("mine")
    assert cli(*arguments).status == 2
    assert cli("curate", "data:qqt", "--law", "effective", "--budget", "32M").status == 0


def test_sizes_and_plans_from_tables(cli, tmp_path):
    """Headers of one's own, accuracies, a mixture, and a pool that no run drew from."""
    rows = [line.split(",") for line in lines()[1:]]
    table = tmp_path / "runs.csv"
    text = [
        "subset,images,accuracy",
        *(f"{p},{n},{1 - float(y)!r}" for p, n, _, _, y in rows),
        "AB,1k,0.5",
        "AB,9k,0.7",
    ]
    table.write_text("\n".join(text) + "\n", encoding="utf-8")
    (tmp_path / "sizes.csv").write_text("pool,size\nA,1024\nB,8192\nC,99\n")
    (tmp_path / "plans.csv").write_text("plan,kind,A,B\nAB,mixture,0.5,0.5\n")
    options = (
        "--columns",
        "pool=subset,n=images",
        "--pools",
        tmp_path / "sizes.csv",
        "--plans",
        tmp_path / "plans.csv",
    )
    told = ("--bootstrap", "0", "--law", "exchange", "--half-life", "own", "--where", "subset != 'nothing'")
    found = strict(cli("curate", table, *options, *told, "--budget", "8k", "--json").out)
    assert list(found["pools"]) == ["A", "B"]
    assert found["half_life"] == "own"
    assert found["fit"]["runs"]["used"] == 74
    assert any("'C'" in note for note in found["notes"])
    assert found["budgets"][0]["best"]["low"] is found["budgets"][0]["other_rules"] is None  # mixtures were fitted
    fitted = strict(cli("fit", table, *options, "--law", "pools-exchange", "--json").out)
    assert set(fitted["parameters"]) >= {"d", "b", "q[A]", "q[B]", "tau[A]", "tau[B]"}


def test_fit_of_a_law_of_pools(cli, pool_runs, tmp_path):
    """The ordinary fit, its pictures, what it predicts; a pool without runs has no parameters."""
    options = ("--law", "pools-qqt", "--noise", "gaussian", "--fixed", "tau[A]=4", "--out", tmp_path / "out")
    found = strict(cli("fit", pool_runs, *options, "--json").out)
    assert list(found["parameters"]) == ["d", "a", "b[A]", "b[B]", "tau[A]", "tau[B]"]
    assert found["parameters"]["tau[A]"]["fixed"] is True
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {"loss.png", "residuals.png", "result.json"}
    said = cli("predict", tmp_path / "out", "n=10k,20k", "w[A]=0.5", "w[B]=0.5")
    assert said.status == 0
    assert "U[A]" not in said.out
    assert cli("predict", tmp_path / "out", "n=10k", "w[A]=0.5").status == 2
    assert "w[pool]" in cli("laws", "pools-qqt").out


@pytest.mark.parametrize("cluster, clusters", [("seed", 6), ("none", 72)])
def test_fit_draws_what_is_asked_for_as_one(cli, pool_runs, cluster, clusters):
    options = ("--law", "pools-qqt", "--noise", "gaussian", "--bootstrap", "20", "--cluster", cluster)
    found = strict(cli("fit", pool_runs, *options, "--json").out)
    assert (found["draws"]["clusters"], found["draws"]["num"]) == (clusters, 20)
    assert found["parameters"]["b[A]"]["se"] > 0


@pytest.mark.parametrize(
    "labels, asked, by",
    [
        ({"seed": np.tile(np.arange(8), 2), "pool": np.repeat(["A", "B"], 8)}, None, "seed"),
        ({"seed": np.arange(16), "pool": np.repeat(["A", "B"], 8)}, None, "auto"),
        ({"seed": np.tile([0, 1], 8), "pool": np.repeat(["A", "B"], 8)}, None, "auto"),
        ({"seed": np.tile(np.arange(8), 2), "pool": np.repeat(["A", "B"], 8)}, "none", None),
        ({"seed": np.tile(np.arange(8), 2), "pool": np.repeat(["A", "B"], 8)}, "pool", ("pool",)),
        ({"pool": np.repeat(["A", "B"], 8)}, None, "auto"),
    ],
)
def test_what_is_drawn_as_one(cli, tmp_path, monkeypatch, labels, asked, by):
    n, given = np.geomspace(1e3, 1e6, 16), {}
    columns = {"n": n, "loss": 1.0 + n**-0.3, **labels}
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    (tmp_path / "runs.csv").write_text("\n".join([",".join(columns), *rows]) + "\n", encoding="utf-8")

    def bootstrap(*_, **options):
        given.update(options)
        raise sf.InputError("Enough.")

    monkeypatch.setattr(sf, "bootstrap", bootstrap)
    options = ("--law", "power-law", "--bootstrap", "20", *(() if asked is None else ("--cluster", asked)))
    assert cli("fit", tmp_path / "runs.csv", *options).err == "scalefit: Enough.\n"
    assert given["cluster"] == by


def test_numbers_for_people(cli, kept, monkeypatch):
    budgets = (32e6, 3e9, 1024, 2000, 40e3, 65536, 12.8e6)
    monkeypatch.setattr(sf, "curate", lambda *_, **__: made_up_plan(*budgets))
    said = cli("curate", kept[1], "--budget", ",".join(map(str, budgets))).out
    for number in ("32M", "3B", "1024", "2000", "40k", "65536", "12.8M"):
        assert f"budget {number}" in said


GIVEN = {
    "no budgets": ([], ["--budget"]),
    "budget of zero": (["--budget", "0"], ["--budget is 0", "above 0"]),
    "budget of words": (["--budget", "1k,much"], ["'much'", "32M"]),
    "budget twice": (["--budget", "1k,1000"], ["--budget gives 1000 twice"]),
    "unknown law": (["--law", "qtq"], ["'qtq'", "nearest is 'qqt'"]),
    "law of no pools": (["--law", "chinchilla"], ["'chinchilla'", "law of pools"]),
    "half-life of words": (["--half-life", "long"], ["--half-life is 'long'", "weighted, own"]),
    "floor of words": (["--floor", "low"], ["--floor is 'low'", "'outside' or 'released'"]),
    "floor of another law": (["--law", "exchange", "--floor", "released"], ["--floor", "PoolsExchange"]),
    "pool that is not there": (["--max-passes", "X=4"], ["--max-passes names 'X'"]),
    "weight of a pool not there": (["--max-weight", "X=0.4"], ["--max-weight names 'X'"]),
    "fixed weight of one not there": (["--fixed-weight", "X=0.4"], ["--fixed-weight names 'X'"]),
    "cost of one not there": (["--sample-cost", "X=2"], ["--sample-cost names 'X'"]),
    "cost of nothing": (["--sample-cost", "A=0"], ["--sample-cost of the pool 'A' is 0; expected a number above 0"]),
    "cost below nothing": (["--sample-cost", "-1"], ["--sample-cost is -1; expected a number above 0"]),
    "no passes": (["--max-passes", "0"], ["--max-passes is 0; expected a number above 0"]),
    "endless cost": (["--sample-cost", "A=inf"], ["--sample-cost is 'A=inf'", "POOL=NUMBER"]),
    "size of nothing": (["--pool-size", "A=0"], ["--pool-size of the pool 'A' is 0; expected a number above 0"]),
    "size that is another": (["--pool-size", "A=1024,B=99"], ["U in row 7", "is 8192; expected 99", "--columns U="]),
    "weight above one": (["--max-weight", "2"], ["--max-weight", "from 0 to 1"]),
    "weight without a number": (["--max-weight", "A="], ["--max-weight is 'A='", "POOL=NUMBER"]),
    "weight twice": (["--max-weight", "A=0.1,A=0.2"], ["'A'", "twice"]),
    "limits of nothing": (["--max-weight", "0.3"], ["cannot be spent whole", "--max-weight"]),
    "fixed weight for all": (["--fixed-weight", "0.5"], ["--fixed-weight is '0.5'", "POOL=NUMBER"]),
    "size for all": (["--pool-size", "1k"], ["--pool-size is '1k'", "POOL=NUMBER"]),
    "size of some": (["--pool-size", "A=1024"], ["'B'", "neither a pool nor a plan"]),
    "plans without sizes": (["--plans", "plans.csv"], ["--plans", "--pool-size"]),
    "no such file of sizes": (["--pools", "sizes.csv"], ["sizes.csv"]),
    "one resample": (["--bootstrap", "1"], ["--bootstrap", "expected 2 or more, or 0 for none"]),
    "unknown cluster": (["--cluster", "sed"], ["'sed'", "nearest is 'seed'"]),
    "unknown fixed parameter": (["--fixed", "tau[X]=4"], ["--fixed names 'tau[X]'", "parameters of PoolsQQT"]),
    "fixed out of bounds": (["--fixed", "b[A]=1"], ["b[A]", "< 0"]),
    "metric of words": (["--metric", "f1"], ["metric", "'error'"]),
    "unknown noise": (["--noise", "huge"], ["'huge'"]),
    "one pool": (["--where", "pool == 'A'"], ["'A'", "two pools or more"]),
    "where keeps nothing": (["--where", "n < 1"], ["n < 1"]),
}


@pytest.mark.parametrize("case", GIVEN)
def test_bad_options(cli, pool_runs, tmp_path, case):
    options, pieces = GIVEN[case]
    budgets = [] if case == "no budgets" or "--budget" in options else ["--budget", "2k"]
    quick = ["--bootstrap", "0"] if "--bootstrap" not in options and case not in ("unknown cluster",) else []
    answer = cli("curate", pool_runs, *budgets, *quick, *options, "--json", "--out", tmp_path / "out")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("scalefit: ")
    assert answer.err.count("\n") == 1
    for piece in pieces:
        assert piece in answer.err, answer.err
    assert list(tmp_path.iterdir()) == []


TABLES = {
    "no pool": ("n,U,error\n100,10,0.5\n", ["which pool", "--columns pool="]),
    "no samples": ("pool,U,error\nA,10,0.5\nB,10,0.4\n", ["samples", "column n"]),
    "no sizes": ("pool,n,error\nA,100,0.5\nB,100,0.4\n", ["--pool-size", "--pools"]),
    "an unknown plan": ("pool,n,error\nA,100,0.5\nAB,100,0.4\n", ["'AB'", "--plans"], ["--pool-size", "A=10,B=20"]),
    "percentages": ("pool,n,U,error\nA,100,10,50\nB,100,10,40\n", ["from 0 to 1. Divide percentages by 100.\n"]),
    "errors beyond": ("pool,n,U,error\nA,100,10,-1\nB,100,10,40\n", ["--metric loss"]),
    "an empty cell": ("pool,n,U,error\nA,,10,0.5\nB,100,10,0.4\n", ['--where "n is not null"']),
    "two sizes": ("pool,n,U,error\nA,100,10,0.5\nA,100,20,0.4\n", ["'A'", "--pool-size"]),
}


@pytest.mark.parametrize("case", TABLES)
def test_bad_tables(cli, tmp_path, case):
    text, pieces, *options = TABLES[case]
    path = tmp_path / "runs.csv"
    path.write_text(text)
    answer = cli("curate", path, "--budget", "2k", *(options[0] if options else ()))
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    for piece in pieces:
        assert piece in answer.err, answer.err


@pytest.mark.parametrize(
    "options, pieces",
    [
        (["--law", "exchange"], ["qqt or effective"]),
        (["--bootstrap", "10"], ["--bootstrap", "fitted parameters"]),
        (["--where", "n > 1"], ["--where"]),
        (["--pool-size", "X=1"], ["--pool-size names 'X'"]),
    ],
)
def test_bad_options_of_published_pools(cli, public_data, options, pieces):
    answer = cli("curate", "data:qqt", "--budget", "32M", *options)
    assert (answer.status, answer.out) == (2, "")
    for piece in pieces:
        assert piece in answer.err


@pytest.mark.parametrize(
    "source, options, pieces",
    [
        ("kept", ["--law", "effective"], ["--law effective is PoolsEffective", "holds a fit of PoolsQQT"]),
        ("data:pools-teacher", ["--metric", "accuracy"], ["says already", "--metric"]),
        ("data:pools-teacher", ["--unlimited", "A-unlimited"], ["says already", "--unlimited"]),
    ],
)
def test_what_is_settled_is_not_said_otherwise(cli, kept, source, options, pieces):
    answer = cli("curate", kept[1] if source == "kept" else source, "--budget", "2k", *options)
    assert (answer.status, answer.out) == (2, "")
    for piece in pieces:
        assert piece in answer.err, answer.err


def test_results_that_are_no_plan(cli, runs_csv, tmp_path):
    assert cli("fit", runs_csv, "--law", "chinchilla", "--out", tmp_path / "out").status == 0
    answer = cli("curate", tmp_path / "out", "--budget", "1M")
    assert (answer.status, answer.out) == (2, "")
    assert "Chinchilla" in answer.err
    answer = cli("curate", "data:pools-teacher", "--target", "error", "--budget", "1M")
    assert (answer.status, answer.out) == (2, "")
    assert "Leave out" in answer.err
