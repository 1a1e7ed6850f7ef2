"""How what is read off a fit would change: by other noises, and without each run, size, budget and doubted row."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._core import SEVERITIES, InputError, Phrase, check_choice, check_names, check_probability
from ..estimate import bootstrap, sensitivity
from ..params import number_at, slots, values
from ..results import Ensemble, Fit, check_fit
from ..solve import in_lanes
from ._again import again, noises_of
from ._case import Case, listed_rows, told
from ._diagnose import CHECKS, diagnose
from ._layout import alike

EXACT = 4_000_000
"""Refits times runs up to which each run is left out by a refit; beyond, by one step from the optimum."""
BANDS = 12
"""Values of an input that are left out one by one; of more, as many bands."""
KINDS = ("noise", "run", "size", "rows")
"""What may be changed."""
AHEAD = 10.0
"""How many times the largest compute of the runs the target lies, unless it is said."""


class Variant(NamedTuple):
    """A fit with something changed.

    **Arguments:**

    - `kind`: `"noise"`, `"run"`, the name of an input of which a band was left out, or the check that named the rows.
    - `what`: Which, in words.
    - `rows`: The rows of the source that were left out.
    - `values`: What came of each quantity, by name.
    - `exact`: Whether it was fitted again; else it is one step from the optimum, as the influence of a run.
    """

    kind: str
    what: str
    rows: tuple[int, ...]
    values: Mapping[str, float]
    exact: bool


@dataclasses.dataclass(frozen=True)
class Robustness:
    """What is read off a fit, beside what it would be otherwise.

    **Arguments:**

    - `value`: Each quantity by the fit.
    - `low`, `high`: Its interval of `level`, by name; NaN where there is none.
    - `variants`: The fits with something changed.
    - `failed`: How many of them did not converge and are left out.
    - `notes`: What could not be changed, and why.
    """

    value: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    level: float
    variants: tuple[Variant, ...]
    failed: int
    notes: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What was changed, each kind once."""
        return tuple(dict.fromkeys(one.kind for one in self.variants))

    def spread(self, name: str, kind: str | None = None) -> tuple[Variant, Variant]:
        """The variants of the least and the most of a quantity, among all or those of one kind.

        **Raises:** `InputError` for another quantity or kind.
        """
        check_names("name", [name], self.value, what="quantities")
        some = [one for one in self.variants if kind in (None, one.kind)]
        if not some:
            raise InputError("kind", kind, f"one of {', '.join(self.kinds)}")
        return min(some, key=lambda one: one.values[name]), max(some, key=lambda one: one.values[name])

    def __repr__(self) -> str:
        lost = f"{self.failed} refits did not converge and take no part"
        return "\n".join([*self.lines(), *([lost] if self.failed else []), *self.notes])

    def lines(self) -> Iterator[str]:
        """A few lines for each quantity: its interval, and from where to where each kind of change takes it."""
        for name, value in self.value.items():
            low, high = self.low[name], self.high[name]
            end = f"{high:.4g}" if np.isfinite(high) else "no upper end"
            sure = f" ({100 * self.level:g} % interval {low:.4g} … {end})" if np.isfinite(low) else ""
            yield f"{name} = {value:.4g}{sure}"
            if not self.variants:
                continue
            for kind in self.kinds:
                least, most = self.spread(name, kind)
                some = [one for one in self.variants if one.kind == kind]
                said = f"  {_words(kind, some)}: "
                if len(some) == 1:
                    yield f"{said}{least.values[name]:.4g}"
                else:
                    yield f"{said}{least.values[name]:.4g} ({least.what}) … {most.values[name]:.4g} ({most.what})"
            least, most = self.spread(name)
            wide = most.values[name] - least.values[name]
            times = f", {wide / (high - low):.2g} times its interval" if np.inf > high > low else ""
            yield f"  over all: {least.values[name]:.4g} … {most.values[name]:.4g}{times}"


