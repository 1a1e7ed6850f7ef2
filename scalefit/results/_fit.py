"""What a fit returns."""

import dataclasses
from collections.abc import Hashable, Mapping
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from .._core import RESULTS, InputError
from ..laws import AbstractLaw
from ..noise import AbstractNoise
from ..params import slots

LawT = TypeVar("LawT", bound=AbstractLaw)


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the numbers came from: kept with every result, so that it can be checked and repeated.

    **Arguments:**

    - `name`: Of the table.
    - `fingerprint`: sha256 of the numbers used.
    - `target`: Name of what was measured.
    - `used`: Runs used; of the whole table also for one study of a batch, whose own are as many as its residuals.
    - `ranges`: Input and target → least and greatest value; of N and D also `C`, 6 N D.
    - `dropped`: Rows that could not be used, with the reason of each; `excluded`: rows taken out by `where`.
    - `notes`: What was derived or scaled on the way, in words.
    """

    name: str
    fingerprint: str
    target: str
    used: int
    ranges: Mapping[str, tuple[float, float]]
    dropped: tuple[tuple[int, str], ...] = ()
    excluded: int = 0
    notes: tuple[str, ...] = ()


class Fit(eqx.Module, Generic[LawT]):
    """A fitted law, or a batch of them along a leading axis.

    **Arguments:**

    - `law`: The law with natural values, NumPy float64.
    - `objective`: The summed cost at the optimum.
    - `result`: A `RESULTS` code.
    - `scale`: The spread of the residuals: the estimated scale of the noise where it has one, otherwise the root mean
      square; on log values if the noise is, and of a run of the median `se` if runs have one.
    - `residuals`: Observed minus fitted, on the noise's scale; NaN pads shorter studies of a batch.
    - `dead`: By free parameter: whether no run feels it at the optimum (a term that vanished, a bound at infinity).
    - `agreeing`: How many starts reached the best objective, within 1e-6 of it.
    - `tried`: How many starts were polished.
    - `free`: Names of the fitted parameters.
    - `noise`: The noise of the fit.
    - `seed`: The seed of its starts.
    - `source`: The runs.
    - `by`: What the studies of a batch were split by; `keys`: the studies, in order; `None` for a single fit.
    - `key`: Which study of a batch this fit is, where it was taken out of one.
    """

    law: LawT
    objective: Float[np.ndarray, "*batch"]
    result: Int[np.ndarray, "*batch"]
    scale: Float[np.ndarray, "*batch"]
    residuals: Float[np.ndarray, "*batch run"]
    dead: Bool[np.ndarray, "*batch free"]
    agreeing: Int[np.ndarray, "*batch"]
    noise: AbstractNoise
    tried: int = eqx.field(static=True)
    free: tuple[str, ...] = eqx.field(static=True)
    seed: int = eqx.field(static=True)
    source: Source = eqx.field(static=True)
    by: str | tuple[str, ...] | None = eqx.field(static=True, default=None)
    keys: tuple[Hashable, ...] | None = eqx.field(static=True, default=None)
    key: Hashable = eqx.field(static=True, default=None)

    def __repr__(self) -> str:
        """What a reader asks first: which law, how well, from how many starts."""
        count = self.source.used if self.keys is not None else self.residuals.shape[-1]
        study = "" if self.key is None else f", study {self.key!r}"
        used = f"{count} runs of {self.source.name!r}{study}"
        if self.keys is not None:
            good = int(np.sum(self.converged))
            return f"Fit of {type(self.law).__name__} to {len(self.keys)} studies, {used}: {good} converged"
        state = "converged" if self.converged else RESULTS(int(self.result)).message
        lost = [name for name, dead in zip(self.free, self.dead, strict=True) if dead]
        lines = [
            f"Fit of {self.law!r}",
            f"  {used}; {type(self.noise).__name__}; objective {float(self.objective):.10g}; {state}",
            f"  {int(self.agreeing)} of {self.tried} starts agree",
        ]
        reduced = f"  no run feels {', '.join(lost)}: they follow the smaller law without"
        return "\n".join([*lines, *([reduced] if lost else [])])

    @property
    def template(self) -> LawT:
        """The law without the axis of studies; its free parameters are those of the first study."""
        return self.law if self.keys is None else jax.tree.map(lambda a: a[0], self.law)

    @property
    def fixed(self) -> tuple[str, ...]:
        """Names of the parameters that were held fixed."""
        return tuple(slot.name for slot in slots(self.law) if slot.name not in self.free)

    @property
    def converged(self) -> Any:
        """Whether the optimum was reached: a bool, or an array of them for a batch."""
        good = self.result == int(RESULTS.successful)
        return bool(good) if np.ndim(good) == 0 else good

    def __getitem__(self, key: Hashable) -> "Fit[LawT]":
        """One study of a batch, by its key, as a fit of its own."""
        one = _study(self, _place(self, key), keep="noise")
        return dataclasses.replace(one, residuals=one.residuals[np.isfinite(one.residuals)], keys=None, key=key)

    def __len__(self) -> int:
        if self.keys is None:
            raise TypeError("A single fit has no length; fits of a batch have one.")
        return len(self.keys)


class Ensemble(eqx.Module, Generic[LawT]):
    """A law with a leading axis of draws that say how sure it is: resamples, Laplace draws, posterior draws.

    **Arguments:**

    - `law`: The law; each parameter has a leading axis of draws.
    - `objective`: The summed cost of each draw; NaN where a draw has none.
    - `result`: A `RESULTS` code for each draw.
    - `scale`: The spread of the residuals about each draw.
    - `dead`: By free parameter: whether no run of the draw feels it.
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
    dead: Bool[np.ndarray, "*batch draw free"]
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
        return dataclasses.replace(_study(self, _place(self.fit, key), keep="fit"), fit=self.fit[key])

    def __len__(self) -> int:
        return int(self.objective.shape[-1])


def _place(fit: Fit[Any], key: Hashable) -> int:
    if fit.keys is None or key not in fit.keys:
        known = "it is a single fit" if fit.keys is None else f"it has {', '.join(map(repr, fit.keys[:8]))}"
        raise InputError(f"There is no study {key!r} in this result: {known}.")
    return fit.keys.index(key)


def _study(result: Any, place: int, keep: str) -> Any:
    """Every array at one place of its leading axis, but those of the field `keep`."""
    names = [f.name for f in dataclasses.fields(result) if f.name != keep and not f.metadata.get("static", False)]
    one = {n: jax.tree.map(lambda a: np.asarray(a[place]) if np.ndim(a) else a, getattr(result, n)) for n in names}
    return dataclasses.replace(result, **one)
