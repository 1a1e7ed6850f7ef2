"""What runs say of a law's parameters, as draws from a posterior distribution."""

from ._groups import sample_groups as sample_groups
from ._prior import Prior as Prior
from ._sample import sample as sample
