"""Fits and ensembles of draws."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from .._core import RESULTS
from ..laws import AbstractLaw
from ..noise import AbstractNoise
from ..params import slots, values
from ..problem import Problem, Source

LawT = TypeVar("LawT", bound=AbstractLaw)

END = 1e-6
"""Share of an interval within which of its end a parameter lies at it."""


class Fit(eqx.Module, Generic[LawT]):
    """A fitted law, or a batch of them along a leading axis.

    **Arguments:**

    - `law`: The law with natural values, NumPy float64.
    - `objective`: The summed cost at the optimum.
    - `result`: A `RESULTS` code.
    - `scale`: The spread of the residuals: the estimated scale of the noise where it has one, otherwise the root mean
      square, or of an absolute noise the median `se`; on log values if the noise is, and of a run of the median `se`
      if runs have one.
    - `residuals`: Observed minus fitted, on the noise's scale; NaN pads shorter studies of a batch.
    - `unidentified`: By free parameter: whether no run responds to it at the optimum (a term that vanished, a bound at
      infinity).
    - `agreeing`: How many starts reached the best objective, within 1e-6 of it.
    - `tried`: How many starts were polished.
    - `scouts`: How many scouts, which look for lower optima than the starts', ended at the best objective, and how many
      were followed to their ends; zeros where none was sent, `None` for a fit saved before they were counted.
    - `problem`: What was fitted: law, runs, noise, what was held fixed, and the studies of a batch.
    - `seed`: The seed of its starts.
    - `optima`: Optima that were met, best first, in free numbers about the centre of the runs; NaN where there are
      fewer. `None` for a fit that was not made from starts, or was saved before they were kept.
    """

    law: LawT
    objective: Float[np.ndarray, "*batch"]
    result: Int[np.ndarray, "*batch"]
    scale: Float[np.ndarray, "*batch"]
    residuals: Float[np.ndarray, "*batch run"]
    unidentified: Bool[np.ndarray, "*batch free"]
    agreeing: Int[np.ndarray, "*batch"]
    problem: Problem = eqx.field(static=True)
    tried: int = eqx.field(static=True)
    seed: int = eqx.field(static=True)
    optima: Float[np.ndarray, "*batch start number"] | None = eqx.field(default=None, repr=False)
    scouts: Int[np.ndarray, "*batch 2"] | None = None

    def __repr__(self) -> str:
        """What a reader asks first: which law, how well, from how many starts."""
        count = self.source.used if self.keys is not None else self.residuals.shape[-1]
        study = "" if self.key is None else f", study {self.key!r}"
        used = f"{count} runs of {self.source.name!r}{study}"
        if self.keys is not None:
            good = int(np.sum(self.converged))
            return f"Fit of {type(self.law).__name__} to {len(self.keys)} studies, {used}: {good} converged"
        state = "converged" if self.converged else RESULTS(int(self.result)).message
        gone = self.unidentified & ~self.at_end
        agree = "end where no run responds to some parameters" if self.converged and gone.any() else "agree"
        searched = searches(int(self.agreeing), self.tried, self.followed, self.met)
        lost = [name for name, one in zip(self.free, gone, strict=True) if one]
        lines = [
            f"Fit of {self.law!r}",
            f"  {used}; {type(self.noise).__name__}; objective {float(self.objective):.10g}; {state}",
            f"  {searched.replace('agree', agree, 1)}",
        ]
        reduced = f"  no run responds to {', '.join(lost)}: they follow the smaller law without"
        return "\n".join([*lines, *([reduced] if lost else [])])

    @property
    def followed(self) -> Int[np.ndarray, "*batch 2"]:
        """The `scouts`, none where they are not known."""
        return np.zeros((*np.shape(self.agreeing), 2), int) if self.scouts is None else self.scouts

    @property
    def met(self) -> Any:
        """How many different optima were met and kept, one at least: a number, or an array of them for a batch."""
        if self.optima is None:
            return np.ones(np.shape(self.agreeing), int)
        return np.maximum(np.isfinite(self.optima).all(axis=-1).sum(axis=-1), 1)

    @property
    def template(self) -> LawT:
        """The law without the axis of studies; its free parameters are those of the first study."""
        return self.law if self.keys is None else jax.tree.map(lambda a: a[0], self.law)

    @property
    def fit(self) -> "Fit[LawT]":
        """The fit itself, so that one and draws about one are asked alike."""
        return self

    @property
    def noise(self) -> AbstractNoise:
        """How the runs scatter."""
        return self.problem.noise

    @property
    def source(self) -> Source:
        """Where the numbers came from."""
        return self.problem.source

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the fitted parameters."""
        return self.problem.free

    @property
    def fixed(self) -> tuple[str, ...]:
        """Names of the parameters that were held fixed."""
        curve = self.problem.curve
        return tuple(curve.slots[k].name for k in curve.fixed)

    @property
    def by(self) -> str | tuple[str, ...] | None:
        """What the studies of a batch were split by."""
        return self.problem.by

    @property
    def keys(self) -> tuple[Hashable, ...] | None:
        """The studies of a batch, in order; `None` for a single fit."""
        return self.problem.keys

    @property
    def key(self) -> Hashable:
        """Which study of a batch this fit is, where it was taken out of one."""
        return self.problem.key

    @property
    def converged(self) -> Any:
        """Whether the optimum was reached: a bool, or an array of them for a batch."""
        good = self.result == int(RESULTS.successful)
        return bool(good) if np.ndim(good) == 0 else good

    @property
    def reached(self) -> Any:
        """Whether the least objective was reached, if only as parameters run away (`RESULTS.undetermined`)."""
        good = (self.result == int(RESULTS.successful)) | (self.result == int(RESULTS.undetermined))
        return bool(good) if np.ndim(good) == 0 else good

    @property
    def at_end(self) -> Bool[np.ndarray, "*batch free"]:
        """Which free parameters lie at an end of the interval that they may lie in."""
        known = slots(self.template)
        places = [k for k, slot in enumerate(known) if slot.name in self.free]
        low, high = np.array(
            [[known[k].parameter.constraint.low, known[k].parameter.constraint.high] for k in places]
        ).T
        with np.errstate(invalid="ignore"):
            value = values(self.law)[..., places]
            room = np.minimum(value - low, high - value)
            return np.isfinite(high - low) & (room <= END * (high - low))

    def __getitem__(self, key: Hashable) -> "Fit[LawT]":
        """One study of a batch, by its key, as a fit of its own."""
        problem = self.problem.study(key)
        one = _study(self, (self.keys or ()).index(key), keep="problem")
        return dataclasses.replace(one, residuals=one.residuals[np.isfinite(one.residuals)], problem=problem)

    @property
    def at(self) -> "_ByPosition":
        """The studies of a batch by position: `fits.at[i]`."""
        return _ByPosition(self)

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        if self.keys is None:
            raise TypeError("A single fit has no length; fits of a batch have one.")
        return len(self.keys)


