"""The code of the pages in docs/ runs as it stands."""

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest
import typer
from programs import blocks, differences

import scalefit as sf
from scalefit.cli import main
from scalefit.specs import known_laws

DOCS = Path(__file__).parents[1] / "docs"


def run(page):
    """The names that the code of a page leaves behind; what it shows must be what is printed."""
    names, said = {}, []
    text = (DOCS / page).read_text(encoding="utf-8")
    for number, block in enumerate(blocks(text)):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block, f"docs/{page}, Python block {number + 1}", "exec"), names)
        said.append(printed.getvalue())
        print(said[-1], end="")
    assert differences(said, text) == []
    return names


def script(name):
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_page_on_laws_says_what_laws_say():
    """Run `python docs/make_laws.py` where it does not."""
    made = script("make_laws")
    page = (DOCS / "laws.md").read_text(encoding="utf-8")
    assert made.page() == page
    pictures = {path.stem for path in (DOCS / "images" / "laws").glob("*.png")}
    assert pictures == set(re.findall(r"!\[(\w+)\]", page)) == {cls.__name__ for cls in known_laws().values()}
    for place in ("../README.md", "index.md", "which_law.md"):
        assert f" {len(pictures)} " in (DOCS / place).read_text(encoding="utf-8").replace("[", " ")


def test_the_reference_has_every_public_name_and_every_option():
    pages = script("reference").pages()
    named = "".join(text for place, text in pages.items() if place.startswith("api/"))
    families = ("laws", "noise", "params", "plot", "posterior")
    assert [
        n for n in dir(sf) if n not in families and not n.startswith("__") and f"::: scalefit.{n}\n" not in named
    ] == []
    assert "::: scalefit.plot.backtest\n" in named
    commands = pages["commands.md"]
    for command in ("fit", "plan", "data list"):
        assert f"\n## scalefit {command}\n" in commands
    assert "`--target-loss` `LOSS,…`" in commands
    # Links of documents from elsewhere lead to pages.
    assert "](forecasts.md)" in pages["changelog.md"]
    assert "](docs/" not in "".join(pages.values())


@pytest.mark.usefixtures("public_data")
def test_the_readme_says_what_its_picture_shows():
    """Run `python docs/make_picture.py` where it does not."""
    made = script("make_picture")
    runs, small, _, forecast, alone = made.foreseen()
    said = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    for one in (forecast, alone):
        assert f" {made.held(one, runs.target[~small]):.1f} %" in said


def test_commands_and_their_options_exist():
    """Of every page, in blocks and in lines."""
    root = typer.main.get_command(main)
    unknown = []
    for path in [DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        written = "\n".join(re.findall(r"^```bash\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL))
        lines = [*written.replace("\\\n", " ").splitlines(), *re.findall(r"`((?:\.venv/bin/)?scalefit [^`]+)`", text)]
        for line in lines:
            words = iter(re.split(r"[\s=]+", re.split(r"\s#|[;|]", line)[0].strip()))
            if not any(word.endswith("scalefit") for word in words):
                continue
            if not (rest := list(words)) or rest[0] in ("COMMAND", "--help"):
                continue
            command = getattr(root, "commands").get(rest[0])  # noqa: B009  Typer's types know no groups
            parts = getattr(command, "commands", {})
            command = parts.get(rest[1], command) if len(rest) > 1 else command
            known = {flag for one in getattr(command, "params", ()) for flag in (*one.opts, *one.secondary_opts)}
            flags = [word.strip("\"'") for word in rest if word.startswith("--")]
            if command is None or {*flags} - known - {"--help"}:
                unknown.append((path.name, line))
    assert unknown == []


def test_tables_are_whole():
    """A row without a head above it is no table on the site."""
    for path in (*DOCS.glob("*.md"), *DOCS.parent.glob("*.md"), *DOCS.parent.glob("[bs]*/README.md")):
        lines = ["", *path.read_text(encoding="utf-8").splitlines(), ""]
        for i, line in enumerate(lines[1:-1], 1):
            if line.startswith("|") and not lines[i - 1].startswith("|"):
                assert re.fullmatch(r"[|:\- ]+", lines[i + 1]), f"{path.name}: {line}"


def test_the_page_on_systems_has_a_row_for_each():
    page = (DOCS / "systems.md").read_text(encoding="utf-8")
    named = re.findall(r"test_systems\.py -k (\w+)", page)
    tests = re.findall(
        r"^def (test_\w+)", (DOCS.parent / "tests/estimate/test_systems.py").read_text(encoding="utf-8"), re.M
    )
    assert all(sum(name in test for name in named) == 1 for test in tests)
    assert len(named) == len(tests)


def test_the_page_on_fits_runs(capsys):
    names = run("fits.md")
    assert capsys.readouterr().out.splitlines()[0] == "undetermined True False"
    assert names["line"].converged


def test_the_page_on_tables_runs(capsys):
    names = run("tables.md")
    assert (len(names["runs"]), len(names["large"]), len(names["both"])) == (3, 2, 3)
    assert "100" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:'xlstm'", "ignore:The training of the plan for", "ignore:The first")
@pytest.mark.usefixtures("public_data")
def test_the_page_on_plans_runs(capsys):
    names = run("planning.md")
    said = capsys.readouterr().out
    llama = sf.load_data("xlstm", where="data_set == 'isoflop_llama_ctx8192' and `val/.dclm_loss` < 3.5")
    assert "hoffmann-rounded [92.6" in said
    assert "2 runs lie far above the curve of their neighbours" in said
    # What the page says in words.
    loss, N = names["plan"].loss, names["plan"].N
    assert loss.high[1] / loss.low[1] - 1 == pytest.approx(0.020, abs=0.001)
    assert [N.low[1] / 1e9, N.high[1] / 1e9] == pytest.approx([55, 98], abs=1)
    assert float(names["curves"].trend_N.exponent) == pytest.approx(0.58, abs=0.005)
    with pytest.warns(UserWarning, match="far above"):
        kept = sf.isoflop(llama, by="IsoFLOP", method="parabola")
    assert float(kept.trend_N.exponent) == pytest.approx(0.49, abs=0.005)


@pytest.mark.usefixtures("public_data")
def test_the_page_on_next_runs_runs():
    assert len(run("next_runs.md")["design"]) == 5


def test_the_page_on_speed_runs():
    names = run("speed.md")
    assert names["fit"].converged
    assert len(names["draws"]) == 100


@pytest.mark.usefixtures("public_data")
def test_the_page_on_forecasts_runs(capsys):
    names = run("forecasts.md")
    said = capsys.readouterr().out
    assert "45.4 times the compute of the largest run" in said
    assert len(names["tested"]) == 815
    assert len(names["choices"]) > 10


def test_the_page_on_few_runs_runs(capsys):
    names = run("few_runs.md")
    assert names["found"].factor.value == pytest.approx(1.86, abs=0.01)
    assert names["both"].free == ("E", "A[web]", "A[code]", "B", "alpha", "beta")
    assert "tell one cause: N and D couple" in capsys.readouterr().out


def test_the_page_on_mixtures_runs():
    names = run("mixtures.md")  # which holds what is printed against what stands there
    best = names["best"]
    assert 1.0 < float(names["swap"]["value"].factor.value) < 3.0
    assert best.allowed == {"natural": True, "uniform": False, "observed": False}


def test_the_page_on_checks_runs(capsys):
    run("checks.md")
    assert "times its interval" in capsys.readouterr().out


def test_the_page_on_systems_runs():
    assert run("systems.md")["crossing"].probability > 0.9
