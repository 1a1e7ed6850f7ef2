"""Value, slopes and curvatures of a curve, run by run, leaving out second derivatives that are zero for every run."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jax.interpreters import partial_eval

from ._problem import Curve

Scalars = Callable[..., Any]
"""A scalar function of several scalars."""


def flat(curve: Curve, point: Mapping[str, Any], constant: Any, dtype: Any) -> Scalars:
    """The curve at a run as a function of its free numbers: its formula is run once and kept as primitives."""
    traced = _traced(curve, tuple(point), constant.shape[0], jnp.dtype(dtype))
    return functools.partial(_evaluate, traced, point, constant)


def _evaluate(traced: ClosedJaxpr, point: Mapping[str, Any], constant: Any, *theta: Any) -> Any:
    return jaxpr_as_fun(traced)(*theta, *point.values(), constant)[0]


@functools.lru_cache(maxsize=256)
def _traced(curve: Curve, inputs: tuple[str, ...], constants: int, dtype: Any) -> ClosedJaxpr:
    zero = jax.ShapeDtypeStruct((), dtype)

    def value(*scalars: Any) -> Any:
        theta, rest = scalars[: curve.size], scalars[curve.size : -1]
        return curve(theta, dict(zip(inputs, rest, strict=True)), scalars[-1])

    wide = jnp.finfo(dtype).bits == 64
    with jax.enable_x64(wide):
        count = curve.size + len(inputs)
        return jax.make_jaxpr(value)(*(zero,) * count, jax.ShapeDtypeStruct((constants,), dtype))


MANY = 12
"""Free numbers beyond which derivatives are taken in reverse: all their pairs would take minutes to compile."""


def along(f: Scalars, k: int) -> Scalars:
    """The partial derivative of a function in argument `k`."""

    def slope(*theta: Any) -> Any:
        def line(t: Any) -> Any:
            return f(*theta[:k], t, *theta[k + 1 :])

        return jax.jvp(line, (theta[k],), (jnp.ones_like(theta[k]),))[1]

    return slope


@functools.lru_cache(maxsize=256)
def curved_pairs(curve: Curve, inputs: tuple[str, ...], constants: int) -> tuple[tuple[int, int], ...]:
    """The pairs of free numbers, `i <= j`, whose mixed second derivative is not identically zero."""
    size = curve.size
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    zero = jnp.zeros(())

    def seconds(theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any) -> list[Any]:
        f = flat(curve, point, constant, zero.dtype)
        return [along(along(f, j), i)(*theta) for i, j in pairs]

    jaxpr = jax.make_jaxpr(seconds)((zero,) * size, dict.fromkeys(inputs, zero), jnp.zeros(constants)).jaxpr
    alone = [[i == k for i in range(len(pairs))] for k in range(len(pairs))]
    return tuple(pair for pair, used in zip(pairs, alone, strict=True) if any(partial_eval.dce_jaxpr(jaxpr, used)[1]))


def slopes(
    curve: Curve, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any
) -> tuple[Any, tuple[Any, ...]]:
    """Value and first derivatives for one run."""
    f = flat(curve, point, constant, theta[0].dtype)
    return f(*theta), tuple(along(f, k)(*theta) for k in range(curve.size))


def reverse_slopes(
    curve: Curve, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any
) -> tuple[Any, tuple[Any, ...]]:
    """As `slopes`, by one pass backwards: its cost does not grow with the free numbers."""
    f = flat(curve, point, constant, theta[0].dtype)
    return jax.value_and_grad(f, argnums=tuple(range(curve.size)))(*theta)


def derivatives(
    curve: Curve, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Value, first derivatives, and the second derivatives of `curved_pairs`, for one run."""
    f = flat(curve, point, constant, theta[0].dtype)
    pairs = curved_pairs(curve, tuple(point), constant.shape[0])
    value, first = slopes(curve, theta, point, constant)
    return value, first, tuple(along(along(f, j), i)(*theta) for i, j in pairs)
