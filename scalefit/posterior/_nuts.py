"""The No-U-Turn sampler for many chains at once, in coordinates in which the density is about a standard normal.

Chains do not wait for each other: in each pass every chain takes one leapfrog step of its own tree, and all gradients
are one call. Only that call is compiled, so that no program is named after a number of draws.

    for each chain: draw a momentum; the tree is its place alone
    pass: one leapfrog step further in the direction of the current subtree
          keep the new place as the subtree's with probability weight / weight of the subtree
          if the subtree turns back or diverges: the draw is the tree's place
          if it has as many steps as the tree: join it, move there with probability min(1, its weight / the tree's);
              if the whole turns back or is deep enough the draw is made, else double again in a random direction

Source: Hoffman and Gelman 2014 (arXiv 1111.4246) with multinomial weights (arXiv 1701.02434), the iterative form of
NumPyro (arXiv 1912.11554, appendix A); step sizes by dual averaging.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

Slopes = Callable[[Float[np.ndarray, "chain number"]], tuple[np.ndarray, np.ndarray]]
"""The logarithm of a density at one place for each chain, and its gradient."""


class Chains(NamedTuple):
    """Draws by chain, which of them diverged, and the step size of each study."""

    numbers: Float[np.ndarray, "chain draw number"]
    diverging: Bool[np.ndarray, "chain draw"]
    step: Float[np.ndarray, " study"]


class _StepSize:
    """Dual averaging of each study's step size towards a share of accepted steps (arXiv 1111.4246, section 3.2)."""

    def __init__(self, first: Float[np.ndarray, " study"], accepted: float):
        self.size, self.mean, self.towards, self.accepted = first.copy(), np.log(first), np.log(10.0 * first), accepted
        self.count, self.off = np.zeros_like(first), np.zeros_like(first)

    def learn(self, study: Int[np.ndarray, " tree"], share: Float[np.ndarray, " tree"]) -> None:
        """Learn from the shares of trees of some studies."""
        trees = np.bincount(study, minlength=len(self.size))
        which = np.flatnonzero(trees)
        self.count[which] += 1.0
        count, share = self.count[which], np.bincount(study, share)[which] / trees[which]
        self.off[which] += ((self.accepted - share) - self.off[which]) / (count + 10.0)
        log_size = self.towards[which] - np.sqrt(count) / 0.05 * self.off[which]
        self.mean[which] += count**-0.75 * (log_size - self.mean[which])
        self.size[which] = np.exp(log_size)


