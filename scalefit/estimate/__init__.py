"""From a law, runs and a noise to a fit and its uncertainty."""

from ._fit import fit as fit
