"""The description of a sweep, as a TOML file or a mapping, checked once."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic

from .._core import InputError, Phrase, check_type, hint, shown
from ..data import Runs
from ..laws import AbstractLaw
from ..noise import AbstractNoise


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Source(_Strict):
    """Runs to fit.

    **Arguments:**

    - `runs`: A file (relative to that of the sweep), `data:NAME`, or `Runs`.
    - `name`: What results call it; the file's or data set's own name unless given.
    - `where`, `columns`, `target`: As `read_runs` takes them.
    - `by`: The label or column whose values are groups, each fitted by itself; all runs are one group without.
    """

    runs: Any
    name: str | None = None
    where: str | None = None
    columns: dict[str, str] = {}
    target: str | tuple[str, ...] | None = None
    by: str | tuple[str, ...] | None = None

    @pydantic.field_validator("runs")
    @classmethod
    def _known(cls, runs: Any) -> Any:
        if not isinstance(runs, str | Path | Runs):
            raise ValueError("expected a file, data:NAME, or Runs")
        return str(runs) if isinstance(runs, Path) else runs

    @pydantic.model_validator(mode="after")
    def _read(self) -> "Source":
        if isinstance(self.runs, Runs) and (self.columns or self.target):
            raise ValueError("columns and target are of files, and these are Runs: name them where they are made")
        return self


class Law(_Strict):
    """A law by name, with values to hold: `{law = "Chinchilla", fixed = {E = 1.7}}`.

    Results call it `name`, its class's own unless given.
    """

    law: Any
    name: str = ""
    fixed: dict[str, float] = {}

    @pydantic.field_validator("law")
    @classmethod
    def _known(cls, law: Any) -> Any:
        own = isinstance(law, AbstractLaw) or (isinstance(law, type) and issubclass(law, AbstractLaw))
        if not isinstance(law, str) and not own:
            raise ValueError("expected the name of a law, file.py:Class, or a law")
        return law


_TAKEN = {
    "fit": (),
    "bootstrap": ("num",),
    "posterior": ("num", "method"),
    "plan": ("budgets", "cost", "draws", "num", "method"),
    "curate": ("budgets", "sizes"),
}
"""Options of each verb."""


class Verb(_Strict):
    """A verb, done with each fit.

    **Arguments:**

    - `verb`: `"fit"` alone; `"bootstrap"` or `"posterior"` for errors and intervals; `"plan"` or `"curate"` for what to
      train at each of `budgets`.
    - `num`: Draws, for a bootstrap, a posterior, or of a plan that asks for them.
    - `draws`: Of a plan: what makes its intervals, `"bootstrap"` or `"posterior"`; none unless given.
    - `method`: Of a posterior: see `sample`.
    - `budgets`: FLOP for `plan`, samples for `curate`.
    - `cost`: Of a plan, in a word: see `allocate`.
    - `sizes`: Of `curate`: unique samples, by pool.
    - `name`: What results call it; the verb's own unless given.
    """

    verb: Literal["fit", "bootstrap", "posterior", "plan", "curate"]
    num: int = pydantic.Field(default=1000, ge=2)
    draws: Literal["bootstrap", "posterior"] | None = None
    method: Literal["auto", "is", "nuts", "svi"] = "auto"
    budgets: tuple[pydantic.PositiveFloat, ...] = ()
    cost: str = "6ND"
    sizes: dict[str, pydantic.PositiveFloat] = {}
    name: str = ""

    @pydantic.model_validator(mode="after")
    def _whole(self) -> "Verb":
        if self.verb in ("plan", "curate") and not self.budgets:
            raise ValueError(f"{self.verb} needs budgets, as budgets = [1e22, 1e24]")
        if self.verb == "curate" and not self.sizes:
            raise ValueError("curate needs the unique samples of each pool, as sizes = {A = 1e6, B = 2e6}")
        taken = {"verb", "name", *_TAKEN[self.verb]}
        if self.draws is None and self.verb == "plan":
            taken -= {"num", "method"}
        if unused := sorted(self.model_fields_set - taken):
            raise ValueError(f"{unused[0]} is no option of {self.verb}; it takes {', '.join(sorted(taken - {'verb'}))}")
        return self

    @property
    def called(self) -> str:
        """Its name in results."""
        return self.name or self.verb

    @property
    def drawn(self) -> str | None:
        """Method of its draws; `None` without any."""
        return self.verb if self.verb in ("bootstrap", "posterior") else self.draws


class Config(_Strict):
    """A sweep: every law, noise, split, seed and verb for every group of every source.

    **Arguments:**

    - `sources`, `laws`, `verbs`: Words, or tables of their own: see `Source`, `Law`, `Verb`.
    - `noises`: As `--noise` of `scalefit fit` takes them, or of `scalefit.noise`.
    - `splits`: Which runs of a group are fitted: see `Split`.
    - `seeds`: How many, or which; a fit of all runs without draws takes none and is done once.
    - `seed`: Of the whole sweep.
    - `starts`: Starts of the screen that are polished.
    - `max_steps`, `precision`: See `fit`.
    - `level`: Probability of intervals.
    - `cluster`: What is drawn as one: see `Runs.clusters`.
    - `chunk`: Fits done, kept and lost together; as many as `memory` has room for unless given, 4,096 at most.
    - `memory`: What a chunk may take, as `"1GB"`.
    - `keep_draws`: Whether draws are kept, as a list a parameter.
    - `allow`: Ids of checks whose errors in a source are known and meant, as `"units"`.
    """

    sources: tuple[Source, ...] = pydantic.Field(min_length=1)
    laws: tuple[Law, ...] = pydantic.Field(min_length=1)
    noises: tuple[Any, ...] = pydantic.Field(default=("student-t:4",), min_length=1)
    splits: tuple[str, ...] = pydantic.Field(default=("all",), min_length=1)
    seeds: int | tuple[pydantic.NonNegativeInt, ...] = 1
    verbs: tuple[Verb, ...] = pydantic.Field(default=(Verb(verb="fit"),), min_length=1)
    seed: int = pydantic.Field(default=0, ge=0, lt=2**31)
    starts: int = pydantic.Field(default=2, ge=1)
    max_steps: int = pydantic.Field(default=3000, ge=1)
    precision: Literal["float64", "float32", "mixed"] = "float64"
    level: float = pydantic.Field(default=0.95, gt=0.0, lt=1.0)
    cluster: str | tuple[str, ...] | None = "auto"
    chunk: int | None = pydantic.Field(default=None, ge=1)
    memory: pydantic.ByteSize = pydantic.Field(default=pydantic.ByteSize(10**9), gt=0)
    keep_draws: bool = False
    allow: tuple[str, ...] = ()

    @pydantic.field_validator("sources", "laws", "verbs", mode="before")
    @classmethod
    def _tables(cls, given: Any, info: Any) -> Any:
        """A word, or one table, stands for a list of tables."""
        key = {"sources": "runs", "laws": "law", "verbs": "verb"}[info.field_name]
        rows = given if isinstance(given, list | tuple) else [given]
        return tuple(row if isinstance(row, Mapping | _Strict) else {key: row} for row in rows)

    @pydantic.field_validator("noises", "splits", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        return tuple(given) if isinstance(given, list | tuple) else (given,)

    @pydantic.field_validator("noises")
    @classmethod
    def _noises(cls, given: tuple[Any, ...]) -> tuple[Any, ...]:
        if not all(isinstance(noise, str | AbstractNoise) for noise in given):
            raise ValueError('expected words, as "huber:1e-3", or noises of scalefit.noise')
        return given

    @pydantic.field_validator("seeds", mode="before")
    @classmethod
    def _numbers(cls, given: Any) -> Any:
        several = given if isinstance(given, list | tuple) else [given]
        if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**63 for n in several) or not given:
            raise ValueError("expected how many seeds, 1 or more, or a list of whole numbers from 0 to 2^63 - 1")
        if len(set(several)) < len(several):
            raise ValueError("a seed is given twice")
        return given

    @property
    def each_seed(self) -> Sequence[int]:
        """The seeds; there may be too many to hold."""
        return range(self.seeds) if isinstance(self.seeds, int) else self.seeds


def read_config(given: str | Path | Mapping[str, Any] | Config) -> tuple[Config, Path]:
    """The sweep that a TOML file or a mapping describes, and the folder that its files are relative to.

    **Arguments:**

    - `given`: A path, a mapping, or what was read before.

    **Returns:** both; the folder of a mapping is the current one.

    **Raises:** `InputError` for a file that cannot be read, and naming the first key that is unknown or has no fit
    value.
    """
    if isinstance(given, Config):
        return given, Path.cwd()
    if isinstance(given, Mapping):
        return _checked(given, "The sweep"), Path.cwd()
    path = Path(check_type("The sweep", given, (str, Path), "a TOML file, or a mapping with its keys"))
    if not path.is_file():
        raise InputError(repr(str(path)), Phrase("is no file"), "a TOML file, or a mapping with its keys")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        expected = 'a sweep, as in sources = ["runs.csv"] and laws = ["Chinchilla"]'
        raise InputError(repr(str(path)), Phrase(f"cannot be read as TOML ({error})"), expected) from None
    return _checked(document, repr(str(path))), path.resolve().parent


def _checked(given: Mapping[str, Any], called: str) -> Config:
    try:
        return Config.model_validate(dict(given))
    except pydantic.ValidationError as found:
        error = found.errors(include_url=False)[0]
    # Of what may be one thing or another the library names which it was tried as.
    place = ".".join(str(part) for part in error["loc"] if "[" not in str(part) and part not in ("int", "str"))
    argument, said = f"{called}: {place}", error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        model = {"sources": Source, "laws": Law, "verbs": Verb}.get(str(error["loc"][0]), Config)
        near = hint(str(error["loc"][-1]), model.model_fields, what="keys")
        raise InputError(argument, Phrase("is not known"), remedy=near)
    if error["type"] == "missing":
        example = _EXAMPLES.get(place, f"{place} = …")
        raise InputError(argument, Phrase("is missing"), remedy=f"give it, as in {example}")
    if error["type"] == "too_short":
        raise InputError(argument, Phrase("is empty"), "one at least")
    if error["type"].startswith("byte_size"):
        raise InputError(argument, error["input"], 'bytes, as "1GB", "1GiB" or 2e9')
    if said.startswith("expected "):
        raise InputError(argument, error["input"], said.removeprefix("expected "))
    raise InputError(argument, Phrase(f"is {shown(error['input'])}: {said[0].lower()}{said[1:]}"))


_EXAMPLES = {"sources": 'sources = ["runs.csv"]', "laws": 'laws = ["Chinchilla"]'}
