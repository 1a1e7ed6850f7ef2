"""Checks of what a fit is used for: how far from the runs, within which mixtures, and whether it was ever tested."""

from collections.abc import Iterator

import numpy as np

from ..laws import Weights, input_kinds, input_names
from ..results import far_from_runs
from ._case import Case
from ._finding import Finding, Skipped

Found = Iterator[Finding | Skipped]


def target_distance(case: Case) -> Found:
    """The law is asked within ten times its runs."""
    fit = case.fit
    assert fit is not None
    if not case.at:
        yield Skipped("nothing says where the law will be used")
        return
    for name, asked in case.at.items():
        for far in far_from_runs(fit.source.ranges, name, np.asarray(asked, float)):
            yield Finding("target-distance", "warning" if far.grave else "note", far.sentence,
                          "see sf.forecast, whose intervals know how laws go astray", names=(name,))  # fmt: skip


def mixture_support(case: Case) -> Found:
    """Mixtures that are asked for lie among those that were seen."""
    fit = case.fit
    assert fit is not None
    kinds = input_kinds(fit.law)
    bases = [base for base, names in input_names(fit.law).items() if isinstance(kinds[names[0]], Weights)]
    if not bases or not any(base in case.at for base in bases):
        yield Skipped("no mixture is asked for")
        return
    from scipy.optimize import linprog

    for base in bases:
        names = input_names(fit.law)[base]
        seen = np.unique(np.stack([fit.problem.inputs[name] for name in names], axis=-1), axis=0)
        asked = np.atleast_2d(np.asarray(case.at[base], float))
        for one in asked:
            # The nearest in the hull, by the sum of what must be moved.
            count, size = seen.shape
            cost = np.concatenate([np.zeros(count), np.ones(2 * size)])
            equal = np.concatenate(
                [
                    np.concatenate([seen.T, np.eye(size), -np.eye(size)], axis=1),
                    np.concatenate([np.ones(count), np.zeros(2 * size)])[None],
                ]
            )
            moved = 0.5 * float(linprog(cost, A_eq=equal, b_eq=[*one, 1.0]).fun)
            if moved > 1e-6:
                said = f"{100 * moved:.2g} % of the weight of a mixture lies outside those that were trained"
                yield Finding("mixture-support", "warning", said, "train one nearer to it first",
                              {"outside": moved}, names)  # fmt: skip
                break


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
    off = float(np.median(np.abs(np.log(rolled.value / rolled.observed))))
    level = 100 * rolled.level
    said = (
        f"of {held.size} larger runs foretold from smaller ones {100 * share:.0f} % lay in their {level:g} % intervals"
    )
    said += f"; half were missed by more than {100 * off:.2g} %"
    numbers = {"covered": share, "error": off, "forecasts": held.size}
    yield Finding("extrapolation-test", "warning" if share < 0.75 else "note", said,
                  "forecast with sf.forecast, which widens by it" if share < 0.75 else "", numbers)  # fmt: skip
