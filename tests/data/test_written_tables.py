"""Tables as people and their tools write them: numbers, headers, separators and forms."""

import json
from typing import Any

import numpy as np
import pytest

from scalefit._core import InputError
from scalefit.data import Runs, our_name, read_runs, with_rounded_shares

N, D, LOSS = [2e7, 4e8], [1e9, 4e9], [3.5, 3.125]
C = [6 * n * d for n, d in zip(N, D)]


def read(tmp_path, text, name="runs.csv", **given):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_runs(path, **given)


@pytest.mark.parametrize(
    ("cells", "others", "expected"),
    [
        (["110,678,115", "1,241,505,403"], [1, 2], [110678115, 1241505403]),
        (["1,234,567.5", "950"], [1, 2], [1234567.5, 950]),
        (["1,250", "2,500"], [3.5, 3.25], [1250, 2500]),  # decimal points stand elsewhere
        (["950", "1,250"], [1, 2], [950, 1250]),
        (["0,125", "3,125"], [1, 2], [0.125, 3.125]),
        (["4,96", "3,125"], [1, 2], [4.96, 3.125]),
        (["1.234.567,5", "950,25"], [1, 2], [1234567.5, 950.25]),
        (["12 500", "1 250 000"], [1, 2], [12500, 1250000]),
        (["12’500", "1'250"], [1, 2], [12500, 1250]),
        (["3.5%", "12 %"], [1, 2], [3.5, 12]),
    ],
)
def test_numbers_in_another_notation_are_read_and_noted(cells, others, expected):
    runs = read_runs({"lr": cells, "loss": others}, columns={"lr": "lr"})
    assert runs.inputs["lr"].tolist() == expected
    assert (len(runs.notes) == 1 and cells[0] in runs.notes[0]) or cells[1] in runs.notes[0]


def test_a_count_is_whole():
    assert read_runs({"params": ["1,234"], "loss": [1]}).inputs["N"].tolist() == [1234]


@pytest.mark.parametrize("cells", [["1,250", "2.5,1"], ["1.5", "2,5"], ["3.5%", "0.04"], ["1,25,000", "1"]])
def test_a_column_in_two_notations_stays_text(cells):
    with pytest.raises(InputError, match=r"in row [12] is '"):
        read_runs({"lr": cells, "loss": [1.0, 2.0]}, columns={"lr": "lr"})


def test_per_cent_are_a_unit_and_shares_are_of_one():
    runs = read_runs({"w[a]": ["25%", "50%"], "w[b]": ["75%", "50%"], "accuracy": ["60%", "70%"]})
    assert (runs.inputs["w[a]"].tolist(), runs.target.tolist()) == ([0.25, 0.5], [60.0, 70.0])
    assert runs.units["accuracy"] == "%"


@pytest.mark.parametrize("empty", ["—", "–", "-", "n/a", "N/A", "NaN", ""])
def test_cells_that_say_nothing_are_empty(tmp_path, empty):
    runs = read(tmp_path, f"params,tokens,loss\n1e6,{empty},3\n2e6,2e9,{empty}\n3e6,3e9,2\n")
    assert (runs.rows.tolist(), [d.row for d in runs.dropped]) == ([1, 3], [2])
    assert np.isnan(runs.inputs["D"]).tolist() == [True, False]


def csv(header, *columns, sign=","):
    """A table of two rows and the losses."""
    return "\n".join([header, *(sign.join(map(repr, map(float, row))) for row in zip(*columns, LOSS, strict=True))])


