"""Bad input: exit status 2, one sentence of what was given, what was expected and what to do; nothing written."""

import pytest

GOOD = "".join(f"{n},{d},{2 + 1e3 * n**-0.4 + 1e3 * d**-0.4}\n" for n in (1e8, 1e9, 1e10) for d in (1e9, 1e10, 1e11))
HEADER = "params,tokens,loss\n"
ROW = "1e9,2e10,2.5\n"

# What is in the file (None: no file), options after --law chinchilla, and what the sentence must speak of.
TABLES = {
    "no file": (None, [], ["no file", "runs.csv"]),
    "empty file": ("", [], ["runs.csv", "empty"]),
    "header only": (HEADER, [], ["runs.csv", "no row"]),
    "unreadable file": (b"\xff\xfe\x00\x81PAR1", [], ["runs.csv"]),
    "column missing": ("params,loss\n1e9,2.5\n", [], ["'D'", "columns"]),
    "column misnamed": ("params,tokns,loss\n1e9,1e10,2.5\n", [], ["'D'", "'tokns'", "--columns D="]),
    "no target": ("params,tokens,los\n1e9,1e10,2.5\n", [], ["'loss'", "'los'"]),
    "named column missing": (HEADER + GOOD, ["--columns", "N=parms"], ["'parms'", "nearest is 'params'"]),
    "text in numbers": (HEADER + GOOD + "big,1e10,2.5\n", [], ["'params'", "row 10", "'big'", "2.8B"]),
    "infinite": (HEADER + GOOD + "1e9,inf,2.5\n", [], ["'tokens'", "row 10", "a finite number"]),
    "N of zero": (HEADER + GOOD + "0,1e10,2.5\n", [], ["'params'", "row 10", "above 0"]),
    "D below zero": (HEADER + GOOD + "1e9,-1e10,2.5\n", [], ["'tokens'", "row 10", "above 0"]),
    "loss of zero under logarithms": (HEADER + GOOD + "1e9,1e10,0\n", [], ["loss", "row 10", "above 0", ":value"]),
    "fewer runs than parameters": (HEADER + 3 * ROW, [], ["3 runs", "numbers to fit, 5"]),
    "one single size": (HEADER + "".join(f"1e9,{d}e10,{2 + 1 / d}\n" for d in range(1, 9)), [], ["same N", "1e+09"]),
    "no value anywhere": (HEADER + "1e9,,2.5\n,1e10,2.5\n", [], ["No row", "D is missing"]),
    "where keeps nothing": (HEADER + GOOD, ["--where", "loss < 1"], ["loss < 1", "9"]),
    "where is no condition": (HEADER + GOOD, ["--where", "loss <"], ["loss <"]),
    "where of a missing name": (HEADER + GOOD, ["--where", "lss < 3"], ["'lss'", "nearest is 'loss'"]),
    "target missing": (HEADER + GOOD, ["--target", "err"], ["'err'", "columns"]),
    "study column missing": (HEADER + GOOD, ["--by", "family"], ["'family'"]),
}
OPTIONS = {
    "unknown law": (["--law", "chinchila"], ["'chinchila'", "nearest is 'chinchilla'"]),
    "law of no size": (["--law", "chinchilla:2"], ["chinchilla:2", "no number", "Leave out ':2'"]),
    "breaks that are no number": (["--law", "bnsl:two"], ["'bnsl:two'", "bnsl:2"]),
    "no such file of a law": (["--law", "mine.py:Law"], ["'mine.py'", "FILE.py:Class"]),
    "unknown noise": (["--noise", "hubber"], ["'hubber'", "nearest is 'huber'"]),
    "noise of a bad number": (["--noise", "huber:-1"], ["delta", "'huber:-1'", "above 0"]),
    "noise of too many numbers": (["--noise", "gaussian:3"], ["'3'", "gaussian:value"]),
    "noise of no freedom": (["--noise", "student-t:0"], ["df", "'student-t:0'", "as in student-t:4."]),
    "seed below zero": (["--seed", "-1"], ["--seed", "0"]),
    "more resamples than fit": (
        ["--bootstrap", "1000000000"],
        ["--bootstrap is 1000000000", "36 runs", "at most 55555555"],
    ),
    "fixed parameter like no other": (
        ["--fixed", "foo=1"],
        ["one of the parameters of Chinchilla, 'E', 'A', 'B', 'alpha' and 'beta'."],
    ),
    "law of one input": (["--law", "power-law"], ["expected one input, x. Say which it is, as --columns x=N."]),
    "unknown fixed parameter": (["--fixed", "gamma=1"], ["--fixed names 'gamma'", "parameters of Chinchilla"]),
    "fixed out of bounds": (["--fixed", "alpha=-1"], ["alpha", ">= 0"]),
    "fixed without a value": (["--fixed", "alpha"], ["'alpha'", "NAME=NUMBER"]),
    "two fixed in one": (["--fixed", "alpha=1,beta=1"], ["'alpha=1,beta=1'", "Give each by itself"]),
    "fixed twice": (["--fixed", "alpha=1", "--fixed", "alpha=2"], ["'alpha'", "twice"]),
    "columns of nothing": (["--columns", ""], ["--columns is ''", "NAME=HEADER"]),
    "columns without a header": (["--columns", "N"], ["'N'", "NAME=HEADER"]),
    "level of one": (["--level", "1"], ["--level", "between 0 and 1"]),
    "clusters of no bootstrap": (["--cluster", "seed"], ["--cluster", "Add --bootstrap 1000"]),
    "bootstrap of one": (["--bootstrap", "1"], ["--bootstrap", "2"]),
    "bootstrap and posterior": (
        ["--bootstrap", "20", "--posterior", "20"],
        ["--bootstrap and --posterior", "Leave out"],
    ),
    "posterior of one": (["--posterior", "1"], ["--posterior", "2"]),
    "more draws than fit": (["--posterior", "1000000000"], ["--posterior is 1000000000", "at most 55555555", "2000"]),
    "sampler of no posterior": (["--sampler", "nuts"], ["--sampler", "Add --posterior 2000"]),
    "prior of no posterior": (["--prior", "alpha=Normal(0,1)"], ["--prior", "Add --posterior 2000"]),
    "unknown sampler": (["--posterior", "9", "--sampler", "nutts"], ["'nutts'", "nearest is 'nuts'"]),
    "prior without a form": (["--posterior", "9", "--prior", "alpha"], ["'alpha'", "NAME=DISTRIBUTION(NUMBER,…)"]),
    "prior that is code": (
        ["--posterior", "9", "--prior", "alpha=exec(1)"],
        ["'exec(1)'", "a distribution of numbers"],
    ),
    "unknown distribution": (["--posterior", "9", "--prior", "a=Nrmal(0,1)"], ["'Nrmal(0,1)'", "nearest is 'Normal'"]),
    "prior of text": (["--posterior", "9", "--prior", "a=Normal(x,1)"], ["'x'", "Normal(loc, scale)"]),
    "prior of too few numbers": (["--posterior", "9", "--prior", "a=Gamma()"], ["'concentration'", "Gamma("]),
    "prior of an unknown number": (["--posterior", "9", "--prior", "a=Normal(mu=0)"], ["'mu'", "Normal(loc, scale)"]),
    "prior of no width": (["--posterior", "9", "--prior", "a=Normal(0,0)"], ["scale", "Give other numbers"]),
    "prior of nothing": (["--posterior", "9", "--prior", "a=Uniform(2,1)"], ["Uniform(low, high) with low below high"]),
    "prior twice": (["--posterior", "9", *2 * ["--prior", "a=Normal(0,1)"]], ["'a'", "twice"]),
    "unknown solver": (["--solver", "newtn"], ["'newtn'", "nearest is 'newton'"]),
    "unknown option": (["--boot", "5"], ["--boot", "--bootstrap", "--help"]),
    "number that is none": (["--seed", "x"], ["--seed", "integer"]),
}


