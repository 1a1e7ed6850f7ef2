"""What to do with a budget, from fitted laws, with how sure that is."""

from ._approaches import Approaches as Approaches
from ._approaches import approaches as approaches
from ._crossover import Crossover as Crossover
from ._crossover import crossover as crossover
from ._curate import curate as curate
from ._curation import Curation as Curation
from ._curation import CurationDraws as CurationDraws
from ._envelope import Envelope as Envelope
from ._envelope import envelope as envelope
from ._isoflop import IsoFLOP as IsoFLOP
from ._isoflop import isoflop as isoflop
from ._ladder import Ladder as Ladder
from ._ladder import LadderForecast as LadderForecast
from ._ladder import ladder as ladder
from ._trend import Trend as Trend
