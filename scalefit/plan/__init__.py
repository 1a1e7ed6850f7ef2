"""What to do with a budget, from fitted laws, with how sure that is."""

from ._allocate import allocate as allocate
from ._allocation import Allocation as Allocation
from ._allocation import Quantity as Quantity
from ._approaches import Approaches as Approaches
from ._approaches import approaches as approaches
from ._compute_for import Needed as Needed
from ._compute_for import compute_for as compute_for
from ._crossover import Crossover as Crossover
from ._crossover import crossover as crossover
from ._curate import curate as curate
from ._curation import Curation as Curation
from ._curation import CurationDraws as CurationDraws
from ._envelope import Envelope as Envelope
from ._envelope import envelope as envelope
from ._gain import Gain as Gain
from ._gain import gain as gain
from ._gain import overtakes as overtakes
from ._isoflop import IsoFLOP as IsoFLOP
from ._isoflop import isoflop as isoflop
from ._ladder import Ladder as Ladder
from ._ladder import LadderForecast as LadderForecast
from ._ladder import ladder as ladder
from ._optimum import best_size as best_size
from ._trend import Trend as Trend
