"""Limits of the total weight of groups of pools, for the steps on the simplex."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ._namespace import Numbers, namespace

HALVINGS = 80
"""Bisections of a multiplier's logarithm, between 1e-40 and 1e40: to 1e-22 of it."""
REACHED = 1e-11
"""A total no further than that from its limit is there."""


class Groups(NamedTuple):
    """Groups of pools whose total weight has limits.

    **Arguments:**

    - `member`: 1 where a pool is of a group and 0 elsewhere; every pool is of one group.
    - `low`, `high`: The least and the largest total of each.
    """

    member: Float[Numbers, "*lane group pool"]
    low: Float[Numbers, "*lane group"]
    high: Float[Numbers, "*lane group"]

    def totals(self, w: Numbers) -> Float[Numbers, "*lane group"]:
        """The total weight of each."""
        return namespace(w).matmul(self.member, w[..., None])[..., 0]

    def of_pools(self, a: Numbers) -> Float[Numbers, "*lane pool"]:
        """What is said of each group, for each pool of it."""
        return namespace(a).matmul(a[..., None, :], self.member)[..., 0, :]


def by_group(
    v: Float[Numbers, "*lane pool"], low: Float[Numbers, "*lane pool"], high: Float[Numbers, "*lane pool"],
    groups: Groups,
) -> Float[Numbers, "*lane pool"]:  # fmt: skip
    r"""As `project`, with limits of totals: $w = \min(\max(s_g\,v, low), high)$.

    s is the same for all groups that are at no limit; the others have one of their own, by which their total is there.
    """
    np_, tiny = namespace(v), np.finfo(v.dtype).tiny
    raised = np_.maximum(v / np_.maximum(v.max(axis=-1, keepdims=True), tiny), 1e-30)

    def totals(log_s: Any) -> Any:
        return groups.totals(_within(np_.exp(log_s) * raised, low, high))

    def allowed(log_s: Any) -> Any:
        return _within(totals(log_s), groups.low, groups.high)

    one = np_.zeros_like(v[..., :1])
    log_s = _bisected(lambda at: allowed(at).sum(axis=-1, keepdims=True) - 1.0, one)
    wanted = allowed(log_s)
    # Rounding alone is left of the whole; groups at no limit take it.
    own = _bisected(lambda at: totals(groups.of_pools(at)) - wanted, np_.zeros_like(wanted))
    own = np_.where(np_.abs(totals(log_s) - wanted) <= 1e-15, log_s, own)
    w = _within(np_.exp(groups.of_pools(own)) * raised, low, high)
    free = (w > low) & (w < high)
    held, loose = (groups.totals(np_.where(some, w, 0.0)) for some in (~free, free))
    times = np_.where(loose > tiny, (wanted - held) / np_.maximum(loose, tiny), 1.0)
    w = np_.where(free, _within(w * groups.of_pools(np_.maximum(times, 0.0)), low, high), w)
    return np_.where((v <= 0.0) & (w < 1e-20), low, w)


def _bisected(f: Callable[[Any], Any], like: Numbers) -> Numbers:
    """Where a rising function changes its sign."""
    np_ = namespace(like)

    def halve(_: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        least, most = ends
        middle = 0.5 * (least + most)
        above = f(middle) > 0.0
        return np_.where(above, least, middle), np_.where(above, middle, most)

    ends = like - 92.0, like + 92.0
    if np_ is jnp:
        least, most = jax.lax.fori_loop(0, HALVINGS, halve, ends)
    else:
        least, most = functools.reduce(lambda ends, k: halve(k, ends), range(HALVINGS), ends)
    return 0.5 * (least + most)


def best_pair(
    right: Float[Numbers, "lane pool"], left: Float[Numbers, "lane pool"], w: Float[Numbers, "lane pool"],
    groups: Groups,
) -> tuple[Int[Numbers, "lane pool"], Int[Numbers, "lane pool"], Float[Numbers, "lane pool"]]:  # fmt: skip
    """The most profitable move that the groups allow, first among takers and givers, with its slope; 0 for the others.

    Within a group weight moves freely; between two, one must be below its most and the other above its least.
    """
    np_, pools = namespace(w), w.shape[-1]
    totals = groups.totals(w)
    up = groups.of_pools(np_.where(totals < groups.high - REACHED, 1.0, 0.0).astype(w.dtype)) > 0.5
    down = groups.of_pools(np_.where(totals > groups.low + REACHED, 1.0, 0.0).astype(w.dtype)) > 0.5
    same = np_.matmul(np_.swapaxes(groups.member, -1, -2), groups.member) > 0.5
    fine = (same | (up[:, :, None] & down[:, None, :])) & ~np.eye(pools, dtype=bool)[None]
    gain = np_.where(fine, right[:, :, None] - left[:, None, :], np.inf).reshape(len(w), -1)
    place = np_.argmin(gain, axis=-1)
    by = np_.take_along_axis(gain, place[:, None], axis=-1)
    by = np_.where(np_.isfinite(by) | (by < 0.0), by, 0.0)
    order = np_.arange(pools)[None]

    def first(one: Any) -> Any:
        return np_.argsort(np_.where(order == one[:, None], -1, order), axis=-1).astype(np.int32)

    return first(place // pools), first(place % pools), np_.where(order == 0, by, 0.0)


def room_between(
    taker: Int[Numbers, " lane"], giver: Int[Numbers, " lane"], w: Float[Numbers, "lane pool"], groups: Groups
) -> Float[Numbers, " lane"]:
    """How much weight may go from one pool to another before the total of a group is at its limit."""
    np_, totals = namespace(w), groups.totals(w)
    to, of = (np_.take_along_axis(groups.member, one[:, None, None], axis=-1)[..., 0] for one in (taker, giver))
    above = np_.where(to > of, groups.high - totals, np.inf).min(axis=-1)
    below = np_.where(of > to, totals - groups.low, np.inf).min(axis=-1)
    return np_.maximum(np_.minimum(above, below), 0.0)


def _within(a: Any, low: Any, high: Any) -> Any:
    return namespace(a).minimum(namespace(a).maximum(a, low), high)
