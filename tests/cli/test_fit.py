"""`scalefit fit` from the outside: the document, the table, the folder, the exit status."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

import scalefit as sf
from scalefit.cli._show import first_order_line
from scalefit.specs import law_of

KEYS = {
    "law", "parameters", "objective", "converged", "starts", "runs", "noise", "seed", "level", "checks", "seconds",
    "versions",
}  # fmt: skip


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def kept(cli, runs_csv, tmp_path_factory):
    """One fit with everything, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("out") / "result"
    arguments = ("--law", "chinchilla", "--noise", "gaussian", "--bootstrap", "50", "--level", "0.9", "--out", folder)
    answer = cli("fit", runs_csv, *arguments, "--json")
    assert answer.status == 0
    assert answer.err == ""
    return strict(answer.out), folder


def test_document(kept, truth):
    found, _ = kept
    assert set(found) >= KEYS
    assert found["law"] == "chinchilla"
    assert found["converged"] is True
    assert found["starts"] == {"tried": 8, "agreeing": 8, "optima": 1, "scouts": {"agreeing": 0, "tried": 0}}
    assert found["runs"] == {"used": 36, "dropped": [], "excluded": 0}
    assert (found["noise"], found["seed"], found["level"], found["checks"]) == ("gaussian", 0, 0.9, [])
    drawn = {"cluster": "auto", "clusters": 36, "runs": 36}
    assert found["draws"] == {"method": "bootstrap", "num": 50, "converged": 50, "seed": 0, **drawn}
    assert found["seconds"] > 0
    assert found["versions"]["scalefit"] == sf.__version__
    assert list(found["parameters"]) == ["E", "A", "B", "alpha", "beta"]
    for name, entry in found["parameters"].items():
        assert set(entry) == {"value", "unit", "se", "low", "high"}
        assert entry["low"] < entry["value"] < entry["high"]
        assert abs(entry["value"] - truth[name]) < 4 * entry["se"]
    assert found["parameters"]["A"]["unit"] == "loss·parameters^alpha"


def test_folder(kept):
    found, folder = kept
    names = {"result.json", "arrays.npz", "runs.parquet", "summary.json", "loss.png", "residuals.png", "parameters.png"}
    assert {p.name for p in folder.iterdir()} == names
    assert [p.name for p in folder.parent.iterdir()] == ["result"]
    assert strict((folder / "summary.json").read_text(encoding="utf-8")) | {"seconds": found["seconds"]} == found
    for picture in folder.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")
    draws = sf.load(folder)
    assert isinstance(draws, sf.Ensemble)
    assert float(draws.fit.law.alpha) == found["parameters"]["alpha"]["value"]
    assert draws.law.alpha.shape == (50,)


def test_same_seed_same_numbers(cli, runs_csv, kept):
    arguments = ("--law", "CHINCHILLA", "--noise", "Gaussian", "--bootstrap", "50", "--level", "0.9", "--seed", "0")
    again = strict(cli("fit", runs_csv, *arguments, "--json").out)
    assert again["parameters"] == kept[0]["parameters"]


def test_an_earlier_result_is_replaced(cli, runs_csv, tmp_path):
    folder = tmp_path / "result"
    arguments = ("fit", runs_csv, "--law", "chinchilla", "--out", folder)
    assert cli(*arguments, "--bootstrap", "20").status == 0
    assert (folder / "parameters.png").exists()
    assert cli(*arguments).status == 0
    assert not (folder / "parameters.png").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_table_for_people(cli, runs_csv):
    answer = cli("fit", runs_csv, "--law", "chinchilla", "--bootstrap", "50")
    assert answer.status == 0
    assert answer.err == ""  # no terminal, no progress bar
    for piece in ("L = E + A N^-α + B D^-β", "36 runs of runs.csv", "95 % interval", "±", "8 of 8 starts agree",
                  "50 bootstrap draws", "student-t:4 on log loss"):  # fmt: skip
        assert piece in answer.out
    assert "\x1b" not in answer.out


