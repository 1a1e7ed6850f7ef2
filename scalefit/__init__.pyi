"""The public names; the package loads each when it is first used."""

from . import laws as laws
from . import noise as noise
from . import params as params
from . import plot as plot
from . import posterior as posterior
from ._core import RESULTS as RESULTS
from ._core import FloorWarning as FloorWarning
from ._core import InputError as InputError
from ._core import NotConverged as NotConverged
from ._core import OptimumWarning as OptimumWarning
from ._core import OverfitWarning as OverfitWarning
from .data import Pools as Pools
from .data import Runs as Runs
from .data import data_sets as data_sets
from .data import fetch as fetch
from .data import load_data as load_data
from .data import pooled as pooled
from .data import read_runs as read_runs
from .estimate import bootstrap as bootstrap
from .estimate import covariance as covariance
from .estimate import fit as fit
from .estimate import influence as influence
from .estimate import laplace as laplace
from .estimate import sensitivity as sensitivity
from .plan import Crossover as Crossover
from .plan import Curation as Curation
from .plan import IsoFLOP as IsoFLOP
from .plan import Ladder as Ladder
from .plan import Trend as Trend
from .plan import crossover as crossover
from .plan import curate as curate
from .plan import isoflop as isoflop
from .plan import ladder as ladder
from .posterior import prior as prior
from .posterior import sample as sample
from .results import Band as Band
from .results import Ensemble as Ensemble
from .results import Estimate as Estimate
from .results import Fit as Fit
from .results import load as load
from .results import predict as predict
from .results import save as save
from .results import summary as summary

__version__: str
