"""The tables that tests are parametrised over: a law is under contract once it has a row here."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import scalefit as sf
from scalefit.laws import (
    SHARE,
    AbstractLaw,
    Chinchilla,
    Fraction,
    Label,
    Padded,
    Series,
    input_kinds,
    input_names,
    inputs_of,
)
from scalefit.problem import Problem
from scalefit.results import Ensemble, Fit

Sample = Callable[[np.random.Generator, int], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class LawRow:
    """Facts of a law for tests, beyond what it declares itself.

    **Arguments:**

    - `truth`: True parameters, so that the law is of realistic size over `sample`.
    - `sample`: Inputs of so many runs, in raw units, as a study would have them.
    - `wide`: Inputs over the whole range where the law must stay finite; by default each between 1e3 and 1e15.
    - `floor`: Name of the parameter, or the number, below which the value never falls.
    - `log`: Whether its values are above 0, so that runs scatter in the logarithm.
    - `fixed`: Parameters that are held where it is fitted.
    - `kept`: Units that no parameter of it carries.
    """

    truth: AbstractLaw
    sample: Sample
    wide: Sample | None = None
    floor: str | float = 0.0
    log: bool = True
    fixed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def log_uniform(**ranges: tuple[float, float]) -> Sample:
    """Inputs drawn evenly in the logarithm, each between two numbers."""

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        return {name: low * (high / low) ** rng.random(count) for name, (low, high) in ranges.items()}

    return sample


def pool(passes: tuple[float, float], U: tuple[float, float]) -> Sample:
    """Samples n seen from a pool of U, as passes over it."""
    draw = log_uniform(n=passes, U=U)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = draw(rng, count)
        return {"n": columns["n"] * columns["U"], "U": columns["U"]}

    return sample


def repeated(passes: tuple[float, float], **ranges: tuple[float, float]) -> Sample:
    """Tokens D from U unique ones, as passes over them, and whatever else."""
    draw = log_uniform(D=passes, **ranges)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = draw(rng, count)
        return {**columns, "D": columns["D"] * columns["U"]}

    return sample


def mixtures(passes: tuple[float, float], U: tuple[float, float]) -> Sample:
    """Samples n seen in shares w of two pools of sizes U, one run in three on one pool alone."""
    draw = log_uniform(passes=passes, first=U, second=U)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = draw(rng, count)
        share = rng.random(count)
        share[::3] = np.arange(len(share[::3])) % 2
        w, sizes = np.stack([share, 1.0 - share], axis=1), np.stack([columns["first"], columns["second"]], axis=1)
        # As many passes as asked for over the pool that is seen most often.
        return {"n": columns["passes"] / np.max(w / sizes, axis=1), "w": w, "U": sizes}

    return sample


def weighted(domains: int = 3, target: bool = False, **ranges: tuple[float, float]) -> Sample:
    """Weights w of some domains, none of them 0, and whatever else; the place of a domain whose loss was measured."""
    draw = log_uniform(**ranges)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = {"w": rng.dirichlet(np.full(domains, 2.0), count)} | draw(rng, count)
        return columns | ({"target": np.arange(count) % domains} if target else {})

    return sample


def bucketed(U: tuple[float, float], **ranges: tuple[float, float]) -> Sample:
    """Weights w of three buckets that hold U tokens each, and whatever else."""
    draw = log_uniform(**{f"U{i}": U for i in range(3)})

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        sizes = np.stack(list(draw(rng, count).values()), axis=1)
        return weighted(3, False, **ranges)(rng, count) | {"U": sizes}

    return sample


def modal(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Sizes of models, and tokens of two modalities."""
    columns = log_uniform(N=(1e7, 1e10), one=(1e9, 1e12), two=(1e9, 1e12))(rng, count)
    return {"N": columns["N"], "D": np.stack([columns["one"], columns["two"]], axis=1)}


def shared(**ranges: tuple[float, float]) -> Sample:
    """The share r of one domain, and whatever else."""
    draw = log_uniform(r=(0.01, 1.0), **ranges)
    return lambda rng, count: draw(rng, count)


