r"""How the scatter of runs depends on columns: scoring of restricted likelihood, and a score test.

With r the residuals of a law, J its slopes, z the columns (the first all 1) and $\ln s_i = z_i \cdot g$, repeatedly:

    q      orthonormal columns that span J/s; h_i = |q_i|² is how far run i draws the law to itself
    U      Σ z_i (ψ(u_i) u_i - 1 + h_i), u = r/s
    I      κ Σ z_i z_i' (1 - 2 h_i) + κ Σ_ij z_i z_j' (q_i·q_j)²
    g      ← g + I⁻¹ U, less of it where the likelihood fell

κ is Fisher's information of a run about ln s, 2 for normal runs, of which this is restricted maximum likelihood (Smyth
2002); for others it is the adjusted profile likelihood of Cox and Reid (1987), location and scale being orthogonal.
"""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from ..noise import AbstractNoise

STEPS = 30
"""Steps of scoring at most: where law and scatter are fitted in turn, the next turn goes on."""
REST = 1e-6
"""Largest change of any ln s by which scoring has come to rest."""
DRAWS = 2000
"""Studies of constant scatter, simulated to know how large the statistic of the test becomes by chance."""


class Layout(NamedTuple):
    """Studies as scoring sees them; beyond their ends `real` is false and all else 0.

    **Arguments:**

    - `residual`, `slope`: Of the law, as precise as each other by the runs' own `se`.
    - `z`: Columns, the first all 1.
    - `real`: Which entries are runs.
    """

    residual: Float[np.ndarray, "study run"]
    slope: Float[np.ndarray, "study run number"]
    z: Float[np.ndarray, "study run column"]
    real: Bool[np.ndarray, "study run"]


def information_of(noise: AbstractNoise) -> tuple[float, float]:
    """Fisher's information of a run of scale 1 about its location and about ln s, by the density."""
    # Evenly in the logarithm far out, so that heavy tails are met.
    along = np.linspace(-20.0, 20.0, 8001)
    u, step = np.sinh(along), np.cosh(along) * (along[1] - along[0])
    with jax.enable_x64(True), np.errstate(all="ignore"):  # for a noise of the user's own, written for JAX alone
        mass = np.exp(np.asarray(noise.log_density(u, np.zeros_like(u)))) * step
        scores = [np.asarray(score) for score in noise.score(u, np.zeros_like(u))]
    location, scale = (float(np.nansum(mass * score**2)) for score in scores)
    return location, scale


def _basis(slope: Float[np.ndarray, "study run number"]) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal columns that span the slopes, zeros for directions that no run informs, and half of ln |J'J|."""
    size = np.linalg.norm(slope, axis=1)
    unit = np.where(size > 0.0, size, 1.0)
    scaled = slope / unit[:, None]
    values, vectors = np.linalg.eigh(np.swapaxes(scaled, 1, 2) @ scaled)
    kept = values > 1e-13 * values[:, -1:]
    q = scaled @ (vectors * (kept / np.sqrt(np.where(kept, values, 1.0)))[:, None])
    return q, np.sum(0.5 * np.log(np.where(kept, values, 1.0)) + np.log(unit), axis=1)


def _information(
    q: Float[np.ndarray, "study run number"], z: Float[np.ndarray, "study run column"]
) -> Float[np.ndarray, "study column column"]:
    """I over κ, without a matrix of runs by runs."""
    h, across = np.sum(q**2, axis=-1, keepdims=True), np.swapaxes(q, 1, 2)
    between = np.stack([across @ (z[..., a, None] * q) for a in range(z.shape[-1])], axis=1)
    flat = between.reshape(*between.shape[:2], -1)
    return np.swapaxes(z, 1, 2) @ ((1.0 - 2.0 * h) * z) + flat @ np.swapaxes(flat, 1, 2)


def scored(
    of: Layout, noise: AbstractNoise, start: Float[np.ndarray, "study column"]
) -> tuple[Float[np.ndarray, "study column"], Bool[np.ndarray, " study"]]:
    """The coefficients g of each study, and whether they came to rest."""
    kappa, g = information_of(noise)[1], start.copy()
    tried, share = g, np.ones(len(g))
    best = np.full(len(g), -np.inf)
    step, rested = np.zeros(g.shape), np.zeros(len(g), bool)
    for _ in range(STEPS):
        log_s = np.einsum("src,sc->sr", of.z, tried)
        q, volume = _basis(of.slope * np.exp(-log_s)[..., None])
        with jax.enable_x64(True):
            likely = np.sum(np.where(of.real, np.asarray(noise.log_density(of.residual, log_s)), 0.0), axis=1) - volume
        better = likely >= best - 1e-12 * (1.0 + np.abs(likely))
        g, best = np.where(better[:, None], tried, g), np.where(better, likely, best)
        score = np.einsum("src,sr->sc", of.z, _scores(of, noise, log_s, q))
        fresh = np.einsum("sab,sb->sa", np.linalg.pinv(kappa * _information(q, of.z), hermitian=True), score)
        # No scatter changes by more than an e-fold in a step, as its likelihood is far from a parabola there.
        far = np.max(np.abs(np.einsum("src,sc->sr", of.z, fresh)), axis=1)
        step = np.where(better[:, None], fresh / np.maximum(far, 1.0)[:, None], step)
        share = np.where(better, np.minimum(2.0 * share, 1.0), 0.25 * share)
        rested |= better & (far < REST)
        if rested.all():
            break
        tried = np.where(rested[:, None], g, g + share[:, None] * step)
    return g, rested


