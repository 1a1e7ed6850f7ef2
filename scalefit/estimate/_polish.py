"""From the starts of a fit to its optima: again elsewhere where they fail, on while they gain, and how they end."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import RESULTS
from ..noise import AbstractNoise
from ..problem import LawCurve, Prepared
from ..solve import Precision, Solutions, Solver, exact_moments, responses, solve
from ._starts import WIDER, level, nodes, screened

AGREE = 1e-6
"""Starts agree when their objectives are within this share of the best."""
GONE = 1e-8
"""An amplitude has vanished below this share of the typical target."""
AGAIN = 16
"""Starts of another screen, from which those begin again that failed or lost a term."""
SCOUTS, SHORT = 64, 20
"""Further starts that are followed for so many passes; as many of the best as a fit keeps optima are polished."""
ENOUGH, GUESSED = 8, 2
"""Starts of which, where all agree, no scout could tell more; fewer where the law guessed them from the runs."""
KICKS, RARE = 3, 0.25
"""Times that scouts leave from the best of a study, some of its shapes drawn anew, and the share of all ends that are
there from which they need not."""
SEVERAL, MOST = 512, 1 << 14
"""Studies together up to which each has scouts, and scouts times runs of one of them, beyond as many as begin again."""
KEPT = 8
"""Optima, at most, that a fit keeps."""
ROUND = 300
"""Passes over the runs, after which only the best start of a study goes on, and while it gains."""
NEARLY = 1e-4
"""Share of the objective that a round of passes still gains at most where it nears its least value."""
FARTHER = 3.0, 10.0, 30.0
"""Times the way of a round that starts jump ahead for the next."""
FLAT = 1e-5
"""Curvature, as a share of the steepest, along which parameters run away."""
FELT = 1e-6
"""A parameter is unidentified where a whole e-fold of it would not change any run by this share."""
ALIKE = 1e-6
"""Share of a target within which runs are all alike."""

Met = list[tuple[Solutions, Any]]
"""Ends of searches, some after others, each with the study that it is of."""


class Polished(NamedTuple):
    """The ends of all starts, which of them are of scouts, the optima that were met, and the scouts of each study: how
    many ended at the best objective, and how many were followed."""

    solved: Solutions
    scouted: Bool[np.ndarray, " fit"]
    optima: Float[np.ndarray, "study optimum free"]
    scouts: Int[np.ndarray, "study 2"]


def polished(
    prepared: Prepared, noise: AbstractNoise, begin: Float[np.ndarray, "study start free"], solver: Solver,
    max_steps: int, precision: Precision, seed: int, quick: bool, together: int, scouting: bool,
    guessed: bool = False, guesses: Callable[[np.ndarray], np.ndarray | None] | None = None,
) -> Polished:  # fmt: skip
    """Every start to its optimum, and the optima that were met, best first.

    One that does not converge, or loses a term, begins once more elsewhere. Where scouts are sent out, the best of what
    they find below all starts of a study takes the place of the worst. Where
    a law has `guessed` its starts, a lost term is no reason to look for others, nor is that they are few: a screen
    knows less.

    **Arguments:**

    - `quick`: Whether screens have fewer nodes.
    - `together`: Studies that are fitted together, of which these are some.
    - `guesses`: Further scouts of some studies, where the law knows of any.
    """
    studies, tried, free = begin.shape
    everyone = np.arange(studies)
    study = np.repeat(everyone, tried)
    own = solver == "newton"

    def run(start: np.ndarray, which: np.ndarray, whole: int = 0, most: int = ROUND) -> Solutions:
        nothing = np.zeros(len(which), int)
        return solve(
            prepared.curve, noise, prepared.data, start, which, nothing, prepared.floor, solver=solver,
            max_steps=min(max_steps, most) if own else max_steps, precision=precision, whole=whole,
        )  # fmt: skip

    def screened_again(which: np.ndarray, keep: int, beyond: float = 0.0) -> Float[np.ndarray, "study start free"]:
        long = prepared.data.target.shape[1] * SCOUTS > MOST
        return screened(prepared, noise, which, np.zeros(len(which), int), keep, seed + 1, quick or long, beyond)

    def followed(
        far: Float[np.ndarray, "some start free"], which: Int[np.ndarray, " some"]
    ) -> tuple[Solutions, Int[np.ndarray, " fit"]]:
        """The best of many starts to their optima, all of them followed for some passes."""
        count = far.shape[1]
        of_all = together * len(which) // studies * count
        short = run(far.reshape(-1, free), np.repeat(which, count), of_all, SHORT)
        lowest = np.argsort(_cost(short).reshape(-1, count), axis=1, kind="stable")[:, :KEPT]
        best = (lowest + count * np.arange(len(which))[:, None]).ravel()
        owner = np.repeat(which, lowest.shape[1])
        return run(np.asarray(short.theta)[best], owner), owner

    solved = run(begin.reshape(-1, free), study, together * tried)
    met = [(solved, study)]
    scouts = max(AGAIN, min(SCOUTS, MOST // prepared.data.target.shape[1]))
    unsure = np.flatnonzero(~_unanimous(prepared, solved, tried, GUESSED if guessed else ENOUGH))
    scouting = scouting and own and scouts > tried and unsure.size > 0
    if scouting:
        more = guesses(unsure) if guesses else None
        far = screened_again(unsure, scouts)
        met.append(followed(far if more is None else np.concatenate([far, more], axis=1), unsure))
        solved = _better(prepared, solved, *met[-1], tried)
        for turn in range(KICKS):
            rare = np.intersect1d(unsure, np.flatnonzero(_rarely_met(prepared, met)))
            if rare.size == 0:
                break
            best = np.asarray(solved.theta).reshape(begin.shape)[_best(solved, tried)]
            met.append(followed(_kicked(prepared, noise, best[rare], scouts, [seed, turn], quick), rare))
            solved = _better(prepared, solved, *met[-1], tried)
    sent, scouted = met[1:], (np.asarray(solved.theta) != np.asarray(met[0][0].theta)).any(axis=1)
    failed = np.asarray(solved.result) != int(RESULTS.successful)
    poor = _lost_somewhere(prepared, solved, begin) & ~np.array(guessed)
    gone = (vanished(prepared, solved.theta).any(axis=1) | np.repeat(poor, tried)) & ~np.array(guessed)
    if scouting:
        # Scouts have been where starts would begin again.
        found = np.isin(everyone, unsure) & ~failed.reshape(studies, tried).all(axis=1)
        failed, gone = failed & ~np.repeat(found, tried), gone & ~np.repeat(found, tried)
    lost = np.flatnonzero(failed | gone)
    if lost.size:
        which, place = np.unique(study[lost], return_inverse=True)
        again = screened_again(which, SCOUTS if poor.any() and not quick else AGAIN)
        unfelt = _felt_by_no_start(prepared, begin, which[poor[which]])
        if unfelt.size:
            again[np.searchsorted(which, unfelt)] = screened_again(unfelt, again.shape[1], WIDER)
        fresh = again[place, lost % tried % again.shape[1]]
        met.append((run(fresh, study[lost]), study[lost]))
        solved = _lower_of(solved, met[-1][0], lost)
        # A study that none of its starts brought anywhere, or all to where a number is lost, gets what else there is.
        failed = np.asarray(solved.result).reshape(studies, tried) != int(RESULTS.successful)
        poor = failed.all(axis=1) | (_lost_somewhere(prepared, solved, begin) & ~np.array(guessed))
        rest, first = again[poor[which], tried:], which[poor[which]]
        if rest.size:
            more = run(rest.reshape(-1, free), np.repeat(first, rest.shape[1]))
            met.append((more, np.repeat(first, rest.shape[1])))
            for k in range(rest.shape[1]):
                solved = _lower_of(solved, Solutions(*(column[k :: rest.shape[1]] for column in more)), tried * first)
    solved = _ended(prepared, noise, solved, begin, run, max_steps // ROUND - 1 if own else 0)
    met = [(solved, study), *met]
    return Polished(solved, scouted, _optima(prepared, met), _scouts(prepared, solved, scouted, sent))


def _cost(solved: Solutions) -> Float[np.ndarray, " fit"]:
    """The objective, infinite where there is none."""
    return np.where(np.isfinite(solved.objective), solved.objective, np.inf)


def _unanimous(prepared: Prepared, solved: Solutions, tried: int, enough: int) -> Bool[np.ndarray, " study"]:
    """Studies of which enough starts all ended at one objective: there is nothing to scout for."""
    cost = _cost(solved).reshape(-1, tried)
    least = cost.min(axis=1, keepdims=True)
    good = (np.asarray(solved.result) == int(RESULTS.successful)).reshape(-1, tried)
    near = cost <= least + AGREE * np.abs(least) + prepared.floor[:, None]
    return (good & near).all(axis=1) & (tried >= enough)


def _rarely_met(prepared: Prepared, met: Met) -> Bool[np.ndarray, " study"]:
    """Studies of which few ends are at the lowest objective: there may be lower ones."""
    solved, study = _joined(met)
    cost, least = _cost(solved), np.full(len(prepared.studies), np.inf)
    np.minimum.at(least, study, cost)
    near = cost <= (least + AGREE * np.abs(least) + prepared.floor)[study]
    return np.bincount(study, near, len(least)) < RARE * np.bincount(study, minlength=len(least))


def _scouts(
    prepared: Prepared, solved: Solutions, scouted: Bool[np.ndarray, " fit"], sent: Met
) -> Int[np.ndarray, "study 2"]:
    """How many scouts of each study ended at its best objective, and how many there were."""
    cost = _cost(solved).reshape(len(prepared.studies), -1)
    most = cost.min(axis=1) * (1.0 + AGREE * np.sign(cost.min(axis=1))) + prepared.floor
    told = np.zeros((len(cost), 2), int)
    for some, owner in sent:
        np.add.at(told, owner, np.stack([_cost(some) <= most[owner], np.ones(len(owner), bool)], axis=1))
    # The best of them may have gone on from where it was.
    there = (scouted.reshape(cost.shape) & (cost <= most[:, None])).any(axis=1)
    return np.maximum(told, there[:, None])


def _kicked(
    prepared: Prepared, noise: AbstractNoise, best: Float[np.ndarray, "study free"], count: int, seed: list[int],
    quick: bool,
) -> Float[np.ndarray, "study start free"]:  # fmt: skip
    """Starts at the best so far but for some of its shapes, which are drawn anew."""
    rng, curve = np.random.default_rng([*seed, 0x1C1C]), prepared.curve
    at, _ = nodes(prepared, seed[0] + 2 + seed[1], level(prepared, noise), batch=quick)
    shapes = [k for k in range(curve.size) if k not in curve.amplitudes]
    start = np.repeat(best[:, None], count, axis=1)
    drawn = at[rng.integers(len(at), size=start.shape[:2])]
    # One of them by itself, or each by the toss of a coin.
    alone = np.arange(len(shapes)) == rng.integers(len(shapes), size=(*start.shape[:2], 1))
    which = np.where(rng.random((*start.shape[:2], 1)) < 0.5, alone, rng.random(drawn.shape) < 0.5)
    start[..., shapes] = np.where(which, drawn, start[..., shapes])
    return start


def _better(
    prepared: Prepared, solved: Solutions, more: Solutions, owner: Int[np.ndarray, " fit"], tried: int
) -> Solutions:
    """Starts of which the worst of a study is replaced by the best of more, where that ended below all of them."""
    which, count = np.unique(owner, return_counts=True)
    there = _best(more, int(count[0]))[1] + count[0] * np.arange(len(which))
    here = (_best(solved, tried)[1] + tried * np.arange(len(prepared.studies)))[which]
    before, after = _cost(solved)[here], _cost(more)[there]
    good = np.asarray(more.result)[there] == int(RESULTS.successful)
    failed = np.asarray(solved.result)[here] != int(RESULTS.successful)
    size = AGREE * np.abs(before) + prepared.floor[which]
    with np.errstate(invalid="ignore"):
        use = np.isfinite(after) & ((after < before - size) | (good & failed & (after <= before + size)))
    worst = np.argmax(_cost(solved).reshape(-1, tried), axis=1)[which] + tried * which
    columns = [np.array(column) for column in solved]
    for column, some in zip(columns, more, strict=True):
        column[worst[use]] = np.asarray(some)[there[use]]
    return Solutions(*columns)


def _optima(prepared: Prepared, met: Met) -> Float[np.ndarray, "study optimum free"]:
    """The lowest optima of each study among all ends, those of one objective once; NaN where there are fewer."""
    solved, study = _joined(met)
    ended = np.isin(solved.result, [int(RESULTS.successful), int(RESULTS.undetermined)])
    cost = np.where(ended, _cost(solved), np.inf)
    order = np.lexsort((cost, study))
    cost, owner = cost[order], study[order]
    first = np.searchsorted(owner, owner) == np.arange(len(owner))
    with np.errstate(invalid="ignore"):
        fresh = np.diff(cost, prepend=-np.inf) > AGREE * np.abs(cost) + prepared.floor[owner]
    fresh = (fresh | first) & np.isfinite(cost)
    count = np.cumsum(fresh)
    place = count - count[np.searchsorted(owner, owner)] + (fresh[np.searchsorted(owner, owner)]) - 1
    some = fresh & (place < KEPT)
    found = np.full((len(prepared.studies), KEPT, solved.theta.shape[1]), np.nan)
    found[owner[some], place[some]] = np.asarray(solved.theta)[order[some]]
    return found


def _joined(met: Met) -> tuple[Solutions, Int[np.ndarray, " fit"]]:
    solved, study = zip(*met, strict=True)
    return Solutions(*(np.concatenate(columns) for columns in zip(*solved, strict=True))), np.concatenate(study)


def _lost_somewhere(
    prepared: Prepared, solved: Solutions, begin: Float[np.ndarray, "study start free"]
) -> Bool[np.ndarray, " study"]:
    """Studies of whose best no run responds to some shape."""
    curve, tried = prepared.curve, begin.shape[1]
    best = _best(solved, tried)
    theta = np.asarray(solved.theta).reshape(begin.shape)[best]
    shapes = np.array([k for k in range(curve.size) if k not in curve.amplitudes], int)
    gone = np.zeros(len(theta), bool)
    # Only what went far, to nothing or nowhere is asked about.
    far = (np.abs(theta - begin.mean(axis=1)) > 5.0) | (theta == begin[best])
    some = np.flatnonzero((far | (np.abs(theta) < FELT))[:, shapes].any(axis=1))
    if some.size:
        gone[some] = _lost_shape(prepared, theta[some], some)
    return gone


def _felt_by_no_start(
    prepared: Prepared, begin: Float[np.ndarray, "study start free"], study: Int[np.ndarray, " some"]
) -> Int[np.ndarray, " less"]:
    """Studies of which no start is where every shape is felt: their shapes may be of another size altogether.

    Where the runs are all alike there is no shape to feel.
    """
    target = np.asarray(prepared.data.target)[study]
    real = np.asarray(prepared.data.weight)[study] > 0.0
    least, most = np.where(real, target, np.inf).min(axis=1), np.where(real, target, -np.inf).max(axis=1)
    study = study[most - least > ALIKE * np.maximum(np.abs(least), np.abs(most))]
    if study.size == 0:
        return study
    tried = begin.shape[1]
    lost = _lost_shape(prepared, begin[study].reshape(-1, begin.shape[2]), np.repeat(study, tried))
    return study[lost.reshape(-1, tried).all(axis=1)]


def _lost_shape(
    prepared: Prepared, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]
) -> Bool[np.ndarray, " fit"]:
    """Fits of which no run responds to some shape."""
    curve = prepared.curve
    shapes = [k for k in range(curve.size) if k not in curve.amplitudes]
    _, felt = responses(curve, theta, prepared.data, study)
    return np.asarray(~felt_by_some(curve, felt, theta)[:, shapes].all(axis=1))


def _best(solved: Solutions, tried: int) -> tuple[np.ndarray, np.ndarray]:
    """The start of the lowest objective of each study, as an index of a table by study and start."""
    cost = _cost(solved).reshape(-1, tried)
    return np.arange(len(cost)), np.argmin(cost, axis=1)


def _ended(
    prepared: Prepared, noise: AbstractNoise, solved: Solutions, begin: Float[np.ndarray, "study start free"],
    run: Callable[..., Solutions], rounds: int,
) -> Solutions:  # fmt: skip
    """The best start of each study taken on while it gains; where it gains no more, what keeps it from an optimum."""
    columns, tried = [np.array(column) for column in solved], begin.shape[1]
    theta, objective, result, steps = columns
    lane = np.arange(len(theta)).reshape(-1, tried)
    left, gained = lane[_best(solved, tried)], np.full(len(theta), np.inf)
    unsure = [int(RESULTS.max_steps_reached), int(RESULTS.stalled)]
    floor = np.repeat(prepared.floor, tried)

    def near(some: np.ndarray) -> np.ndarray:
        """A converged start as good as these."""
        table, good = objective[lane[some // tried]], result[lane[some // tried]] == int(RESULTS.successful)
        size = AGREE * np.abs(objective[some]) + floor[some]
        return (good & (table <= (objective[some] + size)[:, None])).any(axis=1)

    left = left[np.isin(result[left], unsure) & ~near(left)]
    before = begin.reshape(theta.shape).copy()
    for _ in range(rounds):
        if left.size == 0:
            break
        # From where it is, and from as far ahead again as it came, and farther.
        ahead = [_ahead(prepared.curve, before[left], theta[left], times) for times in FARTHER]
        both = run(np.concatenate([theta[left], *ahead]), np.tile(left // tried, 1 + len(FARTHER)))
        after = _cost(both).reshape(1 + len(FARTHER), -1)
        place = np.argmin(after, axis=0) * len(left) + np.arange(len(left))
        gained[left] = np.nan_to_num(objective[left] - after.min(axis=0), neginf=0.0)
        before[left] = theta[left]
        use = after.min(axis=0) <= objective[left]
        for column, new in zip(columns[:3], both, strict=False):
            column[left[use]] = np.asarray(new)[place[use]]
        steps[left] += np.asarray(both.steps)[place]
        size = AGREE * np.abs(objective[left]) + floor[left]
        left = left[np.isin(result[left], unsure) & (gained[left] > size)]
    at_rest = lane[_best(Solutions(*columns), tried)]
    size = NEARLY * np.abs(objective[at_rest]) + floor[at_rest]
    at_rest = at_rest[np.isin(result[at_rest], unsure) & (gained[at_rest] <= size)]
    if at_rest.size:
        study = at_rest // tried
        _, _, matrix = exact_moments(prepared.curve, noise, prepared.data, theta[at_rest], study)
        away = _runs_away(matrix) | _lost_shape(prepared, theta[at_rest], study)
        result[at_rest[away]] = int(RESULTS.undetermined)
    return Solutions(*columns)


def _ahead(
    curve: LawCurve, before: Float[np.ndarray, "fit free"], now: Float[np.ndarray, "fit free"], times: float
) -> Float[np.ndarray, "fit free"]:
    """Where numbers are that move on as they moved, several times as far; large ones by their factor."""
    by_factor = np.append(curve.by_factor, np.zeros(now.shape[1] - curve.size, bool))
    lower = np.append(curve.lower, np.full(now.shape[1] - curve.size, -np.inf))
    with np.errstate(all="ignore"):
        factor = now / before
        grown = by_factor & (np.abs(now) > 1.0) & (factor > 1.0) & (factor < 1e3)
        return np.maximum(np.where(grown, now * factor**times, now + times * (now - before)), lower)


def _runs_away(matrix: Float[np.ndarray, "fit free free"]) -> Bool[np.ndarray, " fit"]:
    """Whether the objective is flat along some direction of each fit."""
    size = np.sqrt(np.abs(np.diagonal(matrix, axis1=1, axis2=2)))
    unit = 1.0 / np.where((size > 0.0) & np.isfinite(size), size, 1.0)
    scaled = matrix * unit[:, :, None] * unit[:, None, :]
    values = np.linalg.eigvalsh(np.where(np.isfinite(scaled), scaled, 0.0))
    # What no run responds to any more has no curvature, but for rounding, to be measured by.
    lost = (size <= FLAT**1.5 * size.max(axis=1, keepdims=True)).any(axis=1)
    return lost | (np.abs(values).min(axis=1) < FLAT * np.abs(values).max(axis=1))


def vanished(prepared: Prepared, theta: np.ndarray) -> Bool[np.ndarray, "fit amplitude"]:
    """Which terms each fit has lost: their amplitudes are zero."""
    return np.abs(np.asarray(theta)[:, list(prepared.curve.amplitudes)]) <= GONE


def better_of(old: Solutions, new: Solutions, which: np.ndarray) -> Solutions:
    """`old` with those of `which` replaced by `new` where that converged to no worse an objective."""
    good = np.asarray(new.result) == int(RESULTS.successful)
    failed = np.asarray(old.result)[which] != int(RESULTS.successful)
    use = good & (failed | (np.asarray(new.objective) <= np.asarray(old.objective)[which]))
    columns = []
    for before, after in zip(old, new, strict=True):
        column = np.array(before)
        column[which[use]] = np.asarray(after)[use]
        columns.append(column)
    return Solutions(*columns)


def _lower_of(old: Solutions, new: Solutions, which: np.ndarray) -> Solutions:
    """`old` with those of `which` replaced by `new` where its objective is lower, or as low and converged."""
    before, after = np.asarray(old.objective)[which], np.asarray(new.objective)
    good = np.asarray(new.result) == int(RESULTS.successful)
    failed = np.asarray(old.result)[which] != int(RESULTS.successful)
    with np.errstate(invalid="ignore"):
        as_low = after <= before + np.where(good & failed, AGREE * np.abs(before), 0.0)
    # A search that was cut short says nothing yet.
    whole = good | (failed & (np.asarray(new.steps) >= ROUND))
    use = np.isfinite(after) & (as_low | ~np.isfinite(before)) & whole
    columns = [np.array(column) for column in old]
    for column, some in zip(columns, new, strict=True):
        column[which[use]] = np.asarray(some)[use]
    return Solutions(*columns)


def felt_by_some(
    curve: LawCurve, felt: Float[np.ndarray, "fit size"], theta: Float[np.ndarray, "fit free"]
) -> Bool[np.ndarray, "fit size"]:
    """Which numbers some run responds to."""
    # What enters linearly and may vanish is felt by its own size, anything else by an e-fold; what may have either sign
    # is not gone where it happens to be 0.
    vanishes = curve.linear & np.isfinite(curve.lower)
    with np.errstate(invalid="ignore"):
        # A curve that is zero for a run feels anything infinitely, but not what is itself zero.
        return felt * np.where(vanishes, np.abs(theta[:, : curve.size]), 1.0) >= FELT
