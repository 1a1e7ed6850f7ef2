"""`scalefit plan`: from a folder and budgets to sizes with intervals and the flat region about them."""

import json

import numpy as np
import pytest
from helpers import made_up_draws, posed

import scalefit as sf


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan") / "result"
    sf.save(made_up_draws(50), folder)
    return folder


@pytest.fixture(scope="module")
def found(cli, folder):
    answer = cli("plan", folder, "--budget", "1e21,1e22", "--target-loss", "2.0", "--level", "0.8", "--json")
    assert (answer.status, answer.err) == (0, "")
    return json.loads(answer.out)


def test_numbers_are_those_of_the_library(found, folder):
    plan = sf.allocate(sf.load(folder), budget=[1e21, 1e22], level=0.8)
    assert [one["budget"] for one in found["budgets"]] == [1e21, 1e22]
    for b, one in enumerate(found["budgets"]):
        for name in ("N", "D", "D_per_N", "loss"):
            number = getattr(plan, name)
            expected = [number.value[b], number.low[b], number.high[b]]
            assert [one[name][key] for key in ("value", "low", "high")] == pytest.approx(expected, rel=1e-12)
        for words, tolerance in (("0.1%", 0.001), ("0.5%", 0.005)):
            sizes = plan.near_optimal[tolerance]
            expected = {"N_low": sizes.low[b], "N_high": sizes.high[b]}
            assert one["near_optimal"][words] == pytest.approx(expected, rel=1e-12)
            assert one["near_optimal"][words]["N_low"] < one["N"]["value"] < one["near_optimal"][words]["N_high"]
    assert (found["law"], found["cost"], found["level"]) == ("chinchilla", "6ND", 0.8)
    assert found["draws"]["num"] == 50


def test_a_target_is_a_compute_with_its_probability(found, folder):
    needed = sf.compute_for(sf.load(folder), loss=2.0, level=0.8)
    (target,) = found["targets"]
    assert target["compute"]["value"] == pytest.approx(needed.compute.value[0], rel=1e-12)
    assert target["compute"]["low"] < target["compute"]["value"] < target["compute"]["high"]
    assert target["probability"] == 1.0


def test_people_see_the_flat_region(cli, folder):
    said = cli("plan", folder, "--budget", "1e22", "--budget", "1e24").out
    for piece in ("N within 0.1 %", "N within 0.5 %", "D/N", "1e+24", "50 made up draws"):
        assert piece in said
    note = "note: The training of the plan for 1e+24 FLOP is 76.9 times above the range of the runs"
    assert " ".join(said.split()).count(note) == 1


def test_costs_and_limits_are_passed_on(cli, folder):
    at = ("plan", folder, "--budget", "1e22", "--json")
    usual, served, bound = (
        json.loads(cli(*at, *more).out)["budgets"][0]
        for more in ((), ("--cost", "inference:1e12"), ("--unique", "20B", "--max-passes", "2"))
    )
    assert served["N"]["value"] < usual["N"]["value"]
    assert bound["D"]["value"] == pytest.approx(4e10, rel=1e-9)
    assert bound["at_end"] is True


def test_a_fit_without_draws(cli, tmp_path):
    sf.save(made_up_draws(2).fit, tmp_path / "bare")
    (one,) = json.loads(cli("plan", tmp_path / "bare", "--budget", "1e22", "--json").out)["budgets"]
    assert one["near_optimal_sure"] is None
    assert one["N"]["low"] < one["N"]["value"] < one["N"]["high"]
    assert np.isfinite(one["near_optimal"]["0.1%"]["N_low"])
    said = cli("plan", tmp_path / "bare", "--budget", "1e22").out
    assert "intervals: 95 %, to first order, by Student's t of 3 degrees of freedom" in said


def test_sizes_are_judged_beside_the_best(cli, folder):
    asked = ("plan", folder, "--budget", "1e21,1e22", "--size", "7B,70B", "--size", "1B")
    found = json.loads(cli(*asked, "--json").out)
    plan = sf.allocate(sf.load(folder), budget=[1e21, 1e22])
    for k, N in enumerate((7e9, 70e9, 1e9)):
        expected = {"regret": plan.regret(N), "misallocation": plan.misallocation(N)}
        for b, one in enumerate(found["budgets"]):
            size = one["sizes"][k]
            assert (size["N"], size["D"]) == (N, pytest.approx(one["budget"] / 6 / N))
            for name, quantity in expected.items():
                for key in ("value", "low", "high", "mean"):
                    assert size[name][key] == pytest.approx(getattr(quantity, key)[b])
    said = cli(*asked).out
    for piece in ("loss above the best", "expected", "FLOP wasted", "70B"):
        assert piece in said


def test_a_size_that_a_budget_cannot_be_spent_with_is_said(cli, folder):
    asked = ("plan", folder, "--budget", "1e21,1e22", "--size", "7B", "--unique", "1e11")
    first, second = (one["sizes"][0] for one in json.loads(cli(*asked, "--json").out)["budgets"])
    assert first["regret"]["value"] > 0
    none = dict.fromkeys(("value", "low", "high", "mean"))
    assert second == {"N": 7e9, "D": None, "regret": none, "misallocation": none}
    said = " ".join(cli(*asked).out.split())
    assert "note: with 7B parameters 1e+22 FLOP cannot be spent: sizes from 16.7B to" in said


