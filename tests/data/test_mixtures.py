"""Runs over mixtures of domains: two tables joined by name, one table, weights in the names of paths."""

from typing import Any

import numpy as np
import pytest

import scalefit as sf

RATIOS: dict[str, list[Any]] = {
    "run": ["a", "b", "c"], "index": [1, 2, 3], "web": [0.5, 0.25, 0.0], "books": [0.5, 0.5, 0.5],
    "code": [0.0, 0.25, 0.5],
}  # fmt: skip
METRICS: dict[str, list[Any]] = {
    "index": [3, 1, 2], "run": ["c", "a", "b"], "c4_bpb": [1.3, 1.1, 1.2], "mbpp_bpb": [0.7, 0.9, None],
}  # fmt: skip


def test_runs_are_joined_by_name_in_whatever_order():
    runs = sf.read_mixtures(RATIOS, METRICS)
    assert runs.labels["run"].tolist() == ["a", "a", "b", "c", "c"]
    assert runs.labels["target"].tolist() == ["c4_bpb", "mbpp_bpb", "c4_bpb", "c4_bpb", "mbpp_bpb"]
    assert runs.target.tolist() == [1.1, 0.9, 1.2, 1.3, 0.7]
    assert set(runs.inputs) == {"w[web]", "w[books]", "w[code]"}
    assert runs.inputs["w[code]"].tolist() == [0.0, 0.0, 0.25, 0.5, 0.5]
    # Columns are known by name: neither their order nor that of the rows says anything.
    turned = {h: RATIOS[h][::-1] for h in reversed(RATIOS)}
    again = sf.read_mixtures(turned, {h: METRICS[h] for h in reversed(METRICS)})
    for name, column in runs.inputs.items():
        order = np.lexsort((again.labels["target"], again.labels["run"]))
        np.testing.assert_array_equal(again.inputs[name][order], column)


def test_weights_are_divided_by_a_sum_that_rounding_explains():
    table = RATIOS | {"web": [0.5, 0.26, 0.0]}
    runs = sf.read_mixtures(table, METRICS)
    assert any("divided by their sum" in note for note in runs.notes)
    total = sum(runs.inputs[name] for name in runs.inputs)
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    with pytest.raises(sf.InputError, match=r"weights in row 1 of 'runs' \(run 'a'\) sum to 1\.2; expected 1"):
        sf.read_mixtures(RATIOS | {"web": [0.7, 0.25, 0.0]}, METRICS)
    assert sf.read_mixtures(RATIOS | {"web": [0.7, 0.25, 0.0]}, METRICS, tolerance=0.3).notes


