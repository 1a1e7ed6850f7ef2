"""What every scaling law is: named inputs, declared parameters, a formula."""

import abc
import dataclasses
import functools
import inspect
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar, cast

import jax.numpy as jnp
import numpy as np

from .._core import InputError, Phrase, listed, suggestion
from ..params import Scalar, Tree, axis

if TYPE_CHECKING:
    # Type checkers would take an abstract class variable for a field and ask for it in every constructor.
    from typing import ClassVar as AbstractClassVar
else:
    from equinox import AbstractClassVar

Law = TypeVar("Law", bound="AbstractLaw")
"""Some law: what `typing.Self` would say, which run-time checks of single methods cannot read."""


@functools.cache
def _published() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "published.toml").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Published:
    """One published set of parameters of a law.

    **Arguments:**

    - `values`: Parameter name → value, in the law's own convention and units.
    - `source`: Where it was published: arXiv id, and the table, file or notebook.
    - `status`: How it was checked: `"code"` read in released code, `"run"` recomputed, `"2nd"` read in a secondary
      transcription, `"mem"` from memory. The last two are unverified.
    - `about`: What it was fitted to, and its units.
    - `loss_kind`, `param_count`, `units`, `range_fitted`: What y and N count, the units of the inputs, and the runs'
      range, where known.
    """

    values: Mapping[str, float]
    source: str
    status: Literal["code", "run", "2nd", "mem"]
    about: str = ""
    loss_kind: str = ""
    param_count: str = ""
    units: str = ""
    range_fitted: str = ""


class PublishedSets:
    """The published parameters of the law class that is asked."""

    def __get__(self, law: Any, cls: type) -> Mapping[str, Published]:
        return {name: Published(**said) for name, said in _published().get(cls.__name__, {}).items()}


class Doubt(NamedTuple):
    """What runs of a study do not determine of a law, or contradict.

    **Arguments:**

    - `study`: Which; `more`: how many others are like it.
    - `message`: What is wrong and what to do, to follow the name of the study.
    - `category`: The warning that it is.
    """

    study: int
    more: int
    message: str
    category: type[Warning]


class AbstractLaw(Tree):
    """A formula from the description of one run to one number, with named, constrained parameters.

    A subclass declares its parameters (`scalefit.params`), its `inputs` and its formula, `__call__`. Fields hold
    natural values in the paper's convention; a field that was not given is NaN, "to be fitted". Calling a law
    follows JAX's ambient precision and works under `jit`, `vmap` and `grad`; `scalefit.predict` is the float64 way.
    """

    inputs: AbstractClassVar[Mapping[str, Any]]
    """Name of an input → its kind (`scalefit.laws.Size`, `Fraction`, …), or the unit of a size, which is above 0.

    Sizes of one unit are centred together. A law that holds others makes this a property."""

    def __init_subclass__(cls, **arguments: Any):
        """Give a class a field for each axis of its inputs that it does not declare: the names of the entries."""
        super().__init_subclass__(**arguments)
        said = vars(cls).get("inputs")
        kinds = [*said, *said.values()] if isinstance(said, Mapping) else []
        named = [k.partition("[")[2][:-1] if isinstance(k, str) else getattr(k, "axis", None) for k in kinds]
        declared = {name for base in cls.__mro__ for name in inspect.get_annotations(base)}
        own = inspect.get_annotations(cls)
        for name, given in vars(cls).items():
            if isinstance(given, dataclasses.Field) and name not in own:
                raise InputError(
                    f"{cls.__name__}.{name}", Phrase("has no type"), remedy=f"declare it as `{name}: Param = …`"
                )
        for name in named:
            if name and name.isidentifier() and name not in declared:
                own[name] = tuple[Any, ...]
                setattr(cls, name, axis())
        cls.__annotations__ = own

    published_sets = PublishedSets()
    """Published parameters of this law, by name, from `published.toml`; a law of one's own may give a dictionary."""

    @abc.abstractmethod
    def __call__(self, *args: Any, **inputs: Any) -> Scalar:
        """The law's value for one run."""

    smaller_is_better: ClassVar[bool] = True
    """Whether a lower value is the better one, as of a loss; plans of sizes are of such laws alone."""

    convex_in: ClassVar[tuple[str, ...]] = ()
    """Inputs along an axis in which the value is convex, whatever the parameters: an optimum over them is then known
    to be the best."""

    screened: ClassVar[bool] = True
    """Whether a screen over its shapes finds where a fit may begin."""

    def sized_for(self: Law, inputs: Mapping[str, Any]) -> Law:
        """The law with whatever static size its formula needs to cover these inputs; most need none."""
        del inputs
        return self

    def smooth(self: Law) -> Law:
        """A form of the law without kinks, or as few as it has, for a search along its slopes."""
        return self

    def compact(self: Law) -> Law:
        """The form of the law of the smaller program, which names of entries do not change."""
        return self

    def log_excess(self, *args: Any, **inputs: Any) -> Any:
        """What plans of mixtures lower: the logarithm of the value, or of what it has above a floor."""
        return jnp.log(self(*args, **inputs))

    def guesses(self: Law, inputs: Mapping[str, Any], target: np.ndarray, free: Sequence[str]) -> Sequence[Law]:
        """Laws from which the fit of one study may begin; none for most laws.

        What has many shapes is not screened well, and may be near its optimum at what a linear regression gives. They
        are scouts beside those of the screen, or stand in its place where the law is not `screened`. A law whose
        parameters have a leading axis stands for many.

        **Arguments:**

        - `inputs`: As the formula takes them, by run; `target`: what was measured.
        - `free`: Names of the parameters to be fitted; the law has the values of the others.
        """
        del inputs, target, free
        return ()

    def doubts(
        self, inputs: Mapping[str, Any], target: np.ndarray, study: np.ndarray, free: Sequence[str]
    ) -> Iterator[Doubt]:
        """Say what fitted runs do not show, or show and the law cannot say.

        **Arguments:**

        - `inputs`: As the formula takes them, by run.
        - `target`: What was measured; `study`: the study of each run, from 0.
        - `free`: Names of the parameters that were fitted.
        """
        del inputs, target, study, free
        return iter(())

    def __repr__(self) -> str:
        shown = []
        for field in dataclasses.fields(self):
            if field.name.startswith("_"):
                continue
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray) and value.size <= 8:
                value = value.tolist()
            elif hasattr(value, "shape"):
                value = f"{value.dtype}{list(value.shape)}"
            shown.append(f"{field.name}={value}")
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def published(cls: type[Law], name: str) -> Law:
        """The law with a published set of parameters.

        **Arguments:**

        - `name`: One of `published_sets`, where the source and the status of each stand.

        **Raises:** `InputError` for an unknown name.
        """
        known = cls.published_sets
        if name not in known:
            remedy = suggestion(name, known) or f"it has {listed(known) or 'none'}"
            raise InputError(cls.__name__, Phrase(f"has no published parameters named {name!r}"), remedy=remedy)
        return cast(Callable[..., Law], cls)(**known[name].values)
