"""What the README and CONTRIBUTING promise is what happens."""

import re
from pathlib import Path

import pytest

import scalefit as sf

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(README, "python")):
        exec(compile(block, f"README.md, Python block {number + 1}", "exec"), names)
    said = capsys.readouterr().out
    assert re.search(r"^alpha = 0\.\d+ ± ", said, flags=re.MULTILINE)
    assert "L(N = 1e5, D = 1e6) = " in said


def test_ci_runs_the_commands_that_contributing_gives():
    checks = CONTRIBUTING.split("## Checks")[1]
    for command in blocks(checks, "bash")[0].splitlines():
        assert f"step {command}" in CI
    install = blocks(CONTRIBUTING, "bash")[0].splitlines()[-1]
    assert f"step {install}" in CI
    assert install.removeprefix("pip ") in README


def test_every_law_is_in_the_readme():
    for name in dir(sf.laws):
        member = getattr(sf.laws, name)
        if isinstance(member, type) and issubclass(member, sf.laws.AbstractLaw) and member is not sf.laws.AbstractLaw:
            assert f"`{name}`" in README


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_the_layers_are_those_that_are_kept(text):
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    kept = re.findall(r'^  "\(?(\w+)\)?",$', pyproject.split("layers = [")[1].split("]")[0], flags=re.MULTILINE)
    there = [layer for layer in kept if (ROOT / "scalefit" / layer).is_dir()]
    assert " → ".join(there) in text


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_links_lead_somewhere(text):
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).is_file(), target
