"""Pools of data of different quality and size, trained on in any proportion and seen again and again."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ..._core import InputError, Phrase
from ...params import Param, Scalar, interval, negative, nonnegative, parameters, positive
from .._abstract import AbstractLaw, Doubt
from .._formula import number, numbers
from .._inputs import SHARE, along_axes
from ._pools_doubts import doubts_of_floor, doubts_of_rise
from ._qqt import FEWEST_PASSES, MOST_PASSES, SAMPLE_UNIT, SLACK, refuse_option, sum_length
from ._repetition import HALF, saturating_share, smooth_loss, staircase_loss

Pools = TypeVar("Pools", bound="AbstractPools")
QQTPools = TypeVar("QQTPools", bound="PoolsQQT")

FEW = 5
"""Pools up to which the formula may take them one by one."""


def total(parts: list[Any] | Any) -> Any:
    """The sum over the pools of what `each` gave."""
    return sum(parts[1:], start=parts[0]) if isinstance(parts, list) else jnp.sum(parts, axis=0)


class AbstractPools(AbstractLaw):
    """What the laws of several pools share: a run of n samples draws the share w of them from each pool of size U.

    `pool` names the pools. Every pool has its own half-life τ. Where pools are mixed, the utility of one halves
    $h = w^g/\\tau$ times in each of its own passes: `half_life="weighted"`, g = 1, is the theorem of arXiv 2404.07177
    (half-life pτ for p equal pools) carried on to unequal weights, which is an extension and not proved there; `"own"`,
    g = 0, takes each pool's half-life as it is alone; any other g may be given as a number.

    Laws that sum over passes cover 16 of them under `jit` and `vmap` and are NaN beyond; `covering` makes them more, as
    `fit`, `predict` and plans do. What `sized_for` made for runs on single pools alone is NaN for mixtures.
    """

    inputs: ClassVar[Mapping[str, str]] = {"n": "samples", "w[pool]": SHARE, "U[pool]": "samples"}

    d: Param = nonnegative(unit="target", amplitude=True, typical=(0.01, 0.8))
    half_life: Literal["weighted", "own"] | float = eqx.field(default="weighted", static=True, kw_only=True)
    _covered: int = eqx.field(default=FEWEST_PASSES, static=True, kw_only=True)
    _single: bool = eqx.field(default=False, static=True, kw_only=True)  # no run on more than one pool
    _one_by_one: bool = eqx.field(default=True, static=True, kw_only=True)
    pool: tuple[str, ...] = eqx.field(default=(), static=True, kw_only=True, converter=tuple)

    def __check_init__(self) -> None:
        rule = self.half_life
        number = isinstance(rule, int | float | np.number) and not isinstance(rule, bool)
        if not (np.isfinite(rule) if number else rule in ("weighted", "own")):
            raise InputError("half_life", rule, "'weighted', 'own' or a power of the weight, as 0.4")
        if len(set(self.pool)) < len(self.pool):
            raise InputError("pool", self.pool, "each name once")

    @classmethod
    def of(cls: type[Pools], pool: tuple[str, ...] | list[str], **options: Any) -> Pools:
        """The law of pools of these names, every parameter still to be fitted; `options` such as `half_life`."""
        return along_axes(cls(**options), (f"w[{name}]" for name in pool))

    def covering(self: Pools, passes: float) -> Pools:
        """The law covering so many passes of any pool, or more."""
        if not self.stepped:
            return self
        return dataclasses.replace(self, _covered=max(self._covered, sum_length(passes)))

    def sized_for(self: Pools, inputs: Mapping[str, np.ndarray]) -> Pools:
        """The law covering what these inputs hold: their passes, and mixtures if there are any."""
        w = np.asarray(inputs["w"])
        passes = w * np.asarray(inputs["n"])[..., None] / np.asarray(inputs["U"])
        single = not np.any((w > 0.0) & (w < 1.0))
        return dataclasses.replace(self.covering(float(np.max(passes, initial=1.0))), _single=single)

    def __call__(self, n: Scalar, w: Any, U: Any) -> Scalar:
        """The error after n samples, the share w[i] of them from a pool of U[i] unique ones."""
        n, w, U = number(n), numbers(w), numbers(U)
        along = {f: getattr(self, f) for f, p in parameters(self).items() if p.axis}
        for name, column in {"U": U, **along}.items():
            if jnp.shape(column)[-1:] != w.shape:
                given = Phrase(f"has the shape {jnp.shape(column)}")
                raise InputError(name, given, f"a number for each of the {w.size} shares in w")
        # A part that is left out has no weight; its own size then must not matter, nor what it would be divided by.
        t = jnp.where(w > 0.0, n * w / U, 0.0)
        if not isinstance(t, Tracer) and jnp.max(t) <= MOST_PASSES:
            self = self.covering(float(jnp.max(t)))
        beyond = (jnp.max(t) > SLACK * self._covered) & self.stepped
        if not self._single:
            return jnp.where(beyond, jnp.nan, self.mixture(n, w, t))
        # A run on one pool: the law of that pool alone, which spares the others' formulas.
        # One by one: a sum over an array would be one more loop over the runs for every derivative.
        one = {f: total(self.each(lambda share, own: share * own, w, column)) for f, column in along.items()}
        alone = dataclasses.replace(self, pool=(), **{f: jnp.reshape(number, (1,)) for f, number in one.items()})
        value = alone.mixture(n, jnp.ones_like(w[:1]), jnp.sum(t, keepdims=True))
        return jnp.where(beyond | (jnp.max(w) < 1.0), jnp.nan, value)

    def each(self, formula: Callable[..., Any], *columns: Any) -> list[Any] | Any:
        """A formula of the numbers of one pool, at every pool: a list one by one, or else an array."""
        count = np.shape(columns[0])[-1]
        if self._one_by_one and count <= FEW:
            return [formula(*(column[i] for column in columns)) for i in range(count)]
        return jax.vmap(formula)(*(jnp.asarray(column) for column in columns))

    @property
    def stepped(self) -> bool:
        """Whether the formula counts passes one by one, up to as many as it covers."""
        return True

    def doubts(
        self, inputs: Mapping[str, Any], target: np.ndarray, study: np.ndarray, free: Sequence[str]
    ) -> Iterator[Doubt]:
        """A floor that fresh samples do not show, and an error that rises again where the law can only fall."""
        w, n, U = inputs["w"], inputs["n"], inputs["U"]
        if "d" in free:
            yield from doubts_of_floor(w, n, U, study)
        if "rho" not in parameters(self):
            yield from doubts_of_rise(type(self).__name__, self.pool, w, n, U, target, study)

    @abc.abstractmethod
    def exponent(self, n: Any, w: Any, t: Any) -> Any:
        r"""$\log(y - d)$ after n samples, the share w[i] of them from a pool of which t[i] passes were seen."""

    def mixture(self, n: Any, w: Any, t: Any) -> Any:
        """The error after n samples, the share w[i] of them from a pool of which t[i] passes were seen."""
        return self.d + jnp.exp(self.exponent(n, w, t))

    def log_excess(self, n: Any, w: Any, U: Any) -> Any:
        """What planning lowers: the logarithm of the error above its floor."""
        return self.exponent(n, w, n * w / U)

    def compact(self: Pools) -> Pools:
        """The form for any mixture that takes all pools at once, and does not name them."""
        return dataclasses.replace(self, _one_by_one=False, _single=False, pool=())

    def halvings(self, w: Scalar, tau: Scalar) -> Any:
        """How often the utility of a pool halves in one of its passes: h."""
        g = 1.0 if self.half_life == "weighted" else 0.0 if self.half_life == "own" else self.half_life
        if g == 0.0:
            return 1.0 / tau
        # Where a pool has no weight nothing is repeated, and h does not count; its slope must be finite all the same.
        return jnp.where(w > 0.0, w, 1.0) ** g / tau


class PoolsQQT(AbstractPools):
    r"""Utilities add up by weight: $\log(y - d) = \sum_i w_i b_i\left[\log(a n) + (1+\rho)\,G(t_i, h_i)\right]$.

    Pool i, of which $t_i = w_i n/U_i$ passes are seen, loses utility with repetition as in `QQT`:
    $G(t, h) = -\log t + \sum_{k\ge1} 2^{-kh}(\log\min(t, k+1) - \log k)_+$ beyond one pass and 0 before, with
    $h_i = w_i^g/\tau_i$ (`half_life`); n in units of 1e5. For p equal pools this is the theorem of the source.

    `passes="smooth"` lets passes go by continuously (see `QQT`); `floor="released"` multiplies d, too, by what comes
    after the first of the pools was seen once, as the released code does. ρ is 0 here; see `PoolsOverfit`.

    Source: Goyal et al. 2024 (arXiv 2404.07177, theorem 1); unequal weights and sizes and the smooth form are ours.
    """

    a: Param = positive(unit="1/(1e5 samples)", dims={"samples": -1.0}, typical=(1e-3, 1e3))
    b: Param = negative(typical=(-1.0, -0.02), axis="pool")
    tau: Param = positive(unit="passes", typical=(0.5, 50.0), axis="pool")
    floor: Literal["outside", "released"] = eqx.field(default="outside", static=True, kw_only=True)
    passes: Literal["staircase", "smooth"] = eqx.field(default="staircase", static=True, kw_only=True)

    def __check_init__(self) -> None:
        refuse_option(self, "floor", "outside", "released")
        refuse_option(self, "passes", "staircase", "smooth")

    @property
    def stepped(self) -> bool:
        """Whether the formula counts passes one by one, up to as many as it covers."""
        return self.passes == "staircase"

    def exponent(self, n: Any, w: Any, t: Any) -> Any:
        """The logarithm of the error above its floor."""
        return self._slope(w) * jnp.log(self.a * n / SAMPLE_UNIT) + total(self.repetition(w, t))

    def mixture(self, n: Any, w: Any, t: Any) -> Any:
        """The error after n samples, the share w[i] of them from a pool of which t[i] passes were seen."""
        if self.floor == "outside":
            return super().mixture(n, w, t)
        first = jnp.exp(self._slope(w) * jnp.log(self.a * n / (SAMPLE_UNIT * jnp.maximum(jnp.max(t), 1.0))))
        return (first + self.d) * jnp.exp(self.exponent(n, w, t)) / first

    def log_excess(self, n: Any, w: Any, U: Any) -> Any:
        """What planning lowers: the logarithm of the error above its floor; of the error where the floor decays."""
        return super().log_excess(n, w, U) if self.floor == "outside" else jnp.log(self.mixture(n, w, n * w / U))

    def _slope(self, w: Any) -> Any:
        return total(self.each(lambda w, b: w * b, w, self.b))

    def smooth(self: QQTPools) -> QQTPools:
        """The form in which passes go by continuously."""
        return dataclasses.replace(self, passes="smooth")

    def repetition(self, w: Any, t: Any) -> Any:
        """By pool, what repetition takes from the logarithm of the error above its floor."""
        return self.each(self._lost, w, t, self.b, self.tau)

    def _lost(self, w: Any, t: Any, b: Any, tau: Any) -> Any:
        h = self.halvings(w, tau)
        return w * b * (smooth_loss(t, h) if self.passes == "smooth" else staircase_loss(t, h, self._covered))


class PoolsMixed(PoolsQQT):
    r"""As `PoolsQQT`, the rule of mixtures fitted: $\log(y - d) = \sum_i w_i b_i[\log(a n) + G(t_i, w_i^g/\tau_i)]$.

    How the half-life of a pool goes with its weight is a parameter, g: 1 is `half_life="weighted"`, 0 is `"own"`. Runs
    on mixtures tell it, runs on single pools nothing.

    Source: an extension of ours to arXiv 2404.07177, whose theorem has g = 1 for equal weights.
    """

    g: Param = interval(-1.0, 3.0, typical=(-0.2, 1.5))

    def __check_init__(self) -> None:
        if self.half_life != "weighted":
            raise InputError("half_life", self.half_life, "none, as g is fitted", "leave it out, or take PoolsQQT")

    def halvings(self, w: Scalar, tau: Scalar) -> Any:
        """How often the utility of a pool halves in one of its passes: h."""
        # In logarithms, and of a number that a pool without weight has too: the slope along g is then finite.
        return jnp.exp(self.g * jnp.log(jnp.where(w > 0.0, w, 1.0))) / tau


class PoolsOverfit(PoolsQQT):
    r"""As `PoolsQQT`, repetition in the end doing harm: $\log(y-d) = \sum_i w_i b_i[\log(an) + (1+\rho)\,G(t_i, h_i)]$.

    G tends to a constant less log t as passes go on, so that the error rises as $t^{\rho|b|}$ in the end. With ρ = 0 it
    is `PoolsQQT`.

    Source: an extension of ours to arXiv 2404.07177, for pools whose error rises again after many passes.
    """

    rho: Param = nonnegative(typical=(0.0, 1.0))

    def repetition(self, w: Any, t: Any) -> Any:
        """By pool, what repetition takes from the logarithm of the error above its floor."""
        return self.each(lambda *one: (1.0 + self.rho) * self._lost(*one), w, t, self.b, self.tau)


class PoolsEffective(AbstractPools):
    r"""Repeated samples count for less: $d\log(y - d) = \bar b\,d\log\sum_i x_i$, $\bar b = \sum_i b_i\,dx_i/dx$.

    A sample of pool i seen for the k-th time again counts $2^{-k h_i}$ towards $x_i$ (`half_life` says h), and the
    exponent at any moment is the mean of the pools' own by what each is adding; x is in units of $10^5/a$ samples.
    For one pool this is `QQTEffective`, for p equal pools the released code's form.

    Source: the alternative of Goyal et al. 2024 (arXiv 2404.07177); unequal weights and sizes are ours.
    """

    a: Param = positive(unit="1/(1e5 samples)", dims={"samples": -1.0}, typical=(1e-3, 1e3))
    b: Param = negative(typical=(-1.0, -0.02), axis="pool")
    tau: Param = positive(unit="passes", typical=(0.5, 50.0), axis="pool")

    def exponent(self, n: Any, w: Any, t: Any) -> Any:
        """The logarithm of the error above its floor."""
        # The run in stretches between which some pool ends a pass; `over` passes of each are done in a stretch.
        k = jnp.arange(1, max(self._covered, 2), dtype=t.dtype)
        ends = jnp.minimum(k[None] / jnp.maximum(t[:, None], 1.0), 1.0).ravel()
        ends = jnp.append(ends if t.size == 1 else jnp.sort(ends), 1.0)
        begins = jnp.concatenate([jnp.zeros(1, ends.dtype), ends[:-1]])
        over = jnp.floor(t[:, None] * 0.5 * (begins + ends)[None])
        rates = self.each(lambda w, k, tau: w * jnp.exp2(-k * self.halvings(w, tau)), w, over, self.tau)
        rate = jnp.maximum(total(rates), jnp.finfo(ends.dtype).tiny)
        mean = (
            total(self.each(lambda b, r: b * r, self.b, jnp.stack(rates) if isinstance(rates, list) else rates)) / rate
        )
        logs = jnp.log(jnp.cumsum(rate * (ends - begins)))
        return mean[0] * (jnp.log(self.a * n / SAMPLE_UNIT) + logs[0]) + jnp.sum(mean[1:] * jnp.diff(logs))


class SaturatingPools(AbstractPools):
    """Pools whose repeats add ever less to a sum of fresh samples."""

    @property
    def stepped(self) -> bool:
        """Whether the formula counts passes one by one, up to as many as it covers."""
        return False

    def fresh(self, n: Any, w: Any, t: Any, tau: Any) -> Any:
        """How many fresh samples the share of a pool is worth."""
        return n * w * saturating_share(t, HALF * self.halvings(w, tau))


class PoolsDataConstrained(SaturatingPools):
    r"""Repeats saturate, with an exponent for each pool: $y = d + (a\sum_i U_i\,m(t_i, R_i))^{\sum_i w_i b_i}$.

    $m(t, R) = \min(t, 1) + R\,(1 - e^{-(t-1)_+/R})$ passes of fresh samples are worth as much as t passes; R is the
    half-life over log 2, $R_i = 1/(h_i\log 2)$ (`half_life` says h); samples in units of 1e5.

    Source: Muennighoff et al. 2023 (arXiv 2305.16264, eq. 5); several pools, each with its exponent, are ours.
    """

    a: Param = positive(unit="1/(1e5 samples)", dims={"samples": -1.0}, typical=(1e-3, 1e3))
    b: Param = negative(typical=(-1.0, -0.02), axis="pool")
    tau: Param = positive(unit="passes", typical=(0.5, 50.0), axis="pool")

    def exponent(self, n: Any, w: Any, t: Any) -> Any:
        """The logarithm of the error above its floor."""
        fresh = total(self.each(functools.partial(self.fresh, n), w, t, self.tau))
        slope = total(self.each(lambda w, b: w * b, w, self.b))
        return slope * jnp.log(self.a * fresh / SAMPLE_UNIT)


class PoolsExchange(SaturatingPools):
    r"""A sample of each pool is worth so much: $y = d + \left(\sum_i q_i U_i\,m(t_i, R_i)\right)^b$, one exponent.

    $q_i/q_j$ is the exchange rate: how many fresh samples of pool j one of pool i replaces. m, R and the units are
    those of `PoolsDataConstrained`.

    Source: ours, after one clean image being worth so many noisy ones (Daras et al. 2024, arXiv 2411.02780; no closed
    form of theirs is known to us) and the repeats of Muennighoff et al. 2023 (arXiv 2305.16264, eq. 5).
    """

    b: Param = negative(typical=(-1.0, -0.02))
    q: Param = positive(unit="1/(1e5 samples)", dims={"samples": -1.0}, typical=(1e-2, 1e2), axis="pool")
    tau: Param = positive(unit="passes", typical=(0.5, 50.0), axis="pool")

    def exponent(self, n: Any, w: Any, t: Any) -> Any:
        """The logarithm of the error above its floor."""
        worth = total(self.each(lambda q, *one: q * self.fresh(n, *one), self.q, w, t, self.tau))
        return self.b * jnp.log(worth / SAMPLE_UNIT)
