r"""Chosen runs moved to where they tell more: size and data as continuous numbers, at no more cost.

Logarithms of N and D of all runs move together by projected gradients. Each stays within the convex hull of the
candidates, so that none is larger, longer or of another ratio than these; where the runs cost more than the budget all
are drawn towards the cheapest corner until they do not, which is part of the function that is differentiated.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._cost import Cost
from .._roots import bisected
from ._criteria import Scale, run_slopes, uncertainty


class Within(NamedTuple):
    """Where a run may lie, in logarithms of N and D, and what all may cost.

    **Arguments:**

    - `corners`: Of the convex hull of the candidates, counter-clockwise; two where it is a line.
    - `cheapest`: The candidate of the least cost.
    - `budget`: In the unit of the cost.
    """

    corners: Float[Array, "corner 2"]
    cheapest: Float[Array, " 2"]
    budget: Float[Array, ""]


def refined(
    scale: Scale, log: bool, sigma: float, aim: Float[np.ndarray, "draw asked free"],
    covariance: Float[np.ndarray, "draw free free"], candidates: dict[str, Float[np.ndarray, " candidate"]],
    chosen: np.ndarray, cost: Cost, budget: float, volume: bool,
) -> dict[str, Float[np.ndarray, " run"]]:  # fmt: skip
    """The inputs of the chosen runs where the criterion is least about them; never more than where they began."""
    places = np.log(np.stack([candidates["N"], candidates["D"]], axis=1))
    runs = {name: column[chosen] for name, column in candidates.items()}
    with jax.enable_x64(True):
        prices = jax.vmap(cost.of)(*jnp.exp(jnp.asarray(places)).T)
        within = Within(
            jnp.asarray(hull(places)),
            jnp.asarray(places[int(jnp.argmin(prices))]),
            # Sums of costs are rounded: not a hair above.
            jnp.asarray(budget * (1.0 - 1e-12)),
        )
        known = jnp.asarray(aim), jnp.asarray(covariance), jnp.asarray(sigma)
        start = {name: jnp.asarray(column) for name, column in runs.items()}
        size = _moved(scale, known, start, within, cost, log, volume)
        return runs | {name: np.exp(np.asarray(size[:, i])) for i, name in enumerate(("N", "D"))}


@eqx.filter_jit
def _moved(
    scale: Scale, known: tuple[Array, Array, Array], runs: dict[str, Array], within: Within, cost: Cost, log: bool,
    volume: bool,
) -> Float[Array, "run 2"]:  # fmt: skip
    """Logarithms of N and D of the runs, moved; known are the aim, the covariance and the scatter."""
    aim, covariance, sigma = known

    def criterion(at: Array) -> Array:
        N, D = jnp.exp(affordable(at, within, cost)).T
        slope = run_slopes(scale, runs | {"N": N, "D": D}, log) / sigma
        gained = covariance @ jnp.swapaxes(slope, 1, 2) @ slope
        left = uncertainty(aim, jnp.linalg.solve(jnp.eye(gained.shape[-1]) + gained, covariance), volume)
        # Both on the scale of logarithms, so that steps are of a like size.
        return left if volume else jnp.log(left)

    begin = jnp.log(jnp.stack([runs["N"], runs["D"]], axis=1))
    return affordable(_descended(criterion, begin, within.corners), within, cost)


class _State(NamedTuple):
    at: Array
    value: Array
    slope: Array
    rate: Array  # of the next step, by Barzilai and Borwein
    going: Array
    count: Array


def _descended(criterion: Any, begin: Float[Array, "run 2"], corners: Float[Array, "corner 2"]) -> Array:
    """Where projected gradients end; every step lowers the criterion (Birgin, Martínez and Raydan 2000)."""
    gradient = jax.value_and_grad(criterion)

    def step(s: _State) -> _State:
        along = inside(s.at - s.rate * s.slope, corners) - s.at
        promise = jnp.sum(along * s.slope)

        def short(state: tuple[Array, Array, Array]) -> Array:
            share, value, tries = state
            # A comparison with NaN is false: such a step is too long.
            return ~(value <= s.value + 1e-4 * share * promise) & (tries < 40)

        def halve(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            share = 0.5 * state[0]
            return share, criterion(s.at + share * along), state[2] + 1

        share, value, tries = jax.lax.while_loop(
            short, halve, (jnp.ones_like(promise), criterion(s.at + along), jnp.int32(0))
        )
        good = (value <= s.value) & (tries < 40)
        at = jnp.where(good, s.at + share * along, s.at)
        value, slope = gradient(at)
        move, turn = at - s.at, slope - s.slope
        bent = jnp.sum(move * turn)
        rate = jnp.clip(jnp.where(bent > 0.0, jnp.sum(move**2) / bent, 1e3), 1e-6, 1e3)
        # How far a step of length one along the slope would move the runs, in logarithms.
        rest = jnp.max(jnp.abs(inside(at - slope, corners) - at))
        return _State(at, value, slope, rate, good & (rest > 1e-9), s.count + 1)

    value, slope = gradient(begin)
    # First no run moves by more than a tenth of an e-fold.
    rate = 0.1 / jnp.maximum(jnp.max(jnp.abs(slope)), 1e-30)
    first = _State(begin, value, slope, rate, jnp.isfinite(slope).all(), jnp.int32(0))
    return jax.lax.while_loop(lambda s: s.going & (s.count < 300), step, first).at


def affordable(at: Float[Array, "run 2"], within: Within, cost: Cost) -> Float[Array, "run 2"]:
    """Runs drawn towards the cheapest place until the budget pays for them; those that it pays for as they are."""

    def over(share: Array, at: Array) -> Array:
        N, D = jnp.exp(within.cheapest + share * (at - within.cheapest)).T
        return jnp.sum(jax.vmap(cost.of)(N, D)) / within.budget - 1.0

    fixed, one = jax.lax.stop_gradient(at), jnp.ones((), at.dtype)

    dear = over(one, fixed) > 0.0
    share = jnp.where(dear, bisected(lambda share: over(share, fixed) <= 0.0, 0.0 * one, one)[0], one)
    value, rise = over(share, at), jax.jvp(lambda s: over(s, fixed), (share,), (one,))[1]
    # A Newton step of length zero, whose derivatives are those of the solution.
    moved = (value - jax.lax.stop_gradient(value)) / jnp.where(rise > 0.0, rise, jnp.inf)
    return within.cheapest + (share - jnp.where(dear, moved, 0.0)) * (at - within.cheapest)


def inside(at: Float[Array, "run 2"], corners: Float[Array, "corner 2"]) -> Float[Array, "run 2"]:
    """The nearest places of a convex polygon, of a line between two corners, or a single place."""
    edges = jnp.roll(corners, -1, axis=0) - corners
    apart = at[:, None] - corners
    along = jnp.sum(apart * edges, axis=-1) / jnp.maximum(jnp.sum(edges**2, axis=-1), 1e-300)
    nearest = corners + jnp.clip(along, 0.0, 1.0)[..., None] * edges
    best = jnp.argmin(jnp.sum((at[:, None] - nearest) ** 2, axis=-1), axis=1)
    left: Bool[Array, "run corner"] = edges[:, 0] * apart[..., 1] - edges[:, 1] * apart[..., 0] >= 0.0
    within = left.all(axis=1) & (corners.shape[0] > 2)
    return jnp.where(within[:, None], at, nearest[jnp.arange(at.shape[0]), best])


def hull(places: Float[np.ndarray, "place 2"]) -> Float[np.ndarray, "corner 2"]:
    """The corners of the convex hull, counter-clockwise, by Andrew's chain; the ends of a line, or a single place."""
    # Logarithms of what lies on a line are rounded, and would be corners.
    order = np.unique(np.round(places, 9), axis=0)

    def chain(points: np.ndarray) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for point in points:
            while len(found) > 1:
                a, b = found[-1] - found[-2], point - found[-2]
                if a[0] * b[1] - a[1] * b[0] > 1e-8:
                    break
                found.pop()
            found.append(point)
        return found[:-1]

    return order if len(order) < 2 else np.stack(chain(order) + chain(order[::-1]))
