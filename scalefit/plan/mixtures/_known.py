"""Laws over weights of domains, known by the kinds of their inputs, and what fits of them say of several targets."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from ..._core import InputError, Phrase, check_type, listed
from ...calibrate import Discrepancy
from ...data import Runs
from ...laws import AbstractLaw, Label, Series, Weights, inputs_of
from ...results import Ensemble, Fit
from .._draws import valued


class Mixed(NamedTuple):
    """The inputs of a law over weights.

    **Arguments:**

    - `axis`: Along which the domains lie.
    - `shares`: The weights; `label`: which target a run was measured on, where the law says so itself.
    - `others`: What else it takes, each one number.
    - `tokens`: Which of these counts tokens, or `None`.
    - `held`: The tokens that there are of each domain, where the law takes them and says itself what repeats are worth.
    """

    axis: str
    shares: str
    label: str | None
    others: tuple[str, ...]
    tokens: str | None
    held: str | None = None


def mixed_of(law: AbstractLaw) -> Mixed | None:
    """The inputs of a law over weights along an axis, and of numbers beside them; else `None`."""
    kinds = inputs_of(law)
    shares = [name for name, kind in kinds.items() if isinstance(kind, Weights) and kind.axis is not None]
    labels = [name for name, kind in kinds.items() if isinstance(kind, Label)]
    if len(shares) != 1 or len(labels) > 1:
        return None
    axis = kinds[shares[0]].axis or ""
    held = [name for name, kind in kinds.items() if name not in shares and kind.axis == axis and kind.unit == "tokens"]
    others = [name for name in kinds if name not in (*shares, *labels, *held)]
    if len(held) > 1 or not all(kinds[name].axis is None and not isinstance(kinds[name], Series) for name in others):
        return None
    tokens = [name for name in others if kinds[name].unit == "tokens"]
    return Mixed(
        axis, shares[0], next(iter(labels), None), tuple(others), tokens[0] if len(tokens) == 1 else None,
        next(iter(held), None),
    )  # fmt: skip


class Known(NamedTuple):
    """Laws over weights of the same domains, of one target each or of all.

    **Arguments:**

    - `mixed`: The inputs.
    - `domains`, `targets`: Their names.
    - `law`: The laws along a leading axis of targets; one law without it where it has them along an axis of its own.
    - `draws`: The same with a leading axis of draws before; `None` without. `failed`: draws that did not converge for
        some target and are left out.
    - `fit`: The fit, a batch of one by target or a single one; `None` of laws without runs.
    """

    mixed: Mixed
    domains: tuple[str, ...]
    targets: tuple[str, ...]
    law: Any
    draws: Any = None
    failed: int = 0
    fit: Any = None

    @property
    def runs(self) -> Runs | None:
        """The runs that were fitted."""
        return None if self.fit is None else self.fit.problem.runs

    @property
    def stacked(self) -> Any:
        """The law with a leading axis of one draw."""
        return jax.tree.map(lambda a: np.asarray(a, float)[None], self.law)

    @property
    def convex(self) -> bool:
        """Whether every law is convex in the weights."""
        return self.mixed.shares in self.law.convex_in


def known_of(result: Any, num_draws: int) -> Known:
    """What a fit, a batch of fits by target, an ensemble of either, or laws say of targets over weights.

    **Raises:** `InputError` for anything else, laws that take no weights, and fits that did not converge.
    """
    if isinstance(result, AbstractLaw):
        result = {"value": result}
    if isinstance(result, Mapping):
        return _of_laws(result)
    if isinstance(result, Discrepancy):
        given = Phrase("is a discrepancy, a function of sizes: it moves what is foreseen of all weights alike")
        raise InputError("result", given, "what tells weights apart", "give its fit, `result.fit`, or an ensemble")
    fit = result.fit if isinstance(result, Ensemble) else result
    if not isinstance(fit, Fit):
        raise InputError("result", Phrase(f"is a {type(result).__name__}"), "a fit over weights, an ensemble or a law")
    mixed = _needed(fit.law)
    bad = [str(k) for k, good in zip(fit.keys or ("",), np.atleast_1d(fit.reached), strict=True) if not good]
    if bad:
        given = Phrase(f"did not converge for {listed(bad)}" if fit.keys is not None else "did not converge")
        raise InputError("result", given, remedy="mend those fits first, or leave the targets out")
    law, domains = _unnamed(fit.template if mixed.label else fit.law, mixed)
    if fit.keys is not None and mixed.label is not None:
        raise InputError("result", Phrase(f"is a batch of {len(fit.keys)} studies"), "one of them")
    if mixed.label is not None:
        targets = tuple(map(str, fit.template.entries(inputs_of(fit.law)[mixed.label].axis or "")))
    else:
        targets = tuple(map(str, fit.keys)) if fit.keys is not None else (_target_of(fit),)
        law = law if fit.keys is not None else jax.tree.map(lambda a: np.asarray(a)[None], law)
    known = Known(mixed, domains, targets, law, fit=fit)
    if not isinstance(result, Ensemble):
        return known
    good = np.atleast_2d(result.converged).all(axis=0)
    draws = by_draw(result.law, fit, mixed)
    kept = np.flatnonzero(good)[:num_draws]
    if not kept.size:
        raise InputError("result", Phrase("has no draw that converged for every target"), remedy="plan with its fit")
    return known._replace(draws=jax.tree.map(lambda a: a[kept], draws), failed=int((~good).sum()))


def by_draw(laws: Any, fit: Fit[Any], mixed: Mixed) -> Any:
    """Laws of draws of a fit, or of refits, along draws and then targets, without names."""
    laws = laws.named(mixed.axis, ())
    if fit.keys is not None:
        return jax.tree.map(lambda a: np.swapaxes(np.asarray(a), 0, 1), laws)
    return laws if mixed.label is not None else jax.tree.map(lambda a: np.asarray(a)[:, None], laws)


def at_one_scale(result: Any, at: Mapping[str, Any] | None, objective: Any) -> tuple[Any, dict[str, Any]]:
    """A result by size or family at the one that `at` names, as `{"group": "large"}`, and the rest of `at`.

    Sizes and families are no targets of one model: where none is named, and the objective says nothing of them either,
    a mean of them would be what nobody asked for.

    **Raises:** `InputError` where none is named, or one that there is not.
    """
    at = dict(check_type("at", at or {}, Mapping, "numbers by input, as {'D': 1e12}"))
    fit = getattr(result, "fit", None)
    if not isinstance(fit, Fit) or fit.keys is None or not isinstance(fit.by, str):
        return result, at
    by, keys, runs = fit.by, fit.keys, fit.problem.runs
    if by in at:
        asked = at.pop(by)
        if asked not in keys:
            raise InputError(f"at: {by}", asked, f"one of {listed(map(str, keys))}")
        return result[asked], at
    if objective in ("mean", "worst") and by != "target" and by in (*runs.inputs, *runs.labels):
        given = Phrase(f"is by {by}, {listed(map(str, keys))}: these are no targets of one model")
        raise InputError(
            "result", given, f"one of them, as at={{{by!r}: {keys[-1]!r}}}", "or weigh them by `objective`"
        )
    return result, at


def _of_laws(laws: Mapping[Any, Any]) -> Known:
    if not laws:
        raise InputError("result", Phrase("is empty"), "laws of one class by the name of a target")
    first = next(iter(laws.values()), None)
    for name, law in laws.items():
        if not isinstance(law, AbstractLaw) or type(law) is not type(first):
            raise InputError("result", Phrase(f"gives {type(law).__name__} for {name!r}"),
                             "laws of one class by the name of a target")  # fmt: skip
    mixed = _needed(first)
    found, domains = zip(*(_unnamed(valued(law), mixed) for law in laws.values()), strict=True)
    if len(set(domains)) > 1:
        raise InputError("result", Phrase("has laws of different domains"), "the same ones, in the same order")
    if mixed.label is not None:
        if len(laws) > 1 or not isinstance(first, AbstractLaw):
            raise InputError("result", Phrase(f"is {len(laws)} laws of several targets each"), "one")
        targets = tuple(map(str, first.entries(inputs_of(first)[mixed.label].axis or "")))
        return Known(mixed, domains[0], targets, found[0])
    stacked = jax.tree.map(lambda *a: np.stack([np.asarray(x, float) for x in a]), *found)
    return Known(mixed, domains[0], tuple(map(str, laws)), stacked)


def _needed(law: Any) -> Mixed:
    found = mixed_of(law) if isinstance(law, AbstractLaw) else None
    if found is None:
        raise InputError(
            "result", Phrase(f"is of {type(law).__name__}, which takes no weights of domains by themselves"),
            "a law over weights, as sf.laws.MixingExp", "for laws of pools there is `curate`",
        )  # fmt: skip
    return found


def _unnamed(law: Any, mixed: Mixed) -> tuple[Any, tuple[str, ...]]:
    """The law without names, which would be compiled for, and the names."""
    names = law.entries(mixed.axis)
    if not names:
        raise InputError(type(law).__name__, Phrase("does not name its domains"),
                         remedy=f"make it with {mixed.axis}=(...)")  # fmt: skip
    return law.named(mixed.axis, ()), tuple(map(str, names))


def _target_of(fit: Fit[Any]) -> str:
    label = fit.problem.runs.labels.get("target")
    if fit.key is not None:
        return str(fit.key)
    return str(label[0]) if label is not None and len(set(label.tolist())) == 1 else fit.source.target