@pytest.mark.parametrize(
    ("ratios", "metrics", "said"),
    [
        (RATIOS, METRICS | {"run": ["c", "a", "x"]}, "1 of the runs of 'runs' are not in 'runs', the first 'b'"),
        (RATIOS, METRICS | {"run": ["c", "a", "a"], "index": [3, 1, 1]}, "has the run 'a' twice, in the rows 2 and 3"),
        (RATIOS, {"name": ["c", "a", "b"], "c4": [1.0, 2.0, 3.0]}, "no header of 'runs' is one of 'runs'"),
        (RATIOS | {"web": [0.5, -0.25, 0.0]}, METRICS, r"weight of 'web' in row 2 .* is -0\.25; expected 0 or more"),
        (RATIOS | {"web": [0.5, None, 0.0]}, METRICS, "weight of 'web' in row 2 .* is missing"),
        (RATIOS | {"web": [0.5, "lots", 0.0]}, METRICS, "weight of 'web' in row 2 .* is 'lots'"),
        ({h: [100 * v for v in c] if h in ("web", "books", "code") else c for h, c in RATIOS.items()}, METRICS,
         "sum to 100; expected 1. Divide percentages by 100"),
        (RATIOS, METRICS | {"c4_bpb": [1.3, "oops", 1.2]}, "'c4_bpb' in row 1 .* is 'oops'; expected a number"),
        (RATIOS, METRICS | {"code": [0.1, 0.2, 0.3]}, "'code' is a column of both tables, with other"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_used_are_refused_in_a_sentence(ratios, metrics, said):
    with pytest.raises(sf.InputError, match=said):
        sf.read_mixtures(ratios, metrics)


def test_what_is_not_used_is_said():
    more = {"note": ["x", "y", "z"], "D": [1e9, None, 1e9]}, {"status": ["ok"] * 3, "c4_bpb_se": [0.1, 0.1, 0.1]}
    runs = sf.read_mixtures(RATIOS | more[0], METRICS | more[1])
    assert runs.notes == ("columns that are not used, or have empty cells: 'status', 'c4_bpb_se', 'note', 'D'",)
    assert told(runs) == told(sf.read_mixtures(RATIOS, METRICS))
    # A learning rate beside weights that sum to 1 without it is no weight.
    alone = RATIOS | {"c4_loss": [1.1, 1.2, 1.3], "lr": [1e-3] * 3}
    assert set(sf.read_mixtures(alone).inputs) == {"w[web]", "w[books]", "w[code]"}
    assert "'lr'" in sf.read_mixtures(alone).notes[0]
    assert "'lr'" in sf.read_mixtures(RATIOS | {"lr": [1e-3] * 3}, METRICS).notes[0]


def test_a_domain_that_no_run_drew_from_is_named():
    runs = sf.read_mixtures(RATIOS | {"law": [0.0] * 3}, METRICS)
    assert runs.notes == ("no run drew from 'law', which no law can tell of",)


def test_sizes_and_labels_beside_metrics_are_no_targets():
    runs = sf.read_mixtures(RATIOS, METRICS | {"N": [1e8, 1e8, 2e8], "tokens": [1e9] * 3, "seed": [1, 2, 3]})
    assert sorted(set(runs.labels["target"])) == ["c4_bpb", "mbpp_bpb"]
    assert runs.inputs["N"].tolist() == [1e8, 1e8, 2e8, 1e8, 1e8]
    assert runs.labels["seed"].tolist() == [2, 2, 3, 1, 1]
    assert runs.inputs["D"].tolist() == [1e9] * 5


def test_rounding_explains_little_of_many_weights():
    # Quarters of 63 domains, one of which is not in the table: no rounding to two digits.
    table = {"run": ["a", "b"]} | {f"d{i}": [0.25 * (i < 3), 0.25 * (1 < i < 6)] for i in range(63)}
    with pytest.raises(sf.InputError, match=r"row 1 .* sum to 0\.75; expected 1"):
        sf.read_mixtures(table, {"run": ["a", "b"], "c4": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("domains is 3; expected headers", {"domains": 3}),
        (r"domains is \['web'\]; expected two columns or more", {"domains": ["web"]}),
        ("run is 3; expected the header", {"run": 3}),
        ("tolerance is nan", {"tolerance": np.nan}),
    ],
)
def test_each_wrong_argument_has_its_sentence(said, given):
    with pytest.raises(sf.InputError, match=said):
        sf.read_mixtures(RATIOS, METRICS, **given)


def test_a_single_table_has_the_weights_that_begin_alike():
    table = {
        "weight_web": [0.5, 0.2, 0.1], "weight_code": [0.5, 0.8, 0.9], "model_size": [1e8, 1e8, 1e9],
        "n_tokens": [1e9, 2e9, 3e9], "web_loss": [3.0, 3.1, 2.9], "code_loss": [2.0, 1.9, 1.8],
    }  # fmt: skip
    runs = sf.read_mixtures(table)
    assert set(runs.inputs) == {"w[weight_web]", "w[weight_code]", "N", "D"}
    assert sorted(set(runs.labels["target"])) == ["code_loss", "web_loss"]
    some = sf.read_mixtures(table, domains="weight_*", targets="web_loss")
    assert some.target.tolist() == [3.0, 3.1, 2.9]
    with pytest.raises(sf.InputError, match="names 'w_\\*', and 'runs' has no such column"):
        sf.read_mixtures(table, domains="w_*")


def test_weights_stand_in_the_names_of_folders(tmp_path):
    file = tmp_path / "70M.txt"
    line = "/ckpts/70M_{run}/{step}\t/data/valid.{text}.bin\t{loss}"
    first = "3-0.25-0.75"
    rows = [(first, 1000, "Github", 1.5), (first, 1000, "ArXiv", 2.5), (first, 2000, "ArXiv", 2.4)]
    rows += [("900-1-0", 1000, "Github", 1.1)] * 2
    lines = [line.format(run=r, step=s, text=t, loss=loss) for r, s, t, loss in rows]
    file.write_text("\n".join([*lines, "a reference without weights\tx.y.bin\t3.0"]))
    runs = sf.read_mixture_paths(file, domains=["code", "web"])
    assert runs.inputs["w[code]"].tolist() == [0.25, 0.25, 0.25, 1.0]
    assert runs.inputs["N"].tolist() == [7e7] * 4
    assert runs.labels["step"].tolist() == [1000, 1000, 2000, 1000]
    assert runs.labels["target"].tolist() == ["Github", "ArXiv", "ArXiv", "Github"]
    assert any(drop.row == 6 for drop in runs.dropped)
    assert any("twice" in note for note in runs.notes)
    with pytest.raises(sf.InputError, match="no line with 3 weights"):
        sf.read_mixture_paths(file, domains=["code", "web", "books"])


def told(runs):
    """What runs say, whatever the order of rows and domains."""
    return sorted(
        (str(runs.labels["run"][i]), str(runs.labels["target"][i]), float(runs.target[i]),
         *(float(runs.inputs[name][i]) for name in sorted(runs.inputs)))
        for i in range(len(runs))
    )  # fmt: skip


def test_long_tables_say_the_same_as_wide_ones():
    rng = np.random.default_rng(0)
    domains, targets = ("web", "books", "code"), ("c4_bpb", "mbpp_bpb")
    shares = [(RATIOS["run"][i], d, RATIOS[d][i]) for i in range(3) for d in domains]
    measured = [(METRICS["run"][i], t, METRICS[t][i]) for i in range(3) for t in targets]
    both = [(r, t, y, *(RATIOS[d][RATIOS["run"].index(r)] for d in domains)) for r, t, y in measured]

    def table(rows, *headers):
        order = rng.permutation(len(rows))
        return {h: [rows[k][i] for k in order] for i, h in enumerate(headers)}

    plain = {h: RATIOS[h] for h in ("run", *domains)}, {h: METRICS[h] for h in ("run", *targets)}
    wanted = told(sf.read_mixtures(*plain))
    long_shares = table([row for row in shares if row[2] > 0.0], "run", "domain", "weight")
    long_measured = table(measured, "run", "metric", "value")
    assert told(sf.read_mixtures(long_shares, plain[1])) == wanted
    assert told(sf.read_mixtures(plain[0], long_measured)) == wanted
    found = sf.read_mixtures(long_shares, long_measured)
    assert told(found) == wanted
    assert any("2 of no row count as 0" in note for note in found.notes)
    whole = table(both, "run", "target", "loss", *(f"weight_{d}" for d in domains))
    assert [row[:3] for row in told(sf.read_mixtures(whole))] == [row[:3] for row in wanted]
    twice = {h: [*column, column[0]] for h, column in long_shares.items()}
    with pytest.raises(sf.InputError, match="of one run twice, in the rows 1 and 8"):
        sf.read_mixtures(twice, plain[1])


def test_names_of_runs_may_be_numbers_in_one_table_and_text_in_the_other():
    turned = {**METRICS, "run": ["3", "1", "2"], "index": ["z", "x", "y"]}
    runs = sf.read_mixtures({h: RATIOS[h] for h in ("web", "books", "code")} | {"run": [1, 2, 3]}, turned)
    assert runs.target[:2].tolist() == [1.1, 0.9]


def test_checkpoints_are_of_one_run_where_a_column_says_so():
    table = {"w_web": [0.2, 0.2, 0.7], "w_code": [0.8, 0.8, 0.3], "D": [1e9, 2e9, 1e9], "loss": [3.0, 2.9, 3.1]}
    (note,) = sf.read_mixtures(table).notes
    assert note.startswith("2 rows differ from others in their tokens alone and count as runs of their own: where")
    for header, given in {"run": {}, "training": {"run": "training"}}.items():
        runs = sf.read_mixtures({header: ["a", "a", "b"], **table}, **given)
        assert runs.labels["run"].tolist() == ["a", "a", "b"]
        assert not runs.notes
    # Repeats of a mixture are runs of their own.
    assert not sf.read_mixtures(table | {"D": [1e9, 1e9, 1e9]}).notes


def test_tokens_of_domains_are_inputs_and_no_weights():
    held = {"U[web]": [1e9, 1e9, 2e9], "U[books]": [1e8] * 3, "U[code]": [5e8] * 3}
    runs = sf.read_mixtures(RATIOS | held, METRICS)
    assert set(runs.inputs) == {"w[web]", "w[books]", "w[code]", *held}
    assert runs.inputs["U[web]"].tolist() == [1e9, 1e9, 1e9, 2e9, 2e9]


def test_a_single_table_tells_weights_from_losses_by_their_sum():
    table = {"web": [0.5, 0.2, 0.1], "code": [0.5, 0.8, 0.9], "c4_loss": [3.0, 3.1, 2.9]}
    assert set(sf.read_mixtures(table).inputs) == {"w[web]", "w[code]"}


def test_lines_of_one_run_that_disagree_are_listed(tmp_path):
    file = tmp_path / "runs.txt"
    file.write_text("a/1-0.5-0.5/10\tv.c4.bin\t2.5\na/1-0.5-0.5/10\tv.c4.bin\t2.9\n")
    runs = sf.read_mixture_paths(file, domains=["code", "web"])
    assert runs.target.tolist() == [2.5]
    assert "an earlier line has 2.5 for c4" in runs.dropped[0].reason
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(sf.InputError, match="expected lines of text in UTF-8"):
        sf.read_mixture_paths(file, domains=["code", "web"])
    file.write_text("a/1-0.5-0.4/10\tv.c4.bin\t2.5\n")
    with pytest.raises(sf.InputError, match=r"sum to 0\.9; expected 1"):
        sf.read_mixture_paths(file, domains=["code", "web"])
    assert sf.read_mixture_paths(file, domains=["code", "web"], tolerance=0.2).inputs["w[code]"][0] == pytest.approx(
        5 / 9
    )