def check(answer, pieces):
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("scalefit: ")
    assert answer.err.count("\n") == 1
    for piece in pieces:
        assert piece in answer.err, answer.err


@pytest.mark.parametrize("case", TABLES)
def test_tables(cli, tmp_path, case):
    content, options, pieces = TABLES[case]
    path = tmp_path / "runs.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    check(cli("fit", path, "--law", "chinchilla", *options, "--json", "--out", tmp_path / "out"), pieces)
    assert [p.name for p in tmp_path.iterdir()] == ([] if content is None else ["runs.csv"])


@pytest.mark.parametrize("case", OPTIONS)
def test_options(cli, tmp_path, runs_csv, case):
    options, pieces = OPTIONS[case]
    law = [] if options[0] == "--law" else ["--law", "chinchilla"]
    check(cli("fit", runs_csv, *law, *options, "--out", tmp_path / "out"), pieces)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "source, pieces",
    [
        ("data:epoch-chinchila", ["nearest is 'epoch-chinchilla'"]),
        ("data:datablations/all.csv", ["nearest is 'all_runs.csv'"]),
        ("data:qqt", ["qqt", "no runs"]),
        ("data:qqt/derived_predictions.csv", ["qqt", "no runs"]),
        ("data:bundled/run.csv", ["'run.csv'", "nearest is 'runs.csv'"]),
        ("data:bundled/pools_plans.csv", ["'loss'", "--target"]),
    ],
)
def test_data_sets(cli, source, pieces, public_data):
    check(cli("fit", source, "--law", "chinchilla"), pieces)


