"""Which runs to do next."""

from ._design import Design as Design
from ._design import design_runs as design_runs
from ._templates import LAYOUTS as LAYOUTS
from ._templates import design_template as design_template
from ._templates import precision as precision
