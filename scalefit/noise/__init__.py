"""How runs scatter about a law."""

from ._noise import AbstractNoise as AbstractNoise
from ._noise import Gaussian as Gaussian
from ._noise import Huber as Huber
from ._noise import StudentT as StudentT
from ._random import random_residuals as random_residuals
