"""Value, slopes and curvatures of a curve, run by run, leaving out second derivatives that are zero for every run."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun

from ._problem import Curve

Scalars = Callable[..., Any]
"""A scalar function of several scalars."""
MANY = 12
"""Free numbers beyond which derivatives are taken in reverse: so many pairs would leave the cache."""
ONE_SUM = {
    "add", "sub", "neg", "add_any", "convert_element_type", "reshape", "broadcast_in_dim", "squeeze", "expand_dims",
    "slice", "concatenate", "transpose", "reduce_sum", "select_n", "copy", "rev", "cumsum", "pad", "gather",
    "dynamic_slice", "max", "min", "abs", "clamp", "reduce_max", "reduce_min",
}  # fmt: skip
"""Primitives that are linear, or so piece by piece."""
RUNNING = 64
"""Operations for each number of a running sum, which XLA takes in many small steps that share no loop with others."""
CALLS = {"jit", "pjit", "closed_call", "core_call", "remat", "checkpoint"}
"""Primitives that do what another program says."""


def flat(curve: Curve, point: Mapping[str, Any], constant: Any, dtype: Any) -> Scalars:
    """The curve at a run as a function of its free numbers: its formula is run once and kept as primitives."""
    traced = _traced(curve, *_kinds(point), constant.shape[0], jnp.dtype(dtype))
    return functools.partial(_evaluate, traced, jax.tree.leaves(point), constant)


def _evaluate(traced: ClosedJaxpr, inputs: list[Any], constant: Any, *theta: Any) -> Any:
    return jaxpr_as_fun(traced)(*theta, *inputs, constant)[0]


def _kinds(point: Mapping[str, Any]) -> tuple[Any, tuple[tuple[tuple[int, ...], Any], ...]]:
    leaves, tree = jax.tree.flatten(dict(point))
    return tree, tuple((leaf.shape, leaf.dtype) for leaf in leaves)


@functools.lru_cache(maxsize=256)
def _traced(curve: Curve, tree: Any, kinds: tuple[Any, ...], constants: int, dtype: Any) -> ClosedJaxpr:
    def value(*given: Any) -> Any:
        theta, inputs, constant = given[: curve.size], given[curve.size : -1], given[-1]
        return curve(theta, jax.tree.unflatten(tree, inputs), constant)

    with jax.enable_x64(jnp.finfo(dtype).bits == 64):
        theta = (jax.ShapeDtypeStruct((), dtype),) * curve.size
        inputs = (jax.ShapeDtypeStruct(*kind) for kind in kinds)
        return jax.make_jaxpr(value)(*theta, *inputs, jax.ShapeDtypeStruct((constants,), dtype))


def along(f: Scalars, k: int) -> Scalars:
    """The partial derivative of a function in argument `k`."""

    def slope(*theta: Any) -> Any:
        def line(t: Any) -> Any:
            return f(*theta[:k], t, *theta[k + 1 :])

        return jax.jvp(line, (theta[k],), (jnp.ones_like(theta[k]),))[1]

    return slope


def curved_pairs(
    curve: Curve, point: Mapping[str, Any], constant: Any, dtype: Any = np.float64
) -> tuple[tuple[int, int], ...]:
    """The pairs of free numbers, `i <= j`, whose mixed second derivative is not identically zero."""
    return _curved(_traced(curve, *_kinds(point), constant.shape[0], jnp.dtype(dtype)), curve.size)


@functools.lru_cache(maxsize=256)
def _curved(traced: ClosedJaxpr, size: int) -> tuple[tuple[int, int], ...]:
    jaxpr = traced.jaxpr
    nothing: _Felt = (frozenset(), frozenset())
    given = [(frozenset({k}), frozenset()) for k in range(size)] + [nothing] * (len(jaxpr.invars) - size)
    (_, pairs), *_ = _followed(jaxpr, given)
    return tuple(sorted(pairs))


def curvature_operations(curve: Curve, point: Mapping[str, Any], constant: Any, dtype: Any = np.float64) -> int:
    """How many operations all curvatures at a run take, about."""
    traced = _traced(curve, *_kinds(point), constant.shape[0], jnp.dtype(dtype))
    return len(_curved(traced, curve.size)) * _operations(traced)


@functools.lru_cache(maxsize=256)
def _operations(traced: ClosedJaxpr) -> int:
    return _numbers(traced.jaxpr)


def _numbers(jaxpr: Any) -> int:
    """How many numbers a program computes, what is inside others counted as often as it runs where that is known."""
    count = 0
    for eqn in jaxpr.eqns:
        given = jax.tree.leaves(tuple(eqn.params.values()), is_leaf=_is_program)
        inside = [getattr(one, "jaxpr", one) for one in given if _is_program(one)]
        inner = sum(map(_numbers, inside))
        each = RUNNING if eqn.primitive.name.startswith("cum") else 1
        count += inner * eqn.params.get("length", 1) or each * sum(math.prod(out.aval.shape) for out in eqn.outvars)
    return count


def _is_program(one: Any) -> bool:
    return hasattr(one, "eqns") or hasattr(one, "jaxpr")


_Felt = tuple[frozenset[int], frozenset[tuple[int, int]]]
"""On which numbers a value depends, and on which pairs of them not as a sum."""


def _followed(jaxpr: Any, given: list[_Felt]) -> list[_Felt]:
    """What the results of a program depend on."""
    nothing: _Felt = (frozenset(), frozenset())
    known = dict(zip(jaxpr.invars, given, strict=True)) | dict.fromkeys(jaxpr.constvars, nothing)

    def felt(atom: Any) -> _Felt:
        return nothing if isinstance(atom, Literal) else known[atom]

    for eqn in jaxpr.eqns:
        found = _results(eqn, [felt(atom) for atom in eqn.invars])
        for out, one in zip(eqn.outvars, found, strict=True):
            # What is no real number has no slopes.
            known[out] = one if jnp.issubdtype(out.aval.dtype, jnp.inexact) else nothing
    return [felt(atom) for atom in jaxpr.outvars]


def _results(eqn: Any, given: list[_Felt]) -> list[_Felt]:
    name = eqn.primitive.name
    if name in CALLS and len(eqn.params["jaxpr"].jaxpr.invars) == len(given):
        return _followed(eqn.params["jaxpr"].jaxpr, given)
    numbers = frozenset().union(*(one for one, _ in given))
    pairs = frozenset().union(*(two for _, two in given))
    match name:
        case "mul" | "dot_general":
            pairs |= _products(given[0][0], given[1][0])
        case "div":
            pairs |= _products(numbers, given[1][0])
        case _ if name not in ONE_SUM:
            pairs = _products(numbers, numbers)
    return [(numbers, pairs)] * len(eqn.outvars)


def _products(some: frozenset[int], others: frozenset[int]) -> frozenset[tuple[int, int]]:
    return frozenset((min(i, j), max(i, j)) for i in some for j in others)


def slopes(
    curve: Curve, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any
) -> tuple[Any, tuple[Any, ...]]:
    """Value and first derivatives for one run."""
    f = flat(curve, point, constant, theta[0].dtype)
    return f(*theta), tuple(along(f, k)(*theta) for k in range(curve.size))


def reverse_slopes(curve: Curve, theta: Any, point: Mapping[str, Any], constant: Any) -> tuple[Any, Any]:
    """As `slopes`, by one pass backwards, of free numbers in one array: its cost does not grow with their number."""
    return jax.value_and_grad(curve)(theta, point, constant)


def derivatives(
    curve: Curve, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Value, first derivatives, and the second derivatives of `curved_pairs`, for one run."""
    dtype = theta[0].dtype
    f = flat(curve, point, constant, dtype)
    pairs = curved_pairs(curve, point, constant, dtype)
    value, first = slopes(curve, theta, point, constant)
    return value, first, tuple(along(along(f, j), i)(*theta) for i, j in pairs)


def stacked_derivatives(f: Scalars, theta: tuple[Any, ...], pairs: tuple[tuple[int, int], ...]) -> tuple[Any, Any, Any]:
    """Value, first derivatives and those of some pairs, each kind as one array, of a function of arrays alike.

    Every entry of what it gives depends on the entries of the same lane alone, so that one direction serves all lanes;
    and all directions share one piece of code, which is a third as long to compile as one for each.
    """
    unit = np.eye(len(theta), dtype=theta[0].dtype)

    def line(direction: Any) -> tuple[Any, ...]:
        return tuple(jnp.broadcast_to(direction[k], t.shape) for k, t in enumerate(theta))

    def second(one: Any, other: Any) -> Any:
        def first(*at: Any) -> Any:
            return jax.jvp(f, at, line(one))[1]

        return jax.jvp(first, theta, line(other))[1]

    value, slope = jax.linearize(f, *theta)
    firsts = jax.vmap(lambda direction: slope(*line(direction)))(unit)
    if not pairs:
        return value, firsts, jnp.zeros((0, *value.shape), value.dtype)
    left, right = (unit[[pair[side] for pair in pairs]] for side in (0, 1))
    return value, firsts, jax.vmap(second)(left, right)
