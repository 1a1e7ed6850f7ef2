"""All checks, and the verb that runs them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._core import SEVERITIES, Finding, InputError, Phrase, check_choice, check_flag, check_type
from ..data import Runs
from ..laws import AbstractLaw
from ..results import Ensemble, Fit
from . import _again, _fitted, _layout, _residuals, _rows, _table, _used
from ._case import Case
from ._finding import Diagnosis, Skipped


class Check(NamedTuple):
    """One check.

    **Arguments:**

    - `id`: Its name, by which findings say which it was and commands allow what it refuses.
    - `of`: What it looks at: `"runs"` a table, `"fit"` a fit; `"design"` nothing, as the package is so made that it
        cannot fail.
    - `run`: The check; of `"design"` why it cannot fail.
    """

    id: str
    of: str
    run: Callable[[Case], Iterator[Finding | Skipped]] | str

    @property
    def about(self) -> str:
        """What holds where it finds nothing, in words."""
        return self.run if isinstance(self.run, str) else (self.run.__doc__ or "").split("\n")[0]


CHECKS = (
    Check("units", "runs", _table.units),
    Check("embedding-share", "runs", _table.embedding_share),
    Check("loss-kind", "runs", _table.loss_kind),
    Check("bad-rows", "runs", _rows.bad_rows),
    Check("sampled-history", "runs", _table.sampled_history),
    Check("checkpoints", "runs", _table.checkpoints),
    Check("schedule-match", "runs", _table.schedule_match),
    Check("range", "runs", _layout.ranges),
    Check("design", "runs", _layout.design),
    Check("seeds", "fit", _fitted.seeds),
    Check("averaging", "runs", _table.averaging),
    Check("objective-scale", "design", "The objective is a sum, and steps end by what they promise relative to it."),
    Check("multistart", "fit", _fitted.multistart),
    Check("bounds", "fit", _fitted.bounds),
    Check("conditioning", "fit", _fitted.conditioning),
    Check("delta-sensitivity", "fit", _again.delta_sensitivity),
    Check("residuals", "fit", _residuals.residuals),
    Check("gauge", "design", "Laws hold no number that others can make up for: gauges are fixed inside."),
    Check("double", "design", "Fits end in 64 bits unless float32 is asked for."),
    Check("extrapolation-test", "fit", _used.extrapolation),
    Check("interval-plausibility", "fit", _fitted.intervals),
    Check("approach-agreement", "fit", _again.approach_agreement),
    Check("model-choice", "fit", _again.model_choice),
    Check("target-distance", "fit", _used.target_distance),
    Check("rounding", "design", "Parameters are stored as they are, and printed for people only."),
    Check("repetition", "runs", _table.repetition),
    Check("mixture-support", "fit", _used.mixture_support),
    Check("optimiser-curse", "fit", _used.optimiser_curse),
    Check("downstream-floor", "runs", _table.downstream_floor),
    Check("preset", "fit", _fitted.preset),
    Check("convergence", "fit", _fitted.convergence),
    Check("errors", "fit", _residuals.errors),
    Check("outliers", "fit", _again.outliers),
    Check("draws", "fit", _fitted.drawn),
)
"""All checks, the thirty of the field first."""


def diagnose(
    result: Runs | Fit[Any] | Ensemble[Any],
    *,
    law: AbstractLaw | type[AbstractLaw] | None = None,
    at: Mapping[str, Any] | None = None,
    deep: bool = False,
) -> Diagnosis:
    """Look for what misleads those who fit scaling laws, in a table, a fit of it, or draws about one.

    **Arguments:**

    - `result`: Runs, a fit, or an ensemble of draws. Of a batch, one study: `fits[key]`.
    - `law`: Of runs, the law that will be fitted: its inputs are looked at. A fit has its own.
    - `at`: Inputs at which the law will be used, by name, as `{"N": 7e10, "D": 1.4e12}`.
    - `deep`: Whether to fit again too: by other noises and laws, without outliers, and from smaller runs alone.

    **Returns:** a `Diagnosis`, which names those checks that had nothing to look at.

    **Raises:** `InputError` for a batch, for anything else, and for a law beside a fit.
    """
    check_flag("deep", deep)
    places = {} if at is None else check_type("at", at, Mapping, 'inputs by name, as {"N": 7e10, "D": 1.4e12}')
    case = _case(result, law, places, deep)
    findings: list[Finding] = []
    passed, skipped = [], {}
    for check in CHECKS:
        if isinstance(check.run, str):
            continue
        if check.of == "fit" and case.fit is None:
            skipped[check.id] = "there is no fit yet"
            continue
        if check.of == "fit" and case.fit is not None and not case.fit.reached and check.id not in STILL:
            skipped[check.id] = "the fit did not converge"
            continue
        said = list(check.run(case))
        found = [one for one in said if isinstance(one, Finding)]
        why = [one.why for one in said if isinstance(one, Skipped)]
        findings += found
        if why and not found:
            skipped[check.id] = why[0]
        elif not found:
            passed.append(check.id)
    findings.sort(key=lambda one: SEVERITIES.index(one.severity))
    return Diagnosis(tuple(findings), tuple(passed), skipped)


STILL = ("convergence", "conditioning")
"""Checks of fits that look at those without an optimum too."""


def _case(result: Any, law: Any, at: Mapping[str, Any], deep: bool) -> Case:
    if isinstance(result, Runs):
        made = law() if isinstance(law, type) and issubclass(law, AbstractLaw) else law
        expected = "a law of scalefit.laws, or your own AbstractLaw"
        template = None if made is None else check_type("law", made, AbstractLaw, expected)
        return Case(result, template, at=at, deep=deep)
    if not isinstance(result, Fit | Ensemble):
        raise InputError("result", result, "runs, a fit, or draws about one")
    if law is not None:
        raise InputError("law", Phrase("is given beside a fit, which has its own"), remedy="give it with runs only")
    fit = result.fit
    if fit.keys is not None:
        raise InputError("result", Phrase(f"is a batch of {len(fit.keys)} studies"), "one study", "take one: fits[key]")
    draws = result if isinstance(result, Ensemble) else None
    return Case(fit.problem.runs, fit.law, fit, draws, at, deep)


def refuse_grave(runs: Runs, law: AbstractLaw | type[AbstractLaw] | None, allow: Collection[str] = ()) -> None:
    """Raise for a table of which a check says that nothing should be made of it, unless that check is allowed.

    **Arguments:**

    - `allow`: Ids of checks whose errors are known and meant.

    **Raises:** `InputError` with the first error, and for ids of no check.
    """
    case = _case(runs, law, {}, False)
    of_runs = (check.run(case) for check in CHECKS if check.of == "runs" and not isinstance(check.run, str))
    refuse((one for said in of_runs for one in said if isinstance(one, Finding)), runs.name, allow)


def refuse(found: Iterable[Finding], name: str, allow: Collection[str] = ()) -> None:
    """Raise for the first error of a table, unless its check is allowed.

    **Arguments:**

    - `found`: What checks found.
    - `name`: Of the table.
    - `allow`: Ids of checks whose errors are known and meant.

    **Raises:** `InputError` with the error, and for ids of no check.
    """
    for one in allow:
        check_choice("allow", one, [check.id for check in CHECKS])
    of_tables = {check.id for check in CHECKS if check.of == "runs"} - {*allow}
    for one in found:
        if one.severity == "error" and one.check in of_tables:
            way = " If it is meant," if one.remedy.endswith("?") else "; or, where it is meant,"
            remedy = f"{one.remedy}{way} `allow={one.check!r}`"
            raise InputError(f"{name!r}", Phrase(f"cannot be used as it stands: {one.says}"), remedy=remedy)
