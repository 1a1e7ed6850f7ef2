"""Which runs to do next."""

from ._candidates import candidates_of as candidates_of
from ._candidates import sigma_of as sigma_of
from ._criteria import Scale as Scale
from ._criteria import best_batch as best_batch
from ._criteria import covariances as covariances
from ._criteria import nothing as nothing
from ._criteria import run_slopes as run_slopes
from ._criteria import scale_of as scale_of
from ._criteria import slopes as slopes
from ._design import Design as Design
from ._design import design_runs as design_runs
from ._exchange import Choice as Choice
from ._exchange import few_best as few_best
from ._information import decorrelated as decorrelated
from ._information import intraclass_correlation as intraclass_correlation
from ._refine import hull as hull
from ._refine import inside as inside
from ._target import Target as Target
from ._target import target_of as target_of
from ._templates import LAYOUTS as LAYOUTS
from ._templates import design_template as design_template
from ._templates import precision as precision