def test_errors_without_draws(cli, runs_csv):
    """Curvature gives them under a smooth noise; under a narrow Huber knee nothing does, and null says so."""
    smooth = strict(cli("fit", runs_csv, "--law", "chinchilla", "--noise", "student-t:4", "--json").out)
    assert smooth["noise"] == "student-t:4"
    assert smooth["draws"] is None
    assert smooth["freedom"] == {"left": 31, "trainings": 36, "runs": 36}
    assert all(entry["se"] > 0 for entry in smooth["parameters"].values())
    rough = strict(cli("fit", runs_csv, "--law", "chinchilla", "--noise", "huber:1e-3", "--json").out)
    assert rough["draws"] is None
    for entry in rough["parameters"].values():
        assert entry["se"] is entry["low"] is entry["high"] is None


@pytest.mark.parametrize(("rows", "noise"), [(6, "gaussian"), (7, "student-t:4")])
def test_few_runs_are_taken_for_normal(cli, table, tmp_path, rows, noise):
    """Six leave the law one to spare: Student's t could pass through five of them and shrink its scale to nothing."""
    header, *lines = table().splitlines()
    some = [lines[i] for i in (0, 8, 15, 19, 28, 35, 4)[:rows]]
    (tmp_path / "few.csv").write_text("\n".join([header, *some]), encoding="utf-8")
    found = strict(cli("fit", tmp_path / "few.csv", "--law", "chinchilla", "--json").out)
    assert (found["noise"], found["runs"]["used"]) == (noise, rows)


def test_every_row_is_accounted_for(cli, tmp_path, table):
    path = tmp_path / "runs.csv"
    path.write_text(table() + "1e9,,2.5\n7e8,3e10,nan\n9e8,1e10,9.5\n", encoding="utf-8")
    arguments = ("fit", path, "--law", "chinchilla", "--where", "loss < 9")
    found = strict(cli(*arguments, "--json").out)
    dropped = [{"row": 37, "reason": "D is missing (column 'tokens')"}, {"row": 38, "reason": "loss is missing"}]
    assert found["runs"] == {"used": 36, "dropped": dropped, "excluded": 1}
    said = cli(*arguments).out
    assert "36 runs of runs.csv, 1 excluded by --where, 2 dropped" in said
    assert "row 37: D is missing" in said


def test_what_was_derived_is_said(cli, tmp_path, table):
    rows = [line.split(",") for line in table().splitlines()[1:]]
    lines = [f"{n},{6 * float(n) * float(d)!r},{y}" for n, d, y in rows]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(['"size, all",FLOP spent,loss', *lines]) + "\n", encoding="utf-8")
    columns = ("--columns", 'N="size, all",C=FLOP spent')
    found = strict(cli("fit", path, "--law", "chinchilla", *columns, "--json").out)
    assert any(note.startswith("D = C / (6 N)") for note in found["notes"])
    assert abs(found["parameters"]["alpha"]["value"] - 0.34) < 0.1


def test_studies(cli, tmp_path, table):
    path = tmp_path / "runs.csv"
    path.write_text(table("small", "large"), encoding="utf-8")
    arguments = ("fit", path, "--law", "chinchilla", "--by", "study", "--bootstrap", "20", "--out", tmp_path / "out")
    found = strict(cli(*arguments, "--json").out)
    assert found["by"] == ["study"]
    assert found["converged"] is True
    assert [one["key"] for one in found["fits"]] == ["small", "large"]
    for one in found["fits"]:
        assert set(one) >= KEYS - {"seconds", "versions"}
        assert one["runs"]["used"] == 36
        assert 1 <= one["starts"]["agreeing"] <= one["starts"]["tried"]
        assert one["parameters"]["E"]["se"] > 0
    first, second = (one["parameters"]["E"]["value"] for one in found["fits"])
    assert abs(second - first - 1.0) < 0.3
    assert (tmp_path / "out" / "loss.png").exists()
    said = cli("predict", tmp_path / "out", "N=1B", "D=20B")
    assert said.status == 0
    assert "small" in said.out
    assert "large" in said.out
    assert len(strict(cli("predict", tmp_path / "out", "N=1B", "D=20B", "--json").out)["predictions"]) == 2