def _scores(of: Layout, noise: AbstractNoise, log_s: np.ndarray, q: np.ndarray) -> Float[np.ndarray, "study run"]:
    with jax.enable_x64(True):
        score = np.asarray(noise.score(of.residual, log_s)[1])
    return np.where(of.real, score + np.sum(q**2, axis=-1), 0.0)


def covariance_of(
    of: Layout, noise: AbstractNoise, g: Float[np.ndarray, "study column"]
) -> Float[np.ndarray, "study column column"]:
    """Of the coefficients, by the information of the runs."""
    q, _ = _basis(of.slope * np.exp(-np.einsum("src,sc->sr", of.z, g))[..., None])
    return np.linalg.pinv(information_of(noise)[1] * _information(q, of.z), hermitian=True)


def constant_test(
    of: Layout, noise: AbstractNoise, seed: int
) -> tuple[Float[np.ndarray, " study"], Float[np.ndarray, " study"]]:
    """The statistic of a score test that all coefficients but the first are 0, and its probability by chance.

    The statistic is U' I⁻¹ U at constant scatter. By chance it is as large as in studies that are simulated with the
    noise at the same slopes: exactly so for normal runs of a law that is linear over their scatter.
    """
    location, kappa = information_of(noise)
    g, _ = scored(of._replace(z=of.z[..., :1]), noise, np.log(_spread(of))[:, None])
    q, statistic, p = _basis(of.slope)[0], np.empty(len(g)), np.empty(len(g))
    weight = np.linalg.pinv(kappa * _information(q, of.z), hermitian=True)
    score = np.einsum("src,sr->sc", of.z, _scores(of, noise, np.broadcast_to(g, of.real.shape), q))
    for s in range(len(g)):
        statistic[s] = score[s] @ weight[s] @ score[s]
        rows = np.flatnonzero(of.real[s])
        own, z = q[s, rows], of.z[s, rows]
        # The same for every study, so that one has the same answer in a batch and by itself.
        rng = np.random.default_rng([seed, 0x5CA7])
        off = noise.sample(np.ones((DRAWS, rows.size)), rng)
        with jax.enable_x64(True):
            pull = -np.asarray(noise.score(off, np.zeros_like(off))[0]) / location
        drawn = off - (pull @ own) @ own.T
        many = Layout(drawn, np.broadcast_to(own, (DRAWS, *own.shape)), np.ones((*drawn.shape, 1)), drawn == drawn)
        each = _at_rest(many, noise, own)
        by_chance = _scores(many, noise, np.broadcast_to(each[:, None], drawn.shape), own[None]) @ z
        size = np.einsum("da,ab,db->d", by_chance, weight[s], by_chance)
        p[s] = (1.0 + np.sum(size >= statistic[s])) / (1.0 + DRAWS)
    return statistic, p


def _spread(of: Layout) -> Float[np.ndarray, " study"]:
    """The root mean square of the residuals, and next to nothing where there are none."""
    square = np.sum(np.where(of.real, of.residual, 0.0) ** 2, axis=1) / of.real.sum(axis=1)
    return np.sqrt(np.maximum(square, np.finfo(float).tiny))


def _at_rest(many: Layout, noise: AbstractNoise, own: Float[np.ndarray, "run number"]) -> Float[np.ndarray, " draw"]:
    """The one ln s of each simulated study, by scoring that knows the slopes to be the same."""
    kappa, log_s = information_of(noise)[1], np.log(_spread(many))
    information = kappa * float(_information(own[None], np.ones((1, len(own), 1)))[0, 0, 0])
    for _ in range(STEPS):
        step = (
            _scores(many, noise, np.broadcast_to(log_s[:, None], many.real.shape), own[None]).sum(axis=1) / information
        )
        log_s = log_s + np.clip(step, -1.0, 1.0)
        if np.max(np.abs(step)) < REST:
            break
    return log_s
