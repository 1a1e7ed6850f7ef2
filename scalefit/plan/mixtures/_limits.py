"""What a mixture must keep: how much of each domain there is, least and most weights, groups, nearness to a prior."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_names, check_number, check_type
from ...solve import Groups

ByDomain = Mapping[str, float] | float | None
"""A number for every domain, one by name, or none."""

MAX_PASSES = 4.0
"""Passes of a domain that a plan takes at most unless told: about as good as fresh tokens (arXiv 2305.16264)."""
REPEATS = 15.387756
"""Passes over which repeats lose their value: R* of tokens, fitted on C4 in arXiv 2305.16264."""


@dataclasses.dataclass(frozen=True)
class MixtureLimits:
    """What weights of domains must keep.

    **Arguments:**

    - `tokens`: Tokens that there are of each domain.
    - `max_passes`: How often each may be seen at most, one number or by domain: 4 unless given. It is a limit where
        `tokens` are known, and the run's own are (`at`).
    - `least`, `most`: Limits of the weights, one for all or by domain; `fixed`: weights that are held.
    - `groups`: Name → `{"domains": [...], "least": 0.1, "most": 0.5}`, limits of the total of some domains; no domain
        is of two groups.
    - `prior`: A mixture from which weights may stray at a price; that of the tokens unless given. What it misses of a
        sum of 1, by a thousandth at most, it is divided by.
    - `kl`: The price of the relative entropy to the prior, $\\sum_i w_i\\log(w_i/p_i)$, in units of the objective.
    - `repeats`: Where value is discounted, the R of $(1 + R(1 - e^{-(t-1)/R}))/t$, the share that t passes are worth.
    """

    tokens: Mapping[str, float] | None = None
    max_passes: ByDomain = None
    least: ByDomain = None
    most: ByDomain = None
    fixed: Mapping[str, float] | None = None
    groups: Mapping[str, Any] | None = None
    prior: Mapping[str, float] | None = None
    kl: float = 0.0
    repeats: ByDomain = REPEATS

    @classmethod
    def of(cls, given: Any) -> "MixtureLimits":
        """Limits, or a mapping of them as a TOML file has it.

        **Raises:** `InputError` for unknown names.
        """
        if given is None:
            return cls()
        if isinstance(given, Mapping):
            check_names("limits", given, [field.name for field in dataclasses.fields(cls)], what="limits")
            return cls(**{str(k): v for k, v in given.items()})
        return check_type("limits", given, cls, "sf.MixtureLimits, or a mapping as {'most': {'web': 0.5}}")


class Box(NamedTuple):
    """Limits as the solver takes them, in the order of the domains.

    **Arguments:**

    - `low`, `high`: Of the weights; `capped`: which of the upper ones come from the tokens there are.
    - `groups`: Of totals, or `None`; `names`: of the groups, the last being the domains of none.
    """

    low: Float[np.ndarray, " domain"]
    high: Float[np.ndarray, " domain"]
    capped: np.ndarray
    groups: Groups | None
    names: tuple[str, ...]


def box_of(limits: MixtureLimits, domains: tuple[str, ...], budget: float | None, *, cap: bool) -> Box:
    """The limits of weights.

    **Arguments:**

    - `budget`: Tokens of the run, where they are known.
    - `cap`: Whether the tokens that there are limit the weights.

    **Raises:** `InputError` where no weights keep them, naming those that clash.
    """
    low = _by_domain("least", limits.least, 0.0, domains, most=1.0)
    high = _by_domain("most", limits.most, 1.0, domains, most=1.0)
    fixed = _by_domain("fixed weights", limits.fixed or {}, np.nan, domains, most=1.0)
    held = ~np.isnan(fixed)
    for i in np.flatnonzero(held & ((fixed < low) | (fixed > high))):
        _clash(f"{domains[i]!r} is fixed at {fixed[i]:g}, and it is to have {low[i]:g} to {high[i]:g}")
    low, high = np.where(held, fixed, low), np.where(held, fixed, high)
    capped = np.zeros(len(domains), bool)
    if cap and limits.tokens is not None and budget is not None:
        there, passes = tokens_of(limits, domains), passes_of(limits, domains)
        with np.errstate(over="ignore", invalid="ignore"):
            most = np.where(passes > 0.0, passes * there / budget, 0.0)  # of domains without end too
        for i in np.flatnonzero(most < low - 1e-12):
            _clash(
                f"{passes[i]:g} passes over the {there[i]:.4g} tokens of {domains[i]!r} are {most[i]:.3g} of "
                f"{budget:.4g}, and it is to have {low[i]:g} at least"
            )
        capped = most < high
        high = np.minimum(high, most)
    for i in np.flatnonzero(low > high + 1e-12):
        _clash(f"{domains[i]!r} is to have {low[i]:g} at least and {high[i]:g} at most")
    low = np.minimum(low, high)
    if held.all() and abs(low.sum() - 1.0) > 1e-9:
        _clash(f"every domain is fixed, and the weights sum to {low.sum():.6g}", "leave one free, or mend them")
    if low.sum() > 1.0 + 1e-9:
        of = "least and fixed weights" if held.any() else "least weights"
        _clash(f"the {of} of all domains sum to {low.sum():.4g}, above 1")
    if high.sum() < 1.0 - 1e-9:
        said = "with the tokens that there are the domains can make up" if capped.any() else "the domains may have"
        remedy = "raise `max_passes` or `most`, or plan for fewer tokens" if capped.any() else "raise `most`"
        _clash(f"{said} {high.sum():.4g} of the whole at most", remedy)
    groups, names = _groups_of(limits, domains, low, high)
    return Box(low, high, capped, groups, names)


def tokens_of(limits: MixtureLimits, domains: tuple[str, ...]) -> Float[np.ndarray, " domain"]:
    """The tokens of each domain.

    **Raises:** `InputError` for a domain that is in one of the two only.
    """
    there = check_type("tokens", limits.tokens, Mapping, "tokens by domain")
    check_names("tokens", there, domains, what="domains")
    lacking = [name for name in domains if name not in there]
    if lacking:
        raise InputError("tokens", Phrase(f"has no number for the domain {lacking[0]!r}, which the runs drew from"),
                         remedy="give each domain its tokens, inf where they have no end")  # fmt: skip
    found = _by_domain("tokens", there, np.nan, domains)
    if (found <= 0.0).any():
        i = int(np.argmax(found <= 0.0))
        raise InputError(f"tokens of {domains[i]!r}", float(found[i]), "a number above 0",
                         "say 0 for it among the fixed weights of the limits, and a number here")  # fmt: skip
    return found


def passes_of(limits: MixtureLimits, domains: tuple[str, ...]) -> Float[np.ndarray, " domain"]:
    """How often each domain may be seen."""
    given = MAX_PASSES if limits.max_passes is None else limits.max_passes
    return _by_domain("max_passes", given, MAX_PASSES, domains)


def prior_of(limits: MixtureLimits, domains: tuple[str, ...]) -> Float[np.ndarray, " domain"] | None:
    """The mixture in proportion to the tokens there are, or the one that was given; `None` where neither is known.

    **Raises:** `InputError` where it is off the simplex, or 0 for a domain under a price of straying.
    """
    if limits.prior is not None:
        found = _by_domain("prior", limits.prior, 0.0, domains)
        if (found < 0).any() or abs(found.sum() - 1.0) > 1e-3:
            raise InputError("prior", Phrase(f"sums to {found.sum():.6g}"), "weights of 0 or more with a sum of 1")
        found = found / found.sum()
    elif limits.tokens is not None and np.isfinite(tokens_of(limits, domains)).all():
        there = tokens_of(limits, domains)
        found = there / there.sum()
    else:
        found = None
    if check_number("kl", limits.kl, least=0.0) > 0.0:
        if found is None:
            raise InputError("kl", Phrase("is the price of straying from a prior, and there is none"),
                             remedy="give `prior`, or the `tokens` of the domains")  # fmt: skip
        nothing = [name for name, p in zip(domains, found, strict=True) if p == 0.0]
        if nothing:
            given = Phrase(f"gives {nothing[0]!r} nothing, from which the relative entropy is infinite")
            raise InputError("prior", given, remedy="give it a little, or hold its weight at 0 and leave out `kl`")
    return found


def repeats_of(limits: MixtureLimits, domains: tuple[str, ...]) -> Float[np.ndarray, " domain"]:
    """Over how many passes the repeats of each domain lose their value."""
    found = _by_domain("repeats", REPEATS if limits.repeats is None else limits.repeats, REPEATS, domains)
    return np.minimum(found, 1e300)  # over which nothing is lost, and the formula is finite


def _by_domain(
    argument: str, given: Any, usual: float, domains: tuple[str, ...], most: float = np.inf
) -> Float[np.ndarray, " domain"]:
    """Numbers in the order of the domains.

    **Raises:** `InputError` for unknown domains, and what is no number of 0 or more.
    """
    if given is None:
        return np.full(len(domains), usual)
    if isinstance(given, Mapping):
        check_names(argument, given, domains, what="domains")
        named = {str(k): check_number(f"{argument} of {k!r}", v, least=0.0, most=most, endless=True)
                 for k, v in given.items()}  # fmt: skip
        return np.array([named.get(name, usual) for name in domains])
    return np.full(len(domains), float(check_number(argument, given, least=0.0, most=most, endless=True)))


def _groups_of(
    limits: MixtureLimits, domains: tuple[str, ...], low: np.ndarray, high: np.ndarray
) -> tuple[Groups | None, tuple[str, ...]]:
    given = check_type("groups", limits.groups or {}, Mapping, "limits by group")
    if not given:
        return None, ()
    member, least, most, of = [], [], [], {}
    for name, said in given.items():
        example = "{'domains': ['a', 'b'], 'least': 0.1, 'most': 0.5}"
        said = check_type(f"groups: {name}", said, Mapping, example)
        check_names(f"groups: {name}", said, ("domains", "least", "most"), what="parts")
        inside = said.get("domains", ())
        if not isinstance(inside, Collection) or isinstance(inside, str | Mapping) or not inside:
            raise InputError(f"domains of the group {name!r}", inside, "names of domains, as ['a', 'b']")
        check_names(f"groups: {name}", inside, domains, what="domains")
        for domain in inside:
            if of.setdefault(domain, name) != name:
                raise InputError("groups", Phrase(f"has {domain!r} in {of[domain]!r} and in {name!r}"),
                                 "each domain in one group at most")  # fmt: skip
        row = np.array([domain in inside for domain in domains], float)
        ends = [check_number(f"{k} of the group {name!r}", said.get(k, usual), least=0.0, most=1.0)
                for k, usual in (("least", 0.0), ("most", 1.0))]  # fmt: skip
        bottom, top = row @ low, row @ high
        if ends[0] > ends[1]:
            _clash(f"the group {name!r} is to have {ends[0]:g} at least and {ends[1]:g} at most")
        if top < ends[0] - 1e-12:
            _clash(f"the group {name!r} is to have {ends[0]:g} at least, and its domains may have {top:.4g} at most")
        if bottom > ends[1] + 1e-12:
            _clash(f"the group {name!r} is to have {ends[1]:g} at most, and its domains are to have {bottom:.4g}")
        member.append(row)
        least.append(ends[0])
        most.append(ends[1])
    rest = 1.0 - np.sum(member, axis=0)
    names = tuple(map(str, given))
    if rest.any():
        member, least, most, names = [*member, rest], [*least, 0.0], [*most, 1.0], (*names, "the others")
    groups = Groups(np.array(member), np.array(least), np.array(most))
    bottom = np.maximum(groups.low, groups.totals(low)).sum()
    top = np.minimum(groups.high, groups.totals(high)).sum()
    if bottom > 1.0 + 1e-9:
        _clash(f"the groups are to have {bottom:.4g} at least together, above 1")
    if top < 1.0 - 1e-9:
        _clash(f"the groups {', '.join(names)} may have {top:.4g} of the whole at most together")
    return groups, names


def _clash(said: str, remedy: str = "loosen one of them") -> None:
    raise InputError("limits", Phrase(f"leave no weights: {said}"), remedy=remedy)
