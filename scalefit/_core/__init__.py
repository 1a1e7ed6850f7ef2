"""What every layer may use and that uses none of them: errors, result codes, type aliases."""

from ._errors import InputError as InputError
from ._errors import NotConverged as NotConverged
from ._results import RESULTS as RESULTS
from ._types import Param as Param
from ._types import Scalar as Scalar
