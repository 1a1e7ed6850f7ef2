"""Value, slopes and curvatures of a curve, run by run, leaving out second derivatives that are zero for every run."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import partial_eval

from ._problem import Curve


def _along(f: Callable[..., Any], k: int) -> Callable[..., Any]:
    """The partial derivative of a scalar function of several scalars in argument `k`."""

    def slope(*theta: Any) -> Any:
        def line(t: Any) -> Any:
            return f(*theta[:k], t, *theta[k + 1 :])

        return jax.jvp(line, (theta[k],), (jnp.ones_like(theta[k]),))[1]

    return slope


@functools.lru_cache(maxsize=256)
def curved_pairs(curve: Curve, inputs: tuple[str, ...], constants: int) -> tuple[tuple[int, int], ...]:
    """The pairs of free numbers, `i <= j`, whose mixed second derivative is not identically zero."""
    zero = jnp.zeros(())

    def depends(i: int, j: int) -> bool:
        def mixed(theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any) -> Any:
            return _along(_along(lambda *t: curve(t, point, constant), j), i)(*theta)

        example = ((zero,) * curve.size, dict.fromkeys(inputs, zero), jnp.zeros(constants))
        jaxpr = jax.make_jaxpr(mixed)(*example).jaxpr
        return any(partial_eval.dce_jaxpr(jaxpr, [True])[1])

    return tuple((i, j) for i in range(curve.size) for j in range(i, curve.size) if depends(i, j))


def derivatives(
    curve: Curve, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Value, first derivatives, and the second derivatives of `curved_pairs`, for one run."""

    def f(*t: Any) -> Any:
        return curve(t, point, constant)

    pairs = curved_pairs(curve, tuple(point), constant.shape[0])
    slopes = [_along(f, k) for k in range(curve.size)]
    return f(*theta), tuple(s(*theta) for s in slopes), tuple(_along(slopes[j], i)(*theta) for i, j in pairs)