FORMS = {
    "semicolons": ("runs.csv", csv("N;D;loss", N, D, sign=";").replace(".", ","), "semicolons"),
    "points in groups": (
        "runs.csv", "N;D;width;loss\n2e7;1e9;1.250;3,5\n4e8;4e9;12.500;3,125\n", "'width': 1.250 read as 1250"
    ),
    "tabs": ("runs.csv", csv("N\tD\tloss", N, D, sign="\t"), "tabs"),
    "commas": ("runs.tsv", csv("N,D,loss", N, D), "commas"),
    "units below": ("runs.csv", csv("params,tokens,loss\n(M),B tokens,nats", [20, 400], [1, 4]), "was taken as units"),
    "words below": ("runs.csv", csv("N,D,loss\nsize,data,measured", N, D), "second of two header rows"),
    "groups above": ("runs.csv", csv("Model,,Result\nparams,tokens,loss", N, D), "first of two header rows"),
    "title above": ("runs.csv", csv("Table 3\nparams,tokens,loss", N, D), "first of two header rows"),
    "header again": ("runs.csv", csv("N,D,loss\nN,D,loss", N, D), "skipped"),
    "log10": ("runs.csv", csv("log10_N,log10 tokens,loss", np.log10(N), np.log10(D)), "10 to the power of 'log10_N'"),
    "log": ("runs.csv", csv("log_N,log(D),loss", np.log10(N), np.log10(D)), "10 to the power of 'log_N'"),
    "log of scaled": ("runs.csv", csv("log10 params (M),D,loss", np.log10(N) - 6, D), "params (M)' times 1e6"),
    "natural": ("runs.csv", csv("log_N,ln(tokens),loss", np.log(N), np.log(D)), "e to the power of 'log_N', as its"),
    "log of C": ("runs.csv", csv("N,log10_C,loss", N, np.log10(C)), "10 to the power of 'log10_C'"),
    "ratio": ("runs.csv", csv("params,tokens_per_param,loss", N, [50, 10]), "D = N times 'tokens_per_param'"),
    "ratio of scaled": ("runs.csv", csv("params (M),D/N,loss", [20, 400], [50, 10]), "D = N times 'D/N'"),
    "ratio and tokens": ("runs.csv", csv("tokens,ratio,loss", D, [50, 10]), "N = D over 'ratio'"),
    "ratio and C": ("runs.csv", csv("C,tokens/param,loss", C, [50, 10]), "N = the root of C / 6 over 'tokens/param'"),
    "steps": (
        "runs.csv", csv("N,steps,batch_size,seq_len,loss", N, [1e3, 2e3], [500, 1e3], [2e3, 2e3]), "D = 'steps' times"
    ),
    "steps of tokens": (
        "runs.csv", csv("N,Steps (K),batch size (M tokens),loss", N, [1, 2], [1, 2]), "(M tokens)', times 1e9"
    ),
    "by model": ("runs.json", json.dumps({
        f"m{k}": {"config": {"params": N[k], "tokens": D[k]}, "results": {"loss": LOSS[k]}} for k in (0, 1)
    }), "keyed by run"),
    "under a key": ("runs.json", json.dumps({"runs": [
        {"N": N[k], "D": D[k], "loss": LOSS[k]} for k in (0, 1)
    ]}), ""),
    "split": ("runs.json", json.dumps({
        "columns": ["N", "D", "loss"], "index": [0, 1], "data": [[N[k], D[k], LOSS[k]] for k in (0, 1)]
    }), ""),
    "by column": ("runs.json", json.dumps({
        k: dict(zip("01", v, strict=True)) for k, v in {"N": N, "D": D, "loss": LOSS}.items()
    }), ""),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_table_in_another_form_gives_the_same_runs(tmp_path, form):
    name, text, note = FORMS[form]
    runs = read(tmp_path, text, name)
    chosen, _ = runs.select(("N", "D"))
    np.testing.assert_allclose([chosen["N"], chosen["D"]], [N, D], rtol=1e-12)
    assert runs.target.tolist() == LOSS
    assert not note or any(note in n for n in runs.notes)


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ({"log10_N": [-1e308, 1e308], "loss": [2.0, 1.0]}, None, "'N' in row 2 is inf"),
        ({"log10_N": ["7.3", "big"], "loss": [2.0, 1.0]}, None, "'N' in row 2 is 'big'"),
        ({"params": [1e6], "ratio": [20.0], "loss": [1.0]}, {"N": "size"}, "no such column"),
        ({"params": [1e6], "ratio": ["many"], "loss": [1.0]}, None, "'D' in row 1 is 'many'"),
    ],
)
def test_sizes_in_another_form_are_checked_like_any(table, columns, message):
    with pytest.raises(InputError, match=message):
        read_runs(table, columns=columns)


def test_a_key_of_json_is_a_label(tmp_path):
    runs = read(tmp_path, FORMS["by model"][1], "runs.json")
    assert runs.columns["model"].tolist() == ["m0", "m1"]


@pytest.mark.parametrize("text", ["family,loss,N\na,,\nb,3,1\nc,2,2\n", "family,loss,N\na,n/a,—\nb,3,1\n"])
def test_a_row_without_a_number_is_no_header(tmp_path, text):
    assert len(read(tmp_path, text).dropped) == 1