def robustness(
    result: Fit[Any] | Ensemble[Any],
    of: str | Callable[[Any], Any] | Sequence[str | Callable[[Any], Any]] | None = None,
    *,
    kinds: Sequence[str] = KINDS,
    level: float = 0.95,
) -> Robustness:
    """Fit again by other noises, without each run, each size, each budget, and the rows that checks name.

    All refits without something are one batch, from the optimum on.

    **Arguments:**

    - `result`: A single fit, or draws about one, whose intervals then stand beside.
    - `of`: What is read off: parameters, or words as `"loss@C=1e24"` and `"N@C=1e24"` (see `design_runs`), one or
        several; or a function of the law in JAX. Unless given the exponents and what else is free and no amplitude, and
        of a law of N and D the least loss and its N at ten times the largest compute.
    - `kinds`: What is changed: `"noise"`, which takes the longest, `"run"`, each by itself, `"size"`, bands of each
        size and of compute, and `"rows"`, those that each check names.
    - `level`: Of the intervals.

    **Returns:** a `Robustness`.

    **Raises:** `InputError` for a batch, a fit that did not converge, and for what cannot be read off the law.
    """
    check_probability("level", level)
    for one in kinds:
        check_choice("kinds", one, KINDS)
    fit = result.fit if isinstance(result, Ensemble) else result
    check_fit("result", fit)
    if fit.keys is not None or not fit.converged:
        raise InputError("result", Phrase("is a batch, or did not converge"), "a single fit at its optimum")
    case = Case(fit.problem.runs, fit.law, fit)
    read = _quantities(fit, of)
    value = {name: quantity.at(fit.law) for name, quantity in read.items()}
    left_out = [*(_bands(case) if "size" in kinds else ()), *(_doubted(case) if "rows" in kinds else ())]
    count = len(case.runs)
    each = count * count <= EXACT
    single = [("run", f"without row {case.runs.rows[i]}", np.arange(count) == i)
              for i in range(count)] if each and "run" in kinds else []  # fmt: skip
    changes = [*single, *left_out]
    found, failed = [], 0
    if changes:
        draws = bootstrap(fit, weights=np.stack([~which for *_, which in changes]).astype(float))
        columns = {name: quantity.of(draws.law) for name, quantity in read.items()}
        good = draws.converged & np.isfinite(np.stack(list(columns.values()))).all(axis=0)
        failed = int(np.sum(~good))
        found = [
            Variant(kind, what, case.rows(which), {name: float(c[i]) for name, c in columns.items()}, True)
            for i, (kind, what, which) in enumerate(changes) if good[i]
        ]  # fmt: skip
    notes = []
    if not each and "run" in kinds:
        try:
            found += _by_one_step(case, fit, read)
        except InputError as error:
            notes.append(f"each run could not be left out by one step from the optimum: {error}")
    all_shapes = noises_of(fit) if "noise" in kinds else {}
    shapes = {name: shape for name, shape in all_shapes.items() if repr(shape) != repr(fit.noise)}
    others = {name: one for name, shape in shapes.items() if (one := again(fit, noise=shape))}
    found += [
        Variant("noise", name, (), {n: quantity.at(one.law) for n, quantity in read.items()}, True)
        for name, one in others.items()
    ]  # fmt: skip
    failed += len(shapes) - len(others)
    ends = {name: _interval(result, name, quantity, level) for name, quantity in read.items()}
    low, high = ({name: pair[k] for name, pair in ends.items()} for k in (0, 1))
    return Robustness(value, low, high, level, tuple(found), failed, tuple(notes))


def _asked(target: Any, law: Any) -> Any:
    return target(law)


class Quantity(NamedTuple):
    """Something that is read off a law: a function in JAX, by its logarithm where it is a size; of a number, which."""

    function: Callable[[Any], Any]
    log: bool = False
    place: int | None = None

    def of(self, laws: Any) -> np.ndarray:
        """Of stacked laws."""
        if self.place is not None:
            return values(laws)[..., self.place]
        import jax

        from ..plan.design import Target

        target = self.function
        if isinstance(target, Target):  # the same program for any place
            count = len(jax.tree.leaves(laws)[0])
            target = jax.tree.map(lambda a: np.broadcast_to(np.asarray(a, float), (count, *np.shape(a))), target)
            found = in_lanes(_asked, target, laws)
        else:
            found = in_lanes(target, laws)
        with np.errstate(over="ignore"):
            return np.exp(found) if self.log else found

    def at(self, law: Any) -> float:
        """Of one law."""
        import jax

        return float(self.of(jax.tree.map(lambda a: np.asarray(a)[None], law))[0])


def usual_quantities(fit: Fit[Any]) -> list[str]:
    """Exponents and what else is free and no amplitude, and of a law of N and D its least loss and its N further on."""
    shapes = {slot.name for slot in slots(fit.law) if not slot.parameter.amplitude}
    asked = [name for name in fit.free if name in shapes] or list(fit.free)
    if {"N", "D"} == set(fit.law.inputs):
        compute = AHEAD * fit.source.ranges["C"][1]
        asked += [f"loss@C={compute:.4g}", f"N@C={compute:.4g}"]
    return asked


