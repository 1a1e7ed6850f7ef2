"""How runs scatter about a law: a noise a file, with its cost, its density and how it is sampled."""

from ._abstract import AbstractNoise as AbstractNoise
from ._abstract import check_noise as check_noise
from ._abstract import with_arrays as with_arrays
from ._asymmetric import Asymmetric as Asymmetric
from ._gaussian import Gaussian as Gaussian
from ._huber import Huber as Huber
from ._student_t import StudentT as StudentT
