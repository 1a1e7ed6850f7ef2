"""The command line as people meet it: arguments in; exit status, standard output and standard error out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

import scalefit as sf
from scalefit.cli._schema import schema_of

TRUTH = {"E": 1.7, "A": 400.0, "B": 2000.0, "alpha": 0.34, "beta": 0.37}


class Answer(NamedTuple):
    """Exit status and output of a command."""

    status: int
    out: str
    err: str


def check_document(text: str) -> None:
    """Hold what a command printed with --json against the schema that it names: nothing in it is undescribed."""
    if not text.startswith('{\n  "schema": '):
        return
    found = json.loads(text)
    command = found["schema"].split("/")[1]
    jsonschema.Draft202012Validator(schema_of(command, closed=True)).validate(found)


@pytest.fixture(scope="session")
def truth() -> dict[str, float]:
    return TRUTH


@pytest.fixture(scope="session")
def cli() -> Callable[..., Answer]:
    """Run the command line in this process; compiled code is not kept, so that no setting of JAX changes."""
    from scalefit.cli import main

    def run(*arguments: object) -> Answer:
        done = CliRunner().invoke(main, [str(a) for a in arguments], env={"SCALEFIT_CACHE": "off"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        check_document(done.stdout)
        return Answer(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def table() -> Callable[..., str]:
    """A CSV of 36 runs that follow Chinchilla's law, from several studies if they are named."""

    def text(*studies: str, scatter: float = 2e-3) -> str:
        rng = np.random.default_rng(0)
        lines = ["params,tokens,loss" + (",study" if studies else "")]
        for place, study in enumerate(studies or ("",)):
            sizes, data = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 5e9, 6), np.geomspace(1e9, 1e11, 6)))
            loss = TRUTH["E"] + place + TRUTH["A"] * sizes ** -TRUTH["alpha"] + TRUTH["B"] * data ** -TRUTH["beta"]
            loss = loss * np.exp(scatter * rng.standard_normal(loss.shape))
            lines += [",".join(map(repr, row)) + (f",{study}" if studies else "")
                      for row in zip(sizes.tolist(), data.tolist(), loss.tolist(), strict=True)]  # fmt: skip
        return "\n".join(lines) + "\n"

    return text


@pytest.fixture(scope="session")
def runs_csv(table: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    path.write_text(table(), encoding="utf-8")
    return path


@pytest.fixture
def ending(cli: Callable[..., Answer], runs_csv: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Run `scalefit fit` where the library's own `fit` ends otherwise: by what a function does, or an error."""

    def run(end: Callable[[], None] | BaseException) -> Answer:
        def fit(*_: object, **__: object) -> None:
            if isinstance(end, BaseException):
                raise end
            end()

        monkeypatch.setattr(sf, "fit", fit)
        return cli("fit", runs_csv, "--law", "chinchilla")

    return run
