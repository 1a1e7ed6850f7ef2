"""Promises of the README, of the pages that follow it, and of CONTRIBUTING, kept."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from programs import NUMBER, differences

import scalefit as sf

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TOUR = ("README.md", *(f"docs/{page}.md" for page in (
    "start", "which_law", "how_sure", "data_pools", "why_wide", "concepts", "sweeps", "extending", "index",
)))  # fmt: skip
"""Documents that fit the same runs, so that most of what they need is compiled once."""
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def without_numbers(text: str) -> list[str]:
    return re.sub(NUMBER, "#", text).split()


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(NUMBER, text)]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Output of the Python of the tour in a process of its own, and the programs that each verb compiles."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "programs.py", *(ROOT / name for name in TOUR)], capture_output=True,
        encoding="utf-8", check=False, cwd=tmp_path_factory.mktemp("readme"),
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_python_of_the_tour_runs(python):
    said = {name: "".join(python["said"][str(ROOT / name)]) for name in TOUR}
    for start in ("Comparison of 2 laws", "Forecast 0.9", "Allocation by Chinchilla", "Design of 5 of 42 runs"):
        assert re.search(rf"^{start}", said["README.md"], flags=re.MULTILINE)
    assert re.search(r"^alpha = 0\.\d+ ± ", said["docs/start.md"], flags=re.MULTILINE)
    assert "L(N = 1e5, D = 1e6) = " in said["docs/start.md"]
    assert re.search(r"^without w\d+-s\d+ the prediction would change by [+-]", said["docs/how_sure.md"], re.MULTILINE)
    assert "for each unit of the loss of run " in said["docs/how_sure.md"]
    assert "natural proportions overtake equal shares at " in said["docs/data_pools.md"]
    best, least = (float(line.rstrip("%")) for line in said["docs/why_wide.md"].splitlines()[-2:])
    assert best > 10 * least


@pytest.mark.parametrize("name", TOUR)
def test_what_the_tour_shows_is_what_it_prints(python, name):
    assert differences(python["said"][str(ROOT / name)], (ROOT / name).read_text(encoding="utf-8")) == []


def test_the_readme_is_short():
    assert len(README.split()) < 600


def test_no_verb_compiles_more_programs_than_it_did(python):
    """Nothing is said of fewer: `programs.toml` is written anew then."""
    known = tomllib.loads((ROOT / "tests" / "programs.toml").read_text(encoding="utf-8"))
    more = {verb: count for verb, count in python["programs"].items() if count > known.get(verb, 0)}
    assert more == {}


def test_the_commands_of_the_first_page_run_and_print_what_it_says(tmp_path):
    part = (ROOT / "docs" / "start.md").read_text(encoding="utf-8").split("## On the command line")[1]
    said = []
    for line in blocks(part, "bash")[0].splitlines():
        program, *words = shlex.split(line)
        assert program == ".venv/bin/scalefit"
        arguments = [str(ROOT / word) if (ROOT / word).is_file() else word for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "scalefit.cli", *arguments], capture_output=True, encoding="utf-8", check=False,
            cwd=tmp_path, env={**os.environ, "SCALEFIT_CACHE": "off", "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        said.append(done.stdout)
    (shown,) = blocks(part, "text")
    assert without_numbers(said[-1]) == without_numbers(shown)
    assert numbers(said[-1]) == pytest.approx(numbers(shown), rel=2e-3)


def test_ci_runs_the_commands_that_contributing_gives():
    checks = CONTRIBUTING.split("## Checks")[1]
    for command in blocks(checks, "bash")[0].splitlines():
        assert f"step {command}" in CI
    install = blocks(CONTRIBUTING, "bash")[0].splitlines()[-1]
    assert f"step {install}" in CI
    assert install.removeprefix("pip ") in README


def test_every_law_is_on_the_page_that_the_readme_names():
    page = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8")
    own = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert "(docs/laws.md)" in README
    for name in dir(sf.laws):
        member = getattr(sf.laws, name)
        if isinstance(member, type) and issubclass(member, sf.laws.AbstractLaw) and member is not sf.laws.AbstractLaw:
            assert name in page or f"`{name}`" in own


def test_the_layers_are_those_that_are_kept():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    kept = re.findall(r'^  "\(?(\w+)\)?",$', pyproject.split("layers = [")[1].split("]")[0], flags=re.MULTILINE)
    there = [layer for layer in kept if (ROOT / "scalefit" / layer).is_dir()]
    assert " → ".join(there) in CONTRIBUTING


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_links_lead_somewhere(text):
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).is_file(), target
