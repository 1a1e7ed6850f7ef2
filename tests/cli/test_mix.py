"""`scalefit mix`: two tables in, the recommended mixture out, as a document and as tables."""

import dataclasses
import json

import numpy as np
import pytest

import scalefit as sf

WORDS = ("web", "books", "code")
T = np.array([[-2.0, 0.5, 1.5], [1.0, -3.0, 2.0], [1.0, 1.5, -2.5]])
TARGETS = ("c4", "pg19", "mbpp")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Forty runs whose targets each gain from one domain, in two files with rows and columns in different orders."""
    folder, rng = tmp_path_factory.mktemp("mix"), np.random.default_rng(3)
    w = rng.dirichlet(np.ones(3), 40)
    losses = (2.0 + 0.5 * np.exp(w @ T.T)) * np.exp(0.002 * rng.standard_normal((40, 3)))
    ratios = ["run," + ",".join(WORDS), *(f"r{i}," + ",".join(f"{x:.5f}" for x in w[i]) for i in range(40))]
    metrics = ["mbpp,run,c4,pg19"]
    metrics += [f"{losses[i, 2]:.6f},r{i},{losses[i, 0]:.6f},{losses[i, 1]:.6f}" for i in rng.permutation(40)]
    for name, lines in (("ratios", ratios), ("metrics", metrics)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "limits.toml").write_text(
        "max_passes = 4\n[tokens]\nweb = 1e12\nbooks = 2e10\ncode = 1e11\n", encoding="utf-8"
    )
    return folder


def test_two_tables_and_limits_give_a_mixture_with_its_intervals(cli, tables):
    options = ("--limits", tables / "limits.toml", "--at", "D=1e12", "--noise", "gaussian")
    answer = cli("mix", tables / "ratios.csv", tables / "metrics.csv", *options, "--json")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert found["law"] == "mixing-exp"
    assert found["recommended"] == "cap"
    books = found["weights"]["books"]
    assert books["value"] == pytest.approx(0.08)
    assert books["passes"] == pytest.approx(4.0)
    assert sum(one["value"] for one in found["weights"].values()) == pytest.approx(1.0)
    assert set(found["treatments"]) == {"cap", "discounted", "none", "unconstrained"}
    gain = found["against"]["natural"]["gain"]
    assert 0.0 < gain["low"] < gain["value"] < gain["high"]
    assert found["against"]["natural"]["careful_gain"] < gain["value"]
    assert ("books", "tokens") in [(one["name"], one["kind"]) for one in found["active"]]
    assert found["folds"]["mixtures"] == 40
    assert found["folds"]["targets"]["c4"]["spearman"] > 0.99
    assert set(found["targets"]) == set(TARGETS)


def test_mixtures_to_train_next_and_how_many_a_regret_needs(cli, tables):
    pair = (tables / "ratios.csv", tables / "metrics.csv", "--no-folds", "--noise", "gaussian", "--bootstrap", "0")
    answer = cli("mix", *pair, "--law", "mixing_exp", "--next", "2", "--criterion", "D", "--regret", "0.001", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert found["next"]["criterion"] == "D"
    assert [sum(w.values()) for w in found["next"]["mixtures"]] == pytest.approx([1.0, 1.0])
    assert set(found["next"]["mixtures"][0]) == set(WORDS)
    assert found["next"]["left"][2] < found["next"]["left"][0]
    simulated = found["regret"]["simulated"]
    assert [one["runs"] for one in simulated] == [10, 20, 40, 80]
    assert simulated[-1]["mean"] < simulated[0]["mean"]
    assert found["regret"]["runs_needed"]["value"] >= 10
    said = cli("mix", *pair, "--next", "2", "--criterion", "regret")
    assert said.status == 2
    assert "criterion is 'regret'" in said.err


def test_people_get_tables(cli, tables):
    answer = cli(
        "mix", tables / "ratios.csv", tables / "metrics.csv", "--no-folds", "--objective", "mbpp", "--bootstrap", "0"
    )
    assert answer.status == 0
    assert "code" in answer.out
    assert "gain over uniform" in answer.out
    assert "40 runs of the tables" in answer.out  # each with three targets
    assert "optimal within" in answer.out


def test_what_cannot_be_used_is_said_in_a_sentence(cli, tables, tmp_path):
    pair = (tables / "ratios.csv", tables / "metrics.csv")
    answer = cli("mix", *pair, "--limits", tmp_path / "none.toml")
    assert answer.status == 2
    assert "a file that can be read" in answer.err
    answer = cli("mix", *pair, "--law", "chinchilla")
    assert answer.status == 2
    assert "--law names chinchilla, which takes no weights of domains" in answer.err
    answer = cli("mix", *pair, "--law", "autoscale")
    assert answer.status == 2
    assert "has no column of D, which autoscale takes too. Add one to either table, headed D." in answer.err
    answer = cli("mix", *pair, "--risk", "cvar", "--bootstrap", "0")
    assert answer.status == 2
    assert "--risk is taken over resamples, and --bootstrap 0 makes none" in answer.err
    answer = cli("mix", *pair, "--limits", tables / "limits.toml", "--bootstrap", "0", "--no-folds")
    assert answer.status == 2
    assert "as --at D=1e+12" in answer.err
    held = tmp_path / "held.toml"
    held.write_text("[fixed]\nwbe = 0.4\n", encoding="utf-8")
    answer = cli("mix", *pair, "--limits", held, "--bootstrap", "0", "--no-folds")
    assert answer.status == 2
    assert "fixed weights names 'wbe'" in answer.err  # and not the option that holds numbers of the law
    clash = tmp_path / "clash.toml"
    clash.write_text("least = 0.4\n", encoding="utf-8")
    answer = cli("mix", *pair, "--limits", clash, "--bootstrap", "0", "--no-folds")
    assert answer.status == 2
    assert "the least weights of all domains sum to 1.2" in answer.err


def test_targets_that_the_law_was_not_fitted_to_are_named(cli, tables, monkeypatch):
    def lost(*args, **options):
        fits = fit(*args, **options)
        return dataclasses.replace(fits, result=np.where(np.array(fits.keys) == "c4", 1, fits.result))

    fit = sf.fit
    monkeypatch.setattr(sf, "fit", lost)
    answer = cli("mix", tables / "ratios.csv", tables / "metrics.csv")
    assert answer.status == 3
    assert "mixing-exp was not fitted to 1 of 3 targets: 'c4'. Name the others with --target" in answer.err