def searches(agreeing: int, tried: int, scouts: Sequence[int] | np.ndarray, met: int) -> str:
    """How many searches ended at the best objective, in words."""
    found, followed = scouts
    more = f" and {found} of {followed} scouts" if followed else ""
    return f"{agreeing} of {tried} starts{more} agree" + (f"; {met} optima were met" if met > 1 else "")


class Ensemble(eqx.Module, Generic[LawT]):
    """A law with a leading axis of draws that say how sure it is: resamples, Laplace draws, posterior draws.

    **Arguments:**

    - `law`: The law; each parameter has a leading axis of draws.
    - `objective`: The summed cost of each draw; NaN where a draw has none.
    - `result`: A `RESULTS` code for each draw.
    - `scale`: The spread of the residuals about each draw.
    - `unidentified`: By free parameter: whether no run of the draw responds to it.
    - `fit`: The fit about which the draws lie.
    - `method`: How they were made, in a word.
    - `seed`: The seed of the draws.
    - `diagnostics`: What is known of their quality; of a batch, an array by study where studies differ.
    - `drawn`: What else each draw has, by name: the chain it is of, numbers of the scatter.
    """

    law: LawT
    objective: Float[np.ndarray, "*batch draw"]
    result: Int[np.ndarray, "*batch draw"]
    scale: Float[np.ndarray, "*batch draw"]
    unidentified: Bool[np.ndarray, "*batch draw free"]
    fit: Fit[LawT]
    method: str = eqx.field(static=True)
    seed: int = eqx.field(static=True)
    diagnostics: dict[str, Any] = eqx.field(default_factory=dict)
    drawn: dict[str, Shaped[np.ndarray, "*batch draw"]] = eqx.field(default_factory=dict)

    @property
    def converged(self) -> Bool[np.ndarray, "*batch draw"]:
        """Which draws reached their optimum."""
        return self.result == int(RESULTS.successful)

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the parameters that vary."""
        return self.fit.free

    def __repr__(self) -> str:
        """How many draws of which law, made how."""
        good = int(np.sum(self.converged))
        studies = "" if self.fit.keys is None else f" of each of {len(self.fit.keys)} studies"
        return (
            f"Ensemble of {len(self)} {self.method} draws of {type(self.law).__name__}{studies}: "
            f"{good} of {self.converged.size} converged"
        )

    def __getitem__(self, key: Hashable) -> "Ensemble[LawT]":
        """The draws of one study of a batch, by its key."""
        fit = self.fit[key]
        return dataclasses.replace(_study(self, (self.fit.keys or ()).index(key), keep="fit"), fit=fit)

    @property
    def at(self) -> "_ByPosition":
        """The draws of each study of a batch by position: `draws.at[i]`."""
        return _ByPosition(self)

    def __len__(self) -> int:
        return int(self.objective.shape[-1])


@dataclasses.dataclass(frozen=True)
class _ByPosition:
    """The studies of a batch, taken by position."""

    result: Any

    def __getitem__(self, place: int) -> Any:
        keys = self.result.fit.keys
        return self.result[place if keys is None else keys[place]]


def _study(result: Any, place: int, keep: str) -> Any:
    """Every array at one place of its leading axis, but those of the field `keep`."""
    names = [f.name for f in dataclasses.fields(result) if f.name != keep and not f.metadata.get("static", False)]
    one = {n: jax.tree.map(lambda a: np.asarray(a[place]) if np.ndim(a) else a, getattr(result, n)) for n in names}
    return dataclasses.replace(result, **one)