def test_a_size_at_a_limit_is_possible(cli, folder):
    asked = ("plan", folder, "--budget", "1e21,1e22", "--size", "3B", "--json")
    for limit in ("--min-N", "--max-N"):
        found = json.loads(cli(*asked, limit, "3B").out)
        assert all(one["sizes"][0]["D"] == pytest.approx(one["budget"] / 18e9) for one in found["budgets"])
        assert not any("cannot be spent" in note for note in found["notes"])


@pytest.mark.parametrize("ask", [sf.allocate, lambda fit, budget: sf.design_runs(fit, {}, budget=budget)])
def test_a_batch_says_what_to_do_on_the_command_line(ending, ask):
    said = ending(lambda: ask(posed(made_up_draws(2).fit, keys=("a", "b")), budget=1e22)).err
    assert "of 2 studies" in said
    assert "fit with --where instead of --by" in said


def test_only_a_loss_that_is_never_reached_is_a_note(cli, tmp_path, monkeypatch):
    sf.save(made_up_draws(2).fit, tmp_path / "bare")

    def failing(*_, **__):
        raise sf.InputError("another error")

    monkeypatch.setattr(sf, "compute_for", failing)
    answer = cli("plan", tmp_path / "bare", "--target-loss", "2", "--budget", "1e22")
    assert (answer.status, answer.err) == (2, "scalefit: another error\n")


def test_a_loss_that_is_never_reached_is_a_row(cli, folder):
    answer = cli("plan", folder, "--target-loss", "1,2", "--json")
    found = json.loads(answer.out)
    assert [one["probability"] for one in found["targets"]] == [0.0, 1.0]
    assert found["targets"][0]["compute"] == {"value": None, "low": None, "high": None}
    (note,) = (note for note in found["notes"] if "never reached" in note)
    assert note.startswith("A loss of 1 is never reached: the best that Chinchilla comes to is 1.")
    said = " ".join(cli("plan", folder, "--target-loss", "1").out.split())
    assert "1 never 0 % of draws" in said


def test_a_law_without_draws_refuses_what_it_never_reaches_but_answers_budgets(cli, tmp_path):
    bare = tmp_path / "bare"
    sf.save(made_up_draws(2).fit, bare)
    alone = cli("plan", bare, "--target-loss", "1")
    assert (alone.status, alone.out, alone.err.count("\n")) == (2, "", 1)
    assert "A loss of 1 is never reached: the best that Chinchilla comes to is 1." in alone.err
    both = json.loads(cli("plan", bare, "--target-loss", "1", "--budget", "1e22", "--json").out)
    assert both["budgets"][0]["N"]["value"] > 1e9
    assert both["targets"] == []
    assert any(note in alone.err for note in both["notes"])


@pytest.mark.parametrize(
    "given, said",
    [
        ([], ["--budget 1e24", "--target-loss"]),
        (["--budget", "lots"], ["--budget is 'lots'", "1e24"]),
        (["--budget", "-1"], ["--budget is [-1]", "above 0"]),
        (["--budget", "1e22", "--cost", "8ND"], ["--cost is '8ND'", "inference:1e12"]),
        (["--budget", "1e22", "--max-passes", "4"], ["--max-passes is 4", "--unique 1e12"]),
        (["--budget", "1e24", "--unique", "1e11", "--max-N", "1e10"], ["cannot be spent", "--max-N"]),
        (["--target-loss", "2", "--size", "7B"], ["--size", "--budget 1e24"]),
        (["--budget", "1e22", "--size", "0,7B"], ["--size is 0", "above 0"]),
        (["--budget", "1e22", "--min-N", "0"], ["--min-N is 0", "above 0"]),
        (["--budget", "1e22,1e21", "--budget", "1e22"], ["--budget gives 1e+22 twice"]),
        (["--budget", "1e22", "--size", "7B,7e9"], ["--size gives 7e+09 twice"]),
        (["--target-loss", "2", "--target-loss", "2.0"], ["--target-loss gives 2 twice"]),
        (["--budget", "1e22", "--at", "k=3"], ["--at names 'k'"]),
    ],
)
def test_what_cannot_be_planned(cli, folder, given, said):
    answer = cli("plan", folder, *given)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    for piece in said:
        assert piece in answer.err


def test_a_published_law_plans_without_runs(cli):
    found = json.loads(cli("plan", "chinchilla:epoch", "--budget", "1e22", "--json").out)
    plan = sf.allocate(sf.laws.Chinchilla.published("epoch"), budget=1e22)
    assert found["budgets"][0]["N"]["value"] == pytest.approx(float(plan.N.value.item()), rel=1e-12)
    assert (
        "note: parameters are the published 'epoch' [run], of 240"
        in cli("plan", "chinchilla:epoch", "--budget", "1e22").out
    )


def test_hours_of_a_device_and_what_they_cost(cli):
    asked = ("plan", "chinchilla:epoch", "--budget", "1e22,1e24", "--device", "H100", "--price", "2.5")
    told = sf.device_hours([1e22, 1e24], "H100", price=2.5)
    found = json.loads(cli(*asked, "--json").out)
    assert told.money is not None
    assert (found["device_hours"], found["money"]) == (told.device_hours.tolist(), told.money.tolist())
    assert "1e+22 FLOP: 7,022 hours of H100, 17,554 to pay" in cli(*asked).out
    answer = cli("plan", "chinchilla:epoch", "--budget", "1e22", "--price", "2.5")
    assert (answer.status, "--price" in answer.err, "--device H100" in answer.err) == (2, True, True)