def test_held_fixed(cli, runs_csv):
    found = strict(cli("fit", runs_csv, "--law", "chinchilla", "--fixed", "E=1.7", "--json").out)
    entry = found["parameters"]["E"]
    assert (entry["value"], entry["se"], entry["fixed"]) == (1.7, None, True)
    assert "fixed" not in found["parameters"]["A"]


def test_own_law(cli, tmp_path, runs_csv):
    path = tmp_path / "mine.py"
    path.write_text(
        "from typing import ClassVar\n"
        "import jax.numpy as jnp\n"
        "from scalefit.laws import AbstractLaw\n"
        "from scalefit.params import positive\n\n"
        "class Mine(AbstractLaw):\n"
        "    inputs: ClassVar = {'N': 'parameters'}\n"
        "    E: object = positive(unit='target', amplitude=True)\n"
        "    A: object = positive(amplitude=True, dims={'parameters': lambda law: law.p})\n"
        "    p: object = positive()\n\n"
        "    def __call__(self, N):\n"
        "        print('traced')\n"
        "        return self.E + self.A * jnp.exp(-self.p * jnp.log(N))\n"
    )
    arguments = ("fit", runs_csv, "--law", f"{path}:Mine", "--noise", "gaussian:value", "--out", tmp_path / "out")
    answer = cli(*arguments, "--json")
    found = strict(answer.out)
    assert "traced\n" in answer.err
    assert (found["law"], found["noise"]) == ("Mine", "gaussian:value")
    assert found["parameters"]["E"]["unit"] == "loss"
    assert cli("predict", tmp_path / "out", "N=1B").status == 2
    assert cli("predict", tmp_path / "out", "N=1B", "--own-law", f"{path}:Mine").status == 0
    strict(cli("predict", tmp_path / "out", "N=1B", "--own-law", f"{path}:Mine", "--json").out)


def test_an_earlier_result_is_replaced_aloud(cli, tmp_path, runs_csv):
    arguments = ("fit", runs_csv, "--law", "chinchilla", "--json", "--out", tmp_path / "out")
    assert cli(*arguments).err == ""
    again = cli(*arguments)
    assert (again.status, again.err) == (
        0,
        f"scalefit: the earlier result in {str(tmp_path / 'out')!r} was replaced.\n",
    )


def test_a_fit_that_does_not_converge(cli, runs_csv, tmp_path):
    arguments = ("fit", runs_csv, "--law", "chinchilla", "--max-steps", "1", "--bootstrap", "20")
    answer = cli(*arguments, "--json", "--out", tmp_path / "out")
    assert answer.status == 3
    found = strict(answer.out)
    assert found["converged"] is False
    assert found["parameters"]["E"]["se"] is None
    assert answer.err.startswith("scalefit: The fit of Chinchilla to 'runs.csv' did not converge.")
    assert "--max-steps" in answer.err
    assert list(tmp_path.iterdir()) == []
    assert "NOT converged" in cli(*arguments).out


def test_published_fit(cli, public_data):
    """The published optimum of Epoch's 240 runs, and the published errors within a fifth at so few draws."""
    source = ("data:epoch-chinchilla", "--law", "chinchilla", "--where", "loss < 3.44", "--noise", "huber:1e-3")
    found = strict(cli("fit", *source, "--bootstrap", "1000", "--seed", "0", "--json").out)
    assert found["objective"] <= 0.0010182740179
    assert found["runs"] == {"used": 240, "dropped": [], "excluded": 5}
    assert found["noise"] == "huber:0.001"
    assert any(note.startswith("D = C / (6 N)") for note in found["notes"])
    published = {"E": (1.81721, 0.0257), "alpha": (0.34731, 0.0154), "beta": (0.36717, 0.0206)}
    for name, (value, se) in published.items():
        assert found["parameters"][name]["value"] == pytest.approx(value, abs=1e-5)
        assert found["parameters"][name]["se"] == pytest.approx(se, rel=0.2)
    assert np.isclose(found["parameters"]["A"]["value"], 477.8, rtol=2e-4)