def test_one_word_above_numbers_is_no_header(tmp_path):
    with pytest.raises(InputError, match="'loss' in row 1 is 'diverged'"):
        read(tmp_path, "family,loss\na,diverged\nb,3\n")


CHART = (
    "Step,a-13M - eval/loss,a-13M - eval/loss__MIN,a-13M - eval/loss__MAX,"
    "b - eval/loss,b - eval/loss__MIN,b - eval/loss__MAX\n1000,4,4,4,3,3,3\n2000,3.5,3.5,3.5,,,\n"
)


def test_a_chart_of_wandb_is_rows_by_run_and_step(tmp_path):
    runs = read(tmp_path, CHART)
    assert list(zip(runs.labels["run"].tolist(), runs.inputs["x"].tolist(), runs.target.tolist())) == [
        ("a-13M", 1000.0, 4.0),
        ("a-13M", 2000.0, 3.5),
        ("b", 1000.0, 3.0),
    ]
    assert any("chart of Weights & Biases" in note for note in runs.notes)


@pytest.mark.parametrize(
    ("header", "first"),
    [
        ("N \\ D,2e9,6e9", "1e7"),
        ("params vs tokens,2B,6B", "10M"),
        ("N (M)/D (B),2,6", "10"),
        ("N,D=2B,D=6B", "1e7"),
        ("params,2B tokens,6B tokens", "1e7"),
    ],
)
def test_a_pivot_is_a_row_for_each_cell(tmp_path, header, first):
    runs = read(tmp_path, f"{header}\n{first},4.0,3.5\n")
    assert [runs.inputs[k].tolist() for k in "ND"] == [[1e7, 1e7], [2e9, 6e9]]
    assert (runs.target.tolist(), runs.target_name) == ([4.0, 3.5], "loss")
    assert "became 2 runs of 'loss'" in runs.notes[0]


def test_cells_of_a_pivot_may_be_empty_and_are_called_as_asked(tmp_path):
    runs = read(tmp_path, "D \\ N,1e7,1e8\n2e9,4,3.5\n6e9,,3\n", target="accuracy")
    assert [runs.inputs[k].tolist() for k in "ND"] == [[1e7, 1e8, 1e8], [2e9, 2e9, 6e9]]
    assert (runs.target.tolist(), runs.target_name) == ([4.0, 3.5, 3.0], "accuracy")


@pytest.mark.parametrize("corner", ["N", "", "size", "width \\ depth"])
def test_a_pivot_that_does_not_say_what_it_counts_is_asked(tmp_path, corner):
    with pytest.raises(InputError, match=r"is a pivot of columns '2e9', '6e9'.* in its corner"):
        read(tmp_path, f"{corner},2e9,6e9\n1e7,4,3.5\n1e8,3,2.5\n")


def test_a_column_of_a_pivot_is_read_as_it_stands(tmp_path):
    runs = read(tmp_path, "N,2e9,6e9\n1e7,4,3.5\n1e8,3,2.5\n", target="2e9")
    assert runs.target.tolist() == [4.0, 3.0]


def test_a_column_of_a_chart_is_read_as_it_stands(tmp_path):
    runs = read(tmp_path, CHART, target="b - eval/loss", columns={"x": "Step"})
    assert (runs.inputs["x"].tolist(), runs.target.tolist()) == ([1000.0], [3.0])


