"""Messages of the library name arguments; those of a command name its options."""

import pytest

from scalefit import InputError
from scalefit._core import Phrase
from scalefit.cli._words import read_source


@pytest.mark.parametrize(
    "error, said",
    [
        (InputError("method", "mcmc", "a sampler"), "--sampler is 'mcmc'; expected a sampler."),
        (InputError("num_starts", Phrase("has `method`"), remedy="give one"), "--starts has --sampler. Give one."),
        (InputError("max_steps", "`method`"), "--max-steps is '`method`'."),
        (InputError("loss in row 3", -1.0, "numbers above 0"), "loss in row 3 is -1; expected numbers above 0."),
    ],
)  # fmt: skip
def test_arguments_are_named_as_options(ending, error, said):
    assert ending(error) == (2, "", f"scalefit: {said}\n")


@pytest.mark.parametrize("given", ["smoothed:0", "smoothed:", "smoothed:2.5", "last:3", "first", ""])
def test_which_row_of_a_run_is_one_of_three(given):
    with pytest.raises(InputError, match="expected last, least, smoothed, or smoothed:20 for a mean of 20 rows"):
        read_source("runs.csv", None, None, per_run=given)


@pytest.mark.parametrize(
    "code, option",
    [
        ("max_steps", "--max-steps"),
        ("columns={'N': 'Model Size'}", '--columns N="Model Size"'),
        ('columns={"N": "params", "D": None}', "--columns N=params,D="),
        ("columns={...: None}", "--columns NAME="),
        ("columns={...}", "--columns NAME=HEADER,…"),
        ("columns={...: ...}", "--columns NAME=HEADER,…"),
        ("max_steps=1e3", "--max-steps 1e3"),
        ("target='err'", "--target err"),
        ("cluster=None", "--cluster none"),
        ("method='nuts', max_steps=500", "--sampler nuts --max-steps 500"),
        ("law=MyLaw", "--law LAW"),
        ("fits['a']", "a fit with --where instead of --by"),
        ("pooled(runs, Pools({...}))", "--pool-size A=1024,B=2048 or --pools sizes.csv"),
        ("save", "`scalefit fit --out`"),
    ],
)
def test_code_is_named_as_options(ending, code, option):
    assert ending(InputError(f"Do so with `{code}`.")).err == f"scalefit: Do so with {option}.\n"


@pytest.mark.parametrize("code", ["scalefit laws", "n < 3 and", "other=3", "method='nuts', other=3", "x.y(3)"])
def test_other_code_stays(ending, code):
    assert ending(InputError("x", 3, remedy=f"see `{code}`")).err == f"scalefit: x is 3. See `{code}`.\n"
