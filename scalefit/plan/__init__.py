"""What to do with a budget, from fitted laws, with how sure that is."""

from ._allocate import allocate as allocate
from ._allocation import Allocation as Allocation
from ._allocation import Quantity as Quantity
from ._crossover import Crossover as Crossover
from ._crossover import crossover as crossover
from ._curate import curate as curate
from ._curation import Curation as Curation
from ._curation import CurationDraws as CurationDraws
from ._optimum import best_size as best_size
