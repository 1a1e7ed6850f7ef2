"""What runs say of a law's parameters, as draws from a posterior distribution."""

from ._prior import Prior as Prior
from ._sample import prior as prior
from ._sample import sample as sample
