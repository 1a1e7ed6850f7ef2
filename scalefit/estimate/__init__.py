"""From a law, runs and a noise to a fit and its uncertainty."""

from ._bootstrap import bootstrap as bootstrap
from ._fit import fit as fit
from ._fit import refuse_number as refuse_number
from ._influence import Influence as Influence
from ._influence import Sensitivity as Sensitivity
from ._influence import influence as influence
from ._influence import sensitivity as sensitivity
from ._jackknife import jackknife as jackknife
from ._laplace import Covariance as Covariance
from ._laplace import covariance as covariance
from ._laplace import laplace as laplace
from ._resamples import resamples as resamples
from ._rivals import rivals_of as rivals_of
from ._scatter import Scatter as Scatter
from ._scatter import scatter as scatter
from ._starts import nodes as nodes
from ._starts import screened as screened
