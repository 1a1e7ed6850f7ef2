"""What every layer may use and that uses none of them: errors, result codes, whole files; importing it is quick."""

from ._errors import FloorWarning as FloorWarning
from ._errors import InputError as InputError
from ._errors import NotConverged as NotConverged
from ._errors import OptimumWarning as OptimumWarning
from ._errors import OverfitWarning as OverfitWarning
from ._files import written_whole as written_whole
from ._named import named as named
from ._number import is_number as is_number
from ._results import RESULTS as RESULTS
