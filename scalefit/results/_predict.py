"""Predictions of fitted laws, with intervals."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_flag, check_probability, listed, suggestion
from ..data import parse_number, refuse_shares
from ..laws import AbstractLaw, Label, Padded, Series, Weights, gathered, input_kinds, input_names, inputs_of
from ..problem import typical_se
from ..solve import in_lanes
from ._check import check_result
from ._distance import distance_note
from ._estimate import Estimate, estimated
from ._fit import Ensemble, Fit
from ._nearby import nearby, spread, to_first_order

WIDTHS = 20_000
"""Residuals drawn to know how wide the scatter of a new run is."""
RESAMPLED = ("bootstrap", "jackknife", "laplace")
"""Draws that know from no prior what runs do not tell."""
GROWTH = "growth["
"""What the name of the power begins with by which scatter grows with an input, among what was drawn."""


def _value(law: AbstractLaw, point: dict[str, Any]) -> Any:
    return law(**point)


def evaluate(law: AbstractLaw, inputs: dict[str, Any], batched: bool) -> np.ndarray:
    """The law's values in float64, at points in order; with a leading axis of laws if `batched`."""
    at = gathered(law, inputs)
    law = jax.tree.map(np.asarray, law.sized_for(at).compact())
    laws = law if batched else jax.tree.map(lambda a: a[None], law)
    count, points = len(jax.tree.leaves(laws)[0]), len(jax.tree.leaves(at)[0])
    # As many side by side as stay small: a schedule is a thousand numbers.
    numbers = sum(a[0].size for a in jax.tree.leaves((laws, at)))
    many = 4096 if numbers <= 64 else 512 if numbers <= 2048 else 64
    parts = []
    for low in range(0, count * points, 8 * many):
        lane = np.arange(low, min(low + 8 * many, count * points))
        of_each = jax.tree.map(lambda a, lane=lane: a[lane // points], laws)
        parts.append(in_lanes(_value, of_each, jax.tree.map(lambda a, lane=lane: a[lane % points], at), many=many))
    found = np.concatenate(parts)
    return found.reshape(count, points) if batched else found


def predict(
    result: Fit[Any] | Ensemble[Any], *, level: float = 0.95, new_run: bool = False, se: ArrayLike | None = None,
    **inputs: ArrayLike,
) -> Estimate:  # fmt: skip
    """The value of a fitted law and an interval about it.

    **Arguments:**

    - `result`: A fit, for an interval to first order by Student's t (none where curvature does not say how sure it is:
      see `covariance`), or an ensemble of draws; of resamples the interval has no ends where no run informs the value.
    - `level`: Probability of the central interval.
    - `new_run`: Whether the interval is for one new run, which scatters about the curve as the fitted runs did (one of
      the median `se`, where they have it), or for the mean curve.
    - `se`: Of a new run, its standard error, beside those that the fitted runs have: as `Scatter.at` gives it where
      scatter goes by the inputs. After the axis of studies for a batch, if it has one.
    - `inputs`: Every input of the law, in its own unit: numbers, labels or series, or arrays of them that broadcast.
      Weights of domains that no fitted run drew from may be among them where they are 0.

    **Returns:** an `Estimate` of the inputs' shape, after the axis of studies for a batch. Beyond the runs,
    from 1.5 times their compute on, its `note` says so: how laws go astray is not in its interval, but in that of
    `forecast`.

    **Raises:** `InputError` for inputs that are missing, unknown or not what their kind allows, for a level outside
    (0, 1), and where the law itself is not finite.
    """
    check_probability("level", level)
    check_flag("new_run", new_run)
    if se is not None and not new_run:
        raise InputError("se", se, "that of a new run", "say `new_run=True`, or leave it out")
    found = _found(result, level, new_run, inputs, se)
    points = {name: column for name, column in points_of(result.fit.law, inputs)[0].items() if np.ndim(column) == 1}
    note = distance_note(result.fit, points)
    return dataclasses.replace(found, note=note) if note else found


def _found(
    result: Fit[Any] | Ensemble[Any], level: float, new_run: bool, inputs: dict[str, ArrayLike], se: ArrayLike | None
) -> Estimate:
    value, draws = predicted(result, new_run, inputs, se)
    if draws is None or isinstance(result, Fit):
        return _first_order(result.fit, value, level, new_run, inputs, _times(result.fit, se, value))
    found = estimated(value, np.moveaxis(draws, -2, 0).reshape(-1, *value.shape), level)
    return _without_ends(found, result, inputs) if result.method in RESAMPLED else found


def _without_ends(found: Estimate, result: Ensemble[Any], inputs: dict[str, ArrayLike]) -> Estimate:
    """A prediction without ends where it moves along what no run informs: draws show there how far a search strays."""
    fit = result.fit
    if not np.any(fit.converged) or not spread(fit).none.any():
        return found
    assert found.level is not None
    free = _first_order(fit, found.value, found.level, False, inputs).unbounded
    low, high = found.low, found.high
    assert low is not None
    assert high is not None
    least = 0.0 if fit.noise.log else -np.inf
    return dataclasses.replace(found, low=np.where(free, least, low), high=np.where(free, np.inf, high))


def _first_order(
    fit: Fit[Any], value: Float[np.ndarray, "*shape"], level: float, new_run: bool, inputs: dict[str, ArrayLike],
    times: Float[np.ndarray, "*shape"] | None = None,
) -> Estimate:  # fmt: skip
    """A prediction of a fit by itself: with an interval to first order where curvature says how sure it is."""
    if not np.any(fit.converged):
        return Estimate(value)
    about = nearby(fit)
    points, shape = points_of(fit.law, inputs)
    numbers = evaluate(about.laws, points, True)
    found = to_first_order(value, numbers.reshape(-1, *shape), about, level, log=fit.noise.log)
    return found.of_new_run(width_of_runs(fit), times) if new_run else found


def _times(
    fit: Fit[Any], se: ArrayLike | None, value: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"] | None:
    """How many times as far as a run of the median `se` runs of other `se` scatter."""
    if se is None:
        return None
    if fit.problem.runs.se is None:
        given = Phrase("is given of a new run, and the fitted runs have none to hold it against")
        raise InputError("se", given, remedy="fit runs with an `se`, as those of `scatter`")
    size = _float64("se", se)
    if not np.all(np.isfinite(size) & (size > 0.0)):
        raise InputError("se", se, "finite numbers above 0, in the unit of the target")
    try:
        size = np.broadcast_to(size, value.shape)
    except ValueError:
        raise InputError(
            "se", Phrase(f"has the shape {size.shape}"), f"one number, or the shape {value.shape}"
        ) from None
    typical = typical_se(fit.problem.studies, fit.noise.log)
    typical = typical[0] if fit.keys is None else typical.reshape(-1, *[1] * (value.ndim - 1))
    return size / (np.abs(value) if fit.noise.log else 1.0) / typical


def width_of_runs(fit: Fit[Any]) -> Callable[[float], np.ndarray]:
    """By level, half of the central interval of what a run scatters by about the curve, by study of a batch."""
    rng, shape = np.random.default_rng([fit.seed, 0xD1CE]), (*np.shape(fit.scale), WIDTHS)
    if fit.noise.free_scale or fit.noise.absolute:
        off = fit.noise.sample(np.broadcast_to(_scale_of_runs(fit)[..., None], shape), rng)
    else:
        off = _residuals_of_runs(fit, (*shape, 1), rng)[..., 0]
    off = off * _unsure(fit, (WIDTHS,), rng)
    return lambda level: np.quantile(np.abs(off), level, axis=-1)


def predicted(
    result: Fit[Any] | Ensemble[Any], new_run: bool, inputs: dict[str, ArrayLike], se: ArrayLike | None = None
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*batch draw point"] | None]:
    """The value of a fitted law, in the inputs' shape, and that of each draw at points in order; see `predict`."""
    fit = check_result("result", result).fit
    points, shape = points_of(fit.law, inputs)
    value = evaluate(fit.law, points, fit.keys is not None)
    _check_defined(fit, value, points)
    value = value.reshape(value.shape[:-1] + shape)
    if isinstance(result, Fit):
        return value, None
    if not result.converged.any():
        raise InputError(
            "result", Phrase("has no draw that converged"), remedy="raise `max_steps`, or fit a smaller law"
        )
    draws = _draw_values(result, points)
    if not new_run:
        return value, draws
    times = _times(fit, se, value)
    times = None if times is None else times.reshape((*np.shape(fit.scale), 1, -1))
    return value, _scatter(result, draws, points, times)


def points_of(law: AbstractLaw, inputs: dict[str, Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """What the law takes at every point, in order, and the shape that the points have together; see `predict`."""
    return _points(law, _one_by_one(law, inputs))


def _points(law: AbstractLaw, inputs: dict[str, Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """What the law takes at every point, in order, and the shape that the points have together."""
    kinds = input_kinds(law)
    if set(inputs) != set(kinds):
        given = Phrase(f"are {', '.join(inputs) or 'none'}")
        raise InputError("inputs", given, f"{', '.join(kinds)}, from which {type(law).__name__} predicts")
    found: dict[str, Any] = {}
    for name, said in kinds.items():
        if isinstance(said, Label):
            found[name] = _places(name, law.entries(said.axis or ""), inputs[name])
        elif not isinstance(said, Series):
            found[name] = _float64(name, inputs[name])
            if not np.all(said.allows(found[name]) | ((found[name] == 0.0) & said.logarithm)):
                raise InputError(name, inputs[name], f"finite numbers {said.range_of}")
    series = {name: _side_by_side(inputs[name]) for name, said in kinds.items() if isinstance(said, Series)}
    shapes = {name: np.shape(column) for name, column in found.items()}
    shapes |= {name: (len(one.values),) for name, one in series.items()}
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        raise InputError(
            ", ".join(kinds), Phrase(f"do not go together ({error})"), "numbers, or arrays of one shape"
        ) from None
    points: dict[str, Any] = {n: np.broadcast_to(c, shape).ravel() for n, c in found.items()}
    size = int(np.prod(shape))
    if size == 0:
        raise InputError("inputs", Phrase("hold no point"), "at least one")
    for name, one in series.items():
        rows = np.broadcast_to(np.arange(len(one.values)), shape).ravel() if size > 1 else np.zeros(size, int)
        points[name] = jax.tree.map(lambda a, rows=rows: a[rows], one)
    for base, columns in input_names(law).items():
        if columns and isinstance(kinds[columns[0]], Weights):
            refuse_shares(base, np.stack([points[name] for name in columns], axis=-1))
    return {name: points[name] for name in kinds}, shape


def of_known_domains(law: AbstractLaw, inputs: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
    """Inputs without the weights of domains that no fitted run drew from, which are 0.

    **Raises:** `InputError` where one is not.
    """
    kinds, along = input_kinds(law), [name for name, kind in inputs_of(law).items() if isinstance(kind, Weights)]
    strange = [name for name in inputs if name not in kinds and name.partition("[")[0] in along and "[" in name]
    for name in strange:
        if np.any(_float64(name, inputs[name]) != 0.0):
            given = Phrase("is above 0, and no fitted run drew from this domain")
            raise InputError(name, given, "0", "leave out the runs that draw from it, or fit to some that do")
    return {name: column for name, column in inputs.items() if name not in strange}


def _float64(name: str, given: Any) -> np.ndarray:
    if isinstance(given, str | list | tuple):  # sizes as people write them, as "70B"
        texts = [given] if isinstance(given, str) else given
        if texts and all(isinstance(text, str) for text in texts):
            sizes = [parse_number(text) for text in texts]
            if None not in sizes:
                return np.array(sizes[0] if isinstance(given, str) else sizes, np.float64)
    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(name, given, "numbers") from None
    if _holds_truth(given):
        raise InputError(name, given, "numbers, which truth values are not")
    return found


def _holds_truth(given: Any) -> bool:
    """Whether there are truth values among numbers, which NumPy would count as 0 and 1."""
    if isinstance(given, list | tuple):
        return any(map(_holds_truth, given))
    kind = getattr(getattr(given, "dtype", None), "kind", "")
    return isinstance(given, bool) or kind == "b" or (kind == "O" and any(map(_holds_truth, np.ravel(given))))


def _places(name: str, entries: tuple[Any, ...], given: Any) -> np.ndarray:
    """The places of labels among the entries of an axis."""
    asked = np.asarray(given, dtype=object)
    unknown = [one for one in asked.ravel().tolist() if one not in entries]
    if unknown:
        raise InputError(
            name, unknown[0], f"one of {listed(map(str, entries))}", suggestion(unknown[0], map(str, entries))
        )
    return np.array([entries.index(one) for one in asked.ravel().tolist()], int).reshape(asked.shape)


def _side_by_side(given: Any) -> Padded:
    """One series, or one for each point, as the formula takes them."""
    alone = not isinstance(given[0], list | tuple | np.ndarray)
    each = [np.asarray(one, float) for one in ([given] if alone else given)]
    place = np.arange(max(len(one) for one in each))
    return Padded(
        np.stack([one[np.minimum(place, len(one) - 1)] for one in each]),
        np.stack([place < len(one) for one in each]),
    )


def _one_by_one(law: AbstractLaw, inputs: dict[str, ArrayLike]) -> dict[str, ArrayLike]:
    """Inputs along an axis as one number each: `w=[.5, .5]` is `w[A]` and `w[B]`."""
    found = dict(inputs)
    for base, names in input_names(law).items():
        if names == (base,) or base not in found:
            continue
        whole = _float64(base, found.pop(base))
        if whole.ndim == 0 or whole.shape[-1] != len(names):
            given = Phrase(f"has shape {whole.shape}")
            raise InputError(base, given, f"one number along the last axis for each of {', '.join(names)}")
        found |= {name: whole[..., i] for i, name in enumerate(names)}
    return of_known_domains(law, found)


def _check_defined(fit: Fit[Any], value: Float[np.ndarray, "*study point"], points: dict[str, Any]) -> None:
    # A study of a batch that did not converge holds up no other.
    bad = ~np.isfinite(value) & (fit.keys is None or np.asarray(fit.converged)[..., None])
    if not bad.any():
        return
    place = np.unravel_index(int(np.argmax(bad)), bad.shape)
    numbers = {name: column for name, column in points.items() if isinstance(column, np.ndarray)}
    where = ", ".join(f"{name} = {column[place[-1]]:g}" for name, column in numbers.items())
    study = "" if fit.keys is None else f" of {fit.keys[place[0]]!r}"
    kinds = input_kinds(fit.law)
    if zero := next((n for n, c in numbers.items() if kinds[n].logarithm and c[place[-1]] == 0.0), None):
        raise InputError(zero, 0.0, f"finite numbers {kinds[zero].range_of}")
    given = Phrase(f"is {value[place]:g} at {where}")
    raise InputError(f"The fitted {type(fit.law).__name__}{study}", given, "a finite value", "ask nearer to the runs")


def _draw_values(ensemble: Ensemble[Any], points: dict[str, Any]) -> Float[np.ndarray, "*batch draw point"]:
    """Values by draw; draws that did not converge are NaN and take no part."""
    if ensemble.fit.keys is None:
        draws = evaluate(ensemble.law, points, True)
    else:
        flat = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), ensemble.law)
        draws = evaluate(flat, points, True).reshape(*ensemble.objective.shape, -1)
    return np.where(ensemble.converged[..., None], draws, np.nan)


def _scatter(
    ensemble: Ensemble[Any], draws: np.ndarray, points: dict[str, Any], times: np.ndarray | None
) -> np.ndarray:
    """Each draw with a residual added on the noise's scale: of one fitted run, or of the density that was drawn from.

    A posterior knows of more: a scatter that grows with an input, and what the rows of a run share.
    """
    noise = ensemble.fit.noise
    rng = np.random.default_rng([ensemble.seed, 0xD1CE])
    if ensemble.method in ("posterior", "prior"):
        residual = noise.sample(np.broadcast_to(ensemble.scale[..., None], draws.shape), rng)
    else:
        if noise.free_scale or noise.absolute:
            # Of the fit: that of few runs resampled, some of them twice, is often next to nothing.
            scale = _scale_of_runs(ensemble.fit)[..., None, None]
            residual = noise.sample(np.broadcast_to(scale, draws.shape), rng)
        else:
            residual = _residuals_of_runs(ensemble.fit, draws.shape, rng)
        residual = residual * _unsure(ensemble.fit, draws.shape[-2:-1], rng)[..., None]
    for name, column in ensemble.drawn.items():
        if name.startswith(GROWTH):
            grown = name.removeprefix(GROWTH).removesuffix("]")
            low, high = ensemble.fit.source.ranges[grown]
            residual = residual * np.exp(column[..., None] * np.log(points[grown] / np.sqrt(low * high)))
    residual = residual if times is None else residual * times
    if "run" in ensemble.drawn:
        residual = residual + rng.standard_normal(draws.shape) * ensemble.drawn["run"][..., None]
    return draws * np.exp(residual) if noise.log else draws + residual


def _scale_of_runs(fit: Fit[Any]) -> Float[np.ndarray, "*batch"]:
    """The scale of a noise that has its own, without what the free parameters took up of it."""
    return np.asarray(fit.scale * (1.0 if fit.noise.absolute else _widened(fit)))


def _unsure(fit: Fit[Any], shape: tuple[int, ...], rng: np.random.Generator) -> Float[np.ndarray, "*shape"]:
    """The scatter over what few runs make of it: the root of the degrees of freedom over a χ² of as many."""
    freedom = np.maximum(np.sum(np.isfinite(fit.residuals), axis=-1) - len(fit.free), 1)
    freedom = np.broadcast_to(freedom.reshape(*freedom.shape, *(1,) * len(shape)), (*freedom.shape, *shape))
    return np.ones(freedom.shape) if fit.noise.absolute else np.sqrt(freedom / rng.chisquare(freedom))


def _widened(fit: Fit[Any]) -> Float[np.ndarray, "*batch"]:
    """How much smaller residuals of a fit are than the scatter, by what the free parameters took up."""
    left = np.sum(np.isfinite(fit.residuals), axis=-1)
    return np.asarray(np.sqrt(left / np.maximum(left - len(fit.free), 1)))


def _residuals_of_runs(fit: Fit[Any], shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Residuals of fitted runs, each as likely as any other of its study."""
    # Runs of unequal precision: as wide as one of the median.
    widen = fit.scale / np.maximum(np.sqrt(np.nanmean(fit.residuals**2, axis=-1)), np.finfo(float).tiny)
    pool = np.atleast_2d(fit.residuals) * np.atleast_1d(widen * _widened(fit))[:, None]
    flat = (len(pool), int(np.prod(shape)) // len(pool) // shape[-1], shape[-1])
    return np.stack([rng.choice(p[np.isfinite(p)], size=flat[1:]) for p in pool]).reshape(shape)
