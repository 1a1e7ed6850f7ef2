"""Parameters of a law: where they may lie, their units, and the flat vector that a solver sees."""

from ._constraint import Constraint as Constraint
from ._field import Parameter as Parameter
from ._field import interval as interval
from ._field import negative as negative
from ._field import nonnegative as nonnegative
from ._field import positive as positive
from ._field import real as real
from ._types import Param as Param
from ._types import Scalar as Scalar
from ._vector import Slot as Slot
from ._vector import dimension_factor as dimension_factor
from ._vector import parameters as parameters
from ._vector import rescale as rescale
from ._vector import slots as slots
from ._vector import values as values
from ._vector import with_values as with_values
