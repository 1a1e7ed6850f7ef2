"""Checks of a fit: its starts, its bounds, what the runs leave open, and how plausible its intervals are."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from .._core import RESULTS, Finding
from ..params import holder_of, slots, values
from ..results import evaluate, said_open, spread
from ._case import Case, told
from ._finding import Skipped

Found = Iterator[Finding | Skipped]

FEW_AGREE = 0.2
ILL = 1e6
"""Condition number of the correlations of the free numbers from which they are hardly told apart."""


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
    at_end = [name for name, there in zip(fit.free, fit.at_end, strict=True) if there]
    gone = [n for n, lost in zip(fit.free, fit.unidentified & ~fit.at_end, strict=True) if lost]
    if at_end:
        said = f"{', '.join(at_end)} lies at an end of where it may lie"
        yield Finding("bounds", "warning", said, "hold it there with `fixed`, and fit the smaller law",
                      names=tuple(at_end))  # fmt: skip
    if gone:
        said = f"no run responds to {', '.join(gone)}: they follow the smaller law without"
        yield Finding("bounds", "warning", said, "fit that law, or add runs where its term shows", names=tuple(gone))
    known, found = slots(fit.law), values(fit.law)
    least = float(np.min(fit.problem.runs.target[~case.claimed], initial=np.inf))
    seen = set()
    for slot, value in zip(known, found, strict=True):
        declared = slot.parameter
        if slot.name not in fit.free or slot.name in (*at_end, *gone):
            continue
        if declared.amplitude and not declared.dims and least > 0.0 and value > 0.98 * least:
            beyond = "lies above" if value > 1.05 * least else "is all but"
            said = f"{slot.name} = {value:.4g} {beyond} the least {fit.source.target}, {least:.4g}"
            yield Finding("bounds", "warning", said, "the law has nothing left to fall: look at the best runs",
                          {"value": float(value)}, (slot.name,))  # fmt: skip
        for unit, power in declared.dims:
            if not callable(power):  # the formula's own, as that of a straight line
                continue
            exponent = float(np.ravel(power(holder_of(fit.law, slot.field)))[0])
            if unit in seen or not (exponent < 0.02 or exponent > 1.5) or not declared.amplitude:
                continue
            seen.add(unit)
            said = f"the term of {slot.name} falls with the power {exponent:.3g} of {unit}"
            yield Finding("bounds", "warning", said, "exponents are between .05 and 1: look at the range of the runs",
                          {"exponent": exponent}, (slot.name,))  # fmt: skip


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
            ends = f"any above {one.low:.3g}" if one.unbounded else f"between {one.low:.3g} and {one.high:.3g}"
            between = f": {first} {ends} fits as well"
        said = f"{first} and {other} trade off (correlation {together[pair[0], pair[1]]:.4f}){between}"
        yield Finding("conditioning", "warning", said, "see sf.profile, or hold one of them",
                      {"condition": condition}, (first, other))  # fmt: skip


def seeds(case: Case) -> Found:
    """Runs scatter about the law as they do about each other."""
    fit = case.fit
    assert fit is not None
    good = ~case.claimed
    if not good.any():
        return
    y = (np.log(case.runs.target) if fit.noise.log else np.asarray(case.runs.target))[good]
    code = np.unique(_replicates(case)[good], return_inverse=True)[1]
    apart = [np.unique(case.code[good][code == k]).size > 1 for k in range(code.max() + 1)]
    mine = np.array(apart)[code]
    freedom = int(mine.sum() - np.sum(apart))
    if freedom < 3:
        yield Skipped("hardly any run was repeated")
        return
    mean = np.bincount(code, y) / np.bincount(code)
    noise = float(np.sqrt(np.sum((y - mean[code])[mine] ** 2) / freedom))
    if not noise > 0.0:
        yield Skipped("rows at the same inputs have the same target: they are one run twice")
        return
    ratio = float(fit.scale) / noise
    said = f"runs repeated at the same inputs scatter by {noise:.3g}, and about the law by {float(fit.scale):.3g}"
    numbers = {"noise": noise, "scale": float(fit.scale), "freedom": freedom}
    if ratio > 3.0:
        yield Finding("seeds", "warning", said, "the law misses something: see residuals", numbers)
    elif ratio < 0.5 and freedom >= 5:
        yield Finding("seeds", "warning", said, "the law follows the noise: fit fewer parameters", numbers)
    else:
        yield Finding("seeds", "note", said, "", numbers)


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
    at = {n: c[:64] for n, c in inputs.items()}
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
