"""Checks of what a fit is used for: how far from the runs, within which mixtures, and whether it was ever tested."""

from collections.abc import Iterator

import numpy as np

from .._core import Finding
from ..laws import Weights, input_kinds, input_names
from ..results import far_inputs
from ._case import Case
from ._finding import Skipped

Found = Iterator[Finding | Skipped]


def target_distance(case: Case) -> Found:
    """The law is asked within ten times its runs."""
    fit = case.fit
    assert fit is not None
    if not case.at:
        yield Skipped("nothing says where the law will be used")
        return
    for far in far_inputs(fit, case.at):
        yield far.finding()


def mixture_support(case: Case) -> Found:
    """Mixtures that are asked for lie among those that were seen."""
    fit = case.fit
    assert fit is not None
    kinds = input_kinds(fit.law)
    bases = [base for base, names in input_names(fit.law).items() if isinstance(kinds[names[0]], Weights)]
    if not bases or not any(base in case.at for base in bases):
        yield Skipped("no mixture is asked for")
        return
    from ..plan.mixtures import hull_distance, known_distance, support

    for base in bases:
        names = input_names(fit.law)[base]
        seen = np.unique(np.stack([fit.problem.inputs[name] for name in names], axis=-1), axis=0)
        asked = np.atleast_2d(np.asarray(case.at[base], float))
        known_to = known_distance(seen)
        farthest = support(max(hull_distance(seen, one) for one in asked), known_to)
        if farthest is not None:
            yield farthest._replace(names=names)


PLANNED = Finding(
    "optimiser-curse", "note",
    "the best of a fitted surface is chosen by its errors too, and the fit alone does not say by how much",
    "plan from draws (sf.bootstrap), each of which chooses for itself",
)  # fmt: skip


def optimiser_curse(case: Case) -> Found:
    """Plans are made from draws, each of which chooses for itself, so that what choosing flatters shows."""
    if case.draws is None and case.at:
        yield PLANNED
    elif case.draws is None:
        yield Skipped("nothing says that plans will be made; from a fit without draws they flatter themselves")


def extrapolation(case: Case) -> Found:
    """Larger runs were foretold by smaller ones."""
    fit = case.fit
    assert fit is not None
    if not case.deep:
        yield Skipped("no larger run was held out: ask sf.diagnose(fit, deep=True), or sf.backtest")
        return
    from .._core import InputError, NotConverged
    from ..calibrate import backtest

    try:
        rolled = backtest(fit)
    except (InputError, NotConverged) as error:
        yield Skipped(str(error))
        return
    held = (rolled.low <= rolled.observed) & (rolled.observed <= rolled.high)
    if not held.size:
        yield Skipped("no run lies beyond others")
        return
    share = float(np.mean(held))
    # Of what may be below 0 a share says nothing.
    shares = bool((rolled.value > 0.0).all() and (rolled.observed > 0.0).all())
    miss = np.log(rolled.value / rolled.observed) if shares else rolled.value - rolled.observed
    off = float(np.median(np.abs(miss)))
    level = 100 * rolled.level
    said = (
        f"of {held.size} larger runs foretold from smaller ones {100 * share:.0f} % lay in their {level:g} % intervals"
    )
    said += f"; half were missed by more than {f'{100 * off:.2g} %' if shares else f'{off:.2g}'}"
    numbers = {"covered": share, "error": off, "forecasts": held.size}
    yield Finding("extrapolation-test", "warning" if share < 0.75 else "note", said,
                  "forecast with sf.forecast, which widens by it" if share < 0.75 else "", numbers)  # fmt: skip
