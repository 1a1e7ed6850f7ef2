"""An estimator: settings in, `fit` and `predict`, and a method for each thing that one does next."""

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_names, check_type
from ..calibrate import Forecast
from ..calibrate import forecast as foreseen
from ..data import Runs
from ..estimate import bootstrap, fit
from ..laws import AbstractLaw
from ..noise import AbstractNoise
from ..plan import Allocation, allocate
from ..problem import usable
from ..results import Ensemble, Fit, predict, summary
from ..specs import law_of, noise_of, with_fixed
from ._tables import inputs_at, runs_from

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ScalingLaw:
    r"""A scaling law as an estimator: `ScalingLaw("chinchilla").fit(df).predict(df, interval=0.9)`.

    Every method is a call of the verb that it names, on `result_`, which any other verb takes too. It has what
    scikit-learn asks of a regressor (`get_params`, `set_params`, `clone`, `cross_val_score`, grids), and does not need
    scikit-learn.

    **Arguments:**

    - `law`: The name of a law, as `scalefit laws` lists them, a law class, or a law.
    - `noise`: How runs scatter, as `"huber:1e-3"` or a noise of `scalefit.noise`; see `fit`.
    - `fixed`: Values to hold, by parameter, as `{"E": 1.7}`.
    - `columns`, `target`: As [`scalefit.read_runs`][] takes them.
    - `inputs`: Names of the columns of plain arrays; those of the law, in its order, unless given.
    - `num_starts`, `seed`, `max_steps`: See [`scalefit.fit`][].

    After `fit` it has `result_` (a [`scalefit.Fit`][]), `params_` (fitted values by name) and `runs_` (what was read).
    """

    _estimator_type = "regressor"

    result_: Fit[Any]
    params_: dict[str, float]
    runs_: Runs

    def __init__(
        self,
        law: str | type[AbstractLaw] | AbstractLaw = "chinchilla",
        *,
        noise: str | AbstractNoise | None = None,
        fixed: Mapping[str, float] | None = None,
        columns: Mapping[str, str | None] | None = None,
        target: str | None = None,
        inputs: Sequence[str] | None = None,
        num_starts: int | None = None,
        seed: int = 0,
        max_steps: int = 3000,
    ):
        # As they are given, unread: a clone is recognised by having the very same.
        self.law, self.noise, self.fixed = law, noise, fixed
        self.columns, self.target, self.inputs = columns, target, inputs
        self.num_starts, self.seed, self.max_steps = num_starts, seed, max_steps

    def __repr__(self) -> str:
        usual = {name: one.default for name, one in _settings().items()}
        given = {k: v for k, v in self.get_params().items() if k != "law" and v is not usual[k] and v != usual[k]}
        law = self.law.__name__ if isinstance(self.law, type) else repr(self.law)
        return f"ScalingLaw({', '.join([law, *(f'{k}={v!r}' for k, v in given.items())])})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Settings by name.

        **Arguments:**

        - `deep`: As scikit-learn passes it; no setting has settings of its own.
        """
        del deep
        return {name: getattr(self, name) for name in _settings()}

    def set_params(self, **params: Any) -> Self:
        """Change settings; what was fitted stays until the next `fit`.

        **Raises:** `InputError` for an unknown setting, naming the nearest.
        """
        check_names("set_params", params, list(_settings()), what="settings of ScalingLaw,")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Fit the law: see [`scalefit.fit`][].

        **Arguments:**

        - `X`: Runs, or what [`scalefit.read_runs`][] reads: a data frame, a dictionary, a file. With `y`, also an array
            of a row a run and a column an input.
        - `y`: What was measured, where `X` does not have it.

        **Returns:** itself.

        **Raises:** `InputError` for tables that cannot be read or fitted; `NotConverged`.
        """
        law = self._law()
        runs = runs_from(X, y, law, self.columns, self.target, self.inputs)
        noise = noise_of(self.noise) if isinstance(self.noise, str) else self.noise
        self.result_ = fit(
            law, runs, noise=noise, fixed=tuple(self.fixed or ()), num_starts=self.num_starts, seed=self.seed,
            max_steps=self.max_steps,
        )  # fmt: skip
        self.runs_ = runs
        self.params_ = {name: float(estimate.value) for name, estimate in summary(self.result_).items()}  # pyright: ignore[reportAttributeAccessIssue]  of one study
        self.n_features_in_ = len(law.inputs)
        return self

    def predict(self, X: Any, *, interval: float | None = None, new_run: bool = False) -> Any:
        """Values of the fitted law: see [`scalefit.predict`][].

        **Arguments:**

        - `X`: Where, as `fit` takes it, or numbers by input, as `{"N": 7e9, "D": 1.4e12}`; a target in it is not read.
        - `interval`: Probability of an interval about each value, as 0.9.
        - `new_run`: Whether the interval is for one new run in place of the curve.

        **Returns:** an array of a value a row; with `interval`, an [`scalefit.Estimate`][] of them.

        **Raises:** `InputError` before `fit`, and for a table without an input of the law.
        """
        at = self._at(X)
        if interval is None and not new_run:
            return np.asarray(predict(self.result_, **at).value)
        return predict(self.result_, level=0.95 if interval is None else interval, new_run=new_run, **at)

    def score(self, X: Any, y: ArrayLike | None = None) -> float:
        r"""Share of the variance of the target that the law foresees, $R^2 = 1 - \sum (y - f)^2 / \sum (y - \bar y)^2$.

        **Arguments:**

        - `X`, `y`: Runs, as `fit` takes them.

        **Returns:** 1 at best; NaN for a single run or runs of one value, which have no variance.
        """
        self._check_fitted()
        runs = usable(self.result_.law, runs_from(X, y, self.result_.law, self.columns, self.target, self.inputs))
        left = runs.target - predict(self.result_, **inputs_at(self.result_.law, runs)).value
        total = float(np.sum((runs.target - runs.target.mean()) ** 2))
        return 1.0 - float(np.sum(left**2)) / total if total > 0.0 else float("nan")

    def summary(self, level: float = 0.95) -> Any:
        """Parameters with intervals: see [`scalefit.summary`][]."""
        self._check_fitted()
        return summary(self.result_, level)

    def bootstrap(self, **options: Any) -> Ensemble[Any]:
        """Draws by refits to resampled runs: see [`scalefit.bootstrap`][]."""
        self._check_fitted()
        return bootstrap(self.result_, **options)

    def forecast(self, X: Any, *, interval: float = 0.9) -> Forecast:
        """Foresee larger runs: see [`scalefit.forecast`][].

        **Arguments:**

        - `X`: Where, as `predict` takes it.
        - `interval`: Probability of the intervals.
        """
        at = self._at(X)
        return foreseen(self.result_, level=interval, **at)

    def plan(self, budget: ArrayLike, **options: Any) -> Allocation:
        """Best model size and data of a budget in FLOP: see [`scalefit.allocate`][]."""
        self._check_fitted()
        return allocate(self.result_, budget=budget, **options)

    def plot(self, ax: "Axes | None" = None, **options: Any) -> "Axes":
        """Draw runs and law: see [`scalefit.plot.loss_against_compute`][]."""
        from ..plot import loss_against_compute  # Matplotlib is for those who draw

        self._check_fitted()
        return loss_against_compute(self.result_, ax, **options)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn, from 1.6 on, asks of an estimator; only it calls this."""
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=False),  # it may stand in the table
            regressor_tags=RegressorTags(),
            input_tags=InputTags(string=True, allow_nan=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` was called."""
        return "result_" in vars(self)

    def _law(self) -> AbstractLaw:
        held = self.fixed or {}
        if isinstance(self.law, str):
            return law_of(self.law, held)
        law = self.law() if isinstance(self.law, type) and issubclass(self.law, AbstractLaw) else self.law
        check_type("law", law, AbstractLaw, "the name of a law, a law class or a law")
        return with_fixed(law, held) if held else law

    def _at(self, X: Any) -> dict[str, Any]:
        self._check_fitted()
        law = self.result_.law
        return inputs_at(law, runs_from(X, None, law, self.columns, self.target, self.inputs, measured=False))

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise InputError("This ScalingLaw", Phrase("is not fitted"), remedy="call `fit` with runs first")


def _settings() -> dict[str, inspect.Parameter]:
    """Arguments of the estimator, which are its settings."""
    return {k: v for k, v in inspect.signature(ScalingLaw.__init__).parameters.items() if k != "self"}
