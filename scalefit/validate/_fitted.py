"""Checks of a fit: its starts, its bounds, what the runs leave open, and how plausible its intervals are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import RESULTS, Finding
from ..params import holder_of, slots, values
from ..problem import free_numbers
from ..results import Fit, evaluate, rising, said_open, spread
from ..solve import slopes
from ._case import Case, fitted_values, listed_rows, scatter_about, told
from ._finding import Skipped

Found = Iterator[Finding | Skipped]

FEW_AGREE = 0.2
ILL = 1e6
"""Condition number of the correlations of the free numbers from which they are hardly told apart."""
LEAST_POWER, MOST_POWER = 0.02, 1.5
"""Between which powers of their sizes terms of laws fall."""
FAR = 6.0
"""Scatters from the middle of its repeats from which a row is none of them."""
PLACES = 64
"""Runs, at most, at which draws are looked at."""


def convergence(case: Case) -> Found:
    """The fit reached its optimum."""
    fit = case.fit
    assert fit is not None
    if not fit.converged:
        code = RESULTS(int(fit.result))
        grave = "warning" if fit.reached else "error"
        yield Finding("convergence", grave, code.message.split(". ")[0].rstrip("."), "see the page on fits")


def multistart(case: Case) -> Found:
    """Several starts reached the optimum."""
    fit = case.fit
    assert fit is not None
    (found, followed), starts = fit.followed.tolist(), int(fit.agreeing)
    agreeing, tried = starts + found, fit.tried + followed
    if tried < 3 or not fit.converged:
        yield Skipped("there were fewer than three starts, or no optimum")
        return
    if agreeing < FEW_AGREE * tried or agreeing == 1:
        scouts = f" and {found} of {followed} scouts" if followed else ""
        said = f"{starts} of {fit.tried} starts{scouts} reached the optimum"
        remedy = "raise num_starts, and look whether the others say otherwise"
        yield Finding("multistart", "warning", said, remedy, {"agreeing": agreeing, "tried": tried})


def bounds(case: Case) -> Found:
    """No parameter lies at an end of where it may lie, and exponents are as exponents are."""
    fit = case.fit
    assert fit is not None
    if not fit.reached:
        yield Skipped("the fit reached no optimum")
        return
    if any(rising(fit)):
        yield Skipped("the target rises where the law can only fall: conditioning says so")
        return
    at_end = [name for name, there in zip(fit.free, fit.at_end, strict=True) if there]
    gone = [n for n, lost in zip(fit.free, fit.unidentified & ~fit.at_end, strict=True) if lost]
    known, found = slots(fit.law), values(fit.law)
    if at_end:
        said = f"{', '.join(at_end)} lies at an end of where it may lie"
        yield Finding("bounds", "warning", said, "hold it there with `fixed`, and fit the smaller law",
                      names=tuple(at_end))  # fmt: skip
    if gone:
        none = [n for n, value in zip((slot.name for slot in known), found, strict=True) if n in gone and value == 0.0]
        rest = [n for n in gone if n not in none]
        # A term of 0 has an interval to one side: runs would respond to it, were it larger.
        parts = [f"{', '.join(none)} {'is' if len(none) == 1 else 'are'} 0 at the optimum"] if none else []
        parts += [f"no run responds to {', '.join(rest)}"] if rest else []
        said = f"{', and '.join(parts)}: the runs follow the smaller law without"
        yield Finding("bounds", "warning", said, "fit that law, or add runs where its term shows", names=tuple(gone))
    floors = _floors(fit)
    least = float(np.min(fit.problem.runs.target[~case.claimed], initial=np.inf))
    seen = set()
    for slot, value in zip(known, found, strict=True):
        declared = slot.parameter
        if slot.name not in fit.free or slot.name in (*at_end, *gone):
            continue
        if slot.name in floors and least > 0.0 and value > 0.98 * least:
            beyond = "lies above" if value > 1.05 * least else "is all but"
            said = f"{slot.name} = {value:.4g} {beyond} the least {fit.source.target}, {least:.4g}"
            yield Finding("bounds", "warning", said, "the law has nothing left to fall: look at the best runs",
                          {"value": float(value)}, (slot.name,))  # fmt: skip
        for unit, power in declared.dims:
            if not callable(power):  # the formula's own, as that of a straight line
                continue
            exponent = float(np.ravel(power(holder_of(fit.law, slot.field)))[0])
            # What an x counts nobody knows, and so not which of its powers are usual.
            usual = unit == "x" or LEAST_POWER <= abs(exponent) <= MOST_POWER
            if unit in seen or usual or not declared.amplitude:
                continue
            seen.add(unit)
            way = "falls" if exponent >= 0.0 else "rises"
            said = f"the term of {slot.name} {way} with the power {abs(exponent):.3g} of {unit}"
            remedy = f"powers are from {LEAST_POWER:g} to {MOST_POWER:g}: look at the range of the runs"
            yield Finding("bounds", "warning", said, remedy, {"exponent": exponent}, (slot.name,))


def _floors(fit: Fit[Any]) -> frozenset[str]:
    """Numbers to which the law adds at every run, and which are in it as they are."""
    prepared = fit.problem.arrays
    theta, count = free_numbers(prepared, fit.law), len(fit.residuals)
    least = float(np.min(fitted_values(fit)))
    _, slope = slopes(prepared.curve, theta[None], prepared.data, np.zeros(1, int))
    own = dict(zip((slot.name for slot in slots(fit.law)), values(fit.law), strict=True))
    # Of an amplitude the term is its number times the slope in it.
    terms = {fit.free[k]: theta[k] * slope[k, 0, :count] for k in prepared.curve.amplitudes}
    added = [name for name, term in terms.items() if np.allclose(term, own[name], rtol=1e-6, atol=0.0)]
    return frozenset(name for name in added if own[name] <= least * (1.0 + 1e-9))


def conditioning(case: Case) -> Found:
    """The runs tell all numbers of the law apart."""
    fit = case.fit
    assert fit is not None
    yield from case.doubts("conditioning")
    opened = False
    for said, names in said_open(fit):
        opened = True
        yield Finding("conditioning", "warning", said, "", names=names)
    if opened or not fit.converged:
        return
    found = spread(fit)
    covariance = found.covariance[0]
    sd = np.sqrt(np.diagonal(covariance))
    if not np.isfinite(sd).all() or not (sd > 0.0).all() or len(sd) < 2:
        yield Skipped("curvature does not say how far the law may move")
        return
    together = covariance / np.outer(sd, sd)
    size, vectors = np.linalg.eigh(together)
    condition = float(size[-1] / max(size[0], 1e-300))
    if condition > ILL:
        pair = np.argsort(-np.abs(vectors[:, 0]))[:2]
        first, other = (fit.free[k] for k in pair)
        one = told(fit)[first]
        between = ""
        if one.low is not None and one.high is not None and np.isfinite(one.low):
            low, high = apart(float(one.low), float(one.high))
            ends = f"any above {one.low:.3g}" if one.unbounded else f"between {low} and {high}"
            between = f": {first} {ends} fits as well"
        said = f"{first} and {other} trade off (correlation {together[pair[0], pair[1]]:.4f}){between}"
        yield Finding("conditioning", "warning", said, "see sf.profile, or hold one of them",
                      {"condition": condition}, (first, other))  # fmt: skip


def apart(low: float, high: float) -> tuple[str, str]:
    """Two numbers in as many digits as tell them apart, three at least."""
    few = next((d for d in range(3, 17) if f"{low:.{d}g}" != f"{high:.{d}g}"), 3)
    return f"{low:.{few}g}", f"{high:.{few}g}"


def seeds(case: Case) -> Found:
    """Runs scatter about the law as they do about each other."""
    fit = case.fit
    assert fit is not None
    good = ~case.claimed
    if not good.any():
        return
    y = (np.log(case.runs.target) if fit.noise.log else np.asarray(case.runs.target))[good]
    several, code = _repeated(case.code[good], _replicates(case)[good])
    freedom = int(several.sum()) - len(np.unique(code[several]))
    if freedom < 3:
        yield Skipped("hardly any run was repeated")
        return
    # One that diverged would be the noise of all.
    off = _off_middle(y, code)
    most = FAR * 1.4826 * float(np.median(off[several]))
    few = several & (off > most) & (most > 0.0)
    many, left = _repeated(case.code[good][~few], code[~few])
    place = np.flatnonzero(good)
    if int(many.sum()) - len(np.unique(left[many])) >= 3:
        y, code, several, place = y[~few], left, many, place[~few]
        freedom = int(several.sum()) - len(np.unique(code[several]))
    mean = np.bincount(code, y) / np.bincount(code)
    noise = float(np.sqrt(np.sum((y - mean[code])[several] ** 2) / freedom))
    if not noise > 0.0:
        yield Skipped("rows at the same inputs have the same target: they are one run twice")
        return
    scale = scatter_about(fit)
    ratio = scale / noise
    said = f"runs repeated at the same inputs scatter by {noise:.3g}, and about the law by {scale:.3g}"
    numbers = {"noise": noise, "scale": scale, "freedom": freedom}
    if ratio > 3.0:
        yield Finding("seeds", "warning", said, "the law misses something: see residuals", numbers)
    elif ratio < 0.5 and freedom >= 5 and len(np.unique(code)) < 2 * len(fit.free):
        yield Finding("seeds", "warning", said, "the law follows the noise: fit fewer parameters", numbers)
    elif ratio < 0.5 and freedom >= 5:
        # At the same inputs a law says the same, so that it follows the noise of none: the others lie nearer to it.
        odd = np.isin(np.arange(len(good)), place[several & (np.abs(y - mean[code]) > 3.0 * scale)])
        rows = case.rows(odd)
        which = f"{listed_rows(rows)} have the inputs of others and another {fit.source.target}: " if rows else ""
        yield Finding("seeds", "warning", which + said, "which row of the same inputs is right?", numbers, rows=rows)
    else:
        yield Finding("seeds", "note", said, "", numbers)


def _repeated(
    training: Int[np.ndarray, " run"], code: Int[np.ndarray, " run"]
) -> tuple[Bool[np.ndarray, " run"], Int[np.ndarray, " run"]]:
    """The rows whose inputs several trainings have, and by row which inputs those are, from 0 on."""
    code = np.ravel(np.unique(code, return_inverse=True)[1])
    pairs = np.unique(np.stack([code, training], axis=-1), axis=0)
    return (np.bincount(pairs[:, 0]) > 1)[code], code


def _off_middle(y: Float[np.ndarray, " run"], code: Int[np.ndarray, " run"]) -> Float[np.ndarray, " run"]:
    """How far each row lies from the median of its group, as much larger as groups are small."""
    off = np.empty(len(y))
    for k in range(code.max() + 1):
        mine = code == k
        off[mine] = np.abs(y[mine] - np.median(y[mine])) * np.sqrt(mine.sum() / max(mine.sum() - 1, 1))
    return off


def _replicates(case: Case) -> Int[np.ndarray, " run"]:
    """Rows that differ in seeds and names at most, as one number each."""
    own = {"run", "seed", "step", "se", case.runs.target_name, case.runs.target_header}
    columns = [*(c for n, c in case.runs.inputs.items() if n not in own)]
    for name, column in case.columns.items():
        if name in own or name in case.runs.inputs or np.ndim(column) != 1:
            continue
        text = np.array([str(cell) for cell in column.tolist()])
        # What differs from row to row is measured too, or a name.
        if len(np.unique(text)) <= 0.2 * len(text):
            columns.append(text)
    code = [np.unique(c, return_inverse=True)[1] for c in columns]
    if not code:
        return np.arange(len(case.runs))
    return np.ravel(np.unique(np.stack(code, axis=-1), axis=0, return_inverse=True)[1])


def intervals(case: Case) -> Found:
    """Intervals hold their estimates, and are not narrower than the scatter of so many runs allows."""
    fit, draws = case.fit, case.draws
    assert fit is not None
    if draws is None or not draws.converged.any():
        yield Skipped("there are no draws")
        return
    if draws.method == "posterior":
        from ..posterior import left_by_draws  # as its draws are, its words come from there

        yield from left_by_draws(draws)
    outside = (
        []
        if draws.method == "posterior"
        else [
            name
            for name, one in told(draws).items()
            if name in fit.free
            and one.low is not None
            and one.high is not None
            and not one.low <= one.value <= one.high
        ]
    )
    if outside:
        said = f"{', '.join(outside)} of the fit lies outside its own interval"
        remedy = "draws and fit are of different optima: raise num_starts"
        yield Finding("interval-plausibility", "warning", said, remedy, names=tuple(outside))
    inputs = {n: np.asarray(c) for n, c in fit.problem.inputs.items() if isinstance(c, np.ndarray)}
    if len(inputs) < len(fit.problem.inputs):
        return
    some = np.unique(np.linspace(0, len(fit.residuals) - 1, PLACES).astype(int))  # of all, however they are sorted
    at = {n: c[some] for n, c in inputs.items()}
    found = evaluate(draws.law, at, True)[draws.converged]
    with np.errstate(all="ignore"):
        wide = np.nanmedian(np.std(np.log(found) if fit.noise.log else found, axis=0))
    least = float(fit.scale) * np.sqrt(1.0 / len(np.unique(case.code)))
    if wide < 0.3 * least:
        said = f"the curve is sure to {wide:.2g} at the runs, less than {least:.2g}, what a mean of them would be"
        yield Finding("interval-plausibility", "warning", said, "do not trust these intervals",
                      {"sd": float(wide), "least": least})  # fmt: skip


def drawn(case: Case) -> Found:
    """Draws of a posterior are such, by what their sampler says of itself."""
    if case.draws is None or case.draws.method != "posterior":
        yield Skipped("there are no draws of a posterior")
        return
    from ..posterior import found_in_draws

    yield from found_in_draws(case.draws)


def preset(case: Case) -> Found:
    """Held parameters are this fit's own."""
    fit = case.fit
    assert fit is not None
    if not fit.fixed:
        yield Skipped("nothing is held")
        return
    held = dict(zip([slot.name for slot in slots(fit.law)], values(fit.law), strict=True))
    for name, known in type(fit.law).published_sets.items():
        same = [n for n in fit.fixed if n in known.values and known.values[n] == held[n] and held[n] != 0.0]
        if same:
            said = f"{', '.join(same)} {'is that' if len(same) == 1 else 'are those'} of {name!r} ({known.about})"
            yield Finding("preset", "note", said, "they are of other data: look whether counts and tokens are alike",
                          names=tuple(same))  # fmt: skip
            return