def test_law_files(cli, tmp_path, runs_csv):
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_this_name\n")
    check(cli("fit", runs_csv, "--law", f"{broken}:Law"), ["broken.py", "nothing_of_this_name"])
    other = tmp_path / "other.py"
    other.write_text("from scalefit.laws import Chinchilla\n\nclass Mine(Chinchilla):\n    pass\n\nx = 1\n")
    check(cli("fit", runs_csv, "--law", f"{other}:Min"), ["'Min'", "nearest is 'Mine'"])
    check(cli("fit", runs_csv, "--law", f"{other}"), ["'Mine'", "FILE.py:Class"])
    check(cli("fit", runs_csv, "--law", f"{other}:x"), ["no law", "AbstractLaw"])
    check(cli("fit", runs_csv, "--law", f"{other}:Mine:3"), ["other.py:Mine:3", "no number", "Leave out ':3'"])
    other.write_text("import sys\n\nsys.exit(0)\n")
    check(cli("fit", runs_csv, "--law", f"{other}:Mine"), ["other.py", "sys.exit", "__main__"])
    other.write_text("raise ValueError('first line\\nsecond line')\n")
    check(cli("fit", runs_csv, "--law", f"{other}:Mine"), ["other.py", "ValueError: first line.\n"])
    other.write_text("from scalefit.laws import AbstractLaw\n\nclass Mine(AbstractLaw):\n"
                     "    def __call__(self, N):\n        return N\n")  # fmt: skip
    check(cli("fit", runs_csv, "--law", f"{other}:Mine"), ["Mine", "inputs: ClassVar"])
    check(cli("laws", f"{other}:Mine"), ["Mine", "inputs: ClassVar"])


@pytest.mark.parametrize(
    "body, pieces",
    [
        ("    def __call__(self, N):\n        raise SystemExit(0)\n", ["formula", "sys.exit"]),
        ("    def __call__(self, N):\n        raise ValueError('a\\nb')\n", ["Mine", "ValueError: a)"]),
        ("    def __call__(self, N):\n        return 'x'\n", ["formula of Mine", "one number"]),
        (
            "    def __check_init__(self):\n        raise ValueError('no')\n\n"
            "    def __call__(self, N):\n        return self.E\n",
            ["Mine", "without arguments (ValueError: no)", "defaults"],
        ),
    ],
    ids=["ends the program", "raises", "gives no number", "cannot be made"],
)
def test_laws_that_fail(cli, tmp_path, runs_csv, body, pieces):
    path = tmp_path / "mine.py"
    path.write_text(
        "from typing import ClassVar\n"
        "from scalefit.laws import AbstractLaw\n"
        "from scalefit.params import positive\n\n"
        "class Mine(AbstractLaw):\n"
        "    inputs: ClassVar = {'N': 'parameters'}\n"
        f"    E: object = positive(unit='target', amplitude=True)\n\n{body}"
    )
    check(cli("fit", runs_csv, "--law", f"{path}:Mine", "--json", "--out", tmp_path / "out"), pieces)
    assert not (tmp_path / "out").exists()


def test_folders(cli, tmp_path, runs_csv):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.tex").write_text("mine")
    check(cli("fit", runs_csv, "--law", "chinchilla", "--out", taken), ["taken", "other things"])
    check(cli("fit", runs_csv, "--law", "chinchilla", "--out", taken / "thesis.tex"), ["thesis.tex", "a file"])
    below = taken / "thesis.tex" / "out"
    check(cli("fit", runs_csv, "--law", "chinchilla", "--out", below), ["thesis.tex", "Choose another"])
    assert [p.name for p in taken.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("below", ["", "new"])
def test_folders_that_cannot_be_made(cli, tmp_path, below):
    """Refused before the work: before the runs are fitted, so that a law that cannot be fitted is not reached."""
    runs = tmp_path / "runs.csv"
    runs.write_text(HEADER + 3 * ROW)
    check(cli("fit", runs, "--law", "chinchilla", "--out", tmp_path / below / (300 * "x")), ["xxx", "too long"])
    check(cli("fit", runs, "--law", "chinchilla", "--out", tmp_path / below / (250 * "x")), ["xxx", "too long"])
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    check(cli("fit", runs, "--law", "chinchilla", "--out", tmp_path / "link" / below), ["link", "to nothing"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "runs.csv"]


def test_command(cli):
    check(cli("fti"), ["'fti'", "'fit'"])
    check(cli("fit"), ["SOURCE", "scalefit fit --help"])
    check(cli("laws", "chinchila"), ["nearest is 'chinchilla'"])
    check(cli("data", "fetch", "nothing"), ["'nothing'"])
    check(cli("data", "fetch", "bundled", "--file", "x"), ["bundled", "no file 'x'", "'runs.csv'"])