def test_an_upper_end_that_the_runs_do_not_set(cli, public_data, tmp_path, figures):
    """Muennighoff et al.: with the published base law held, half of the draws lose the decay of repeated data."""
    base = sf.laws.DataConstrained.published_sets["c4"].values
    held = [f"--fixed={name}={base[name]!r}" for name in ("E", "A", "B", "alpha", "beta")]
    arguments = ("fit", "data:datablations", "--law", "data-constrained", *held, "--noise", "huber:1e-3",
                 "--bootstrap", "100")  # fmt: skip
    said = cli(*arguments, "--out", tmp_path / "out").out
    assert "… no upper end" in said
    found = strict((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["parameters"]
    assert found["R_D"]["high"] is found["R_D"]["se"] is None
    assert found["R_D"]["unbounded"] is True
    assert found["R_D"]["low"] == pytest.approx(6.5, abs=2.0)
    assert "unbounded" not in found["R_N"]
    assert found["R_N"]["high"] > found["R_N"]["value"]


def test_what_was_drawn_as_one(cli):
    found = strict(cli("fit", "data:bundled", "--law", "chinchilla", "--bootstrap", "20", "--json").out)
    assert (found["draws"]["clusters"], found["draws"]["runs"]) == (100, 800)


def test_a_law_of_one_input(cli, runs_csv):
    """Which column it is may be said by our name of it; of one input there is nothing to say."""
    several = strict(cli("fit", runs_csv, "--law", "power-law", "--columns", "x=D", "--json").out)
    assert several["runs"]["used"] == 36
    pool = ("data:bundled/pools_teacher.csv", "--where", "plan == 'A'")
    assert strict(cli("fit", *pool, "--law", "power-law", "--json").out)["runs"]["used"] == 280


def test_pictures_of_rows_without_an_input(cli, table, tmp_path):
    """Rows that the fit leaves out are left out of its pictures too, and with them a study of such rows alone."""
    header, *rows = table("first", "second").splitlines()
    path = tmp_path / "runs.csv"
    path.write_text("\n".join([header, "1e9,,2.5,none", *rows, "1e9,,2.5,first"]) + "\n", encoding="utf-8")
    for options in (["--by", "study"], ["--where", "study == 'first'"]):
        answer = cli("fit", path, "--law", "chinchilla", *options, "--out", tmp_path / "out")
        assert answer.status == 0
        assert (tmp_path / "out" / "loss.png").is_file()


@pytest.fixture
def figures(monkeypatch):
    """The figures that a command saves, in order; nothing is drawn into their files."""
    saved = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, *_, **__: saved.append(figure))
    return saved


@pytest.mark.parametrize(
    "studies, failed, said",
    [
        (3, 0, None),
        (3, 1, "2 of 3 studies: 1 not converged"),
        (14, 1, "12 of 14 studies: 1 not converged, 1 more not drawn"),
    ],
)
def test_a_picture_says_which_studies_it_lacks(cli, table, tmp_path, monkeypatch, figures, studies, failed, said):
    path = tmp_path / "runs.csv"
    path.write_text(table(*map(str, range(studies))), encoding="utf-8")
    fits = sf.fit(sf.laws.Chinchilla, sf.read_runs(path), by="study")
    codes = fits.result.copy()
    codes[:failed] = int(sf.RESULTS.max_steps_reached)
    fits = dataclasses.replace(fits, result=codes)
    monkeypatch.setattr(sf, "fit", lambda *_, **__: fits)
    answer = cli("fit", path, "--law", "chinchilla", "--by", "study", "--out", tmp_path / "out")
    assert answer.status == (3 if failed else 0)
    (figure,) = figures
    assert figure.get_suptitle() == (said or "")


def test_figures_are_of_the_level_asked_for(cli, runs_csv, tmp_path, figures):
    arguments = ("--law", "chinchilla", "--bootstrap", "20", "--level", "0.8", "--out", tmp_path / "out")
    assert cli("fit", runs_csv, *arguments).status == 0
    legends = [ax.get_legend() for figure in figures for ax in figure.axes]
    said = [text.get_text() for legend in legends if legend is not None for text in legend.get_texts()]
    assert "80 % interval" in said


def test_runs_done_since(cli, tmp_path, table):
    """In the headers that a design writes or in those of the first table; what is not measured yet is left out."""
    header, *rows = table().splitlines()
    for name, lines in {"old.csv": [header, *rows[:30]], "new.csv": [header, *rows[30:33]],
                        "next.csv": ["N,D,loss", *rows[33:], "1e9,1e10,", "9e12,1e10,2"]}.items():  # fmt: skip
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    append = ("--append", tmp_path / "new.csv", "--append", tmp_path / "next.csv")
    arguments = ("fit", tmp_path / "old.csv", "--law", "chinchilla", "--noise", "gaussian", "--json")
    found = strict(cli(*arguments, "--columns", "D=tokens", "--where", "N < 1e12", *append).out)
    (tmp_path / "whole.csv").write_text(table(), encoding="utf-8")
    whole = strict(cli("fit", tmp_path / "whole.csv", *arguments[2:]).out)
    assert found["parameters"] == whole["parameters"]
    assert found["runs"] == {"used": 36, "dropped": [{"row": 37, "reason": "loss is missing"}], "excluded": 1}
    assert "rows 34 to 37 are rows 1 to 4 of 'next.csv'" in found["notes"]


@pytest.mark.parametrize(
    "content, options, said",
    [
        (
            "N,D,loss\n1e9,1e10,\n2e9,1e10,\n",
            [],
            ["next.csv", "nothing that was measured yet", "'loss' is empty. Fill it in"],
        ),
        ("N,D,loss\n1e9,many,2.2\n", [], ["--append", "next.csv", "'many'; expected a number"]),
        ("N,D,accuracy\n1e9,1e10,0.5\n", [], ["runs.csv' measures loss and 'next.csv' accuracy"]),
        ("N,D,loss\n1e9,1e10,2.2\n2e9,1e10,-2.6\n", [], ["scalefit: loss in row 2 of 'next.csv' is -2.6"]),
        ("N,D,loss,se\n1e9,1e10,2.2,0.1\n", [], ["'next.csv' has an se", "--columns se="]),
        ("N,D,loss\n1e9,1e10,2.2\n", ["--where", "params < 1e8"], ["--append", "'params'"]),
        ("n,w[A],U[A],w[B],U[B],loss\n1e4,1,1e3,0,1e3,2.2\n", [], ["next.csv", "shares of pools"]),
        (None, [], ["no file", "next.csv"]),
    ],
)
def test_tables_that_cannot_be_appended(cli, tmp_path, runs_csv, content, options, said):
    path = tmp_path / "next.csv"
    if content is not None:
        path.write_text(content)
    answer = cli("fit", runs_csv, "--law", "chinchilla", "--append", path, *options)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    for piece in said:
        assert piece in answer.err, answer.err


def test_what_is_held_of_a_law_along_an_axis_is_known_before_its_entries_are(tmp_path):
    path = tmp_path / "mixing.py"
    path.write_text(
        "from scalefit.laws import AbstractLaw\n"
        "from scalefit.params import positive, real\n\n"
        "class Mixing(AbstractLaw):\n"
        "    inputs = {'w[domain]': 'share'}\n"
        "    k: object = positive(amplitude=True)\n"
        "    t: object = real(axis='domain')\n\n"
        "    def __call__(self, w):\n"
        "        return self.k + (w * self.t).sum()\n"
    )
    law: Any = law_of(f"{path}:Mixing", {"k": 1.0})
    assert law.k == 1.0
    assert law.entries("domain") == ()


@pytest.mark.parametrize(
    ("trainings", "why"), [(5, "no more trainings than numbers"), (30, "passes through every run")]
)
def test_no_degree_of_freedom_has_its_reason(trainings, why):
    found = {"freedom": {"left": 0.0, "trainings": trainings, "runs": 30}}
    assert why in first_order_line(found, "intervals: 95 %", True)


def test_a_bootstrap_of_few_runs_says_how_little_they_tell(cli, tmp_path):
    path = tmp_path / "rungs.csv"
    path.write_text("x,loss\n1e18,3.1\n1e19,2.7\n1e20,2.45\n1e21,2.28\n")
    said = cli("fit", path, "--law", "PowerLaw", "--bootstrap", "10").out
    assert "so few tell little of how they scatter" in " ".join(said.split())
    assert "by Student's t of 1 degree of freedom" in " ".join(cli("fit", path, "--law", "PowerLaw").out.split())