def choosing(sample: Sample, **choices: tuple[float, ...]) -> Sample:
    """Other inputs beside those of a sample, each one of few."""

    def both(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        return {**sample(rng, count), **{name: rng.choice(np.array(some), count) for name, some in choices.items()}}

    return both


def between(sample: Sample, **ranges: tuple[float, float]) -> Sample:
    """Other inputs beside those of a sample, drawn evenly."""

    def both(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        return {**sample(rng, count), **{name: rng.uniform(*ends, count) for name, ends in ranges.items()}}

    return both


def active(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Sizes of mixtures of experts, M of their N parameters active."""
    columns = log_uniform(N=(1e9, 1e11), M=(2.0, 30.0), D=(1e10, 1e13))(rng, count)
    cut = {"G": rng.choice(np.array([1.0, 2.0, 4.0, 8.0, 16.0]), count), "S": rng.choice(np.linspace(0, 0.6, 4), count)}
    return {**columns, "M": columns["N"] / columns["M"], **cut}


def schedules(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Cosines and two stages after a warm-up, each of so many places that it ends after 24,000 steps or fewer."""
    place, shown = np.arange(40), rng.integers(12, 41, count)
    t, low, turn = place / (shown[:, None] - 1.0), rng.uniform(0.05, 0.6, count), rng.uniform(0.3, 0.9, count)
    cosine = low[:, None] + (1.0 - low[:, None]) * 0.5 * (1.0 + np.cos(np.pi * np.minimum(t, 1.0)))
    stages = np.where(t < turn[:, None], 1.0, low[:, None])
    rate = 3e-4 * np.where((np.arange(count) % 2 == 0)[:, None], cosine, stages) * np.minimum((place + 1) / 3, 1.0)
    return {"lr": Padded(np.where(t <= 1.0, rate, rate[np.arange(count), shown - 1][:, None]), t <= 1.0)}


def families(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Models of two families on three benchmarks."""
    labels = {"family": np.arange(count) % 2, "benchmark": np.arange(count) // 2 % 3}
    return {**log_uniform(N=(1e8, 1e11), D=(1e11, 1e13))(rng, count), **labels}


def sizes_in_training(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Models of four sizes at some point of their reinforcement."""
    size = np.arange(count) % 4
    return {"N": np.array([5e8, 1.5e9, 7e9, 3e10])[size], "X": 10.0 ** rng.uniform(1.0, 4.0, count), "size": size}


def components(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Models by two principal components of their scores."""
    return {"x": rng.normal(0.0, 1.5, (count, 2))}


_BITS = (2.0, 3.0, 4.0, 6.0, 8.0, 16.0)
_EXPERTS = (1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
_CHINCHILLA = {"A": 482.0, "B": 2085.0, "alpha": 0.35, "beta": 0.37}
_RUNS = log_uniform(N=(1e7, 1e10), D=(1e9, 1e12))
_POOL = pool(passes=(0.3, 20.0), U=(1e6, 1e8))
_ANY_POOL = pool(passes=(1e-3, 32.0), U=(1e3, 1e14))
_MIXED = mixtures(passes=(0.3, 20.0), U=(1e6, 1e8))
_ANY_MIXED = mixtures(passes=(1e-3, 31.9), U=(1e3, 1e14))
_TWO: dict[str, Any] = {"d": 0.1, "tau": np.array([6.7, 8.5]), "pool": ("A", "B"), "_covered": 32}
_DOMAINS = ("web", "books", "code")
_SLOPES = {"a": 0.025, "b": np.array([-0.16, -0.125])}

LAWS: Mapping[str, LawRow] = {
    "PowerLaw": LawRow(sf.laws.PowerLaw(E=1.7, A=410.0, alpha=0.34), log_uniform(x=(1e7, 1e10)), floor="E"),
    "Frontier": LawRow(
        sf.laws.Frontier(E=1.7, A=410.0, alpha=0.16), log_uniform(C=(1e14, 1e17)), log_uniform(C=(1e3, 1e25)), floor="E"
    ),
    "Kaplan": LawRow(sf.laws.Kaplan(N_c=8.8e9, D_c=5.4e10, alpha_N=0.18, alpha_D=0.25), _RUNS),
    "Chinchilla": LawRow(sf.laws.Chinchilla(E=1.82, A=482.0, B=2085.0, alpha=0.35, beta=0.37), _RUNS, floor="E"),
    "Skaling": LawRow(sf.laws.Skaling(E=1.2, A=3.6e4, B=1.7e5, alpha=0.6, beta=0.55, k=0.5), _RUNS, floor="E"),
    "Overtraining": LawRow(sf.laws.Overtraining(E=1.5, a=141.0, b=189.0, eta=0.121), _RUNS, floor="E"),
    "DownstreamError": LawRow(sf.laws.DownstreamError(epsilon=0.85, k=2.1, gamma=0.76), log_uniform(x=(1.5, 5.0))),
    "Sigmoid": LawRow(
        sf.laws.Sigmoid(floor=0.25, ceiling=1.0, k=5.0, x0=0.7), log_uniform(x=(0.4, 2.0)), floor="floor"
    ),
    "DataConstrained": LawRow(
        sf.laws.DataConstrained(E=1.87, A=521.0, B=1488.0, alpha=0.35, beta=0.36, R_D=15.4, R_N=5.3),
        repeated(passes=(0.3, 60.0), N=(1e7, 1e10), U=(1e8, 1e11)),
        floor="E",
    ),
    "QQT": LawRow(sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7).covering(32), _POOL, _ANY_POOL, floor="d"),
    "QQT-released": LawRow(
        sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7, floor="released").covering(32), _POOL, _ANY_POOL
    ),
    "QQTEffective": LawRow(sf.laws.QQTEffective(d=0.1, a=0.022, b=-0.18, tau=4.0), _POOL, _ANY_POOL, floor="d"),
    "PoolsQQT": LawRow(sf.laws.PoolsQQT(**_TWO, **_SLOPES), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsQQT-own": LawRow(sf.laws.PoolsQQT(**_TWO, **_SLOPES, half_life=0.3), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsMixed": LawRow(sf.laws.PoolsMixed(**_TWO, **_SLOPES, g=0.4), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsOverfit": LawRow(sf.laws.PoolsOverfit(**_TWO, **_SLOPES, rho=0.2), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsEffective": LawRow(
        # Its curvatures cost by the pass.
        sf.laws.PoolsEffective(**{**_TWO, "_covered": 8}, **_SLOPES),
        mixtures(passes=(0.3, 7.9), U=(1e6, 1e8)),
        mixtures(passes=(1e-3, 7.9), U=(1e3, 1e14)),
        floor="d",
    ),
    "PoolsDataConstrained": LawRow(sf.laws.PoolsDataConstrained(**_TWO, **_SLOPES), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsExchange": LawRow(sf.laws.PoolsExchange(**_TWO, b=-0.15, q=[0.03, 0.01]), _MIXED, _ANY_MIXED, floor="d"),
    "MixingExp": LawRow(
        sf.laws.MixingExp(c=2.0, k=0.7, t=np.array([-1.5, 0.6, 0.9]), domain=_DOMAINS),
        weighted(),
        weighted(),
        floor="c",
    ),
    "MixingLinear": LawRow(sf.laws.MixingLinear(t=np.array([2.5, 3.1, 2.9]), domain=_DOMAINS), weighted(), weighted()),
    "MixingTransfer": LawRow(
        sf.laws.MixingTransfer(E=1.5, k=1.1, a=[0.7, 0.25, 0.05], gamma=0.3, domain=_DOMAINS),
        weighted(),
        weighted(),
        floor="E",
    ),
    "AutoScale": LawRow(
        sf.laws.AutoScale(E=1.0, A=[9e2, 1.2e3, 7e2], a=[2e8, 5e8, 3e8], b=[0.35, 0.37, 0.34], domain=_DOMAINS),
        weighted(D=(1e9, 1e11)),
        weighted(D=(1e3, 1e15)),
        floor="E",
    ),
    "MixingAdditive": LawRow(
        sf.laws.MixingAdditive(
            E=1.2, C=[4.0, 2.0, 3.0], gamma=[0.4, 0.6, 0.5], A=482.0, B=2085.0, alpha=0.35, beta=0.37, domain=_DOMAINS
        ),
        weighted(N=(1e7, 1e10), D=(1e9, 1e12)),
        weighted(N=(1e3, 1e15), D=(1e3, 1e15)),
        floor="E",
    ),
    "MixingJoint": LawRow(
        sf.laws.MixingJoint(
            E=1.2,
            C=[4.0, 2.0, 3.0],
            gamma=[0.4, 0.6, 0.5],
            A=482.0,
            B=2085.0,
            a=[-0.2, 0.2, 0.0],
            b=[0.1, 0.5, -0.6],
            p_A=1.1,
            p_B=0.9,
            alpha=0.35,
            beta=0.37,
            domain=_DOMAINS,
        ),
        weighted(N=(1e7, 1e10), D=(1e9, 1e12)),
        weighted(N=(1e3, 1e15), D=(1e3, 1e15)),
        floor="E",
    ),
    "CapacityMix": LawRow(
        sf.laws.CapacityMix(
            c=[40.0, 60.0, 30.0],
            b=[0.3, 0.35, 0.25],
            A=[2e3, 3e3, 1e3],
            a=[0.37, 0.35, 0.33],
            E=[1.0, 1.5, 0.8],
            H=1e6,
            domain=_DOMAINS,
        ),
        weighted(target=True, N=(1e7, 1e10), D=(1e9, 1e12)),
        weighted(target=True, N=(1e7, 1e15), D=(1e3, 1e15)),
    ),
    "InfoLaw": LawRow(
        sf.laws.InfoLaw(alpha=60.0, beta=0.12, theta=0.9, a=0.14, b=0.018, bucket=("top", "middle", "rest")),
        bucketed(U=(1e8, 1e10), N=(1e7, 1e10), D=(1e9, 1e11)),
        bucketed(U=(1e3, 1e15), N=(1e3, 1e15), D=(1e3, 1e15)),
        kept=("tokens", "parameters"),
    ),
    "MixedModal": LawRow(
        sf.laws.MixedModal(
            E=[2.0, 1.4],
            A=[400.0, 250.0],
            B=[900.0, 2e3],
            C=0.25,
            G=9.0,
            H=60.0,
            alpha=[0.34, 0.3],
            beta=[0.32, 0.37],
            gamma=0.2,
            delta=0.21,
            modality=("text", "image"),
        ),
        modal,
        modal,
        fixed=("E", "A", "B", "alpha", "beta"),
    ),
    "BiMix": LawRow(sf.laws.BiMix(B=900.0, C=1.5, alpha=0.04, beta=0.35), shared(D=(1e9, 1e12)), shared(D=(1e3, 1e15))),
    "DCPT": LawRow(
        sf.laws.DCPT(E=1.2, A=482.0, B=2085.0, C=0.3, alpha=0.35, beta=0.37, eta=0.5, epsilon=0.1, gamma=0.7),
        shared(N=(1e7, 1e10), D=(1e9, 1e12)),
        shared(N=(1e3, 1e15), D=(1e3, 1e15)),
        floor="E",
    ),
    "BNSL-1": LawRow(
        sf.laws.BNSL(a=0.3, b=30.0, c0=0.15, c=np.array([0.25]), d=np.array([3e8]), f=np.array([0.4])),
        log_uniform(x=(1e7, 1e10)),
        floor="a",
    ),
    "BNSL-2": LawRow(
        sf.laws.BNSL(a=0.3, b=30.0, c0=0.15, c=np.array([0.3, -0.2]), d=np.array([1e8, 3e9]), f=np.array([0.4, 0.2])),
        log_uniform(x=(1e7, 1e11)),
        floor="a",
    ),
    "Power": LawRow(sf.laws.Power(c=0.58, a=0.571), log_uniform(x=(1e9, 1e12))),
    "LogLinear": LawRow(sf.laws.LogLinear(a=0.05, b=0.03), log_uniform(x=(1e6, 1e10)), floor=-np.inf, log=False),
    "ShiftedPowerLaw": LawRow(
        sf.laws.ShiftedPowerLaw(E=1.7, A=410.0, s=3e7, alpha=0.34), log_uniform(x=(1e6, 1e10)), floor="E"
    ),
    "M3": LawRow(sf.laws.M3(E=1.0, A=410.0, gamma=1e-9, alpha=0.34), log_uniform(x=(1e6, 1e11)), floor="E"),
    "M4": LawRow(sf.laws.M4(E=0.08, y0=0.9, alpha=1.4, beta=30.0, c=0.5), log_uniform(x=(1e2, 1e6)), floor="E"),
    "BoundedRational": LawRow(
        sf.laws.BoundedRational(E=0.08, y0=0.9, beta=100.0, c=0.6), log_uniform(x=(1e2, 1e6)), floor="E"
    ),
    "KaplanSteps": LawRow(
        sf.laws.KaplanSteps(N_c=6.5e13, S_c=2.1e3, alpha_N=0.077, alpha_S=0.76),
        log_uniform(N=(1e7, 1e10), S=(1e3, 1e5)),
    ),
    "Rosenfeld": LawRow(
        sf.laws.Rosenfeld(A=60.0, B=60.0, E=0.05, y0=0.9, alpha=0.3, beta=0.35), log_uniform(N=(1e5, 1e9), D=(1e4, 1e8))
    ),
    "Farseer": LawRow(sf.laws.Farseer.published("printed"), _RUNS),
    "T2": LawRow(
        sf.laws.T2(E=1.0, G=0.5, gamma=0.4, **_CHINCHILLA),
        log_uniform(N=(1e7, 1e10), D=(1e9, 1e12), k=(1.0, 1e3)),
        floor="E",
    ),
    "Quality": LawRow(
        sf.laws.Quality(E=1.8, gamma=0.2, **_CHINCHILLA),
        log_uniform(N=(1e7, 1e10), D=(1e9, 1e12), Q=(0.1, 1.0)),
        floor="E",
    ),
    "CleanNoisy": LawRow(
        sf.laws.CleanNoisy(E=0.2, A=30.0, alpha=0.3, p=1.7),
        choosing(log_uniform(D=(1e5, 1e8)), D_noisy=(0.0, 1e6, 1e7, 1e8)),
        floor="E",
    ),
    "Pruned": LawRow(
        sf.laws.Pruned(E=0.1, A=20.0, alpha=0.35, eta=0.2, kappa=0.05),
        log_uniform(D=(1e4, 1e7), f=(0.1, 1.0)),
        log_uniform(D=(1e3, 1e15), f=(1e-3, 1.0)),
        floor="E",
    ),
    "Lovelace": LawRow(
        sf.laws.Lovelace(E=1.8, P=2e-3, gamma=0.8, delta=1.1, kappa=0.4, **_CHINCHILLA),
        repeated(passes=(0.3, 60.0), N=(1e7, 1e10), U=(1e8, 1e11)),
        floor="E",
    ),
    "SparseRepetition": LawRow(
        sf.laws.SparseRepetition.published("wu"),
        choosing(repeated(passes=(0.3, 60.0), N=(1e7, 1e10), U=(1e8, 1e11)), s=(0.25, 0.5, 0.75, 1.0)),
        between(log_uniform(N=(1e3, 1e15), D=(1e3, 1e15), U=(1e3, 1e15)), s=(0.2, 1.0)),
        floor="E",
    ),
    "SparseWeights": LawRow(
        sf.laws.SparseWeights(c=0.6, a_S=16.8, c_S=14.5, A_D=300.0, b_S=0.72, b_N=0.24, b_D=0.27),
        choosing(_RUNS, S=(0.0, 0.5, 0.75, 0.875)),
        between(log_uniform(N=(1e3, 1e15), D=(1e3, 1e15)), S=(0.0, 1.0)),
        floor="c",
    ),
    "ParScale": LawRow(
        sf.laws.ParScale(E=1.2, A=80.0, k=0.35, alpha=0.2),
        choosing(log_uniform(N=(1e8, 1e10)), P=(1.0, 2.0, 4.0, 8.0)),
        floor="E",
    ),
    "EffectiveParameters": LawRow(
        sf.laws.EffectiveParameters(gamma=2.7), choosing(log_uniform(N=(1e7, 1e10)), P=_BITS), kept=("parameters",)
    ),
    "Precision": LawRow(
        sf.laws.Precision(E=1.8, gamma_w=2.7, gamma_a=2.2, gamma_kv=0.96, **_CHINCHILLA),
        choosing(_RUNS, P_w=_BITS, P_a=_BITS, P_kv=_BITS),
        floor="E",
    ),
    "Quantised": LawRow(
        sf.laws.Quantised.published("kumar"),
        choosing(_RUNS, P=_BITS[:4]),
        choosing(log_uniform(N=(1e3, 1e15), D=(1e3, 1e15)), P=_BITS),
    ),
    "Distillation": LawRow(
        sf.laws.Distillation(A=2243.0, B=24181.0, alpha=0.32, beta=0.5, gamma=0.7, c0=0.5, c1=3.0, d=0.9, f=0.25),
        between(_RUNS, L_T=(1.8, 2.8), L_S=(1.6, 3.6)),
        between(log_uniform(N=(1e3, 1e15), D=(1e3, 1e15)), L_T=(0.5, 9.0), L_S=(0.5, 9.0)),
    ),
    "Vocabulary": LawRow(
        sf.laws.Vocabulary(E=5.5, A1=880.0, A2=1.1e3, B=2.2e4, alpha1=0.447, alpha2=0.6, beta=0.447),
        log_uniform(N=(1e7, 3e9), V=(4e3, 2e5), d=(512.0, 4096.0), D=(1e9, 1e12)),
        floor=-5.5,
        log=False,
    ),
    "Routed": LawRow(
        sf.laws.Routed.published("s-base"),
        choosing(log_uniform(N=(1e7, 1e9)), E=_EXPERTS),
        choosing(log_uniform(N=(1e3, 1e15)), E=_EXPERTS),
    ),
    "FineMoE": LawRow(sf.laws.FineMoE.published("krajewski"), choosing(_RUNS, G=(1.0, 2.0, 4.0, 8.0, 16.0)), floor="c"),
    "JointMoE": LawRow(
        sf.laws.JointMoE(
            c=1.3, a=35.0, b=70.0, alpha=-0.22, beta=-0.21, gamma=0.005, zeta=-0.004, delta=-0.2, omega=0.1
        ),
        choosing(_RUNS, E=_EXPERTS),
        choosing(log_uniform(N=(1e3, 1e15), D=(1e3, 1e15)), E=_EXPERTS),
        floor="c",
    ),
    "HunyuanMoE": LawRow(sf.laws.HunyuanMoE.published("hunyuan"), active, active, floor="epsilon"),
    "Annealing": LawRow(
        sf.laws.Annealing(L0=2.4, A=0.6, C=0.3, alpha=0.45, m=1000.0, stride=600.0), schedules, schedules
    ),
    "MultiPower": LawRow(
        sf.laws.MultiPower(L0=2.4, A=0.6, B=400.0, C=2.0, alpha=0.45, beta=0.58, gamma=0.64, stride=600.0),
        schedules,
        schedules,
    ),
    "StepLaw": LawRow(sf.laws.StepLaw.published("learning-rate"), _RUNS),
    "CriticalBatch": LawRow(sf.laws.CriticalBatch(S_min=1e4, E_min=3e9), log_uniform(B=(1e3, 1e7)), floor="S_min"),
    "LossToLoss": LawRow(
        sf.laws.LossToLoss(E1=1.1, K=0.9, E0=1.4, kappa=1.15),
        log_uniform(x=(2.0, 5.0)),
        log_uniform(x=(0.5, 20.0)),
        floor="E1",
    ),
    "COD": LawRow(sf.laws.COD(g=0.25, a=1e5, b=0.25, c=0.1), log_uniform(C=(1e18, 1e23)), floor="g"),
    "Observational": LawRow(
        sf.laws.Observational(f=0.2, h=0.7, b=-0.3, w=[0.8, -0.4], component=("1", "2")),
        components,
        components,
        floor="f",
    ),
    "Sloth": LawRow(
        sf.laws.Sloth(
            g=[0.25, 0.02, 0.2],
            d=[-6.0, -9.0, -7.0],
            loading=[[0.3, 0.5, 0.2]],
            alpha=[[-0.4, 0.4]],
            beta=[0.6],
            gamma=[0.5],
            delta=[-0.01],
            family=("a", "b"),
            benchmark=("A", "B", "C"),
        ),
        families,
        families,
        fixed=("g",),
    ),
    "Projektor": LawRow(
        sf.laws.Projektor(a0=3.0, a1=-0.1, b0=0.5, b1=-0.02),
        between(log_uniform(N=(1e3, 1e5)), x=(0.0, 2.0)),
        between(log_uniform(N=(1e3, 1e9)), x=(0.0, 2.0)),
    ),
    "Transfer": LawRow(sf.laws.Transfer.published("python"), log_uniform(D_F=(1e5, 1e9), N=(1e6, 1e9))),
    "FineTuning": LawRow(
        sf.laws.FineTuning(E=0.9, A=60.0, alpha=0.12, beta=0.15), log_uniform(X=(1e8, 1e10), D_f=(1e4, 1e7)), floor="E"
    ),
    "RectifiedFineTuning": LawRow(
        sf.laws.RectifiedFineTuning(E=0.9, B=300.0, D_l=150.0, beta=0.6), log_uniform(x=(1e2, 1e6)), floor="E"
    ),
    "BestOfN": LawRow(sf.laws.BestOfN(alpha=1.0, beta=0.1), log_uniform(d=(0.5, 6.0)), log_uniform(d=(0.1, 9.0))),
    "RewardOfPolicy": LawRow(
        sf.laws.RewardOfPolicy(alpha=1.0, beta=0.3), log_uniform(d=(0.5, 10.0)), log_uniform(d=(0.1, 20.0))
    ),
    "PassRate": LawRow(
        sf.laws.PassRate(A=[1.1, 1.0, 0.9, 0.8], K=0.3, N_0=2e9, size=("s", "m", "l", "xl")),
        sizes_in_training,
        sizes_in_training,
        kept=("X",),
    ),
    "ScaleRL": LawRow(sf.laws.ScaleRL(R_0=0.2, A=0.61, B=1.2, C_mid=1e21), log_uniform(C=(1e19, 1e23)), floor="R_0"),
}
"""Every exported law, by name; a law with more than one form has a row for each."""

OF_EACH_KIND = (
    "PowerLaw", "Chinchilla", "QQT", "QQT-released", "PoolsQQT", "PoolsQQT-own", "BNSL-2", "Farseer", "SparseWeights",
    "CleanNoisy", "MultiPower", "Observational", "Sloth", "PassRate",
)  # fmt: skip
"""Laws of every kind of input, axis and option: what does not look at the formula of a law meets no other."""


def one_by_one(law: AbstractLaw, point: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as tables have them: those along an axis a column each, labels by name, a series an array a run."""
    found: dict[str, Any] = {}
    kinds = inputs_of(law)
    for base, names in input_names(law).items():
        said = kinds[base]
        if isinstance(said, Label):
            found[base] = np.array(law.entries(said.axis or base))[point[base]]
        elif isinstance(said, Series):
            found[base] = [one[real] for one, real in zip(*point[base], strict=True)]
        else:
            found |= {name: point[base] if names == (base,) else point[base][..., i] for i, name in enumerate(names)}
    return found


def runs_at(law: AbstractLaw, point: Mapping[str, Any], value: np.ndarray) -> sf.Runs:
    """Runs with these inputs and targets."""
    columns, kinds = one_by_one(law, point), inputs_of(law)
    labels = [name for name in columns if isinstance(kinds.get(name), Label)]
    runs = sf.Runs(value, **{name: column for name, column in columns.items() if name not in labels})
    for name in labels:
        runs = runs.with_column(name, columns[name])
    return runs


def wide_inputs(row: LawRow, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Inputs of a row over the whole range where its law must stay finite."""
    everywhere = log_uniform(**dict.fromkeys(row.truth.inputs, (1e3, 1e15)))
    return (row.wide or everywhere)(rng, count)


def made_up_problem(
    law: AbstractLaw, count: int, *, noise: Any = None, fixed: tuple[str, ...] = (), studies: int = 0, **source: Any
) -> Problem:
    """A problem that costs no fit: so many runs, of each of several studies if so, spread over the usual sizes.

    **Arguments:**

    - `source`: What the problem says of its source instead, by field.
    """
    rows = count * max(studies, 1)
    place, kinds = np.arange(rows), input_kinds(law)
    # Each in another order, so that runs tell one from another.
    inputs: dict[str, Any] = {
        n: np.geomspace(1e7, 1e10, rows)[place * (1 + 10 * i) % rows] for i, n in enumerate(kinds)
    }
    inputs |= {n: np.linspace(0.0, 1.0, rows) for n, said in kinds.items() if isinstance(said, Fraction)}
    inputs |= {
        n: [np.linspace(1.0, 1.0 / (k + 2), 3 + k % 4) for k in place]
        for n, s in kinds.items()
        if isinstance(s, Series)
    }
    shared = [n for n, said in kinds.items() if said.unit == SHARE]
    inputs |= {n: np.asarray(place % len(shared) == i, float) for i, n in enumerate(shared)}
    named = {n: np.array(law.entries(said.axis or n)) for n, said in kinds.items() if isinstance(said, Label)}
    labels = {n: entries[place % len(entries)] for n, entries in named.items()}
    group = np.repeat([f"study {s}" for s in range(studies)], count) if studies else None
    numbers = {n: column for n, column in inputs.items() if n not in labels}
    runs = sf.Runs(np.linspace(0.1, 0.9, rows), target="error", group=group, name="a table", **numbers)
    for name, column in labels.items():
        runs = runs.with_column(name, column)
    noise = sf.noise.Huber(2e-3) if noise is None else noise
    problem = Problem.of(law, runs, noise, fixed, "group" if studies else None)
    return dataclasses.replace(problem, source=dataclasses.replace(problem.source, **source))


def posed(fit: Fit[Any], **changes: Any) -> Fit[Any]:
    """The fit as if its problem had been another; `keys` make a batch of it."""
    keys = changes.pop("keys", None)
    if keys is not None:
        changes["studies"] = dataclasses.replace(fit.problem.studies, keys=keys)
    return dataclasses.replace(fit, problem=dataclasses.replace(fit.problem, **changes))


def made_up_draws(count: int = 400) -> Ensemble[Any]:
    """An ensemble that costs no fit, like resamples of Epoch's 240 runs.

    Terms are known at the centre of the runs, exponents are not.
    """
    law, rng = Chinchilla.published("epoch"), np.random.default_rng(0)
    alpha, beta = (float(v) + s * rng.standard_normal(count) for v, s in ((law.alpha, 0.015), (law.beta, 0.021)))
    A = law.A * np.exp(np.log(1e9) * (alpha - law.alpha) + 0.02 * rng.standard_normal(count))
    B = law.B * np.exp(np.log(3e10) * (beta - law.beta) + 0.02 * rng.standard_normal(count))
    E = law.E + 0.02 * rng.standard_normal(count)
    return _about(law, Chinchilla(E=E, A=A, B=B, alpha=alpha, beta=beta))


def _about(law: Any, laws: Any) -> Ensemble[Any]:
    """A fit that ends in a law, and draws about it."""
    count, one = len(np.ravel(laws.E)), np.asarray(0.0)
    N, D = np.geomspace(5e7, 1.7e10, 8), np.array([1e11, 3e8, 2e10, 4e11, 1e9, 5e10, 4e9, 1e11])
    scatter = 0.003 * np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0])
    loss = (law.E + law.A * N**-law.alpha + law.B * D**-law.beta) * np.exp(scatter)
    runs = sf.Runs(loss, N=N, D=D, name="made up")
    problem = Problem.of(law, runs, sf.noise.Gaussian())
    ranges = {"N": (5e7, 1.7e10), "D": (3e8, 4e11), "C": (5.6e17, 1.3e22)}
    problem = dataclasses.replace(problem, source=dataclasses.replace(problem.source, ranges=ranges))
    lost = np.zeros(len(problem.free), bool)
    fit = Fit(law, one, np.asarray(0), one, scatter, lost, np.asarray(1), problem, 1, 0)
    none = np.full(count, np.nan)
    return Ensemble(laws, none, np.zeros(count, int), none, np.zeros((count, len(lost)), bool), fit, "made up", 0)


LADDER = Chinchilla(E=1.7, A=400.0, B=410.0, alpha=0.34, beta=0.28)
"""The law about which the runs of `curves_of_budgets` scatter."""


def curves_of_budgets(seed: int, scatter: float = 0.005, budgets: int = 6) -> sf.Runs:
    """IsoFLOP curves of six sizes from 1e18 FLOP on, a factor of three apart."""
    rng = np.random.default_rng(seed)
    C, away = np.meshgrid(1e18 * 3.0 ** np.arange(budgets), np.linspace(-1.5, 1.5, 6), indexing="ij")
    N = np.sqrt(C / 120.0) * np.exp(away)
    D = C / 6.0 / N
    clean = LADDER.E + LADDER.A * N**-LADDER.alpha + LADDER.B * D**-LADDER.beta
    loss = clean * np.exp(scatter * rng.standard_normal(N.shape))
    return sf.Runs(loss.ravel(), N=N.ravel(), D=D.ravel(), name=f"study {seed}")
