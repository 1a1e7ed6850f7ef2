"""What the solvers are given: a curve, a noise, and arrays of runs."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
from jaxtyping import Float, Shaped, UInt

from ._namespace import Numbers


@runtime_checkable
class Curve(Protocol):
    """A predicted value as a function of free numbers; hashable, so that one compilation serves every equal curve."""

    @property
    def size(self) -> int:
        """How many free numbers it has."""
        ...

    @property
    def caps(self) -> tuple[float, ...]:
        """The longest step that a solver may take in each free number at once."""
        ...

    @property
    def lower(self) -> tuple[float, ...]:
        """The least value of each free number, which it may reach: zero, or minus infinity."""
        ...

    @property
    def sized(self) -> tuple[bool, ...]:
        """Which free numbers have a natural size of 1, as shares and exponents have, and logarithms have not."""
        ...

    @property
    def by_factor(self) -> tuple[bool, ...]:
        """Which of these change by factors where they are large, as products do and terms of one sum do not."""
        ...

    @property
    def series(self) -> bool:
        """Whether a run has an array of numbers for an input."""
        ...

    def packed(self, point: Mapping[str, Any]) -> Mapping[str, Any]:
        """The inputs of runs in fewer arrays, those that belong together along a last axis; of such, the same."""
        ...

    def __call__(self, theta: Any, point: Mapping[str, Any], constant: Any) -> Any:
        """The value for one run.

        **Arguments:**

        - `theta`: The free numbers, a tuple of scalars; of many one array.
        - `point`: The run's inputs, those of a curve of many numbers `packed`.
        - `constant`: What its study holds fixed.
        """
        ...


@runtime_checkable
class Noise(Protocol):
    """How residuals are weighed: a pytree of the numbers it depends on; functions of standardised residuals z."""

    @property
    def log(self) -> bool:
        """Whether residuals are differences of logarithms."""
        ...

    @property
    def free_scale(self) -> bool:
        """Whether the scale of the residuals is estimated with the curve."""
        ...

    def rho(self, z: Any) -> Any:
        """The cost of a residual."""
        ...

    def psi(self, z: Any) -> Any:
        """The derivative of `rho`."""
        ...

    def weight(self, z: Any) -> Any:
        """`psi(z) / z`, finite at zero: the weight of the equivalent least-squares problem."""
        ...

    def curvature(self, z: Any) -> Any:
        """The second derivative of `rho`."""
        ...


class NoiseFunctions(NamedTuple):
    """A noise with its functions at hand: on the host, finding them takes as long as they do."""

    log: bool
    free_scale: bool
    rho: Callable[[Any], Any]
    psi: Callable[[Any], Any]
    weight: Callable[[Any], Any]
    curvature: Callable[[Any], Any]

    @classmethod
    def of(cls, noise: Noise) -> "NoiseFunctions":
        """The functions of a noise."""
        return cls(noise.log, noise.free_scale, noise.rho, noise.psi, noise.weight, noise.curvature)


class Data(NamedTuple):
    """Runs of one or many studies of equal (padded) length, ready for the solvers.

    **Arguments:**

    - `point`: Input name → its values as the curve wants them.
    - `target`: The observed values, as logarithms when the noise is on them.
    - `weight`: Weight of each run; zero for padding.
    - `precision`: Multiplies each residual, or `None`.
    - `constant`: What each study holds fixed.
    - `resamples`: Further weights by resample, which multiply `weight`, or `None`; whole numbers are kept as such.
    """

    point: Mapping[str, Shaped[Numbers, "study run *more"]]
    target: Float[Numbers, "study run"]
    weight: Float[Numbers, "study run"]
    precision: Float[Numbers, "study run"] | None
    constant: Float[Numbers, "study constant"]
    resamples: Float[Numbers, "resample run"] | UInt[Numbers, "resample run"] | None


class Lanes(NamedTuple):
    """The runs that a batch of fits looks at: as `Data`, one row a lane, or one row for all."""

    point: Mapping[str, Shaped[Numbers, "row run *more"]]
    target: Float[Numbers, "row run"]
    weight: Float[Numbers, "lane run"]
    precision: Float[Numbers, "row run"] | None
    constant: Float[Numbers, "row constant"]


def lanes(data: Data, study: Numbers, resample: Numbers) -> Lanes:
    """The rows of `data` for a batch of fits: the study and the resample of each."""
    if data.target.shape[0] == 1:
        rows, weight = data._replace(resamples=None), data.weight
    else:
        rows = Data(*jax.tree.map(lambda a: a[study], data._replace(resamples=None)))
        weight = rows.weight
    if data.resamples is not None:
        weight = weight * data.resamples[resample].astype(weight.dtype)
    elif weight.shape[0] != study.shape[0]:
        weight = weight.repeat(study.shape[0], axis=0)
    return Lanes(rows.point, rows.target, weight, rows.precision, rows.constant)