@pytest.mark.parametrize(
    ("header", "ours", "scale"),
    [
        ("tokens (B)", "D", 1e9),
        ("Tokens (Bn)", "D", 1e9),
        ("tokens (Btok)", "D", 1e9),
        ("tokens (in billions)", "D", 1e9),
        ("tokens in billions", "D", 1e9),
        ("billion tokens", "D", 1e9),
        ("tokens, B", "D", 1e9),
        ("tokens (10B)", "D", 1e10),
        ("tokens_T", "D", 1e12),
        ("training tokens [trillions]", "D", 1e12),
        ("Params (in millions)", "N", 1e6),
        ("Model Size (M params)", "N", 1e6),
        ("params (M, non-embedding)", "N", 1e6),
        ("params (non-embedding, M)", "N", 1e6),
        ("params_millions", "N", 1e6),
        ("params (mm)", "N", 1e6),
        ("N_B", "N", 1e9),
        ("params (x10^6)", "N", 1e6),
        ("params (10⁶)", "N", 1e6),
        ("params (thousands)", "N", 1e3),
        ("flops_e18", "C", 1e18),
        ("FLOPs (1e18 FLOPs)", "C", 1e18),
        ("FLOPs / 1e18", "C", 1e18),
        ("Training compute (FLOPs ×10^21)", "C", 1e21),
        ("Training compute (10^21 FLOP)", "C", 1e21),
        ("Compute (ExaFLOPs)", "C", 1e18),
        ("Compute (ZFLOPs)", "C", 1e21),
        ("compute (GFLOP)", "C", 1e9),
        ("compute (billion FLOPs)", "C", 1e9),
        ("compute_pflops", "C", 1e15),
        ("compute_flops", "C", 1.0),
        ("compute (PF-days)", "C", 8.64e19),
        ("compute (PFLOP/s-days)", "C", 8.64e19),
        ("compute (petaflop/s-day)", "C", 8.64e19),
        ("compute (PFLOPS·days)", "C", 8.64e19),
        ("compute_pf_days", "C", 8.64e19),
        ("PF-days", "C", 8.64e19),
        ("compute (TFLOP/s-hours)", "C", 3.6e15),
        ("compute [pfs-days]", "C", 8.64e19),
        ("FLOPs (E)", "C", 1e18),
        ("flops (zetta)", "C", 1e21),
        ("nparamsM", "N", 1e6),
        ("# params (M)", "N", 1e6),
        ("params (x 1,000,000)", "N", 1e6),
        ("tokens ('000)", "D", 1e3),
        ("D (Bt)", "D", 1e9),
        ("params (crore)", "N", 1e7),
        ("params (non-embedding)", "N", 1.0),
        ("samples (k)", "n", 1e3),
        ("U (M tokens)", "U", 1e6),
        ("params: M", "N", 1e6),
        ("Trillions of tokens", "D", 1e12),
        ("ZFLOPs", "C", 1e21),
    ],
)
def test_units_in_headers_are_multiplied_and_noted(header, ours, scale):
    assert our_name(header) == ours
    runs = read_runs({header: [1.0, 2.0], "loss": [3.0, 2.0]})
    np.testing.assert_allclose(runs.inputs[ours], [scale, 2 * scale], rtol=1e-14)
    assert any(header in note for note in runs.notes) == (scale != 1.0)


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("tokens (GB)", "D"),
        ("tokens (GiB)", "D"),
        ("tokens (words)", "D"),
        ("tokens (per epoch)", "D"),
        ("tokens (%)", "D"),
        ("tokens (millions of sequences)", "D"),
        ("compute (kWh)", "C"),
        ("compute (PF)", "C"),
        ("params (MB)", "N"),
        ("compute (GPU-hours)", "C"),
        ("compute (A100 days)", "C"),
        ("compute (TFLOP/s)", "C"),
        ("compute ($)", "C"),
    ],
)
def test_a_size_in_a_unit_of_something_else_is_asked_about(header, ours):
    with pytest.raises(InputError, match=f"{ours} counts .*convert it|Convert it"):
        read_runs({header: [1.0, 2.0], "loss": [3.0, 2.0]})
    runs = read_runs({header: [1.0, 2.0], "loss": [3.0, 2.0]}, columns={ours: header})
    assert runs.inputs[ours].tolist() == [1.0, 2.0]
    assert "as it stands" in runs.notes[0]


@pytest.mark.parametrize("header", ["N_no_emb", "loss_b", "w_M", "tokens_per_second", "params_ratio", "C_4", "GFLOPs"])
def test_what_is_no_unit_is_none(header):
    assert our_name(header) is None


@pytest.mark.parametrize("table", [{"N": [1e8], "C": [10.0]}, {"D": [1e9], "C": [2.5]}])
def test_a_derived_size_that_no_model_has_is_questioned(table):
    name = "D" if "N" in table else "N"
    with pytest.warns(UserWarning, match=rf"{name} is .* derived from .*Say the units.* \[units\]"):
        read_runs({**table, "loss": [3.0]}).select((name,))


def shared(*rows):
    shares: dict[str, Any] = {f"w[{k}]": column for k, column in enumerate(zip(*rows, strict=True))}
    return Runs([3.0] * len(rows), **shares)


@pytest.mark.parametrize("rows", [[(0.333, 0.333, 0.333), (0.5, 0.3, 0.201)], [(0.33, 0.33, 0.33), (0.17, 0.17, 0.67)]])
def test_shares_that_are_rounded_are_divided_by_their_sum(rows):
    runs = with_rounded_shares(shared(*rows), "w")
    found = np.array(list(runs.inputs.values())).T
    np.testing.assert_allclose(found, [np.array(row) / sum(row) for row in rows], rtol=1e-15)
    assert "divided by their sum" in runs.notes[0]
    assert with_rounded_shares(runs, "w") is runs


