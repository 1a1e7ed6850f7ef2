"""An ensemble that costs no fit: a law, and draws about it."""

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import Chinchilla
from scalefit.params import slots
from scalefit.results import Ensemble, Fit, Source

LAW = Chinchilla.published("epoch")
DRAWS = 400


@pytest.fixture(scope="module")
def draws():
    """What resamples of the 240 runs are like: terms are known at the centre of the runs, exponents are not."""
    rng = np.random.default_rng(0)
    alpha, beta = (float(v) + s * rng.standard_normal(DRAWS) for v, s in ((LAW.alpha, 0.015), (LAW.beta, 0.021)))
    A = LAW.A * np.exp(np.log(1e9) * (alpha - LAW.alpha) + 0.02 * rng.standard_normal(DRAWS))
    B = LAW.B * np.exp(np.log(3e10) * (beta - LAW.beta) + 0.02 * rng.standard_normal(DRAWS))
    E = LAW.E + 0.02 * rng.standard_normal(DRAWS)
    return ensemble(LAW, Chinchilla(E=E, A=A, B=B, alpha=alpha, beta=beta))


def ensemble(law, laws):
    """A fit that ends in a law, and draws about it."""
    count, one = len(np.ravel(laws.E)), np.asarray(0.0)
    ranges = {"N": (5e7, 1.7e10), "D": (3e8, 4e11), "C": (5.6e17, 1.3e22)}
    source = Source("made up", "", "loss", 3, ranges)
    free = tuple(slot.name for slot in slots(law))
    lost = np.zeros(len(free), bool)
    fit = Fit(law, one, np.asarray(0), one, np.zeros(3), lost, np.asarray(1), sf.noise.Gaussian(), 1, free, 0, source)
    none = np.full(count, np.nan)
    return Ensemble(laws, none, np.zeros(count, int), none, np.zeros((count, len(free)), bool), fit, "made up", 0)
