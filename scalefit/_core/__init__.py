"""What every layer may use and that uses none of them: errors, result codes, type aliases."""

from ._errors import InputError as InputError
from ._errors import NotConverged as NotConverged
