"""Words to laws, noises, priors and runs, as commands and files of sweeps give them."""

from ._bare import bare as bare
from ._candidates import candidates as candidates
from ._law import family_of as family_of
from ._law import known_laws as known_laws
from ._law import law_class as law_class
from ._law import law_named as law_named
from ._law import law_of as law_of
from ._law import laws_of_file as laws_of_file
from ._law import published as published
from ._law import said_of_published as said_of_published
from ._law import with_fixed as with_fixed
from ._noise import NOISES as NOISES
from ._noise import noise_of as noise_of
from ._noise import noise_spec as noise_spec
from ._prior import DISTRIBUTIONS as DISTRIBUTIONS
from ._prior import prior_of as prior_of
from ._runs import PREFIX as PREFIX
from ._runs import runs_of as runs_of
