"""Files of options, and options by name."""

import json
from typing import Any

import jsonschema
import pytest

FIT = 'law = "chinchilla"\nnoise = "huber:1e-3"\nfixed = {E = 1.7}\nlevel = 0.9\nstarts = 2\njson = true\n'


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    def write(text, name="fit.toml"):
        path = tmp_path_factory.mktemp("config") / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_gives_options_and_the_document_says_them(cli, runs_csv, written):
    config = written(f'source = "{runs_csv}"\n{FIT}')
    answer = cli("fit", "--config", config, "--set", "level=0.8", "--set", "max-steps=500", "--noise", "gaussian")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert found["schema"] == "scalefit/fit/1"
    assert found["parameters"]["E"]["fixed"]
    # The file, --set in its place, and the command line before both.
    asked = {"law": "chinchilla", "fixed": ["E=1.7"], "level": 0.8, "max_steps": 500, "noise": "gaussian"}
    assert {name: found["config"][name] for name in asked} == asked
    assert (found["level"], found["noise"]) == (0.8, "gaussian")


def test_yaml_says_the_same(cli, runs_csv, written):
    config = written("law: chinchilla\nnoise: huber:1e-3\nstarts: 2\nfixed: [E=1.7]\nbootstrap: null\n", "fit.yaml")
    answer = cli("fit", runs_csv, "--config", config, "--json")
    assert json.loads(answer.out)["config"]["fixed"] == ["E=1.7"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lawe = 'chinchilla'", "names 'lawe'; expected one of the options of `"),
        ("law = true", "law is True; expected text or a number."),
        ("law = [[1]]", "law is [1]; expected text, a number, or a list or table of these."),
        ("law = ", "cannot be read"),
    ],
)
def test_what_a_file_cannot_say_is_refused(cli, runs_csv, written, text, said):
    answer = cli("fit", runs_csv, "--config", written(text))
    assert answer.status == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "lawe=chinchilla"], "The nearest is 'law'."),
        (["--set", "law"], "--set is 'law'; expected NAME=VALUE, as --set max-steps=500."),
        (["--config", "none.toml"], "--config is 'none.toml', which cannot be read"),
    ],
)
def test_words_that_set_nothing_are_refused(cli, words, said):
    answer = cli("fit", *words)
    assert (answer.status, said in answer.err) == (2, True), answer.err


def commands():
    """Every command by its name, those of groups by both words."""
    import typer.main

    from scalefit.cli import main

    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(main).commands.items():  # pyright: ignore[reportAttributeAccessIssue]  a group
        parts = getattr(command, "commands", None)
        found |= {f"{name} {part}": one for part, one in parts.items()} if parts else {name: command}
    return found


def test_every_command_has_both():
    for name, command in commands().items():
        assert {"--config", "--set"} <= {word for one in command.params for word in one.opts}, name


def test_every_command_has_an_example_of_its_own_options():
    for name, command in commands().items():
        word, *example = command.epilog.split()
        assert (word, example[: 1 + len(name.split())]) == ("Example:", ["scalefit", *name.split()])
        options = {word for one in command.params for word in one.opts}
        assert {one for one in example if one.startswith("--")} <= options, name


def test_one_name_has_one_meaning():
    """Every option and argument says the same, takes the same and defaults to the same wherever it stands."""
    meanings: dict[str, dict[str, Any]] = {}
    for name, command in commands().items():
        for one in command.params:
            option = one.param_type_name == "option"
            said = (one.help, one.metavar, one.multiple if option else one.nargs, one.default)
            for word in (*one.opts, *one.secondary_opts) if option else (one.metavar,):
                meanings.setdefault(word, {})[name] = said
    assert len(meanings) > 80
    differing = {word: told for word, told in meanings.items() if len(set(told.values())) > 1}
    assert differing == {}
    assert [word for word in meanings if f"{word}s" in meanings] == []  # nor is one another's plural


def test_schemas_are_json_schema_and_hold_documents(cli):
    found = json.loads(cli("schema").out)
    assert set(found) == {name.replace(" ", "-") for name in commands()} - {"schema"}
    for command, schema in found.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"schema": f"scalefit/{command}/1", "config": {}}, schema)
    assert json.loads(cli("schema", "fit").out) == found["fit"]
    answer = cli("schema", "fitt")
    assert (answer.status, "The nearest is 'fit'" in answer.err) == (2, True)
