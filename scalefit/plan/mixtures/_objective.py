"""What a mixture is to make small: a function of the predicted targets, and how it is taken over draws."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_choice, check_names, check_number, check_probability, hint
from ...laws import AbstractLaw, implicit_root
from ...solve import Kinks
from ._known import Mixed

Risk = Literal["mean", "cvar", "quantile"]


class Objective(NamedTuple):
    """A number of the predicted targets.

    **Arguments:**

    - `how`: `"mean"`, `"worst"`, or a function of the predicted values in the order of the targets, in JAX.
    - `weights`: Of the targets; for the worst of them, what each is multiplied by.
    - `name`: In words.
    """

    how: Any
    weights: Float[np.ndarray, " target"]
    name: str

    @property
    def convex(self) -> bool:
        """Whether it keeps convexity: weights of 0 or more."""
        return isinstance(self.how, str) and bool((self.weights >= 0.0).all())


def objective_of(given: Any, targets: Sequence[str]) -> Objective:
    """A mean or the worst of targets, a weighted sum, or a function of them.

    **Raises:** `InputError` for anything else, and for weights of targets that there are not.
    """
    even = np.full(len(targets), 1.0 / len(targets))
    if callable(given):
        _check_function(given, len(targets))
        return Objective(given, even, getattr(given, "__name__", "a function of the targets"))
    if isinstance(given, Mapping):
        check_names("objective", given, targets, what="targets")
        weights = np.array([check_number(f"objective: {t}", given.get(t, 0.0)) for t in targets])
        if not weights.any():
            raise InputError("objective", Phrase("weighs no target"), "a number other than 0 for one at least")
        return Objective("mean", weights, "a weighted sum of targets")
    if isinstance(given, str) and given in targets:
        return Objective("mean", np.array([float(t == given) for t in targets]), given)
    if isinstance(given, str) and given in ("mean", "worst"):
        named = f"the mean of {len(targets)} targets" if given == "mean" else f"the worst of {len(targets)} targets"
        return Objective(given, even, targets[0] if len(targets) == 1 else named)
    expected = "'mean', 'worst', a target, weights by target, or a function of the predicted targets"
    raise InputError("objective", given, expected, hint(given, targets) if isinstance(given, str) else "")


def _check_function(given: Callable[[Any], Any], targets: int) -> None:
    """Check that a function of the targets gives one number, with slopes.

    **Raises:** `InputError` where it does not.
    """
    expected = f"a function of {targets} predicted targets that gives one number, written with jax.numpy"
    try:
        given(np.ones(targets))  # NumPy refuses places that JAX would take to be the last
        with jax.enable_x64(True):
            found = jax.eval_shape(given, jax.ShapeDtypeStruct((targets,), np.float64))
    except Exception as error:  # whatever it raises is a fault of it
        said = str(error).splitlines() or [""]
        raise InputError("objective", Phrase(f"raises {type(error).__name__}: {said[0][:120]}"), expected) from error
    shape, dtype = getattr(found, "shape", None), getattr(found, "dtype", np.dtype(object))
    if shape != () or not np.issubdtype(dtype, np.floating):
        said = f"gives {type(found).__name__}" if shape is None else f"gives {dtype} of the shape {shape}"
        raise InputError("objective", Phrase(said), expected)


class Mix(NamedTuple):
    """What the cost of weights needs to know.

    **Arguments:**

    - `law`: Along targets, where the law itself does not have them, and along draws before where there is a risk.
    - `weights`: Of the targets.
    - `point`: The other inputs.
    - `prior`, `price`: Of straying from it.
    - `passes`: Of each domain where it is all that a run sees; `repeats`: over how many the value is lost.
    - `temperature`: At which kinks are rounded, in units of the cost; 0 for none.
    """

    law: AbstractLaw
    weights: Any
    point: Mapping[str, Any]
    prior: Any
    price: Any
    passes: Any
    repeats: Any
    temperature: Any


class Form(NamedTuple):
    """Which formula the cost is, as it is compiled: with what is no number.

    **Arguments:**

    - `mixed`: The inputs of the law; `targets`: how many there are.
    - `how`: See `Objective`; `risk`: over draws, with its `level`; `None` of one law.
    - `discounted`: Whether repeats lose value.
    - `strays`: Whether there is a price of straying from a prior.
    - `fresh`: Whether a law that knows how many tokens there are is asked as if these had no end.
    """

    mixed: Mixed
    targets: int
    how: Any
    risk: Risk | None = None
    level: float = 0.9
    discounted: bool = False
    strays: bool = False
    fresh: bool = False


@functools.lru_cache(maxsize=256)
def predicted_by(form: Form) -> Callable[[Any, Mix], Any]:
    """The predicted targets of weights: the same function for the same form, so that nothing is compiled twice."""
    mixed = form.mixed

    def at(law: Any, w: Any, mix: Mix, scale: Any) -> Any:
        point = dict(mix.point)
        if mixed.tokens is not None:
            point[mixed.tokens] = point[mixed.tokens] * scale
        if mixed.held is not None and form.fresh:
            point[mixed.held] = jnp.full_like(w, jnp.inf)
        shares = 0 if w.ndim == 2 else None  # some for each target, or the same for all
        if mixed.label is None:
            return jax.vmap(lambda one, w: one(**point, **{mixed.shares: w}), (0, shares))(law, w)
        named = jax.vmap(lambda place, w: law(**point, **{mixed.shares: w, str(mixed.label): place}), (0, shares))
        return named(jnp.arange(form.targets), w)

    def predicted(w: Any, mix: Mix) -> Any:
        if not form.discounted:
            return at(mix.law, w, mix, 1.0)
        again = jnp.maximum(w * mix.passes - 1.0, 0.0)
        kept = jnp.where(again > 0.0, (1.0 - mix.repeats * jnp.expm1(-again / mix.repeats)) / (1.0 + again), 1.0)
        worth = w * kept
        if mixed.tokens is not None:
            # The run is one of fewer fresh tokens.
            total = jnp.sum(worth)
            return at(mix.law, worth / total, mix, total)
        # What a repeat has lost is worth no more than the tokens of the domain least useful to the target.
        lost, whole = 1.0 - jnp.sum(worth) / jnp.sum(w), jnp.eye(w.shape[0])
        stands = jax.lax.stop_gradient(worth + lost * whole)
        least_useful = jnp.argmax(jax.vmap(lambda w: at(mix.law, w, mix, 1.0))(stands), axis=0)
        return at(mix.law, worth + lost * whole[least_useful], mix, 1.0)

    return predicted


@functools.lru_cache(maxsize=256)
def cost_by(form: Form) -> Callable[[Any, Mix], Any]:
    """What is made small: the same function for the same form."""
    predicted = predicted_by(form)

    def of_targets(values: Any, mix: Mix) -> Any:
        if form.how == "mean":
            return jnp.sum(mix.weights * values)
        if form.how == "worst":
            return _soft_max(mix.weights * values, mix.temperature)
        return form.how(values)

    def cost(w: Any, mix: Mix) -> Any:
        if form.risk is None:
            value = of_targets(predicted(w, mix), mix)
        else:
            values = jax.vmap(lambda law: of_targets(predicted(w, mix._replace(law=law)), mix))(mix.law)
            value = _over_draws(values, form.risk, form.level, mix.temperature)
        return value + _strayed(w, mix) if form.strays else value

    return cost


@functools.lru_cache(maxsize=256)
def kinks_of(form: Form, draws: int) -> Kinks | None:
    """The pieces of a convex cost with kinks, by draw and target: the same object for the same form."""
    worst, over = form.how == "worst", form.risk
    if not worst and over != "cvar":
        return None
    predicted = predicted_by(form)

    def pieces(w: Any, mix: Mix) -> Any:
        def of(law: Any) -> Any:
            values = mix.weights * predicted(w, mix._replace(law=law))
            return values if worst else jnp.sum(values)[None]

        found = of(mix.law)[None] if over is None else jax.vmap(of)(mix.law)
        return found + _strayed(w, mix) if form.strays else found

    return Kinks(pieces, 1.0 / (draws * (1.0 - form.level)) if over == "cvar" else np.inf, over == "mean")


def _strayed(w: Any, mix: Mix) -> Any:
    """The price of straying from the prior."""
    # Next to nothing in place of 0, where the slope is without end: no tangent plane would be below the cost.
    least = jnp.finfo(w.dtype).tiny
    return mix.price * jnp.sum(w * (jnp.log(jnp.maximum(w, least)) - jnp.log(mix.prior)))


def _soft_max(values: Any, temperature: Any) -> Any:
    """The largest, its kinks rounded."""
    top = jax.lax.stop_gradient(jnp.max(values))
    heat = jnp.where(temperature > 0.0, temperature, 1.0)
    soft = top + heat * jnp.log(jnp.sum(jnp.exp((values - top) / heat)))
    return jnp.where(temperature > 0.0, soft, jnp.max(values))


def _over_draws(values: Any, risk: Risk, level: float, temperature: Any) -> Any:
    if risk == "mean":
        return jnp.mean(values)
    if risk == "quantile":
        return jnp.quantile(values, level)
    # The mean of the worst, as the least over z of z + mean (value - z)+ / share, its kink rounded.
    spread = jax.lax.stop_gradient(jnp.max(values) - jnp.min(values))
    heat = jnp.maximum(temperature, 1e-9 * spread + 1e-300)
    ends = jnp.min(values) - 40.0 * heat, jnp.max(values) + 40.0 * heat
    z = implicit_root(_beyond, ends, values, heat, 1.0 - level)
    return z + heat * jnp.mean(jax.nn.softplus((values - z) / heat)) / (1.0 - level)


def _beyond(z: Any, values: Any, heat: Any, share: Any) -> Any:
    """By how much the share of values above z exceeds what it is to be."""
    return jnp.mean(jax.nn.sigmoid((values - z) / heat)) - share


def risk_of(risk: Any) -> tuple[Risk | None, float]:
    """What is taken over draws, and its level.

    **Raises:** `InputError` for anything else than a word, or a word and a level.
    """
    if risk is None:
        return None, 0.9
    pair = isinstance(risk, tuple | list) and len(risk) == 2
    kind, level = tuple(risk) if pair else (risk, 0.9)
    return check_choice("risk", kind, ("mean", "cvar", "quantile")), check_probability("risk", level)