@pytest.mark.parametrize("row", [(0.333, 0.333, 0.33), (0.33333, 0.33333, 0.3333), (1.0, 0.5, 0.0), (0.2, 0.3, 0.5)])
def test_other_shares_stay_as_they_are(row):
    runs = shared(row, (0.25, 0.25, 0.5))
    assert with_rounded_shares(runs, "w") is runs


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"loss": [3.0, 2.0], "se (%)": [1.0, 2.0]}, [0.03, 0.04]),
        ({"loss": [3.0, 2.0], "stderr": ["1%", "2%"]}, [0.03, 0.04]),
        ({"loss": [3.0, 2.0], "se_pct": [1.0, 2.0]}, [0.03, 0.04]),
        ({"accuracy": [0.6, 0.7], "se (%)": [1.0, 2.0]}, [0.01, 0.02]),
        ({"accuracy": [60.0, 70.0], "se (%)": [1.0, 2.0]}, [1.0, 2.0]),
        ({"accuracy": ["60%", "70%"], "se": ["1%", "2%"]}, [1.0, 2.0]),
    ],
)
def test_errors_in_per_cent_are_those_of_the_target(columns, expected):
    runs = read_runs({"x": [1.0, 2.0], **columns})
    assert runs.se is not None
    np.testing.assert_allclose(runs.se, expected, rtol=1e-14)


@pytest.mark.parametrize("header", ["se (x1e-3)", "se (log)", "stderr [milli]"])
def test_errors_in_another_unit_are_asked_about(header):
    with pytest.raises(InputError, match=r"se is in the unit of the target. Convert it; or take it as it stands"):
        read_runs({"x": [1.0, 2.0], "loss": [3.0, 2.0], header: [1.0, 2.0]})


ROWS = "model,N,D,loss\na,2e7,1e9,3.5\nb,4e8,4e9,3.125\nc,3e9,9e9,2.75\n"


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("Total,3.42e9,14e9,9.375", "total"),
        ("mean:,1.14e9,,3.125", "mean"),
        ("Averages,,,3.125\nSD,1.622e9,,0.375", "average"),
        ("Total,,14e9,\nMean,1.14e9,,", "total"),
        ("mean,2e9,5e9,2.9", None),  # a way to pool, maybe: it is no mean of the others
        ("sums,1e9,5e9,2.9", None),
        ("Totalview,3.42e9,14e9,9.375", None),
    ],
)
def test_rows_that_sum_up_the_others_are_no_runs(tmp_path, last, reason):
    runs = read(tmp_path, f"{ROWS}{last}\n")
    assert len(runs) == (4 if reason is None else 3)
    if reason:
        assert runs.dropped[0].reason == f"it is the {reason} of the rows above, as 'model' says"
        assert len(runs.dropped) == last.count("\n") + 1


@pytest.mark.parametrize(
    ("above", "skipped"),
    [("# exported 2024-05-01\n", True), ("# seed, 3\n\n#\n", True), ("#\r\n", True), ("", False)],
)
def test_comments_above_the_header_are_skipped(tmp_path, above, skipped):
    runs = read(tmp_path, above + ROWS)
    assert runs.inputs["N"].tolist() == [2e7, 4e8, 3e9]
    assert any("as # says" in note for note in runs.notes) is skipped


def test_a_header_may_begin_as_comments_do(tmp_path):
    runs = read(tmp_path, "# made by hand\n" + ROWS.replace("model", "#model"))
    assert "#model" in runs.columns


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-16", "runs.csv"), ("utf-16", "runs.tsv"), ("utf-8-sig", "runs.csv")]
)
def test_text_of_spreadsheets_is_read_by_its_mark(tmp_path, encoding, name):
    path = tmp_path / name
    path.write_bytes(ROWS.replace(",", "\t").encode(encoding))
    assert read_runs(path).target.tolist() == [3.5, 3.125, 2.75]


def test_text_of_two_bytes_without_a_mark_is_refused(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_bytes(ROWS.encode("utf-16-le"))
    with pytest.raises(InputError, match=r"is not UTF-8 text \(byte 1 is 0\)\. Save it as UTF-8"):
        read_runs(path)
