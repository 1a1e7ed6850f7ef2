"""How sure a number is where several explanations of it are open, each with an error of its own."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float


class LogNormals(eqx.Module):
    r"""How sure a number above zero is whose logarithm is drawn from one of several normals.

    $P(\log y < u) = \sum_k p_k \, \Phi((u - m_k) / s_k)$; its intervals are even about the mean $\sum_k p_k m_k$.

    **Arguments:**

    - `share`: p by normal, 1 in all; `mean`: m, and `scale`: s, of the logarithm.
    """

    share: Float[np.ndarray, "normal *shape"]
    mean: Float[np.ndarray, "normal *shape"]
    scale: Float[np.ndarray, "normal *shape"]

    def __getitem__(self, place: Any) -> "LogNormals":
        here = slice(None), *(place if isinstance(place, tuple) else (place,))
        return LogNormals(self.share[here], self.mean[here], self.scale[here])

    def reshape(self, shape: tuple[int, ...]) -> "LogNormals":
        """The same along other axes."""
        return LogNormals(*(a.reshape(-1, *shape) for a in (self.share, self.mean, self.scale)))

    @property
    def centre(self) -> Float[np.ndarray, "*shape"]:
        """The mean of the logarithm."""
        return np.asarray(np.sum(self.share * self.mean, axis=0))

    @property
    def error(self) -> Float[np.ndarray, "*shape"]:
        """The standard deviation of the logarithm, times the number."""
        variance = np.sum(self.share * (self.scale**2 + (self.mean - self.centre) ** 2), axis=0)
        return np.asarray(np.exp(self.centre) * np.sqrt(variance))

    def below(self, y: float | Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The probability of less than y."""
        from scipy.special import ndtr  # a third of a second, which fits alone do not need

        return np.asarray(np.sum(self.share * ndtr((np.log(y) - self.mean) / self.scale), axis=0))

    def half(self, level: float) -> Float[np.ndarray, "*shape"]:
        """Half of the interval of a probability about the mean of the logarithm."""
        from scipy.special import ndtr

        off, scale = self.mean - self.centre, self.scale
        low, high = np.zeros(off.shape[1:]), 2.0 * (np.abs(off) + 40.0 * scale).max(axis=0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            inside = np.sum(self.share * (ndtr((middle - off) / scale) - ndtr((-middle - off) / scale)), axis=0)
            low, high = np.where(inside < level, middle, low), np.where(inside < level, high, middle)
        return np.asarray(0.5 * (low + high))

    def ends(
        self, value: Float[np.ndarray, "*shape"], level: float
    ) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
        """The ends of the interval of a level about the value, which is the exponential of the mean."""
        half = self.half(level)
        return np.asarray(value * np.exp(-half)), np.asarray(value * np.exp(half))

    def sampled(
        self, value: Float[np.ndarray, "*shape"], shape: tuple[int, ...], rng: np.random.Generator
    ) -> Float[np.ndarray, "draw *shape"]:
        """Draws about the value; one draw for all places along axes of `shape` that are 1."""
        which = np.sum(rng.random(shape) >= np.cumsum(self.share, axis=0)[:-1, None], axis=0)
        normal = rng.standard_normal(shape)
        mean, scale = (np.broadcast_to(a[:, None], (len(a), *which.shape)) for a in (self.mean, self.scale))
        mean, scale = (np.take_along_axis(a, which[None], axis=0)[0] for a in (mean, scale))
        return value * np.exp(mean - self.centre + scale * normal)