def nuts(
    slopes: Slopes,
    start: Float[np.ndarray, "chain number"],
    rng: np.random.Generator,
    *,
    num: int,
    step: Float[np.ndarray, " study"],
    warmup: int = 100,
    accepted: float = 0.8,
    depth: int = 8,
) -> Chains:
    """Draws of each chain from its start; studies take turns among the chains.

    **Arguments:**

    - `slopes`: The density.
    - `num`: Draws of each chain, after `warmup` trees from which all chains of a study learn its step size.
    - `step`: The first step size of each study.
    - `accepted`: Share of steps to be accepted: the more, the smaller the steps.
    - `depth`: Doublings of a tree at most.
    """
    chains, size = start.shape
    total, every = warmup + num, np.arange(chains)
    draws, diverged = np.empty((chains, num, size)), np.zeros((chains, num), bool)
    done, length, study, sizes = np.zeros(chains, int), np.zeros(chains), every % len(step), _StepSize(step, accepted)
    # Places with their momenta, gradients and log densities side by side: of the tree, of its ends backwards and
    # forwards, of the subtree, and of the end that moves.
    at, back, front, new, moving = np.zeros((5, chains, 3 * size + 1))
    P, R, G, V = *(slice(k * size, (k + 1) * size) for k in range(3)), 3 * size
    at[:, P] = start
    at[:, V], at[:, G] = slopes(start)
    energy, weight, new_weight = np.zeros((3, chains))
    impulse, new_impulse = np.zeros((2, chains, size))
    level, leaf = np.zeros((2, chains), int)
    forward, accept, steps = np.zeros(chains, bool), np.zeros(chains), np.zeros(chains)
    kept = np.zeros((2, chains, depth + 1, size))  # momenta and impulses at the beginnings of open subtrees

    def begin(which: np.ndarray) -> None:
        """Begin a tree of one place for some chains."""
        momentum = rng.standard_normal((len(which), size))
        at[which, R] = impulse[which] = momentum
        back[which] = front[which] = at[which]
        energy[which] = 0.5 * np.sum(momentum**2, axis=1) - at[which, V]
        weight[which] = accept[which] = steps[which] = level[which] = 0
        # After the warm-up the mean over the way, as it stands then.
        warm, last = which[done[which] < warmup], which[done[which] == warmup]
        length[warm], length[last] = sizes.size[study[warm]], np.exp(sizes.mean[study[last]])
        extend(which)

    def extend(which: np.ndarray) -> None:
        """Begin a subtree as large as the tree, in a random direction."""
        forward[which] = ahead = rng.random(len(which)) < 0.5
        leaf[which], new_impulse[which], new_weight[which] = 0, 0.0, -np.inf
        moving[which] = np.where(ahead[:, None], front[which], back[which])

    begin(every)
    while (done < total).any():
        move = np.where(forward, length, -length)[:, None]
        moving[:, R] += 0.5 * move * moving[:, G]
        moving[:, P] += move * moving[:, R]
        moving[:, V], moving[:, G] = slopes(moving[:, P])
        moving[:, R] += 0.5 * move * moving[:, G]
        change = moving[:, V] - 0.5 * np.sum(moving[:, R] ** 2, axis=1) + energy
        change = np.where(np.isfinite(change), change, -np.inf)
        lost = change < -1000.0
        accept += np.exp(np.minimum(change, 0.0))
        steps += 1.0
        new_weight = np.logaddexp(new_weight, change)
        new_impulse += moving[:, R]
        take = rng.random(chains) < np.exp(change - np.maximum(new_weight, -1e300))
        new[take] = moving[take]
        turned = _turned_within(kept, moving[:, R], new_impulse, leaf)
        leaf += 1
        closed = np.flatnonzero(turned | lost | (leaf == 1 << level))
        if closed.size == 0:
            continue
        # Subtrees that turned back or diverged are left out.
        whole = closed[~(turned | lost)[closed]]
        jump = whole[np.log(rng.random(len(whole))) < new_weight[whole] - weight[whole]]
        at[jump] = new[jump]
        weight[whole] = np.logaddexp(weight[whole], new_weight[whole])
        impulse[whole] += new_impulse[whole]
        for end, where in ((back, whole[~forward[whole]]), (front, whole[forward[whole]])):
            end[where] = moving[where]
        turned[whole] = _turned(back[whole, R], front[whole, R], impulse[whole])
        level[closed] += 1
        over = (turned | lost)[closed] | (level[closed] == depth)
        extend(closed[~over])
        if over.any():
            made = closed[over]
            sampled = made[(done[made] >= warmup) & (done[made] < total)]
            draws[sampled, done[sampled] - warmup] = at[sampled, P]
            diverged[sampled, done[sampled] - warmup] = lost[sampled]
            warm = made[done[made] < warmup]
            sizes.learn(study[warm], accept[warm] / steps[warm])
            done[made] += 1
            begin(made)
    return Chains(draws, diverged, np.exp(sizes.mean))


def _turned(one: np.ndarray, other: np.ndarray, impulse: np.ndarray) -> np.ndarray:
    """Paths that turn back on themselves, by the momenta at their ends and the sum along them."""
    middle = impulse - 0.5 * (one + other)
    return (np.sum(one * middle, axis=-1) <= 0.0) | (np.sum(other * middle, axis=-1) <= 0.0)


def _turned_within(kept: np.ndarray, momentum: np.ndarray, impulse: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """Chains where a subtree that ends in this leaf turns back; a leaf of even number begins subtrees, and is kept."""
    chains, depth = len(leaf), kept.shape[2]
    last = _ones(leaf >> 1)  # where the left end of the smallest subtree that is open stands
    even = np.flatnonzero(leaf % 2 == 0)
    kept[0, even, last[even]], kept[1, even, last[even]] = momentum[even], impulse[even]
    turned = np.zeros(chains, bool)
    odd = np.flatnonzero(leaf % 2 == 1)
    if odd.size:
        # As many subtrees end here as the number of the leaf has trailing ones.
        closed = _ones((leaf[odd] ^ (leaf[odd] + 1)) >> 1)
        places = np.arange(depth)
        ends_here = (places <= last[odd, None]) & (places > last[odd, None] - closed[:, None])
        along = impulse[odd, None] - kept[1, odd] + kept[0, odd]
        turned[odd] = np.any(ends_here & _turned(kept[0, odd], momentum[odd, None], along), axis=1)
    return turned


def _ones(numbers: np.ndarray) -> np.ndarray:
    """How many bits of each are set."""
    return np.bitwise_count(numbers.astype(np.uint32)).astype(int)
