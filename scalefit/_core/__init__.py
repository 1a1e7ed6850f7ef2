"""Errors, checks, result codes and whole files: every layer may use them, and they use none; quick to import."""

from ._cache import cache as cache
from ._check import check_choice as check_choice
from ._check import check_distinct as check_distinct
from ._check import check_names as check_names
from ._check import check_number as check_number
from ._check import check_probability as check_probability
from ._check import check_type as check_type
from ._check import is_number as is_number
from ._errors import FloorWarning as FloorWarning
from ._errors import InputError as InputError
from ._errors import LeftOutWarning as LeftOutWarning
from ._errors import NotConverged as NotConverged
from ._errors import OptimumWarning as OptimumWarning
from ._errors import OverfitWarning as OverfitWarning
from ._errors import Phrase as Phrase
from ._errors import shown as shown
from ._files import folder_written_whole as folder_written_whole
from ._files import sweep as sweep
from ._files import written_whole as written_whole
from ._named import named as named
from ._nearest import hint as hint
from ._nearest import listed as listed
from ._nearest import nearest as nearest
from ._nearest import suggestion as suggestion
from ._results import RESULTS as RESULTS
from ._text import visible as visible
