"""Values that a formula defines as the root of an equation."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def implicit_root(f: Callable[..., Any], bracket: tuple[Any, Any], *args: Any, halvings: int = 60) -> Any:
    r"""The x between two numbers at which $f(x, \dots) = 0$, differentiable in `args` any number of times.

    Bisection finds it; Newton's steps, kept within the bracket, bring the last digits. Derivatives are those of the
    equation: $dx = -\left(\partial f/\partial x\right)^{-1}\,\partial f\cdot d\mathrm{args}$.

    **Arguments:**

    - `f`: A function of x and of `args` that changes its sign once between the ends; all it depends on must be in
      `args`, as nothing else is differentiated.
    - `bracket`: The ends.
    - `args`: Numbers or arrays.
    - `halvings`: Halvings of the bracket.
    """

    def found(low: Any, high: Any, args: Any) -> Any:
        sign = jnp.sign(f(high, *args))

        def halve(_: Any, ends: Any) -> Any:
            low, high = ends
            middle = 0.5 * (low + high)
            above = jnp.sign(f(middle, *args)) == sign
            return jnp.where(above, low, middle), jnp.where(above, middle, high)

        low, high = jax.lax.fori_loop(0, halvings, halve, (low, high))
        x = 0.5 * (low + high)
        step = f(x, *args) / jax.jvp(lambda x: f(x, *args), (x,), (jnp.ones_like(x),))[1]
        return jnp.where(jnp.isfinite(step), jnp.clip(x - step, low, high), x)

    @jax.custom_jvp
    def root(low: Any, high: Any, args: Any) -> Any:
        return found(low, high, args)

    @root.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (low, high, args), (*_, moved) = primals, tangents
        x = root(low, high, args)
        slope = jax.jvp(lambda x: f(x, *args), (x,), (jnp.ones_like(x),))[1]
        change = jax.jvp(lambda *args: f(x, *args), args, moved)[1]
        return x, -change / slope

    # Not closed over: what is traced outside must come in as an argument.
    low, high = (jax.lax.stop_gradient(jnp.asarray(end, jnp.result_type(float))) for end in bracket)
    return root(low, high, args)
