"""Chosen runs exchanged for others while that leaves less unknown: a few chosen greedily can be far from the best.

from the set that was chosen: leave out one run, or two, in every way
    put in each of the runs that then tell most, and go on greedily as long as the budget and the number allow
take the best of all these sets, and begin again from it, until none is better
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

POWERS = 0.0, 0.5, 1.0
"""Runs are put in by their gain for their cost to one of these powers."""
FEW = 8
"""The most runs that are exchanged: of more a greedy choice loses little, and there are many pairs."""
ROOM = 100_000
"""Draws times runs times numbers that exchanges look at; of more draws every so many."""


class Choice(NamedTuple):
    """What choosing runs is about: slopes by their scatter, the aim, what is unknown before, costs and their limits.

    **Arguments:**

    - `volume`: Whether the log determinant is to be least, and not the variance of the aim.
    """

    runs: Float[np.ndarray, "draw run free"]
    aim: Float[np.ndarray, "draw target free"]
    covariance: Float[np.ndarray, "draw free free"]
    cost: Float[np.ndarray, " run"]
    budget: float
    most: int
    volume: bool

    def after(self, some: list[int]) -> Float[np.ndarray, "draw free free"]:
        """The covariance that some runs leave."""
        if not some:
            return self.covariance
        slope = self.runs[:, some]
        moved = slope @ self.covariance
        inner = np.eye(len(some)) + moved @ np.swapaxes(slope, 1, 2)
        return self.covariance - np.swapaxes(moved, 1, 2) @ np.linalg.solve(inner, moved)

    def left(self, some: list[int]) -> float:
        """What some runs leave: the mean variance of the aim, or the mean log determinant."""
        covariance = self.after(some)
        if self.volume:
            return float(np.mean(np.linalg.slogdet(covariance)[1]))
        return variance(covariance, self.aim)

    def gain(self, covariance: Float[np.ndarray, "draw free free"]) -> Float[np.ndarray, " run"]:
        """What each run takes off that."""
        moved = self.runs @ covariance
        own = np.sum(moved * self.runs, axis=2)
        if self.volume:
            return np.mean(np.log1p(own), axis=0)
        return np.mean(np.sum((moved @ np.swapaxes(self.aim, 1, 2)) ** 2, axis=2) / (1.0 + own), axis=0)

    def completed(self, some: list[int], power: float) -> tuple[list[int], float]:
        """Some runs with others put in greedily, and what all leave."""
        some = list(some)
        while True:
            covariance = self.after(some)
            open_ = self._open(some)
            gain = np.where(open_, self.gain(covariance), 0.0)
            if len(some) == self.most or not (gain > 0.0).any():
                return some, self.left(some)
            some.append(int(np.argmax(gain * self.cost**-power)))

    def _open(self, some: list[int]) -> np.ndarray:
        """Which runs may be put in."""
        free = np.isfinite(self.cost) & (self.cost <= self.budget - self.cost[some].sum())
        free[some] = False
        return free

    def neighbours(self, some: list[int], wide: int) -> list[list[int]]:
        """Sets without one run or two of these, and each of so many others put in."""
        found = []
        for away in (1, 2):
            for out in itertools.combinations(some, min(away, len(some))):
                base = [k for k in some if k not in out]
                gain = np.where(self._open(base), self.gain(self.after(base)), 0.0)
                best = np.argsort(-gain)[:wide]
                found += [[*base, int(k)] for k in best if gain[k] > 0.0]
        return found


def variance(covariance: Float[np.ndarray, "draw free free"], target: Float[np.ndarray, "draw target free"]) -> float:
    """The mean over the draws of the variance of a target."""
    return float(np.mean(np.sum((target @ covariance) * target, axis=(1, 2))))


def few_best(choice: Choice, some: list[int]) -> list[int]:
    """A set of few runs no worse than one chosen greedily, in the order of gain for the cost."""
    # Where all are chosen there is nothing to exchange.
    if len(some) > FEW or len(some) == np.isfinite(choice.cost).sum():
        return some
    every = -(-choice.runs.size // ROOM)
    part = choice._replace(**{name: getattr(choice, name)[::every] for name in ("runs", "aim", "covariance")})
    found = exchanged(part, some)
    if not choice.left(found) < choice.left(some):
        return some
    ordered: list[int] = []
    while len(ordered) < len(found):
        gain = choice.gain(choice.after(ordered)) / choice.cost
        ordered.append(max((k for k in found if k not in ordered), key=lambda k, gain=gain: gain[k]))
    return ordered


def exchanged(choice: Choice, some: list[int]) -> list[int]:
    """The best set that exchanges lead to from one, and from a few others that begin with another run."""
    # About as much work as a greedy choice among thousands.
    wide = int(np.clip(ROOM / choice.runs.size, 1, 12))
    likely = np.argsort(-choice.gain(choice.covariance))[: 4 * wide]
    begun = [choice.completed([int(k)], power) for k in likely if choice._open([])[k] for power in POWERS]
    others = {frozenset(one): one for one, _ in sorted(begun, key=lambda found: found[1])}
    ends = []
    for start in [some, *list(others.values())[: wide // 4]]:
        here, left = start, choice.left(start)
        for _ in range(20):
            tried = [choice.completed(one, power) for one in choice.neighbours(here, wide) for power in POWERS]
            if not tried:
                break
            best, less = min(tried, key=lambda found: found[1])
            if not less < left - 1e-9 * abs(left):
                break
            here, left = best, less
        ends.append((here, left))
    return min(ends, key=lambda found: found[1])[0]
