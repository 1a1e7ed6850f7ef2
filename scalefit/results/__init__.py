"""What verbs return: fits, ensembles, bands."""

from ._fit import Ensemble as Ensemble
from ._fit import Fit as Fit
from ._fit import Source as Source