def _quantities(fit: Fit[Any], of: Any) -> dict[str, Quantity]:
    """What is asked for, by name."""
    from ..plan import SIX_ND  # with much that a first fit can do without
    from ..plan.design import target_of

    known = {slot.name: (k, slot) for k, slot in enumerate(slots(fit.law))}
    if of is None:
        asked: list[Any] = usual_quantities(fit)
    else:
        asked = [of] if isinstance(of, str) or callable(of) else list(of)
    found = {}
    for one in asked:
        if isinstance(one, str) and one in known:
            place, slot = known[one]
            found[one] = Quantity(lambda law, slot=slot: number_at(law, slot), place=place)
        else:
            words = isinstance(one, str)
            log = words and one.partition("@")[0].strip() in ("N", "D")
            name = one if words else getattr(one, "__name__", "target")
            name = f"{name} {len(found) + 1}" if name in found else name
            found[name] = Quantity(target_of(one, fit.law, SIX_ND), log)
    return found


def _bands(case: Case) -> Iterator[tuple[str, str, Any]]:
    """Bands of each size and of compute."""
    columns = dict(case.sizes)
    if {"N", "D"} <= set(columns) and (C := case.number("C")) is not None:
        columns["C"] = C
    for name, column in columns.items():
        x = np.log(column)
        code = alike(x)
        if code.max() + 1 > BANDS:
            code = np.minimum(np.searchsorted(np.quantile(x, np.linspace(0, 1, BANDS + 1)[1:-1]), x), BANDS - 1)
        kept = np.unique(code)
        if len(kept) < 3:
            continue
        for k in kept:
            which = code == k
            low, high = float(column[which].min()), float(column[which].max())
            words = f"{name} = {low:.3g}" if high < 1.02 * low else f"{name} {low:.2g} to {high:.2g}"
            yield name, f"without {words}", which


def _doubted(case: Case) -> Iterator[tuple[str, str, Any]]:
    """The rows that each check names."""
    doubted: dict[str, np.ndarray] = {}
    for one in diagnose(case.fit).findings if case.fit is not None else ():
        if one.rows and SEVERITIES.index(one.severity) < 2:
            which = np.isin(case.runs.rows, one.rows)
            doubted[one.check] = doubted.get(one.check, np.zeros(len(which), bool)) | which
    for check, which in doubted.items():
        if 0 < which.sum() < 0.5 * len(which):
            yield check, f"without {listed_rows(case.rows(which))}", which


def _by_one_step(case: Case, fit: Fit[Any], read: Mapping[str, Quantity]) -> list[Variant]:
    """Without each run, to first order: what each quantity would be.

    **Raises:** `InputError` where derivatives at the optimum say nothing.
    """
    changed = {}
    for name, quantity in read.items():
        told_ = sensitivity(fit, of=lambda law, of=quantity.function: of(law))
        value = told_.value - told_.weight
        changed[name] = np.exp(value) if quantity.log else value
    return [
        Variant("run", f"without row {row}", (int(row),), {name: float(c[i]) for name, c in changed.items()}, False)
        for i, row in enumerate(case.runs.rows)
    ]


def _interval(result: Any, name: str, quantity: Quantity, level: float) -> tuple[float, float]:
    """The ends of the interval: of draws by their quantiles, of a fit to first order; NaN where there is none."""
    if isinstance(result, Ensemble):
        some = quantity.of(result.law)[result.converged]
        if not len(some):
            return np.nan, np.nan
        ends = np.quantile(some, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
        return float(ends[0]), float(ends[1])
    if quantity.place is not None:
        one = told(result, level)[name]
        return (np.nan, np.nan) if one.low is None or one.high is None else (float(one.low), float(one.high))
    from scipy.special import stdtrit  # a third of a second

    try:
        about = sensitivity(result, of=lambda law: quantity.function(law))
    except InputError:
        return np.nan, np.nan
    if about.se is None:
        return np.nan, np.nan
    freedom = max(len(result.residuals) - len(result.free), 1)
    half = float(stdtrit(freedom, (1.0 + level) / 2.0)) * about.se
    ends = np.array([about.value - half, about.value + half])
    low, high = np.exp(ends) if quantity.log else ends
    return float(low), float(high)


def _words(kind: str, some: Sequence[Variant]) -> str:
    if kind in {check.id for check in CHECKS}:
        return f"without rows named by {kind!r}"
    if len(some) == 1:
        return f"by {some[0].what}" if kind == "noise" else some[0].what
    return {
        "noise": f"{len(some)} other noises",
        "run": f"without each of {len(some)} runs",
    }.get(kind, f"without each of {len(some)} values of {kind}")
