"""What to do with a budget, from fitted laws, with how sure that is."""

from ._crossover import Crossover as Crossover
from ._crossover import crossover as crossover
from ._curate import curate as curate
from ._curation import Curation as Curation
from ._curation import CurationDraws as CurationDraws
from ._design import Design as Design
from ._design import design_runs as design_runs
from ._templates import design_template as design_template
from ._templates import precision as precision
