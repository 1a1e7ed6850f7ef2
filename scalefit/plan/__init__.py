"""What to do with a budget, from fitted laws, with how sure that is."""

from ._allocate import allocate as allocate
from ._allocation import Allocation as Allocation
from ._allocation import Quantity as Quantity
from ._compute_for import Needed as Needed
from ._compute_for import compute_for as compute_for
from ._crossover import Crossover as Crossover
from ._crossover import crossover as crossover
from ._curate import curate as curate
from ._curation import Curation as Curation
from ._curation import CurationDraws as CurationDraws
from ._gain import Gain as Gain
from ._gain import gain as gain
from ._gain import overtakes as overtakes
from ._optimum import best_size as best_size
